"""Make the three networks of the shared-storage example; see README.md for what is assumed.

Run from the repository: python networks/shared_storage/derive.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandapower

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from sites import Sites, Water, add_station, cables, gas_net, water_net, write_networks  # noqa: E402

ORIGIN = (117.30, 39.00)
"""Longitude and latitude of the supply station."""
MEMBERS = {"storage": (0.80, 0.10), "mg1": (0.90, 0.95), "mg2": (1.90, 0.35), "mg3": (1.30, -0.70)}
OTHERS = {"college": (0.35, 0.05), "mall": (1.30, 0.05)}
"""Places in km from the station: participants, and customers who do not take part."""
SITES = Sites(ORIGIN, {"station": (0.0, 0.0), **OTHERS, **MEMBERS})
TRENCH = (("station", "college"), ("college", "storage"), ("storage", "mg1"), ("storage", "mall"),
          ("mall", "mg2"), ("mall", "mg3"))  # fmt: skip
RING = (*TRENCH, ("station", "mg3"), ("mg1", "mg2"))
OPENED = (("storage", "mall"), ("mg1", "mg2"))
"""The second feeder goes from the station by mg3 to the mall; two cables of the ring are open."""
STATIONS = {"college": (2, "0.63"), "mall": (2, "0.63")}
"""10/0.4 kV transformers: how many, of how many MVA. Participants are connected at 10 kV."""
HEAT_LOAD_KW = {"mg1": 3500.0, "mg2": 3500.0, "mg3": 3500.0, "storage": 2500.0,
                "college": 1500.0, "mall": 1200.0}  # fmt: skip
GAS_LOAD_KW = {"college": 600.0, "mall": 900.0}
GAS_MM = {("station", "college"): 257.8, ("college", "storage"): 257.8,
          ("storage", "mall"): 204.6}  # fmt: skip
GAS_BRANCH_MM = 184.0
BACKGROUND = {
    "electric": [("load", "college", "office_electric", 200.0),
                 ("load", "mall", "retail_electric", 450.0)],
    "heat": [("heat_consumer", "college", "office_heat", 420.0),
             ("heat_consumer", "mall", "retail_heat", 330.0)],
    "gas": [("sink", "college", "office_heat", 120.0), ("sink", "mall", "retail_heat", 250.0)],
}  # fmt: skip
"""Table, element, profile of the example, mean power over the year in kW."""


def electric_net() -> pandapower.pandapowerNet:
    """Return a 10 kV open ring; customers who do not take part have stations of 10/0.4 kV."""
    net, high = cables(
        "shared storage electric", SITES, RING, at="station", short_circuit_mva=400.0,
        kind="NA2XS2Y 1x240 RM/25 6/10 kV", opened=OPENED,
    )  # fmt: skip
    for name, (units, mva) in STATIONS.items():
        low = add_station(net, SITES, name, high[name], units, mva)
        pandapower.create_load(net, low, p_mw=0.2, q_mvar=0.05, name=name)
    return net


def main() -> None:
    """Write the files beside this script."""
    water = Water("shared storage heat", 80.0, 50.0, 6.0, (8.0, 4.0), HEAT_LOAD_KW, 80.0)
    heat = water_net(water, SITES, TRENCH, at="station")
    gas = gas_net(
        "shared storage gas", SITES, TRENCH, at="station", diameter_mm=GAS_MM,
        branch_mm=GAS_BRANCH_MM, load_kw=GAS_LOAD_KW,
    )  # fmt: skip
    write_networks(HERE, electric_net(), {"heat": heat, "gas": gas}, BACKGROUND)


if __name__ == "__main__":
    main()
