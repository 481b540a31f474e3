"""The `weather` section: where the site is and what the sky and the air do there.

Every quantity becomes a profile `weather.QUANTITY` on the scenario's steps, so devices find it
there, and any field that takes a series can name it (`source_temperature_c:
weather.temperature_c`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from pydantic import Field, model_validator

from cosim.errors import Problem
from cosim.records import TimeAxis, read_only
from cosim.records.time import FloatArray
from cosim.scenario.base import Strict
from cosim.scenario.networks import Positive
from cosim.scenario.problems import some
from cosim.scenario.profiles import column_names, read_columns

if TYPE_CHECKING:
    from cosim.scenario.config import ScenarioConfig

Quantity = Literal[
    "ghi_w_per_m2",
    "dni_w_per_m2",
    "dhi_w_per_m2",
    "poa_w_per_m2",
    "cloud_factor",
    "temperature_c",
    "ground_temperature_c",
    "water_temperature_c",
    "wind_speed_m_per_s",
    "pressure_pa",
]
"""Global horizontal, direct normal, diffuse horizontal and plane-of-array irradiance; share of the
clear sky's irradiance that arrives; temperatures of air, ground and water; wind speed; air
pressure."""
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
PREFIX = "weather."
"""Before a quantity's name among the profiles."""

_IRRADIANCE = (0.0, 2000.0)
RANGES: Mapping[Quantity, tuple[float, float]] = {
    "ghi_w_per_m2": _IRRADIANCE,
    "dni_w_per_m2": _IRRADIANCE,
    "dhi_w_per_m2": _IRRADIANCE,
    "poa_w_per_m2": _IRRADIANCE,
    "cloud_factor": (0.0, 1.0),
    "temperature_c": (-90.0, 60.0),
    "ground_temperature_c": (-50.0, 100.0),
    "water_temperature_c": (-5.0, 100.0),
    "wind_speed_m_per_s": (0.0, 120.0),
    "pressure_pa": (30_000.0, 110_000.0),
}
"""What can be; wide enough for every place, narrow enough to find a wrong unit (K, hPa)."""


class Column(Strict):
    """A column in another unit: value = scale * column + offset."""

    column: str
    """Column name."""
    scale: float = 1.0
    """Multiplies every value."""
    offset: float = 0.0
    """Added after scaling, such as -273.15 for a column in K."""


class WeatherSection(Strict):
    """The weather at the site, for photovoltaics, wind turbines and heat pumps."""

    latitude_deg: Annotated[float, Field(ge=-90.0, le=90.0)]
    """North is positive."""
    longitude_deg: Annotated[float, Field(ge=-180.0, le=180.0)]
    """East is positive."""
    altitude_m: Annotated[float, Field(ge=-500.0, le=9000.0)] = 0.0
    """Above sea level; thins the air where no pressure is given, and brightens a clear sky."""
    file: str | None = None
    """CSV or Parquet file with a column `time`; its columns that are called like a quantity are
    used without being listed. Without a file, columns are those of the profile files."""
    timezone: str | None = None
    """Of time stamps in `file` that carry no offset; UTC if missing."""
    columns: Mapping[Quantity, float | str | Column] = {}
    """Quantity -> column name, converted column, or constant."""
    wind_height_m: Positive = 10.0
    """Height at which the wind speed holds."""
    temperature_height_m: Positive = 2.0
    """Height at which the air temperature holds."""
    pressure_height_m: Annotated[float, Field(ge=0.0)] = 0.0
    """Height above ground at which the pressure holds."""
    roughness_length_m: Positive = 0.15
    """Of the terrain around wind turbines, for the logarithmic wind profile."""
    linke_turbidity: Annotated[float, Field(ge=1.0, le=15.0)] | None = None
    """Haze of the clear sky; the monthly climatology that comes with pvlib if missing."""

    @model_validator(mode="after")
    def _wind_is_measured_above_the_ground(self) -> Self:
        if self.roughness_length_m >= self.wind_height_m:
            raise ValueError(
                f"roughness_length_m {self.roughness_length_m:g} is not below wind_height_m "
                f"{self.wind_height_m:g}; give the length in m, 0.0002 (sea) to 1.5 (city)"
            )
        return self


@dataclass(frozen=True, slots=True)
class Weather:
    """The weather on the scenario's steps.

    Attributes:
        site: where, and at which heights.
        time: T steps.
        series: quantity -> means over the steps in the unit of its name, shape (T,), read-only.
    """

    site: WeatherSection
    time: TimeAxis
    series: Mapping[str, FloatArray]


def weather_of(
    section: WeatherSection | None, time: TimeAxis, profiles: Mapping[str, FloatArray]
) -> Weather | None:
    """Return the weather among the profiles of a scenario, None without a weather section."""
    if section is None:
        return None
    found: dict[str, FloatArray] = {
        quantity: profiles[PREFIX + quantity]
        for quantity in QUANTITIES
        if PREFIX + quantity in profiles
    }
    return Weather(section, time, found)


def read_weather(
    section: WeatherSection | None,
    folder: Path,
    time: TimeAxis,
    profiles: Mapping[str, FloatArray],
) -> tuple[dict[str, FloatArray], list[Problem]]:
    """Return every quantity of the weather on the scenario's steps, and what is wrong with it.

    Args:
        section: as written.
        folder: the scenario's folder.
        time: T steps.
        profiles: the scenario's profiles, for a section without a file.

    Returns:
        `weather.QUANTITY` -> array of shape (T,); problems found.
    """
    if section is None:
        return {}, []
    problems: list[Problem] = []
    zone = _zone(section, problems)
    columns = profiles
    if section.file is not None:
        path, wanted = folder / section.file, {*_column_names(section), *QUANTITIES}
        table = read_columns(path, section.file, time, problems, frozenset(wanted), zone)
        if table is None:
            return {}, problems
        columns = {str(name): table[name].to_numpy(dtype=float) for name in table.columns}
    found: dict[str, FloatArray] = {}
    for quantity in QUANTITIES:
        entry = section.columns.get(quantity)
        if entry is None and section.file is not None and quantity in columns:
            entry = quantity
        if entry is not None:
            values = _values(entry, columns, len(time))
            if values is None:
                problems.append(_no_column(quantity, entry, section, folder, columns))
            else:
                found[PREFIX + quantity] = read_only(values)
                problems.extend(_out_of_range(quantity, values, time))
    return found, problems


def weather_problems(config: ScenarioConfig, series: Mapping[str, FloatArray]) -> Iterator[Problem]:
    """Yield the devices that need weather which is not there.

    Args:
        config: the scenario.
        series: what `read_weather` found.
    """
    there = {name.removeprefix(PREFIX) for name in series}
    for participant, settings in config.participants.items():
        for device, spec in settings.devices.items():
            ways = spec.weather_needs()
            if not ways or (config.weather is not None and any(set(way) <= there for way in ways)):
                continue
            where = f"participants.{participant}.devices.{device}"
            expected = ", or ".join(" and ".join(way) for way in ways)
            if config.weather is None:
                found, advice = "needs weather, and there is no weather section", "add it"
            else:
                found = f"needs weather that is not there (there: {some(sorted(there)) or 'none'})"
                advice = "add weather.file or weather.columns"
            yield Problem(where, found, expected, advice)


def _zone(section: WeatherSection, problems: list[Problem]) -> ZoneInfo | None:
    if section.timezone is None:
        return None
    try:
        return ZoneInfo(section.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        expected = "an IANA time zone such as Europe/Berlin or Etc/GMT-1"
        problems.append(Problem("weather.timezone", repr(section.timezone), expected))
        return None


def _column_names(section: WeatherSection) -> Iterator[str]:
    for entry in section.columns.values():
        if isinstance(entry, Column):
            yield entry.column
        elif isinstance(entry, str):
            yield entry


def _values(
    entry: float | str | Column, columns: Mapping[str, FloatArray], steps: int
) -> FloatArray | None:
    if isinstance(entry, Column):
        values = columns.get(entry.column)
        return None if values is None else values * entry.scale + entry.offset
    return columns.get(entry) if isinstance(entry, str) else np.full(steps, float(entry))


def _no_column(
    quantity: Quantity,
    entry: float | str | Column,
    section: WeatherSection,
    folder: Path,
    profiles: Mapping[str, FloatArray],
) -> Problem:
    name = entry.column if isinstance(entry, Column) else entry
    source, known = "the profile files", sorted(profiles)
    if section.file is not None:
        names = column_names(folder / section.file)
        source, known = section.file, [column for column in names if column != "time"]
    return Problem(
        f"weather.columns.{quantity}",
        f"unknown column {name!r}",
        f"a column of {source} ({some(known) or 'none'})",
        "correct the name",
    )


def _out_of_range(quantity: Quantity, values: FloatArray, time: TimeAxis) -> Iterator[Problem]:
    low, high = RANGES[quantity]
    outside = np.flatnonzero(~((values >= low) & (values <= high)))
    if outside.size:
        first = int(outside[0])
        more = f" and {outside.size - 1} more steps" if outside.size > 1 else ""
        yield Problem(
            f"weather.columns.{quantity}",
            f"{values[first]:g} at {time.index[first].isoformat()}{more}",
            f"{low:g} to {high:g}",
            "correct the file, or give column, scale and offset for another unit",
        )


__all__ = [
    "PREFIX",
    "QUANTITIES",
    "RANGES",
    "Column",
    "Quantity",
    "Weather",
    "WeatherSection",
    "read_weather",
    "weather_of",
    "weather_problems",
]
