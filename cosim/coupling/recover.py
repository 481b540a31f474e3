"""Step back where a network has no physical state, and linearise at the last point that has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from cosim.coupling.networks import Verification, idle, take_steps
from cosim.grids.base import Grid
from cosim.grids.limits import check
from cosim.records import GridStates, Injections, Target, read_only

BISECTIONS = 6


def step_back(
    grid: Grid, failing: Injections, anchor: Injections
) -> tuple[GridStates, tuple[Target, ...]] | None:
    """Bisect from `anchor` towards injections without a physical state.

    Args:
        grid: the network.
        failing: injections at the failed steps only, shape (K, n).
        anchor: injections at the same steps that have a state.

    Returns:
        States at the last solvable points and, for each step, the tightest element of every limit
        as a target; None where not even the anchor has a state.
    """
    low, high = np.zeros(len(failing.steps)), np.ones(len(failing.steps))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        failed = _failed_steps(grid.verify(_between(anchor, failing, middle)))
        bad = np.isin(failing.steps, failed)
        high = np.where(bad, middle, high)
        low = np.where(bad, low, middle)
    states = grid.verify(_between(anchor, failing, low))
    failed = _failed_steps(states)
    keep = np.flatnonzero(~np.isin(failing.steps, failed))
    if not len(keep):
        return None
    if failed:
        states = grid.verify(take_steps(_between(anchor, failing, low), keep))
    return states, _tightest(grid, states)


def _between(start: Injections, end: Injections, share: np.ndarray) -> Injections:
    weight = share[:, None]
    return replace(
        start,
        p_kw=read_only(start.p_kw + weight * (end.p_kw - start.p_kw)),
        q_kvar=read_only(start.q_kvar + weight * (end.q_kvar - start.q_kvar)),
    )


def _failed_steps(states: GridStates) -> list[int]:
    return [failure.step for failure in states.failures]


def _tightest(grid: Grid, states: GridStates) -> tuple[Target, ...]:
    targets = []
    for item in check(states, grid.limits):
        limit = item.limit
        for row, step in enumerate(item.steps):
            if np.isfinite(item.margin[row]).any():
                column = int(np.nanargmin(item.margin[row]))
                targets.append(
                    Target(
                        limit.name, limit.element, limit.quantity, int(limit.ids[column]), int(step)
                    )
                )
    return tuple(targets)


def failing_injections(grid: Grid, verification: Verification) -> Injections | None:
    """Return the injections of the failed steps of one network, None if there are none."""
    states = verification.states[grid.inputs.name]
    failed = [failure.step for failure in states.failures]
    rows = np.flatnonzero(np.isin(states.injections.steps, failed))
    return take_steps(states.injections, rows) if len(rows) else None


def anchor_injections(
    grid: Grid, failing: Injections, solvable: Mapping[str, Injections]
) -> Injections:
    """Return known solvable injections at the failed steps, or zero injections."""
    source = solvable.get(grid.inputs.name, idle(grid))
    rows = np.flatnonzero(np.isin(source.steps, failing.steps))
    return take_steps(source, rows)
