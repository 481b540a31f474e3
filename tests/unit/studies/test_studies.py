"""Studies in small: tasks, errors as rows, resume, the search, and what a user gets wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from cosim.cli import app
from cosim.errors import ScenarioError
from cosim.studies import evaluate, study
from tests.support import hamlet

PV = "participants.home.devices.pv.rated_kw"


def write(folder: Path, **content: Any) -> Path:
    """Write the hamlet's electric side, and a study of it."""
    hamlet.write(folder / "base", hamlet.electric_config())
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump({"name": "small", "base": "base", **content}))
    return file


@pytest.fixture
def solver(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replace the evaluation by a rule: feasible up to 37.5; returns what was evaluated."""
    seen: list[dict[str, Any]] = []

    def once(plan: evaluate.Plan, changes: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        seen.append(dict(changes))
        passed = float(changes[PV]) <= 37.5
        verdict = "feasible" if passed else "infeasible"
        return {"verdict": verdict, "cause": "" if passed else "too much"}

    monkeypatch.setattr(evaluate, "_once", once)
    return seen


def search(folder: Path, **more: Any) -> pd.Series:
    hosting = {"field": PV, "low": 1.0, "high": 101.0, "tolerance": 1.0} | more
    return study(write(folder, hosting_capacity=hosting), folder / "out").table.iloc[0]


class TestHostingCapacity:
    def test_brackets_the_largest_value(self, tmp_path: Path, solver: list[Any]) -> None:
        row = search(tmp_path)
        assert row["hosting_capacity"] <= 37.5 < row["fails_at"]
        assert row["fails_at"] - row["hosting_capacity"] <= 1.0
        assert row["evaluations"] == len(solver) == 2 + 7  # 100 / 2^7 is below 1
        assert row["verdict"] == "feasible"
        assert row["cause"] == "too much"

    def test_whole_numbers(self, tmp_path: Path, solver: list[Any]) -> None:
        row = search(tmp_path, integer=True)
        assert (row["hosting_capacity"], row["fails_at"]) == (37.0, 38.0)
        assert all(isinstance(entry[PV], int) for entry in solver)

    def test_all_of_the_range_passes(self, tmp_path: Path, solver: list[Any]) -> None:
        row = search(tmp_path, high=30.0)
        assert row["hosting_capacity"] == 30.0
        assert pd.isna(row["fails_at"])

    def test_nothing_of_the_range_passes(self, tmp_path: Path, solver: list[Any]) -> None:
        row = search(tmp_path, low=40.0)
        assert pd.isna(row["hosting_capacity"])
        assert (row["fails_at"], row["verdict"]) == (40.0, "infeasible")


def test_finished_tasks_are_not_done_again(tmp_path: Path, solver: list[Any]) -> None:
    file = write(tmp_path, sweep={PV: [10.0, 50.0]})
    first = study(file, tmp_path / "out")
    assert first.table["verdict"].tolist() == ["feasible", "infeasible"]
    again = study(file, tmp_path / "out")
    assert len(solver) == 2
    pd.testing.assert_frame_equal(again.table, first.table)
    next((tmp_path / "out" / "tasks").glob("*/row.json")).unlink()
    study(file, tmp_path / "out")
    assert len(solver) == 3
    more = write(tmp_path, sweep={PV: [5.0, 10.0, 50.0]})
    assert study(more, tmp_path / "out").table["verdict"].tolist()[0] == "feasible"
    assert len(solver) == 4
    profiles = tmp_path / "base" / "profiles.csv"
    profiles.write_text(profiles.read_text().replace("0.24", "0.25"))
    study(more, tmp_path / "out")
    assert len(solver) == 7


def test_a_task_that_fails_is_a_row(tmp_path: Path) -> None:
    file = write(tmp_path, action="dispatch", sweep={PV: [30.0, -1.0]})
    result = study(file, tmp_path / "out")
    good, bad = result.table.iloc[0], result.table.iloc[1]
    assert good["verdict"] in ("feasible", "infeasible")
    assert good["error"] == ""
    assert bad["verdict"] == "error"
    assert bad["error"].startswith(f"ScenarioError: scenario.yaml: {PV}: -1.0; expected")
    assert result.failed == 1


def test_a_fault_of_our_own_is_a_row_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def once(*_: object) -> dict[str, Any]:
        raise ZeroDivisionError("nothing")

    monkeypatch.setattr(evaluate, "_once", once)
    result = study(write(tmp_path), tmp_path / "out")
    assert result.table["error"].tolist() == ["fault of cosim: ZeroDivisionError: nothing"]


def test_from_the_file_to_the_table(tmp_path: Path) -> None:
    fields = {PV: {"distribution": "uniform", "low": 5.0, "high": 60.0}}
    file = write(
        tmp_path,
        description="Roofs & prices",
        action="dispatch",
        sweep={"tariffs.electricity.sell": [0.02, 0.08]},
        monte_carlo={"samples": 2, "seed": 1, "fields": fields},
    )
    result = study(file, tmp_path / "out")
    table = pd.read_parquet(tmp_path / "out" / "study.parquet")
    assert len(table) == 4
    assert table["sample"].tolist() == [0, 1, 0, 1]
    assert (table["verdict"] == "feasible").all()
    # More photovoltaics and a better price never make the dispatch dearer.
    low, high = table[:2].sort_values(PV), table[2:].sort_values(PV)
    assert low["cost_copper_plate"].is_monotonic_decreasing
    assert (high["cost_copper_plate"].to_numpy() <= low["cost_copper_plate"].to_numpy()).all()
    assert {"margin_electric_voltage_min", "violations", "seconds"} <= set(table.columns)
    page = result.page.read_text(encoding="utf-8")
    assert "Roofs &amp; prices" in page
    assert "4 tasks: 4 feasible." in page
    assert "data:image/svg+xml" in page
    lines = (tmp_path / "out" / "study.md").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("| ") for line in lines) == 6


@pytest.mark.slow
def test_processes_change_nothing(tmp_path: Path) -> None:
    file = write(tmp_path, action="dispatch", sweep={PV: [10.0, 20.0, 30.0]})
    here = study(file, tmp_path / "here").table.drop(columns="seconds")
    there = study(file, tmp_path / "there", workers=2).table.drop(columns="seconds")
    pd.testing.assert_frame_equal(here, there)


def message(run: Callable[[], object]) -> str:
    with pytest.raises(ScenarioError) as caught:
        run()
    return str(caught.value)


class TestMistakes:
    def test_no_file(self, tmp_path: Path) -> None:
        text = message(lambda: study(tmp_path / "none.yaml"))
        assert text.endswith(
            "none.yaml: no such file; expected a study file; see examples/studies for files to "
            "start from"
        )

    def test_unknown_field_of_the_scenario_before_anything_runs(
        self, tmp_path: Path, solver: list[Any]
    ) -> None:
        file = write(tmp_path, sweep={"participants.hmoe.devices.pv.rated_kw": [1.0]})
        assert message(lambda: study(file, tmp_path / "out")) == (
            "scenario.yaml: participants.hmoe: no such entry; expected one of plant, home, shop, "
            "works; correct the field 'participants.hmoe.devices.pv.rated_kw' of the study"
        )
        assert solver == []

    def test_the_same_field_twice(self, tmp_path: Path) -> None:
        file = write(tmp_path, sweep={PV: [1.0]}, set={PV: 2.0})
        assert f"the field {PV} is changed in two places" in message(lambda: study(file))

    def test_bounds_in_the_wrong_order(self, tmp_path: Path) -> None:
        hosting = {"field": PV, "low": 5, "high": 1, "tolerance": 1}
        file = write(tmp_path, hosting_capacity=hosting)
        assert "high is not above low" in message(lambda: study(file))

    def test_exit_codes(self, tmp_path: Path, solver: list[Any]) -> None:
        from typer.testing import CliRunner

        file = write(tmp_path, sweep={PV: [1.0]})
        out = str(tmp_path / "out")
        done = CliRunner().invoke(app, ["study", str(file), "--to", out, "-q"])
        assert done.exit_code == 0
        assert "1 tasks: 1 feasible" in done.output
        content = json.loads(next((tmp_path / "out" / "tasks").glob("*/row.json")).read_text())
        assert content["row"]["verdict"] == "feasible"
        missing = CliRunner().invoke(app, ["study", str(tmp_path / "none.yaml")])
        assert missing.exit_code == 3
