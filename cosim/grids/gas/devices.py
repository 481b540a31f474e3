"""Compressors and pressure controls in solved states: power, and what they cannot do."""

from __future__ import annotations

from typing import Any

import numpy as np

from cosim.grids.gas.batch import BatchResult, GasBatch
from cosim.grids.gas.net import GasArrays
from cosim.grids.gas.response import Changes
from cosim.records.time import FloatArray, IntArray
from cosim.units import W_PER_KW

LIFT_TOLERANCE_BAR = 1e-9
BACK_TOLERANCE_KG_PER_S = 1e-9
SHOWN = 5
"""Elements that a message names before it only counts."""


def compressor_kw(arrays: GasArrays, result: BatchResult) -> FloatArray:
    """Return the shaft power of every compressor, shape (c, T), as pandapipes defines it.

    P = k/(k-1) R/M Z(p_from) T ((p_to/p_from)^((k-1)/k) - 1) |m|, isentropic without efficiency.
    """
    devices = arrays.devices
    rows = devices.compressor_branch
    p_from = result.p_abs_bar[arrays.branches.from_node[rows]]
    p_to = result.p_abs_bar[arrays.branches.to_node[rows]]
    z = arrays.z0 + arrays.z1 * p_from
    raised = (p_to / p_from) ** devices.exponent[:, None] - 1.0
    work = devices.work_j_per_kg[:, None] * z * raised
    power: FloatArray = work * np.abs(result.mdot_kg_per_s[rows]) / W_PER_KW
    return power


def d_compressor_kw(
    batch: GasBatch, pressure: FloatArray, mdot: FloatArray, changes: Changes
) -> FloatArray:
    """Return the change of all compressors' power per unit of each terminal, kW, shape (S, n).

    Args:
        batch: solver of the network.
        pressure: absolute, by rank, shape (ranks, S).
        mdot: by row, shape (rows, S).
        changes: response to the terminals.
    """
    arrays, tree = batch.arrays, batch.tree
    row_of = np.full(arrays.branches.from_node.size, -1, dtype=np.int64)
    row_of[tree.branches] = np.arange(tree.branches.size)
    total = np.zeros(changes.pressure.shape[1:])
    devices = arrays.devices
    for k, branch in enumerate(devices.compressor_branch):
        row = int(row_of[branch])
        if row < 0 or not np.isfinite(devices.exponent[k]):
            continue
        ends = (tree.row_from[row], tree.row_to[row])
        start, end = ends[::-1] if tree.flipped[row] else ends
        p_i, p_j = pressure[start], pressure[end]
        z, size, e = arrays.z0 + arrays.z1 * p_i, np.abs(mdot[row]), devices.exponent[k]
        power = (p_j / p_i) ** e
        d_size = np.sign(mdot[row])[:, None] * changes.flow[row]
        d_ratio = changes.pressure[end] / p_j[:, None] - changes.pressure[start] / p_i[:, None]
        d_z = arrays.z1 * changes.pressure[start]
        raised = ((power - 1.0) * z)[:, None] * d_size + ((power - 1.0) * size)[:, None] * d_z
        total += devices.work_j_per_kg[k] * (raised + (e * power * z * size)[:, None] * d_ratio)
    return total / W_PER_KW


def control_remarks(arrays: GasArrays, result: BatchResult) -> dict[int, str]:
    """Return step -> which pressure controls would raise pressure or pass gas backwards."""
    rows, ids = arrays.devices.control_branch, arrays.devices.control_ids
    if not rows.size:
        return {}
    start, end = arrays.branches.from_node[rows], arrays.branches.to_node[rows]
    gauge = result.p_abs_bar - arrays.ambient_bar[:, None]
    raised, mdot = gauge[end] - gauge[start], result.mdot_kg_per_s[rows]
    wrong = (raised > LIFT_TOLERANCE_BAR) | (mdot < -BACK_TOLERANCE_KG_PER_S)
    return {
        int(step): control_remark(ids, raised[:, step], mdot[:, step])
        for step in np.flatnonzero(wrong.any(axis=0))
    }


def pole_pipes(arrays: GasArrays, result: BatchResult) -> dict[int, int]:
    """Return step -> pipe whose pressure drop is an artefact of the Swamee-Jain formula."""
    pipe_of = np.full(arrays.branches.from_node.size, -1, dtype=np.int64)
    for pipe, first, count in zip(
        arrays.pipe_ids, arrays.pipe_first, arrays.pipe_sections, strict=True
    ):
        if first >= 0:
            pipe_of[first : first + count] = pipe
    steps = np.flatnonzero(result.pole >= 0)
    return {int(step): int(pipe_of[result.pole[step]]) for step in steps}


def reference_remark(net: Any) -> str:
    """Return the same for a network that pandapipes has solved, empty if there is nothing."""
    if "press_control" not in net or not len(net.press_control):
        return ""
    result = net.res_press_control
    active = net.press_control["in_service"].to_numpy(dtype=bool)
    raised = np.where(active, result["deltap_bar"].to_numpy(dtype=float), 0.0)
    mdot = np.where(active, result["mdot_from_kg_per_s"].to_numpy(dtype=float), 0.0)
    return control_remark(net.press_control.index.to_numpy(), raised, mdot)


def control_remark(ids: IntArray, raised_bar: FloatArray, mdot: FloatArray) -> str:
    """Name the pressure controls that raise pressure or pass gas backwards, empty if none does."""
    lifts, back = raised_bar > LIFT_TOLERANCE_BAR, mdot < -BACK_TOLERANCE_KG_PER_S
    parts = []
    if lifts.any():
        parts.append(f"press_control {some(ids[lifts])} would have to raise the pressure")
    if back.any():
        parts.append(f"press_control {some(ids[back])} would pass gas backwards")
    return "; ".join(parts)


def some(ids: IntArray) -> str:
    """Return the first few ids and how many more there are."""
    listed = ", ".join(str(int(i)) for i in ids[:SHOWN])
    return listed if ids.size <= SHOWN else f"{listed} and {ids.size - SHOWN} more"
