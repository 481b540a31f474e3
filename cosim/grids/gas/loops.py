"""Flows in the loops of a gas network: a damped Newton iteration for many steps at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from cosim.grids.gas.friction import (
    MONOTONE,
    MONOTONE_REYNOLDS,
    SWAMEE_JAIN,
    friction,
    rough_factor,
)
from cosim.grids.gas.net import Branches
from cosim.grids.gas.tree import FlowTree
from cosim.records.time import FloatArray, IntArray

TOLERANCE_BAR2 = 1e-11
MAX_STEPS = 60
POLISH_STEPS = 4
POLISH_MIN_STEP = 0.3
MIN_STEP = 2.0**-12
MIN_SLOPE = 1e-7
"""Smallest slope of a row in the loop equations, bar^2 s/kg: keeps them regular at rest."""
MIN_SLOPE_FLOW = 1e-8
"""Flow below which the slope of the friction term is held, kg/s (as in pandapipes)."""
MONOTONE_BAR2 = 1e-5
"""Drop up to which all but standing gas may be treated as laminar, see `balance_loops`."""

POLE_BAR2 = 4e-3
"""Squared drop above which a state shaped by the pole is refused: 1 mbar at 2 bar absolute."""


def squared_drag(data: Branches, model: str, mdot: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return W = c f m|m| in bar^2 and dW/dm, both of shape (rows, T)."""
    size = np.abs(mdot)
    reynolds = size * data.diameter_m / (data.viscosity_pa_s * data.area_m2)
    factor, slope = friction(model, reynolds, data.roughness_m / data.diameter_m)
    friction_term = factor * (data.length_m / data.diameter_m)
    held = np.maximum(size, MIN_SLOPE_FLOW)
    total = friction_term + data.loss_coefficient
    gradient = data.drag * held * (2.0 * total + friction_term * slope)
    return data.drag * total * mdot * size, gradient


@dataclass(frozen=True, slots=True)
class _Loops:
    """What stays the same while one set of loops is balanced.

    Attributes:
        data: branch constants of the rows on loops.
        paths: part of each loop's flow in these rows, shape (rows, loops).
        drops: part of each row's drop around each loop, shape (rows, loops).
        pairs: see `FlowTree`, shape (loops^2, rows).
        z: compressibility, shape (rows, T).
        offset: drop that each loop has to make up, bar^2, shape (loops, T).
    """

    data: Branches
    paths: FloatArray
    drops: FloatArray
    pairs: csr_matrix
    z: FloatArray
    offset: FloatArray

    def steps(self, columns: np.ndarray | slice) -> _Loops:
        """Return the same loops at some of the steps."""
        z, offset = self.z[:, columns], self.offset[:, columns]
        return _Loops(self.data, self.paths, self.drops, self.pairs, z, offset)


def balance_loops(
    tree: FlowTree,
    model: str,
    mdot: FloatArray,
    drag: FloatArray,
    z: FloatArray,
    head: FloatArray | float,
    polish: bool = True,
) -> np.ndarray:
    """Adjust flows in loops (in place, with their drag) until the drops around each loop close.

    The Swamee-Jain formula has a pole near Re = 7: loops with a pipe that all but stands still
    may have several solutions, or none that Newton's method finds. So the loops are solved with a
    law that goes to zero linearly below Re = 30 and is the same above, and only steps with such a
    pipe are then polished with the formula itself. Where that fails, the first solution stays if
    it changes no drop by more than `MONOTONE_BAR2`; otherwise the step is given up.

    Args:
        tree: of the network.
        model: friction law.
        mdot: along every row, changed in place, shape (rows, T).
        drag: W of every row, changed in place.
        z: compressibility of every row.
        head: H of every row.
        polish: false while pressures still move, so that the second solution can wait.

    Returns:
        Which steps are balanced, shape (T,).
    """
    rows = tree.loop_rows
    data = tree.data.rows(rows)
    offset = np.repeat(tree.loop_head[:, None], mdot.shape[1], axis=1)
    if isinstance(head, np.ndarray):
        offset += tree.drops.T @ head[rows]
    loops = _Loops(data, tree.loops, tree.drops, tree.pairs, z[rows], offset)
    first = MONOTONE if model == SWAMEE_JAIN else model
    flow, weight, balanced = _newton(loops, first, mdot[rows])
    slow = np.asarray((_reynolds(data, flow) < MONOTONE_REYNOLDS).any(axis=0))
    if polish and model == SWAMEE_JAIN and slow.any():
        exact, drop, closed = _newton(loops.steps(slow), model, flow[:, slow], polish=True)
        closed &= ~_on_pole(data, exact, drop)
        balanced[slow] = closed | (balanced[slow] & ~_off_law(data, flow[:, slow]))
        flow[:, slow] = np.where(closed, exact, flow[:, slow])
        weight[:, slow] = np.where(closed, drop, weight[:, slow])
    mdot[rows] = flow
    drag[rows] = weight
    return balanced


def _newton(
    loops: _Loops, model: str, start: FloatArray, polish: bool = False
) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """Return flows and drags of the rows and which steps are balanced.

    Newton steps on the convex potential of the loop flows, halved until the residual falls. A
    pipe at rest counts with the slope it has at the flow that the residual would drive, because
    its own slope is zero. Steps that are balanced drop out.
    """
    data, paths, drops = loops.data, loops.paths, loops.drops
    rough = rough_factor(data.roughness_m / data.diameter_m) * data.length_m / data.diameter_m
    stiff = data.drag * (rough + data.loss_coefficient)
    loop_stiff = np.abs(drops.T) @ stiff + MIN_SLOPE
    flow = start.copy()
    weight, gradient = squared_drag(data, model, flow)
    residual = loops.offset - drops.T @ (weight * loops.z)
    norm = np.max(np.abs(residual), axis=0)
    smallest = POLISH_MIN_STEP if polish else MIN_STEP
    for _ in range(POLISH_STEPS if polish else MAX_STEPS):
        open_steps = norm > TOLERANCE_BAR2
        if not open_steps.any():
            break
        todo: np.ndarray | slice
        todo = slice(None) if open_steps.all() else np.flatnonzero(open_steps)
        part, left = loops.steps(todo), residual[:, todo]
        at_rest = stiff * np.sqrt(np.max(np.abs(left) / loop_stiff, axis=0))
        slope = np.maximum(np.maximum(gradient[:, todo], at_rest), MIN_SLOPE) * part.z
        step = paths @ _newton_step(loops.pairs, slope, left)
        size = np.ones(left.shape[1])
        while True:
            trial = flow[:, todo] + size * step
            weight[:, todo], gradient[:, todo] = squared_drag(data, model, trial)
            residual[:, todo] = part.offset - drops.T @ (weight[:, todo] * part.z)
            new_norm = np.max(np.abs(residual[:, todo]), axis=0)
            worse = (new_norm > norm[todo]) & (size > smallest)
            if not worse.any():
                break
            size[worse] *= 0.5
        flow[:, todo], norm[todo] = trial, new_norm
    return flow, weight, np.asarray(norm <= TOLERANCE_BAR2)


def _newton_step(pairs: csr_matrix, slope: FloatArray, residual: FloatArray) -> FloatArray:
    """Return the solution of (drops' diag(slope) paths) x = residual, shape (loops, T)."""
    loops, steps = residual.shape
    system = (pairs @ slope).T.reshape(steps, loops, loops)
    solution = np.linalg.solve(system, residual.T[:, :, None])
    return np.asarray(solution[:, :, 0].T, dtype=np.float64)


def _reynolds(data: Branches, flow: FloatArray) -> FloatArray:
    size = np.abs(flow) * data.diameter_m / (data.viscosity_pa_s * data.area_m2)
    return np.asarray(size, dtype=np.float64)


def pole_of(tree: FlowTree, model: str, mdot: FloatArray, drag: FloatArray) -> IntArray:
    """Return the row whose drop only the pole of the Swamee-Jain formula explains, -1 for none.

    Near Re = 7 the formula's factor has no bound, so a pipe that all but stands still may seem to
    use up any pressure. Shape (T,).
    """
    if model != SWAMEE_JAIN or not mdot.size:
        return np.full(mdot.shape[1], -1, dtype=np.int64)
    edge, drop = _monotone_edge(tree.data)
    seen = np.where(np.abs(mdot) < edge, np.abs(drag) - drop, 0.0)
    worst = np.argmax(seen, axis=0)
    found = np.take_along_axis(seen, worst[None, :], axis=0)[0] > POLE_BAR2
    return np.where(found, worst, -1)


def _monotone_edge(data: Branches) -> tuple[FloatArray, FloatArray]:
    """Return flow and squared drop at `MONOTONE_REYNOLDS`, both of shape (rows, 1)."""
    edge = MONOTONE_REYNOLDS * data.viscosity_pa_s * data.area_m2 / data.diameter_m
    return edge, squared_drag(data, MONOTONE, edge)[0]


def _on_pole(data: Branches, flow: FloatArray, weight: FloatArray) -> np.ndarray:
    """Return steps whose loops balance with a drop that only the pole explains, shape (T,)."""
    slow = _reynolds(data, flow) < MONOTONE_REYNOLDS
    laminar, _ = squared_drag(data, MONOTONE, flow)
    excess = np.abs(weight) > 2.0 * np.abs(laminar) + TOLERANCE_BAR2
    return np.asarray((slow & excess).any(axis=0))


def _off_law(data: Branches, flow: FloatArray) -> np.ndarray:
    """Return steps where a slow pipe's true drop may differ noticeably, shape (T,)."""
    slow = _reynolds(data, flow) < MONOTONE_REYNOLDS
    _, drop = _monotone_edge(data)
    return np.asarray((slow & (drop > MONOTONE_BAR2)).any(axis=0))
