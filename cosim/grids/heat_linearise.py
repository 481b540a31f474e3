"""First-order behaviour of a district-heat network, by differences of the batch.

Each terminal's injection is moved a little up and down at every step; all steps are solved at
once. A terminal (almost) at rest sits on a kink: its stagnant connection is at ground temperature
and loses nothing, and whether it starts to draw or to feed in, losses rise. There the slope is a
secant over a larger step to both sides, in which the connection's own losses cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cosim.records import GridStates, Sensitivities, StateField, Target, read_only
from cosim.records.time import FloatArray, IntArray

RELATIVE_STEP = 1e-4
SMALLEST_STEP_KW = 0.002
LARGEST_STEP_KW = 0.2
AT_REST_KW = 0.1
"""Below this a terminal's own connection dominates its response."""
REST_STEP_KW = 1.0
REST_STEP_SHARE = 0.05
"""Step of a resting terminal as a share of its largest power in the scenario's steps."""

Evaluate = Callable[[FloatArray], GridStates]
"""States for injections of shape (T, n) at the same steps."""


def choose_step(p_kw: FloatArray) -> FloatArray:
    """Return how far one terminal with injection p_kw is moved both ways, kW, shape (T,).

    Only a terminal at rest changes between drawing and feeding in.
    """
    size = np.abs(p_kw)
    normal = np.clip(RELATIVE_STEP * size, SMALLEST_STEP_KW, LARGEST_STEP_KW)
    rest = max(REST_STEP_KW, REST_STEP_SHARE * float(size.max(initial=0.0)))
    return np.where(size < AT_REST_KW, rest, normal)


def linearise(
    states: GridStates,
    targets: Sequence[Target],
    movable: Mapping[int, str],
    evaluate: Evaluate,
) -> Sensitivities:
    """Return slopes of targets, losses and pump power for every movable terminal.

    Args:
        states: where to linearise; failed steps get NaN.
        targets: quantities wanted, at steps of the states.
        movable: positions of the terminals that act on the pipes, with their names; the others
            (at the plant) have slopes of zero.
        evaluate: the adapter's engine.
    """
    p_kw = states.injections.p_kw
    steps, n = p_kw.shape
    row_of = {int(step): row for row, step in enumerate(states.injections.steps)}
    rows = np.array([row_of[target.step] for target in targets], dtype=np.int64)
    d_target = np.zeros((len(targets), n))
    d_loss, d_auxiliary = np.zeros((steps, n)), np.zeros((steps, n))
    for k in movable:
        low, high, gap = _move(states, k, evaluate)
        d_loss[:, k] = (high.loss_kw - low.loss_kw) / gap
        d_auxiliary[:, k] = (high.auxiliary_kw - low.auxiliary_kw) / gap
        change = pick(high, targets, rows) - pick(low, targets, rows)
        d_target[:, k] = change / gap[rows]
    failed = [row_of[failure.step] for failure in states.failures]
    d_loss[failed] = np.nan
    d_auxiliary[failed] = np.nan
    zeros = read_only(np.zeros((steps, n)))
    return Sensitivities(
        grid=states.grid,
        terminals=states.injections.terminals,
        injections=states.injections,
        targets=tuple(targets),
        value=read_only(pick(states, targets, rows)),
        d_dp_per_kw=read_only(d_target),
        d_dq_per_kvar=read_only(np.zeros_like(d_target)),
        d_loss_dp=read_only(d_loss),
        d_loss_dq=zeros,
        d_auxiliary_dp=read_only(d_auxiliary),
        loss_kw=states.loss_kw,
        auxiliary_kw=states.auxiliary_kw,
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """States on one side, with the base states where the terminal was not moved."""

    loss_kw: FloatArray
    auxiliary_kw: FloatArray
    fields: tuple[StateField, ...]


def _move(states: GridStates, k: int, evaluate: Evaluate) -> tuple[_Side, _Side, FloatArray]:
    """Return states with terminal k moved down and up, and how far they are apart in kW.

    Where one of the two has no physical state, the state itself takes its place.
    """
    p_kw = states.injections.p_kw
    size = choose_step(p_kw[:, k])
    sides, moved = [], []
    for sign in (-1.0, 1.0):
        trial = np.array(p_kw)
        trial[:, k] += sign * size
        found = evaluate(trial)
        usable = np.isfinite(found.loss_kw)
        sides.append(_merge(states, found, usable))
        moved.append(np.where(usable, size, 0.0))
    gap = moved[0] + moved[1]
    return sides[0], sides[1], np.where(gap > 0.0, gap, np.nan)


def _merge(base: GridStates, found: GridStates, usable: np.ndarray) -> _Side:
    fields = tuple(
        StateField(new.element, new.quantity, new.ids, np.where(usable[:, None], new.values, old))
        for new, old in zip(found.fields, (f.values for f in base.fields), strict=True)
    )
    return _Side(
        np.where(usable, found.loss_kw, base.loss_kw),
        np.where(usable, found.auxiliary_kw, base.auxiliary_kw),
        fields,
    )


def pick(states: GridStates | _Side, targets: Sequence[Target], rows: IntArray) -> FloatArray:
    """Return the value of every target; `rows` are the targets' steps as rows of the states."""
    columns = {(f.element, f.quantity): f for f in states.fields}
    places: dict[tuple[str, str], dict[int, int]] = {}
    values = np.empty(len(targets))
    for m, target in enumerate(targets):
        key = (target.element, target.quantity)
        if key not in places:
            places[key] = {int(id_): k for k, id_ in enumerate(columns[key].ids)}
        values[m] = columns[key].values[rows[m], places[key][target.id]]
    return values
