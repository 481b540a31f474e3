"""First-order behaviour of pressures, velocities, supply and composition around solved states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosim.grids.gas.batch import BatchResult, GasBatch
from cosim.grids.gas.blend import Blend
from cosim.grids.gas.composition import Exchange
from cosim.grids.gas.devices import d_compressor_kw
from cosim.grids.gas.mixed_response import MixedResponse
from cosim.grids.gas.response import Changes, Response
from cosim.records import Target
from cosim.records.time import FloatArray, IntArray

CHUNK_VALUES = 4_000_000
"""Nodes times steps times terminals held at once (32 MB per array)."""


@dataclass(frozen=True, slots=True)
class Point:
    """Solved states at S steps, and what was put in.

    Attributes:
        result: of the batch.
        per_terminal: kg/s into every node per unit of each terminal, shape (nodes, n).
        drawing: true where a terminal withdraws, shape (S, n).
        hydrogen: terminals that feed hydrogen in, shape (n,).
        exchange: by junction.
        w: mass fraction of hydrogen by junction, shape (j, S).
        blend: None where no hydrogen may be fed in.
    """

    result: BatchResult
    per_terminal: FloatArray
    drawing: np.ndarray
    hydrogen: np.ndarray
    exchange: Exchange
    w: FloatArray
    blend: Blend | None


def sensitivities(
    batch: GasBatch, point: Point, targets: Sequence[Target], row_of_target: IntArray
) -> FloatArray:
    """Return d(target)/d(terminal), shape (m, n).

    Args:
        batch: solver of the network.
        point: where to linearise.
        targets: quantities wanted, length m.
        row_of_target: which of the S steps each target belongs to, shape (m,).
    """
    result = np.full((len(targets), point.per_terminal.shape[1]), np.nan)
    for steps in _chunks(batch, point):
        chosen = np.flatnonzero((row_of_target >= steps.start) & (row_of_target < steps.stop))
        if not chosen.size:
            continue
        pressure, mdot = _ranked(batch, point.result, steps)
        changes = _changes(batch, point, steps, pressure, mdot)
        reader = _Reader(batch, pressure, mdot, changes, point, steps)
        for k in chosen.tolist():
            result[k] = reader.gradient(targets[k], int(row_of_target[k]) - steps.start)
    return result


def auxiliary_sensitivities(batch: GasBatch, point: Point) -> FloatArray:
    """Return the change of all compressors' power per unit of each terminal, kW, shape (S, n)."""
    count = point.result.p_abs_bar.shape[1]
    found = np.zeros((count, point.per_terminal.shape[1]))
    for steps in _chunks(batch, point):
        pressure, mdot = _ranked(batch, point.result, steps)
        changes = _changes(batch, point, steps, pressure, mdot)
        found[steps] = d_compressor_kw(batch, pressure, mdot, changes)
    return found


def _chunks(batch: GasBatch, point: Point) -> list[slice]:
    per_step = max(1, batch.tree.nodes.size * max(point.per_terminal.shape[1], 1))
    width = max(1, CHUNK_VALUES // per_step)
    steps = point.result.p_abs_bar.shape[1]
    return [slice(begin, min(begin + width, steps)) for begin in range(0, steps, width)]


def _ranked(batch: GasBatch, result: BatchResult, steps: slice) -> tuple[FloatArray, FloatArray]:
    """Return pressures by rank and flows by row at some steps."""
    tree = batch.tree
    sign = np.where(tree.flipped[:, None], -1.0, 1.0)
    return result.p_abs_bar[tree.nodes][:, steps], sign * result.mdot_kg_per_s[tree.branches][
        :, steps
    ]


def _changes(
    batch: GasBatch, point: Point, steps: slice, pressure: FloatArray, mdot: FloatArray
) -> Changes:
    """Return how the network follows one unit of every terminal."""
    response = Response(batch, pressure, mdot)
    per_terminal = point.per_terminal[batch.tree.nodes]
    wide = np.repeat(per_terminal[:, None, :], pressure.shape[1], axis=1)
    fed = point.exchange.hydrogen[:, steps]
    if point.blend is None or not (fed.any() or point.hydrogen.any()):
        return response.to(wide)
    mixed = MixedResponse(
        batch,
        response,
        mdot,
        point.exchange.steps(np.arange(steps.start, steps.stop)),
        np.nan_to_num(point.w[:, steps]),
        point.blend,
    )
    return mixed.to(wide, point.drawing[steps], point.hydrogen)


class _Reader:
    """Turn changes of pressures and flows into changes of result columns."""

    def __init__(
        self,
        batch: GasBatch,
        pressure: FloatArray,
        mdot: FloatArray,
        changes: Changes,
        point: Point,
        steps: slice,
    ) -> None:
        self.arrays, self.tree = batch.arrays, batch.tree
        self.blend, self.w = point.blend, point.w[:, steps]
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
        if key == ("junction", "hydrogen_fraction"):
            return self._fraction(self.junction[target.id], step)
        if key == ("ext_grid", "mdot_kg_per_s"):
            return self._ext_grid(target.id, step)
        if target.element == "pipe":
            return self._pipe(target.quantity, self.pipe[target.id], step)
        raise KeyError(f"{target.element}.{target.quantity} has no sensitivity")

    def _fraction(self, junction: int, step: int) -> FloatArray:
        rank = self.rank[junction]
        if self.blend is None or self.changes.fraction is None or rank < 0:
            return np.zeros(self.changes.pressure.shape[2])
        slope = self.blend.d_volume_fraction(np.asarray(self.w[junction, step]))
        return np.asarray(slope * self.changes.fraction[rank, step], dtype=np.float64)

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
