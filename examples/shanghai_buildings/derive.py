"""Make the profiles of this example: python examples/shanghai_buildings/derive.py.

Needs demandlib and pvlib.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib

HERE = Path(__file__).parent
SHARED = HERE / "../../networks/load_profiles.py"
sys.path.insert(0, str(SHARED.parent))
from load_profiles import Cooling, electric, heat, hours_of, write_profiles  # noqa: E402

YEAR, ZONE = 2023, "Asia/Shanghai"
LATITUDE, LONGITUDE = 31.23, 121.47
ELECTRIC = {"hotel": "g2", "office": "g1", "hospital": "g3"}
"""BDEW types: use in the evening, on weekdays from 8 to 18, around the clock."""
HEAT = {"hotel": "GBH", "office": "GKO", "hospital": "GBH"}
"""BDEW types: lodging, homes and hospitals; public bodies and offices."""
FLAT_HEAT = {"hospital": 0.35}
"""Share of the mean that runs around the clock: sterilisation, laundry, hot water (assumed)."""
MEAN_C, SEASON_C, DAY_C = 17.1, 11.8, 3.6
"""Mean, half of the way from coldest to warmest month, half of the way from night to day."""
SPELLS = ((5.3, 1.9), (8.7, 1.6), (19.0, 1.2))
"""Periods in days and sizes in K of waves that stand for warm and cold spells (assumed)."""
WARMTH = Cooling(comfort_c=20.0, hottest_c=35.0)
COOLING = {"hotel": (0.06, 0, 24), "office": (0.02, 7, 20), "hospital": (0.08, 0, 24)}
"""Share of the peak that needs no weather; first and last hour of use."""
CLEARNESS = 0.55
"""Real over clear-sky irradiance, mean of the year (assumed; about 1,100 h at rated power)."""
NOTICE = """
Electricity and heat over their annual mean: BDEW standard profiles made with demandlib (MIT).
Cooling over its annual mean, outdoor_c, prices: assumed. pv: power over rated power, clear sky by
pvlib (BSD) times a constant. See README.md.
"""


def outdoor_c(stamps: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
    """Return the outdoor temperature: two cosines and three waves."""
    day = np.asarray(stamps.dayofyear - 1 + stamps.hour / 24.0)
    season = np.cos(2.0 * np.pi * (day - 22.0) / 365.0)
    hour = np.cos(2.0 * np.pi * (np.asarray(stamps.hour) - 5) / 24.0)
    spells = sum(size * np.sin(2.0 * np.pi * day / period) for period, size in SPELLS)
    return np.asarray(MEAN_C - SEASON_C * season - DAY_C * hour + spells)


def photovoltaics(stamps: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
    """Return power over rated power of modules at 15 degrees to the south."""
    middle = stamps.tz_localize(ZONE) + pd.Timedelta(minutes=30)
    place = pvlib.location.Location(LATITUDE, LONGITUDE, ZONE, 10)
    sun, sky = place.get_solarposition(middle), place.get_clearsky(middle, model="haurwitz")
    ghi = CLEARNESS * sky["ghi"]
    parts = pvlib.irradiance.erbs(ghi, sun["zenith"], middle)
    plane = pvlib.irradiance.get_total_irradiance(
        15, 180, sun["apparent_zenith"], sun["azimuth"], parts["dni"], ghi, parts["dhi"]
    )["poa_global"]
    return np.asarray(0.85 * plane.fillna(0.0) / 1000.0)


def columns() -> dict[str, npt.NDArray[np.float64]]:
    """Return every profile over the year, by the hour."""
    year = hours_of(YEAR)
    air_c = outdoor_c(year)
    slp = electric(YEAR, ELECTRIC.values())
    found = {f"{name}_electric": slp[kind] for name, kind in ELECTRIC.items()}
    for name, kind in HEAT.items():
        flat = FLAT_HEAT.get(name, 0.0)
        found[f"{name}_heat"] = flat + (1.0 - flat) * heat(year, air_c, kind)
    hour = year.hour.to_numpy()
    for name, use in COOLING.items():
        cold = WARMTH.over_peak(air_c, hour, *use)
        found[f"{name}_cooling"] = cold / cold.mean()
    found["pv"] = photovoltaics(year)
    found["outdoor_c"] = air_c
    found["electricity_buy_cny_per_kwh"] = np.select(
        [(hour >= 8) & (hour < 11) | (hour >= 18) & (hour < 21), (hour < 6) | (hour >= 22)],
        [1.18, 0.42], 0.78,
    )  # fmt: skip
    return found


def main() -> None:
    """Write year.csv."""
    table = pd.DataFrame(columns(), index=hours_of(YEAR)).round(3)
    write_profiles(HERE / "year.csv", table, ZONE, NOTICE)


if __name__ == "__main__":
    main()
