"""Trade with a leader at announced prices: by hand, by money, and against another solver."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from cosim.errors import SolveError
from cosim.market.announced import Announced, AnnouncedMarket, price_keys
from cosim.market.leader.from_market import Game, followers_of, game_of
from cosim.market.market import Market
from cosim.records import Schedule
from cosim.scenario import Scenario
from tests.support.community import scenario

LIMITS = {"import_max_kw": 100.0, "export_max_kw": 100.0}
STEPS = 3
FEE = 0.01
BUY = (0.20, 0.50, 0.50)
"""Utility: cheap, dear, dear."""
FEED_IN = 0.05


def case(
    import_max_kw: float = 100.0, networks: dict[str, Any] | None = None, **leader: Any
) -> Scenario:
    """A consumer, a roof, and a battery of 10 kWh without losses that starts and ends empty."""
    people: dict[str, Any] = {
        "home": {
            "connections": {"electricity": LIMITS},
            "demand": {"electricity": [4.0, 6.0, 6.0]},
        },
        "farm": {
            "connections": {"electricity": LIMITS},
            "devices": {"roof": {"type": "pv", "profile": [9.0, 0.0, 0.0]}},
        },
        "store": {
            "connections": {"electricity": {**LIMITS, "import_max_kw": import_max_kw}},
            "devices": {
                "battery": {
                    "type": "battery",
                    "capacity_kwh": 10.0,
                    "charge_max_per_h": 1.0,
                    "discharge_max_per_h": 1.0,
                    "eta_charge": 1.0,
                    "eta_discharge": 1.0,
                    "initial": 0.0,
                }
            },
        },
    }
    between = {"buy": {"min": 0.0, "max": 0.3}, "sell": {"min": 0.1, "max": 0.6}}
    prices = {"electricity": {**between, "service_fee_per_kwh": FEE}}
    shared = leader.get("followers", "cooperating") == "cooperating"
    return scenario(
        people,
        {"electricity": {"buy": list(BUY), "sell": FEED_IN}},
        steps=STEPS,
        sharing={"electricity": {"form": "pool"}} if shared else {},
        leader={"participant": "store", "prices": prices, **leader},
        networks=networks,
    )


def market(found: Scenario) -> Market:
    return Market(found, {})


def at(found: Scenario, buy: list[float], sell: list[float]) -> tuple[AnnouncedMarket, Schedule]:
    """Return the market at prices and everyone's answer."""
    keys = price_keys(found.config)
    announced = Announced.of(keys, np.array([*buy, *sell]), STEPS)
    led = AnnouncedMarket.of(market(found), announced)
    return led, led.solve(followers_of(found.config))


def power(schedule: Schedule, party: str, quantity: str) -> list[float]:
    table = schedule.table
    rows = table[(table["participant"] == party) & (table["quantity"] == quantity)]
    return [round(float(value), 6) for value in rows["value"]]


def test_two_followers_and_a_battery_by_hand() -> None:
    # The farm gives 4 kW to the home; for 5 kW the store's .10 less fee beats the feed-in of .05.
    # The home would take 12 kWh at .40 + .01 instead of .50 from the utility. The store has 5 kWh
    # from the farm, fills up with 5 kWh at .20, and passes 2 kWh on from the utility at .50.
    _, found = at(case(), [0.10, 0.10, 0.10], [0.40, 0.40, 0.40])
    assert power(found, "farm", "to_leader_kw") == [5.0, 0.0, 0.0]
    assert power(found, "home", "from_leader_kw") == [0.0, 6.0, 6.0]
    assert power(found, "store", "from_followers_kw") == [5.0, 0.0, 0.0]
    assert power(found, "store", "to_followers_kw") == [0.0, 6.0, 6.0]
    costs = found.costs
    assert costs.loc["farm", "leader_electricity"] == pytest.approx(-0.50)
    assert costs.loc["home", "leader_electricity"] == pytest.approx(4.80)
    assert costs.loc["farm", "service_fee"] == pytest.approx(0.05)
    assert costs.loc["home", "service_fee"] == pytest.approx(0.12)
    assert costs.loc["store", "service_fee"] == pytest.approx(-0.17)
    assert found.cost == pytest.approx(4.92 - 0.45)
    # Own cost: 5 kWh at .20 and 2 kWh at .50.
    assert -costs.loc["store", "total"] == pytest.approx(4.80 - 0.50 + 0.17 - 2.0, abs=1e-6)


def test_independent_followers_do_not_share() -> None:
    found = case(followers="independent")
    _, schedule = at(found, [0.10] * 3, [0.40] * 3)
    assert power(schedule, "farm", "to_leader_kw") == [9.0, 0.0, 0.0]
    assert power(schedule, "home", "buy_kw") == [4.0, 0.0, 0.0]
    assert schedule.cost == pytest.approx(4 * 0.20 + 12 * 0.41 - 9 * 0.09)


def test_a_side_without_a_price_has_no_trade() -> None:
    prices = {"electricity": {"sell": {"min": 0.1, "max": 0.6}}}
    found = case(prices=prices)
    keys = price_keys(found.config)
    assert keys == (("electricity", "sell"),)
    led = AnnouncedMarket.of(market(found), Announced.of(keys, np.full(STEPS, 0.4), STEPS))
    schedule = led.solve(followers_of(found.config))
    assert power(schedule, "farm", "to_leader_kw") == []
    assert power(schedule, "farm", "sell_kw") == [5.0, 0.0, 0.0]


def test_the_limit_of_one_follower_holds() -> None:
    prices = {"electricity": {"sell": {"min": 0.1, "max": 0.6}, "trade_max_kw": 2.5}}
    found = case(prices=prices)
    keys = price_keys(found.config)
    led = AnnouncedMarket.of(market(found), Announced.of(keys, np.full(STEPS, 0.4), STEPS))
    schedule = led.solve(followers_of(found.config))
    # Two followers may take 2.5 kW each; what the farm takes goes on to the home.
    assert max(power(schedule, "home", "from_leader_kw")) <= 2.5
    assert power(schedule, "store", "to_followers_kw") == [0.0, 5.0, 5.0]


def test_delivery_is_a_constraint_where_the_plant_is_small() -> None:
    prices = {"electricity": {"sell": {"min": 0.1, "max": 0.6}}}
    found = case(import_max_kw=1.0, prices=prices)
    keys = price_keys(found.config)
    led = AnnouncedMarket.of(market(found), Announced.of(keys, np.full(STEPS, 0.4), STEPS))
    schedule = led.solve(followers_of(found.config))
    # 1 kW comes in at every step, and the battery keeps the first kWh.
    assert sum(power(schedule, "store", "to_followers_kw")) == pytest.approx(3.0)


def test_prices_need_a_leader_and_can_be_announced_again() -> None:
    found = case()
    led, first = at(found, [0.10] * 3, [0.40] * 3)
    again = AnnouncedMarket.of(led, Announced.of(price_keys(found.config), np.full(6, 0.6), STEPS))
    dear = again.solve(followers_of(found.config))
    assert power(dear, "home", "from_leader_kw") == [0.0, 0.0, 0.0]
    assert dear.cost < 0 or dear.cost != pytest.approx(first.cost)
    copy = pickle.loads(pickle.dumps(led))
    assert copy.solve(followers_of(found.config)).cost == pytest.approx(first.cost)
    assert isinstance(led.clone(), AnnouncedMarket)
    plain = scenario(
        {"home": {"connections": {"electricity": LIMITS}}}, {"electricity": {"buy": 1.0}}
    )
    with pytest.raises(SolveError, match="without a leader"):
        AnnouncedMarket.of(Market(plain, {}), Announced({}))


def alone(game: Game, prices: np.ndarray) -> float:
    """Return what all followers pay by themselves, from the arrays, by scipy."""
    total = 0.0
    for one in game.problem.followers:
        program, rows = one.program, one.program.bounds
        matrix, equal = program.matrix.toarray(), rows.row_lb == rows.row_ub
        less = np.vstack([matrix[~equal], -matrix[~equal]])
        limit = np.concatenate([rows.row_ub[~equal], -rows.row_lb[~equal]])
        finite = np.isfinite(limit)
        found = linprog(
            one.cost_at(prices),
            A_ub=less[finite] if finite.any() else None,
            b_ub=limit[finite] if finite.any() else None,
            A_eq=matrix[equal],
            b_eq=rows.row_lb[equal],
            bounds=list(zip(rows.col_lb, rows.col_ub, strict=True)),
            method="highs-ds",
        )
        assert found.status == 0
        total += float(found.fun) + program.offset
    return total


@pytest.mark.parametrize("followers", ["cooperating", "independent"])
def test_followers_alone_pay_the_same_at_the_announced_prices(followers: str) -> None:
    found = case(followers=followers)
    led, schedule = at(found, [0.06, 0.10, 0.10], [0.21, 0.45, 0.40])
    game = game_of(led)
    assert len(game.problem.followers) == (1 if followers == "cooperating" else 2)
    prices = led.announced.values
    assert alone(game, prices) == pytest.approx(schedule.cost, abs=1e-7)
    assert schedule.solution is not None
    x = schedule.solution[game.leader_columns]
    leader, income = game.problem.leader, 0.0
    rows = leader.matrix @ x
    for one, columns in zip(game.problem.followers, game.follower_columns, strict=True):
        y = schedule.solution[columns]
        income += float(one.income_at(prices) @ y)
        rows = rows + one.to_leader @ y
    assert (rows <= leader.bounds.row_ub + 1e-6).all()
    assert (rows >= leader.bounds.row_lb - 1e-6).all()
    profit = income - float(leader.cost @ x) - leader.offset
    assert profit == pytest.approx(-float(schedule.costs.loc["store", "total"]), abs=1e-6)


price = st.floats(0.0, 0.6).map(lambda value: round(value, 3))
series = st.lists(price, min_size=STEPS, max_size=STEPS)


@settings(max_examples=25, deadline=None)
@given(buy=series, sell=series, followers=st.sampled_from(["cooperating", "independent"]))
def test_money_sums_to_what_outsiders_are_paid(
    buy: list[float], sell: list[float], followers: str
) -> None:
    _, schedule = at(case(followers=followers), buy, sell)
    costs = schedule.costs
    assert costs["leader_electricity"].sum() == pytest.approx(0.0, abs=1e-9)
    assert costs["service_fee"].sum() == pytest.approx(0.0, abs=1e-9)
    utility = costs["electricity_purchase"].sum() + costs["electricity_sales"].sum()
    assert costs["total"].sum() == pytest.approx(utility, abs=1e-9)
    given_ = np.array(power(schedule, "farm", "to_leader_kw")) + np.array(
        power(schedule, "home", "to_leader_kw")
    )
    taken = np.array(power(schedule, "farm", "from_leader_kw")) + np.array(
        power(schedule, "home", "from_leader_kw")
    )
    assert np.allclose(given_, power(schedule, "store", "from_followers_kw"), atol=1e-6)
    assert np.allclose(taken, power(schedule, "store", "to_followers_kw"), atol=1e-6)
    # Paid step by step as announced.
    paid = float(taken @ np.array(sell) - given_ @ np.array(buy))
    assert -costs.loc["store", "leader_electricity"] == pytest.approx(paid, abs=1e-4)


def test_the_leader_trades_no_more_than_it_offers() -> None:
    found = case()
    keys = price_keys(found.config)
    offers = np.array([3.0, 0.0, 0.0, 0.0, 1.0, 2.0])
    announced = Announced.of(keys, np.repeat([0.10, 0.40], STEPS), STEPS, offers)
    schedule = AnnouncedMarket.of(market(found), announced).solve(followers_of(found.config))
    assert power(schedule, "farm", "to_leader_kw") == [3.0, 0.0, 0.0]
    assert power(schedule, "home", "from_leader_kw") == [0.0, 1.0, 2.0]


def test_a_store_without_a_utility_passes_on_what_it_was_given() -> None:
    # Of the farm's 9 kWh the home has 4 at once; 5 go through the battery, where 12 were wanted.
    content = case().config.model_dump(mode="json")
    content["participants"]["store"]["connections"]["electricity"]["utility"] = False
    bare = scenario(
        content["participants"],
        content["tariffs"],
        steps=STEPS,
        sharing={"electricity": {"form": "pool"}},
        leader=content["leader"],
    )
    _, found = at(bare, [0.10] * 3, [0.40] * 3)
    assert sum(power(found, "store", "buy_kw")) == 0.0
    assert power(found, "store", "sell_kw") == []
    assert power(found, "store", "from_followers_kw") == [5.0, 0.0, 0.0]
    assert sum(power(found, "home", "from_leader_kw")) == pytest.approx(5.0)
    assert "electricity_sales" not in found.costs.columns or (
        found.costs.loc["store", "electricity_sales"] == 0.0
    )
