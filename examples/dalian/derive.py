"""Make the profiles of the Dalian example: python examples/dalian/derive.py (needs demandlib)."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
SHARED = HERE / "../../networks/load_profiles.py"
sys.path.insert(0, str(SHARED.parent))
from load_profiles import electric, heat, hours_of, write_profiles  # noqa: E402

YEAR, DAY = 2023, "2023-01-17"
ZONE = "Asia/Shanghai"
ELECTRIC = {"residential": "h0", "office": "g1", "retail": "g4"}
HEAT = {"residential": ("MFH", 5), "office": ("GKO", 0), "retail": ("GHA", 0)}
"""BDEW types: apartment buildings; public administration, banks and insurers; trade."""
MEAN_C, SEASON_C, DAY_C = 11.0, 14.5, 4.0
"""Outdoor temperature of Dalian as two cosines, coldest in mid January at 6 am (assumed: -3.5 C
mean in January and 25.5 C in July, close to the station's climate normals)."""
NOTICE = """
Building loads over their annual mean: BDEW standard profiles made with demandlib (MIT licence).
outdoor_c, prices: assumed, see README.md.
"""


def outdoor_c(stamps: pd.DatetimeIndex) -> np.ndarray:
    """Return the outdoor temperature."""
    season = np.cos(2.0 * np.pi * (stamps.dayofyear - 15) / 365.0)
    day = np.cos(2.0 * np.pi * (stamps.hour - 6) / 24.0)
    return np.asarray(MEAN_C - SEASON_C * season - DAY_C * day)


def main() -> None:
    """Write winter_day.csv."""
    year = hours_of(YEAR)
    air_c = outdoor_c(year)
    slp = electric(YEAR, ELECTRIC.values())
    columns = {f"{name}_electric": slp[kind] for name, kind in ELECTRIC.items()}
    for name, (kind, building) in HEAT.items():
        columns[f"{name}_heat"] = heat(year, air_c, kind, building)
    columns["outdoor_c"] = air_c
    hour = year.hour
    columns["electricity_buy_usd_per_kwh"] = np.select(
        [(hour >= 8) & (hour < 11) | (hour >= 17) & (hour < 22), (hour < 6) | (hour >= 22)],
        [0.155, 0.055], 0.105,
    )  # fmt: skip
    table = pd.DataFrame(columns, index=year).loc[DAY].round(4)
    write_profiles(HERE / "winter_day.csv", table, ZONE, NOTICE)


if __name__ == "__main__":
    main()
