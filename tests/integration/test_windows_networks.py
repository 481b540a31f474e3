"""A horizon in windows over electricity, heat and gas ends where the same horizon at once ends."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from cosim import api
from tests.support import hamlet


@pytest.mark.slow
def test_windows_over_three_networks_agree_with_one_market(tmp_path: Path) -> None:
    content = hamlet.config()
    whole = api.run(hamlet.write(tmp_path / "whole", content), tmp_path / "run", draw=False)
    content["horizon"] = {"window_hours": 1, "look_ahead_hours": 0.5}
    file = hamlet.write(tmp_path / "windows", content)
    parts = api.run(file, tmp_path / "parts")
    assert whole.verdict == parts.verdict == "feasible"
    for stage in ("copper_plate", "verified", "individual"):
        assert parts.summary["costs"][stage] == pytest.approx(
            whole.summary["costs"][stage], rel=2e-3
        ), stage
    networks = json.loads((parts.folder / "summary.json").read_text())["certificate"]["networks"]
    assert set(networks) == {"electric", "heat", "gas"}
    for grid in networks:
        for kind in ("states", "setpoints"):
            one, other = (
                pd.read_parquet(run.folder / kind / f"{grid}.parquet") for run in (whole, parts)
            )
            assert len(one) == len(other), (grid, kind)
            assert other["time"].nunique() == hamlet.STEPS
    assert "District heat" in (parts.folder / "report.html").read_text()
