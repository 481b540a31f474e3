"""Derive the profiles of a whole year at one hour.

Run with an environment that has simbench and demandlib: `python examples/year/derive.py`. The two
are needed here only, never when cosim runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import simbench
from demandlib import bdew

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "networks" / "profiles"))

from derive import DAYS, HOURS, LOADS, SCENARIO, YEAR, _cop  # noqa: E402
from weather import outdoor_year_c  # noqa: E402

COLUMNS = ("h0_mix", "g0")
"""Taken from `LOADS` of networks/profiles."""
DECIMALS = 4
STANDARD_TIME = "Etc/GMT-1"
"""SimBench counts 366 days of 24 hours: local standard time, without daylight saving."""
NOTICE = """
Extract of SimBench (simbench.de), scenario 1 complete data, made available under the Open
Database License 1.0, contents under the Database Contents License 1.0; this extract as well.
h0_mix, g0: power over annual mean power; pv_4: power over rated power; hourly means.
heat_sfh: BDEW profile made with demandlib (MIT), heat over its annual mean.
outdoor_c, cop_air_35c, electricity_buy_eur_per_kwh: assumed, see README.md.
"""


def main() -> None:
    """Write year.csv."""
    stamps = pd.date_range(f"{YEAR}-01-01", periods=8784, freq="h", tz=STANDARD_TIME, name="time")
    outdoor_c = outdoor_year_c(YEAR, cold_day=DAYS["winter"], hot_day=DAYS["summer"])
    columns = _electricity()
    columns["heat_sfh"] = _heat(outdoor_c)
    columns["outdoor_c"] = outdoor_c.to_numpy()
    columns["cop_air_35c"] = _cop(outdoor_c, 35.0).to_numpy()
    columns["electricity_buy_eur_per_kwh"] = _price(stamps.tz_convert("Europe/Berlin"))
    text = pd.DataFrame(columns, index=stamps).round(DECIMALS).to_csv()
    lines = [f"# {line}" for line in NOTICE.strip().splitlines()]
    (HERE / "year.csv").write_text("\n".join(lines) + "\n" + text)


def _electricity() -> dict[str, np.ndarray]:
    folder = Path(simbench.__file__).parent / "networks" / SCENARIO
    loads = pd.read_csv(folder / "LoadProfile.csv", sep=";")
    generation = pd.read_csv(folder / "RESProfile.csv", sep=";")
    columns = {}
    for name in COLUMNS:
        relative = [loads[f"{s}_pload"] / loads[f"{s}_pload"].mean() for s in LOADS[name]]
        columns[name] = _hourly(np.mean(relative, axis=0))
    columns["pv_4"] = _hourly(generation["PV4"].to_numpy())
    return columns


def _hourly(quarters: np.ndarray) -> np.ndarray:
    return quarters.reshape(-1, 4).mean(axis=1)


def _heat(outdoor_c: pd.Series) -> np.ndarray:
    profile = bdew.HeatBuilding(
        outdoor_c.index,
        temperature=outdoor_c,
        shlp_type="EFH",
        building_class=5,
        wind_class=0,
        annual_heat_demand=HOURS,
    ).get_bdew_profile()
    return (profile / profile.mean()).to_numpy()


def _price(local: pd.DatetimeIndex) -> np.ndarray:
    """Return the tariff of networks/profiles: three levels, and cheap noons from April on."""
    hour, summer = local.hour, (local.month >= 4) & (local.month <= 9)
    buy = np.where((hour >= 6) & (hour < 22), 0.30, 0.22)
    buy = np.where((hour >= 17) & (hour < 20), 0.38, buy)
    return np.where(summer & (hour >= 11) & (hour < 15), 0.22, buy)


if __name__ == "__main__":
    main()
