"""Symbolic factorisation of a symmetric pattern into 2 x 2 blocks, one per node and branch.

The Jacobian of a power flow has the pattern of the admittance matrix, with a 2 x 2 block (angle and
magnitude by active and reactive power) at each entry. The order of elimination and all fill are
found once; the numbers of every step then go through the same list of block operations.

With struct(j) the rows below the diagonal of column j after fill:

    L_aj = A_aj D_j^-1,    A_ab <- A_ab - L_aj U_jb    for a, b in struct(j).

Source: George and Liu, Computer Solution of Large Sparse Positive Definite Systems, 1981.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from cosim.records.time import IntArray


class Pattern(NamedTuple):
    """What is where after elimination; nodes are counted in the order of elimination.

    Attributes:
        order: original node at every place, shape (n,).
        start: first block below the diagonal of every column, shape (n + 1,).
        row: row of every block below the diagonal (L) and column of its mirror (U), shape (b,).
        pair_start: first update of every column, shape (n + 1,).
        pair_target: block changed by the pair (s, t), s < t, of a column's blocks, shape (m,).
    """

    order: IntArray
    start: IntArray
    row: IntArray
    pair_start: IntArray
    pair_target: IntArray


def analyse(matrix: sp.csc_matrix) -> Pattern:
    """Return the elimination pattern of a square matrix, its structure made symmetric."""
    count = matrix.shape[0]
    ones = sp.csc_matrix((np.ones(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape)
    symmetric = (ones + ones.T + sp.identity(count)).tocsc()
    place = _elimination_place(symmetric)
    order = np.argsort(place)
    columns = symmetric[order][:, order].tocsc()
    below = _fill(columns)
    start = np.concatenate([[0], np.cumsum([len(rows) for rows in below])]).astype(np.int64)
    row = np.array([r for rows in below for r in rows], dtype=np.int64)
    pair_start, target = _pairs(below, start)
    return Pattern(order.astype(np.int64), start, row, pair_start, target)


def block_of(pattern: Pattern, row: int, column: int) -> int:
    """Return the block below the diagonal at (row, column), row > column."""
    first, last = int(pattern.start[column]), int(pattern.start[column + 1])
    return first + int(np.searchsorted(pattern.row[first:last], row))


def _elimination_place(symmetric: sp.csc_matrix) -> IntArray:
    """Return where each node comes in a minimum-degree order."""
    count = symmetric.shape[0]
    degree = np.asarray(symmetric.sum(axis=1)).ravel()
    dominant = sp.diags(2.0 * degree) - symmetric
    factors = sla.splu(
        dominant.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    place = np.asarray(factors.perm_c, dtype=np.int64)
    assert place.size == count
    return place


def _fill(columns: sp.csc_matrix) -> list[list[int]]:
    """Return the sorted rows below the diagonal of every column, fill included."""
    count = columns.shape[0]
    children: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = []
    for j in range(count):
        rows = set(columns.indices[columns.indptr[j] : columns.indptr[j + 1]].tolist())
        for child in children[j]:
            rows.update(below[child])
        found = sorted(r for r in rows if r > j)
        below.append(found)
        if found:
            children[found[0]].append(j)
    return below


def _pairs(below: list[list[int]], start: IntArray) -> tuple[IntArray, IntArray]:
    """Return which block each pair of a column's blocks changes."""
    where = [{r: int(start[j]) + k for k, r in enumerate(rows)} for j, rows in enumerate(below)]
    target: list[int] = []
    pair_start = [0]
    for rows in below:
        for s, first in enumerate(rows):
            target.extend(where[first][later] for later in rows[s + 1 :])
        pair_start.append(len(target))
    return np.array(pair_start, dtype=np.int64), np.array(target, dtype=np.int64)
