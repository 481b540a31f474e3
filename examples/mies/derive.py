"""Make the profiles of this example: python examples/mies/derive.py (needs demandlib)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from demandlib import bdew

HERE = Path(__file__).parent
YEAR, DAY = 2023, "2023-07-12"
ZONE = "Europe/Berlin"
ELECTRIC = {"park": "g1", "hospital": "g3", "housing": "h0", "school": "g1", "office": "g1"}
HEAT = {"hospital": ("GBH", 0), "housing": ("MFH", 5), "office": ("GKO", 0)}
"""BDEW types: lodging, homes and hospitals; apartment buildings; public bodies and offices."""
SHIFTS = {"park": 0.45}
"""Share of the park's mean that runs all night: half of its halls work in shifts (assumed)."""
MEAN_C, SEASON_C, DAY_C = 11.5, 11.0, 6.5
"""Outdoor temperature as two cosines, coldest in mid January and at 4 am (assumed; a warm day)."""
COMFORT_C, HOTTEST_C = 18.0, 30.0
"""Outdoor temperature below which only the base is cooled, and that of the peak."""
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


def cooling(
    air_c: npt.NDArray[np.float64], hour: npt.NDArray[np.int64], base: float, first: int, last: int
) -> npt.NDArray[np.float64]:
    """Return cooling over its peak: a base, and the rest with the weather in hours of use."""
    warm = np.clip((air_c - COMFORT_C) / (HOTTEST_C - COMFORT_C), 0.0, 1.0)
    in_use = (hour >= first) & (hour < last)
    return np.asarray(base + (1.0 - base) * warm * in_use)


def columns() -> dict[str, npt.NDArray[np.float64]]:
    """Return every profile over the year, by the hour."""
    year = pd.date_range(f"{YEAR}-01-01", periods=8760, freq="h")
    air_c = outdoor_c(year)
    slp = bdew.ElecSlp(YEAR).get_scaled_power_profiles(dict.fromkeys(ELECTRIC.values(), 1.0))
    slp = slp.resample("h").mean()
    found = {
        f"{name}_electric": (slp[kind] / slp[kind].mean()).to_numpy()
        for name, kind in ELECTRIC.items()
    }
    for name, flat in SHIFTS.items():
        found[f"{name}_electric"] = flat + (1.0 - flat) * found[f"{name}_electric"]
    for name, (kind, building) in HEAT.items():
        profile = bdew.HeatBuilding(
            year, temperature=pd.Series(air_c, index=year), shlp_type=kind,
            building_class=building, wind_class=0, annual_heat_demand=1.0,
        ).get_bdew_profile()  # fmt: skip
        found[f"{name}_heat"] = (profile / profile.mean()).to_numpy()
    hour = year.hour.to_numpy()
    for name, use in COOLING.items():
        found[f"{name}_cooling"] = cooling(air_c, hour, *use)
    found["outdoor_c"] = air_c
    found["electricity_buy_eur_per_kwh"] = np.select(
        [(hour >= 9) & (hour < 12) | (hour >= 17) & (hour < 21), (hour < 6) | (hour >= 22)],
        [0.30, 0.16], 0.22,
    )  # fmt: skip
    return found


def main() -> None:
    """Write summer_day.csv."""
    index = pd.date_range(f"{YEAR}-01-01", periods=8760, freq="h")
    table = pd.DataFrame(columns(), index=index).loc[DAY].round(4)
    table.index = table.index.tz_localize(ZONE).rename("time")
    lines = [f"# {line}" for line in NOTICE.strip().splitlines()]
    (HERE / "summer_day.csv").write_text("\n".join(lines) + "\n" + table.to_csv())


if __name__ == "__main__":
    main()
