"""An operator of shared storage leads: prices, three networks, money, and the run folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim import api
from cosim.report.data import open_run
from cosim.report.leader_search import search_figure
from cosim.report.negotiation import negotiation_figure
from tests.support import hamlet, leader_hamlet

pytestmark = pytest.mark.xdist_group("leader_run")  # one process, so that its fixtures run once

TARIFF_KWH = 0.25
FOLLOWERS = {"plant", "home", "shop", "works"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    case = leader_hamlet.config("fixed")
    case["bargaining"]["distributed"] = {"enabled": True}
    scenario = hamlet.write(tmp_path_factory.mktemp("led"), case)
    return api.run(scenario, scenario.parent / "run", draw=False).folder


@pytest.fixture(scope="module")
def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return found


def series(folder: Path, participant: str, carrier: str, quantity: str) -> np.ndarray:
    table = pd.read_parquet(folder / "schedule.parquet")
    keys = {"participant": participant, "carrier": carrier, "quantity": quantity}
    rows = table[(table[list(keys)] == pd.Series(keys)).all(axis=1)].sort_values("time")
    return rows["value"].to_numpy(dtype=float)


def test_it_passes_and_says_who_leads(summary: dict[str, Any]) -> None:
    assert summary["verdict"] == "feasible"
    entry = summary["leader"]
    assert (entry["participant"], entry["method"]) == ("storage", "fixed")
    assert entry["followers"] == "cooperating"
    assert set(summary["players"]) == FOLLOWERS


def test_the_profit_is_that_of_schedule_and_prices(folder: Path, summary: dict[str, Any]) -> None:
    entry, prices = summary["leader"], pd.read_parquet(folder / "leader_prices.parquet")
    revenue, fees = 0.0, 0.0
    terms = leader_hamlet.leader()["prices"]
    for (carrier, side), rows in prices.groupby(["carrier", "side"], observed=True):
        price = rows.sort_values("time")["price_per_kwh"].to_numpy()
        quantity, sign = ("to_followers_kw", 1.0) if side == "sell" else ("from_followers_kw", -1.0)
        power = series(folder, "storage", carrier, quantity)
        money = sign * TARIFF_KWH * float(price @ power)
        assert entry["revenue"][carrier][side] == pytest.approx(money, abs=1e-6)
        revenue += money
        fees += terms[carrier].get("service_fee_per_kwh", 0.0) * TARIFF_KWH * float(power.sum())
    assert entry["service_fees"] == pytest.approx(fees, abs=1e-6)
    profit = revenue + fees - entry["own_costs"]
    assert entry["profit"]["verified"] == pytest.approx(profit, abs=1e-6)
    # What it pays to others: electricity with CO2 tax, wear, less hydrogen sold.
    bought = series(folder, "storage", "electricity", "buy_kw")
    drawn = series(folder, "storage", "electricity", "discharging_kw")
    sold = series(folder, "storage", "hydrogen", "sell_kw")
    dear = pd.read_csv(folder.parent / "profiles.csv")["price"].to_numpy()
    own = TARIFF_KWH * (
        float(bought @ (dear + 0.4 * 0.055)) + 0.005 * drawn.sum() - 0.45 * sold.sum()
    )
    assert entry["own_costs"] == pytest.approx(own, abs=1e-4)


def test_what_the_leader_sells_is_what_followers_take(folder: Path) -> None:
    for carrier in ("electricity", "heat", "hydrogen"):
        taken = [series(folder, name, carrier, "from_leader_kw") for name in sorted(FOLLOWERS)]
        taken = [values for values in taken if len(values)]
        given = series(folder, "storage", carrier, "to_followers_kw")
        assert np.allclose(np.sum(taken, axis=0), given, atol=1e-6)
    assert series(folder, "storage", "hydrogen", "to_followers_kw").min() > 3.9


def test_money_closes_over_leader_followers_and_outsiders(
    folder: Path, summary: dict[str, Any]
) -> None:
    accounts = pd.read_parquet(folder / "accounts.parquet")
    paid = accounts.groupby("payer", observed=True)["amount"].sum()
    got = accounts.groupby("payee", observed=True)["amount"].sum()
    balance = paid.sub(got, fill_value=0.0)
    assert balance.sum() == pytest.approx(0.0, abs=1e-9)
    assert balance["storage"] == pytest.approx(-summary["leader"]["profit"]["verified"], abs=1e-6)
    payments = pd.read_parquet(folder / "payments.parquet").set_index("participant")
    assert set(payments.index) == FOLLOWERS
    assert payments["payment"].sum() == pytest.approx(0.0, abs=1e-6)
    for name in FOLLOWERS:
        assert balance[name] == pytest.approx(payments.loc[name, "cost_after"], abs=1e-6)
    # Nobody loses against answering the same prices alone.
    assert (payments["cost_after"] <= payments["cost_before"] + 1e-6).all()


def test_prices_between_followers_are_inside_their_bounds(folder: Path) -> None:
    prices = pd.read_parquet(folder / "p2p_prices.parquet")
    assert len(prices)
    assert (prices["price"] >= prices["lower_bound"] - 1e-9).all()
    assert (prices["price"] <= prices["upper_bound"] + 1e-9).all()
    assert "storage" not in {*prices["seller"], *prices["buyer"]}


def test_the_plant_is_in_all_three_networks_and_keeps_the_hydrogen_limit(folder: Path) -> None:
    fed = series(folder, "storage", "hydrogen", "sell_kw")
    assert fed.max() > 1.0
    at_junction = series(folder, "storage", "hydrogen", "p_kw")
    assert np.allclose(at_junction, fed, atol=1e-6)
    setpoints = pd.read_parquet(folder / "setpoints" / "gas.parquet")
    assert (setpoints["value"] < 0.0).any()  # a sink that feeds in
    checks = pd.read_parquet(folder / "checks.parquet")
    share = checks.loc[checks["limit"] == "hydrogen_fraction_max", "value"]
    assert 0.9 * leader_hamlet.MAX_FRACTION < share.max() <= leader_hamlet.MAX_FRACTION + 1e-3
    # By energy it is less than a third of that: 3 kWh/m3 against 10.
    drawn = series(folder, "works", "gas", "buy_kw")
    assert 0.2 < float((fed / drawn).max()) / leader_hamlet.MAX_FRACTION < 0.35
    trade = series(folder, "storage", "electricity", "to_followers_kw")
    bought = series(folder, "storage", "electricity", "buy_kw")
    sold = series(folder, "storage", "electricity", "sell_kw")
    injected = series(folder, "storage", "electricity", "p_kw")
    assert np.allclose(injected, trade + sold - bought, atol=1e-6)
    # At its bus in the electric network's set-points, beside everyone else.
    electric = pd.read_parquet(folder / "setpoints" / "electric.parquet")
    powers = electric[electric["quantity"] == "p_mw"].pivot(
        index="time", columns=["element", "id"], values="value"
    )
    misses = [np.abs(np.abs(powers[key]) * 1e3 - np.abs(injected)).max() for key in powers]
    assert min(misses) < 1e-6


def test_followers_agree_on_the_same_without_a_centre(
    folder: Path, summary: dict[str, Any]
) -> None:
    found = summary["distributed"]
    assert found["converged"]
    assert found["central_cost"] == pytest.approx(summary["costs"]["verified"], abs=1e-6)
    # The leader runs its plant for itself: were it run for its followers, they would pay .6 % less.
    assert abs(found["relative_difference"]) <= 2e-4
    assert found["prices"]["converged"]
    assert found["prices"]["largest_difference"] < 0.01
    run = open_run(folder)
    search, talks = search_figure(run), negotiation_figure(run)
    assert search is not None
    assert talks is not None
    titles = [axis.get_title() for axis in search.axes if axis.get_visible()]
    assert titles[-1] == f"Followers agree: {found['rounds']} rounds"
    assert len(talks.axes) == 2


def test_the_tables_of_the_leader_are_there(folder: Path) -> None:
    prices = pd.read_parquet(folder / "leader_prices.parquet")
    assert set(zip(prices["carrier"], prices["side"], strict=True)) == {
        ("electricity", "buy"),
        ("electricity", "sell"),
        ("heat", "buy"),
        ("heat", "sell"),
        ("hydrogen", "sell"),
    }
    assert (prices["price_per_kwh"] == prices["low_per_kwh"]).all()
    history = pd.read_parquet(folder / "leader_history.parquet")
    assert set(history["method"]) == {"fixed"}


@pytest.mark.slow
@pytest.mark.parametrize("followers", ["cooperating", "independent"])
def test_prices_of_its_own_choice_earn_more_than_given_ones(tmp_path: Path, followers: str) -> None:
    """The given prices are inside the ranges, so the best ones earn at least as much."""
    found = {}
    for method in ("fixed", "exact"):
        scenario = leader_hamlet.write(tmp_path / method, method, followers)
        found[method] = api.run(scenario, tmp_path / method / "run", draw=False)
        assert found[method].verdict == "feasible"
    given, best = (found[m].summary["leader"]["profit"]["verified"] for m in ("fixed", "exact"))
    entry = found["exact"].summary["leader"]
    assert best > given
    assert entry["profit"]["pessimistic"] <= entry["profit"]["optimistic"] + 1e-6
    assert entry["profit"]["optimistic"] <= entry["bound"] * (1.0 + 1e-6)
    assert 0 <= entry["repriced"] <= 2
    prices = pd.read_parquet(tmp_path / "exact" / "run" / "leader_prices.parquet")
    assert (prices["price_per_kwh"] >= prices["low_per_kwh"] - 1e-9).all()
    assert (prices["price_per_kwh"] <= prices["high_per_kwh"] + 1e-9).all()
    accounts = pd.read_parquet(tmp_path / "exact" / "run" / "accounts.parquet")
    paid = accounts.groupby("payer", observed=True)["amount"].sum()
    got = accounts.groupby("payee", observed=True)["amount"].sum()
    balance = paid.sub(got, fill_value=0.0)
    assert balance["storage"] == pytest.approx(-best, abs=1e-6)
