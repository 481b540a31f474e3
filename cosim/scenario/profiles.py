"""Profile files: one column of time stamps, one column per profile."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cosim.errors import Problem
from cosim.records import TimeAxis, read_only
from cosim.records.time import FloatArray
from cosim.scenario.problems import some


def read_profiles(
    files: tuple[str, ...], folder: Path, time: TimeAxis
) -> tuple[dict[str, FloatArray], list[Problem]]:
    """Return every profile on the scenario's steps, and what is wrong with the files.

    A file with finer steps is averaged; one with coarser steps holds its value.

    Args:
        files: paths relative to `folder`.
        folder: the scenario's folder.
        time: T steps.

    Returns:
        Profile name -> array of shape (T,); problems found.
    """
    profiles: dict[str, FloatArray] = {}
    problems: list[Problem] = []
    for name in files:
        table = read_columns(folder / name, name, time, problems)
        if table is None:
            continue
        for column in table.columns:
            if column in profiles:
                problems.append(
                    Problem(f"{name}: {column}", "a second profile of this name", "unique names")
                )
            profiles[str(column)] = read_only(table[column].to_numpy(dtype=float))
    return profiles, problems


def read_columns(
    path: Path,
    name: str,
    time: TimeAxis,
    problems: list[Problem],
    only: frozenset[str] | None = None,
    zone: ZoneInfo | None = None,
) -> pd.DataFrame | None:
    """Return the columns of a file on the scenario's steps; None with a problem if that fails.

    Args:
        path: CSV or Parquet file with a column `time`.
        name: of the file, for messages.
        time: T steps.
        problems: what is wrong is added here.
        only: columns to take; all if missing.
        zone: of time stamps without an offset; UTC if missing.

    Returns:
        T rows, one column per profile.
    """
    if not path.is_file():
        problems.append(
            Problem(name, "no such file", f"a profile file at {path}", "check profiles")
        )
        return None
    try:
        raw = _table(path)
    except (ValueError, OSError) as error:
        problems.append(Problem(name, f"not readable ({error})", "CSV or Parquet"))
        return None
    if "time" not in raw.columns:
        raw = raw.reset_index()
    if "time" not in raw.columns:
        problems.append(Problem(name, "no column time", "a column time with time stamps"))
        return None
    if only is not None:
        raw = raw[[column for column in raw.columns if column == "time" or column in only]]
    return _align(raw, name, time, problems, zone)


def column_names(path: Path) -> list[str]:
    """Return the columns of a profile file that `read_columns` could read."""
    return [str(column) for column in _table(path).columns]


def _table(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, comment="#")


def _align(
    raw: pd.DataFrame,
    name: str,
    time: TimeAxis,
    problems: list[Problem],
    zone: ZoneInfo | None,
) -> pd.DataFrame | None:
    try:
        stamps = _stamps(raw["time"], zone)
    except (ValueError, TypeError) as error:
        problems.append(
            Problem(f"{name}: time", f"not a time stamp ({error})", "ISO 8601 with an offset")
        )
        return None
    values = raw.drop(columns="time")
    bad = [c for c in values.columns if not pd.api.types.is_numeric_dtype(values[c])]
    if bad:
        problems.append(Problem(name, f"columns that are not numbers: {some(bad)}", "numbers only"))
        return None
    values = values.set_axis(stamps, axis=0)
    if not values.index.is_unique:
        problems.append(Problem(f"{name}: time", "the same time stamp twice", "each step once"))
        return None
    aligned = _on_axis(values.sort_index(), time)
    missing = aligned.index[aligned.isna().any(axis=1)]
    if len(missing):
        local = missing[0].tz_convert(time.index.tz)
        problems.append(
            Problem(
                name,
                f"no value for {len(missing)} steps, the first {local.isoformat()}",
                f"values from {time.index[0].isoformat()} for {len(time)} steps",
                "extend the file or move time.start",
            )
        )
        return None
    return aligned


def _stamps(column: pd.Series, zone: ZoneInfo | None) -> pd.DatetimeIndex:
    """Return time stamps in UTC.

    Raises:
        ValueError: for text that is no time stamp, and local times that do not exist or exist
            twice because the clock is changed.
    """
    if zone is not None:
        stamps = pd.DatetimeIndex(pd.to_datetime(column))
        if stamps.tz is not None:
            return stamps.tz_convert("UTC")
        local = stamps.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        odd = stamps[local.isna()]
        if len(odd):
            raise ValueError(f"{odd[0]} exists twice or not at all in {zone.key}")
        return local.tz_convert("UTC")
    return pd.DatetimeIndex(pd.to_datetime(column, utc=True))


def _on_axis(values: pd.DataFrame, time: TimeAxis) -> pd.DataFrame:
    wanted = time.index.tz_convert("UTC")
    step = pd.Timedelta(hours=time.step_h)
    spacing = values.index.to_series().diff().min() if len(values) > 1 else step
    if spacing < step:
        groups = np.asarray(wanted.searchsorted(values.index, side="right")) - 1
        inside = (groups >= 0) & (values.index < wanted[-1] + step)
        return (
            values[inside].groupby(groups[inside]).mean().reindex(range(len(time))).set_axis(wanted)
        )
    reach = max(spacing - pd.Timedelta(seconds=1), pd.Timedelta(0))
    return values.reindex(wanted, method="ffill", tolerance=reach)
