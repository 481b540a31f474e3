"""Exact first-order sensitivities of solved power flows, for many steps and targets at once.

At a solution the equations Y v = conj(s / v) of the free nodes change by

    Y dv + D conj(dv) = conj(ds / v),    D = diag(conj(s / v^2)),

which is the power flow's Jacobian in complex form, taken at the solution itself. For a quantity
with dy = Re(c^T dv) the adjoint state l solves

    Y^T l + conj(D) conj(l) = c,    then    dy/dP_i = Re(l_i / conj(v_i)), dy/dQ_i = Im(...).

It is found by the fixed point l <- Y^-T (c - conj(D l)) with the factors of Y that the power flow
already has, all targets as columns; its rate of convergence is that of the power flow. Columns
that do not settle (steps near collapse), and networks where generators hold voltages or loads
follow them, are solved with the Jacobian of Newton's method.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cosim.errors import GridError
from cosim.grids.electric.arrays import ComplexArray, ElectricArrays
from cosim.grids.electric.batch import BatchResult, ElectricBatch
from cosim.grids.electric.model import ElectricModel
from cosim.records import GridStates, Target
from cosim.records.time import FloatArray, IntArray
from cosim.units import KW_PER_MW

COLUMNS_PER_BLOCK = 512
"""Targets whose gradients are formed together."""


@dataclass(frozen=True, slots=True)
class Linearisation:
    """Gradients per kW and kvar of terminals; m targets, T steps, n terminals."""

    d_dp: FloatArray
    d_dq: FloatArray
    d_loss_dp: FloatArray
    d_loss_dq: FloatArray


def linearise_batch(
    batch: ElectricBatch,
    model: ElectricModel,
    states: GridStates,
    power: ComplexArray,
    targets: tuple[Target, ...],
    rows: IntArray,
) -> Linearisation:
    """Return the gradients of targets and of the losses of every step.

    Args:
        batch: the factorised network equations.
        model: for the terminals' places.
        states: verified states; rows without a solution give NaN.
        power: node injections in per unit, shape (n, T).
        targets: quantities wanted, length m.
        rows: row of the states of each target, shape (m,).
    """
    usable = np.asarray(np.isfinite(states.get("bus", "vm_pu").values).all(axis=1))
    power = np.where(usable[None, :], power, 0.0)
    found_again = _voltages(batch, states, power, usable)
    voltage, usable = found_again.voltage, usable & found_again.solved
    solver = _Adjoint(batch, voltage, power)
    arrays, points = batch.arrays, model.points
    place = points.at_nodes(arrays.node_of(points.id), arrays.voltage.size)
    steps, count = power.shape[1], place.shape[1]
    every: IntArray = np.arange(steps)
    d_p, d_q = solver.gradients(_loss_costs(batch.arrays, voltage), every, place)
    per_kw = 1.0 / (KW_PER_MW * batch.arrays.base_mva)
    found = Linearisation(
        np.full((len(targets), count), np.nan),
        np.full((len(targets), count), np.nan),
        d_p,
        d_q,
    )
    for first in range(0, len(targets), COLUMNS_PER_BLOCK):
        part = slice(first, min(first + COLUMNS_PER_BLOCK, len(targets)))
        costs, direct = _target_costs(batch.arrays, voltage, targets[part], rows[part])
        d_p, d_q = solver.gradients(costs, rows[part], place)
        found.d_dp[part] = (d_p + direct @ place) * per_kw
        found.d_dq[part] = d_q * per_kw
    for of_targets in (found.d_dp, found.d_dq):
        of_targets[~usable[rows]] = np.nan
    for of_loss in (found.d_loss_dp, found.d_loss_dq):
        of_loss[~usable] = np.nan
    return found


def _voltages(
    batch: ElectricBatch, states: GridStates, power: ComplexArray, usable: npt.NDArray[np.bool_]
) -> BatchResult:
    """Return node voltages of verified states, inner nodes included; base ones elsewhere."""
    arrays = batch.arrays
    size = states.get("bus", "vm_pu").values[usable].T
    angle = np.deg2rad(states.get("bus", "va_degree").values[usable].T)
    start = np.repeat(arrays.voltage[:, None], power.shape[1], axis=1)
    start[np.ix_(arrays.bus_node, usable)] = size * np.exp(1j * angle)
    return batch.solve(power, start)


class _Adjoint:
    """Solves adjoint systems at given voltages."""

    def __init__(self, batch: ElectricBatch, voltage: ComplexArray, power: ComplexArray) -> None:
        free = batch.arrays.free
        self._batch = batch
        self._voltage = voltage
        self._power = power
        # conj(D) of every step
        self._feedback: ComplexArray = power[free] / voltage[free] ** 2

    def gradients(
        self, costs: ComplexArray, rows: IntArray, place: sp.csr_matrix
    ) -> tuple[FloatArray, FloatArray]:
        """Return dy/dP and dy/dQ of terminals in per unit, each of shape (k, n).

        Args:
            costs: c of every column, shape (free nodes, k).
            rows: step of every column, shape (k,).
            place: share of terminals at nodes, shape (nodes, n).
        """
        weights = place[self._batch.arrays.free].T.tocsr()
        used = np.flatnonzero(np.asarray(abs(weights).sum(axis=0)).ravel())
        d_p, d_q = self._at_nodes(costs, rows, used)
        narrow = weights[:, used]
        return (narrow @ d_p).T, (narrow @ d_q).T

    def _at_nodes(
        self, costs: ComplexArray, rows: IntArray, used: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return dy/dP and dy/dQ at some of the free nodes, each of shape (used, k)."""
        batch, voltage, power = self._batch, self._voltage, self._power
        if not batch.arrays.is_constant_power:
            d_p, d_q = batch.newton.adjoint(costs, voltage, power, rows)
            return d_p[used], d_q[used]
        solution, settled = batch.adjoint(costs, self._feedback, rows)
        ratio = solution[used] / np.conj(voltage[batch.arrays.free[used]][:, rows])
        d_p, d_q = ratio.real.copy(), ratio.imag.copy()
        rest = np.flatnonzero(~settled)
        if rest.size:
            more_p, more_q = batch.newton.adjoint(costs[:, rest], voltage, power, rows[rest])
            d_p[:, rest], d_q[:, rest] = more_p[used], more_q[used]
        return d_p, d_q


def _loss_costs(arrays: ElectricArrays, voltage: ComplexArray) -> ComplexArray:
    """Return c of the losses, Re sum(conj(v) Y v), for every step."""
    current = arrays.admittance @ voltage
    turned = arrays.admittance.T @ np.conj(voltage)
    return np.asarray((np.conj(current) + turned)[arrays.free])


def _target_costs(
    arrays: ElectricArrays, voltage: ComplexArray, targets: tuple[Target, ...], rows: IntArray
) -> tuple[ComplexArray, sp.csr_matrix]:
    """Return c of every target in its unit, and its direct change with power at slack nodes."""
    costs = np.zeros((arrays.voltage.size, len(targets)), dtype=np.complex128)
    direct = sp.lil_matrix((len(targets), arrays.voltage.size))
    for k, (target, row) in enumerate(zip(targets, rows, strict=True)):
        v = voltage[:, row]
        kind = (target.element, target.quantity)
        if kind == ("bus", "vm_pu"):
            node = int(arrays.node_of([target.id])[0])
            costs[node, k] = np.conj(v[node]) / abs(v[node])
        elif kind == ("ext_grid", "p_mw"):
            which = int(np.flatnonzero(arrays.slacks.ids == target.id)[0])
            node, part = int(arrays.slacks.node[which]), float(arrays.slacks.p_share[which])
            line = arrays.admittance.getrow(node)
            costs[line.indices, k] = np.conj(v[node]) * line.data * part * arrays.base_mva
            direct[k, node] = -part * arrays.base_mva
        else:
            _branch_cost(arrays, target, v, costs[:, k])
    return costs[arrays.free], direct.tocsr()


@dataclass(frozen=True, slots=True)
class _Side:
    """One end of a branch: I = near v_here + far v_there, reported as factor * |I|."""

    here: int
    there: int
    near: complex
    far: complex
    factor: float

    def current(self, v: ComplexArray) -> complex:
        return complex(self.near * v[self.here] + self.far * v[self.there])


def _branch_cost(
    arrays: ElectricArrays, target: Target, v: ComplexArray, cost: ComplexArray
) -> None:
    """Write c of the current at the side that pandapower reports: d|I| = Re(conj(I) dI) / |I|."""
    sides = _sides(arrays, target)
    side = max(sides, key=lambda s: s.factor * abs(s.current(v)))
    current = side.current(v)
    if current == 0.0 or not np.isfinite(side.factor):
        return
    direction = side.factor * np.conj(current) / abs(current)
    cost[side.here] += direction * side.near
    cost[side.there] += direction * side.far


def _sides(arrays: ElectricArrays, target: Target) -> list[_Side]:
    table = next((b for b in arrays.branches if b.table == target.element), None)
    known = {"loading_percent"} | ({"i_ka"} if target.element == "line" else set())
    if table is None or target.quantity not in known:
        raise GridError(f"{target.element}.{target.quantity} has no sensitivity")
    column = int(np.flatnonzero(table.ids == target.id)[0])
    kilo_ampere = arrays.base_mva / (np.sqrt(3.0) * arrays.base_kv)
    sides = []
    for winding, k in enumerate(table.rows[:, column]):
        start, end = int(arrays.from_node[k]), int(arrays.to_node[k])
        factors = (table.from_percent[winding, column], table.to_percent[winding, column])
        if target.quantity == "i_ka":
            factors = (kilo_ampere[start], kilo_ampere[end])
        sides.append(_Side(start, end, arrays.y_ff[k], arrays.y_ft[k], float(factors[0])))
        sides.append(_Side(end, start, arrays.y_tt[k], arrays.y_tf[k], float(factors[1])))
    return sides
