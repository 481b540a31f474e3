"""Narrower ranges of prices, trades and multipliers: what no better profit than the best needs.

The root of the mixed-integer search leaves a relaxation with cuts. Over its points that earn more
than the best known profit, least and greatest values of prices, multipliers and trades are linear
programs. With these ranges the game is written anew: all its limits of multipliers and slacks are
smaller, and the next root is much closer. A bound on the narrower game holds for the whole game
where it is above the best known profit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cosim.market.highs import Clock
from cosim.market.leader.conditions import Canonical
from cosim.market.leader.intervals import tighten
from cosim.market.leader.kkt import MultiplierRange, SingleLevel, single_level
from cosim.market.leader.outcome import relative_gap
from cosim.market.leader.problem import LeaderProblem, LeaderSettings
from cosim.market.leader.respond import Responses
from cosim.market.leader.root import Ranges, Root
from cosim.market.leader.search import Best
from cosim.records.time import FloatArray, IntArray

ROUNDS = 6
"""Times the game is written anew."""
WORTH = 0.6
"""A round has to bring the gap below this share of the last one for another to follow."""
FEW_PRICES = 12
"""Up to so many prices the search alone is faster (1000 segments of one price: 20 s against 45)."""
KEPT = 0.1
"""Share of the gap by which points may earn less than the best one and still be looked at, so that
it lies inside of all ranges."""
SHARE_OF_TIME = 0.6
"""Of the time left, for all rounds."""


@dataclass(slots=True)
class Narrowed:
    """The game with narrower ranges.

    Attributes:
        game: with the ranges of prices.
        followers: with the boxes of their columns.
        multipliers: of every follower's rows.
        single: the game as one program.
        bound: proven upper bound on the profit; what is given up lies below the best known one.
        rounds: times it was written anew.
        empty: nothing is left.
    """

    game: LeaderProblem
    followers: tuple[Canonical, ...]
    multipliers: tuple[MultiplierRange, ...]
    single: SingleLevel
    bound: float
    rounds: int = 0
    empty: bool = False


def narrowed(
    game: LeaderProblem,
    followers: Sequence[Canonical],
    caps: Sequence[FloatArray],
    single: SingleLevel,
    responses: Responses,
    best: Best,
    clock: Clock,
    settings: LeaderSettings,
    told: Callable[[float], None],
) -> Narrowed:
    """Narrow the ranges as long as it pays.

    Args:
        game: the game.
        followers: each in canonical form.
        caps: assumed bounds of multipliers.
        single: the game as one program.
        responses: to try points that the roots give.
        best: the best prices so far; better ones are taken over.
        clock: of the whole solve.
        settings: gap and threads.
        told: called with the bound after each root.
    """
    ranges = tuple(_range_of(single, k) for k in range(len(followers)))
    state = Narrowed(game, tuple(followers), ranges, single, np.inf)
    if game.n_prices <= FEW_PRICES:
        return state
    stop = clock.elapsed + SHARE_OF_TIME * clock.left
    last = np.inf
    for _ in range(ROUNDS):
        root = Root(state.single.program, threads=settings.threads, mip_gap=0.5 * settings.gap)
        if state.rounds and best.point is not None:
            root.offer(best.point, spare=False)
        found = root.look(stop - clock.elapsed)
        if found.x is not None:
            best.offer(responses, found.x[single.prices], found.x)
        state.empty = found.empty
        if found.empty or not np.isfinite(best.profit):
            return state
        state.bound = min(state.bound, max(-found.bound, best.profit))
        told(state.bound)
        gap = relative_gap(best.profit, state.bound)
        if found.cut is None or gap <= settings.gap or gap > WORTH * last:
            return state
        last = gap
        asked = Ranges(found.cut, -best.profit + KEPT * settings.gap * abs(best.profit))
        for columns in _asked(state):
            asked.narrow(columns, stop - clock.elapsed)
        if asked.empty:
            # Even the best known point is lost: nothing can be learnt from this.
            return state
        state = _written_anew(state, asked, caps)
        if clock.elapsed >= stop:
            break
    return state


def _range_of(single: SingleLevel, k: int) -> MultiplierRange:
    bounds, at = single.program.bounds, single.followers[k].row_dual
    return bounds.col_lb[at], bounds.col_ub[at]


def _asked(state: Narrowed) -> list[IntArray]:
    """Return the columns whose ranges matter: multipliers of rows, prices, then trades."""
    single = state.single
    every = np.arange(single.program.n)
    duals = [every[at.row_dual] for at in single.followers]
    trades = [
        at.y.start + np.unique(one.follower.priced.indices)
        for at, one in zip(single.followers, state.followers, strict=True)
    ]
    return [np.concatenate(duals), every[single.prices], np.concatenate(trades)]


def _written_anew(state: Narrowed, asked: Ranges, caps: Sequence[FloatArray]) -> Narrowed:
    single = state.single
    low, high = asked.low, asked.high
    game = replace(state.game, price_lb=low[single.prices], price_ub=high[single.prices])
    followers, multipliers = [], []
    for one, at in zip(state.followers, single.followers, strict=True):
        above = np.where(one.equal, one.right, np.inf)
        least, most = tighten(one.matrix, one.right, above, low[at.y], high[at.y])
        followers.append(replace(one, least=least, most=most))
        multipliers.append((low[at.row_dual], high[at.row_dual]))
    written = single_level(game, followers, caps, ranges=multipliers)
    return Narrowed(
        game, tuple(followers), tuple(multipliers), written, state.bound, state.rounds + 1
    )
