"""First-order behaviour of a heat network: exact slopes, differences where those mislead.

Slopes come from the equations themselves (`sensitivity`) where the batch covers the network; else,
and for quantities that it does not know, each terminal's injection is moved a little up and down
and all steps are solved at once. Two places need more than a tangent in any case:

- A terminal (almost) at rest sits on a kink: its stagnant connection is at ground temperature and
  loses nothing, and whether it starts to draw or to feed in, losses rise. There the slope is a
  secant over a larger step to both sides, in which the connection's own losses cancel.
- A pipe between two sources that is about to stand still cools down within a fraction of a kW, and
  losses dip with slopes of several kW per kW. That is no guide to a market that moves by tens of
  kW, so slopes of losses beyond `ERRATIC` are taken over a wide step instead.

What the plant delivers is losses plus what is drawn less what is fed in, so that its slope is that
of the losses minus one, and a cut on it moves with the loss line of the same round. Where there are
other producers too, its slope is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cosim.grids.heat.sensitivity import PLANT_BALANCE, Exact
from cosim.records import GridStates, Sensitivities, Target, read_only
from cosim.records.time import FloatArray, IntArray

RELATIVE_STEP = 1e-4
SMALLEST_STEP_KW = 0.002
LARGEST_STEP_KW = 0.2
AT_REST_KW = 0.1
"""Below this a terminal's own connection dominates its response."""
REST_STEP_KW = 1.0
REST_STEP_SHARE = 0.05
"""Step of a resting terminal as a share of its largest power in the scenario's steps."""

ERRATIC = 0.25
"""Slope of losses or pump power, kW per kW, that only a pipe about to stand still has."""
WIDE_STEP_KW = 10.0
WIDE_STEP_SHARE = 0.1

Evaluate = Callable[[IntArray, FloatArray], GridStates]
"""States at some rows of the injections, with other p_kw, shape (rows, n)."""


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
    movable: Sequence[int],
    evaluate: Evaluate,
    exact: Exact | None = None,
    balanced: bool = True,
) -> Sensitivities:
    """Return slopes of targets, losses and pump power for every movable terminal.

    Args:
        states: where to linearise; steps without values get NaN.
        targets: quantities wanted, at steps of the states.
        movable: positions of the terminals that act on the pipes; the others (at the plant) have
            slopes of zero.
        evaluate: the adapter's engine.
        exact: slopes that need no differences, NaN where unknown.
        balanced: the plant alone makes up for what is not fed in.
    """
    p_kw = states.injections.p_kw
    steps, n = p_kw.shape
    row_of = {int(step): row for row, step in enumerate(states.injections.steps)}
    rows = np.array([row_of[target.step] for target in targets], dtype=np.int64)
    d_target = np.zeros((len(targets), n))
    d_loss, d_auxiliary = np.zeros((steps, n)), np.zeros((steps, n))
    plant = [m for m, t in enumerate(targets) if balanced and t.quantity in PLANT_BALANCE]
    for k in movable:
        todo = np.ones(steps, dtype=bool)
        if exact is not None:
            d_loss[:, k], d_auxiliary[:, k] = exact.loss[:, k], exact.auxiliary[:, k]
            d_target[:, k] = exact.target[:, k]
            todo = (np.abs(p_kw[:, k]) < AT_REST_KW) | ~np.isfinite(exact.loss[:, k])
        some = np.flatnonzero(todo & np.isfinite(states.loss_kw))
        if len(some):
            sides = _move(states, k, some, choose_step(p_kw[:, k])[some], evaluate)
            d_loss[some, k], d_auxiliary[some, k] = sides[0].slopes(sides[1])
            asked = np.flatnonzero(np.isin(rows, some))
            d_target[asked, k] = _slopes_at(*sides, targets, rows, asked)
        odd = np.flatnonzero(np.abs(d_loss[:, k]) > ERRATIC)
        if len(odd):
            d_loss[odd, k], d_auxiliary[odd, k] = _wide(states, k, odd, evaluate)
        d_target[plant, k] = d_loss[rows[plant], k] - 1.0
    empty = ~np.isfinite(states.loss_kw)
    d_loss[empty] = np.nan
    d_auxiliary[empty] = np.nan
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
    """States on one side of the base; where they do not exist, the base itself.

    Attributes:
        states: as evaluated.
        base: states that were moved from.
        rows: rows of the base that were evaluated.
        usable: rows where the states exist.
        moved_kw: how far the terminal was moved, zero where it stays at the base.
        loss_kw: losses of either.
        auxiliary_kw: pump power of either.
    """

    states: GridStates
    base: GridStates
    rows: IntArray
    usable: np.ndarray
    moved_kw: FloatArray
    loss_kw: FloatArray
    auxiliary_kw: FloatArray

    def pick(self, targets: Sequence[Target], rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return value and distance moved for every target, at rows of this side.

        A quantity that does not apply on this side (a consumer at rest has no supply temperature
        to keep) stays at the base too.
        """
        there = pick(self.states, targets, rows)
        here = pick(self.base, targets, self.rows[rows])
        applies = self.usable[rows] & np.isfinite(there)
        return np.where(applies, there, here), np.where(applies, self.moved_kw[rows], 0.0)

    def slopes(self, high: _Side) -> tuple[FloatArray, FloatArray]:
        """Return slopes of losses and pump power up to the other side; none where it has no state.

        A line with a slope of zero is better than a line that is missing.
        """
        gap = _gap(self, high)
        known = np.isfinite(gap)
        d_loss = np.where(known, (high.loss_kw - self.loss_kw) / gap, 0.0)
        d_auxiliary = np.where(known, (high.auxiliary_kw - self.auxiliary_kw) / gap, 0.0)
        return d_loss, d_auxiliary


def _slopes_at(
    low: _Side, high: _Side, targets: Sequence[Target], rows: IntArray, asked: IntArray
) -> FloatArray:
    """Return slopes of the targets `asked` for, whose `rows` of the base the sides have."""
    place = np.searchsorted(low.rows, rows[asked])
    return _target_slopes(low, high, [targets[m] for m in asked.tolist()], place)


def _target_slopes(
    low: _Side, high: _Side, targets: Sequence[Target], rows: IntArray
) -> FloatArray:
    below, down_kw = low.pick(targets, rows)
    above, up_kw = high.pick(targets, rows)
    gap = down_kw + up_kw
    return (above - below) / np.where(gap > 0.0, gap, np.nan)


def _gap(low: _Side, high: _Side) -> FloatArray:
    """Return how far the two sides are apart, NaN where neither exists."""
    gap = low.moved_kw + high.moved_kw
    return np.where(gap > 0.0, gap, np.nan)


def _move(
    states: GridStates, k: int, rows: IntArray, size_kw: FloatArray, evaluate: Evaluate
) -> tuple[_Side, _Side]:
    """Return states with terminal k moved down and up by `size_kw` at some rows."""
    sides = []
    for sign in (-1.0, 1.0):
        trial = np.array(states.injections.p_kw[rows])
        trial[:, k] += sign * size_kw
        found = evaluate(rows, trial)
        usable = np.isfinite(found.loss_kw)
        sides.append(
            _Side(
                states=found,
                base=states,
                rows=rows,
                usable=usable,
                moved_kw=np.where(usable, size_kw, 0.0),
                loss_kw=np.where(usable, found.loss_kw, states.loss_kw[rows]),
                auxiliary_kw=np.where(usable, found.auxiliary_kw, states.auxiliary_kw[rows]),
            )
        )
    return sides[0], sides[1]


def _wide(
    states: GridStates, k: int, rows: IntArray, evaluate: Evaluate
) -> tuple[FloatArray, FloatArray]:
    """Return slopes of losses and pump power over a wide step at some rows."""
    size = max(WIDE_STEP_KW, WIDE_STEP_SHARE * float(np.abs(states.injections.p_kw[:, k]).max()))
    low, high = _move(states, k, rows, np.full(len(rows), size), evaluate)
    return low.slopes(high)


def pick(states: GridStates, targets: Sequence[Target], rows: IntArray) -> FloatArray:
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
