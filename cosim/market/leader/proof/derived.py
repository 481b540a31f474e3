"""Ranges of multipliers that follow from the best known profit, where none follow by themselves.

What the followers pay is their dual objective less their other costs, and the cost of all together
has a least value. A multiplier that is too large lowers the dual objective, so no profit as high as
the best known one is left. Its extreme values are linear programs over primal and dual feasible
points; complementarity and all assumed limits are left out, so nothing rests on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from scipy import sparse

from cosim.market.highs import Clock
from cosim.market.leader.conditions import Canonical, multiplier_box
from cosim.market.leader.kkt import MultiplierRange, SingleLevel
from cosim.market.leader.problem import LeaderProblem
from cosim.market.leader.proof.parts import Parts
from cosim.market.leader.proof.root import Ranges
from cosim.market.leader.proof.side_by_side import processors, side_by_side
from cosim.market.leader.proof.steps import Steps, steps_of
from cosim.market.program import Bounds, Program
from cosim.records.time import FloatArray, IntArray


def derived_ranges(
    game: LeaderProblem,
    single: SingleLevel,
    followers: Sequence[Canonical],
    least_profit: float,
    seconds: float,
) -> tuple[MultiplierRange, ...] | None:
    """Return ranges of all row multipliers; None if one stays open or the time is over.

    Args:
        game: the game.
        single: the game as one program, with assumed limits of multipliers.
        followers: each in canonical form.
        least_profit: points that earn less are of no interest.
        seconds: most of wall time.
    """
    every = np.arange(single.program.n)
    where = [every[at.row_dual] for at in single.followers]
    wanted = np.concatenate([at[capped] for at, capped in zip(where, single.capped, strict=True)])
    program, clock = _without_switches(game, single, followers), Clock(seconds)
    steps = steps_of(game, followers, single)
    found = None if steps is None else _by_steps(program, steps, -least_profit, wanted, clock)
    if found is None:
        found = _of_the_whole(program, -least_profit, wanted, clock)
    if found is None:
        return None
    low, high = found
    ranges = []
    for one, at in zip(followers, where, strict=True):
        # What is known of some multipliers narrows the others.
        own = low[at], high[at]
        least, most, _ = multiplier_box(one, game, np.maximum(np.abs(own[0]), np.abs(own[1])))
        ends = np.maximum(least, own[0]), np.minimum(most, own[1])
        ranges.append((np.minimum(*ends), np.maximum(*ends)))
    return tuple(ranges)


def _by_steps(
    program: Program, steps: Steps, most: float, wanted: IntArray, clock: Clock
) -> tuple[FloatArray, FloatArray] | None:
    """Return ranges from every step by itself: a little wider, ten times faster."""
    parts = Parts(replace(program, integer=np.zeros(program.n, dtype=bool)), steps)
    relaxed = parts.relaxed(clock.left)
    if relaxed is None:
        return None
    priced = parts.price(relaxed.multipliers, 0.0, clock, clock.left)
    if priced.empty or not np.isfinite(priced.bound):
        return None
    asked = np.zeros(program.n, dtype=bool)
    asked[wanted] = True
    low, high, empty = parts.ranges(priced, most, asked, clock, clock.left)
    return None if empty or not _closed(low, high, wanted) else (low, high)


def _of_the_whole(
    program: Program, most: float, wanted: IntArray, clock: Clock
) -> tuple[FloatArray, FloatArray] | None:
    share = processors()

    def narrow(k: int) -> Ranges:
        """Return the ranges of one share of the columns."""
        asked = Ranges(program, most)
        asked.narrow(wanted[k::share], clock.left)
        return asked

    shares = side_by_side(partial(narrow, k) for k in range(share))
    low = np.max([asked.low for asked in shares], axis=0)
    high = np.min([asked.high for asked in shares], axis=0)
    empty = any(asked.empty for asked in shares)
    return None if empty or not _closed(low, high, wanted) else (low, high)


def _closed(low: FloatArray, high: FloatArray, wanted: IntArray) -> bool:
    return bool(np.isfinite(low[wanted]).all() and np.isfinite(high[wanted]).all())


def _without_switches(
    game: LeaderProblem, single: SingleLevel, followers: Sequence[Canonical]
) -> Program:
    """Return primal and dual feasibility alone, with multipliers as free as theory has them."""
    program = single.program
    switches = np.zeros(program.n, dtype=bool)
    low, high = program.bounds.col_lb.copy(), program.bounds.col_ub.copy()
    for one, at in zip(followers, single.followers, strict=True):
        for block in (at.row_switch, at.low_switch, at.high_switch):
            switches[block] = True
        low[at.row_dual], high[at.row_dual], _ = multiplier_box(one, game, np.full(one.m, np.inf))
        high[at.low_dual], high[at.high_dual] = np.inf, np.inf
    kept = np.asarray(abs(program.matrix) @ switches.astype(float)) == 0.0
    bounds = Bounds(low, high, program.bounds.row_lb[kept], program.bounds.row_ub[kept])
    matrix = sparse.csr_array(program.matrix[np.flatnonzero(kept)])
    return replace(program, matrix=matrix, bounds=bounds)
