"""Newton's method on many steps at once, for networks and steps beyond the fixed point.

Free nodes have two unknowns, angle and logarithm of the magnitude; where a generator holds the
voltage, the equation of reactive power is replaced by d ln V = 0. Loads may follow the voltage:
p (1 + ci (v - 1) + cz (v^2 - 1)). The state of a year's steps is found from the network's base
state in three or four rounds each, with one list of block operations for all
(`cosim.grids.electric.block_lu`).

Adjoint states use the same factors transposed: for a quantity with dy = Re(c^T dv),

    J^T l = (-Im(c v), Re(c v)),    dy/dP = l_P,    dy/dQ = l_Q.

Source: Tinney and Hart 1967, doi 10.1109/TPAS.1967.291823.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cosim.grids.electric.arrays import ComplexArray, ElectricArrays
from cosim.grids.electric.block_lu import Pattern, analyse, block_of
from cosim.grids.electric.newton_kernel import (
    LANES,
    Blocks,
    Equations,
    factor_blocks,
    fill_jacobian,
    newton,
    solve_transposed,
)
from cosim.records.time import FloatArray, IntArray

STEP_TOLERANCE = 1e-8
"""Last Newton step, radians or relative; what is left after it is of the order of its square."""
MAX_ROUNDS = 20
LEAST_PU = 0.5
"""A solution with a lower voltage may be the unstable one: left to the reference engine."""


class NewtonBatch:
    """The power flow equations of one network, ready for any number of steps."""

    def __init__(self, arrays: ElectricArrays) -> None:
        self._arrays = arrays
        rows = arrays.admittance.tocsr()[arrays.free]
        self._pattern = analyse(rows[:, arrays.free].tocsc())
        # rows of the network's arrays in the order of elimination
        self._node: IntArray = arrays.free[self._pattern.order]
        self._equations = _equations(arrays, self._pattern, self._node)
        count, blocks = self._node.size, self._pattern.row.size
        self._blocks = Blocks(
            np.zeros((count, 4, LANES)), np.zeros((blocks, 4, LANES)), np.zeros((blocks, 4, LANES))
        )

    def solve(
        self, power: ComplexArray, start: ComplexArray | None = None
    ) -> tuple[ComplexArray, npt.NDArray[np.bool_]]:
        """Return voltages, shape (n, T), and which steps are solved, shape (T,).

        Args:
            power: injection of every node in per unit, shape (n, T), generators left out.
            start: voltages to start from, shape (n, T); the network's base state if missing.
        """
        steps = power.shape[1]
        voltage = np.repeat(self._arrays.voltage[:, None], steps, axis=1)
        if start is not None:
            voltage[self._arrays.free] = start[self._arrays.free]
        solved = np.zeros(steps, dtype=bool)
        for first in range(0, steps, LANES):
            columns = _lanes(first, steps)
            p, q = _parts(power[self._node][:, columns])
            re, im = _parts(voltage[self._node][:, columns])
            change = newton(
                self._equations, self._pattern, p, q, re, im, self._blocks,
                STEP_TOLERANCE, MAX_ROUNDS,
            )  # fmt: skip
            used = min(LANES, steps - first)
            lowest = np.hypot(re, im).min(axis=0, initial=np.inf)
            good = (change <= STEP_TOLERANCE) & (lowest >= LEAST_PU)
            solved[first : first + used] = good[:used]
            voltage[self._node, first : first + used] = (re + 1j * im)[:, :used]
        return voltage, solved

    def adjoint(
        self, costs: ComplexArray, voltage: ComplexArray, power: ComplexArray, rows: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return dy/dP and dy/dQ at the free nodes, per unit, each of shape (m, k).

        Args:
            costs: c of every column at the free nodes, shape (m, k).
            voltage: solved voltages, shape (n, T).
            power: as for `solve`, shape (n, T).
            rows: step of every column, shape (k,).
        """
        d_p, d_q = np.zeros(costs.shape), np.zeros(costs.shape)
        order, width = self._pattern.order, rows.size
        x = np.empty((order.size, 2, LANES))
        for first in range(0, width, LANES):
            columns = _lanes(first, width)
            v = voltage[self._node][:, rows[columns]]
            p, q = _parts(power[self._node][:, rows[columns]])
            re, im = _parts(v)
            fill_jacobian(self._equations, p, q, re, im, self._blocks, x)
            factor_blocks(self._pattern, self._blocks)
            turned = costs[order][:, columns] * v
            x[:, 0], x[:, 1] = -turned.imag, turned.real
            x[:, 1][self._equations.held.astype(bool)] = 0.0
            solve_transposed(self._pattern, self._blocks, x)
            used = min(LANES, width - first)
            d_p[order, first : first + used] = x[:, 0, :used]
            d_q[order, first : first + used] = x[:, 1, :used]
        d_q[order[self._equations.held.astype(bool)]] = 0.0
        return d_p, d_q


def _lanes(first: int, steps: int) -> IntArray:
    """Return LANES columns from `first` on, the last one repeated where there are no more."""
    return np.minimum(np.arange(first, first + LANES), steps - 1)


def _parts(values: ComplexArray) -> tuple[FloatArray, FloatArray]:
    return np.ascontiguousarray(values.real), np.ascontiguousarray(values.imag)


def _equations(arrays: ElectricArrays, pattern: Pattern, node: IntArray) -> Equations:
    """Return the admittances as arrays, each with its place in the pattern of 2 x 2 blocks."""
    rows = arrays.admittance.tocsr()[node]
    inner = rows[:, node].tocsr()
    driven = np.asarray(rows[:, arrays.slack] @ arrays.voltage[arrays.slack])
    start, column = inner.indptr.astype(np.int64), inner.indices.astype(np.int64)
    place = np.full(column.size, -1, dtype=np.int64)
    for i in range(node.size):
        for entry in range(start[i], start[i + 1]):
            j = int(column[entry])
            if i > j:
                place[entry] = 2 * block_of(pattern, i, j)
            elif i < j:
                place[entry] = 2 * block_of(pattern, j, i) + 1
    held = np.isin(node, arrays.held).astype(np.int64)
    return Equations(
        y_start=start,
        y_column=column,
        y_re=inner.data.real.copy(),
        y_im=inner.data.imag.copy(),
        y_place=place,
        slack_re=driven.real.copy(),
        slack_im=driven.imag.copy(),
        held=held,
        fixed_p=arrays.generation[node].copy(),
        share=np.ascontiguousarray(arrays.voltage_share[:, node]),
    )
