"""Exports hold the same numbers as the run folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from cosim.errors import ResultsError
from cosim.results import export, export_run, read_run, write_run
from cosim.results.schema import TABLES
from tests.support import run_folder, run_states

xarray = pytest.importorskip("xarray")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "hamlet", run_folder.hamlet_run(steps=8))


def test_csv_holds_every_table(folder: Path, tmp_path: Path) -> None:
    files = export_run(folder, "csv", tmp_path / "out")
    run = read_run(folder)
    pressure = tmp_path / "out" / "states" / "heat" / "junction.p_bar.csv"
    assert pressure in files
    states = pd.read_csv(pressure, index_col="time", float_precision="round_trip")
    expected = run_states.matrix(run.states["heat"], "junction", "p_bar")
    assert np.array_equal(states.to_numpy(), expected.to_numpy())
    assert [int(name) for name in states.columns] == list(expected.columns)
    assert (pd.to_datetime(states.index) == expected.index).all()
    tables = {path.stem for path in files if path.parent == tmp_path / "out"}
    assert tables == {*TABLES, "summary"}
    payments = pd.read_csv(tmp_path / "out" / "payments.csv")
    assert payments["payment"].sum() == pytest.approx(0.0, abs=1e-9)


def test_netcdf_holds_states_over_time_and_element(folder: Path, tmp_path: Path) -> None:
    export_run(folder, "netcdf", tmp_path / "out")
    run = read_run(folder)
    with xarray.open_dataset(
        tmp_path / "out" / "states" / "electric.nc", engine="h5netcdf"
    ) as data:
        voltage = data["bus_vm_pu"]
        assert voltage.dims == ("time", "bus")
        expected = run_states.matrix(run.states["electric"], "bus", "vm_pu")
        assert np.array_equal(voltage.values, expected.to_numpy())
        assert pd.Timestamp(voltage["time"].values[0], tz="UTC") == expected.index[0]
    with xarray.open_dataset(tmp_path / "out" / "allocation.nc", engine="h5netcdf") as data:
        assert list(data["player"].values[:2]) == run.allocation["player"].tolist()[:2]


def test_xlsx_has_a_sheet_per_table_and_per_quantity(folder: Path, tmp_path: Path) -> None:
    export_run(folder, "xlsx", tmp_path / "out")
    run = read_run(folder)
    book = load_workbook(tmp_path / "out" / "tables.xlsx", read_only=True)
    assert {"schedule", "checks", "payments", "copper_plate_schedule"} <= set(book.sheetnames)
    book.close()
    states = pd.read_excel(tmp_path / "out" / "states_gas.xlsx", sheet_name="junction.p_bar")
    expected = run_states.matrix(run.states["gas"], "junction", "p_bar")
    assert np.allclose(states.iloc[:, 1:].to_numpy(), expected.to_numpy(), rtol=1e-12)
    assert states.iloc[0, 0] == expected.index[0].tz_localize(None)


def test_xlsx_goes_on_in_further_sheets(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "XLSX_ROWS", 100)
    export_run(folder, "xlsx", tmp_path / "out")
    rows = len(read_run(folder).schedule)
    book = load_workbook(tmp_path / "out" / "tables.xlsx", read_only=True)
    parts = [name for name in book.sheetnames if name.split(" (")[0] == "schedule"]
    assert parts[:2] == ["schedule", "schedule (2)"]
    assert sum(sum(1 for _ in book[name].rows) - 1 for name in parts) == rows
    book.close()


def test_xlsx_says_where_excel_ends(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "XLSX_COLUMNS", 3)
    with pytest.raises(ResultsError, match=r"columns; Excel holds 3; export as csv or netcdf"):
        export_run(folder, "xlsx", tmp_path / "out")


def test_an_unknown_format_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ResultsError) as caught:
        export_run(folder, "pdf", tmp_path)
    expected = "export: unknown format 'pdf'; expected one of csv, xlsx, netcdf"
    assert str(caught.value) == expected
