"""Exact first-order sensitivities of solved power flows, for many steps and targets at once.

At a solution the equations Y v = conj(s / v) of the free nodes change by

    Y dv + D conj(dv) = conj(ds / v),    D = diag(conj(s / v^2)),

which is the power flow's Jacobian in complex form, taken at the solution itself. For a quantity
with dy = Re(c^T dv) the adjoint state l solves

    Y^T l + conj(D) conj(l) = c,    then    dy/dP_i = Re(l_i / conj(v_i)), dy/dQ_i = Im(...).

It is found by the fixed point l <- Y^-T (c - conj(D l)) with the factors of Y that the power flow
already has, all targets as columns; its rate of convergence is that of the power flow. Columns
that do not settle (steps near collapse) are solved with the Jacobian in real form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from cosim.errors import GridError
from cosim.grids.electric.arrays import ComplexArray, ElectricArrays
from cosim.grids.electric.batch import ElectricBatch
from cosim.grids.electric.model import ElectricModel
from cosim.records import GridStates, Target
from cosim.records.time import FloatArray, IntArray
from cosim.units import KW_PER_MW

COLUMNS_PER_BLOCK = 512
"""Targets whose gradients are formed together."""
NEWTON_ROUNDS = 10
SETTLED_PU = 1e-12
"""Newton step in per unit below which a voltage counts as polished."""


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
    voltage = _voltages(batch, states, power, usable)
    solver = _Adjoint(batch, voltage, power)
    place = _places(batch.arrays, model)
    steps, count = power.shape[1], place.shape[1]
    every: IntArray = np.arange(steps)
    d_p, d_q = solver.gradients(_loss_costs(batch.arrays, voltage), every, place)
    free_share = np.asarray(place[batch.arrays.free].sum(axis=0)).ravel()
    per_kw = 1.0 / (KW_PER_MW * batch.arrays.base_mva)
    found = Linearisation(
        np.full((len(targets), count), np.nan),
        np.full((len(targets), count), np.nan),
        d_p + free_share[None, :],
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


def _places(arrays: ElectricArrays, model: ElectricModel) -> sp.csr_matrix:
    """Return the share of each terminal at each node, shape (nodes, n)."""
    node = arrays.node_of(model.point_bus)
    shape = (arrays.voltage.size, len(model.inputs.terminals))
    return sp.csr_matrix((model.point_share, (node, model.point_terminal)), shape=shape)


def _voltages(
    batch: ElectricBatch, states: GridStates, power: ComplexArray, usable: npt.NDArray[np.bool_]
) -> ComplexArray:
    """Return node voltages of verified states, inner nodes included; idle ones elsewhere."""
    arrays = batch.arrays
    size = states.get("bus", "vm_pu").values[usable].T
    angle = np.deg2rad(states.get("bus", "va_degree").values[usable].T)
    start = np.repeat(arrays.voltage[:, None], power.shape[1], axis=1)
    start[np.ix_(arrays.bus_node, usable)] = size * np.exp(1j * angle)
    result = batch.solve(power, start)
    voltage = np.array(result.voltage)
    for step in np.flatnonzero(usable & ~result.solved):
        voltage[arrays.free, step] = _polish(arrays, start[:, step], power[:, step])
    return voltage


def real_form(matrix: sp.csc_matrix, diagonal: ComplexArray) -> sp.csc_matrix:
    """Return the real matrix of x -> matrix x + diagonal conj(x), for x = (Re x, Im x)."""
    real, imaginary = matrix.real, matrix.imag
    d, e = sp.diags(diagonal.real), sp.diags(diagonal.imag)
    return sp.bmat([[real + d, e - imaginary], [imaginary + e, real - d]], format="csc")


def _polish(arrays: ElectricArrays, start: ComplexArray, power: ComplexArray) -> ComplexArray:
    """Return free voltages of one step by Newton's method from a nearby start."""
    free, v = arrays.free, np.array(start)
    rows = arrays.admittance.tocsr()[free]
    for _ in range(NEWTON_ROUNDS):
        ratio = power[free] / v[free]
        residual = rows @ v - np.conj(ratio)
        jacobian = real_form(rows[:, free].tocsc(), np.conj(ratio / v[free]))
        step = sla.splu(jacobian).solve(-np.concatenate([residual.real, residual.imag]))
        v[free] += step[: free.size] + 1j * step[free.size :]
        if np.abs(step).max() < SETTLED_PU:
            break
    return np.asarray(v[free])


class _Adjoint:
    """Solves adjoint systems at given voltages."""

    def __init__(self, batch: ElectricBatch, voltage: ComplexArray, power: ComplexArray) -> None:
        free = batch.arrays.free
        self._batch = batch
        self._voltage = voltage[free]
        # conj(D) of every step
        self._feedback: ComplexArray = power[free] / self._voltage**2

    def gradients(
        self, costs: ComplexArray, rows: IntArray, place: sp.csr_matrix
    ) -> tuple[FloatArray, FloatArray]:
        """Return dy/dP and dy/dQ of terminals in per unit, each of shape (k, n).

        Args:
            costs: c of every column, shape (free nodes, k).
            rows: step of every column, shape (k,).
            place: share of terminals at nodes, shape (nodes, n).
        """
        adjoint = self._solve(costs, rows)
        weights = place[self._batch.arrays.free].T
        used = np.asarray(weights.sum(axis=0)).ravel() != 0.0
        ratio = adjoint[used] / np.conj(self._voltage[used][:, rows])
        narrow = weights[:, used]
        return (narrow @ ratio.real).T, (narrow @ ratio.imag).T

    def _solve(self, costs: ComplexArray, rows: IntArray) -> ComplexArray:
        solution, settled = self._batch.adjoint(costs, self._feedback, rows)
        for k in np.flatnonzero(~settled):
            solution[:, k] = self._direct(costs[:, k], int(rows[k]))
        return solution

    def _direct(self, cost: ComplexArray, row: int) -> ComplexArray:
        free = self._batch.arrays.free
        transposed = self._batch.arrays.admittance[free][:, free].T.tocsc()
        jacobian = real_form(transposed, self._feedback[:, row])
        parts = sla.splu(jacobian).solve(np.concatenate([cost.real, cost.imag]))
        return np.asarray(parts[: free.size] + 1j * parts[free.size :])


def _loss_costs(arrays: ElectricArrays, voltage: ComplexArray) -> ComplexArray:
    """Return c of the slacks' power, Re sum_r conj(v_r) (Y dv)_r, for every step.

    Losses are slack power plus all other injections.
    """
    to_free = arrays.admittance.tocsr()[arrays.slack][:, arrays.free]
    return np.asarray(to_free.T @ np.conj(voltage[arrays.slack]))


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
            node, part = int(arrays.slacks.node[which]), float(arrays.slacks.p_part[which])
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
