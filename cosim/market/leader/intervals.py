"""Bounds of columns that follow from the bounds of others, by interval arithmetic on rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cosim.market.program import BoolArray
from cosim.records.time import FloatArray

GAIN = 1e-6
"""A bound that moves by less than this share of its size is left where it is."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The nonzero entries of a matrix and, for every row, what the others add up to."""

    row: np.ndarray
    column: np.ndarray
    value: FloatArray
    shape: tuple[int, int]

    @classmethod
    def of(cls, matrix: sparse.csr_array) -> Entries:
        """List the entries of a matrix."""
        coo = matrix.tocoo()
        return cls(coo.row, coo.col, coo.data, coo.shape)

    def others(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return least and most of the rest of the row of every entry, shape (entries,)."""
        at_low, at_high = self.value * low[self.column], self.value * high[self.column]
        up = self.value > 0
        least = _rest(np.where(up, at_low, at_high), self.row, self.shape[0])
        most = _rest(-np.where(up, at_high, at_low), self.row, self.shape[0])
        return least, -most


def _rest(part: FloatArray, row: np.ndarray, m: int) -> FloatArray:
    """Return the sum of the row without the entry itself; parts may be -inf."""
    open_ = np.isinf(part)
    finite = np.where(open_, 0.0, part)
    total = np.bincount(row, finite, m)[row] - finite
    count = np.bincount(row, open_, m)[row] - open_
    return np.where(count > 0, -np.inf, total)


def activity(
    matrix: sparse.csr_array, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return least and most of every row over a box, each of shape (m,)."""
    entries = Entries.of(matrix)
    at_low, at_high = entries.value * low[entries.column], entries.value * high[entries.column]
    m = entries.shape[0]
    least, most = np.zeros(m), np.zeros(m)
    np.add.at(least, entries.row, np.minimum(at_low, at_high))
    np.add.at(most, entries.row, np.maximum(at_low, at_high))
    return least, most


def tighten(
    matrix: sparse.csr_array,
    row_lb: FloatArray,
    row_ub: FloatArray,
    low: FloatArray,
    high: FloatArray,
    rounds: int = 30,
) -> tuple[FloatArray, FloatArray]:
    """Return the box that the rows leave of [low, high], as far as interval arithmetic sees."""
    entries, low, high = Entries.of(matrix), low.copy(), high.copy()
    up = entries.value > 0
    for _ in range(rounds):
        least, most = entries.others(low, high)
        with np.errstate(invalid="ignore"):
            below = (row_ub[entries.row] - least) / entries.value
            above = (row_lb[entries.row] - most) / entries.value
        new_high, new_low = high.copy(), low.copy()
        np.minimum.at(new_high, entries.column, np.where(up, below, above))
        np.maximum.at(new_low, entries.column, np.where(up, above, below))
        better = _moved(high, new_high) | _moved(low, new_low)
        if not better.any():
            break
        high, low = np.where(better, new_high, high), np.where(better, new_low, low)
        crossed = np.flatnonzero(low > high)
        low[crossed] = high[crossed] = 0.5 * (low[crossed] + high[crossed])
    return low, high


def _moved(old: FloatArray, new: FloatArray) -> BoolArray:
    fresh = np.isinf(old) & np.isfinite(new)
    with np.errstate(invalid="ignore"):
        return fresh | (np.abs(old - new) > GAIN * (1.0 + np.abs(new)))


def needed(
    matrix: sparse.csr_array,
    row_lb: FloatArray,
    row_ub: FloatArray,
    low: FloatArray,
    high: FloatArray,
    keep: BoolArray,
) -> tuple[FloatArray, FloatArray]:
    """Return column bounds with those opened that a row and the remaining bounds imply.

    One bound after the other, so that no two are dropped on each other's account. Opened bounds
    need no multiplier in optimality conditions.

    Args:
        matrix: shape (m, n).
        row_lb: shape (m,).
        row_ub: shape (m,).
        low: shape (n,).
        high: shape (n,).
        keep: columns whose bounds stay, shape (n,).
    """
    low, high = low.copy(), high.copy()
    by_column = matrix.tocsc()
    for j in np.flatnonzero(~keep):
        where = slice(by_column.indptr[j], by_column.indptr[j + 1])
        for i, own in zip(by_column.indices[where], by_column.data[where], strict=True):
            least, most = _rest_of_row(matrix, int(i), int(j), low, high)
            ends = sorted(((row_lb[i] - most) / own, (row_ub[i] - least) / own))
            slack = 1e-9 * (1.0 + abs(ends[0])) if np.isfinite(ends[0]) else 0.0
            if np.isfinite(low[j]) and ends[0] >= low[j] - slack:
                low[j] = -np.inf
            slack = 1e-9 * (1.0 + abs(ends[1])) if np.isfinite(ends[1]) else 0.0
            if np.isfinite(high[j]) and ends[1] <= high[j] + slack:
                high[j] = np.inf
    return low, high


def _rest_of_row(
    matrix: sparse.csr_array, i: int, j: int, low: FloatArray, high: FloatArray
) -> tuple[float, float]:
    where = slice(matrix.indptr[i], matrix.indptr[i + 1])
    columns, values = matrix.indices[where], matrix.data[where]
    other = columns != j
    columns, values = columns[other], values[other]
    ends = values * low[columns], values * high[columns]
    return float(np.minimum(*ends).sum()), float(np.maximum(*ends).sum())
