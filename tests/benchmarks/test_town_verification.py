"""The town's 96 steps in all three networks: batch kernels against plain loops, in one process.

The loop is what a user of the plain packages writes: put one step's set-points into the network
file of a run, call `runpp` or `pipeflow`, take the results, go on. It is timed on every eighth step
and counted per step; results are compared at those steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim import api
from cosim.coupling.networks import Networks, idle
from cosim.grids import build_grids
from cosim.grids.base import Grid
from cosim.records import Injections, read_only
from cosim.scenario import Scenario

pytestmark = pytest.mark.benchmark
SCENARIO = Path(__file__).parents[2] / "examples" / "schutterwald"
EVERY = 8
LARGEST: Mapping[str, tuple[tuple[str, str, float], ...]] = {
    "electric": (("bus", "vm_pu", 1e-6),),
    "heat": (("junction", "p_bar", 1e-4), ("junction", "t_k", 0.01)),
    "gas": (("junction", "p_bar", 1e-4),),
}


@dataclass(frozen=True)
class Town:
    """Adapters and a schedule: everyone draws its own demand, the CHP at the edge feeds in."""

    networks: Networks
    injections: Mapping[str, Injections]


@pytest.fixture(scope="module")
def town() -> Town:
    scenario = api.load(SCENARIO)
    grids = build_grids(scenario.networks)
    entries = {name: schedule(scenario, name, grid) for name, grid in grids.items()}
    return Town(Networks(grids), entries)


def schedule(scenario: Scenario, name: str, grid: Grid) -> Injections:
    carrier = {"electric": "electricity", "heat": "heat", "gas": "gas"}[name]
    entry = idle(grid)
    p_kw = np.zeros(entry.p_kw.shape)
    for k, terminal in enumerate(entry.terminals):
        participant = scenario.config.participants.get(terminal)
        if participant is not None and carrier in participant.demand:
            p_kw[:, k] = -scenario.series(participant.demand[carrier])
    if "chp_operator" in entry.terminals and name != "electric":
        p_kw[:, entry.terminals.index("chp_operator")] = 150.0 if name == "heat" else -400.0
    return replace(entry, p_kw=read_only(p_kw))


def loop_seconds_per_step(grid: Grid, name: str, entry: Injections) -> tuple[float, dict[int, Any]]:
    """Time the plain loop and return its results at the steps that were run."""
    import pandapipes
    import pandapower

    module = pandapower if name == "electric" else pandapipes
    net = module.from_json_string(grid.network_json(entry))
    frame = grid.setpoints_frame(entry).astype({"element": str, "quantity": str})
    stamps = pd.unique(frame["time"])
    tables = {
        key: part.pivot(index="time", columns="id", values="value")
        for key, part in frame.groupby(["element", "quantity"], observed=True)
    }
    spent, found = [], {}
    for step in range(0, len(stamps), EVERY):
        began = perf_counter()
        for (table, column), values in tables.items():
            net[table].loc[values.columns, column] = values.loc[stamps[step]].to_numpy()
        if name == "electric":
            pandapower.runpp(net)
        else:
            pandapipes.pipeflow(net)
        spent.append(perf_counter() - began)
        found[step] = {
            quantity: net[f"res_{element}"][quantity].copy()
            for element, quantity, _ in LARGEST[name]
        }
    return median(spent), found


def test_town_is_verified_ten_times_faster_than_by_plain_loops(town: Town) -> None:
    for name, grid in town.networks.grids.items():
        grid.verify(town.injections[name])  # compiles once
    began = perf_counter()
    states = {
        name: grid.verify(town.injections[name]) for name, grid in town.networks.grids.items()
    }
    batch = perf_counter() - began
    loop = 0.0
    for name, grid in town.networks.grids.items():
        assert not states[name].failures
        per_step, found = loop_seconds_per_step(grid, name, town.injections[name])
        loop += per_step * len(grid.inputs.time)
        for element, quantity, largest in LARGEST[name]:
            column = states[name].get(element, quantity)
            for step, results in found.items():
                plain = results[quantity].loc[column.ids].to_numpy()
                assert np.nanmax(np.abs(column.values[step] - plain)) <= largest, (name, step)
    print(f"town, 96 steps, three networks: batch {loop / batch:.0f} times faster than plain loops")
    assert loop >= 10.0 * batch
