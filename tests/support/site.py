"""Weather for tests: a site, a time axis and a few quantities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cosim.records import TimeAxis, read_only
from cosim.scenario.weather import Weather, WeatherSection

FREIBURG = {"latitude_deg": 48.0, "longitude_deg": 7.85, "altitude_m": 280.0}


def weather(
    series: dict[str, float | Sequence[float]],
    *,
    start: str = "2024-06-21",
    steps: int = 24,
    step_h: float = 1.0,
    timezone: str = "Etc/GMT-1",
    **site: float,
) -> Weather:
    """Return weather at Freiburg unless told otherwise; constants are repeated."""
    index = pd.date_range(start, periods=steps, freq=pd.Timedelta(hours=step_h), tz=timezone)
    columns = {name: read_only(np.broadcast_to(v, steps)) for name, v in series.items()}
    section = WeatherSection.model_validate(FREIBURG | site)
    return Weather(section, TimeAxis(index, step_h), columns)


def middles(one: Weather) -> pd.DatetimeIndex:
    """Return the middle of each step."""
    return one.time.index + pd.Timedelta(hours=one.time.step_h / 2.0)
