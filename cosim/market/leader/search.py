"""A quick search for good prices: followers' ties at the present prices are opened and used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cosim.errors import SolveError
from cosim.market.highs import Clock, Handle, Outcome
from cosim.market.leader.conditions import Canonical
from cosim.market.leader.kkt import SingleLevel
from cosim.market.leader.problem import LeaderSettings
from cosim.market.leader.respond import Responses
from cosim.market.leader.start import ZERO_DUAL, point_at, price_guesses
from cosim.market.leader.support import support_starts
from cosim.market.program import Bounds
from cosim.records.time import FloatArray

GAIN = 1e-4
"""A step that gains less than this share ends the climb."""
STEPS = 15
"""Of one climb."""
STEP_S = 1.0
"""Most seconds of one step."""
CLIMB_UNTIL = 0.75
"""Share of the time that is left when no further climb is begun."""


@dataclass(slots=True)
class Best:
    """The best prices so far, by the optimistic profit of a fresh solve."""

    profit: float = -np.inf
    prices: FloatArray | None = None
    point: FloatArray | None = None

    def offer(
        self,
        responses: Responses,
        prices: FloatArray,
        point: FloatArray | None,
        outcomes: tuple[Outcome, ...] | None = None,
    ) -> bool:
        """Take prices over if a fresh solve says they are better."""
        game = responses.game
        inside = np.clip(prices, game.price_lb, game.price_ub)
        if outcomes is None:
            outcomes = responses.solve(inside)
        costs = np.array([one.objective for one in outcomes])
        reply = responses.favourite(inside, costs)
        if reply is None or reply.profit <= self.profit:
            return False
        self.profit, self.prices, self.point = reply.profit, inside, point
        return True


def climb(
    single: SingleLevel,
    followers: Sequence[Canonical],
    responses: Responses,
    best: Best,
    clock: Clock,
    settings: LeaderSettings,
    told: Callable[[], None] = lambda: None,
) -> None:
    """Improve the best prices from several starts.

    At given prices and responses all switches that are decided stay, those of ties are free; the
    single program is then small, and its solution is the next start. `told` is called after each.
    """
    handle = Handle(single.program, integer=True, threads=settings.threads, mip_gap=1e-4)
    guesses = [
        *settings.starts,
        *support_starts(responses),
        *price_guesses(responses.game, settings.seed, 2),
    ]
    for guess in guesses:
        best.offer(responses, guess, None)
    told()
    if best.prices is not None:
        guesses.insert(0, best.prices)
    for guess in guesses:
        if clock.left < CLIMB_UNTIL * settings.time_limit_s:
            return
        _from(guess, handle, single, followers, responses, best, clock)
        told()


def _from(
    prices: FloatArray,
    handle: Handle,
    single: SingleLevel,
    followers: Sequence[Canonical],
    responses: Responses,
    best: Best,
    clock: Clock,
) -> None:
    profit = -np.inf
    for _ in range(STEPS):
        outcomes = responses.solve(prices)
        costs = np.array([one.objective for one in outcomes])
        reply = responses.favourite(prices, costs)
        if reply is None or reply.profit <= profit + GAIN * abs(profit):
            return
        profit = reply.profit
        found = [responses.duals_of(k, prices, one) for k, one in enumerate(outcomes)]
        duals = [dual for dual in found if dual is not None]
        if len(duals) < len(found):
            return
        point = point_at(single, followers, prices, reply, duals)
        best.offer(responses, prices, point)
        handle.set_bounds(_neighbourhood(single, followers, point))
        handle.offer(point)
        try:
            outcome = handle.run(min(STEP_S, clock.left))
        except SolveError:
            return
        if outcome.x is None:
            return
        game = responses.game
        prices = np.clip(outcome.x[single.prices], game.price_lb, game.price_ub)


def _neighbourhood(
    single: SingleLevel, followers: Sequence[Canonical], point: FloatArray
) -> Bounds:
    bounds = single.program.bounds
    low, high = bounds.col_lb.copy(), bounds.col_ub.copy()
    for one, at in zip(followers, single.followers, strict=True):
        y = point[at.y]
        binary = at.y.start + at.binary_at
        low[binary] = high[binary] = np.round(point[binary])
        sides = [
            (point[at.row_dual][at.row_at], one.matrix @ y - one.right, at.row_at, at.row_switch),
            (point[at.low_dual], y - one.low, at.low_at, at.low_switch),
            (point[at.high_dual], one.high - y, at.high_at, at.high_switch),
        ]
        for dual, slack, where, switch in sides:
            slack_there = slack[where] > 1e-6 * (1.0 + np.abs(slack[where]))
            paid = dual > ZERO_DUAL
            low[switch] = np.where(paid & ~slack_there, 1.0, 0.0)
            high[switch] = np.where(slack_there & ~paid, 0.0, 1.0)
    return Bounds(low, high, bounds.row_lb, bounds.row_ub)
