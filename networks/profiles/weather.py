"""An assumed outdoor temperature over a year: a smooth climate with two stated days in it."""

from __future__ import annotations

import numpy as np
import pandas as pd

MONTHLY_C = (2.0, 3.0, 7.0, 11.0, 15.0, 19.0, 20.5, 20.0, 15.5, 11.0, 6.0, 3.0)
"""Rounded monthly means as they are usual in the Upper Rhine valley (assumption)."""
SWING_WINTER_K, SWING_SUMMER_K = 3.0, 6.0
COLD_MEAN_C, COLD_SWING_K = -8.0, 3.0
HOT_MEAN_C, HOT_SWING_K = 24.0, 7.0
SPELL_DAYS = 3  # full-strength days before and after; ramps as long on both sides
WARMEST_HOUR = 15.0


def outdoor_year_c(year: int, cold_day: str, hot_day: str) -> pd.Series:
    """Return hourly outdoor temperature in C, local wall-clock hours of the year.

    The daily mean follows the monthly means smoothly; around the two days it goes over to a
    cold and to a hot spell. The heat profiles need the whole year only to know what share of
    the annual demand falls on a day.
    """
    index = pd.date_range(f"{year}-01-01", f"{year}-12-31 23:00", freq="h")
    day = index.dayofyear.to_numpy() + index.hour.to_numpy() / 24.0
    middle = (np.arange(12) + 0.5) * 30.5
    mean = np.interp(day, middle, MONTHLY_C, period=366.0)
    season = 0.5 - 0.5 * np.cos(2.0 * np.pi * (day - 15.0) / 366.0)
    swing = SWING_WINTER_K + (SWING_SUMMER_K - SWING_WINTER_K) * season
    for stated, level, amplitude in (
        (cold_day, COLD_MEAN_C, COLD_SWING_K),
        (hot_day, HOT_MEAN_C, HOT_SWING_K),
    ):
        away = np.abs(index.dayofyear.to_numpy() - pd.Timestamp(stated).dayofyear)
        weight = np.clip(1.0 - (away - SPELL_DAYS) / SPELL_DAYS, 0.0, 1.0)
        mean = weight * level + (1.0 - weight) * mean
        swing = weight * amplitude + (1.0 - weight) * swing
    daily = np.cos(2.0 * np.pi * (index.hour.to_numpy() + 0.5 - WARMEST_HOUR) / 24.0)
    return pd.Series(mean + swing * daily, index=index, name="outdoor_c")
