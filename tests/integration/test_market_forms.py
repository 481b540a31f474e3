"""Contracts, peaks, ladder and capture end to end under networks: money, carbon and who trades."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim import api
from cosim.market.carbon_ladder import Ladder
from cosim.results import read_run
from tests.support import hamlet

pytestmark = pytest.mark.xdist_group("market_forms")  # one process, so that its fixtures run once

STEP_H = 0.25
PEAK_PER_KW = 0.05
LADDER = Ladder(np.array([80.0, 100.0]), np.array([88.0, 96.0]), 0.005)
QUOTA_KG = 3.0


def config() -> dict[str, Any]:
    """The hamlet with contracts for electricity, a capacity charge, allowances and capture."""
    found = copy.deepcopy(hamlet.config())
    found["sharing"] = {
        "electricity": {
            "form": "bilateral",
            "link_max_kw": 6.0,
            "fee_per_kwh": 0.005,
            "grid_fee_per_kwh": 0.01,
        },
        "heat": {"form": "pool"},
    }
    peak = {"price_per_kw": PEAK_PER_KW, "per": "horizon"}
    found["tariffs"]["electricity"] |= {"peak": peak, "standing_per_day": 0.4}
    found["carbon"] = {
        "tax_per_t": 55.0,
        "trading": {
            "price_per_t": 80.0,
            "growth": 0.25,
            "reward_growth": 0.1,
            "interval_t": 0.005,
            "intervals": 2,
            "quota": {"kg": QUOTA_KG},
        },
    }
    found["participants"]["plant"]["devices"]["wash"] = {
        "type": "carbon_capture",
        "units": ["boiler"],
        "electricity_kwh_per_kg": 0.2,
        "storage_cost_per_kg": 0.02,
    }
    for participant in found["participants"].values():
        for connection in participant["connections"].values():
            connection["import_max_kw"] = 300.0
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenario = hamlet.write(tmp_path_factory.mktemp("forms"), config())
    return api.run(scenario, scenario.parent / "run").folder


@pytest.fixture(scope="module")
def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def test_the_run_is_verified_and_its_payments_sum_to_zero(
    folder: Path, summary: dict[str, Any]
) -> None:
    assert summary["verdict"] == "feasible", summary["cause"]
    payments = pd.read_parquet(folder / "payments.parquet")
    assert abs(payments["payment"].sum()) < 1e-6
    accounts = pd.read_parquet(folder / "accounts.parquet")
    assert {"network_operator", "state", "carbon_market"} <= {
        *accounts["payee"],
        *accounts["payer"],
    }


def test_contracts_are_what_participants_share(folder: Path) -> None:
    trades = pd.read_parquet(folder / "trades.parquet")
    assert list(trades.columns) == ["time", "carrier", "from", "to", "kw"]
    assert set(trades["carrier"]) == {"electricity"}
    assert (trades.loc[trades["to"] != "network", "kw"] <= 6.0 + 1e-6).all()
    schedule = pd.read_parquet(folder / "schedule.parquet")
    mine = schedule[(schedule["carrier"] == "electricity") & (schedule["device"] == "trade")]
    for quantity, side in (("share_out_kw", "from"), ("share_in_kw", "to")):
        shared = mine[mine["quantity"] == quantity].groupby("participant", observed=True)["value"]
        sums = trades.groupby(side, observed=True)["kw"].sum()
        np.testing.assert_allclose(
            shared.sum(), sums.reindex(shared.sum().index, fill_value=0.0), atol=1e-5
        )


def test_carbon_is_counted_once_and_paid_for(folder: Path, summary: dict[str, Any]) -> None:
    tables = read_run(folder)
    schedule = tables.schedule
    bought = schedule[schedule["quantity"] == "co2_kg_per_h"]["value"].sum() * STEP_H
    washed = schedule[schedule["quantity"] == "captured_co2_kg_per_h"]["value"].sum() * STEP_H
    assert washed > 0.0
    entry = summary["co2_kg"]["last"]
    assert entry["total"] == pytest.approx(bought - washed)
    assert entry["by_source"]["captured"] == pytest.approx(-washed)
    last = tables.emissions[tables.emissions["case"] == "last"]
    totals = last[last["source"] == "total"].set_index("participant")["kg"]
    accounts = tables.accounts
    for name in summary["participants"]:
        mine = accounts[(accounts["item"] == "co2_trading")]
        paid = mine.loc[mine["payer"] == name, "amount"].sum()
        earned = mine.loc[mine["payee"] == name, "amount"].sum()
        expected = LADDER.cost((float(totals[name]) - QUOTA_KG) / 1000.0)
        assert paid - earned == pytest.approx(expected, abs=1e-6)


def test_everyone_pays_for_the_peak_at_its_own_connection(folder: Path) -> None:
    schedule = pd.read_parquet(folder / "schedule.parquet")
    accounts = pd.read_parquet(folder / "accounts.parquet")
    power = schedule[(schedule["device"] == "connection") & (schedule["quantity"] == "p_kw")]
    power = power[power["carrier"] == "electricity"]
    drawn = (-power.groupby("participant", observed=True)["value"].min()).clip(lower=0.0)
    paid = accounts[accounts["item"] == "peak_charge"].set_index("payer")["amount"]
    assert len(paid) > 0
    for name, kw in drawn.items():
        assert paid.get(name, 0.0) == pytest.approx(PEAK_PER_KW * kw, abs=1e-6)


def test_the_report_shows_carbon(folder: Path) -> None:
    assert '<section id="emissions"' in (folder / "report.html").read_text()


@pytest.mark.slow
def test_windows_join_contracts_and_emissions(tmp_path: Path) -> None:
    content = config() | {"horizon": {"window_hours": 1.0, "look_ahead_hours": 0.5}}
    scenario = hamlet.write(tmp_path / "case", content)
    run = api.run(scenario, tmp_path / "run", draw=False)
    assert run.verdict == "feasible", run.cause
    tables = read_run(run.folder)
    assert len(tables.trades) > 0
    schedule = tables.schedule
    bought = schedule[schedule["quantity"] == "co2_kg_per_h"]["value"].sum() * STEP_H
    washed = schedule[schedule["quantity"] == "captured_co2_kg_per_h"]["value"].sum() * STEP_H
    assert run.summary["co2_kg"]["last"]["total"] == pytest.approx(bought - washed)
    power = schedule[(schedule["device"] == "connection") & (schedule["quantity"] == "p_kw")]
    power = power[power["carrier"] == "electricity"]
    drawn = (-power.groupby("participant", observed=True)["value"].min()).clip(lower=0.0)
    paid = tables.accounts[tables.accounts["item"] == "peak_charge"]["amount"].sum()
    assert paid == pytest.approx(PEAK_PER_KW * drawn.sum(), abs=1e-6)
    assert abs(tables.payments["payment"].sum()) < 1e-6
