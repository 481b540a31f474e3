"""What the rows of a schedule mean in a participant's balance, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cosim.records.names import NETWORK
from cosim.report.data import Run

SIGNS: Mapping[str, float] = {
    "generation_kw": 1.0,
    "discharging_kw": 1.0,
    "cut_kw": 1.0,
    "buy_kw": 1.0,
    "share_in_kw": 1.0,
    "from_leader_kw": 1.0,
    "from_followers_kw": 1.0,
    "consumption_kw": -1.0,
    "charging_kw": -1.0,
    "shifted_kw": -1.0,
    "dumped_kw": -1.0,
    "demand_kw": -1.0,
    "sell_kw": -1.0,
    "share_out_kw": -1.0,
    "to_leader_kw": -1.0,
    "to_followers_kw": -1.0,
}
"""Quantity -> sign in the balance: positive supplies the participant, negative uses energy."""

OF_QUANTITY: Mapping[str, str] = {
    "buy_kw": "utility",
    "sell_kw": "utility",
    "share_in_kw": "pool",
    "share_out_kw": "pool",
    "from_leader_kw": "operator",
    "to_leader_kw": "operator",
    "from_followers_kw": "followers",
    "to_followers_kw": "followers",
    "charging_kw": "storage",
    "discharging_kw": "storage",
    "shifted_kw": "shifted demand",
    "cut_kw": "demand cut",
    "dumped_kw": "heat dumped",
    "demand_kw": "demand",
}
KEYWORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("electrolyser", ("electrolyser", "electrolyzer")),
    ("fuel cell", ("fuel_cell",)),
    ("methanation", ("methanation",)),
    ("carbon capture", ("carbon_capture",)),
    ("PV", ("pv", "solar", "photovolt")),
    ("wind", ("wind",)),
    ("CHP", ("chp", "engine", "turbine", "cogen")),
    ("heat pump", ("heat_pump", "heatpump", "hp", "waste_heat", "recovery")),
    ("electric boiler", ("electric_boiler", "p2h", "heating_rod", "immersion")),
    ("boiler", ("boiler",)),
    ("vehicles", ("ev", "vehicle", "car", "charg", "fleet")),
    ("storage", ("battery", "storage", "tank", "buffer")),
    ("shifted demand", ("shift",)),
)
COLOURS: Mapping[str, str] = {
    "demand": "#aab4be",
    "background customers": "#d5dbe1",
    "losses and pumps": "#7b8794",
    "PV": "#f0c419",
    "wind": "#7cc4b5",
    "CHP": "#b5443c",
    "boiler": "#d98e73",
    "electric boiler": "#e2b3c6",
    "heat pump": "#8e5aa8",
    "vehicles": "#2f9e6e",
    "storage": "#4cb3d4",
    "shifted demand": "#a3c86d",
    "demand cut": "#e67e22",
    "heat dumped": "#3d2b1f",
    "electrolyser": "#c05fa5",
    "fuel cell": "#6a3d9a",
    "methanation": "#8c6d31",
    "carbon capture": "#4d4038",
    "other": "#c8a2c8",
    "pool": "#0b62a4",
    "operator": "#d95f02",
    "followers": "#d95f02",
    "utility": "#4a5665",
    "connection": "#0b62a4",
}
"""Group -> colour, in the order in which stacks are built."""
SHOWN_CARRIERS = ("electricity", "heat", "cooling", "hydrogen")


def group_of(run: Run, participant: str, device: str, quantity: str) -> str:
    """Return the group that a row of the schedule is drawn with."""
    if quantity == "demand_kw" and device == "background":
        return "background customers"
    if quantity == "demand_kw" and participant == NETWORK:
        return "losses and pumps"
    if quantity in OF_QUANTITY:
        return OF_QUANTITY[quantity]
    kinds: Mapping[str, Any] = run.summary.get("devices") or {}
    name = str((kinds.get(participant) or {}).get(device, device)).lower()
    words = set(name.replace("-", "_").split("_"))
    for group, keys in KEYWORDS:
        if any(key in words or (len(key) > 2 and key in name) for key in keys):
            return group
    return "other"


def balance(run: Run, schedule: pd.DataFrame) -> pd.DataFrame:
    """Return signed flows of every participant's own balance.

    Returns:
        Columns time, participant, device, carrier, group, kw.
    """
    rows = schedule[schedule["quantity"].isin(list(SIGNS))]
    keys = ["participant", "device", "quantity"]
    combinations = rows[keys].drop_duplicates().astype(str)
    groups = {tuple(row): group_of(run, *row) for row in combinations.itertuples(index=False)}
    plain = rows.astype(dict.fromkeys([*keys, "carrier"], str))
    names = plain["participant"] + "\n" + plain["device"] + "\n" + plain["quantity"]
    of_name = {"\n".join(key): group for key, group in groups.items()}
    return pd.DataFrame(
        {
            "time": plain["time"],
            "participant": plain["participant"],
            "device": plain["device"],
            "carrier": plain["carrier"],
            "group": names.map(of_name),
            "kw": plain["value"] * plain["quantity"].map(SIGNS),
        }
    )


def connections(schedule: pd.DataFrame) -> pd.DataFrame:
    """Return power at the connections, positive into the network, as flows of group `connection`.

    For schedules that hold nothing else.
    """
    rows = schedule[schedule["quantity"].astype(str) == "p_kw"]
    names = ["participant", "device", "carrier"]
    plain = rows[["time", *names]].astype(dict.fromkeys(names, str))
    return plain.assign(group="connection", kw=rows["value"])
