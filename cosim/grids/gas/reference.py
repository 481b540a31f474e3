"""Evaluate gas states with pandapipes itself, one pipe flow per step."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from cosim.grids.gas.columns import PIPE_COLUMNS, GasColumns, empty_columns, fields_of
from cosim.grids.gas.devices import reference_remark
from cosim.grids.gas.model import GasModel, Setpoints, write
from cosim.grids.imports import engine
from cosim.records import StateField, Target
from cosim.records.time import FloatArray, IntArray
from cosim.units import KW_PER_MW

TIGHT = {"tol_p": 1e-8, "tol_m": 1e-8}
"""Tighter than pandapipes' defaults of 1e-5 bar and 1e-5 kg/s: small customers draw 1e-5 kg/s."""
MAX_ITERATIONS = 100
DIFFERENCE_KW = 20.0
"""Half width of a central difference: well above the tolerance of pandapipes (0.5 W)."""


def options(friction_model: str) -> dict[str, Any]:
    """Return the options of every pipe flow, also those stored in the exported network."""
    return {
        "mode": "hydraulics",
        "friction_model": friction_model,
        "max_iter_hyd": MAX_ITERATIONS,
        **TIGHT,
    }


def run_reference(model: GasModel, setpoints: tuple[Setpoints, ...], steps: int) -> GasColumns:
    """Return the result columns of pandapipes for every step; NaN where it does not converge.

    Each step starts from the pressures of the last one that converged.
    """
    net = model.fresh()
    nominal = net.junction["pn_bar"].to_numpy(dtype=float, copy=True)
    columns = empty_columns(net, steps)
    for row in range(steps):
        write(net, setpoints, row)
        if not solve(net, model.settings.friction_model):
            net.junction["pn_bar"] = nominal
            if not solve(net, model.settings.friction_model):
                continue
        _read(net, columns, row)
        pressure = net.res_junction["p_bar"].to_numpy()
        net.junction["pn_bar"] = np.where(np.isfinite(pressure), pressure, nominal)
    return columns


def differences(
    model: GasModel,
    setpoints: tuple[Setpoints, ...],
    targets: Sequence[Target],
    row_of_target: IntArray,
) -> FloatArray:
    """Return d(target)/d(terminal) per kW by central differences of pandapipes, shape (m, n).

    For networks with elements that the batch equations do not cover; 2 n pipe flows per step.

    Args:
        model: the network.
        setpoints: values at the steps that have targets.
        targets: quantities wanted, length m.
        row_of_target: row of the set-points of each target, shape (m,).
    """
    count = len(model.inputs.terminals)
    rows = setpoints[0].values.shape[0] if setpoints else 0
    result = np.full((len(targets), count), np.nan)
    for terminal in range(count):
        half = {}
        for sign in (1.0, -1.0):
            moved = _moved(model, setpoints, terminal, sign * DIFFERENCE_KW)
            half[sign] = fields_of(run_reference(model, moved, rows))
        for k, target in enumerate(targets):
            up, down = (_read_target(half[s], target, int(row_of_target[k])) for s in (1.0, -1.0))
            result[k, terminal] = (up - down) / (2.0 * DIFFERENCE_KW)
    return result


def _moved(
    model: GasModel, setpoints: tuple[Setpoints, ...], terminal: int, change_kw: float
) -> tuple[Setpoints, ...]:
    mine = model.point_sink[model.point_terminal == terminal]
    share = model.point_share[model.point_terminal == terminal]
    moved = []
    for block in setpoints:
        values = np.array(block.values)
        if block.table == "sink":
            for sink, part in zip(mine, share, strict=True):
                values[:, block.ids == sink] -= part * change_kw * model.kg_per_s_per_kw
        moved.append(Setpoints(block.table, block.ids, values))
    return tuple(moved)


def _read_target(fields: tuple[StateField, ...], target: Target, row: int) -> float:
    for column in fields:
        if (column.element, column.quantity) == (target.element, target.quantity):
            return float(column.values[row, int(np.flatnonzero(column.ids == target.id)[0])])
    raise KeyError(f"{target.element}.{target.quantity} has no sensitivity")


def solve(net: Any, friction_model: str) -> bool:
    """Run one pipe flow and return whether it converged."""
    pandapipes = engine("pandapipes")
    not_converged = engine("pandapipes.pf.pipeflow_setup").PipeflowNotConverged

    chosen = options(friction_model)
    loose = {k: v for k, v in chosen.items() if k not in TIGHT}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for attempt in (chosen, loose):
            try:
                pandapipes.pipeflow(net, use_numba=False, **attempt)
            except not_converged:
                continue
            return True
    return False


def _read(net: Any, columns: GasColumns, row: int) -> None:
    columns.p_bar[row] = net.res_junction["p_bar"].to_numpy()
    for name in PIPE_COLUMNS:
        columns.pipe[name][row] = net.res_pipe[name].to_numpy()
    used = net.ext_grid["in_service"].to_numpy(dtype=bool)
    columns.ext_kg_per_s[row] = net.res_ext_grid["mdot_kg_per_s"].to_numpy()[used]
    columns.solved[row] = True
    columns.auxiliary_kw[row] = _compressor_kw(net)
    remark = reference_remark(net)
    if remark:
        columns.remarks[row] = remark


def _compressor_kw(net: Any) -> float:
    total = 0.0
    for table in ("compressor", "pump"):
        if table in net and len(net[table]) and "compr_power_mw" in net[f"res_{table}"]:
            power: FloatArray = net[f"res_{table}"]["compr_power_mw"].to_numpy(dtype=float)
            total += float(np.nansum(power)) * KW_PER_MW
    return total
