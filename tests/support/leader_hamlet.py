"""The hamlet with an operator of shared storage who leads: battery, heat, hydrogen, three networks.

The operator makes hydrogen, delivers some of it to the works by road, and feeds the rest into the
gas network, which takes little.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from tests.support import hamlet

MAX_FRACTION = 0.05
FEE = 0.004


def plant() -> dict[str, Any]:
    """Return the operator: its places and its devices."""
    return {
        "connections": {
            "electricity": {"at": "LV1"},
            "heat": {"at": "H1"},
            "hydrogen": {"at": "G2"},
        },
        "devices": {
            "battery": {"type": "battery", "capacity_kwh": 40.0, "degradation_per_kwh": 0.005},
            "tank": {"type": "heat_storage", "capacity_kwh": 30.0},
            "electrolyser": {
                "type": "electrolyser",
                "electric_max_kw": 40.0,
                "heat_recovered_share": 0.5,
            },
            "bottle": {"type": "hydrogen_storage", "capacity_kwh": 30.0},
            "cell": {"type": "fuel_cell", "electric_max_kw": 10.0, "heat_recovered_share": 0.4},
        },
    }


def leader(method: str = "exact", followers: str = "cooperating") -> dict[str, Any]:
    """Return the section: bounds around the tariffs, and fixed prices inside them."""
    return {
        "participant": "storage",
        "followers": followers,
        "method": method,
        "time_limit_s": 20.0,
        "prices": {
            "electricity": {
                "buy": {"min": 0.08, "max": 0.20},
                "sell": {"min": 0.10, "max": {"profile": "price", "scale": 1.0}},
                "fixed_buy": 0.10,
                "fixed_sell": {"profile": "price", "scale": 0.95},
                "service_fee_per_kwh": FEE,
                "trade_max_kw": 30.0,
            },
            "heat": {
                "buy": {"min": 0.01, "max": 0.06},
                "sell": {"min": 0.06, "max": 0.12},
                "fixed_buy": 0.03,
                "fixed_sell": 0.10,
                "trade_max_kw": 20.0,
            },
            "hydrogen": {"sell": {"min": 0.15, "max": 0.60}, "fixed_sell": 0.55},
        },
        "investment": {"battery": {"cost": 20000.0, "life_years": 10.0}},
    }


def config(method: str = "exact", followers: str = "cooperating") -> dict[str, Any]:
    """Return the scenario as it would be written in YAML."""
    case = copy.deepcopy(hamlet.config())
    gas = case["networks"]["gas"]
    gas["hydrogen"] = {"max_fraction": MAX_FRACTION}
    case["tariffs"]["hydrogen"] = {"buy": 0.60, "sell": 0.45}
    people = case["participants"]
    people["storage"] = plant()
    people["home"]["connections"]["heat"] = {"at": "H1"}
    people["shop"]["connections"]["heat"] = {"at": "H2"}
    works = people["works"]
    works["connections"]["hydrogen"] = {}
    works["connections"]["hydrogen"]["tariff"] = {"buy": 0.60}
    works["demand"]["hydrogen"] = 4.0
    works["demand"]["gas"] = {"profile": "load", "scale": 300.0}
    people["home"]["connections"]["heat"] = {"at": "H3"}
    works["connections"].pop("heat")
    works["demand"].pop("heat")
    works["devices"] = {}
    people["plant"]["devices"]["boiler"]["maintenance_per_kwh"] = 0.001
    case["bargaining"] = {"coalition_values": False, "settle_with": "nash"}
    case["leader"] = leader(method, followers)
    if followers == "independent":
        case["sharing"] = {}
    return case


def write(folder: Path, method: str = "exact", followers: str = "cooperating") -> Path:
    """Write the hamlet with its leader into a folder and return its scenario file."""
    return hamlet.write(folder, config(method, followers))
