"""Background customers: everyone in the network who does not take part, from a CSV table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cosim.errors import Problem
from cosim.records import Background, ElementSeries, read_only
from cosim.records.time import FloatArray
from cosim.scenario.network_file import NetworkFile, find_ids
from cosim.scenario.problems import some

SIGN_OF_ELEMENT = {"load": -1.0, "sgen": 1.0, "heat_consumer": -1.0, "sink": -1.0, "source": 1.0}
ELEMENTS_OF_KIND = {
    "electric": ("load", "sgen"),
    "heat": ("heat_consumer",),
    "cooling": ("heat_consumer",),
    "gas": ("sink", "source"),
}
COLUMNS = ("element", "id", "profile", "scale_kw")


@dataclass(frozen=True, slots=True)
class _Source:
    """What a table is read against, and where its problems go."""

    settings: Any
    file: NetworkFile
    name: str
    profiles: Mapping[str, FloatArray]
    taken: set[int]
    problems: list[Problem]

    def report(self, field: str, found: str, expected: str, advice: str = "") -> None:
        where = f"{self.name}: {field}" if field else self.name
        self.problems.append(Problem(where, found, expected, advice))


def read_background(
    settings: Any,
    file: NetworkFile,
    path: Path,
    profiles: Mapping[str, FloatArray],
    taken: set[int],
    problems: list[Problem],
) -> Background:
    """Return the power of every background customer over the scenario's steps.

    Args:
        settings: the network's section of the scenario.
        file: the network with its tables.
        path: the CSV file; ignored where the section names none.
        profiles: profile name -> shape (T,).
        taken: heat consumers that belong to participants.
        problems: what is wrong is added here.
    """
    name = settings.background.table
    if name is None:
        return Background()
    if not path.is_file():
        where = f"networks.{file.name}.background.table"
        problems.append(Problem(where, f"no file {name}", "a CSV file", "check the path"))
        return Background()
    source = _Source(settings, file, name, profiles, taken, problems)
    table = pd.read_csv(path, comment="#")
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        source.report("", f"no column {', '.join(missing)}", ", ".join(COLUMNS))
        return Background()
    series = (_series(str(e), rows, source) for e, rows in table.groupby("element", sort=True))
    return Background(tuple(item for item in series if item is not None))


def _series(element: str, rows: pd.DataFrame, source: _Source) -> ElementSeries | None:
    known = ELEMENTS_OF_KIND[source.settings.kind]
    if element not in known:
        source.report("element", repr(element), f"one of {', '.join(known)}")
        return None
    ids = _ids(element, rows, source)
    unknown = sorted(set(rows["profile"]) - set(source.profiles))
    if unknown:
        source.report("profile", f"unknown {some(unknown)}", "a column of the profile files")
    if ids is None or unknown or not _scales_are_numbers(rows, source):
        return None
    shapes = np.stack([source.profiles[p] for p in rows["profile"]], axis=1)
    scale = rows["scale_kw"].to_numpy(dtype=float)
    p_kw = SIGN_OF_ELEMENT[element] * shapes * scale[None, :]
    q_kvar = np.zeros_like(p_kw)
    if source.settings.kind == "electric":
        q_kvar = p_kw * np.tan(np.arccos(_power_factor(element, rows, source)))[None, :]
    return ElementSeries(element, read_only(ids, np.int64), read_only(p_kw), read_only(q_kvar))


def _scales_are_numbers(rows: pd.DataFrame, source: _Source) -> bool:
    numbers = pd.to_numeric(rows["scale_kw"], errors="coerce")
    bad = rows.loc[numbers.isna() | (numbers < 0.0), "id"].tolist()
    if bad:
        source.report("scale_kw", f"not a number of kW at id {some(bad)}", "0 or more")
    return not bad


def _power_factor(element: str, rows: pd.DataFrame, source: _Source) -> FloatArray:
    fallback = source.settings.base_power_factor if element == "load" else 1.0
    given = rows.get("power_factor", pd.Series(np.nan, index=rows.index))
    return np.asarray(given.fillna(fallback), dtype=np.float64)


def _ids(element: str, rows: pd.DataFrame, source: _Source) -> list[int] | None:
    table = source.file.tables.get(element, pd.DataFrame())
    keys = [int(key) if isinstance(key, (int, np.integer)) else str(key) for key in rows["id"]]
    found = [find_ids(table, key) for key in keys]
    bad = [key for key, ids in zip(keys, found, strict=True) if len(ids) != 1]
    if bad:
        expected = f"an index or unique name in the table {element} of {source.file.path.name}"
        source.report("id", f"{element} {some(bad)}", expected)
        return None
    flat = [ids[0] for ids in found]
    repeated = sorted(set(pd.Series(flat)[pd.Series(flat).duplicated()]))
    if repeated:
        source.report("id", f"{element} {some(repeated)} twice", "each element once")
        return None
    both = sorted(source.taken & set(flat)) if element == "heat_consumer" else []
    if both:
        expected = "background customers only"
        source.report(
            "id",
            f"heat_consumer {some(both)} belongs to a participant",
            expected,
            "remove the rows",
        )
        return None
    return flat
