"""Points to start from: prices worth a look, and the single program's columns at a response."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from cosim.market.highs import Handle
from cosim.market.leader.conditions import Canonical
from cosim.market.leader.kkt import SingleLevel
from cosim.market.leader.places import FollowerColumns
from cosim.market.leader.problem import LeaderProblem
from cosim.market.leader.respond import Reply
from cosim.market.leader.stack import Stack
from cosim.records.time import FloatArray

POINT_S = 5.0
"""Most seconds for a point at given prices."""
ZERO_DUAL = 1e-7
"""A multiplier below this is none."""


def price_guesses(game: LeaderProblem, seed: int, random: int) -> list[FloatArray]:
    """Return prices to look at first: no trade, mixtures of the bounds, and random ones."""
    side = np.sign(sum(one.priced.sum(axis=1) for one in game.followers))
    dear = np.where(side >= 0, game.price_ub, game.price_lb)
    kind = np.where(side >= 0, game.price_lb, game.price_ub)
    guesses = [dear + share * (kind - dear) for share in (0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)]
    rng = np.random.default_rng(seed)
    width = game.price_ub - game.price_lb
    guesses += [game.price_lb + width * rng.random(game.n_prices) for _ in range(random)]
    return [guess for guess in guesses if game.allows(guess)]


def row_duals(one: Canonical, duals: FloatArray) -> FloatArray:
    """Return the multipliers of a canonical problem's rows from those of its program."""
    bounds = one.follower.program.bounds
    equal = bounds.row_lb == bounds.row_ub
    above = np.isfinite(bounds.row_lb) & ~equal
    below = np.isfinite(bounds.row_ub) & ~equal
    parts = [duals[equal], np.maximum(duals[above], 0.0), np.maximum(-duals[below], 0.0)]
    return np.concatenate(parts)


def point_at(
    single: SingleLevel,
    followers: Sequence[Canonical],
    prices: FloatArray,
    reply: Reply,
    duals: Sequence[FloatArray],
) -> FloatArray:
    """Return the columns of the single program at prices, best responses and their multipliers.

    Args:
        single: the program.
        followers: in canonical form.
        prices: shape (n_prices,).
        reply: best responses at the prices and the leader's columns.
        duals: of every follower's program rows, at the prices.
    """
    point = np.zeros(single.program.n)
    point[single.prices] = prices
    if reply.x is not None:
        point[single.x] = reply.x
    for one, at, y, dual in zip(followers, single.followers, reply.y, duals, strict=True):
        rows = row_duals(one, dual)
        reduced = one.follower.cost_at(prices) - one.matrix.T @ rows
        point[at.y], point[at.row_dual] = y, rows
        point[at.low_dual] = np.maximum(reduced[at.low_at], 0.0)
        point[at.high_dual] = np.maximum(-reduced[at.high_at], 0.0)
        point[at.product] = y[at.binary_at] * reduced[at.binary_at]
        point[at.row_switch] = rows[at.row_at] > ZERO_DUAL
        point[at.low_switch] = reduced[at.low_at] > ZERO_DUAL
        point[at.high_switch] = reduced[at.high_at] < -ZERO_DUAL
    return point


def point_at_prices(
    single: SingleLevel, followers: Sequence[Canonical], prices: FloatArray
) -> FloatArray | None:
    """Return the best point of the single program at given prices; None without one.

    At given prices what followers pay is linear in their responses, so strong duality is a row, and
    with it no switch is needed: a linear program gives responses, plant and multipliers.

    Args:
        single: the program, of followers without integers.
        followers: in canonical form.
        prices: shape (n_prices,).
    """
    program, bounds = single.program, single.program.bounds
    low, high = bounds.col_lb.copy(), bounds.col_ub.copy()
    low[single.prices] = np.clip(prices, low[single.prices], high[single.prices])
    high[single.prices] = low[single.prices]
    stack = Stack()
    every = stack.columns(low, high, program.cost)
    stack.rows([(every, program.matrix)], bounds.row_lb, bounds.row_ub)
    for one, at in zip(followers, single.followers, strict=True):
        row = _strong_duality(one, at, prices, program.n)
        stack.rows([(every, sparse.csr_array(row[None, :]))], 0.0, np.zeros(1))
    outcome = Handle(stack.program(), integer=False, threads=1, mip_gap=0.0).search(POINT_S)
    if outcome is None or outcome.x is None:
        return None
    point = outcome.x.copy()
    for at in single.followers:
        point[at.row_switch] = point[at.row_dual][at.row_at] > ZERO_DUAL
        point[at.low_switch] = point[at.low_dual] > ZERO_DUAL
        point[at.high_switch] = point[at.high_dual] > ZERO_DUAL
    return point


def _strong_duality(one: Canonical, at: FollowerColumns, prices: FloatArray, n: int) -> FloatArray:
    """Return the row that is zero where what a response costs is its dual objective."""
    row = np.zeros(n)
    value = np.where(one.given, one.follower.program.bounds.col_lb, 0.0)
    cost = one.follower.cost_at(prices)
    row[at.y] = np.where(one.given, 0.0, cost)
    row[at.row_dual] = -(one.right - one.matrix @ value)
    row[at.low_dual] = -one.low[at.low_at]
    row[at.high_dual] = one.high[at.high_at]
    return row
