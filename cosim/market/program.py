"""A mixed-integer program as arrays, and the part of it that belongs to a few parties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from cosim.records.time import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of a program's columns and rows for one solve."""

    col_lb: FloatArray
    col_ub: FloatArray
    row_lb: FloatArray
    row_ub: FloatArray


@dataclass(frozen=True, slots=True)
class Program:
    """min cost @ x + offset with row_lb <= matrix @ x <= row_ub, col_lb <= x <= col_ub.

    Attributes:
        matrix: compressed by rows, shape (m, n).
        bounds: of columns, shape (n,), and rows, shape (m,).
        cost: shape (n,).
        offset: constant part of the cost.
        integer: true for binaries, shape (n,).
    """

    matrix: sparse.csr_array
    bounds: Bounds
    cost: FloatArray
    offset: float
    integer: BoolArray

    @property
    def n(self) -> int:
        """Number of columns."""
        return len(self.cost)

    @property
    def m(self) -> int:
        """Number of rows."""
        return int(self.matrix.shape[0])


def part_of(program: Program, bounds: Bounds, columns: IntArray, rows: IntArray) -> Program:
    """Return some columns and rows of a program under given bounds.

    The other columns that have entries in these rows are fixed by their bounds; what they
    contribute moves to the right sides. The offset stays with the whole.
    """
    block = program.matrix[rows]
    others = np.ones(program.n, dtype=bool)
    others[columns] = False
    fixed = np.where(others & (bounds.col_lb == bounds.col_ub), bounds.col_lb, 0.0)
    moved = block @ fixed
    return Program(
        matrix=sparse.csr_array(block[:, columns]),
        bounds=Bounds(
            bounds.col_lb[columns],
            bounds.col_ub[columns],
            bounds.row_lb[rows] - moved,
            bounds.row_ub[rows] - moved,
        ),
        cost=program.cost[columns],
        offset=0.0,
        integer=program.integer[columns],
    )
