"""What remains of a window's schedule once its look-ahead is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cosim.errors import SolveError
from cosim.market.compile import Compiled
from cosim.market.schedule import co2_table, cost_table
from cosim.records import Carried, Injections, NetworkDuals, Schedule, TimeAxis, read_only
from cosim.records.time import FloatArray


def kept_schedule(compiled: Compiled, schedule: Schedule, keep: int) -> Schedule:
    """Return the first steps of a schedule.

    Costs are those of the columns of these steps; what belongs to no single step counts with them.
    The bound is the schedule's own distance to it below the cost: it is proven for the window with
    its look-ahead, not for the steps that are kept.

    Args:
        compiled: of the market that solved it.
        schedule: over all steps.
        keep: number of steps.
    """
    time = TimeAxis(schedule.time.index[:keep], schedule.time.step_h)
    x = _first_steps(compiled, _solution(schedule), keep)
    costs = cost_table(compiled, x)
    cost = float(costs["total"].sum())
    return replace(
        schedule,
        time=time,
        table=schedule.table[_before(schedule.table, schedule.time.index[keep])],
        injections={name: first_steps(entry, keep) for name, entry in schedule.injections.items()},
        costs=costs,
        cost=cost,
        bound=cost - (schedule.cost - schedule.bound),
        unmet={key: slack for key, slack in schedule.unmet.items() if key.step < keep},
        network_demand_kw={c: read_only(v[:keep]) for c, v in schedule.network_demand_kw.items()},
        bilateral=schedule.bilateral[_before(schedule.bilateral, schedule.time.index[keep])],
        co2_kg=co2_table(compiled, x),
        duals=None if schedule.duals is None else _first_duals(schedule.duals, keep),
        solution=None,
    )


def _before(table: pd.DataFrame, time: pd.Timestamp) -> pd.Series:
    return table["time"] < time


def carried_states(compiled: Compiled, schedule: Schedule) -> tuple[Carried, Carried]:
    """Return what devices hand on after the last step that is kept, and after the last step."""
    kept: dict[tuple[str, str], dict[str, float]] = {}
    last: dict[tuple[str, str], dict[str, float]] = {}
    for (party, device, name), values in compiled.carry.groups(_solution(schedule)):
        kept.setdefault((party, device), {})[name] = float(values[0])
        last.setdefault((party, device), {})[name] = float(values[1])
    return kept, last


def first_steps(entry: Injections, keep: int) -> Injections:
    """Return the injections at the steps before `keep`."""
    rows = np.flatnonzero(entry.steps < keep)
    return replace(
        entry,
        steps=read_only(entry.steps[rows], np.int64),
        p_kw=read_only(entry.p_kw[rows]),
        q_kvar=read_only(entry.q_kvar[rows]),
    )


def _solution(schedule: Schedule) -> FloatArray:
    if schedule.solution is None:
        raise SolveError("this schedule has no solution to read states from", reason="no solution")
    return schedule.solution


def _first_steps(compiled: Compiled, x: FloatArray, keep: int) -> FloatArray:
    """Return column values with those of later steps at zero."""
    result: FloatArray = np.where(compiled.layout.column_step < keep, x, 0.0)
    return result


def _first_duals(duals: NetworkDuals, keep: int) -> NetworkDuals:
    return NetworkDuals(
        energy={name: read_only(values[:keep]) for name, values in duals.energy.items()},
        loss={name: read_only(values[:keep]) for name, values in duals.loss.items()},
        congestion={name: read_only(values[:keep]) for name, values in duals.congestion.items()},
        cuts={key: value for key, value in duals.cuts.items() if key.step < keep},
    )
