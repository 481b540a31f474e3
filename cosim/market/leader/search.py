"""A quick search for good prices: followers' ties at the present prices are opened and used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

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
PATIENCE = 2
"""Climbs in a row that bring nothing before there are no more."""
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


class Climber:
    """Improves prices step by step.

    At given prices and responses all switches that are decided stay, those of ties are free; the
    single program is then small, and its solution is the next start.
    """

    def __init__(
        self,
        single: SingleLevel,
        followers: Sequence[Canonical],
        responses: Responses,
        best: Best,
        clock: Clock,
    ) -> None:
        """Hand the program over.

        Args:
            single: the game as one program.
            followers: in canonical form.
            responses: the followers.
            best: better prices are taken over.
            clock: of the whole solve.
        """
        self._single = single
        self._followers = followers
        self._responses = responses
        self._best = best
        self._clock = clock
        self._in_vain = 0
        self._handle = Handle(single.program, integer=True, threads=1, mip_gap=1e-4)

    @property
    def tired(self) -> bool:
        """True after a few climbs in a row that have brought nothing."""
        return self._in_vain >= PATIENCE

    def rest(self) -> None:
        """Begin to count anew."""
        self._in_vain = 0

    def climb(self, prices: FloatArray) -> None:
        """Climb from some prices."""
        before, profit = self._best.profit, -np.inf
        for _ in range(STEPS):
            found = self._state(prices)
            if found is None or found[0] <= profit + GAIN * abs(profit):
                break
            profit, point = found
            self._best.offer(self._responses, prices, point)
            self._handle.set_bounds(neighbourhood(self._single, self._followers, point))
            self._handle.offer(point)
            outcome = self._handle.search(min(STEP_S, self._clock.left))
            if outcome is None or outcome.x is None:
                break
            game = self._responses.game
            prices = np.clip(outcome.x[self._single.prices], game.price_lb, game.price_ub)
        better = self._best.profit > before + GAIN * abs(before)
        self._in_vain = 0 if better else self._in_vain + 1

    def _state(self, prices: FloatArray) -> tuple[float, FloatArray] | None:
        """Return profit and point of the single program at some prices; None without any."""
        responses = self._responses
        outcomes = responses.solve(prices)
        costs = np.array([one.objective for one in outcomes])
        reply = responses.favourite(prices, costs)
        if reply is None:
            return None
        found = [responses.duals_of(k, prices, one) for k, one in enumerate(outcomes)]
        duals = [dual for dual in found if dual is not None]
        if len(duals) < len(found):
            return None
        return reply.profit, point_at(self._single, self._followers, prices, reply, duals)


def first_prices(
    single: SingleLevel,
    climber: Climber,
    responses: Responses,
    best: Best,
    clock: Clock,
    settings: LeaderSettings,
    told: Callable[[], None] = lambda: None,
) -> None:
    """Find good prices from several starts; `told` is called after each.

    The first is where the linear relaxation has its prices: of all starts that were tried its climb
    ended highest.
    """
    relaxed = Handle(single.program, integer=False, threads=1, mip_gap=0.0).search(clock.left)
    found = None if relaxed is None else relaxed.x
    guesses = [
        *settings.starts,
        *([] if found is None else [_inside(responses, found[single.prices])]),
        *support_starts(responses),
        *price_guesses(responses.game, settings.seed, 2),
    ]
    for guess in guesses:
        best.offer(responses, guess, None)
    told()
    for guess in guesses:
        if climber.tired or clock.left < CLIMB_UNTIL * settings.time_limit_s:
            return
        climber.climb(guess)
        told()


def _inside(responses: Responses, prices: FloatArray) -> FloatArray:
    game = responses.game
    return np.clip(prices, game.price_lb, game.price_ub)


def neighbourhood(single: SingleLevel, followers: Sequence[Canonical], point: FloatArray) -> Bounds:
    """Return bounds in which all switches that a point decides stay; those of ties are free."""
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
