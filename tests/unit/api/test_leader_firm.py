"""Prices nudged further: tried only inside their ranges, kept only where they earn more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cosim.api.leading.firm import FURTHER, _candidates, firmer, profit_of
from cosim.market.announced import Announced, AnnouncedMarket, price_keys
from cosim.market.leader.from_market import followers_of
from cosim.market.market import Market
from cosim.records import LossLine, read_only
from cosim.scenario.config import Tariff
from tests.unit.market.test_leader_game import NAMES, STEPS, case
from tests.unit.market.test_market_leader import LIMITS

MEANT = np.array([0.1, 0.1, 0.2, 0.4])
"""The leader sells at what the home's own fuel cell costs per kWh: hydrogen at .2 by half."""


def market(prices: np.ndarray) -> AnnouncedMarket:
    cell = {"type": "fuel_cell", "electric_max_kw": 20.0, "eta": 0.5}
    places = {"electricity": LIMITS, "hydrogen": LIMITS}
    found = case({"connections": places, "devices": {"cell": cell}})
    hydrogen = Tariff(buy=0.2)
    tariffs = {**found.config.tariffs, "hydrogen": hydrogen}
    found = replace(found, config=found.config.model_copy(update={"tariffs": tariffs}))
    plain = Market(found, {})
    # A kWh that the home draws costs .1 % more in losses.
    line = LossLine(
        grid="grid", kind="loss", iteration=1, steps=read_only([1], np.int64), terminals=NAMES,
        constant_kw=read_only([0.0]), coef_p=read_only([[-0.001, 0.0, 0.0]]),
        coef_q=read_only([[0.0] * 3]), exact=True,
    )  # fmt: skip
    plain.set_loss_lines([line])
    announced = Announced.of(price_keys(found.config), prices, STEPS)
    return AnnouncedMarket.of(plain, announced)


def test_prices_move_until_losses_do_not_decide() -> None:
    nudged = MEANT + np.array([0.0, 0.0, -1e-5, -1e-5])
    first = market(nudged)
    leader = first.scenario.config.leader
    assert leader is not None
    members = followers_of(first.scenario.config)
    before = first.solve(members)
    found = firmer(first.scenario, leader, first, (MEANT, nudged), members, before)
    best = found[0]
    # 1e-5 is less than a loss of .1 % at .4; 64 times as much is more, and further earns less.
    assert best.factor == 64.0
    assert best.profit == profit_of(best.schedule, best.market) > profit_of(before, first)
    assert [one.factor for one in found] == [64.0, 96.0, 128.0]
    for one in found:
        assert one.market.announced.values == pytest.approx(MEANT + one.factor * (nudged - MEANT))


def test_prices_stay_inside_their_ranges_and_where_they_earn_most() -> None:
    meant = np.array([0.05, 0.05, 0.1, 0.1])
    nudged = meant + 1e-4 * np.array([-1.0, -1.0, -1.0, -1.0])
    first = market(meant)
    leader = first.scenario.config.leader
    assert leader is not None
    members = followers_of(first.scenario.config)
    before = first.solve(members)
    # Every price is at its lowest already, so nothing further is to be had.
    assert firmer(first.scenario, leader, first, (meant, nudged), members, before) == []


def test_where_buying_and_selling_would_cross_both_give_way() -> None:
    """The service fee of this game leaves buying at most 2 fee above selling; the middle stays."""
    meant = np.array([0.14, 0.14, 0.15, 0.15])
    nudged = meant + 1e-3 * np.array([1.0, 1.0, -1.0, -1.0])
    first = market(nudged)
    leader = first.scenario.config.leader
    assert leader is not None
    keys = tuple(first.announced.prices)
    room = 2.0 * leader.prices["electricity"].service_fee_per_kwh
    tried = dict(_candidates(first.scenario, leader, first, (meant, nudged)))
    assert tuple(tried) == FURTHER
    rows = {key: slice(k * STEPS, (k + 1) * STEPS) for k, key in enumerate(keys)}
    for prices in tried.values():
        buy, sell = prices[rows["electricity", "buy"]], prices[rows["electricity", "sell"]]
        assert (buy - sell <= room + 1e-9).all()
    far = tried[16.0]
    buy, sell = far[rows["electricity", "buy"]], far[rows["electricity", "sell"]]
    assert 0.5 * (buy + sell) == pytest.approx([0.145, 0.145])
    assert buy - sell == pytest.approx([room, room])
