"""A report of weeks and months: by the day, by duration, by the hour."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cosim.report import style, write_report
from cosim.report.checks import step_classes
from cosim.report.data import Run, open_run
from cosim.report.horizon import drawn_steps, grain, is_long, mean_schedule, means, starts, worst
from cosim.report.measures import measure
from cosim.report.year import duration_figure, hour_calendar, window_figure
from cosim.results import RunTables, write_run
from tests.support.run_folder import hamlet_run

DAYS = 20


def repeated(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a day's table once for each of the days, growing by a tenth of a percent a day."""
    parts = []
    for day in range(DAYS):
        part = frame.assign(time=frame["time"] + pd.Timedelta(days=day))
        for column in ("value", "energy", "loss", "congestion", "total"):
            if column in part:
                part[column] = part[column] * (1.0 + 0.001 * day)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def tables() -> RunTables:
    day = hamlet_run()
    start = day.schedule["time"].min()
    windows = pd.DataFrame(
        {
            "window": [0, 1], "time": [start, start + pd.Timedelta(days=DAYS // 2)],
            "steps": [240, 240], "look_ahead_steps": [24, 0], "verdict": ["feasible"] * 2,
            "cause": ["", ""], "iterations": [4, 6], "cost_individual": [110.0, 120.0],
            "cost_copper_plate": [90.0, 95.0], "cost_with_losses": [92.0, 96.0],
            "cost": [95.0, 99.0], "smallest_margin": [0.1, 0.02], "seconds": [1.0, 2.0],
        }
    )  # fmt: skip
    return replace(
        day, schedule=repeated(day.schedule), prices=repeated(day.prices),
        nodal_prices=repeated(day.nodal_prices), windows=windows,
        states={name: repeated(frame) for name, frame in day.states.items()},
        setpoints={}, copper_plate_states={}, copper_plate_schedule=pd.DataFrame(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(tables: RunTables, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return open_run(write_run(tmp_path_factory.mktemp("long") / "run", tables))


def test_a_day_is_drawn_step_by_step(tmp_path: Path) -> None:
    short = open_run(write_run(tmp_path / "run", hamlet_run()))
    assert not is_long(short)
    assert mean_schedule(short) is short.tables.schedule
    assert duration_figure(short) is None
    assert hour_calendar(short) is None
    assert window_figure(short) is None


def test_weeks_are_drawn_by_the_day(run: Run) -> None:
    assert grain(run) == "day"
    assert len(drawn_steps(run)) == DAYS
    schedule = run.tables.schedule
    keys = ["participant", "device", "carrier", "quantity"]
    first = schedule.loc[0, keys]
    rows = schedule[(schedule[keys] == first).all(axis=1)]
    day = rows[rows["time"].dt.normalize() == drawn_steps(run)[3]]
    mean = mean_schedule(run)
    own = mean[(mean[keys].astype(str) == first.astype(str)).all(axis=1)].set_index("time")
    assert own["value"].iloc[3] == pytest.approx(day["value"].mean())
    energy = mean["value"].sum() * len(run.steps) / DAYS
    assert energy == pytest.approx(schedule["value"].sum())


def test_the_worst_step_of_a_day_is_drawn(run: Run) -> None:
    stamps = pd.date_range("2016-01-19", periods=480, freq="h", tz="Europe/Berlin")
    values = pd.Series(np.arange(480.0), stamps)
    assert worst(run, values, "max").tolist() == [23.0 + 24 * k for k in range(DAYS)]
    assert worst(run, values, "min").tolist() == [24.0 * k for k in range(DAYS)]
    assert means(run, values).iloc[0] == pytest.approx(11.5)


def test_weeks_begin_on_monday() -> None:
    stamps = pd.date_range("2016-01-19 05:00", periods=14, freq="D", tz="Europe/Berlin")
    found = starts(pd.DatetimeIndex(stamps), "week")
    assert [f"{stamp:%m-%d}" for stamp in found.unique()] == ["01-18", "01-25", "02-01"]


def test_figures_of_long_runs(run: Run) -> None:
    with style.look():
        curves, hours, windows = duration_figure(run), hour_calendar(run), window_figure(run)
    assert None not in (curves, hours, windows)
    line = curves.axes[0].lines[0].get_ydata()
    assert (np.diff(line) <= 0.0).all()
    m = measure(run, "electric", "verified", "voltage_min")
    assert m is not None
    shown = hours.axes[0].collections[0].get_array()
    assert shown.shape == (24, DAYS)
    assert np.nanmin(shown) <= np.nanmin(step_classes(m, run.steps))


def test_the_page_of_a_long_run(run: Run) -> None:
    page = write_report(run.folder).read_text()
    assert 'id="durations"' in page
    assert "2 windows, 10 rounds of market and networks: every one is feasible" in page
    assert "One point is the mean of a day" in page
