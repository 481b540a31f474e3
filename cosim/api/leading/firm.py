"""Prices nudged further where losses in the networks tip the followers' answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from cosim.market.announced import Announced, AnnouncedMarket
from cosim.market.leader.ranges import price_order, price_ranges
from cosim.records import Schedule
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.leader import Leader

FURTHER = (4.0, 16.0, 32.0, 64.0, 96.0, 128.0, 192.0)
"""Multiples of the first nudge that are tried."""
LOOKED_AT = 3
"""Of those that promise more, how many go through the loop: losses move once more in it, and what
came of three that promised the same within 1 % lay 14 % apart."""


@dataclass(frozen=True, slots=True)
class Firmer:
    """Prices further along the nudge.

    Attributes:
        market: at these prices.
        schedule: with the loss lines at hand.
        factor: how many times the first nudge prices were moved.
        profit: of the leader in this schedule.
    """

    market: AnnouncedMarket
    schedule: Schedule
    factor: float
    profit: float


def firmer(
    scenario: Scenario,
    leader: Leader,
    market: AnnouncedMarket,
    first: tuple[FloatArray, FloatArray],
    members: frozenset[str],
    start: Schedule,
) -> list[Firmer]:
    """Return prices further along the nudge that seem to earn the leader more, the best first.

    Followers are nearly indifferent at the leader's best prices, so marginal losses of a tenth of a
    cent decide what they take. One market solve with the loss lines at hand shows how far prices
    have to move for that to be over.

    Args:
        scenario: with a leader.
        leader: its section.
        market: with the loss lines and cuts of a loop.
        first: prices of the game, before and after its nudge.
        members: the followers.
        start: schedule that the loop ended with.

    Returns:
        At most `LOOKED_AT`; none where nothing beats the prices that the market has.
    """
    before, found = profit_of(start, market), list[Firmer]()
    for factor, prices in _candidates(scenario, leader, market, first):
        announced = Announced.of(tuple(market.announced.prices), prices, len(scenario.time))
        announced = replace(announced, offers=market.announced.offers)
        other = AnnouncedMarket.of(market, announced)
        schedule = other.solve(members, start=start, effort="rounded")
        profit = profit_of(schedule, other)
        if profit > before and not schedule.unmet:
            found.append(Firmer(other, schedule, factor, profit))
    return sorted(found, key=lambda one: -one.profit)[:LOOKED_AT]


def profit_of(schedule: Schedule, market: AnnouncedMarket) -> float:
    """Return what a schedule leaves the leader, before investment."""
    return -float(schedule.costs["total"].loc[str(market.compiled.layout.leader)])


def _candidates(
    scenario: Scenario,
    leader: Leader,
    market: AnnouncedMarket,
    first: tuple[FloatArray, FloatArray],
) -> Iterator[tuple[float, FloatArray]]:
    """Yield prices further along the nudge, inside their ranges."""
    keys = tuple(market.announced.prices)
    low, high = price_ranges(scenario, leader, keys)
    rows, limit = price_order(leader, keys, len(scenario.time))
    meant, nudged = first
    for factor in FURTHER:
        prices = np.clip(meant + factor * (nudged - meant), low, high)
        # Where buying would come to cost more than selling earns, both give way by half.
        crossed = np.maximum(rows @ prices - limit, 0.0)
        prices = np.clip(prices - 0.5 * (rows.T @ crossed), low, high)
        if (rows @ prices <= limit + 1e-9).all():
            yield factor, prices
