"""Rows about a follower's multipliers: dual feasibility, and what a pattern would cost it."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from cosim.market.leader.conditions import Canonical
from cosim.market.leader.places import FollowerColumns
from cosim.market.leader.stack import Stack
from cosim.records.time import FloatArray, IntArray

SLACK = 1e-9
"""Room for rounding in a cut, as a share of a response's cost."""


def add_stationarity(
    stack: Stack,
    prices: slice,
    one: Canonical,
    duals: tuple[slice, slice, slice],
    at: tuple[IntArray, IntArray],
) -> None:
    """C + S' p - A' lam - mu_low + mu_high = 0 for every column that is free to move."""
    free = np.flatnonzero(~one.given)
    where = np.full(one.n, -1)
    where[free] = np.arange(len(free))
    pick = [
        sparse.csr_array(
            (np.full(len(k), sign), (where[k], np.arange(len(k)))), shape=(len(free), len(k))
        )
        for k, sign in zip(at, (-1.0, 1.0), strict=True)
    ]
    right = -one.follower.program.cost[free]
    parts = [
        (prices, one.follower.priced.T.tocsr()[free]),
        (duals[0], -one.matrix.T.tocsr()[free]),
        (duals[1], pick[0]),
        (duals[2], pick[1]),
    ]
    stack.rows(parts, right, right)


def add_value_cut(
    stack: Stack, prices: slice, one: Canonical, place: FollowerColumns, pattern: FloatArray
) -> None:
    """Add c' y + p' S y <= cost of a pattern at prices p, by multipliers of the pattern's own.

    The left side is the follower's own dual objective. On the right, any dual feasible multipliers
    of the linear problem with the pattern's binaries give no more than the pattern costs.

    Args:
        stack: the program.
        prices: its columns of prices.
        one: the follower.
        place: its columns.
        pattern: values of the binaries, other columns are not looked at, shape (n,).
    """
    source = one.follower.program
    fixed = one.given & ~one.binary
    value = np.where(fixed, source.bounds.col_lb, 0.0)
    given = np.where(one.binary, np.round(pattern), value)
    rows = stack.columns(np.where(one.equal, -np.inf, 0.0), np.full(one.m, np.inf))
    lows = stack.columns(0.0, np.full(len(place.low_at), np.inf))
    highs = stack.columns(0.0, np.full(len(place.high_at), np.inf))
    add_stationarity(stack, prices, one, (rows, lows, highs), (place.low_at, place.high_at))
    low, high = one.low[place.low_at], one.high[place.high_at]
    parts = [
        (place.row_dual, one.right - one.matrix @ value),
        (place.low_dual, low),
        (place.high_dual, -high),
        (place.product, np.ones(len(place.binary_at))),
        (rows, -(one.right - one.matrix @ given)),
        (lows, -low),
        (highs, high),
        (prices, one.follower.priced @ (value - given)),
    ]
    entries = [(columns, sparse.csr_array(values[None, :])) for columns, values in parts]
    stack.rows(entries, -np.inf, float(source.cost @ (given - value)))


def add_response_cut(
    stack: Stack, prices: slice, one: Canonical, place: FollowerColumns, response: FloatArray
) -> None:
    """Add c' y + p' S y <= c' y_j + p' S y_j for a feasible response y_j.

    Weaker than a pattern's cut, since nothing adapts to the prices, but one row only.

    Args:
        stack: the program.
        prices: its columns of prices.
        one: the follower.
        place: its columns.
        response: y_j, shape (n,).
    """
    source = one.follower.program
    value = np.where(one.given & ~one.binary, source.bounds.col_lb, 0.0)
    parts = [
        (place.row_dual, one.right - one.matrix @ value),
        (place.low_dual, one.low[place.low_at]),
        (place.high_dual, -one.high[place.high_at]),
        (place.product, np.ones(len(place.binary_at))),
        (prices, one.follower.priced @ (value - response)),
    ]
    entries = [(columns, sparse.csr_array(values[None, :])) for columns, values in parts]
    room = SLACK * (1.0 + abs(float(source.cost @ response)))
    stack.rows(entries, -np.inf, float(source.cost @ (response - value)) + room)
