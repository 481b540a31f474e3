"""Evaluate gas states with pandapipes itself, one pipe flow per step."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from cosim.grids.gas.columns import PIPE_COLUMNS, GasColumns, empty_columns, fields_of
from cosim.grids.gas.devices import reference_remark
from cosim.grids.gas.model import GasModel, Setpoints, write
from cosim.grids.gas.plain_mixing import plain_fractions
from cosim.grids.imports import engine
from cosim.records import StateField, Target
from cosim.records.time import FloatArray, IntArray
from cosim.units import KW_PER_MW

TIGHT = {"tol_p": 1e-8, "tol_m": 1e-8}
"""Tighter than pandapipes' defaults of 1e-5 bar and 1e-5 kg/s: small customers draw 1e-5 kg/s."""
MAX_ITERATIONS = 100
MAX_ROUNDS = 20
MIXING_TOLERANCE = 1e-10
"""Change of a mass fraction at which composition and withdrawals agree."""
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

    Each step starts from the pressures of the last one that converged. With hydrogen, pipe flows
    are repeated until composition and withdrawals agree.
    """
    net = model.fresh()
    nominal = net.junction["pn_bar"].to_numpy(dtype=float, copy=True)
    columns = empty_columns(net, steps)
    for row in range(steps):
        w = _solve_step(net, model, tuple(s.rows(slice(row, row + 1)) for s in setpoints), nominal)
        if w is None:
            continue
        columns.hydrogen[row] = w
        _read(net, columns, row)
        pressure = net.res_junction["p_bar"].to_numpy()
        net.junction["pn_bar"] = np.where(np.isfinite(pressure), pressure, nominal)
    return columns


def _solve_step(
    net: Any, model: GasModel, setpoints: tuple[Setpoints, ...], nominal: FloatArray
) -> FloatArray | None:
    """Solve one step and return the mass fractions of hydrogen; None if it does not converge."""
    w = np.zeros(len(net.junction))
    exchange = model.exchange(setpoints, 1)
    for _ in range(MAX_ROUNDS if exchange.hydrogen.any() else 1):
        chosen = setpoints if not w.any() else model.blended(setpoints, w[:, None])
        write(net, chosen, 0)
        if not solve(net, model.settings.friction_model):
            net.junction["pn_bar"] = nominal
            if not solve(net, model.settings.friction_model):
                return None
        if not exchange.hydrogen.any():
            return w
        hydrogen = exchange.hydrogen[:, 0]
        new = plain_fractions(net, exchange.gas[:, 0] + hydrogen, hydrogen)
        change = float(np.nanmax(np.abs(new - np.nan_to_num(w)), initial=0.0))
        w = new
        if change <= MIXING_TOLERANCE:
            break
    return w


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
            half[sign] = fields_of(run_reference(model, moved, rows), model.blend)
        for k, target in enumerate(targets):
            up, down = (_read_target(half[s], target, int(row_of_target[k])) for s in (1.0, -1.0))
            result[k, terminal] = (up - down) / (2.0 * DIFFERENCE_KW)
    return result


def auxiliary_differences(
    model: GasModel, setpoints: tuple[Setpoints, ...], steps: int
) -> FloatArray:
    """Return the change of compressor and pump power per kW of each terminal, shape (steps, n)."""
    found = np.zeros((steps, len(model.inputs.terminals)))
    for terminal in range(found.shape[1]):
        up, down = (
            run_reference(model, _moved(model, setpoints, terminal, sign * DIFFERENCE_KW), steps)
            for sign in (1.0, -1.0)
        )
        found[:, terminal] = (up.auxiliary_kw - down.auxiliary_kw) / (2.0 * DIFFERENCE_KW)
    return found


def _moved(
    model: GasModel, setpoints: tuple[Setpoints, ...], terminal: int, change_kw: float
) -> tuple[Setpoints, ...]:
    chosen = model.points.of(terminal)
    mine, share = model.point_sink[chosen], model.points.share[chosen]
    kg_per_s = change_kw * float(model.kg_per_s_per_kw_of[terminal])
    moved = []
    for block in setpoints:
        values = np.array(block.values)
        if block.table == "sink":
            for sink, part in zip(mine, share, strict=True):
                values[:, block.ids == sink] -= part * kg_per_s
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
