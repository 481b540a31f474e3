"""Networks of the heat campaign: what pandapipes bundles, ours, and one per element or shape."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandapipes as pp
from pandapipes.networks import simple_heat_transfer_networks as heat_module
from pandapipes.networks import simple_water_networks as water_module

from tests.support.heat import tree_network
from tests.support.heat_mesh import MESHES

ROOT = Path(__file__).parents[2]
OWN = tuple(
    str(path.relative_to(ROOT / "networks"))
    for name in ("heat", "cooling")
    for path in sorted((ROOT / "networks").glob(f"*/{name}.json"))
)
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "schutterwald_heat": {"supply_temperature_c": 90.0},
    "ours: chilled/cooling.json": {"kind": "cooling", "ground_temperature_c": 18.0},
}
QUICK = ("ours: chilled/cooling.json", "chords across rings", "bypass pipe and flow control")
"""Networks that are tested every time, over a few steps."""


def bundled() -> dict[str, Callable[[], Any]]:
    """Return every function of pandapipes that makes a network of liquid."""
    found = {}
    for module in (heat_module, water_module):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__:
                found[name] = function
    found["schutterwald_heat"] = schutterwald
    return found


def schutterwald() -> Any:
    """Return pandapipes' town with customers whose heat its wide pipes do not lose on the way."""
    net = heat_module.schutterwald_heat(treturn_degC=50, u_w_per_m2k=0.1)
    net.heat_consumer["qext_w"] = 60e3
    return net


def own(name: str) -> Callable[[], Any]:
    """Return a maker of a network that is shipped with cosim."""
    return lambda: pp.from_json(str(ROOT / "networks" / name))


def networks() -> dict[str, Callable[[], Any]]:
    """Return name -> maker of every network of the campaign."""
    found = bundled()
    found.update({f"ours: {name}": own(name) for name in OWN})
    found["tree over hills"] = lambda: tree_network(30, seed=1)
    found.update(MESHES)
    return found
