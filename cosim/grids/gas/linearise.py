"""Sensitivities of a gas network: analytic where the batch solves, differences elsewhere."""

from __future__ import annotations

import numpy as np

from cosim.grids.gas.batch import GasBatch
from cosim.grids.gas.composition import Exchange, compose
from cosim.grids.gas.model import GasModel
from cosim.grids.gas.reference import auxiliary_differences, differences
from cosim.grids.gas.sensitivity import Point, auxiliary_sensitivities, sensitivities
from cosim.records import Injections, Target
from cosim.records.time import FloatArray, IntArray


def injection_of(
    model: GasModel, batch: GasBatch, exchange: Exchange
) -> tuple[FloatArray, FloatArray]:
    """Return mass flows into every junction and the mass fraction of hydrogen, shape (j, T)."""
    if model.blend is None:
        return exchange.gas - exchange.draw, np.zeros(exchange.draw.shape)
    w = compose(batch, model.blend, exchange)
    drawn = exchange.draw * model.blend.mass(np.nan_to_num(w))
    return exchange.gas + exchange.hydrogen - drawn, w


def gradients(
    model: GasModel,
    batch: GasBatch | None,
    injections: Injections,
    targets: tuple[Target, ...],
    rows: IntArray,
) -> FloatArray:
    """Return d(target)/d(terminal) per kW, shape (m, n).

    Args:
        model: the network.
        batch: its solver, None where it has none.
        injections: of all terminals.
        targets: quantities wanted, length m.
        rows: row of the injections of each target, shape (m,).
    """
    found = np.full((len(targets), len(model.inputs.terminals)), np.nan)
    used, position = np.unique(rows, return_inverse=True)
    point, solved = _point(model, batch, injections, used)
    by_batch = np.isin(position, solved)
    if batch is not None and point is not None and by_batch.any():
        chosen = np.flatnonzero(by_batch)
        where = np.searchsorted(solved, position[chosen])
        found[chosen] = sensitivities(batch, point, [targets[k] for k in chosen], where)
    if not by_batch.all():
        chosen = np.flatnonzero(~by_batch)
        left, where = np.unique(position[chosen], return_inverse=True)
        setpoints = tuple(s.rows(used[left]) for s in model.setpoints(injections))
        found[chosen] = differences(model, setpoints, [targets[k] for k in chosen], where)
    return found


def auxiliary_gradients(
    model: GasModel, batch: GasBatch | None, injections: Injections
) -> FloatArray:
    """Return the change of compressor power per kW of each terminal, shape (T, n)."""
    steps = np.arange(injections.steps.size)
    found = np.full((steps.size, len(model.inputs.terminals)), np.nan)
    point, solved = _point(model, batch, injections, steps)
    if batch is not None and point is not None:
        found[solved] = auxiliary_sensitivities(batch, point)
    left = np.setdiff1d(steps, solved)
    if left.size:
        setpoints = tuple(s.rows(left) for s in model.setpoints(injections))
        found[left] = auxiliary_differences(model, setpoints, left.size)
    return found


def _point(
    model: GasModel, batch: GasBatch | None, injections: Injections, rows: IntArray
) -> tuple[Point | None, IntArray]:
    """Return the solved states at some rows, and the positions in `rows` that the batch solved."""
    if batch is None or not rows.size:
        return None, np.zeros(0, dtype=np.int64)
    setpoints = tuple(s.rows(rows) for s in model.setpoints(injections))
    exchange = model.exchange(setpoints, rows.size)
    injection, w = injection_of(model, batch, exchange)
    result = batch.solve(batch.on_nodes(injection))
    solved = np.flatnonzero(result.solved)
    point = Point(
        result=result.steps(solved),
        per_terminal=batch.on_nodes(model.terminal_share()),
        drawing=injections.p_kw[rows[solved]] <= 0.0,
        hydrogen=model.hydrogen,
        exchange=exchange.steps(solved),
        w=w[:, solved],
        blend=model.blend,
    )
    return point, solved
