"""The run folder: written and read alike, whole or not at all, with every defect named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cosim.errors import ResultsError
from cosim.results import (
    RunTables,
    compare_runs,
    quantities,
    read_quantity,
    read_run,
    read_summary,
    write_run,
)
from cosim.results.schema import TABLES
from cosim.results.summary import plain
from tests.support import run_folder, run_states

SMALL = ("iterations", "checks", "allocation", "prices", "payments", "coalitions", "nodal_prices")


@pytest.fixture(scope="module")
def run() -> RunTables:
    return run_folder.hamlet_run()


@pytest.fixture(scope="module")
def folder(run: RunTables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "hamlet", run)


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_dtype=False, check_like=True)


@pytest.mark.parametrize("name", SMALL)
def test_small_tables_come_back_as_they_were(run: RunTables, folder: Path, name: str) -> None:
    same(getattr(read_run(folder), name), getattr(run, name))


@pytest.mark.parametrize("room", ["setpoints", "states", "copper_plate_states"])
def test_network_series_come_back_to_the_last_bit(run: RunTables, folder: Path, room: str) -> None:
    written, read = getattr(run, room), getattr(read_run(folder), room)
    assert set(read) == set(written) == {"electric", "heat", "gas"}
    for grid in written:
        assert np.array_equal(read[grid]["value"], written[grid]["value"])
        assert (read[grid]["time"] == written[grid]["time"]).all()
        assert (read[grid]["quantity"].astype(str) == written[grid]["quantity"].astype(str)).all()


def test_schedules_and_networks_come_back(run: RunTables, folder: Path) -> None:
    read = read_run(folder)
    assert read.networks["gas"] == run.networks["gas"]
    assert len(read.copper_plate_schedule) == len(run.copper_plate_schedule)
    assert str(read.schedule["time"].dt.tz) == "Europe/Berlin"
    assert read.schedule["value"].sum() == run.schedule["value"].sum()


def test_summary_comes_back(run: RunTables, folder: Path) -> None:
    assert read_summary(folder) == run.summary


def test_files_are_those_of_the_contract(folder: Path) -> None:
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {f"{name}.parquet" for name in TABLES} | {"summary.json"} <= found
    for grid in ("electric", "heat", "gas"):
        assert {
            f"setpoints/{grid}.parquet",
            f"states/{grid}.parquet",
            f"networks/{grid}.json",
        } <= found


def test_one_quantity_is_read_as_a_matrix(run: RunTables, folder: Path) -> None:
    path = folder / "states" / "electric.parquet"
    voltage = read_quantity(path, "bus", "vm_pu")
    expected = run_states.matrix(run.states["electric"], "bus", "vm_pu")
    assert np.array_equal(voltage.to_numpy(), expected.to_numpy())
    assert voltage.index[0] == expected.index[0]
    assert ("bus", "vm_pu") in quantities(path)
    assert read_quantity(path, "bus", "nothing").empty


def test_other_programs_can_read_the_columns(folder: Path) -> None:
    schema = pq.read_schema(folder / "states" / "heat.parquet")
    assert schema.names == ["time", "element", "id", "quantity", "value"]
    assert str(schema.field("time").type) == "timestamp[us, tz=Europe/Berlin]"
    assert str(schema.field("value").type) == "double"


def test_time_with_a_plain_offset_is_kept(run: RunTables, tmp_path: Path) -> None:
    index = pd.to_datetime(["2016-01-19T06:00:00+01:00", "2016-01-19T06:15:00+01:00"])
    table = run.schedule.head(2).assign(time=index)
    read = read_run(write_run(tmp_path / "run", replace(run, schedule=table)))
    assert [t.isoformat() for t in read.schedule["time"]] == [t.isoformat() for t in index]


def test_missing_tables_become_empty_ones(run: RunTables, tmp_path: Path) -> None:
    bare = run_folder.without_settlement(run, "infeasible", "a cable is too thin")
    read = read_run(write_run(tmp_path / "run", replace(bare, copper_plate_states={})))
    assert read.payments.empty
    assert list(read.payments.columns) == TABLES["payments"].names
    assert len(read.copper_plate_states) == 0
    assert read.summary["costs"]["verified"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda f: f.drop(columns="margin"),
            "checks.parquet: margin: no such column (there are grid, limit, element, id, name, "
            "time, value, bound, unit); expected numbers: distance to the bound in `unit`, "
            "negative = missed; add the column, or run the scenario again with this version of "
            "cosim",
        ),
        (
            lambda f: f.assign(time=f["time"].dt.tz_localize(None)),
            "checks.parquet: time: values of type datetime64[ns]; expected time stamps with a time "
            "zone: start of the step; convert the column before it is written",
        ),
        (
            lambda f: f.assign(value=f["value"].astype(str)),
            "checks.parquet: value: values of type object; expected numbers: as verified, in "
            "`unit`; convert the column before it is written",
        ),
        (
            lambda f: f.assign(id=f["id"].astype(float)),
            "checks.parquet: id: values of type float64; expected whole numbers: index in that "
            "table; convert the column before it is written",
        ),
        (
            lambda f: f.assign(name=np.nan),
            "checks.parquet: name: values of type float64; expected text: of the element, may be "
            "empty; convert the column before it is written",
        ),
        (
            lambda f: f.assign(colour="red"),
            "checks.parquet: unexpected columns colour; expected only grid, limit, element, id, "
            "name, time, value, bound, margin, unit; rename or drop them",
        ),
    ],
)
def test_a_wrong_table_is_not_written(run, tmp_path, change, message) -> None:
    with pytest.raises(ResultsError) as caught:
        write_run(tmp_path / "run", replace(run, checks=change(run.checks)))
    assert str(caught.value) == message
    assert not list(tmp_path.iterdir())


def test_a_wrong_file_is_not_read(run: RunTables, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", run)
    run.payments.drop(columns="payment").to_parquet(folder / "payments.parquet")
    with pytest.raises(ResultsError, match=r"payments\.parquet: payment: no such column"):
        read_run(folder)
    (folder / "payments.parquet").write_text("not parquet")
    with pytest.raises(ResultsError, match=r"payments\.parquet: not readable"):
        read_run(folder)
    (folder / "payments.parquet").unlink()
    with pytest.raises(ResultsError, match=r"payments\.parquet: no such file"):
        read_run(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"verdict": "fine"},
            "summary.json: verdict: 'fine'; expected one of feasible, infeasible",
        ),
        ({"notes": "none"}, "summary.json: notes: str 'none'; expected list"),
        ({"costs": {"verified": 1.0}}, "summary.json: costs.copper_plate: no such key"),
    ],
)
def test_a_wrong_summary_is_not_written(run, tmp_path, change, message) -> None:
    with pytest.raises(ResultsError) as caught:
        write_run(tmp_path / "run", replace(run, summary={**run.summary, **change}))
    assert message in str(caught.value)


def test_every_missing_key_is_named_at_once(run: RunTables, tmp_path: Path) -> None:
    summary = {k: v for k, v in run.summary.items() if k not in ("verdict", "seconds")}
    with pytest.raises(ResultsError) as caught:
        write_run(tmp_path / "run", replace(run, summary=summary))
    assert [line.split(";")[0] for line in str(caught.value).splitlines()] == [
        "summary.json: verdict: no such key",
        "summary.json: seconds: no such key",
    ]


def test_numpy_and_missing_numbers_become_json() -> None:
    found = plain({"a": np.float32(0.5), "b": float("nan"), "c": np.arange(2), "d": np.bool_(True),
                   "e": pd.Timestamp("2016-01-19T06:00", tz="UTC")})  # fmt: skip
    assert found == {"a": 0.5, "b": None, "c": [0, 1], "d": True, "e": "2016-01-19T06:00:00+00:00"}
    json.dumps(found, allow_nan=False)


def test_a_run_replaces_an_earlier_one_as_a_whole(run: RunTables, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", run)
    (folder / "report.html").write_text("old")
    only = {"electric": run.states["electric"]}
    write_run(folder, replace(run, states=only))
    assert not (folder / "report.html").exists()
    assert set(read_run(folder).states) == {"electric"}
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_failed_write_leaves_the_earlier_run(run: RunTables, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", run)
    broken = replace(run, states={"heat": run.states["heat"].drop(columns="id")})
    with pytest.raises(ResultsError, match=r"states/heat\.parquet: id: no such column"):
        write_run(folder, broken)
    assert read_run(folder).summary["verdict"] == "feasible"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_foreign_files_are_never_replaced(run: RunTables, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("precious")
    with pytest.raises(ResultsError, match=r"holds files but no summary\.json"):
        write_run(tmp_path, run)
    assert (tmp_path / "photo.jpg").read_text() == "precious"


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ResultsError, match=r"a folder without summary\.json; expected a finished run"
    ):
        read_run(tmp_path)
    with pytest.raises(ResultsError, match="no such folder"):
        read_run(tmp_path / "missing")
    (tmp_path / "summary.json").write_text("{")
    with pytest.raises(ResultsError, match="not JSON"):
        read_summary(tmp_path)


def test_runs_side_by_side(run: RunTables, folder: Path, tmp_path: Path) -> None:
    failed = run_folder.without_settlement(run, "infeasible", "a cable is too thin")
    other = write_run(tmp_path / "thin", failed)
    table = compare_runs([folder, other])
    assert list(table.columns) == ["hamlet", "thin"]
    assert table.loc["verdict"].tolist() == ["feasible", "infeasible"]
    assert table.loc["cost: verified (EUR)"].tolist() == [1972.4, ""]
    worst = run.summary["certificate"]["networks"]["electric"]["voltage_min"]["smallest_margin"]
    assert table.loc["electric: margin of voltage_min (pu)", "thin"] == worst
    with pytest.raises(ResultsError, match="no run folder given"):
        compare_runs([])
