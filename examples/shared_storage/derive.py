"""Make the profiles and schemes 2 to 5 of this example.

Run from the repository: python examples/shared_storage/derive.py (needs demandlib).

Schemes 2 to 5 are `scenario.yaml` (scheme 1) with the lines changed that `SCHEMES` names.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

HERE = Path(__file__).parent
SHARED = HERE / "../../networks/load_profiles.py"
sys.path.insert(0, str(SHARED.parent))
from load_profiles import electric, heat, hours_of, write_profiles  # noqa: E402

YEAR, DAY = 2023, "2023-03-08"
ZONE = "Asia/Shanghai"
ELECTRIC = {"mg1": {"g3": 1.0}, "mg2": {"g1": 0.6, "h0": 0.4}, "mg3": {"h0": 0.8, "g4": 0.2},
            "office": {"g1": 1.0}, "retail": {"g4": 1.0}}  # fmt: skip
HEAT = {"mg1": ("GMK", 0), "mg2": ("GKO", 0), "mg3": ("MFH", 5), "office": ("GKO", 0),
        "retail": ("GHA", 0)}  # fmt: skip
"""BDEW types and the share of each: industry around the clock, business, dwellings, shops; for heat
metal working, offices, apartment buildings, trade."""
MEAN_C, SEASON_C, DAY_C = 13.0, 15.5, 4.5
"""Outdoor temperature of Tianjin as two cosines, coldest in mid January and at 5 am (assumed:
-2.5 C mean in January and 28.5 C in July, close to the station's climate normals)."""
WIND_MEAN, WIND_DAY, WIND_GUST = 5.2, 1.6, 0.5
"""Wind at 10 m in m/s: stronger at night, with a faster ripple (assumed)."""
PEAK_H, VALLEY_H = ((10, 15), (18, 21)), ((0, 7), (23, 24))
PRICES = {"peak": 1.20, "flat": 0.75, "valley": 0.40}
"""Industrial time-of-use tariff in CNY/kWh, of the size usual in northern China (assumed)."""
SERVICE_FEE = 0.01
"""CNY/kWh, of `scenario.yaml`; what scheme 3 sells at is below the tariff by it."""
NOTICE = """
Loads over their annual mean: BDEW standard profiles made with demandlib (MIT licence).
outdoor_c, wind, prices: assumed, see README.md.
"""
Change = tuple[str, str]
"""A line of scenario.yaml by its beginning, and what stands there instead; nothing drops it."""
NO_HYDROGEN: tuple[Change, ...] = (
    ("      hydrogen: {at: storage", ""),
    ("      heat: {at: storage", ""),
    ("      heat_store:", ""),
    ("      electrolyser:", ""),
    ("      fuel_cell:", ""),
    ("      hydrogen_store:", ""),
    ("    heat:        {buy:", ""),
    ("    hydrogen:    {sell:", ""),
    ("    heat_store:", ""),
    ("    electrolyser:", ""),
    ("    fuel_cell:", ""),
    ("    hydrogen_store:", ""),
)
ALONE: tuple[Change, ...] = (
    ("sharing: {electricity:", "sharing: {}"),
    ("  followers: cooperating", "  followers: independent"),
)
FIXED: tuple[Change, ...] = (("  method: exact", "  method: fixed"),)
CENTRAL: Change = ("  distributed:", "")
"""The followers' game is solved a second time, without a centre, in scheme 1 only."""
SCHEMES: dict[int, tuple[str, tuple[Change, ...]]] = {
    2: ("as scheme 1, but the operator has a battery only.", NO_HYDROGEN),
    3: ("the microgrids cooperate, the operator's prices are fixed.", FIXED),
    4: ("the operator sets its prices, every microgrid is alone.", ALONE),
    5: ("the operator's prices are fixed, every microgrid is alone.", (*ALONE, *FIXED)),
}


def outdoor_c(stamps: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
    """Return the outdoor temperature."""
    season = np.cos(2.0 * np.pi * (stamps.dayofyear - 15) / 365.0)
    day = np.cos(2.0 * np.pi * (stamps.hour - 5) / 24.0)
    return np.asarray(MEAN_C - SEASON_C * season - DAY_C * day)


def wind(hour: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the wind speed at 10 m in m/s."""
    day = np.cos(2.0 * np.pi * (hour - 1) / 24.0)
    ripple = np.sin(2.0 * np.pi * hour / 7.0)
    return np.asarray(WIND_MEAN + WIND_DAY * day + WIND_GUST * ripple)


def tariff(hour: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the price of electricity by the time of use."""

    def within(times: tuple[tuple[int, int], ...]) -> npt.NDArray[np.bool_]:
        return np.any([(hour >= begin) & (hour < end) for begin, end in times], axis=0)

    found = [PRICES["peak"], PRICES["valley"]]
    return np.asarray(np.select([within(PEAK_H), within(VALLEY_H)], found, PRICES["flat"]))


def columns() -> dict[str, npt.NDArray[np.float64]]:
    """Return every profile over the year, by the hour."""
    year = hours_of(YEAR)
    slp = electric(YEAR, sorted({kind for parts in ELECTRIC.values() for kind in parts}))
    found = {
        f"{name}_electric": sum(share * slp[kind] for kind, share in parts.items())
        for name, parts in ELECTRIC.items()
    }
    air_c = outdoor_c(year)
    for name, (kind, building) in HEAT.items():
        found[f"{name}_heat"] = heat(year, air_c, kind, building)
    hour = year.hour.to_numpy()
    found["outdoor_c"] = air_c
    found["wind_m_per_s"] = wind(hour)
    found["electricity_buy_cny_per_kwh"] = tariff(hour)
    found["electricity_fixed_cny_per_kwh"] = tariff(hour) - SERVICE_FEE
    return found


def scheme_text(number: int, scheme_1: str) -> str:
    """Return the file of a scheme, made from that of scheme 1.

    Raises:
        ValueError: if a line that it changes is not there exactly once.
    """
    about, changes = SCHEMES[number][0], (*SCHEMES[number][1], CENTRAL)
    text = scheme_1.replace("name: shared_storage_1", f"name: shared_storage_{number}")
    text = re.sub(r"  Scheme 1: .*\n", f"  Scheme {number}: {about}\n", text)
    for beginning, instead in changes:
        pattern = rf"^{re.escape(beginning)}.*\n"
        if len(re.findall(pattern, text, flags=re.MULTILINE)) != 1:
            raise ValueError(f"scenario.yaml has not exactly one line {beginning!r}")
        line = f"{instead}\n" if instead else ""
        text = re.sub(pattern, line, text, flags=re.MULTILINE)
    return f"# Made from scenario.yaml by derive.py; change that one.\n{text}"


def main() -> None:
    """Write spring_day.csv and scheme_2.yaml to scheme_5.yaml."""
    table = pd.DataFrame(columns(), index=hours_of(YEAR)).loc[DAY].round(4)
    write_profiles(HERE / "spring_day.csv", table, ZONE, NOTICE)
    scheme_1 = (HERE / "scenario.yaml").read_text()
    for number in SCHEMES:
        (HERE / f"scheme_{number}.yaml").write_text(scheme_text(number, scheme_1))


if __name__ == "__main__":
    main()
