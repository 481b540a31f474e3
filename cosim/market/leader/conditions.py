"""A follower's problem in the form its optimality conditions are written in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cosim.market.leader.intervals import Entries, activity, needed, tighten
from cosim.market.leader.problem import Follower, LeaderProblem
from cosim.market.program import BoolArray
from cosim.records.time import FloatArray, IntArray

SAME = 1e-9
"""Bounds closer than this share of their size are one value."""
MOST_PASSES = 20
"""Of tightening; each pass only sharpens."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """min (c + S' p) @ y with equal rows A y = b, other rows A y >= b, and low <= y <= high.

    Bounds that the rows imply are open in `low` and `high`; `least` and `most` is a finite box
    around every feasible y where one could be found.

    Attributes:
        follower: where it comes from; columns are the same.
        matrix: shape (m, n).
        right: shape (m,).
        equal: rows that are equations, shape (m,).
        low: bounds that need a multiplier, shape (n,).
        high: shape (n,).
        least: shape (n,).
        most: shape (n,).
        given: columns whose value is no choice of the continuous problem: fixed ones and binaries,
            shape (n,).
    """

    follower: Follower
    matrix: sparse.csr_array
    right: FloatArray
    equal: BoolArray
    low: FloatArray
    high: FloatArray
    least: FloatArray
    most: FloatArray
    given: BoolArray

    @property
    def m(self) -> int:
        """Number of rows."""
        return len(self.right)

    @property
    def n(self) -> int:
        """Number of columns."""
        return len(self.low)

    @property
    def binary(self) -> BoolArray:
        """Columns that are binaries without a fixed value, shape (n,)."""
        open_ = self.follower.program.bounds.col_ub > self.follower.program.bounds.col_lb
        return self.follower.program.integer & open_

    @property
    def most_slack(self) -> FloatArray:
        """Most that every row can exceed its right side, shape (m,)."""
        return activity(self.matrix, self.least, self.most)[1] - self.right


def canonical(follower: Follower) -> Canonical:
    """Return a follower's problem without redundant rows and bounds."""
    program = follower.program
    bounds, matrix = program.bounds, program.matrix
    least, most = tighten(matrix, bounds.row_lb, bounds.row_ub, bounds.col_lb, bounds.col_ub)
    least = np.where(program.integer, np.ceil(least - SAME), least)
    most = np.where(program.integer, np.floor(most + SAME), most)
    fixed = bounds.col_lb >= bounds.col_ub
    low_row, high_row = bounds.row_lb, bounds.row_ub
    given = fixed | program.integer
    low, high = needed(matrix, low_row, high_row, bounds.col_lb, bounds.col_ub, given)
    equal = low_row == high_row
    above, below = np.isfinite(low_row) & ~equal, np.isfinite(high_row) & ~equal
    stacked = sparse.vstack([matrix[equal], matrix[above], -matrix[below]], format="csr")
    right = np.concatenate([low_row[equal], low_row[above], -high_row[below]])
    return Canonical(
        follower=follower,
        matrix=sparse.csr_array(stacked),
        right=right,
        equal=np.arange(len(right)) < equal.sum(),
        low=low,
        high=high,
        least=least,
        most=most,
        given=given,
    )


def multiplier_box(
    one: Canonical, game: LeaderProblem, cap: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return bounds of the row multipliers over all prices inside their bounds.

    They follow from dual feasibility, c + S' p - A' lam = mu_low - mu_high, and from looking at a
    row by itself: a multiplier above what pays every column of its row to move one way leaves the
    row unbalanced. Where nothing follows the cap is taken.

    Args:
        one: the follower.
        game: for the bounds of prices.
        cap: assumed bound on the size of a row's multiplier, shape (m,).

    Returns:
        Lower bounds, upper bounds, and rows for which a cap was needed, each of shape (m,).
    """
    system = _DualSystem.of(one, game)
    low = np.concatenate([game.price_lb, np.where(one.equal, -np.inf, 0.0)])
    high = np.concatenate([game.price_ub, np.full(one.m, np.inf)])
    n = game.n_prices
    low, high = system.narrow(low, high)
    open_ = np.isinf(low[n:]), np.isinf(high[n:])
    low[n:][open_[0]], high[n:][open_[1]] = -cap[open_[0]], cap[open_[1]]
    capped = open_[0] | open_[1]
    low, high = system.narrow(low, high)
    return low[n:], high[n:], capped


def narrower_box(
    one: Canonical, game: LeaderProblem, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return what is left of a box of row multipliers, each of shape (m,), by the same rules."""
    n = game.n_prices
    box = np.concatenate([game.price_lb, low]), np.concatenate([game.price_ub, high])
    least, most = (end[n:] for end in _DualSystem.of(one, game).narrow(*box))
    # Where rounding makes ends cross, the box stays what it was.
    crossed = least > most
    return np.where(crossed, low, least), np.where(crossed, high, most)


def bound_box(
    one: Canonical, game: LeaderProblem, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the largest multipliers of lower and upper bounds, each of shape (n,).

    At most one of the two is needed, so the range of the reduced cost bounds both.

    Args:
        one: the follower.
        game: for the bounds of prices.
        low: least row multipliers, shape (m,).
        high: greatest row multipliers, shape (m,).
    """
    system = _DualSystem.of(one, game)
    box = np.concatenate([game.price_lb, low]), np.concatenate([game.price_ub, high])
    least, most = activity(system.matrix, *box)
    mu_low, mu_high = np.zeros(one.n), np.zeros(one.n)
    has_low, has_high = (np.isfinite(end[system.columns]) for end in (one.low, one.high))
    mu_low[system.columns] = np.where(has_low, np.maximum(most + system.cost, 0.0), 0.0)
    mu_high[system.columns] = np.where(has_high, np.maximum(-least - system.cost, 0.0), 0.0)
    return mu_low, mu_high


@dataclass(frozen=True, slots=True)
class _DualSystem:
    """Reduced costs of the columns that are free to move, as rows over [prices | multipliers]."""

    one: Canonical
    columns: IntArray
    cost: FloatArray
    matrix: sparse.csr_array
    n_prices: int

    @classmethod
    def of(cls, one: Canonical, game: LeaderProblem) -> _DualSystem:
        """Write c + S' p - A' lam, without the constant c, for every free column."""
        columns = np.flatnonzero(~one.given)
        parts = [one.follower.priced.T.tocsr()[columns], -one.matrix.T.tocsr()[columns]]
        matrix = sparse.csr_array(sparse.hstack(parts, format="csr"))
        return cls(one, columns, one.follower.program.cost[columns], matrix, game.n_prices)

    def narrow(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Tighten a box of prices and multipliers until nothing more follows."""
        one = self.one
        # A reduced cost is at least 0 without an upper bound and at most 0 without a lower one.
        row_lb = np.where(np.isfinite(one.high[self.columns]), -np.inf, -self.cost)
        row_ub = np.where(np.isfinite(one.low[self.columns]), np.inf, -self.cost)
        for _ in range(MOST_PASSES):
            low, high = tighten(self.matrix, row_lb, row_ub, low, high)
            new_low, new_high = self._row_by_row(low, high)
            moved = (new_low > low + SAME) | (new_high < high - SAME)
            low, high = new_low, new_high
            if not moved.any():
                break
        return low, high

    def _row_by_row(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        one, matrix = self.one, self.one.matrix
        ends = self._turning_points(low, high)
        low, high = low.copy(), high.copy()
        values, at = matrix.data, matrix.indices
        box = np.sort([values * one.least[at], values * one.most[at]], axis=0)
        kept = values * one.low[at], values * one.high[at]
        kept_low = np.where(values > 0, *kept)
        kept_high = np.where(values > 0, kept[1], kept[0])
        slack = 1e-7 * (1.0 + np.abs(one.right))
        for i in range(one.m):
            where = slice(matrix.indptr[i], matrix.indptr[i + 1])
            order = np.argsort(ends[1][where])
            sums = box[0][where].sum() + np.cumsum((kept_high - box[0])[where][order])
            passed = np.flatnonzero(sums > one.right[i] + slack[i])
            k = self.n_prices + i
            if len(passed):
                beyond = float(ends[1][where][order][passed[0]])
                # A row with room to spare has no multiplier, whatever its columns would like.
                high[k] = min(high[k], beyond if one.equal[i] else max(beyond, 0.0))
            order = np.argsort(-ends[0][where])
            sums = box[1][where].sum() - np.cumsum((box[1] - kept_low)[where][order])
            passed = np.flatnonzero(sums < one.right[i] - slack[i])
            if len(passed):
                low[k] = max(low[k], ends[0][where][order][passed[0]])
        return low, high

    def _turning_points(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return for every entry of A the multipliers beyond which its column surely moves.

        Below the first all free columns of the row sit where they add least to it, above the
        second where they add most.
        """
        one, matrix = self.one, self.one.matrix
        entries = Entries.of(self.matrix)
        least, most = entries.others(low, high)
        own = entries.column >= self.n_prices
        rows, columns = entries.column[own] - self.n_prices, self.columns[entries.row[own]]
        cost = self.cost[entries.row[own]]
        coo = matrix.tocoo()
        keys = coo.row * one.n + coo.col
        order = np.argsort(keys)
        place = order[np.searchsorted(keys[order], rows * one.n + columns)]
        rest_low, rest_high = np.full(matrix.nnz, -np.inf), np.full(matrix.nnz, np.inf)
        rest_low[place], rest_high[place] = cost + least[own], cost + most[own]
        ends = np.sort([rest_low / matrix.data, rest_high / matrix.data], axis=0)
        return ends[0], ends[1]
