"""Make the three networks of the example with three energy systems; see README.md for assumptions.

Run from the repository: python networks/mies/derive.py
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandapipes
import pandapower
import pandas as pd

from cosim.grids.sizing import SizingRules, size_heat_network

HERE = Path(__file__).parent
ORIGIN = (8.40, 49.01)
"""Longitude and latitude of the energy centre."""
KM_PER_DEGREE = (111.32 * math.cos(math.radians(ORIGIN[1])), 110.57)
SYSTEMS = {"park": (0.95, 0.20), "hospital": (0.45, 0.40), "housing": (0.70, -0.40)}
OTHERS = {"school": (0.30, 0.05), "offices": (0.60, 0.05)}
"""Places in km from the centre: participants, and customers who do not take part."""
TRENCH = (("centre", "school"), ("school", "hospital"), ("school", "offices"),
          ("offices", "park"), ("offices", "housing"))  # fmt: skip
TRANSFORMERS = {"park": (2, "0.63"), "hospital": (2, "0.4"), "housing": (1, "0.63"),
                "school": (1, "0.25"), "offices": (1, "0.63")}  # fmt: skip
"""10/0.4 kV transformers: how many, of how many MVA."""
DETOUR = 1.25
"""Trench over straight distance."""
BACKGROUND = {
    "electric": [("load", "school", "school_electric", 60.0),
                 ("load", "offices", "office_electric", 150.0)],
    "heat": [("heat_consumer", "school", "office_heat", 150.0),
             ("heat_consumer", "offices", "office_heat", 240.0)],
    "cooling": [("heat_consumer", "offices", "office_cooling", 260.0),
                ("heat_consumer", "school", "office_cooling", 50.0)],
}  # fmt: skip
"""Table, element, profile of the example, power in kW where the profile is 1."""


@dataclass(frozen=True)
class Water:
    """A water network as it is designed: temperatures in C, pressures in bar, loads in kW."""

    name: str
    supply_c: float
    return_c: float
    ground_c: float
    gradient_pa_per_m: float
    load_kw: dict[str, float]

    @property
    def cold(self) -> bool:
        """Whether it is chilled water."""
        return self.supply_c < self.return_c


HEAT = Water("mies heat", 80.0, 50.0, 14.0, 150.0,
             {"park": 1300.0, "hospital": 1200.0, "housing": 1100.0, "school": 500.0,
              "offices": 800.0})  # fmt: skip
COOLING = Water("mies chilled water", 6.0, 12.0, 16.0, 200.0,
                {"park": 500.0, "hospital": 700.0, "housing": 400.0, "school": 80.0,
                 "offices": 400.0})  # fmt: skip
FROST_C = 3.0
"""Ground of the exchanged chilled-water network while it is sized."""


def places() -> dict[str, tuple[float, float]]:
    """Return every place in km."""
    return {"centre": (0.0, 0.0), **OTHERS, **SYSTEMS}


def lonlat(name: str) -> tuple[float, float]:
    """Return longitude and latitude of a place."""
    x, y = places()[name]
    return (ORIGIN[0] + x / KM_PER_DEGREE[0], ORIGIN[1] + y / KM_PER_DEGREE[1])


def km(a: str, b: str) -> float:
    """Return the trench length between two places."""
    return DETOUR * math.dist(places()[a], places()[b])


def electric_net() -> pandapower.pandapowerNet:
    """Return 10 kV cables along the trenches with a station of 10/0.4 kV at every place."""
    net = pandapower.create_empty_network("mies electric")
    high = {
        name: pandapower.create_bus(net, 10.0, name=f"{name} 10 kV", geodata=lonlat(name))
        for name in places()
    }
    pandapower.create_ext_grid(net, high["centre"], vm_pu=1.02, s_sc_max_mva=200.0, rx_max=0.1)
    for a, b in TRENCH:
        pandapower.create_line(
            net, high[a], high[b], km(a, b), "NA2XS2Y 1x185 RM/25 6/10 kV", name=f"{a} to {b}"
        )
    for name, (units, mva) in TRANSFORMERS.items():
        low = pandapower.create_bus(net, 0.4, name=name, geodata=lonlat(name))
        pandapower.create_transformer(
            net, high[name], low, f"{mva} MVA 10/0.4 kV", name=f"{name} station", parallel=units,
            tap_pos=0,
        )  # fmt: skip
        if name in OTHERS:
            pandapower.create_load(net, low, p_mw=0.1, q_mvar=0.03, name=name)
    net.trafo["tap_changer_type"] = "Ratio"
    return net


def water_net(water: Water) -> pandapipes.pandapipesNet:
    """Return supply and return mains with a station per place, sized for the design loads.

    Chilled water is sized with supply and return exchanged: flows and friction are the same.
    """
    hot, cool = max(water.supply_c, water.return_c), min(water.supply_c, water.return_c)
    ground_c = FROST_C if water.cold else water.ground_c
    net = _topology(water, hot + 273.15, cool + 273.15)
    rules = SizingRules(
        supply_temperature_c=hot, return_temperature_c=cool, ground_temperature_c=ground_c,
        gradient_max_pa_per_m=water.gradient_pa_per_m,
    )  # fmt: skip
    loads = pd.Series(net.heat_consumer["qext_w"].to_numpy(), index=net.heat_consumer.index)
    sized = size_heat_network(net, loads, rules).net
    if water.cold:
        _exchange(sized, water)
    return sized


def _topology(water: Water, hot_k: float, cool_k: float) -> pandapipes.pandapipesNet:
    net = pandapipes.create_empty_network(water.name, fluid="water")
    sides = {
        side: {
            name: pandapipes.create_junction(
                net, bar, kelvin, name=f"{name} {side}", geodata=lonlat(name)
            )
            for name in places()
        }
        for side, bar, kelvin in (("supply", 6.0, hot_k), ("return", 3.0, cool_k))
    }
    for a, b in TRENCH:
        for side, (start, end) in (("supply", (a, b)), ("return", (b, a))):
            pandapipes.create_pipe_from_parameters(
                net, sides[side][start], sides[side][end], km(a, b), inner_diameter_mm=100.0,
                k_mm=0.05, u_w_per_m2k=1.0, text_k=water.ground_c + 273.15,
                name=f"{side} {a} to {b}",
            )  # fmt: skip
    for name, kw in water.load_kw.items():
        pandapipes.create_heat_consumer(
            net, sides["supply"][name], sides["return"][name], qext_w=1000.0 * kw,
            treturn_k=cool_k, name=name,
        )  # fmt: skip
    pandapipes.create_circ_pump_const_pressure(
        net, sides["return"]["centre"], sides["supply"]["centre"], p_flow_bar=6.0,
        plift_bar=3.0, t_flow_k=hot_k, name="centre",
    )  # fmt: skip
    return net


def _exchange(net: pandapipes.pandapipesNet, water: Water) -> None:
    """Give a network that was sized as a warm one its own temperatures."""
    supply_k, return_k = water.supply_c + 273.15, water.return_c + 273.15
    net.circ_pump_pressure["t_flow_k"] = supply_k
    net.heat_consumer["qext_w"] *= -1.0
    net.heat_consumer["treturn_k"] = return_k
    net.pipe["text_k"] = water.ground_c + 273.15
    is_supply = net.junction["name"].str.endswith("supply")
    net.junction["tfluid_k"] = np.where(is_supply, supply_k, return_k)


def main() -> None:
    """Write the files beside this script."""
    pandapower.to_json(electric_net(), str(HERE / "electric.json"))
    pandapipes.to_json(water_net(HEAT), str(HERE / "heat.json"))
    pandapipes.to_json(water_net(COOLING), str(HERE / "cooling.json"))
    for kind, rows in BACKGROUND.items():
        table = pd.DataFrame(rows, columns=["element", "id", "profile", "scale_kw"])
        table.to_csv(HERE / f"background_{kind}.csv", index=False)


if __name__ == "__main__":
    main()
