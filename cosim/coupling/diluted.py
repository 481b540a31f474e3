"""Where a gas network carries nothing but hydrogen: go back until there is a mixture again.

Pure hydrogen stays pure whatever is fed in on top, so its share has no slope to make a cut of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from cosim.coupling.feedback import MIXED, SATURATED
from cosim.coupling.networks import take_steps
from cosim.grids.base import Grid
from cosim.records import GridStates, Target, Violation, read_only

HALVINGS = 10
HYDROGEN = "hydrogen"


def diluted(
    grid: Grid, states: GridStates, found: Iterable[Violation]
) -> tuple[GridStates, tuple[Target, ...]] | None:
    """Halve the hydrogen of participants at saturated steps until every junction has a mixture.

    Args:
        grid: the network.
        states: as verified.
        found: its violations.

    Returns:
        States at the steps that now have a mixture, and the saturated elements as targets; None
        where nothing is saturated or no halving helps.
    """
    saturated = [v for v in found if v.quantity == MIXED and v.value >= SATURATED]
    fed = np.array([terminal.carrier == HYDROGEN for terminal in grid.inputs.terminals])
    if not saturated or not fed.any():
        return None
    rows = np.flatnonzero(np.isin(states.injections.steps, [v.step for v in saturated]))
    entry = take_steps(states.injections, rows)
    for _ in range(HALVINGS):
        entry = replace(entry, p_kw=read_only(np.where(fed, 0.5 * entry.p_kw, entry.p_kw)))
        thinner = grid.verify(entry)
        still = _pure_steps(thinner, saturated)
        if not still:
            targets = {Target(v.limit, v.element, v.quantity, v.id, v.step) for v in saturated}
            return thinner, tuple(sorted(targets, key=lambda t: (t.step, t.id)))
    return None


def _pure_steps(states: GridStates, saturated: Iterable[Violation]) -> list[int]:
    """Return steps at which an element still carries nothing but hydrogen, or has no state."""
    failed = {failure.step for failure in states.failures}
    still = []
    for violation in saturated:
        column = states.get(violation.element, violation.quantity)
        row = int(np.flatnonzero(states.injections.steps == violation.step)[0])
        value = column.values[row, int(np.flatnonzero(column.ids == violation.id)[0])]
        if violation.step in failed or not value < SATURATED:
            still.append(violation.step)
    return still
