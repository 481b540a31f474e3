"""Make the profiles of this example: python examples/mies/derive.py (needs demandlib)."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

HERE = Path(__file__).parent
SHARED = HERE / "../../networks/load_profiles.py"
sys.path.insert(0, str(SHARED.parent))
from load_profiles import Cooling, electric, heat, hours_of, write_profiles  # noqa: E402

YEAR, DAY = 2023, "2023-07-12"
ZONE = "Europe/Berlin"
ELECTRIC = {"park": "g1", "hospital": "g3", "housing": "h0", "school": "g1", "office": "g1"}
HEAT = {"hospital": ("GBH", 0), "housing": ("MFH", 5), "office": ("GKO", 0)}
"""BDEW types: lodging, homes and hospitals; apartment buildings; public bodies and offices."""
SHIFTS = {"park": 0.45}
"""Share of the park's mean that runs all night: half of its halls work in shifts (assumed)."""
MEAN_C, SEASON_C, DAY_C = 11.5, 11.0, 6.5
"""Outdoor temperature as two cosines, coldest in mid January and at 4 am (assumed; a warm day)."""
WARMTH = Cooling(comfort_c=18.0, hottest_c=30.0)
COOLING = {"park": (0.35, 6, 20), "hospital": (0.30, 0, 24), "housing": (0.0, 0, 24),
           "office": (0.05, 7, 18)}  # fmt: skip
"""Share of the peak that needs no weather; first and last hour of use."""
NOTICE = """
Electricity and heat over their annual mean: BDEW standard profiles made with demandlib (MIT).
Cooling over its peak, outdoor_c, prices: assumed, see README.md.
"""


def outdoor_c(stamps: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
    """Return the outdoor temperature."""
    season = np.cos(2.0 * np.pi * (stamps.dayofyear - 15) / 365.0)
    day = np.cos(2.0 * np.pi * (stamps.hour - 4) / 24.0)
    return np.asarray(MEAN_C - SEASON_C * season - DAY_C * day)


def columns() -> dict[str, npt.NDArray[np.float64]]:
    """Return every profile over the year, by the hour."""
    year = hours_of(YEAR)
    air_c = outdoor_c(year)
    slp = electric(YEAR, ELECTRIC.values())
    found = {f"{name}_electric": slp[kind] for name, kind in ELECTRIC.items()}
    for name, flat in SHIFTS.items():
        found[f"{name}_electric"] = flat + (1.0 - flat) * found[f"{name}_electric"]
    for name, (kind, building) in HEAT.items():
        found[f"{name}_heat"] = heat(year, air_c, kind, building)
    hour = year.hour.to_numpy()
    for name, use in COOLING.items():
        found[f"{name}_cooling"] = WARMTH.over_peak(air_c, hour, *use)
    found["outdoor_c"] = air_c
    found["electricity_buy_eur_per_kwh"] = np.select(
        [(hour >= 9) & (hour < 12) | (hour >= 17) & (hour < 21), (hour < 6) | (hour >= 22)],
        [0.30, 0.16], 0.22,
    )  # fmt: skip
    return found


def main() -> None:
    """Write summer_day.csv."""
    table = pd.DataFrame(columns(), index=hours_of(YEAR)).loc[DAY].round(4)
    write_profiles(HERE / "summer_day.csv", table, ZONE, NOTICE)


if __name__ == "__main__":
    main()
