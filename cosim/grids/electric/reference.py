"""Evaluate electric states with pandapower itself, one Newton power flow per step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cosim.grids.electric.arrays import ElectricArrays
from cosim.grids.electric.columns import ElectricColumns, empty_columns, fill_from_net
from cosim.grids.electric.coverage import may_recycle
from cosim.grids.electric.model import ElectricModel, Setpoints, import_pandapower, write
from cosim.grids.electric.sensitivity import Linearisation
from cosim.records import Target
from cosim.records.time import FloatArray, IntArray
from cosim.units import KW_PER_MW

RECYCLE = {"bus_pq": True, "trafo": False, "gen": False}
"""Between steps only the power of loads and sgens changes: pandapower may keep everything else."""
START_VALUES = ("auto", "dc", "flat")
DIFFERENCE_KW = 2.0
"""Half width of a central difference: far above pandapower's tolerance of 1e-5 kW."""


def run_reference(
    model: ElectricModel, arrays: ElectricArrays, setpoints: tuple[Setpoints, ...], steps: int
) -> ElectricColumns:
    """Return the result columns of pandapower for every step; NaN where it does not converge.

    Each step starts from the last one that converged; where that fails, from scratch.
    """
    net = model.fresh()
    columns = empty_columns(arrays, steps)
    recycle = {"recycle": dict(RECYCLE)} if may_recycle(net) else {}
    warm = False
    for row in range(steps):
        write(net, setpoints, row)
        warm = _solve(net, model.options, {"init": "results", **recycle} if warm else None)
        if warm:
            fill_from_net(columns, net, row)
        else:
            columns.remarks[row] = "pandapower finds no power flow for these injections"
    return columns


def _solve(net: Any, options: dict[str, Any], warm: dict[str, Any] | None) -> bool:
    pandapower = import_pandapower()
    attempts: list[dict[str, Any]] = [{"init": start} for start in START_VALUES]
    if warm is not None:
        attempts.insert(0, warm)
    for attempt in attempts:
        try:
            pandapower.runpp(net, **options, **attempt)
            if attempt is not warm:
                # a DC start leaves a trace in how external grids on one bus share their power
                pandapower.runpp(net, **options, init="results")
        except pandapower.LoadflowNotConverged:
            continue
        return True
    return False


def differences(
    model: ElectricModel,
    arrays: ElectricArrays,
    setpoints: tuple[Setpoints, ...],
    targets: Sequence[Target],
    rows: IntArray,
    steps: int,
) -> Linearisation:
    """Return sensitivities by central differences of pandapower, 4 n power flows per step.

    For networks with elements that the batch equations do not cover.

    Args:
        model: the network.
        arrays: which elements have results.
        setpoints: values at every step.
        targets: quantities wanted, length m.
        rows: row of the set-points of each target, shape (m,).
        steps: number of steps.
    """
    count = len(model.inputs.terminals)
    found = Linearisation(
        *(np.full((len(targets), count), np.nan) for _ in range(2)),
        *(np.full((steps, count), np.nan) for _ in range(2)),
    )
    for terminal in range(count):
        for name, of_targets, of_loss in (
            ("p_mw", found.d_dp, found.d_loss_dp),
            ("q_mvar", found.d_dq, found.d_loss_dq),
        ):
            up, down = (
                run_reference(model, arrays, _moved(model, setpoints, terminal, name, s), steps)
                for s in (DIFFERENCE_KW, -DIFFERENCE_KW)
            )
            of_loss[:, terminal] = (up.loss_kw - down.loss_kw) / (2.0 * DIFFERENCE_KW)
            for k, (target, row) in enumerate(zip(targets, rows, strict=True)):
                change = _read(up, target, int(row)) - _read(down, target, int(row))
                of_targets[k, terminal] = change / (2.0 * DIFFERENCE_KW)
    return found


def _moved(
    model: ElectricModel,
    setpoints: tuple[Setpoints, ...],
    terminal: int,
    name: str,
    change_kw: float,
) -> tuple[Setpoints, ...]:
    mine = model.points.of(terminal)
    share = dict(zip(model.point_sgen[mine].tolist(), model.points.share[mine], strict=True))
    moved = []
    for block in setpoints:
        values: FloatArray = np.array(getattr(block, name))
        if block.table == "sgen":
            part = np.array([share.get(int(i), 0.0) for i in block.ids])
            values += part[None, :] * change_kw / KW_PER_MW
        moved.append(
            replace(block, p_mw=values) if name == "p_mw" else replace(block, q_mvar=values)
        )
    return tuple(moved)


def _read(columns: ElectricColumns, target: Target, row: int) -> float:
    where = int(np.flatnonzero(columns.ids[target.element] == target.id)[0])
    return float(columns.values[target.element, target.quantity][row, where])
