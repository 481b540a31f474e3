"""From a solved market to money: every account closes, whoever trades with whom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.market import Market
from cosim.records import Schedule
from cosim.scenario import Scenario
from cosim.settlement import Players, account_table, players_of, settle_money
from cosim.settlement.accounts import balances
from cosim.settlement.evidence import carbon_saved_kg
from cosim.settlement.price_bounds import price_bounds
from cosim.settlement.trades import pair_trades
from tests.support.community import scenario

SUN = {"type": "pv", "profile": 1.0, "rated_kw": 10.0}
TARIFF = {"buy": 0.30, "sell": 0.08, "co2_kg_per_kwh": 0.4}


def community(**sections: Any) -> Scenario:
    """Ann has 10 kW of sun; bob needs 6 kW, carl 3 kW."""
    people = {
        "ann": {"connections": {"electricity": {}}, "devices": {"sun": SUN}},
        "bob": {"connections": {"electricity": {}}, "demand": {"electricity": 6.0}},
        "carl": {"connections": {"electricity": {}}, "demand": {"electricity": 3.0}},
    }
    sharing = {"electricity": {"fee_per_kwh": 0.01, "grid_fee_per_kwh": 0.05}}
    return scenario(people, {"electricity": TARIFF}, steps=2, **{"sharing": sharing, **sections})


def solved(case: Scenario) -> tuple[Players, Schedule, Schedule]:
    market = Market(case, {})
    everyone = frozenset(case.config.participants)
    return players_of(case.config), market.solve(frozenset()), market.solve(everyone)


@pytest.mark.parametrize("form", ["pool", "bilateral"])
@pytest.mark.parametrize("operator", [False, True])
def test_every_account_closes(form: str, operator: bool) -> None:
    sharing = {"electricity": {"form": form, "fee_per_kwh": 0.01, "grid_fee_per_kwh": 0.05}}
    case = community(sharing=sharing, system_operator={"player": operator})
    players, alone, together = solved(case)
    names = list(players.names)
    benefit = sum(
        float(s.costs["total"].drop("system_operator").sum()) * sign
        + (float(s.costs["total"]["system_operator"]) * sign if operator else 0.0)
        for s, sign in ((alone, 1.0), (together, -1.0))
    )
    shares = pd.Series(benefit / len(names), index=names)
    singles = pd.Series(0.0, index=names)
    money = settle_money(case, players, alone, together, shares, singles)
    paid = money.payments.set_index("participant")
    accounts = balances(account_table(together, money))
    assert paid["payment"].sum() == pytest.approx(0.0, abs=1e-6)
    for name in paid.index:
        assert accounts[name] == pytest.approx(paid["cost_after"][name], abs=1e-6)
    assert accounts.get("network", 0.0) == pytest.approx(0.0, abs=1e-9)
    assert accounts.sum() == pytest.approx(0.0, abs=1e-9)
    assert money.realised.sum() == pytest.approx(benefit, abs=1e-6)


def test_bounds_are_what_either_side_could_have_elsewhere() -> None:
    case = community()
    _, _, together = solved(case)
    trades = pair_trades(together)
    bounds = price_bounds(case, trades)
    assert set(zip(trades.seller, trades.buyer, strict=True)) == {("ann", "bob"), ("ann", "carl")}
    assert bounds.lower == pytest.approx(np.full((2, 2), 0.08 + 0.01))
    assert bounds.upper == pytest.approx(np.full((2, 2), 0.30 - 0.05 - 0.01))


def test_a_tariff_of_its_own_moves_the_bound() -> None:
    case = community()
    people = {
        name: participant.model_dump(exclude_unset=True)
        for name, participant in case.config.participants.items()
    }
    people["bob"]["connections"]["electricity"]["tariff"] = {"buy": 0.50}
    own = scenario(
        people, {"electricity": TARIFF}, steps=2,
        sharing={"electricity": {"fee_per_kwh": 0.01, "grid_fee_per_kwh": 0.05}},
    )  # fmt: skip
    _, _, together = solved(own)
    trades = pair_trades(together)
    upper = dict(zip(trades.buyer, price_bounds(own, trades).upper[0], strict=True))
    assert upper == pytest.approx({"bob": 0.44, "carl": 0.24})


def test_bounds_of_the_user_replace_those_of_the_tariffs() -> None:
    case = community(bargaining={"prices": {"bounds": {"electricity": {"min": 0.12, "max": 0.2}}}})
    _, _, together = solved(case)
    bounds = price_bounds(case, pair_trades(together))
    assert (bounds.lower == 0.12).all()
    assert (bounds.upper == 0.20).all()


def test_contracts_are_the_pairs() -> None:
    links = [{"between": ["ann", "carl"]}]
    case = community(
        sharing={"electricity": {"form": "bilateral", "links": links, "grid_fee_per_kwh": 0.05}}
    )
    _, _, together = solved(case)
    trades = pair_trades(together)
    assert list(zip(trades.seller, trades.buyer, strict=True)) == [("ann", "carl")]
    assert trades.kw[:, 0] == pytest.approx([3.0, 3.0])


def test_carbon_that_players_save_adds_up_to_what_the_community_saves() -> None:
    case = community()
    players, alone, together = solved(case)
    saved = carbon_saved_kg(case, players, alone, together)

    def bought(schedule: Schedule) -> float:
        table = schedule.table
        return float(table.loc[table["quantity"] == "buy_kw", "value"].sum())

    assert saved.sum() == pytest.approx(0.4 * (bought(alone) - bought(together)))
    assert saved["ann"] == pytest.approx(0.4 * 9.0 * 2)
