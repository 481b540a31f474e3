"""Prices nudged further where losses in the networks tip the followers' answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cosim.market.announced import Announced, AnnouncedMarket
from cosim.market.leader.ranges import price_order, price_ranges
from cosim.records import Schedule
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.leader import Leader

FURTHER = (4.0, 16.0, 64.0)
"""Multiples of the first nudge that are tried."""


def firmer(
    scenario: Scenario,
    leader: Leader,
    market: AnnouncedMarket,
    first: tuple[FloatArray, FloatArray],
    members: frozenset[str],
    start: Schedule,
) -> tuple[AnnouncedMarket, Schedule, float] | None:
    """Return the market at prices further along the nudge that earn the leader most, if any do.

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
        The market at the best of these prices, its schedule, and how far they were moved; None
        where nothing beats the prices that the market has.
    """
    best, found = profit_of(start, market), None
    for factor, prices in _candidates(scenario, leader, market, first):
        announced = Announced.of(tuple(market.announced.prices), prices, len(scenario.time))
        announced = replace(announced, offers=market.announced.offers)
        other = AnnouncedMarket.of(market, announced)
        schedule = other.solve(members, start=start, effort="rounded")
        profit = profit_of(schedule, other)
        if profit > best and not schedule.unmet:
            best, found = profit, (other, schedule, factor)
    return found


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
