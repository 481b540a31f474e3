"""Compiled Newton's method for power flows, LANES steps side by side in vector registers.

Every array ends in an axis of LANES steps, so that each block operation is done for all of them
at once. Blocks hold (dP/dtheta, dP/dln V, dQ/dtheta, dQ/dln V) in that order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cosim.grids.electric.block_lu import Pattern
from cosim.grids.electric.kernel import compiled
from cosim.records.time import FloatArray, IntArray

LANES = 8
DIVERGED = 1.0e3
"""A Newton step as large as this (radians or relative) is no way to a solution."""


class Equations(NamedTuple):
    """The power flow equations of the free nodes, in the order of elimination.

    Attributes:
        y_start, y_column, y_re, y_im: admittances by rows between free nodes.
        y_place: where the Jacobian block of an entry goes: -1 for the diagonal, else 2 b for
            block b below and 2 b + 1 for its mirror above the diagonal.
        slack_re, slack_im: current that the slacks drive out of each node, shape (n,).
        held: whether the node's voltage magnitude is held, shape (n,).
        fixed_p: active power that does not follow the voltage (generators), shape (n,).
        share: shares ci_p, cz_p, ci_q, cz_q of current and impedance, shape (4, n).
    """

    y_start: IntArray
    y_column: IntArray
    y_re: FloatArray
    y_im: FloatArray
    y_place: IntArray
    slack_re: FloatArray
    slack_im: FloatArray
    held: IntArray
    fixed_p: FloatArray
    share: FloatArray


class Blocks(NamedTuple):
    """Numbers of one factorisation: diagonal, below and above, shape (., 4, LANES)."""

    diagonal: FloatArray
    below: FloatArray
    above: FloatArray


@compiled
def fill_jacobian(
    e: Equations,
    p: FloatArray,
    q: FloatArray,
    v_re: FloatArray,
    v_im: FloatArray,
    blocks: Blocks,
    right: FloatArray,
) -> None:
    """Write Jacobian and mismatch (specified less computed power) at the given voltages.

    Args:
        e: the equations.
        p: active injections at nominal voltage, shape (n, LANES).
        q: reactive ones.
        v_re: real part of the voltages, shape (n, LANES).
        v_im: imaginary part.
        blocks: overwritten.
        right: overwritten, shape (n, 2, LANES).
    """
    diagonal, below, above = blocks
    below[:] = 0.0
    above[:] = 0.0
    for i in range(e.held.size):
        total = np.empty((4, LANES))
        for w in range(LANES):
            a, b = e.slack_re[i], e.slack_im[i]
            total[0, w] = v_re[i, w] * a + v_im[i, w] * b
            total[1, w] = v_im[i, w] * a - v_re[i, w] * b
            total[2, w] = 0.0
            total[3, w] = 0.0
        for entry in range(e.y_start[i], e.y_start[i + 1]):
            j, g, b = e.y_column[entry], e.y_re[entry], e.y_im[entry]
            place = e.y_place[entry]
            if place < 0:
                for w in range(LANES):
                    square = v_re[i, w] * v_re[i, w] + v_im[i, w] * v_im[i, w]
                    total[2, w] = square * g
                    total[3, w] = -square * b
                continue
            block = above[place >> 1] if place & 1 else below[place >> 1]
            for w in range(LANES):
                x, y = g * v_re[j, w] - b * v_im[j, w], g * v_im[j, w] + b * v_re[j, w]
                real = v_re[i, w] * x + v_im[i, w] * y
                imaginary = v_im[i, w] * x - v_re[i, w] * y
                total[0, w] += real
                total[1, w] += imaginary
                block[0, w] = imaginary
                block[1, w] = real
                block[2, w] = -real
                block[3, w] = imaginary
            if e.held[i]:
                for w in range(LANES):
                    block[2, w] = 0.0
                    block[3, w] = 0.0
        _close_node(e, i, p, q, v_re, v_im, total, diagonal, right)


@compiled
def _close_node(
    e: Equations,
    i: int,
    p: FloatArray,
    q: FloatArray,
    v_re: FloatArray,
    v_im: FloatArray,
    total: FloatArray,
    diagonal: FloatArray,
    right: FloatArray,
) -> None:
    """Write the diagonal block and the mismatch of a node from the sums over its branches."""
    ci_p, cz_p, ci_q, cz_q = e.share[0, i], e.share[1, i], e.share[2, i], e.share[3, i]
    for w in range(LANES):
        square = v_re[i, w] * v_re[i, w] + v_im[i, w] * v_im[i, w]
        size = np.sqrt(square)
        real, imaginary = total[0, w], total[1, w]
        own, own_q = total[2, w], total[3, w]
        given = e.fixed_p[i] + p[i, w] * (1.0 + ci_p * (size - 1.0) + cz_p * (square - 1.0))
        given_q = q[i, w] * (1.0 + ci_q * (size - 1.0) + cz_q * (square - 1.0))
        diagonal[i, 0, w] = -imaginary
        diagonal[i, 1, w] = real + 2.0 * own - p[i, w] * (ci_p * size + 2.0 * cz_p * square)
        diagonal[i, 2, w] = real
        diagonal[i, 3, w] = imaginary + 2.0 * own_q - q[i, w] * (ci_q * size + 2.0 * cz_q * square)
        right[i, 0, w] = given - real - own
        right[i, 1, w] = given_q - imaginary - own_q
        if e.held[i]:
            diagonal[i, 2, w] = 0.0
            diagonal[i, 3, w] = 1.0
            right[i, 1, w] = 0.0


@compiled
def factor_blocks(s: Pattern, blocks: Blocks) -> None:
    """Overwrite the blocks by L (unit diagonal), the inverse diagonal and U."""
    diagonal, below, above = blocks
    for j in range(s.order.size):
        d = diagonal[j]
        for w in range(LANES):
            a, b, c, e = d[0, w], d[1, w], d[2, w], d[3, w]
            scale = 1.0 / (a * e - b * c)
            d[0, w], d[1, w], d[2, w], d[3, w] = e * scale, -b * scale, -c * scale, a * scale
        first, last = s.start[j], s.start[j + 1]
        for k in range(first, last):
            block = below[k]
            for w in range(LANES):
                a, b, c, e = block[0, w], block[1, w], block[2, w], block[3, w]
                block[0, w] = a * d[0, w] + b * d[2, w]
                block[1, w] = a * d[1, w] + b * d[3, w]
                block[2, w] = c * d[0, w] + e * d[2, w]
                block[3, w] = c * d[1, w] + e * d[3, w]
        pair = s.pair_start[j]
        for k in range(first, last):
            _subtract(diagonal[s.row[k]], below[k], above[k])
            for other in range(k + 1, last):
                target = s.pair_target[pair]
                pair += 1
                _subtract(below[target], below[other], above[k])
                _subtract(above[target], below[k], above[other])


@compiled
def _subtract(target: FloatArray, left: FloatArray, right: FloatArray) -> None:
    """Subtract left times right from target, LANES 2 x 2 products."""
    for w in range(LANES):
        a, b, c, e = left[0, w], left[1, w], left[2, w], left[3, w]
        target[0, w] -= a * right[0, w] + b * right[2, w]
        target[1, w] -= a * right[1, w] + b * right[3, w]
        target[2, w] -= c * right[0, w] + e * right[2, w]
        target[3, w] -= c * right[1, w] + e * right[3, w]


@compiled
def solve_blocks(s: Pattern, blocks: Blocks, x: FloatArray) -> None:
    """Overwrite right-hand sides of shape (n, 2, LANES) by solutions of J x = right."""
    diagonal, below, above = blocks
    count = s.order.size
    for j in range(count):
        for k in range(s.start[j], s.start[j + 1]):
            i, m = s.row[k], below[k]
            for w in range(LANES):
                x[i, 0, w] -= m[0, w] * x[j, 0, w] + m[1, w] * x[j, 1, w]
                x[i, 1, w] -= m[2, w] * x[j, 0, w] + m[3, w] * x[j, 1, w]
    for j in range(count - 1, -1, -1):
        for k in range(s.start[j], s.start[j + 1]):
            i, m = s.row[k], above[k]
            for w in range(LANES):
                x[j, 0, w] -= m[0, w] * x[i, 0, w] + m[1, w] * x[i, 1, w]
                x[j, 1, w] -= m[2, w] * x[i, 0, w] + m[3, w] * x[i, 1, w]
        d = diagonal[j]
        for w in range(LANES):
            a, b = x[j, 0, w], x[j, 1, w]
            x[j, 0, w] = d[0, w] * a + d[1, w] * b
            x[j, 1, w] = d[2, w] * a + d[3, w] * b


@compiled
def solve_transposed(s: Pattern, blocks: Blocks, x: FloatArray) -> None:
    """Overwrite right-hand sides of shape (n, 2, LANES) by solutions of J^T x = right."""
    diagonal, below, above = blocks
    count = s.order.size
    for j in range(count):
        d = diagonal[j]
        for w in range(LANES):
            a, b = x[j, 0, w], x[j, 1, w]
            x[j, 0, w] = d[0, w] * a + d[2, w] * b
            x[j, 1, w] = d[1, w] * a + d[3, w] * b
        for k in range(s.start[j], s.start[j + 1]):
            i, m = s.row[k], above[k]
            for w in range(LANES):
                x[i, 0, w] -= m[0, w] * x[j, 0, w] + m[2, w] * x[j, 1, w]
                x[i, 1, w] -= m[1, w] * x[j, 0, w] + m[3, w] * x[j, 1, w]
    for j in range(count - 1, -1, -1):
        for k in range(s.start[j], s.start[j + 1]):
            i, m = s.row[k], below[k]
            for w in range(LANES):
                x[j, 0, w] -= m[0, w] * x[i, 0, w] + m[2, w] * x[i, 1, w]
                x[j, 1, w] -= m[1, w] * x[i, 0, w] + m[3, w] * x[i, 1, w]


@compiled
def newton(
    e: Equations,
    s: Pattern,
    p: FloatArray,
    q: FloatArray,
    v_re: FloatArray,
    v_im: FloatArray,
    blocks: Blocks,
    tolerance: float,
    max_rounds: int,
) -> FloatArray:
    """Solve in place from the voltages given.

    The angle is moved by the Cayley transform (1 + j d/2) / (1 - j d/2), which keeps magnitudes
    and agrees with exp(j d) to second order.

    Returns:
        The largest change of the last round, shape (LANES,); NaN or large where there is no way.
    """
    count = s.order.size
    right = np.empty((count, 2, LANES))
    change = np.zeros(LANES)
    for _ in range(max_rounds):
        fill_jacobian(e, p, q, v_re, v_im, blocks, right)
        factor_blocks(s, blocks)
        solve_blocks(s, blocks, right)
        change[:] = 0.0
        for i in range(count):
            for w in range(LANES):
                half, grown = 0.5 * right[i, 0, w], 1.0 + right[i, 1, w]
                scale = grown / (1.0 + half * half)
                turn_re, turn_im = (1.0 - half * half) * scale, 2.0 * half * scale
                x, y = v_re[i, w], v_im[i, w]
                v_re[i, w], v_im[i, w] = x * turn_re - y * turn_im, x * turn_im + y * turn_re
                largest = max(abs(right[i, 0, w]), abs(right[i, 1, w]))
                # a NaN stays: no comparison with it is true
                if largest > change[w] or np.isnan(largest):
                    change[w] = largest
        open_lanes = False
        for w in range(LANES):
            if tolerance < change[w] < DIVERGED:
                open_lanes = True
        if not open_lanes:
            break
    return change
