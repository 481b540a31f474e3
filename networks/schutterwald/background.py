"""Tables of the customers who do not take part: element, id, profile, scale_kw.

Profiles of loads are relative to their annual mean, so scale_kw is annual energy over 8760 h;
profiles of generation are relative to the rated power. See networks/profiles/README.md.
"""

from __future__ import annotations

import pandapower as pp
import pandas as pd
from buildings import ELECTRICITY_FULL_LOAD_H, GAS_KWH_PER_M3

HOURS = 8760.0
HOUSEHOLDS = (
    *("h0_a", "h0_bdew", "h0_b", "h0_bdew", "h0_c"),
    *("h0_bdew", "h0_g", "h0_bdew", "h0_l", "h0_bdew"),
)
"""Dealt out in turn: single households of SimBench so that neighbours differ, and the mean
household of BDEW, without which all houses of one profile would peak together."""


def electric(net: pp.pandapowerNet, buildings: pd.DataFrame) -> pd.DataFrame:
    """Return loads and photovoltaics outside the community."""
    outside = buildings[buildings["participant"] == ""]
    houses = pd.DataFrame(
        {
            "element": "load",
            "id": outside["load"],
            "profile": [HOUSEHOLDS[k % len(HOUSEHOLDS)] for k in outside["load"]],
            "scale_kw": outside["electricity_kwh"] / HOURS,
        }
    )
    neighbours = net.load[net.load["type"] == "MV"]
    annual_kwh = neighbours["p_mw"] * 1000.0 * ELECTRICITY_FULL_LOAD_H
    stations = pd.DataFrame(
        {
            "element": "load",
            "id": neighbours.index,
            "profile": "mv_mix",
            "scale_kw": annual_kwh / HOURS,
        }
    )
    solar = pd.DataFrame(
        {
            "element": "sgen",
            "id": net.sgen.index,
            "profile": "pv_4",
            "scale_kw": net.sgen["sn_mva"] * 1000.0,
            "power_factor": 1.0,
        }
    )
    return _rounded(pd.concat([houses, stations, solar]))


def heat(buildings: pd.DataFrame) -> pd.DataFrame:
    """Return house stations outside the community."""
    outside = buildings[(buildings["participant"] == "") & buildings["heat_consumer"].notna()]
    table = pd.DataFrame(
        {
            "element": "heat_consumer",
            "id": outside["heat_consumer"].astype(int),
            "profile": "heat_sfh",
            "scale_kw": outside["heat_kwh"] / HOURS,
        }
    )
    return _rounded(table.sort_values("id"))


def gas(buildings: pd.DataFrame) -> pd.DataFrame:
    """Return buildings that heat with gas: neither district heat nor a participant."""
    outside = buildings[(buildings["participant"] == "") & buildings["heat_consumer"].isna()]
    table = pd.DataFrame(
        {
            "element": "sink",
            "id": outside["sink"],
            "profile": "heat_sfh",
            "scale_kw": outside["gas_m3"] * GAS_KWH_PER_M3 / HOURS,
        }
    )
    return _rounded(table.sort_values("id"))


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(scale_kw=table["scale_kw"].round(4)).reset_index(drop=True)
