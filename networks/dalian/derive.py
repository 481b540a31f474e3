"""Make the three networks of the Dalian example; see README.md for what is assumed.

Run from the repository: python networks/dalian/derive.py
"""

from __future__ import annotations

import math
from pathlib import Path

import pandapipes
import pandapower
import pandas as pd

from cosim.grids.sizing import SizingRules, size_heat_network

HERE = Path(__file__).parent
ORIGIN = (121.60, 38.91)
"""Longitude and latitude of the 10 kV station."""
KM_PER_DEGREE = (111.32 * math.cos(math.radians(38.91)), 110.57)
CLUSTERS = {
    "north": (0.55, 0.45),
    "east": (1.15, 0.25),
    "south": (0.60, -0.35),
    "west": (1.30, -0.30),
}
OTHERS = {"school": (0.30, 0.15), "hotel": (0.95, -0.05)}
"""Places in km from the station: participants, and customers who do not take part."""
TRENCH = (("station", "school"), ("school", "north"), ("school", "hotel"), ("hotel", "east"),
          ("hotel", "south"), ("east", "west"))  # fmt: skip
HEAT_LOAD_KW = {"north": 2400.0, "east": 2400.0, "south": 2200.0, "west": 2200.0,
                "school": 900.0, "hotel": 1200.0}  # fmt: skip
GAS_LOAD_KW = {"school": 300.0, "hotel": 900.0}
GAS_DN_MM = {("station", "school"): 204.6, ("school", "hotel"): 158.3}
GAS_BRANCH_MM = 130.4
BACKGROUND = {
    "electric": [("load", "school", "office_electric", 90.0),
                 ("load", "hotel", "retail_electric", 160.0)],
    "heat": [("heat_consumer", "school", "office_heat", 250.0),
             ("heat_consumer", "hotel", "retail_heat", 420.0)],
    "gas": [("sink", "school", "office_heat", 60.0), ("sink", "hotel", "retail_heat", 200.0)],
}  # fmt: skip
"""Table, element, profile of the example, mean power over the year in kW."""
DETOUR = 1.25
"""Trench over straight distance."""


def places() -> dict[str, tuple[float, float]]:
    """Return every place in km."""
    return {"station": (0.0, 0.0), **OTHERS, **CLUSTERS}


def lonlat(name: str) -> tuple[float, float]:
    """Return longitude and latitude of a place."""
    x, y = places()[name]
    return (ORIGIN[0] + x / KM_PER_DEGREE[0], ORIGIN[1] + y / KM_PER_DEGREE[1])


def km(a: str, b: str) -> float:
    """Return the trench length between two places."""
    return DETOUR * math.dist(places()[a], places()[b])


def electric_net() -> pandapower.pandapowerNet:
    """Return a 10 kV open ring with a 10/0.4 kV station per place."""
    net = pandapower.create_empty_network("dalian electric")
    high = {
        name: pandapower.create_bus(net, 10.0, name=f"{name} 10 kV", geodata=lonlat(name))
        for name in places()
    }
    pandapower.create_ext_grid(net, high["station"], vm_pu=1.02, s_sc_max_mva=300.0, rx_max=0.1)
    ring = (*TRENCH, ("station", "south"), ("north", "east"), ("south", "west"))
    for a, b in ring:
        line = pandapower.create_line(
            net, high[a], high[b], km(a, b), "NA2XS2Y 1x185 RM/25 6/10 kV", name=f"{a} to {b}"
        )
        if (a, b) in (("north", "east"), ("hotel", "south"), ("south", "west")):
            pandapower.create_switch(net, high[b], line, "l", closed=False, name=f"open {a} {b}")
    for name in (*CLUSTERS, *OTHERS):
        low = pandapower.create_bus(net, 0.4, name=name, geodata=lonlat(name))
        units = 4 if name in CLUSTERS else 1
        pandapower.create_transformer(
            net, high[name], low, "0.63 MVA 10/0.4 kV", name=f"{name} station", parallel=units,
            tap_pos=0,
        )  # fmt: skip
        if name in OTHERS:
            pandapower.create_load(net, low, p_mw=0.2, q_mvar=0.05, name=name)
    net.trafo["tap_changer_type"] = "Ratio"
    return net


def heat_net() -> pandapipes.pandapipesNet:
    """Return supply and return mains with a station per place, sized for the design loads."""
    net = pandapipes.create_empty_network("dalian heat", fluid="water")
    sides = {
        side: {
            name: pandapipes.create_junction(
                net, bar, kelvin, name=f"{name} {side}", geodata=lonlat(name)
            )
            for name in places()
        }
        for side, bar, kelvin in (("supply", 8.0, 353.15), ("return", 4.0, 323.15))
    }
    for a, b in TRENCH:
        for side, (start, end) in (("supply", (a, b)), ("return", (b, a))):
            pandapipes.create_pipe_from_parameters(
                net, sides[side][start], sides[side][end], km(a, b), inner_diameter_mm=100.0,
                k_mm=0.05, u_w_per_m2k=1.0, text_k=276.15, name=f"{side} {a} to {b}",
            )  # fmt: skip
    for name, kw in HEAT_LOAD_KW.items():
        pandapipes.create_heat_consumer(
            net, sides["supply"][name], sides["return"][name], qext_w=1000.0 * kw,
            treturn_k=323.15, name=name,
        )  # fmt: skip
    pandapipes.create_circ_pump_const_pressure(
        net, sides["return"]["station"], sides["supply"]["station"], p_flow_bar=8.0,
        plift_bar=3.0, t_flow_k=353.15, name="station",
    )  # fmt: skip
    loads = pd.Series(1000.0 * pd.Series(HEAT_LOAD_KW).to_numpy(), index=net.heat_consumer.index)
    return size_heat_network(net, loads, SizingRules(ground_temperature_c=3.0)).net


def gas_net() -> pandapipes.pandapipesNet:
    """Return a 1 bar network along the same trenches."""
    net = pandapipes.create_empty_network("dalian gas", fluid="hgas")
    nodes = {
        name: pandapipes.create_junction(net, 1.0, 283.15, name=name, geodata=lonlat(name))
        for name in places()
    }
    pandapipes.create_ext_grid(net, nodes["station"], p_bar=1.0, t_k=283.15, name="station")
    for a, b in TRENCH:
        pandapipes.create_pipe_from_parameters(
            net, nodes[a], nodes[b], km(a, b),
            inner_diameter_mm=GAS_DN_MM.get((a, b), GAS_BRANCH_MM), k_mm=0.1, name=f"{a} to {b}",
        )  # fmt: skip
    for name, kw in GAS_LOAD_KW.items():
        pandapipes.create_sink(net, nodes[name], kw / 13.1 / 3600.0, name=name)
    return net


def main() -> None:
    """Write the files beside this script."""
    pandapower.to_json(electric_net(), str(HERE / "electric.json"))
    pandapipes.to_json(heat_net(), str(HERE / "heat.json"))
    pandapipes.to_json(gas_net(), str(HERE / "gas.json"))
    for kind, rows in BACKGROUND.items():
        table = pd.DataFrame(rows, columns=["element", "id", "profile", "scale_kw"])
        table.to_csv(HERE / f"background_{kind}.csv", index=False)


if __name__ == "__main__":
    main()
