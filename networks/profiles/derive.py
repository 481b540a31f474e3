"""Derive the profiles of a cold winter day and a sunny summer day at 15 minutes.

Run with an environment that has simbench and demandlib: `python networks/profiles/derive.py`.
The two are needed here only, never when cosim runs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import simbench
from demandlib import bdew
from weather import outdoor_year_c

HERE = Path(__file__).parent
ZONE = "Europe/Berlin"
DAYS = {"winter": "2016-01-28", "summer": "2016-07-25"}
YEAR = 2016
HOURS = 8760.0
SCENARIO = "1-complete_data-mixed-all-1-sw"  # SimBench, future scenario 1: has heat pumps
DECIMALS = 5

LOADS = {
    "h0_a": ["H0-A"],
    "h0_b": ["H0-B"],
    "h0_c": ["H0-C"],
    "h0_g": ["H0-G"],
    "h0_l": ["H0-L"],
    "h0_mix": ["H0-A", "H0-B", "H0-C", "H0-G", "H0-L"],
    "g0": ["G0-A"],
    "g1_school": ["G1-A"],
    "g1_office": ["G1-B"],
    "g1_workshop": ["G1-C"],
    "g3_continuous": ["G3-A"],
    "g4_shop": ["G4-A"],
    "g6_weekend": ["G6-A"],
    "l0_farm": ["L0-A"],
    "l1_dairy": ["L1-A"],
    "l2_farm": ["L2-A"],
    "hp_air": ["Air_Parallel_1", "Air_Parallel_2", "Air_Semi-Parallel_1", "Air_Semi-Parallel_2"],
    "hp_soil": ["Soil_Alternative_1", "Soil_Alternative_2"],
    "ev_home": ["HLS_A_11.0", "HLS_B_11.0", "HLS_A_3.7", "HLS_B_3.7", "HLS_C_3.7"],
    "mv_mix": ["mv_semiurb"],
}
"""Column here -> SimBench load profiles whose mean it is; relative to the annual mean."""

GENERATION = {"pv_1": "PV1", "pv_3": "PV3", "pv_4": "PV4", "pv_7": "PV7"}
"""Column here -> SimBench generation profile, relative to rated power."""

HEAT = {
    "heat_sfh": ("EFH", 5),
    "heat_mfh": ("MFH", 5),
    "heat_school": ("GKO", 0),
    "heat_office": ("GBD", 0),
    "heat_shop": ("GHA", 0),
    "heat_workshop": ("GMK", 0),
    "heat_nursery": ("GGB", 0),
    "heat_farm": ("GMF", 0),
}
"""Column here -> BDEW profile type and building class, hot water included."""


def main() -> None:
    """Write the CSV files of this folder."""
    hourly_c = outdoor_year_c(YEAR, cold_day=DAYS["winter"], hot_day=DAYS["summer"])
    electricity = _electricity()
    heat = _heat(hourly_c)
    for season, day in DAYS.items():
        _write(electricity(day), f"electricity_{season}.csv", SIMBENCH_NOTICE)
        _write(_quarters(heat.loc[day], day), f"heat_{season}.csv", HEAT_NOTICE)
        weather = _quarters(hourly_c.loc[day].to_frame("outdoor_c"), day)
        weather["ground_c"] = 10.0
        weather["cop_air_35c"] = _cop(weather["outdoor_c"], 35.0)
        weather["cop_air_55c"] = _cop(weather["outdoor_c"], 55.0)
        _write(weather, f"weather_{season}.csv", WEATHER_NOTICE)
        _write(_tariffs(day, season), f"tariffs_{season}.csv", TARIFF_NOTICE)


def _steps(day: str) -> pd.DatetimeIndex:
    return pd.date_range(day, periods=96, freq="15min", tz=ZONE, name="time")


def _electricity() -> Callable[[str], pd.DataFrame]:
    folder = Path(simbench.__file__).parent / "networks" / SCENARIO
    households = bdew.ElecSlp(YEAR).get_scaled_power_profiles({"h0_dyn": HOURS})["h0_dyn"]
    loads = pd.read_csv(folder / "LoadProfile.csv", sep=";")
    generation = pd.read_csv(folder / "RESProfile.csv", sep=";")

    def of_day(day: str) -> pd.DataFrame:
        stamps = _steps(day)
        here = loads["time"].isin(stamps.strftime("%d.%m.%Y %H:%M")).to_numpy()
        columns = {}
        for name, sources in LOADS.items():
            relative = [loads[f"{s}_pload"] / loads[f"{s}_pload"].mean() for s in sources]
            columns[name] = np.mean([r.to_numpy()[here] for r in relative], axis=0)
        columns["h0_bdew"] = households.loc[day].to_numpy() / households.mean()
        for name, source in GENERATION.items():
            columns[name] = generation[source].to_numpy()[here]
        return pd.DataFrame(columns, index=stamps)

    return of_day


def _heat(hourly_c: pd.Series) -> pd.DataFrame:
    """Return BDEW heat profiles over the year, relative to the annual mean."""
    columns = {}
    for name, (kind, building) in HEAT.items():
        profile = bdew.HeatBuilding(
            hourly_c.index,
            temperature=hourly_c,
            shlp_type=kind,
            building_class=building,
            wind_class=0,
            annual_heat_demand=HOURS,
        )
        columns[name] = profile.get_bdew_profile()
    table = pd.DataFrame(columns)
    return table / table.mean()


def _quarters(hourly: pd.DataFrame, day: str) -> pd.DataFrame:
    """Interpolate hourly means of a day to 15 minutes; the day's mean stays exact."""
    stamps = _steps(day)
    middle_h = np.arange(24) + 0.5
    at_h = (np.arange(96) + 0.5) / 4.0
    columns = {}
    for name in hourly:
        values = hourly[name].to_numpy(dtype=float)
        fine = np.interp(at_h, middle_h, values, period=24.0)
        columns[name] = fine + (values.mean() - fine.mean())
    return pd.DataFrame(columns, index=stamps)


def _cop(outdoor_c: pd.Series, supply_c: float) -> pd.Series:
    """Return the air heat pump's COP, quadratic in the temperature lift.

    COP = 6.08 - .09 dT + .0005 dT^2 (Ruhnau et al., When2Heat, doi 10.1038/s41597-019-0199-y).
    """
    lift_k = (supply_c - outdoor_c).clip(lower=15.0)
    return 6.08 - 0.09 * lift_k + 0.0005 * lift_k**2


def _tariffs(day: str, season: str) -> pd.DataFrame:
    stamps = _steps(day)
    hour = stamps.hour
    buy = np.where((hour >= 6) & (hour < 22), 0.30, 0.22)
    buy = np.where((hour >= 17) & (hour < 20), 0.38, buy)
    if season == "summer":
        buy = np.where((hour >= 11) & (hour < 15), 0.22, buy)
    return pd.DataFrame(
        {
            "electricity_buy_eur_per_kwh": buy,
            "electricity_feed_in_eur_per_kwh": 0.08,
            "heat_buy_eur_per_kwh": 0.12,
            "gas_buy_eur_per_kwh": 0.07,
            "electricity_co2_kg_per_kwh": 0.38,
            "heat_co2_kg_per_kwh": 0.18,
            "gas_co2_kg_per_kwh": 0.201,
            "co2_price_eur_per_t": 55.0,
        },
        index=stamps,
    )


def _write(table: pd.DataFrame, name: str, notice: str) -> None:
    text = table.round(DECIMALS).to_csv(date_format=None)
    lines = [f"# {line}" for line in notice.strip().splitlines()]
    (HERE / name).write_text("\n".join(lines) + "\n" + text)


SIMBENCH_NOTICE = """
Extract of SimBench (simbench.de), scenario 1 complete data, made available under the Open
Database License 1.0, contents under the Database Contents License 1.0; this extract as well.
Loads, heat pumps, vehicles: power over annual mean power. pv_*: power over rated power.
h0_bdew is not from SimBench: BDEW household profile made with demandlib (MIT).
"""
HEAT_NOTICE = """
BDEW standard load profiles made with demandlib (MIT) for the temperatures in weather_*.csv.
Heat demand over its annual mean (annual kWh / 8760 h), space heating and hot water.
"""
WEATHER_NOTICE = """
Stated temperatures (assumed, see README.md), ground at pipe depth, COP of air heat pumps for
supply at 35 C and 55 C.
"""
TARIFF_NOTICE = """
Assumed prices and emission factors; sources in README.md.
"""

if __name__ == "__main__":
    main()
