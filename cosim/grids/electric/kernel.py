"""Compiled loops: sparse triangular solves and fixed points on many columns at once.

Complex numbers are kept as two real arrays of shape (n, k), columns side by side in memory, so that
the inner loop over columns runs on vector registers. Compiled by numba, with a cache on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from cosim.records.time import FloatArray, IntArray

ComplexArray = npt.NDArray[np.complex128]
LOST = 1.0e2
"""A change as large as this (per unit, squared and summed) is no way to a solution."""

_F = TypeVar("_F", bound=Callable[..., object])


def compiled(function: _F) -> _F:
    """Compile a function; products and sums may be fused, NaN keeps its meaning."""
    made = numba.njit(cache=True, error_model="numpy", fastmath={"contract"})(function)
    return cast(_F, made)


class Factors(NamedTuple):
    """A sparse complex matrix as P A Q = L U, both triangles by rows.

    Attributes:
        lower_start, lower_column, lower_re, lower_im: L without its unit diagonal.
        upper_start, upper_column, upper_re, upper_im: U without its diagonal.
        inverse_re, inverse_im: one over U's diagonal.
        row: where each right-hand side entry goes.
        column: where each unknown comes from.
    """

    lower_start: IntArray
    lower_column: IntArray
    lower_re: FloatArray
    lower_im: FloatArray
    upper_start: IntArray
    upper_column: IntArray
    upper_re: FloatArray
    upper_im: FloatArray
    inverse_re: FloatArray
    inverse_im: FloatArray
    row: IntArray
    column: IntArray


def factorise(matrix: sp.csc_matrix) -> Factors:
    """Factorise a matrix with symmetric pattern for little fill."""
    factors = sla.splu(
        matrix.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.01,
        options={"SymmetricMode": True},
    )
    inverse = 1.0 / factors.U.diagonal()
    return Factors(
        *_triangle(sp.tril(factors.L, -1)),
        *_triangle(sp.triu(factors.U, 1)),
        inverse.real.copy(),
        inverse.imag.copy(),
        factors.perm_r.astype(np.int64),
        factors.perm_c.astype(np.int64),
    )


def _triangle(matrix: Any) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    rows = matrix.tocsr()
    start, column = rows.indptr.astype(np.int64), rows.indices.astype(np.int64)
    return start, column, rows.data.real.copy(), rows.data.imag.copy()


@compiled
def _substitute(f: Factors, re: FloatArray, im: FloatArray) -> None:
    """Overwrite permuted right-hand sides by permuted solutions, shape (n, k)."""
    count, width = re.shape
    for i in range(count):
        for entry in range(f.lower_start[i], f.lower_start[i + 1]):
            j, a, b = f.lower_column[entry], f.lower_re[entry], f.lower_im[entry]
            for w in range(width):
                re[i, w] -= a * re[j, w] - b * im[j, w]
                im[i, w] -= a * im[j, w] + b * re[j, w]
    for i in range(count - 1, -1, -1):
        for entry in range(f.upper_start[i], f.upper_start[i + 1]):
            j, a, b = f.upper_column[entry], f.upper_re[entry], f.upper_im[entry]
            for w in range(width):
                re[i, w] -= a * re[j, w] - b * im[j, w]
                im[i, w] -= a * im[j, w] + b * re[j, w]
        a, b = f.inverse_re[i], f.inverse_im[i]
        for w in range(width):
            x, y = re[i, w], im[i, w]
            re[i, w] = a * x - b * y
            im[i, w] = a * y + b * x


def solve(factors: Factors, right: ComplexArray) -> ComplexArray:
    """Return A^-1 right for one right-hand side, shape (n,)."""
    re, im = np.empty((right.size, 1)), np.empty((right.size, 1))
    re[factors.row, 0], im[factors.row, 0] = right.real, right.imag
    _substitute(factors, re, im)
    return np.asarray((re + 1j * im)[factors.column, 0])


@compiled
def _all_closed(change: FloatArray, bound: FloatArray) -> bool:
    """Tell whether every column is either settled or lost (NaN included)."""
    closed = True
    for w in range(change.size):
        closed = closed and not bound[w] < change[w] < LOST
    return closed


@compiled
def settle_voltage(
    f: Factors,
    p: FloatArray,
    q: FloatArray,
    open_re: FloatArray,
    open_im: FloatArray,
    v_re: FloatArray,
    v_im: FloatArray,
    tolerance: float,
    max_rounds: int,
) -> tuple[int, FloatArray]:
    """Iterate v <- open circuit + A^-1 conj((p + jq) / v) in place.

    Returns:
        Rounds, and the sum of squared changes of the last round, shape (k,).
    """
    count, width = v_re.shape
    re, im = np.empty((count, width)), np.empty((count, width))
    change, bound = np.zeros(width), np.full(width, tolerance * tolerance)
    for number in range(1, max_rounds + 1):
        for i in range(count):
            k = f.row[i]
            for w in range(width):
                x, y = v_re[i, w], v_im[i, w]
                scale = 1.0 / (x * x + y * y)
                re[k, w] = (p[i, w] * x + q[i, w] * y) * scale
                im[k, w] = (p[i, w] * y - q[i, w] * x) * scale
        _substitute(f, re, im)
        change[:] = 0.0
        for i in range(count):
            k, a, b = f.column[i], open_re[i], open_im[i]
            for w in range(width):
                x, y = re[k, w] + a, im[k, w] + b
                dx, dy = x - v_re[i, w], y - v_im[i, w]
                change[w] += dx * dx + dy * dy
                v_re[i, w], v_im[i, w] = x, y
        if _all_closed(change, bound):
            return number, change
    return max_rounds, change


@compiled
def settle_adjoint(
    f: Factors,
    c_re: FloatArray,
    c_im: FloatArray,
    d_re: FloatArray,
    d_im: FloatArray,
    l_re: FloatArray,
    l_im: FloatArray,
    relative: float,
    max_rounds: int,
) -> tuple[FloatArray, FloatArray]:
    """Iterate l <- A^-1 (c - d conj(l)) in place, from the l given.

    Returns:
        Sums of squared changes of the last round and of squares of l, shape (k,).
    """
    count, width = l_re.shape
    re, im = np.empty((count, width)), np.empty((count, width))
    change, size = np.zeros(width), np.zeros(width)
    for _ in range(max_rounds):
        for i in range(count):
            k = f.row[i]
            for w in range(width):
                x, y = l_re[i, w], l_im[i, w]
                re[k, w] = c_re[i, w] - d_re[i, w] * x - d_im[i, w] * y
                im[k, w] = c_im[i, w] - d_im[i, w] * x + d_re[i, w] * y
        _substitute(f, re, im)
        change[:] = 0.0
        size[:] = 0.0
        for i in range(count):
            k = f.column[i]
            for w in range(width):
                x, y = re[k, w], im[k, w]
                dx, dy = x - l_re[i, w], y - l_im[i, w]
                change[w] += dx * dx + dy * dy
                size[w] += x * x + y * y
                l_re[i, w], l_im[i, w] = x, y
        settled = True
        for w in range(width):
            if change[w] > relative * relative * size[w]:
                settled = False
        if settled:
            break
    return change, size


class Winding(NamedTuple):
    """Branches between two nodes each, shape (k,) all.

    Attributes:
        start, end: nodes.
        y: the four admittances ff, ft, tf, tt as real and imaginary parts, shape (8, k).
        percent_start, percent_end: loading per per-unit current of each side.
        ampere_start, ampere_end: kA per per-unit current of each side.
    """

    start: IntArray
    end: IntArray
    y: FloatArray
    percent_start: FloatArray
    percent_end: FloatArray
    ampere_start: FloatArray
    ampere_end: FloatArray


@compiled
def add_flows(
    b: Winding,
    v_re: FloatArray,
    v_im: FloatArray,
    loading: FloatArray,
    ampere: FloatArray,
    entering: FloatArray,
    loss: FloatArray,
) -> None:
    """Compute flows from voltages of shape (n, T); outputs are of shape (k, T).

    Loading and current become the larger of what is there and the larger side, losses are added
    up, `entering` is the power at the start.
    """
    for k in range(b.start.size):
        s, e = b.start[k], b.end[k]
        ff, ffi, ft, fti = b.y[0, k], b.y[1, k], b.y[2, k], b.y[3, k]
        tf, tfi, tt, tti = b.y[4, k], b.y[5, k], b.y[6, k], b.y[7, k]
        for w in range(v_re.shape[1]):
            x, xi, y, yi = v_re[s, w], v_im[s, w], v_re[e, w], v_im[e, w]
            i, ii = ff * x - ffi * xi + ft * y - fti * yi, ff * xi + ffi * x + ft * yi + fti * y
            j, ji = tf * x - tfi * xi + tt * y - tti * yi, tf * xi + tfi * x + tt * yi + tti * y
            at_start, at_end = np.sqrt(i * i + ii * ii), np.sqrt(j * j + ji * ji)
            percent = max(b.percent_start[k] * at_start, b.percent_end[k] * at_end)
            kilo_ampere = max(b.ampere_start[k] * at_start, b.ampere_end[k] * at_end)
            loading[k, w] = max(loading[k, w], percent)
            ampere[k, w] = max(ampere[k, w], kilo_ampere)
            entering[k, w] = x * i + xi * ii
            loss[k, w] += entering[k, w] + y * j + yi * ji
