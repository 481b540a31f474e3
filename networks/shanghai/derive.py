"""Make the two networks of the example with three buildings; see README.md for what is assumed.

Run from the repository: python networks/shanghai/derive.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandapower

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from sites import Sites, add_station, cables, gas_net, write_networks  # noqa: E402

ORIGIN = (121.465, 31.225)
"""Longitude and latitude of the 10 kV station."""
BUILDINGS = {"hotel": (0.70, 0.20), "office": (0.96, 0.32), "hospital": (1.18, 0.11)}
OTHERS = {"shops": (0.40, 0.10), "flats": (0.85, 0.05)}
"""Places in km from the station: buildings, and customers who do not take part. The buildings are
where `design.sites` of the example has them, hotel first."""
RUNS = (("station", "shops"), ("shops", "hotel"), ("hotel", "office"), ("office", "hospital"),
        ("shops", "flats"), ("flats", "hospital"))  # fmt: skip
OPENED = (("flats", "hospital"),)
TRANSFORMERS = {"hotel": 2, "office": 3, "hospital": 2, "shops": 1, "flats": 1}
"""Of 0.63 MVA each."""
GAS_TRENCH = (("station", "shops"), ("shops", "hotel"), ("hotel", "office"), ("hotel", "flats"),
              ("flats", "hospital"))  # fmt: skip
GAS_LOAD_KW = {"shops": 400.0, "flats": 900.0}
GAS_DN_MM = {("station", "shops"): 158.3, ("shops", "hotel"): 158.3}
GAS_BRANCH_MM = 102.2
BACKGROUND = {
    "electric": [("load", "shops", "hotel_electric", 150.0),
                 ("load", "flats", "hotel_electric", 120.0)],
    "gas": [("sink", "shops", "hotel_heat", 60.0), ("sink", "flats", "hotel_heat", 250.0)],
}  # fmt: skip
"""Table, element, profile of the example, mean power over the year in kW."""
SITES = Sites(ORIGIN, {"station": (0.0, 0.0), **OTHERS, **BUILDINGS})


def electric_net() -> pandapower.pandapowerNet:
    """Return a 10 kV open ring with a 10/0.4 kV station per place."""
    net, high = cables(
        "shanghai electric", SITES, RUNS, at="station", short_circuit_mva=300.0, opened=OPENED
    )
    for name in (*BUILDINGS, *OTHERS):
        low = add_station(net, SITES, name, high[name], TRANSFORMERS[name], "0.63")
        if name in OTHERS:
            pandapower.create_load(net, low, p_mw=0.15, q_mvar=0.05, name=name)
    return net


def main() -> None:
    """Write the files beside this script."""
    gas = gas_net(
        "shanghai gas", SITES, GAS_TRENCH, at="station", diameter_mm=GAS_DN_MM,
        branch_mm=GAS_BRANCH_MM, load_kw=GAS_LOAD_KW,
    )  # fmt: skip
    write_networks(HERE, electric_net(), {"gas": gas}, BACKGROUND)


if __name__ == "__main__":
    main()
