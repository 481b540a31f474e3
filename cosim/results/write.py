"""Write a run folder: all of it or nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cosim.errors import ResultsError
from cosim.results.parquet import write_table
from cosim.results.schema import NETWORK_SERIES, OPTIONAL_TABLES, SCHEDULE, TABLES
from cosim.results.summary import plain, summary_problems
from cosim.results.tables import RunTables

SUMMARY_FILE = "summary.json"
COPPER_PLATE = "copper_plate"


def write_run(folder: Path, tables: RunTables) -> Path:
    """Write a finished run; it appears under its name only when complete.

    An earlier finished run of that name is replaced as a whole, never in part.

    Args:
        folder: run folder.
        tables: what it shall hold.

    Returns:
        The folder.

    Raises:
        ResultsError: if a table does not fit the contract, or if the folder holds something that
            is not a run.
    """
    with new_run(folder) as partial:
        fill_run(partial, tables)
    return folder


@contextmanager
def new_run(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill; it becomes the run folder where nothing goes wrong.

    Raises:
        ResultsError: if the folder holds something that is not a run.
    """
    refuse_foreign(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _put_in_place(partial, folder)


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder that is neither new, nor empty, nor an earlier run.

    Raises:
        ResultsError: if the folder holds something that is not a run.
    """
    if folder.is_file():
        raise ResultsError(f"{folder}: a file; expected a folder or nothing; choose another name")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / SUMMARY_FILE).is_file():
        raise ResultsError(
            f"{folder}: holds files but no {SUMMARY_FILE}; expected an earlier run, an empty "
            "folder or nothing; choose another folder"
        )


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write `summary.json` into a folder.

    Raises:
        ResultsError: if the summary does not fit the contract.
    """
    content = plain(summary)
    found = summary_problems(content, SUMMARY_FILE)
    if found:
        raise ResultsError("\n".join(str(problem) for problem in found))
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / SUMMARY_FILE).write_text(text + "\n", encoding="utf-8")


def write_network(folder: Path, grid: str, text: str) -> None:
    """Write a network's file into a run folder."""
    path = folder / "networks" / f"{grid}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def fill_run(folder: Path, tables: RunTables) -> None:
    """Write everything that a run holds into a folder that is there; see `new_run`."""
    for name, table in TABLES.items():
        write_table(folder / f"{name}.parquet", getattr(tables, name), table, f"{name}.parquet")
    for name, table in OPTIONAL_TABLES.items():
        frame = getattr(tables, name)
        if len(frame):
            write_table(folder / f"{name}.parquet", frame, table, f"{name}.parquet")
    copper = tables.copper_plate_schedule
    if len(copper):
        where = f"{COPPER_PLATE}/schedule.parquet"
        write_table(folder / where, copper, SCHEDULE, where)
    for sub, frames in (
        ("setpoints", tables.setpoints),
        ("states", tables.states),
        (f"{COPPER_PLATE}/states", tables.copper_plate_states),
    ):
        for grid, frame in frames.items():
            where = f"{sub}/{grid}.parquet"
            write_table(folder / where, frame, NETWORK_SERIES, where)
    for grid, text in tables.networks.items():
        write_network(folder, grid, text)
    write_summary(folder, tables.summary)


def _put_in_place(partial: Path, folder: Path) -> None:
    """Swap the finished folder in; an older run is moved away first and restored on failure."""
    if not folder.exists():
        partial.rename(folder)
        return
    old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    try:
        partial.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
