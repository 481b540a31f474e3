"""A program put together from blocks of columns and rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from cosim.market.program import BoolArray, Bounds, Program
from cosim.records.time import FloatArray


class Stack:
    """Collects blocks; a block of columns is known by its slice afterwards."""

    def __init__(self) -> None:
        self._n = 0
        self._m = 0
        self._low: list[FloatArray] = []
        self._high: list[FloatArray] = []
        self._cost: list[FloatArray] = []
        self._integer: list[BoolArray] = []
        self._row_low: list[FloatArray] = []
        self._row_high: list[FloatArray] = []
        self._entries: list[tuple[np.ndarray, np.ndarray, FloatArray]] = []

    def columns(
        self,
        low: FloatArray | float,
        high: FloatArray,
        cost: FloatArray | None = None,
        integer: BoolArray | None = None,
    ) -> slice:
        """Append as many columns as `high` is long."""
        k = len(high)
        self._low.append(np.broadcast_to(low, k))
        self._high.append(high)
        self._cost.append(np.zeros(k) if cost is None else np.array(cost, dtype=float))
        self._integer.append(np.zeros(k, dtype=bool) if integer is None else integer)
        self._n += k
        return slice(self._n - k, self._n)

    def add_cost(self, columns: slice, cost: FloatArray) -> None:
        """Add to the cost of a block of columns."""
        starts = np.cumsum([0, *(len(block) for block in self._cost)])
        k = int(np.flatnonzero(starts[:-1] == columns.start)[-1])
        self._cost[k] = self._cost[k] + cost

    def rows(
        self,
        parts: Sequence[tuple[slice, sparse.sparray]],
        low: FloatArray | float,
        high: FloatArray | float,
    ) -> slice:
        """Append rows with entries in some blocks of columns."""
        k = int(parts[0][1].shape[0])
        for columns, matrix in parts:
            coo = sparse.coo_array(matrix)
            self._entries.append((coo.row + self._m, coo.col + columns.start, coo.data))
        self._row_low.append(np.broadcast_to(low, k))
        self._row_high.append(np.broadcast_to(high, k))
        self._m += k
        return slice(self._m - k, self._m)

    def program(self, offset: float = 0.0) -> Program:
        """Return the program."""
        rows, columns, values = (
            np.concatenate([entry[k] for entry in self._entries]) for k in range(3)
        )
        matrix = sparse.coo_array((values, (rows, columns)), shape=(self._m, self._n)).tocsr()
        matrix.eliminate_zeros()
        bounds = Bounds(*map(_joined, (self._low, self._high, self._row_low, self._row_high)))
        cost, integer = np.concatenate(self._cost), np.concatenate(self._integer)
        return Program(sparse.csr_array(matrix), bounds, cost, offset, integer)


def _joined(blocks: list[FloatArray]) -> FloatArray:
    return np.concatenate(blocks).astype(np.float64)
