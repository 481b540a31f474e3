"""Build adapters from the plain numbers of a reference case.

A case is a folder with

- `input.json`: the network as numbers, `kind` says which builder reads it;
- `expected.json`: what -> value, with answers that do not come from this project;
- `tolerance.json`: what -> how far off still passes, in the unit of the value;
- `README.md`: circuit, source, and how the expected values were found.

`what` is `loss_kw`, `slack_kw`, `auxiliary_kw`, `element.quantity[id]`, `min element.quantity`, or
`element.dp_bar[id]` for the pressure that a pipe loses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cosim.grids import Grid, build_grid
from cosim.records import (
    Background,
    ElementSeries,
    GridStates,
    NetworkInputs,
    TimeAxis,
    read_only,
)
from cosim.scenario.networks import (
    BackgroundSettings,
    ElectricNetwork,
    GasNetwork,
    HeatNetwork,
)

Numbers = Mapping[str, Any]
CASES = Path(__file__).parent
NOMINAL = BackgroundSettings(unlisted="nominal")
KELVIN = 273.15
QUIET_LHV = 13.1


def names() -> list[str]:
    """Return every case, by folder name."""
    return sorted(path.parent.name for path in CASES.glob("*/input.json"))


def read(case: str, part: str) -> dict[str, Any]:
    """Return one of the JSON files of a case."""
    content = json.loads((CASES / case / f"{part}.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def adapter(case: str, folder: Path) -> Grid:
    """Return the adapter of a case, its network file written into `folder`."""
    numbers = read(case, "input")
    builder = {"electric": _electric, "gas": _gas, "heat": _heat}[numbers["kind"]]
    return builder(numbers, folder / "network.json")


def value(states: GridStates, what: str) -> float:
    """Return one number of a state at its first step."""
    if what in ("loss_kw", "slack_kw", "auxiliary_kw"):
        return float(getattr(states, what)[0])
    if what.startswith("min "):
        element, quantity = what.removeprefix("min ").split(".")
        return float(np.nanmin(states.get(element, quantity).values[0]))
    parts = re.fullmatch(r"(\w+)\.(\w+)\[(\d+)\]", what)
    assert parts is not None, what
    element, quantity, id_ = parts[1], parts[2], int(parts[3])
    if quantity == "dp_bar":
        start, end = (value(states, f"{element}.{q}[{id_}]") for q in ("p_from_bar", "p_to_bar"))
        return start - end
    column = states.get(element, quantity)
    return float(column.values[0, int(np.flatnonzero(column.ids == id_)[0])])


def _rows(table: Numbers) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def _inputs(kind: Any, file: Path, settings: object, background: Background) -> NetworkInputs:
    index = pd.date_range("2024-01-15", periods=1, freq="h", tz="UTC")
    return NetworkInputs(kind, kind, file, TimeAxis(index, 1.0), (), background, settings)


def _electric(numbers: Numbers, file: Path) -> Grid:
    import pandapower as pp

    net = pp.create_empty_network()
    lines, loads = _rows(numbers["lines"]), _rows(numbers["loads"])
    for bus in sorted({row[end] for row in lines for end in ("from_bus", "to_bus")}):
        pp.create_bus(net, numbers["vn_kv"], index=bus)
    pp.create_ext_grid(net, numbers["slack_bus"], vm_pu=numbers["slack_vm_pu"])
    for row in lines:
        pp.create_line_from_parameters(
            net, row["from_bus"], row["to_bus"], 1.0, row["r_ohm"], row["x_ohm"], 0.0, 10.0
        )
    for row in loads:
        pp.create_load(net, row["bus"], row["p_kw"] / 1e3, row["q_kvar"] / 1e3)
    pp.to_json(net, str(file))
    settings = ElectricNetwork(kind="electric", file=file.name, background=NOMINAL)
    return build_grid(_inputs("electric", file, settings, Background()))


def _gas(numbers: Numbers, file: Path) -> Grid:
    import pandapipes as pp

    gas, supply = numbers["gas"], numbers["supply"]
    net = pp.create_empty_network(fluid="hgas")
    for name, constant in (
        ("density", gas["normal_density_kg_per_m3"]),
        ("viscosity", gas["viscosity_pa_s"]),
        ("compressibility", 1.0),
        ("der_compressibility", 0.0),
        ("heat_capacity", gas.get("heat_capacity_j_per_kg_k", 2000.0)),
        ("molar_mass", gas.get("molar_mass_g_per_mol", 16.0)),
    ):
        pp.create_constant_property(net, name, constant, warn_on_duplicates=False)
    for height in numbers["heights_m"]:
        pp.create_junction(net, supply["p_bar"], gas["temperature_k"], height_m=height)
    pp.create_ext_grid(net, supply["junction"], supply["p_bar"], gas["temperature_k"])
    for row in _rows(numbers["pipes"]):
        pp.create_pipe_from_parameters(
            net,
            row["from_junction"],
            row["to_junction"],
            row["length_km"],
            row["diameter_mm"],
            k_mm=row["k_mm"],
        )
    for row in _rows(numbers["withdrawals"]):
        pp.create_sink(net, row["junction"], row["mdot_kg_per_s"])
    for row in numbers.get("compressors", []):
        pp.create_compressor(net, row["from_junction"], row["to_junction"], row["pressure_ratio"])
    for row in numbers.get("pressure_controls", []):
        behind = row["to_junction"]
        pp.create_pressure_control(net, row["from_junction"], behind, behind, row["p_bar"])
    pp.to_json(net, str(file))
    settings = GasNetwork(
        kind="gas",
        file=file.name,
        background=NOMINAL,
        friction_model=numbers["friction_model"],
        lhv_kwh_per_kg=QUIET_LHV,
    )
    return build_grid(_inputs("gas", file, settings, Background()))


def _heat(numbers: Numbers, file: Path) -> Grid:
    """Return a plant with the pipe of the case as supply; its heat sets the wanted mass flow."""
    import pandapipes as pp

    warm, cold, pipe = numbers["water_c"], numbers["water_c"] - 10.0, numbers["pipe"]
    net = pp.create_empty_network(fluid="water")
    junctions = [pp.create_junction(net, 5.0, KELVIN + warm) for _ in range(4)]
    flow, house, back, home = (int(j) for j in junctions)
    for start, end in ((flow, house), (back, home)):
        pp.create_pipe_from_parameters(
            net, start, end, pipe["length_km"], pipe["diameter_mm"], k_mm=pipe["k_mm"]
        )
    capacity = net.fluid.get_heat_capacity(np.array([KELVIN + warm, KELVIN + cold])).mean()
    heat_kw = numbers["mdot_kg_per_s"] * capacity * (warm - cold) / 1e3
    pp.create_heat_consumer(net, house, back, qext_w=1e3 * heat_kw, treturn_k=KELVIN + cold)
    pp.create_circ_pump_const_pressure(net, home, flow, 6.0, 4.0, t_flow_k=KELVIN + warm)
    pp.to_json(net, str(file))
    settings = HeatNetwork(
        kind="heat",
        file=file.name,
        background=NOMINAL,
        supply_temperature_c=warm,
        return_temperature_c=cold,
        ground_temperature_c=warm,
        friction_model=numbers["friction_model"],
    )
    drawn = ElementSeries(
        "heat_consumer", read_only([0], np.int64), read_only([[-heat_kw]]), read_only([[0.0]])
    )
    return build_grid(_inputs("heat", file, settings, Background((drawn,))))
