"""How pressures and flows of a solved gas network follow small changes of what is put in.

The pipe equation in squared form, G = r^2 p_i^2 - p_j^2 + H - W Z = 0, is differentiated exactly:
a dp_i + b dp_j + c dm = 0 per row. Down the tree this hands dp on without solving anything;
loop flows follow from one small system per step. All steps and changes are done at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.grids.gas.batch import GasBatch
from cosim.grids.gas.loops import squared_drag
from cosim.grids.gas.net import GasArrays
from cosim.grids.gas.tree import FlowTree
from cosim.records.time import FloatArray


@dataclass(frozen=True, slots=True)
class Partials:
    """a = dG/dp_i, b = dG/dp_j and c = dG/dm of every row, each of shape (rows, S)."""

    a: FloatArray
    b: FloatArray
    c: FloatArray


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes by rank and row, shapes (ranks or rows, S, n).

    Attributes:
        pressure: by rank, bar.
        flow: by row, kg/s.
        source: of what every source delivers, kg/s.
        fraction: of the mass fraction of hydrogen by rank; None where there is none.
    """

    pressure: FloatArray
    flow: FloatArray
    source: FloatArray
    fraction: FloatArray | None = None


class Response:
    """The linearised network at S solved steps.

    Args:
        batch: solver of the network.
        pressure: absolute, by rank, shape (ranks, S).
        mdot: by row, shape (rows, S).
    """

    def __init__(self, batch: GasBatch, pressure: FloatArray, mdot: FloatArray) -> None:
        self.tree = batch.tree
        self._part = _partials(self.tree, batch.arrays, pressure, mdot)
        if not self.tree.chords:
            return
        tree, steps = self.tree, pressure.shape[1]
        self._loops = np.zeros((mdot.shape[0], tree.chords))
        self._loops[tree.loop_rows] = tree.loops
        unit = np.repeat(self._loops[:, None, :], steps, axis=1)
        self._d_unit = _sweep(tree, self._part, unit)
        system = _chord_residual(tree, self._part, self._d_unit, unit)
        self._inverse = np.linalg.inv(system.transpose(1, 0, 2))

    def to(self, injection: FloatArray) -> Changes:
        """Return the response to changes of the mass flow into every rank, shape (ranks, S, n)."""
        tree = self.tree
        flat = injection.reshape(injection.shape[0], -1)
        flow = tree.flows(flat).reshape(-1, *injection.shape[1:])
        pressure = _sweep(tree, self._part, flow)
        if tree.chords:
            right = _chord_residual(tree, self._part, pressure, flow)
            share = self._inverse @ -right.transpose(1, 0, 2)
            flow = flow + np.einsum("rl,sln->rsn", self._loops, share, optimize=True)
            pressure = pressure + np.einsum("rsl,sln->rsn", self._d_unit, share, optimize=True)
        return Changes(pressure, flow, tree.source_flow(flow, injection))


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
