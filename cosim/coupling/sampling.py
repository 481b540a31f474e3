"""Which steps to re-run in the reference engine, and what follows from the comparison.

Pure functions: propose -> choose -> (somebody evaluates them again) -> compare -> beyond the gates?
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cosim.coupling.feedback import scale_of
from cosim.grids.base import Grid
from cosim.grids.limits import LimitCheck, check
from cosim.records import GridStates, Injections, Limit, StateField
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.verification import VerificationSection

Rule = Literal["random", "near_limit", "worst", "reversal", "low_load", "residual", "failed"]
RULES: tuple[Rule, ...] = (
    "near_limit",
    "worst",
    "failed",
    "reversal",
    "low_load",
    "residual",
    "random",
)
"""A step that several rules ask for is counted under the first of them."""

ODD: tuple[Rule, ...] = ("failed", "reversal", "low_load", "residual")

GATES: Mapping[str, float] = {
    "vm_pu": 1e-7,
    "p_bar": 1e-5,
    "t_k": 1e-4,
    "hydrogen_fraction": 1e-6,
}
"""Largest accepted difference between a batch kernel and its reference engine, by quantity; a
hundredth and less of the tolerances of the limits."""
BINDING = 0.05
"""Share of its bound within which the worst steps of a limit are worth a re-run."""
LOW_LOAD = 0.05
"""Share of the highest throughput below which a step counts as low load."""
RESIDUAL = 1e-6
"""Energy balance residual, share of throughput, from which a step is suspicious."""
STILL_KG_PER_S = 1e-4
"""Flow below which a direction means nothing."""
SAME_KW = 0.01
"""Injections that differ by less are the same point."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A step that a rule may want to see re-run.

    Attributes:
        rule: which one.
        step: position on the time axis.
        limit: closest limit, for `worst`.
        distance: to it, as a share of its scale.
    """

    rule: Rule
    step: int
    limit: str = ""
    distance: float = 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Kernel against reference at some steps of one network.

    Attributes:
        grid: network.
        worst: largest difference per gated quantity.
        reasons: every gate that was missed and every contradiction, for people; empty if none.
    """

    grid: str
    worst: Mapping[str, float]
    reasons: tuple[str, ...]


def propose(
    grid: Grid,
    states: GridStates,
    checks: Iterable[LimitCheck],
    settings: VerificationSection,
    peak_kw: float | None = None,
) -> list[Proposal]:
    """Return every step that is near a limit, closest to one, or of a kind that kernels find hard.

    Args:
        grid: the adapter.
        states: from the batch kernel, T steps.
        checks: of these states.
        settings: how many, how near.
        peak_kw: highest throughput, where these are not all steps of the horizon.
    """
    failed = _failed(states)
    steps = states.injections.steps
    drawn = drawn_kw(grid, states.injections)
    peak_kw = float(drawn.max(initial=0.0)) if peak_kw is None else peak_kw
    found = _close(steps, checks, settings, failed)
    odd: dict[Rule, np.ndarray] = {
        "failed": failed,
        "reversal": _reversed(states) & ~failed,
        "low_load": (drawn < LOW_LOAD * peak_kw) & ~failed,
        "residual": _unbalanced(grid, states) & ~failed,
    }
    found += [Proposal(rule, int(step)) for rule, mask in odd.items() for step in steps[mask]]
    return found


def choose(
    proposals: Iterable[Proposal],
    solved: IntArray,
    settings: VerificationSection,
    rng: np.random.Generator,
) -> dict[int, Rule]:
    """Return the steps to re-run, each with the first rule that asks for it.

    Args:
        proposals: of all steps.
        solved: steps with a state, for the random ones.
        settings: how many.
        rng: for what is drawn.
    """
    asked: dict[Rule, list[int]] = {rule: [] for rule in RULES}
    worst: dict[str, list[tuple[float, int]]] = {}
    for proposal in proposals:
        if proposal.rule == "worst":
            worst.setdefault(proposal.limit, []).append((proposal.distance, proposal.step))
        else:
            asked[proposal.rule].append(proposal.step)
    for found in worst.values():
        asked["worst"] += [step for _, step in sorted(found)[: settings.worst_per_limit]]
    for rule in ODD:
        asked[rule] = _some(asked[rule], settings.odd_steps, rng)
    asked["random"] = _some(solved, settings.sample_steps, rng)
    chosen: dict[int, Rule] = {}
    for rule in RULES:
        for step in asked[rule]:
            chosen.setdefault(step, rule)
    return chosen


def relative_margins(item: LimitCheck, failed: np.ndarray) -> FloatArray:
    """Return the smallest distance to the bound per step, as a share of its scale, shape (T,).

    Infinite where the limit does not apply or the step has no state.
    """
    distance = np.abs(item.margin) / scales(item.limit)[None, :]
    distance = np.where(np.isfinite(distance), distance, np.inf)
    closest: FloatArray = distance.min(axis=1, initial=np.inf)
    return np.where(failed, np.inf, closest)


def scales(limit: Limit) -> FloatArray:
    """Return what each quantity behind a limit can vary over, never zero, in the limit's unit.

    A bound of zero has a hundred times its tolerance for a scale.
    """
    least = max(100.0 * limit.tolerance, 1e-12)
    scale: FloatArray = np.maximum(scale_of(limit, limit.bound), least)
    return scale


def compare(grid: Grid, fast: GridStates, reference: GridStates) -> Comparison:
    """Return how far a kernel is from the reference at the same steps, and whether it may go on.

    Missed gates, steps that only one of the two can solve, values that only one of the two has,
    and limits that only one of the two finds kept all end the kernel's use.
    """
    steps = fast.injections.steps
    alone = _failed(fast) != _failed(reference)
    reasons = [
        f"{'the reference' if failed else 'the kernel'} alone finds a state at step {int(step)}"
        for step, failed in zip(steps[alone], _failed(fast)[alone], strict=True)
    ]
    both = ~(_failed(fast) | _failed(reference))
    worst: dict[str, float] = {}
    for column in reference.fields:
        if column.quantity not in GATES or column.element not in ("bus", "junction"):
            continue
        other = fast.get(column.element, column.quantity)
        value, place = _largest(other, column, both)
        worst[column.quantity] = value
        if not value <= GATES[column.quantity]:
            where = f"{column.element} {int(column.ids[place[1]])}, step {int(steps[place[0]])}"
            reasons.append(
                f"{column.quantity} of the batch kernel is {value:.2g} off its reference at {where}"
            )
    reasons += _contradictions(grid, fast, reference, both)
    return Comparison(fast.grid, worst, tuple(reasons[:5]))


def drawn_kw(grid: Grid, entry: Injections) -> FloatArray:
    """Return what participants and background customers draw per step, shape (T,)."""
    drawn: FloatArray = np.maximum(-entry.p_kw, 0.0).sum(axis=1)
    return drawn + _background(grid, entry.steps, -1.0)


def same_point(a: FloatArray, b: FloatArray) -> bool:
    """Return whether two rows of injections are the same but for rounding, kW."""
    return bool(np.abs(a - b).max(initial=0.0) <= SAME_KW)


def _contradictions(
    grid: Grid, fast: GridStates, reference: GridStates, both: np.ndarray
) -> list[str]:
    found = []
    for a, b in zip(check(fast, grid.limits), check(reference, grid.limits), strict=True):
        rows = (a.violated != b.violated).any(axis=1) & both
        if rows.any():
            step = int(a.steps[np.flatnonzero(rows)[0]])
            found.append(f"kernel and reference disagree on {a.limit.name} at step {step}")
    return found


def _largest(
    fast: StateField, reference: StateField, rows: np.ndarray
) -> tuple[float, tuple[int, int]]:
    """Return the largest difference and where; infinite where only one has a value."""
    a, b = fast.values[rows], reference.values[rows]
    if not a.size:
        return 0.0, (0, 0)
    difference = np.where(np.isnan(a) & np.isnan(b), 0.0, np.abs(a - b))
    difference = np.where(np.isnan(difference), np.inf, difference)
    row, column = np.unravel_index(int(difference.argmax()), difference.shape)
    return float(difference[row, column]), (int(np.flatnonzero(rows)[row]), int(column))


def _failed(states: GridStates) -> np.ndarray:
    return np.isin(states.injections.steps, [failure.step for failure in states.failures])


def _close(
    steps: IntArray, checks: Iterable[LimitCheck], settings: VerificationSection, failed: np.ndarray
) -> list[Proposal]:
    """Propose the steps near any limit, and the closest ones of each limit that may bind."""
    found = []
    for item in checks:
        distance = relative_margins(item, failed)
        near = steps[distance <= settings.near_limit]
        found += [Proposal("near_limit", int(step)) for step in near]
        for row in np.argsort(distance, kind="stable")[: settings.worst_per_limit]:
            if distance[row] <= BINDING:
                name, value = item.limit.name, float(distance[row])
                found.append(Proposal("worst", int(steps[row]), name, value))
    return found


def _reversed(states: GridStates) -> np.ndarray:
    """Mark steps at which a pipe flows against its prevailing direction; feed-in, electric."""
    mask = np.zeros(len(states.injections.steps), dtype=bool)
    for column in states.fields:
        is_flow = column.element == "pipe" and column.quantity == "mdot_from_kg_per_s"
        is_slack = column.element == "ext_grid" and column.quantity == "p_mw"
        if is_flow or is_slack:
            flow = np.nan_to_num(column.values)
            usual = np.sign(flow.sum(axis=0))[None, :]
            mask |= (flow * usual < -STILL_KG_PER_S).any(axis=1)
    return mask


def _unbalanced(grid: Grid, states: GridStates) -> np.ndarray:
    """Mark steps at which supply, injections and losses do not add up."""
    entry = states.injections
    in_pipes = np.array([not t.at_slack for t in grid.inputs.terminals], dtype=bool)
    background = _background(grid, entry.steps, 1.0) - _background(grid, entry.steps, -1.0)
    residual = states.slack_kw + entry.p_kw[:, in_pipes].sum(axis=1) + background - states.loss_kw
    through = np.maximum(np.abs(states.slack_kw), np.abs(entry.p_kw).sum(axis=1))
    unbalanced: np.ndarray = np.abs(residual) > RESIDUAL * np.maximum(through, 1.0)
    return unbalanced


def _background(grid: Grid, steps: IntArray, sign: float) -> FloatArray:
    """Return what background customers feed in (sign 1) or draw (-1) at some steps, kW."""
    total = np.zeros(len(steps))
    for series in grid.inputs.background.series:
        total += np.maximum(sign * series.p_kw[steps], 0.0).sum(axis=1)
    return total


def _some(steps: Sequence[int] | IntArray, count: int, rng: np.random.Generator) -> list[int]:
    chosen = rng.choice(np.asarray(steps, dtype=np.int64), min(count, len(steps)), replace=False)
    return sorted(int(step) for step in chosen)
