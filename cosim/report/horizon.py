"""Long horizons: what a figure of single steps could not show is drawn by the day or the week."""

from __future__ import annotations

import pandas as pd

from cosim.report.data import Run

LONG = pd.Timedelta(days=15)
"""Horizons above this are drawn by the day."""
VERY_LONG = pd.Timedelta(days=800)
"""Horizons above this are drawn by the week."""


def is_long(run: Run) -> bool:
    """Return whether single steps are too many to be drawn."""
    return span(run.steps) > LONG


def span(steps: pd.DatetimeIndex) -> pd.Timedelta:
    """Return the time from the first step to the last."""
    return steps[-1] - steps[0] if len(steps) else pd.Timedelta(0)


def grain(run: Run) -> str:
    """Return what one point of a figure stands for: step, day or week."""
    length = span(run.steps)
    return "step" if length <= LONG else "day" if length <= VERY_LONG else "week"


def starts(stamps: pd.DatetimeIndex, to: str) -> pd.DatetimeIndex:
    """Return the beginning of the day or week that each stamp lies in; themselves for steps."""
    if to == "step":
        return stamps
    days = stamps.normalize()
    if to == "day":
        return days
    return (days.tz_localize(None) - pd.to_timedelta(days.weekday, "D")).tz_localize(days.tz)


def mean_schedule(run: Run) -> pd.DataFrame:
    """Return the schedule as it is drawn: means over days or weeks where it is long."""
    table, to = run.tables.schedule, grain(run)
    if to == "step":
        return table
    keys = ["participant", "device", "carrier", "quantity"]
    when = starts(pd.DatetimeIndex(table["time"]), to)
    grouped = table.groupby([pd.Series(when, table.index, name="time"), *keys], observed=True)
    return grouped["value"].mean().reset_index()


def means(run: Run, values: pd.Series) -> pd.Series:
    """Return a series over time as it is drawn."""
    to = grain(run)
    return values if to == "step" else values.groupby(starts(_index(values), to)).mean()


def worst(run: Run, values: pd.Series, sense: str) -> pd.Series:
    """Return the worst value of each day or week where single steps are too many."""
    to = grain(run)
    if to == "step":
        return values
    grouped = values.groupby(starts(_index(values), to))
    return grouped.min() if sense == "min" else grouped.max()


def drawn_steps(run: Run) -> pd.DatetimeIndex:
    """Return the beginning of everything that is drawn as one point."""
    return pd.DatetimeIndex(starts(run.steps, grain(run)).unique())


def _index(values: pd.Series) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(values.index)
