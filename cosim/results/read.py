"""Read a run folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cosim.errors import ResultsError
from cosim.results.parquet import read_table
from cosim.results.schema import NETWORK_SERIES, OPTIONAL_TABLES, SCHEDULE, TABLES
from cosim.results.summary import summary_problems
from cosim.results.tables import Lazy, RunTables
from cosim.results.write import COPPER_PLATE, SUMMARY_FILE


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the summary of a finished run.

    Raises:
        ResultsError: if the folder is not a finished run, or its summary lacks something.
    """
    path = folder / SUMMARY_FILE
    if not path.is_file():
        found = "no such folder" if not folder.is_dir() else f"a folder without {SUMMARY_FILE}"
        advice = "give the folder that `cosim run` wrote"
        raise ResultsError(f"{folder}: {found}; expected a finished run; {advice}")
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path}: not JSON ({error}); expected the summary of a run") from None
    if not isinstance(summary, dict):
        raise ResultsError(f"{path}: a {type(summary).__name__}; expected an object")
    found_problems = summary_problems(summary, SUMMARY_FILE)
    if found_problems:
        raise ResultsError("\n".join(str(problem) for problem in found_problems))
    return summary


def read_run(folder: Path) -> RunTables:
    """Return a finished run; set-points, states and networks are read when they are asked for.

    Raises:
        ResultsError: if the folder is not a finished run or a table does not fit the contract.
    """
    summary = read_summary(folder)
    tables = {
        name: read_table(folder / f"{name}.parquet", table, f"{name}.parquet")
        for name, table in TABLES.items()
    }
    copper = folder / COPPER_PLATE / "schedule.parquet"
    where = f"{COPPER_PLATE}/schedule.parquet"
    return RunTables(
        summary=summary,
        **tables,
        setpoints=_series(folder, "setpoints"),
        states=_series(folder, "states"),
        networks=_texts(folder / "networks"),
        copper_plate_states=_series(folder, f"{COPPER_PLATE}/states"),
        copper_plate_schedule=(
            read_table(copper, SCHEDULE, where) if copper.is_file() else SCHEDULE.empty()
        ),
        **{name: _optional(folder, name) for name in OPTIONAL_TABLES},
    )


def _optional(folder: Path, name: str) -> pd.DataFrame:
    path, table = folder / f"{name}.parquet", OPTIONAL_TABLES[name]
    return read_table(path, table, path.name) if path.is_file() else table.empty()


def _series(folder: Path, sub: str) -> Lazy[pd.DataFrame]:
    loaders: dict[str, Callable[[], pd.DataFrame]] = {
        path.stem: partial(read_table, path, NETWORK_SERIES, f"{sub}/{path.name}")
        for path in sorted((folder / sub).glob("*.parquet"))
    }
    return Lazy(loaders)


def _texts(folder: Path) -> Lazy[str]:
    loaders: dict[str, Callable[[], str]] = {
        path.stem: partial(path.read_text, encoding="utf-8")
        for path in sorted(folder.glob("*.json"))
    }
    return Lazy(loaders)
