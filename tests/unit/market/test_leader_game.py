"""The game cut from a market: cuts, loss lines, on/off decisions, ladders of CO2 prices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cosim.errors import ScenarioError
from cosim.market.announced import Announced, AnnouncedMarket, price_keys
from cosim.market.leader.from_market import followers_of, game_of
from cosim.market.leader.on_off import refuse_on_off
from cosim.market.leader.ranges import price_order, price_ranges
from cosim.market.market import Market
from cosim.records import Cut, CutKey, LossLine, Schedule, read_only
from cosim.scenario import Scenario
from tests.support.community import scenario
from tests.unit.market.test_market_leader import LIMITS, alone

STEPS = 2
PRICES = np.array([0.1, 0.1, 0.35, 0.35])
NAMES = ("home", "farm", "store")


def case(home: dict[str, Any] | None = None, **sections: Any) -> Scenario:
    """A home, a farm and a leader with a battery on one electric network."""
    people: dict[str, Any] = {
        "home": {
            "connections": {"electricity": LIMITS, "gas": LIMITS},
            "demand": {"electricity": [2.0, 8.0]},
            **(home or {}),
        },
        "farm": {
            "connections": {"electricity": LIMITS},
            "devices": {"roof": {"type": "pv", "profile": [6.0, 0.0]}},
        },
        "store": {
            "connections": {"electricity": LIMITS},
            "devices": {"battery": {"type": "battery", "capacity_kwh": 10.0, "initial": 0.0}},
        },
    }
    prices = {"buy": {"min": 0.05, "max": 0.2}, "sell": {"min": 0.1, "max": 0.5}}
    given: dict[str, Any] = {
        "leader": {"participant": "store", "prices": {"electricity": prices}},
        "networks": {"grid": {"kind": "electric"}},
        "sharing": {"electricity": {"form": "pool"}},
    }
    return scenario(
        people,
        {
            "electricity": {"buy": [0.2, 0.4], "sell": 0.05, "co2_kg_per_kwh": 0.5},
            "gas": {"buy": 0.1, "co2_kg_per_kwh": 0.2},
        },
        steps=STEPS,
        **{**given, **sections},
    )


def at_prices(market: Market) -> AnnouncedMarket:
    keys = price_keys(market.scenario.config)
    return AnnouncedMarket.of(market, Announced.of(keys, PRICES, STEPS))


def cut(rhs: float, coef: tuple[float, float, float]) -> Cut:
    key = CutKey("grid", "line_loading_max", "line", 0, 1, 1)
    return Cut(key, NAMES, read_only(coef), read_only([0.0] * 3), rhs, True)


def line(step: int, per_kw: float) -> LossLine:
    return LossLine(
        grid="grid",
        kind="loss",
        iteration=1,
        steps=read_only([step], np.int64),
        terminals=NAMES,
        constant_kw=read_only([0.0]),
        coef_p=read_only([[-per_kw, 0.0, 0.0]]),
        coef_q=read_only([[0.0] * 3]),
        exact=True,
    )


def solved(market: AnnouncedMarket) -> Schedule:
    return market.solve(followers_of(market.scenario.config))


def test_a_cut_stays_with_followers_and_leaves_the_leader_its_part() -> None:
    plain = Market(case(), {})
    # Import of home and store at the second step, 5 kW of it at home's share.
    plain.add_cuts([cut(5.0, (-1.0, 0.0, -1.0))])
    led = at_prices(plain)
    last = solved(led)
    assert not last.unmet
    game = game_of(led, last)
    before = game_of(at_prices(Market(case(), {})))
    leader, (follower,) = game.problem.leader, game.problem.followers
    assert leader.m == before.problem.leader.m + 1
    assert follower.program.m == before.problem.followers[0].program.m + 1
    assert last.solution is not None
    injected = last.injections["grid"].p_kw[1]
    # Row of the leader: its own part is at most what it was.
    assert leader.bounds.row_ub[-1] == pytest.approx(-injected[2])
    row = leader.matrix[[leader.m - 1]] @ last.solution[game.leader_columns]
    assert float(row[0]) == pytest.approx(-injected[2])
    # Followers keep the rest of the right side.
    assert np.isclose(follower.program.bounds.row_ub, 5.0 + injected[2]).any()
    # What the loop found is a best answer to the prices under it.
    assert alone(game, led.announced.values) == pytest.approx(last.cost, abs=1e-6)


def test_a_cut_of_the_leader_alone_is_the_leaders() -> None:
    plain = Market(case(), {})
    plain.add_cuts([cut(3.0, (0.0, 0.0, -1.0))])
    led = at_prices(plain)
    game = game_of(led, solved(led))
    assert game.problem.leader.bounds.row_ub[-1] == pytest.approx(3.0)


def test_losses_are_the_followers() -> None:
    plain = Market(case(), {})
    plain.set_loss_lines([line(1, 0.1)])
    led = at_prices(plain)
    last = solved(led)
    game = game_of(led, last)
    # 8 kW drawn lose .8 kW, and what the home takes of the pool for it is drawn besides.
    assert last.network_demand_kw["electricity"][1] == pytest.approx(0.8)
    assert alone(game, led.announced.values) == pytest.approx(last.cost, abs=1e-4)
    assert game.problem.leader.m == game_of(at_prices(Market(case(), {}))).problem.leader.m


def test_independent_followers_are_joined_by_what_links_them() -> None:
    section = case().config.leader
    assert section is not None
    independent = {**section.model_dump(exclude_none=True), "followers": "independent"}
    for terms in independent["prices"].values():
        terms.pop("trade_max_kw", None)
    plain = Market(case(leader=independent, sharing={}), {})
    assert [one.name for one in game_of(plain).problem.followers] == ["home", "farm"]
    plain.add_cuts([cut(50.0, (-1.0, -1.0, 0.0))])
    led = at_prices(plain)
    (joined,) = game_of(led, solved(led)).problem.followers
    assert joined.name == "home + farm"


def test_the_exact_method_refuses_followers_with_on_off_decisions_by_name() -> None:
    engine = {"type": "chp", "power_max_kw": 8.0, "load_min": 0.5}
    heat = {"connections": {"electricity": LIMITS, "gas": LIMITS, "heat": LIMITS}}
    people = {**heat, "devices": {"engine": engine}}
    found = case(people)
    content = found.config.model_copy(
        update={"tariffs": {**found.config.tariffs, "heat": found.config.tariffs["gas"]}}
    )
    plain = Market(replace(found, config=content), {})
    leader = content.leader
    assert leader is not None
    game = game_of(plain)
    assert not game.problem.linear
    with pytest.raises(ScenarioError) as error:
        refuse_on_off(plain, game, leader)
    text = str(error.value)
    assert "leader.method: exact, but home.devices.engine decides about on and off" in text
    assert "set leader.method: decomposition" in text
    other = leader.model_copy(update={"method": "decomposition"})
    refuse_on_off(plain, game, other)


@pytest.mark.parametrize(("quota_kg", "linear"), [(0.0, True), (100.0, False)])
def test_ladders_need_no_binaries_where_rewards_are_out_of_reach(
    quota_kg: float, linear: bool
) -> None:
    trading = {"price_per_t": 100.0, "interval_t": 0.001, "growth": 0.2, "reward_growth": 0.2}
    trading |= {"quota": {"kg": quota_kg}}
    plain = Market(case(carbon={"trading": trading}), {})
    game = game_of(plain)
    leader = plain.scenario.config.leader
    assert leader is not None
    assert game.problem.linear is linear
    if linear:
        # The convex side is exact without binaries: the market with them costs the same.
        led = at_prices(plain)
        assert alone(game, led.announced.values) == pytest.approx(solved(led).cost, abs=1e-6)


def test_fixed_prices_have_no_choice_and_ranges_keep_their_order() -> None:
    found = case()
    leader = found.config.leader
    assert leader is not None
    keys = price_keys(found.config)
    low, high = price_ranges(found, leader, keys)
    assert low.tolist() == [0.05, 0.05, 0.1, 0.1]
    assert high.tolist() == [0.2, 0.2, 0.5, 0.5]
    rows, limit = price_order(leader, keys, STEPS)
    assert (rows @ np.array([0.2, 0.3, 0.2, 0.2])).tolist() == pytest.approx([0.0, 0.1])
    assert limit.tolist() == [0.0, 0.0]
    fixed = leader.model_copy(
        update={
            "method": "fixed",
            "prices": {
                "electricity": leader.prices["electricity"].model_copy(
                    update={"fixed_buy": 0.1, "fixed_sell": (0.3, 0.4)}
                )
            },
        }
    )
    low, high = price_ranges(found, fixed, keys)
    assert low.tolist() == high.tolist() == [0.1, 0.1, 0.3, 0.4]
    assert price_order(fixed, keys, STEPS)[0].shape == (0, 4)
