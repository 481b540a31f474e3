"""Settlement end to end: accounts, prices, coalitions side by side and after an interruption."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim import api
from cosim.api import coalition_runs
from cosim.settlement.accounts import balances
from tests.support import hamlet

pytestmark = pytest.mark.xdist_group("settled_run")  # one process, so that its fixtures run once


def small() -> dict[str, Any]:
    """Return the hamlet with its electric network alone, negotiated without a centre as well."""
    content = copy.deepcopy(hamlet.config())
    content["networks"] = {"electric": content["networks"]["electric"]}
    content["tariffs"] = {"electricity": content["tariffs"]["electricity"]}
    for participant in content["participants"].values():
        participant["connections"] = {"electricity": participant["connections"]["electricity"]}
        participant.get("demand", {}).pop("heat", None)
        participant.get("devices", {}).pop("boiler", None)
    return content


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = small()
    content.setdefault("bargaining", {})["distributed"] = {"enabled": True, "tolerance": 1e-3}
    scenario = hamlet.write(tmp_path_factory.mktemp("settled") / "case", content)
    return api.run(scenario, scenario.parent / "run").folder


def table(run: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(run / f"{name}.parquet")


def test_every_account_closes_to_a_cent(run: Path) -> None:
    payments = table(run, "payments").set_index("participant")
    found = balances(table(run, "accounts"))
    assert np.abs(found.reindex(payments.index) - payments["cost_after"]).max() < 0.005
    assert abs(float(found.get("network", 0.0))) < 0.005
    assert abs(float(found.sum())) < 0.005
    assert abs(float(payments["payment"].sum())) < 1e-6


def test_prices_lie_inside_their_bounds_and_carry_the_payments(run: Path) -> None:
    prices = table(run, "p2p_prices").astype({"seller": str, "buyer": str, "carrier": str})
    assert len(prices)
    assert (prices["price"] >= prices["lower_bound"] - 1e-9).all()
    assert (prices["price"] <= prices["upper_bound"] + 1e-9).all()
    summary = json.loads((run / "summary.json").read_text())
    hours = summary["step_minutes"] / 60.0
    money = (
        (prices["price"] * prices["kw"] * hours).groupby([prices["buyer"], prices["seller"]]).sum()
    )
    accounts = table(run, "accounts")
    shared = accounts[accounts["item"].astype(str).str.startswith("shared_")]
    paid = shared.groupby([shared["payer"].astype(str), shared["payee"].astype(str)])[
        "amount"
    ].sum()
    assert money.sum() == pytest.approx(paid.sum(), rel=1e-4)


def test_values_with_and_without_networks_stand_side_by_side(run: Path) -> None:
    coalitions = table(run, "coalitions")
    assert coalitions["copper_plate_value"].notna().all()
    game = json.loads((run / "summary.json").read_text())["game"]
    taken = [entry["taken_away"] for entry in game["players"].values()]
    grand = coalitions.loc[coalitions["size"].idxmax()]
    difference = grand["copper_plate_value"] - grand["value"]
    assert sum(taken) == pytest.approx(difference, abs=1e-6)


def test_bargaining_power_is_shown_for_every_rule(run: Path) -> None:
    power = table(run, "bargaining_power")
    assert set(power["rule"]) >= {"equal", "volume", "exponential", "multi_factor"}
    assert power.groupby("rule", observed=True)["weight"].sum().to_numpy() == pytest.approx(1.0)
    assert power["chosen"].any()


def test_the_negotiation_without_a_centre_agrees(run: Path) -> None:
    found = json.loads((run / "summary.json").read_text())["distributed"]
    assert found["converged"]
    assert abs(found["relative_difference"]) <= 1e-3
    assert len(table(run, "admm")) >= found["rounds"]


def test_two_processes_and_an_interruption_change_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run stopped after its third coalition goes on there, and ends as one in two processes."""
    scenario = hamlet.write(tmp_path / "case", small())
    solved: list[frozenset[str]] = []
    original = coalition_runs._solve

    class StoppedError(Exception):
        pass

    def stopping(shared: Any, item: Any) -> Any:
        if len(solved) == 3:
            raise StoppedError
        solved.append(item[0].members)
        return original(shared, item)

    monkeypatch.setattr(coalition_runs, "_solve", stopping)
    with pytest.raises(StoppedError):
        api.run(scenario, tmp_path / "run")
    before = list(solved)
    solved.clear()

    def counting(shared: Any, item: Any) -> Any:
        solved.append(item[0].members)
        return original(shared, item)

    monkeypatch.setattr(coalition_runs, "_solve", counting)
    resumed = api.run(scenario, tmp_path / "run").folder
    assert not set(before) & set(solved)
    monkeypatch.undo()
    apart = api.run(scenario, tmp_path / "apart", workers=2).folder
    pd.testing.assert_frame_equal(
        table(resumed, "coalitions"), table(apart, "coalitions"), rtol=1e-9
    )
    assert not list(tmp_path.glob(".run*"))
