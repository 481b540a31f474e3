"""Who takes part in a solve, as bounds of the compiled model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from cosim.errors import SolveError
from cosim.market.compile import Compiled
from cosim.market.program import Bounds
from cosim.records import LossLine, Schedule
from cosim.records.names import NETWORK


def bounds_for(
    compiled: Compiled,
    sharing: frozenset[str],
    frozen: Mapping[str, Schedule],
    lines: Iterable[LossLine],
) -> Bounds:
    """Return the bounds under which the compiled model describes one solve.

    Share variables and contracts of everyone outside `sharing` are closed, those of the network
    account too if nobody shares. Charges with loss lines are opened, all others stay at their
    baseline. Columns of frozen participants are fixed and their own rows let go, so that rounding
    in an earlier solution cannot make this one infeasible.

    Raises:
        SolveError: for names that are not in the market, or a frozen schedule without a solution.
    """
    layout = compiled.layout
    unknown = sorted((sharing | set(frozen)) - set(layout.parties[:-1]))
    if unknown:
        raise SolveError(f"unknown participant {unknown[0]!r}; known: {layout.parties[:-1]}")
    col_lb, col_ub = compiled.program.bounds.col_lb.copy(), compiled.program.bounds.col_ub.copy()
    row_lb, row_ub = compiled.program.bounds.row_lb.copy(), compiled.program.bounds.row_ub.copy()
    for (party, _), trade in layout.trades.items():
        if party not in sharing and not (party == NETWORK and sharing):
            col_ub[trade.share_in] = 0.0
            col_ub[trade.share_out] = 0.0
    for contracts in layout.contracts.values():
        for k, pair in enumerate(zip(contracts.giver, contracts.taker, strict=True)):
            if not all(party in sharing or (party == NETWORK and sharing) for party in pair):
                col_ub[contracts.give[k]] = 0.0
                col_ub[contracts.take[k]] = 0.0
    for line in lines:
        columns = layout.charged[line.grid, line.kind][line.steps]
        col_lb[columns], col_ub[columns] = -np.inf, np.inf
    for name, schedule in frozen.items():
        if schedule.solution is None or len(schedule.solution) != compiled.program.n:
            raise SolveError(f"frozen participant {name!r}: its schedule is not from this market")
        mine = layout.column_owner == layout.parties.index(name)
        col_lb[mine] = col_ub[mine] = schedule.solution[mine]
        own_rows = layout.row_owner == layout.parties.index(name)
        row_lb[own_rows], row_ub[own_rows] = -np.inf, np.inf
    return Bounds(col_lb, col_ub, row_lb, row_ub)
