"""Narrower ranges of prices, trades and multipliers: what no better profit than the best needs.

Taken apart into its steps, the game gives a bound, and every step the ranges that its columns can
have under it. With these ranges the game is written anew: all its limits of multipliers and slacks
are smaller, and the next bound is closer. When that no longer pays, the root of the mixed-integer
search leaves a relaxation with cuts, from which the same is learnt again. A bound on the narrower
game holds for the whole game where it is above the best known profit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cosim.market.highs import Clock
from cosim.market.leader.conditions import Canonical, narrower_box
from cosim.market.leader.intervals import tighten
from cosim.market.leader.kkt import MultiplierRange, SingleLevel, single_level
from cosim.market.leader.outcome import relative_gap
from cosim.market.leader.problem import LeaderProblem, LeaderSettings
from cosim.market.leader.proof.parts import Parts
from cosim.market.leader.proof.root import Ranges, Root
from cosim.market.leader.proof.steps import Steps, steps_of
from cosim.market.leader.proof.windows import Windows
from cosim.market.leader.respond import Responses
from cosim.market.leader.search import Best, Climber
from cosim.market.leader.start import point_at_prices
from cosim.market.program import BoolArray, Program
from cosim.records.time import FloatArray, IntArray

ROUNDS = 6
"""Times the game is written anew after a root."""
ROUNDS_BY_STEPS = 8
"""Times the game is written anew from its steps alone."""
WORTH = 0.9
"""A root has to bring the gap below this share of the last one for another to follow."""
FAR = 0.05
"""Gap of the steps' first bound above which ranges would hardly shrink: then a root comes first."""
WORTH_BY_STEPS = 0.85
"""Ranges of multipliers have to shrink to this share on average for another round by steps."""
FEW_PRICES = 12
"""Up to so many prices the search alone is faster (1000 segments of one price: 20 s against 45)."""
KEPT = 0.1
"""Share of the gap by which points may earn less than the best one and still be looked at, so that
it lies inside of all ranges."""
SHARE_OF_WINDOWS = 0.15
"""Of the time left, to look for better prices a few steps at a time."""
SHARE_OF_TIME = 0.85
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


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proof works with.

    Attributes:
        responses: to try prices that relaxations give,
        climber: and to climb from there.
        best: the best prices so far; better ones are taken over.
        clock: of the whole solve.
        settings: gap and threads.
        caps: assumed bounds of multipliers.
        told: called with every bound.
    """

    responses: Responses
    climber: Climber
    best: Best
    clock: Clock
    settings: LeaderSettings
    caps: Sequence[FloatArray]
    told: Callable[[float], None]

    @property
    def most(self) -> float:
        """Largest objective, the negative profit, of points that are still looked at."""
        return -self.best.profit + KEPT * self.settings.gap * abs(self.best.profit)

    def closed(self, bound: float) -> bool:
        """Return True if a bound on the profit ends the proof."""
        return relative_gap(self.best.profit, bound) <= self.settings.gap


def narrowed(
    game: LeaderProblem, followers: Sequence[Canonical], single: SingleLevel, proof: Proof
) -> Narrowed:
    """Narrow the ranges as long as it pays.

    Args:
        game: the game.
        followers: each in canonical form.
        single: the game as one program.
        proof: the best prices so far, and how much time there is.
    """
    ranges = tuple(_range_of(single, k) for k in range(len(followers)))
    state = Narrowed(game, tuple(followers), ranges, single, np.inf)
    if game.n_prices <= FEW_PRICES:
        return state
    steps = steps_of(game, followers, single)
    stop = proof.clock.elapsed + SHARE_OF_TIME * proof.clock.left
    last = np.inf
    for k in range(ROUNDS):
        if steps is not None and np.isfinite(proof.best.profit):
            state = _by_steps(state, steps, proof, stop, far=FAR if k == 0 else np.inf)
        if proof.closed(state.bound) or proof.clock.elapsed >= stop:
            break
        if steps is not None:
            _by_windows(state, steps, proof, stop)
        cut = _root(state, proof, stop)
        gap = relative_gap(proof.best.profit, state.bound)
        if cut is None or proof.closed(state.bound) or gap > WORTH * last:
            break
        last = gap
        ends = _under_cuts(state, cut, steps, proof, stop)
        if ends is None or proof.closed(state.bound):
            break
        state = _written_anew(state, *ends, proof.caps)
        proof.climber.rest()
    return state


def _by_steps(state: Narrowed, steps: Steps, proof: Proof, stop: float, far: float) -> Narrowed:
    """Narrow the ranges from the steps' own problems, while these bounds are not too far."""
    for _ in range(ROUNDS_BY_STEPS):
        ends = _of_steps(state, state.single.program, steps, proof, stop, far)
        if ends is None or proof.closed(state.bound) or proof.clock.elapsed >= stop:
            break
        shrunk = _shrunk(state, *ends)
        state = _written_anew(state, *ends, proof.caps)
        if shrunk > WORTH_BY_STEPS:
            break
    return state


def _by_windows(state: Narrowed, steps: Steps, proof: Proof, stop: float) -> None:
    """Look for better prices in the narrower game, a few steps at a time."""
    windows = Windows(state.single, state.followers, steps, proof.responses, proof.best)
    clock = proof.clock
    windows.look(clock, min(stop, clock.elapsed + SHARE_OF_WINDOWS * clock.left))


def _root(state: Narrowed, proof: Proof, stop: float) -> Program | None:
    """Return the relaxation with cuts that the root of a search leaves; None if that is all."""
    settings, best, clock = proof.settings, proof.best, proof.clock
    root = Root(state.single.program, threads=settings.threads, mip_gap=0.5 * settings.gap)
    if state.rounds and best.prices is not None:
        start = point_at_prices(state.single, state.followers, best.prices)
        if start is not None:
            root.offer(start, spare=False)
    found = root.look(stop - clock.elapsed)
    if found.x is not None:
        best.offer(proof.responses, found.x[state.single.prices], found.x)
    state.empty = found.empty
    if found.empty or not np.isfinite(best.profit):
        return None
    state.bound = min(state.bound, max(-found.bound, best.profit))
    proof.told(state.bound)
    return found.cut


def _under_cuts(
    state: Narrowed, cut: Program, steps: Steps | None, proof: Proof, stop: float
) -> tuple[FloatArray, FloatArray] | None:
    """Return ranges of all columns from a relaxation with cuts; None if nothing can be learnt."""
    if steps is not None:
        return _of_steps(state, cut, steps, proof, stop, np.inf)
    asked = Ranges(cut, proof.most)
    for columns in _asked(state):
        asked.narrow(columns, stop - proof.clock.elapsed)
    # Where even the best known point is lost, nothing can be learnt.
    return None if asked.empty else (asked.low, asked.high)


def _of_steps(
    state: Narrowed, program: Program, steps: Steps, proof: Proof, stop: float, far: float
) -> tuple[FloatArray, FloatArray] | None:
    """Return ranges of all columns from the steps' own problems; None if nothing can be learnt.

    Their bound is taken over, and so are their prices where they are better.
    """
    clock = proof.clock
    parts = Parts(program, steps)
    relaxed = parts.relaxed(max(stop - clock.elapsed, 0.1))
    if relaxed is None:
        return None
    _try(proof, relaxed.x[state.single.prices])
    gap = proof.settings.gap * abs(proof.best.profit)
    priced = parts.price(relaxed.multipliers, gap, clock, stop)
    if priced.empty or not np.isfinite(priced.bound):
        return None
    state.bound = min(state.bound, max(-priced.bound, proof.best.profit))
    proof.told(state.bound)
    if relative_gap(proof.best.profit, state.bound) > far:
        return None
    low, high, empty = parts.ranges(priced, proof.most, _wanted(state), clock, stop)
    return None if empty else (low, high)


def _try(proof: Proof, prices: FloatArray) -> None:
    """Climb from the prices of a relaxation, as long as climbs bring anything."""
    if proof.climber.tired:
        return
    game = proof.responses.game
    inside = np.clip(prices, game.price_lb, game.price_ub)
    if game.allows(inside, 1e-7):
        proof.climber.climb(inside)


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


def _wanted(state: Narrowed) -> BoolArray:
    """Return the columns that are asked for: prices, multipliers, and all that followers choose."""
    single = state.single
    wanted = np.zeros(single.program.n, dtype=bool)
    wanted[single.prices] = True
    for at in single.followers:
        wanted[at.row_dual] = wanted[at.y] = True
    return wanted


def _shrunk(state: Narrowed, low: FloatArray, high: FloatArray) -> float:
    """Return the mean share of their widths that the ranges of multipliers keep."""
    duals, bounds = _asked(state)[0], state.single.program.bounds
    width = (bounds.col_ub - bounds.col_lb)[duals]
    open_ = np.isfinite(width) & (width > 0.0)
    kept = (high - low)[duals][open_] / width[open_]
    return float(kept.mean()) if len(kept) else 1.0


def _written_anew(
    state: Narrowed, low: FloatArray, high: FloatArray, caps: Sequence[FloatArray]
) -> Narrowed:
    single = state.single
    game = replace(state.game, price_lb=low[single.prices], price_ub=high[single.prices])
    followers, multipliers = [], []
    for one, at in zip(state.followers, single.followers, strict=True):
        above = np.where(one.equal, one.right, np.inf)
        least, most = tighten(one.matrix, one.right, above, low[at.y], high[at.y])
        followers.append(replace(one, least=least, most=most))
        multipliers.append(narrower_box(one, game, low[at.row_dual], high[at.row_dual]))
    written = single_level(game, followers, caps, ranges=multipliers)
    return Narrowed(
        game, tuple(followers), tuple(multipliers), written, state.bound, state.rounds + 1
    )
