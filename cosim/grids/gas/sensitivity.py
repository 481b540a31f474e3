"""First-order behaviour of gas pressures, velocities and supply around solved states.

The pipe equation in squared form, G = p_i^2 - p_j^2 + H - W Z = 0, is differentiated exactly:
a dp_i + b dp_j + c dm = 0 per row. Down the tree this hands dp on without solving anything;
loop flows follow from one small system per step. All steps and terminals are done at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosim.grids.gas.batch import GasBatch
from cosim.grids.gas.loops import squared_drag
from cosim.grids.gas.net import GasArrays
from cosim.grids.gas.tree import FlowTree
from cosim.records import Target
from cosim.records.time import FloatArray, IntArray

CHUNK_VALUES = 4_000_000
"""Nodes times steps times terminals held at once (32 MB per array)."""


@dataclass(frozen=True, slots=True)
class Partials:
    """a = dG/dp_i, b = dG/dp_j and c = dG/dm of every row, each of shape (rows, S)."""

    a: FloatArray
    b: FloatArray
    c: FloatArray


@dataclass(frozen=True, slots=True)
class Changes:
    """Change per unit of each terminal, by rank and row; shapes (ranks or rows, S, n)."""

    pressure: FloatArray
    flow: FloatArray
    source: FloatArray


def sensitivities(
    batch: GasBatch,
    p_abs_bar: FloatArray,
    mdot_kg_per_s: FloatArray,
    per_terminal: FloatArray,
    targets: Sequence[Target],
    row_of_target: IntArray,
) -> FloatArray:
    """Return d(target)/d(terminal), shape (m, n).

    Args:
        batch: solver of the network.
        p_abs_bar: solved pressures at S steps, shape (nodes, S).
        mdot_kg_per_s: solved flows, shape (branches, S).
        per_terminal: kg/s into every node per unit of each terminal, shape (nodes, n).
        targets: quantities wanted, length m.
        row_of_target: which of the S steps each target belongs to, shape (m,).
    """
    tree = batch.tree
    count = per_terminal.shape[1]
    result = np.full((len(targets), count), np.nan)
    width = max(1, CHUNK_VALUES // max(1, tree.nodes.size * max(count, 1)))
    for begin in range(0, p_abs_bar.shape[1], width):
        steps = slice(begin, begin + width)
        chosen = np.flatnonzero((row_of_target >= begin) & (row_of_target < begin + width))
        if not chosen.size:
            continue
        pressure = p_abs_bar[tree.nodes][:, steps]
        signed = np.where(tree.flipped[:, None], -1.0, 1.0) * mdot_kg_per_s[tree.branches][:, steps]
        changes = _changes(batch, pressure, signed, per_terminal[tree.nodes])
        reader = _Reader(batch, pressure, signed, changes)
        for k in chosen.tolist():
            result[k] = reader.gradient(targets[k], int(row_of_target[k]) - begin)
    return result


def _changes(
    batch: GasBatch, pressure: FloatArray, mdot: FloatArray, injection: FloatArray
) -> Changes:
    """Return how pressures and flows follow unit injections of every terminal."""
    tree, steps = batch.tree, pressure.shape[1]
    part = _partials(tree, batch.arrays, pressure, mdot)
    base = np.repeat(tree.flows(injection)[:, None, :], steps, axis=1)
    d_pressure = _sweep(tree, part, base)
    if tree.chords:
        loops = np.zeros((base.shape[0], tree.chords))
        loops[tree.loop_rows] = tree.loops
        unit = np.repeat(loops[:, None, :], steps, axis=1)
        d_unit = _sweep(tree, part, unit)
        system = _chord_residual(tree, part, d_unit, unit)
        right = _chord_residual(tree, part, d_pressure, base)
        share = np.linalg.solve(system.transpose(1, 0, 2), -right.transpose(1, 0, 2))
        base = base + np.einsum("rl,sln->rsn", loops, share, optimize=True)
        d_pressure = d_pressure + np.einsum("rsl,sln->rsn", d_unit, share, optimize=True)
    wide = np.repeat(injection[:, None, :], steps, axis=1)
    return Changes(d_pressure, base, tree.source_flow(base, wide))


def _partials(
    tree: FlowTree, arrays: GasArrays, pressure: FloatArray, mdot: FloatArray
) -> Partials:
    data, z0, z1 = tree.data, arrays.z0, arrays.z1
    drag, d_drag = squared_drag(data, arrays.friction_model, mdot)
    gain = tree.gains(mdot)
    ratio = np.sqrt(gain)
    p_i, p_j = pressure[tree.row_from], pressure[tree.row_to]
    total = p_i + p_j
    product = p_i * p_j / total**2
    z_mean = z0 + z1 * 2.0 / 3.0 * (total - p_i * p_j / total)
    z_i, z_j = z0 + z1 * p_i, z0 + z1 * p_j
    density = 0.5 * (data.density_from * p_i / z_i + data.density_to * p_j / z_j)
    lifted = ratio * p_i + p_j
    steep_i = data.lift * (ratio * density + lifted * 0.5 * data.density_from * z0 / z_i**2)
    steep_j = data.lift * (density + lifted * 0.5 * data.density_to * z0 / z_j**2)
    bend = drag * z1 * 2.0 / 3.0
    free = tree.kept == 0.0
    return Partials(
        a=np.where(free, 2.0 * gain * p_i + steep_i - bend * (1.0 - p_j / total + product), 0.0),
        b=-2.0 * p_j + steep_j - bend * (1.0 - p_i / total + product),
        c=np.where(free, -z_mean * d_drag, 0.0),
    )


def _sweep(tree: FlowTree, part: Partials, flow: FloatArray) -> FloatArray:
    """Return dp by rank for given dm by row, shape (ranks, S, k); sources stay put."""
    result = np.zeros((tree.nodes.size, *flow.shape[1:]))
    rows = tree.parent.size
    pass_on = (-part.a[:rows] / part.b[:rows])[:, :, None]
    fall = -part.c[:rows] / part.b[:rows]
    add = fall[:, :, None] * flow[:rows]
    for level in tree.levels:
        below = slice(level.start + tree.sources, level.stop + tree.sources)
        result[below] = pass_on[level] * result[tree.parent[level]] + add[level]
    return result


def _chord_residual(
    tree: FlowTree, part: Partials, pressure: FloatArray, flow: FloatArray
) -> FloatArray:
    """Return a dp_i + b dp_j + c dm of the chords, shape (chords, S, k)."""
    rows = slice(tree.parent.size, None)
    above, below = pressure[tree.row_from[rows]], pressure[tree.row_to[rows]]
    return np.asarray(
        part.a[rows, :, None] * above
        + part.b[rows, :, None] * below
        + part.c[rows, :, None] * flow[rows]
    )


class _Reader:
    """Turn changes of pressures and flows into changes of result columns."""

    def __init__(
        self, batch: GasBatch, pressure: FloatArray, mdot: FloatArray, changes: Changes
    ) -> None:
        self.arrays, self.tree = batch.arrays, batch.tree
        self.pressure, self.mdot, self.changes = pressure, mdot, changes
        self.rank = np.full(self.arrays.ambient_bar.size, -1, dtype=np.int64)
        self.rank[self.tree.nodes] = np.arange(self.tree.nodes.size)
        self.row = np.full(self.arrays.branches.from_node.size, -1, dtype=np.int64)
        self.row[self.tree.branches] = np.arange(self.tree.branches.size)
        self.junction = {int(j): k for k, j in enumerate(self.arrays.junction_ids)}
        self.pipe = {int(j): k for k, j in enumerate(self.arrays.pipe_ids)}

    def gradient(self, target: Target, step: int) -> FloatArray:
        """Return the change of one target per unit of every terminal, shape (n,)."""
        key = (target.element, target.quantity)
        if key == ("junction", "p_bar"):
            rank = self.rank[self.junction[target.id]]
            return self._pressure(rank, step)
        if key == ("ext_grid", "mdot_kg_per_s"):
            return self._ext_grid(target.id, step)
        if target.element == "pipe":
            return self._pipe(target.quantity, self.pipe[target.id], step)
        raise KeyError(f"{target.element}.{target.quantity} has no sensitivity")

    def _ext_grid(self, id_: int, step: int) -> FloatArray:
        node = self.arrays.ext_nodes[int(np.flatnonzero(self.arrays.ext_ids == id_)[0])]
        together = int(np.sum(self.arrays.ext_nodes == node))
        source = self.changes.source[self.rank[node], step]
        return np.asarray(-source / together, dtype=np.float64)

    def _pipe(self, quantity: str, pipe: int, step: int) -> FloatArray:
        arrays, branch = self.arrays, self.arrays.branches
        first = int(arrays.pipe_first[pipe])
        last = first + int(arrays.pipe_sections[pipe]) - 1
        start, end = int(branch.from_node[first]), int(branch.to_node[last])
        if quantity == "mdot_from_kg_per_s":
            return self._flow(first, step)[1]
        if quantity == "p_from_bar":
            return self._pressure(self.rank[start], step)
        if quantity == "p_to_bar":
            return self._pressure(self.rank[end], step)
        at_from = self._speed(first, start, float(branch.speed_from[first]), step)
        at_to = self._speed(last, end, float(branch.speed_to[last]), step)
        if quantity == "v_from_m_per_s":
            return at_from[1]
        if quantity == "v_to_m_per_s":
            return at_to[1]
        if quantity == "v_max_m_per_s":
            value, change = max(at_from, at_to, key=lambda pair: abs(pair[0]))
            return np.asarray(np.sign(value) * change, dtype=np.float64)
        raise KeyError(f"pipe.{quantity} has no sensitivity")

    def _pressure(self, rank: int, step: int) -> FloatArray:
        return np.asarray(self.changes.pressure[rank, step], dtype=np.float64)

    def _flow(self, branch: int, step: int) -> tuple[float, FloatArray]:
        """Return flow and its change along the branch's own direction."""
        row = int(self.row[branch])
        sign = -1.0 if self.tree.flipped[row] else 1.0
        change = np.asarray(sign * self.changes.flow[row, step], dtype=np.float64)
        return sign * float(self.mdot[row, step]), change

    def _speed(self, branch: int, node: int, factor: float, step: int) -> tuple[float, FloatArray]:
        """Return v = m factor Z(p)/p and its change, with d(Z/p)/dp = -z0/p^2."""
        flow, change = self._flow(branch, step)
        pressure = float(self.pressure[self.rank[node], step])
        d_pressure = self.changes.pressure[self.rank[node], step]
        ratio = self.arrays.z0 / pressure + self.arrays.z1
        total = factor * (ratio * change - flow * self.arrays.z0 / pressure**2 * d_pressure)
        return factor * flow * ratio, np.asarray(total, dtype=np.float64)
