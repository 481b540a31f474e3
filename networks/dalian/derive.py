"""Make the three networks of the Dalian example; see README.md for what is assumed.

Run from the repository: python networks/dalian/derive.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandapower

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from sites import Sites, Water, add_station, cables, gas_net, water_net, write_networks  # noqa: E402

ORIGIN = (121.60, 38.91)
"""Longitude and latitude of the 10 kV station."""
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
SITES = Sites(ORIGIN, {"station": (0.0, 0.0), **OTHERS, **CLUSTERS})
OPENED = (("north", "east"), ("hotel", "south"), ("south", "west"))


def electric_net() -> pandapower.pandapowerNet:
    """Return a 10 kV open ring with a 10/0.4 kV station per place."""
    ring = (*TRENCH, ("station", "south"), ("north", "east"), ("south", "west"))
    net, high = cables(
        "dalian electric", SITES, ring, at="station", short_circuit_mva=300.0, opened=OPENED
    )
    for name in (*CLUSTERS, *OTHERS):
        low = add_station(net, SITES, name, high[name], 4 if name in CLUSTERS else 1, "0.63")
        if name in OTHERS:
            pandapower.create_load(net, low, p_mw=0.2, q_mvar=0.05, name=name)
    return net


def main() -> None:
    """Write the files beside this script."""
    water = Water("dalian heat", 80.0, 50.0, 3.0, (8.0, 4.0), HEAT_LOAD_KW)
    heat = water_net(water, SITES, TRENCH, at="station")
    gas = gas_net(
        "dalian gas", SITES, TRENCH, at="station", diameter_mm=GAS_DN_MM,
        branch_mm=GAS_BRANCH_MM, load_kw=GAS_LOAD_KW,
    )  # fmt: skip
    write_networks(HERE, electric_net(), {"heat": heat, "gas": gas}, BACKGROUND)


if __name__ == "__main__":
    main()
