"""What the report reads out of states agrees with limits checked by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cosim.report.data import Run, open_run
from cosim.report.flows import balance, group_of
from cosim.report.measures import heat_loss_kwh, line_loss_kwh, measure
from cosim.results import RunTables, write_run
from tests.support import run_folder


@pytest.fixture(scope="module")
def tables() -> RunTables:
    return run_folder.hamlet_run()


@pytest.fixture(scope="module")
def run(tables: RunTables, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return open_run(write_run(tmp_path_factory.mktemp("runs") / "hamlet", tables))


@pytest.mark.parametrize("grid", ["electric", "heat", "gas"])
def test_smallest_margins_are_those_of_the_certificate(run: Run, grid: str) -> None:
    for limit, entry in run.limits(grid).items():
        m = measure(run, grid, "verified", limit)
        assert m is not None
        worst = m.worst
        assert worst is not None
        assert float(m.margin(worst[0])) == pytest.approx(entry["smallest_margin"], abs=1e-9)
        there = m.values.loc[pd.Timestamp(entry["time"]), entry["id"]]
        assert there == pytest.approx(worst[0], abs=1e-9)
        assert int(m.missed(m.values).to_numpy().sum()) == entry["violations"]


def test_worst_by_step_and_by_element() -> None:
    from cosim.report.measures import Measure

    index = pd.date_range("2016-01-19", periods=2, freq="h", tz="UTC")
    values = pd.DataFrame([[0.95, 0.89], [0.99, np.nan]], index, [3, 7])
    m = Measure("voltage_min", "bus", "pu", "min", 0.9, 1e-4, values)
    assert m.by_step.tolist() == [0.89, 0.99]
    assert m.by_element.tolist() == [0.95, 0.89]
    assert m.worst == (0.89, index[0], 7)
    assert m.missed(m.by_element).tolist() == [False, True]
    assert m.room(0.95) == pytest.approx(0.5)


def test_stations_without_flow_have_no_pressure_to_keep(tables: RunTables, tmp_path: Path) -> None:
    states = tables.states["heat"].copy()
    still = (states["quantity"] == "mdot_from_kg_per_s") & (states["element"] == "heat_consumer")
    states.loc[still & (states["id"] == 2), "value"] = 0.0
    changed = replace(tables, states={**tables.states, "heat": states})
    m = measure(open_run(write_run(tmp_path / "run", changed)), "heat", "verified",
                "differential_pressure_min")  # fmt: skip
    assert m is not None
    assert m.values[2].isna().all()
    assert m.values[1].notna().all()


def test_losses_are_power_times_time(tables: RunTables, run: Run) -> None:
    states = tables.states["electric"]
    lines = states[(states["element"] == "line") & (states["quantity"] == "pl_mw")]
    assert line_loss_kwh(run, "electric", "verified") == pytest.approx(
        lines["value"].sum() * 1000.0
    )
    assert heat_loss_kwh(run, "heat", "verified") is None


def test_every_participant_balances(run: Run) -> None:
    """Supply and use in the stacks cancel at every step, as they do in the made-up schedule."""
    flows = balance(run, run.tables.schedule)
    electricity = flows[flows["carrier"] == "electricity"]
    sums = electricity.groupby(["participant", "time"])["kw"].sum()
    assert sums.abs().max() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("device", "quantity", "expected"),
    [
        ("roof_pv", "generation_kw", "PV"),
        ("heat_pump", "consumption_kw", "heat pump"),
        ("electric_boiler", "consumption_kw", "electric boiler"),
        ("boiler", "generation_kw", "boiler"),
        ("vehicles", "consumption_kw", "vehicles"),
        ("ev", "consumption_kw", "vehicles"),
        ("seven", "consumption_kw", "other"),
        ("battery", "charging_kw", "storage"),
        ("background", "demand_kw", "background customers"),
        ("trade", "share_in_kw", "pool"),
    ],
)
def test_groups_of_devices(run: Run, device: str, quantity: str, expected: str) -> None:
    assert group_of(run, "home", device, quantity) == expected


def test_types_in_the_summary_beat_names(run: Run, tables: RunTables, tmp_path: Path) -> None:
    summary = {**tables.summary, "devices": {"home": {"x1": "chp"}}}
    told = open_run(write_run(tmp_path / "run", replace(tables, summary=summary)))
    assert group_of(told, "home", "x1", "generation_kw") == "CHP"
    assert group_of(run, "home", "x1", "generation_kw") == "other"
    assert json.loads((told.folder / "summary.json").read_text())["devices"]
