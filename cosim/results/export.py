"""The tables of a finished run for other programs: CSV, Excel, netCDF."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cosim.errors import ResultsError
from cosim.results.parquet import matrix
from cosim.results.read import read_run
from cosim.results.schema import OPTIONAL_TABLES, TABLES
from cosim.results.tables import RunTables
from cosim.results.write import COPPER_PLATE, SUMMARY_FILE

XLSX_ROWS = 1_048_575
"""Rows below the header that a sheet can hold (Excel's limit of 1,048,576 rows)."""
XLSX_COLUMNS = 16_383
"""Columns beside the index (Excel's limit of 16,384)."""
SHEET_NAME = 31
"""Longest name of a sheet."""


def export_run(folder: Path, form: str, to: Path) -> list[Path]:
    """Write every table of a run in another format.

    csv: one file per table; network series in a folder per network, one file per quantity, steps
    down and elements across. xlsx: one workbook with the small tables, and one per network and kind
    of series with a sheet per quantity, laid out alike; tables longer than a sheet go on in further
    sheets; times are local, without zone. netcdf: one file per table; network series as arrays over
    time and element; times in UTC.

    Args:
        folder: a finished run.
        form: csv, xlsx or netcdf.
        to: folder to write to; it is made.

    Returns:
        The files written.

    Raises:
        ResultsError: for an unknown format, a missing package, or a folder that is not a run.
    """
    writers = {"csv": _csv, "xlsx": _xlsx, "netcdf": _netcdf}
    if form not in writers:
        known = ", ".join(writers)
        raise ResultsError(f"export: unknown format {form!r}; expected one of {known}")
    run = read_run(folder)
    to.mkdir(parents=True, exist_ok=True)
    try:
        files = writers[form](run, to)
    except ImportError as error:
        advice = "install it with: pip install 'cosim[export]'"
        raise ResultsError(f"export: {form} lacks a package ({error}); {advice}") from None
    shutil.copy2(folder / SUMMARY_FILE, to / SUMMARY_FILE)
    return [*files, to / SUMMARY_FILE]


def _small(run: RunTables) -> Iterator[tuple[str, pd.DataFrame]]:
    for name in TABLES:
        yield name, getattr(run, name)
    for name in OPTIONAL_TABLES:
        if len(getattr(run, name)):
            yield name, getattr(run, name)
    if len(run.copper_plate_schedule):
        yield f"{COPPER_PLATE}/schedule", run.copper_plate_schedule


def _series(run: RunTables) -> Iterator[tuple[str, pd.DataFrame]]:
    for sub, frames in (
        ("setpoints", run.setpoints),
        ("states", run.states),
        (f"{COPPER_PLATE}/states", run.copper_plate_states),
    ):
        for grid in frames:
            yield f"{sub}/{grid}", frames[grid]


def _matrices(frame: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield (element, quantity, time x id) of a network series."""
    for (element, quantity), rows in frame.groupby(["element", "quantity"], observed=True):
        yield str(element), str(quantity), matrix(rows)


def _csv(run: RunTables, to: Path) -> list[Path]:
    files = []
    for name, frame in _small(run):
        files.append(_csv_file(to / f"{name}.csv", frame))
    for name, frame in _series(run):
        for element, quantity, values in _matrices(frame):
            wide = values.reset_index()
            files.append(_csv_file(to / name / f"{element}.{quantity}.csv", wide))
    return files


def _csv_file(path: Path, frame: pd.DataFrame) -> Path:
    from pyarrow import Table, csv

    path.parent.mkdir(parents=True, exist_ok=True)
    columns: dict[str, Any] = {}
    for name in frame.columns:
        column = frame[name]
        zoned = isinstance(column.dtype, pd.DatetimeTZDtype)
        columns[str(name)] = column.dt.strftime("%Y-%m-%dT%H:%M:%S%z") if zoned else column
    csv.write_csv(Table.from_pandas(pd.DataFrame(columns), preserve_index=False), path)
    return path


def _xlsx(run: RunTables, to: Path) -> list[Path]:
    main = to / "tables.xlsx"
    _workbook(main, ((name.replace("/", "_"), _local(frame)) for name, frame in _small(run)))
    files = [main]
    for name, frame in _series(run):
        path = to / f"{name.replace('/', '_')}.xlsx"
        _workbook(path, ((f"{e}.{q}", _local(m.reset_index())) for e, q, m in _matrices(frame)))
        files.append(path)
    return files


def _workbook(path: Path, sheets: Iterator[tuple[str, pd.DataFrame]]) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    used: set[str] = set()
    for name, frame in sheets:
        if len(frame.columns) > XLSX_COLUMNS:
            raise ResultsError(
                f"export: {path.stem}, {name} has {len(frame.columns):,} columns; Excel holds "
                f"{XLSX_COLUMNS:,}; export as csv or netcdf"
            )
        for part, first in enumerate(range(0, max(len(frame), 1), XLSX_ROWS)):
            sheet = book.create_sheet(_sheet_name(name, part, used))
            sheet.append([_cell(column) for column in frame.columns])
            for row in frame.iloc[first : first + XLSX_ROWS].itertuples(index=False, name=None):
                sheet.append([_cell(value) for value in row])
    if not used:
        book.create_sheet("empty")
    book.save(path)


def _sheet_name(name: str, part: int, used: set[str]) -> str:
    """Return a name that Excel accepts and that no other sheet of the workbook has."""
    number = part
    while True:
        tail = f" ({number + 1})" if number else ""
        chosen = name[: SHEET_NAME - len(tail)] + tail
        if chosen not in used:
            used.add(chosen)
            return chosen
        number += 1


def _cell(value: Any) -> Any:
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, np.generic):
        return value.item()
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def _local(frame: pd.DataFrame) -> pd.DataFrame:
    zoned = [c for c in frame.columns if isinstance(frame[c].dtype, pd.DatetimeTZDtype)]
    return frame.assign(**{column: frame[column].dt.tz_localize(None) for column in zoned})


def _netcdf(run: RunTables, to: Path) -> list[Path]:
    from importlib import import_module

    xarray = import_module("xarray")
    import_module("h5netcdf")
    import_module("h5py")

    files = []
    for name, frame in _small(run):
        path = to / f"{name}.nc"
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = {str(column): ("row", _plain(frame[column])) for column in frame.columns}
        xarray.Dataset(plain).to_netcdf(path, engine="h5netcdf")
        files.append(path)
    for name, frame in _series(run):
        path = to / f"{name}.nc"
        path.parent.mkdir(parents=True, exist_ok=True)
        _cube(xarray, frame).to_netcdf(path, engine="h5netcdf")
        files.append(path)
    return files


def _cube(xarray: Any, frame: pd.DataFrame) -> Any:
    """Return a network series as a dataset: `<element>_<quantity>` over time and `<element>`."""
    parts = {}
    for element, quantity, values in _matrices(frame):
        utc = values.index.tz_convert("UTC").tz_localize(None)  # type: ignore[attr-defined]
        coordinates = {"time": utc, element: values.columns.to_numpy()}
        parts[f"{element}_{quantity}"] = xarray.DataArray(
            values.to_numpy(), coordinates, dims=("time", element)
        )
    return xarray.Dataset(parts, attrs={"time_zone": "UTC"})


def _plain(series: pd.Series) -> Any:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    if series.dtype == bool:
        return series.to_numpy(dtype=np.int8)
    if series.dtype == object or isinstance(series.dtype, pd.CategoricalDtype):
        return series.astype(str).to_numpy(dtype=str)
    return series.to_numpy()
