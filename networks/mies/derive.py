"""Make the three networks of the example with three energy systems; see README.md for assumptions.

Run from the repository: python networks/mies/derive.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandapipes
import pandapower

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from sites import Sites, Water, add_station, cables, water_net, write_networks  # noqa: E402

ORIGIN = (8.40, 49.01)
"""Longitude and latitude of the energy centre."""
SYSTEMS = {"park": (0.95, 0.20), "hospital": (0.45, 0.40), "housing": (0.70, -0.40)}
OTHERS = {"school": (0.30, 0.05), "offices": (0.60, 0.05)}
"""Places in km from the centre: participants, and customers who do not take part."""
TRENCH = (("centre", "school"), ("school", "hospital"), ("school", "offices"),
          ("offices", "park"), ("offices", "housing"))  # fmt: skip
TRANSFORMERS = {"park": (2, "0.63"), "hospital": (2, "0.4"), "housing": (1, "0.63"),
                "school": (1, "0.25"), "offices": (1, "0.63")}  # fmt: skip
"""10/0.4 kV transformers: how many, of how many MVA."""
SITES = Sites(ORIGIN, {"centre": (0.0, 0.0), **OTHERS, **SYSTEMS})
BACKGROUND = {
    "electric": [("load", "school", "school_electric", 60.0),
                 ("load", "offices", "office_electric", 150.0)],
    "heat": [("heat_consumer", "school", "office_heat", 150.0),
             ("heat_consumer", "offices", "office_heat", 240.0)],
    "cooling": [("heat_consumer", "offices", "office_cooling", 260.0),
                ("heat_consumer", "school", "office_cooling", 50.0)],
}  # fmt: skip
"""Table, element, profile of the example, power in kW where the profile is 1."""


HEAT = Water("mies heat", 80.0, 50.0, 14.0, (6.0, 3.0),
             {"park": 1300.0, "hospital": 1200.0, "housing": 1100.0, "school": 500.0,
              "offices": 800.0})  # fmt: skip
COOLING = Water("mies chilled water", 6.0, 12.0, 16.0, (6.0, 3.0),
                {"park": 500.0, "hospital": 700.0, "housing": 400.0, "school": 80.0,
                 "offices": 400.0}, 200.0)  # fmt: skip


def electric_net() -> pandapower.pandapowerNet:
    """Return 10 kV cables along the trenches with a station of 10/0.4 kV at every place."""
    net, high = cables("mies electric", SITES, TRENCH, at="centre", short_circuit_mva=200.0)
    for name, (units, mva) in TRANSFORMERS.items():
        low = add_station(net, SITES, name, high[name], units, mva)
        if name in OTHERS:
            pandapower.create_load(net, low, p_mw=0.1, q_mvar=0.03, name=name)
    return net


def chilled_net() -> pandapipes.pandapipesNet:
    """Return the chilled-water network: sized as a warm one, with its own temperatures."""
    net, water = water_net(COOLING, SITES, TRENCH, at="centre"), COOLING
    supply_k, return_k = water.supply_c + 273.15, water.return_c + 273.15
    net.circ_pump_pressure["t_flow_k"] = supply_k
    net.heat_consumer["qext_w"] *= -1.0
    net.heat_consumer["treturn_k"] = return_k
    net.pipe["text_k"] = water.ground_c + 273.15
    is_supply = net.junction["name"].str.endswith("supply")
    net.junction["tfluid_k"] = np.where(is_supply, supply_k, return_k)
    return net


def main() -> None:
    """Write the files beside this script."""
    pipes = {"heat": water_net(HEAT, SITES, TRENCH, at="centre"), "cooling": chilled_net()}
    write_networks(HERE, electric_net(), pipes, BACKGROUND)


if __name__ == "__main__":
    main()
