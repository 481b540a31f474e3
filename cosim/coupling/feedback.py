"""Turn what the networks refuse into constraints of the market: limit cuts and loss lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from cosim.grids.base import Grid
from cosim.records import (
    Cut,
    CutKey,
    GridStates,
    Limit,
    LossLine,
    Sensitivities,
    Target,
    Violation,
    read_only,
)
from cosim.records.time import FloatArray
from cosim.scenario.networks import charged_kinds

CANDIDATES_PER_LIMIT_AND_STEP = 12
"""Violations that are linearised per limit and step, worst first."""
COMPANIONS_PER_LIMIT = 6
"""Elements per limit that are also linearised at the steps where they still pass."""
TINY = 1e-9
"""Smallest movement that counts, in the limit's unit."""
PARALLEL = 0.98
"""Cosine above which two cuts of one limit and step say the same; the worse one is kept."""
MIXED = "hydrogen_fraction"
"""Quantity that is a share of a mixture."""
SATURATED = 0.999
"""Shares above this have no odds to speak of."""
REACH_KW = 1000.0
"""A quantity that 1 MW at the strongest terminal moves by less than the limit's tolerance is out of
reach of the participants."""


def choose_targets(
    found: Iterable[Violation],
    limits: Iterable[Limit],
    steps: Iterable[int],
    spread: set[tuple[str, int]],
) -> tuple[Target, ...]:
    """Return what to linearise: the worst violations, and their elements at every other step.

    A schedule that gives way at one step moves to another, so the elements that are missed worst
    are also cut where they still pass. That is only done for limits whose linearisation keeps
    every feasible point.

    Args:
        found: violations of one network.
        limits: the adapter's limits.
        steps: positions of the steps that have a state.
        spread: (limit, element) that was linearised at every step before; added to here.
    """
    groups: dict[tuple[str, int], list[Violation]] = {}
    worst: dict[tuple[str, int], Violation] = {}
    for violation in sorted(found, key=lambda v: -v.amount):
        groups.setdefault((violation.limit, violation.step), []).append(violation)
        worst.setdefault((violation.limit, violation.id), violation)
    targets = [
        Target(v.limit, v.element, v.quantity, v.id, v.step)
        for group in groups.values()
        for v in group[:CANDIDATES_PER_LIMIT_AND_STEP]
    ]
    known = set(targets)
    outer = {limit.name for limit in limits if limit.outer}
    taken: dict[str, int] = {}
    for (limit_name, id_), v in worst.items():
        fresh = (limit_name, id_) not in spread
        if limit_name in outer and fresh and taken.get(limit_name, 0) < COMPANIONS_PER_LIMIT:
            taken[limit_name] = taken.get(limit_name, 0) + 1
            spread.add((limit_name, id_))
            others = (Target(limit_name, v.element, v.quantity, id_, int(step)) for step in steps)
            targets.extend(target for target in others if target not in known)
    return tuple(targets)


def margin_of(limit: Limit, bound: float, margin: float) -> float:
    """Return how far inside its bound a limit is cut, in the limit's unit: a share of its scale."""
    return margin * float(scale_of(limit, np.array([bound]))[0])


def scale_of(limit: Limit, bound: FloatArray) -> FloatArray:
    """Return what the quantity behind a limit can vary over, in the limit's unit.

    The distance from nominal voltage, 10 K for temperatures, the bound itself for everything else.
    """
    scale: FloatArray = np.abs(bound)
    if limit.unit == "pu":
        scale = np.abs(1.0 - bound)
    elif limit.unit == "C":
        scale = np.full_like(bound, 10.0)
    return scale


def limit_cuts(
    sensitivities: Sensitivities, limits: Iterable[Limit], iteration: int, margin: float
) -> tuple[list[Cut], tuple[Target, ...]]:
    """Return the cuts that keep each target inside its bound, to first order.

    For an upper bound b of a quantity with value y0 and gradient g at the injections x0:
    `g @ x <= b - margin - y0 + g @ x0`; for a lower bound with the signs turned. Shares of hydrogen
    are cut by their odds.

    Args:
        sensitivities: values and gradients, m targets.
        limits: the adapter's limits, to look up bounds.
        iteration: written into the keys.
        margin: see `margin_of`.

    Returns:
        At most one cut per target (parallel cuts of one limit and step are left out), and the
        targets that no participant can influence.
    """
    by_name = {limit.name: limit for limit in limits}
    kept: list[Cut] = []
    immovable: list[Target] = []
    directions: dict[tuple[str, int], list[FloatArray]] = {}
    for k, target in enumerate(sensitivities.targets):
        limit = by_name[target.limit]
        cut = _cut(sensitivities, k, limit, iteration, margin)
        length = float(np.hypot(np.linalg.norm(cut.coef_p), np.linalg.norm(cut.coef_q)))
        if not np.isfinite(length) or not np.isfinite(cut.rhs):
            continue
        if length * REACH_KW < max(limit.tolerance, TINY):
            immovable.append(target)
            continue
        direction = np.concatenate([cut.coef_p, cut.coef_q]) / length
        known = directions.setdefault((target.limit, target.step), [])
        if any(float(direction @ other) > PARALLEL for other in known):
            continue
        known.append(direction)
        kept.append(cut)
    return kept, tuple(immovable)


def _cut(s: Sensitivities, k: int, limit: Limit, iteration: int, margin: float) -> Cut:
    target = s.targets[k]
    bound = float(limit.bound[int(np.flatnonzero(limit.ids == target.id)[0])])
    row = int(np.flatnonzero(s.injections.steps == target.step)[0])
    at_point = (
        s.d_dp_per_kw[k] @ s.injections.p_kw[row] + s.d_dq_per_kvar[k] @ s.injections.q_kvar[row]
    )
    sign = 1.0 if limit.sense == "max" else -1.0
    room = sign * (bound - float(s.value[k])) - margin_of(limit, bound, margin)
    if limit.quantity == MIXED and max(float(s.value[k]), bound) < SATURATED:
        room, steeper = _in_odds(float(s.value[k]), bound, margin_of(limit, bound, margin))
        sign *= steeper
    return Cut(
        key=CutKey(s.grid, limit.name, limit.element, target.id, target.step, iteration),
        terminals=s.terminals,
        coef_p=read_only(sign * s.d_dp_per_kw[k]),
        coef_q=read_only(sign * s.d_dq_per_kvar[k]),
        rhs=room + sign * float(at_point),
        outer=limit.outer,
    )


def _in_odds(value: float, bound: float, margin: float) -> tuple[float, float]:
    """Return the room of an upper bound on a share of a mixture, and the factor of its gradient.

    A share v = h / (h + g) bends so much that its tangent far above a low bound asks for less than
    nothing of h; its odds v / (1 - v) = h / g are linear in h. Both are scaled to the slope that
    they have at the bound, so a cut is in the limit's unit there.
    """
    scale = (1.0 - bound) ** 2
    most = bound - margin
    room = (most / (1.0 - most) - value / (1.0 - value)) * scale
    return room, scale / (1.0 - value) ** 2


@dataclass(frozen=True, slots=True)
class Flat:
    """Steps at which slopes have proved wrong; lines are constant there.

    Attributes:
        loss: position of the step -> losses that the market shall count with, kW.
        auxiliary: the same for pump electricity.
    """

    loss: Mapping[int, float] = field(default_factory=dict)
    auxiliary: Mapping[int, float] = field(default_factory=dict)


def loss_lines(
    s: Sensitivities, iteration: int, exact: bool, auxiliary: bool, flat: Flat
) -> list[LossLine]:
    """Return tangents of losses, and of pump electricity where the network has any.

    `loss(x) ~ loss(x0) + g @ (x - x0)`, one line per step that has a physical state; at flat steps
    `loss(x) ~ loss(x0)`.
    """
    lines = [_line(s, "loss", iteration, exact, flat.loss)]
    if auxiliary:
        lines.append(_line(s, "auxiliary", iteration, True, flat.auxiliary))
    return lines


def _line(
    s: Sensitivities,
    kind: Literal["loss", "auxiliary"],
    iteration: int,
    exact: bool,
    flat: Mapping[int, float],
) -> LossLine:
    """Return a line through the verified point, without slope at the steps of `flat`."""
    is_loss = kind == "loss"
    found_kw = s.loss_kw if is_loss else s.auxiliary_kw
    held_kw = np.array([flat.get(int(step), np.nan) for step in s.injections.steps])
    value_kw = np.where(np.isfinite(held_kw), held_kw, found_kw)
    sloped = ~np.isin(s.injections.steps, list(flat))[:, None]
    d_dp = np.where(sloped, s.d_loss_dp if is_loss else s.d_auxiliary_dp, 0.0)
    d_dq = np.where(sloped, s.d_loss_dq, 0.0) if is_loss else np.zeros_like(s.d_loss_dq)
    at_point = (d_dp * s.injections.p_kw).sum(axis=1) + (d_dq * s.injections.q_kvar).sum(axis=1)
    usable = np.isfinite(value_kw - at_point)
    return LossLine(
        grid=s.grid,
        kind=kind,
        iteration=iteration,
        steps=read_only(s.injections.steps[usable], np.int64),
        terminals=s.terminals,
        constant_kw=read_only((value_kw - at_point)[usable]),
        coef_p=read_only(d_dp[usable]),
        coef_q=read_only(d_dq[usable]),
        exact=exact,
    )


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one network says back.

    Attributes:
        cuts: limits, linearised.
        lines: losses and pump electricity, linearised.
        immovable: violated targets that no participant can influence.
    """

    cuts: tuple[Cut, ...]
    lines: tuple[LossLine, ...]
    immovable: tuple[Target, ...]


def feed_back(
    grid: Grid,
    states: GridStates,
    targets: tuple[Target, ...],
    iteration: int,
    margin: float,
    flat: Flat,
) -> Feedback:
    """Linearise one network at its verified states.

    Losses of an electric network are convex in the injections, so its tangents accumulate; heat
    losses and pump power follow the newest line exactly.
    """
    kind = grid.inputs.kind
    sensitivities = grid.linearise(states, targets)
    cuts, immovable = limit_cuts(sensitivities, grid.limits, iteration, margin)
    if kind == "gas":
        kinds = charged_kinds(kind, grid.inputs.settings)
        held = flat.auxiliary
        pumped = [_line(sensitivities, k, iteration, True, held) for k in kinds]
        return Feedback(tuple(cuts), tuple(pumped), immovable)
    piped = kind in ("heat", "cooling")
    lines = loss_lines(sensitivities, iteration, exact=piped, auxiliary=piped, flat=flat)
    return Feedback(tuple(cuts), tuple(lines), immovable)
