"""Energy shared, and energy exchanged with the networks, per participant."""

from __future__ import annotations

import pandas as pd

from cosim.market.schedule import FOLLOWER_NAMES
from cosim.records import Schedule


def shared_energy_kwh(schedule: Schedule) -> pd.DataFrame:
    """Return energy contributed to and received from the pool.

    Returns:
        Index (participant, carrier), columns `out_kwh` and `in_kwh`.
    """
    table = schedule.table
    traded = table[table["quantity"].isin(["share_out_kw", "share_in_kw"])]
    energy = (
        traded.groupby(["participant", "carrier", "quantity"], observed=True)["value"].sum()
        * schedule.time.step_h
    ).unstack("quantity", fill_value=0)
    energy = energy.reindex(columns=["share_out_kw", "share_in_kw"], fill_value=0.0)
    return energy.set_axis(["out_kwh", "in_kwh"], axis=1)


def exchanged_energy_kwh(schedule: Schedule) -> pd.Series:
    """Return energy that each participant moves through electric, heat and cooling networks.

    Returns:
        Index participant; imports plus exports over all carriers but gas, kWh.
    """
    table = schedule.table
    quantities = ["buy_kw", "sell_kw", "share_out_kw", "share_in_kw", *FOLLOWER_NAMES]
    moved = table[table["quantity"].isin(quantities) & (table["carrier"] != "gas")]
    return moved.groupby("participant", observed=True)["value"].sum() * schedule.time.step_h
