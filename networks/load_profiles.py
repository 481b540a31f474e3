"""Standard load profiles over a year: shared by the derive scripts of the examples.

Needs demandlib, which cosim itself never does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from demandlib import bdew

Floats = npt.NDArray[np.float64]
"""A value per hour of the year, shape (8760,)."""


def hours_of(year: int) -> pd.DatetimeIndex:
    """Return the 8,760 hours of a year, without a time zone."""
    return pd.date_range(f"{year}-01-01", periods=8760, freq="h")


def electric(year: int, kinds: Iterable[str]) -> dict[str, Floats]:
    """Return BDEW profiles of electricity by type, such as g1, over their annual mean."""
    table = bdew.ElecSlp(year).get_scaled_power_profiles(dict.fromkeys(kinds, 1.0))
    table = table.resample("h").mean()
    return {kind: (table[kind] / table[kind].mean()).to_numpy() for kind in table}


def heat(hours: pd.DatetimeIndex, air_c: Floats, kind: str, building_class: int = 0) -> Floats:
    """Return a BDEW profile of heat, such as GKO, over its annual mean.

    Args:
        hours: of the year, shape (8760,).
        air_c: outdoor temperature in each.
        kind: BDEW type.
        building_class: 0, or 1 to 11 for dwellings.
    """
    profile = bdew.HeatBuilding(
        hours, temperature=pd.Series(air_c, index=hours), shlp_type=kind,
        building_class=building_class, wind_class=0, annual_heat_demand=1.0,
    ).get_bdew_profile()  # fmt: skip
    return np.asarray(profile / profile.mean())


@dataclass(frozen=True, slots=True)
class Cooling:
    """How cooling follows the weather.

    Attributes:
        comfort_c: outdoor temperature below which only the base is cooled.
        hottest_c: outdoor temperature of the peak.
    """

    comfort_c: float
    hottest_c: float

    def over_peak(
        self, air_c: Floats, hour: npt.NDArray[np.int64], base: float, first: int, last: int
    ) -> Floats:
        """Return cooling over its peak: a base, and the rest with the weather in hours of use.

        Args:
            air_c: outdoor temperature.
            hour: of the day, 0 to 23.
            base: share of the peak that needs no weather.
            first: hour in which use begins.
            last: hour before which it ends.
        """
        warm = np.clip((air_c - self.comfort_c) / (self.hottest_c - self.comfort_c), 0.0, 1.0)
        in_use = (hour >= first) & (hour < last)
        return np.asarray(base + (1.0 - base) * warm * in_use)


def write_profiles(file: Path, columns: pd.DataFrame, zone: str, notice: str) -> None:
    """Write profiles as CSV, with what has to be said about them in comments at the top.

    Args:
        file: to write.
        columns: a row per hour, without a time zone.
        zone: time zone of the hours.
        notice: lines of the comment.
    """
    table = columns.set_axis(columns.index.tz_localize(zone).rename("time"))
    lines = [f"# {line}" for line in notice.strip().splitlines()]
    file.write_text("\n".join(lines) + "\n" + table.to_csv(lineterminator="\n"))
