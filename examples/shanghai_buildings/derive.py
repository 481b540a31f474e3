"""Make the profiles of this example: python examples/shanghai_buildings/derive.py.

Needs demandlib and pvlib.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib
from demandlib import bdew

HERE = Path(__file__).parent
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
COMFORT_C, HOTTEST_C = 20.0, 35.0
"""Outdoor temperature below which only the base is cooled, and that of the peak."""
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


def cooling(
    air_c: npt.NDArray[np.float64], hour: npt.NDArray[np.int64], base: float, first: int, last: int
) -> npt.NDArray[np.float64]:
    """Return cooling over its peak: a base, and the rest with the weather in hours of use."""
    warm = np.clip((air_c - COMFORT_C) / (HOTTEST_C - COMFORT_C), 0.0, 1.0)
    in_use = (hour >= first) & (hour < last)
    return np.asarray(base + (1.0 - base) * warm * in_use)


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
    year = pd.date_range(f"{YEAR}-01-01", periods=8760, freq="h")
    air_c = outdoor_c(year)
    slp = bdew.ElecSlp(YEAR).get_scaled_power_profiles(dict.fromkeys(ELECTRIC.values(), 1.0))
    slp = slp.resample("h").mean()
    found = {}
    for name, kind in ELECTRIC.items():
        found[f"{name}_electric"] = (slp[kind] / slp[kind].mean()).to_numpy()
    for name, kind in HEAT.items():
        profile = bdew.HeatBuilding(
            year, temperature=pd.Series(air_c, index=year), shlp_type=kind, building_class=0,
            wind_class=0, annual_heat_demand=1.0,
        ).get_bdew_profile()  # fmt: skip
        flat = FLAT_HEAT.get(name, 0.0)
        found[f"{name}_heat"] = flat + (1.0 - flat) * (profile / profile.mean()).to_numpy()
    hour = year.hour.to_numpy()
    for name, use in COOLING.items():
        cold = cooling(air_c, hour, *use)
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
    index = pd.date_range(f"{YEAR}-01-01", periods=8760, freq="h")
    table = pd.DataFrame(columns(), index=index).round(3)
    table.index = table.index.tz_localize(ZONE).rename("time")
    lines = [f"# {line}" for line in NOTICE.strip().splitlines()]
    (HERE / "year.csv").write_text("\n".join(lines) + "\n" + table.to_csv(lineterminator="\n"))


if __name__ == "__main__":
    main()
