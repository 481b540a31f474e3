"""The game as one mixed-integer program: prices, plant and the followers' optimality conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cosim.market.leader.conditions import Canonical, bound_box, multiplier_box
from cosim.market.leader.places import FollowerColumns
from cosim.market.leader.problem import LeaderProblem
from cosim.market.leader.rows import add_response_cut, add_stationarity, add_value_cut
from cosim.market.leader.stack import Stack
from cosim.market.program import BoolArray, Program
from cosim.records.time import FloatArray

MultiplierRange = tuple[FloatArray, FloatArray]
"""Least and greatest multipliers of a follower's rows, each of shape (m,)."""


@dataclass(frozen=True, slots=True)
class SingleLevel:
    """The mixed-integer program with a map of its columns; minimises the negative profit."""

    program: Program
    prices: slice
    x: slice
    followers: tuple[FollowerColumns, ...]
    capped: tuple[BoolArray, ...]


@dataclass(frozen=True, slots=True)
class _Box:
    """Bounds of multipliers: of rows, shape (m,), of lower and upper bounds, shape (n,)."""

    low: FloatArray
    high: FloatArray
    mu_low: FloatArray
    mu_high: FloatArray


def single_level(
    game: LeaderProblem,
    followers: Sequence[Canonical],
    caps: Sequence[FloatArray],
    patterns: Sequence[Sequence[FloatArray]] = (),
    seen: Sequence[Sequence[FloatArray]] = (),
    ranges: Sequence[MultiplierRange] = (),
) -> SingleLevel:
    """Write the game as one program.

    A follower's response is primal feasible, its multipliers are dual feasible (prices enter there
    linearly), and of every multiplier and its slack one is zero. What the follower pays the leader
    is then, by strong duality, its dual objective less its other costs:
    p' S y = b' lam + low' mu - high' mu - c' y, which is linear.

    A follower with binaries is best only for the binaries it has here. For every pattern of them
    that is known, what it pays may not exceed what the pattern would cost it; as long as patterns
    are missing the program is a relaxation of the game.

    Args:
        game: the game.
        followers: each in canonical form.
        caps: assumed bound on the row multipliers of each, see `multiplier_box`.
        patterns: known patterns of every follower, each of shape (n,) with the values of binaries.
        seen: feasible responses of every follower, each of shape (n,): a weaker, cheaper limit.
        ranges: known ranges of every follower's row multipliers, instead of derived ones.
    """
    stack = Stack()
    prices = stack.columns(game.price_lb, game.price_ub)
    own = game.leader
    x = stack.columns(own.bounds.col_lb, own.bounds.col_ub, own.cost, own.integer)
    stack.rows([(prices, game.price_rows)], -np.inf, game.price_row_ub)
    places, capped = [], []
    nothing: list[Sequence[FloatArray]] = [()] * len(followers)
    unknown: list[MultiplierRange | None] = [None] * len(followers)
    known = zip(
        followers, caps, patterns or nothing, seen or nothing, ranges or unknown, strict=True
    )
    for one, cap, own_patterns, own_seen, given in known:
        if given is None:
            low, high, assumed = multiplier_box(one, game, cap)
        else:
            (low, high), assumed = given, np.zeros(one.m, dtype=bool)
        box = _Box(low, high, *bound_box(one, game, low, high))
        place = _add_follower(stack, prices, one, game, box)
        for pattern in own_patterns:
            add_value_cut(stack, prices, one, place, pattern)
        for response in own_seen:
            add_response_cut(stack, prices, one, place, response)
        places.append(place)
        capped.append(assumed)
    parts = [(x, own.matrix)]
    parts += [(p.y, one.follower.to_leader) for p, one in zip(places, followers, strict=True)]
    stack.rows(parts, own.bounds.row_lb, own.bounds.row_ub)
    return SingleLevel(stack.program(own.offset), prices, x, tuple(places), tuple(capped))


def _add_follower(
    stack: Stack,
    prices: slice,
    one: Canonical,
    game: LeaderProblem,
    box: _Box,
) -> FollowerColumns:
    given = one.given
    low_at = np.flatnonzero(np.isfinite(one.low) & ~given)
    high_at = np.flatnonzero(np.isfinite(one.high) & ~given)
    row_at = np.flatnonzero(~one.equal)
    binary_at = np.flatnonzero(one.binary)
    source = one.follower.program
    fixed = given & ~one.binary
    value = np.where(fixed, source.bounds.col_lb, 0.0)
    # Cost of the negative profit: (c - fees) y - dual objective.
    y = stack.columns(
        one.least,
        one.most,
        source.cost - one.follower.fees - np.where(fixed, source.cost, 0.0),
        one.binary,
    )
    row_dual = stack.columns(box.low, box.high, -(one.right - one.matrix @ value))
    low_dual = stack.columns(0.0, box.mu_low[low_at], -one.low[low_at])
    high_dual = stack.columns(0.0, box.mu_high[high_at], one.high[high_at])
    stack.add_cost(prices, -(one.follower.priced @ value))
    stack.rows([(y, one.matrix)], one.right, np.where(one.equal, one.right, np.inf))
    add_stationarity(stack, prices, one, (row_dual, low_dual, high_dual), (low_at, high_at))
    product = _products(stack, prices, one, game, (y, row_dual), box)
    switches = _switches(stack, one, (y, row_dual, low_dual, high_dual), box)
    return FollowerColumns(
        y, row_dual, low_dual, high_dual, product, *switches, row_at, low_at, high_at, binary_at
    )


def _products(
    stack: Stack,
    prices: slice,
    one: Canonical,
    game: LeaderProblem,
    columns: tuple[slice, slice],
    box: _Box,
) -> slice:
    """Add z * (c + S' p - A' lam) of every binary z; exact, since z is 0 or 1.

    For the continuous problem a binary is a given value, so this is its part of the dual
    objective.
    """
    at = np.flatnonzero(one.binary)
    k = len(at)
    priced, rows = one.follower.priced.T.tocsr()[at], -one.matrix.T.tocsr()[at]
    ends = []
    for sign in (1.0, -1.0):
        down = _least(priced, sign, game.price_lb, game.price_ub)
        down += _least(rows, sign, box.low, box.high)
        ends.append(sign * down + one.follower.program.cost[at])
    low, high = ends
    product = stack.columns(np.minimum(low, 0.0), np.maximum(high, 0.0), np.full(k, -1.0))
    unit = sparse.eye_array(k, format="csr")
    y, row_dual = columns
    chosen = sparse.csr_array((np.ones(k), (np.arange(k), at)), shape=(k, one.n))
    cost = one.follower.program.cost[at]
    stack.rows([(product, unit), (y, -_scaled(high, chosen))], -np.inf, np.zeros(k))
    stack.rows([(product, unit), (y, -_scaled(low, chosen))], np.zeros(k), np.inf)
    rest = [(product, unit), (prices, -priced), (row_dual, -rows)]
    stack.rows([*rest, (y, -_scaled(low, chosen))], -np.inf, cost - low)
    stack.rows([*rest, (y, -_scaled(high, chosen))], cost - high, np.inf)
    return product


def _least(matrix: sparse.csr_array, sign: float, low: FloatArray, high: FloatArray) -> FloatArray:
    signed = sign * matrix
    up, down = signed.maximum(0), signed.minimum(0)
    return np.asarray(up @ low + down @ high)


def _scaled(by: FloatArray, matrix: sparse.csr_array) -> sparse.csr_array:
    return sparse.csr_array(sparse.diags_array(by) @ matrix)


def _switches(
    stack: Stack,
    one: Canonical,
    columns: tuple[slice, slice, slice, slice],
    box: _Box,
) -> tuple[slice, slice, slice]:
    """Of a multiplier and its slack one is zero: mu <= M z, slack <= S (1 - z)."""
    y, row_dual, low_dual, high_dual = columns
    row_at = np.flatnonzero(~one.equal)
    low_at = np.flatnonzero(np.isfinite(one.low) & ~one.given)
    high_at = np.flatnonzero(np.isfinite(one.high) & ~one.given)
    eye = sparse.eye_array(one.n, format="csr")
    slack = one.most_slack[row_at]
    rows = _pair(
        stack,
        (row_dual, sparse.eye_array(one.m, format="csr")[row_at], box.high[row_at]),
        (y, one.matrix[row_at], one.right[row_at], slack),
    )
    width = one.most[low_at] - one.low[low_at]
    lows = _pair(
        stack,
        (low_dual, sparse.eye_array(len(low_at), format="csr"), box.mu_low[low_at]),
        (y, eye[low_at], one.low[low_at], width),
    )
    width = one.high[high_at] - one.least[high_at]
    highs = _pair(
        stack,
        (high_dual, sparse.eye_array(len(high_at), format="csr"), box.mu_high[high_at]),
        (y, -eye[high_at], -one.high[high_at], width),
    )
    both = sorted(set(low_at) & set(high_at))
    first = sparse.eye_array(len(low_at), format="csr")[np.searchsorted(low_at, both)]
    second = sparse.eye_array(len(high_at), format="csr")[np.searchsorted(high_at, both)]
    stack.rows([(lows, first), (highs, second)], -np.inf, np.ones(len(both)))
    return rows, lows, highs


def _pair(
    stack: Stack,
    dual: tuple[slice, sparse.csr_array, FloatArray],
    slack: tuple[slice, sparse.csr_array, FloatArray, FloatArray],
) -> slice:
    columns, pick, most = dual
    k = len(most)
    switch = stack.columns(0.0, np.ones(k), integer=np.ones(k, dtype=bool))
    stack.rows([(columns, pick), (switch, -sparse.diags_array(most, format="csr"))], -np.inf, 0.0)
    y, matrix, right, width = slack
    limit = sparse.diags_array(width, format="csr")
    stack.rows([(y, matrix), (switch, limit)], -np.inf, right + width)
    return switch
