"""Every way to find a leader's prices ends in the same run folder; the wrong one is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cosim import api
from cosim.errors import ScenarioError
from tests.support import hamlet

ENGINE = {
    "type": "chp",
    "power_max_kw": 20.0,
    "load_min": 0.5,
    "start_cost": 0.5,
    "initial_power_kw": 0.0,
}


def content(method: str, *, engine: bool) -> dict[str, Any]:
    """The electric hamlet: a home with a roof, a shop that may have an engine, a battery leads."""
    case = hamlet.electric_config()
    people = case["participants"]
    del people["plant"]
    del people["works"]["demand"]
    people["works"]["devices"] = {"battery": {"type": "battery", "capacity_kwh": 40.0}}
    if engine:
        case["tariffs"] |= {"gas": {"buy": 0.06}, "heat": {"buy": 0.1, "sell": 0.0}}
        people["shop"]["connections"] |= {"gas": {}, "heat": {}}
        people["shop"]["demand"]["heat"] = 10.0
        people["shop"]["devices"] = {"engine": ENGINE}
    case["bargaining"] = {}
    case["leader"] = {
        "participant": "works",
        "method": method,
        "time_limit_s": 10.0,
        "reprice": 1,
        "evolutionary": {"population": 6, "generations": 3, "inner": "admm"},
        "prices": {
            "electricity": {
                "buy": {"min": 0.05, "max": 0.2},
                "sell": {"min": 0.2, "max": 0.5},
                "service_fee_per_kwh": 0.005,
            }
        },
    }
    return case


def test_on_off_decisions_are_refused_by_the_exact_method(tmp_path: Path) -> None:
    scenario = hamlet.write(tmp_path, content("exact", engine=True))
    with pytest.raises(ScenarioError, match=r"shop\.devices\.engine decides about on and off"):
        api.run(scenario, tmp_path / "run", draw=False)


@pytest.mark.parametrize(
    ("method", "engine"),
    [
        ("exact", False),
        pytest.param("decomposition", True, marks=pytest.mark.slow),
        pytest.param("evolutionary", False, marks=pytest.mark.slow),
    ],
)
def test_prices_are_found_and_pass_the_network(tmp_path: Path, method: str, engine: bool) -> None:
    scenario = hamlet.write(tmp_path, content(method, engine=engine))
    found = api.run(scenario, tmp_path / "run", draw=False)
    assert found.verdict == "feasible"
    entry = found.summary["leader"]
    assert entry["method"] == method
    assert entry["profit"]["verified"] > 0.0
    history = pd.read_parquet(tmp_path / "run" / "leader_history.parquet")
    assert set(history["method"]) == {method}
    if method != "evolutionary":
        assert entry["gap"] <= 1e-3
        assert entry["profit"]["verified"] == pytest.approx(entry["profit"]["optimistic"], rel=0.02)
    # Costs of everyone but the leader are no higher together than alone.
    costs = found.summary["costs"]
    assert costs["verified"] <= costs["individual"] * (1.0 + 1e-4)
