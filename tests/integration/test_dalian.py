"""The example after Zeng 2024: its files, its cases, the published ordering."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cosim import api

ROOT = next(p for p in Path(__file__).parents if (p / "pyproject.toml").exists())
EXAMPLE = ROOT / "examples" / "dalian"
CASES = ["scenario", "case_2", "case_3_1", "case_3_2", "electricity_only"]


@pytest.mark.parametrize("case", CASES)
def test_every_case_is_valid(case: str) -> None:
    assert "is valid: 4 participants" in api.check(EXAMPLE / f"{case}.yaml")


@pytest.mark.slow
def test_sharing_pays_and_moves_more_heat_than_electricity(tmp_path: Path) -> None:
    summary, schedule = _run("scenario", tmp_path)
    alone, _ = _run("case_2", tmp_path)
    assert summary["costs"]["copper_plate"] < summary["costs"]["verified"]
    assert summary["costs"]["verified"] < alone["costs"]["verified"]
    assert summary["costs"]["individual"] == pytest.approx(alone["costs"]["verified"], rel=2e-3)
    given = schedule[schedule["quantity"] == "share_out_kw"]
    kwh = given.groupby("carrier", observed=True)["value"].sum()
    assert kwh["heat"] > kwh["electricity"] > 0.0


@pytest.mark.slow
@pytest.mark.parametrize("case", ["case_3_1", "case_3_2"])
def test_other_mixes_of_buildings_are_feasible_too(case: str, tmp_path: Path) -> None:
    """Stations that draw nothing at night are held by their bypasses; losses jump as they open."""
    summary, _ = _run(case, tmp_path)
    assert summary["costs"]["verified"] < summary["costs"]["individual"]


@pytest.mark.slow
def test_without_the_operator_no_coalition_is_worth_anything(tmp_path: Path) -> None:
    _run("electricity_only", tmp_path)
    table = pd.read_parquet(tmp_path / "electricity_only" / "coalitions.parquet")
    without = table[~table["coalition"].str.contains("operator")]
    assert len(without) > 0
    assert (without["value"].abs() < 1e-6).all()


def _run(case: str, folder: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    result = api.run(EXAMPLE / f"{case}.yaml", folder / case, draw=False)
    assert result.verdict == "feasible"
    return result.summary, pd.read_parquet(folder / case / "schedule.parquet")
