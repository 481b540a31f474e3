"""Say why a schedule does not pass: limit, place, steps, amount, and the least that would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cosim.coupling.feedback import margin_of
from cosim.coupling.networks import Networks, Verification
from cosim.coupling.outcome import Cause
from cosim.coupling.trust import TRUST_REGION
from cosim.records import Cut, CutKey, Limit, TimeAxis, Violation
from cosim.records.names import PUMP_PREFIX

Key = tuple[str, str, str, int]
NameOf = Callable[[str, str, int], str]
CAUSES_KEPT = 10


def find_causes(
    networks: Networks,
    unmet: Mapping[CutKey, float],
    verification: Verification,
    alone: Verification,
    cuts: Mapping[CutKey, Cut],
    margin: float,
    keep: int | None = CAUSES_KEPT,
) -> tuple[Cause, ...]:
    """Return the limits that are missed, per element, the worst of each limit first.

    Args:
        networks: adapters, for bounds and units.
        unmet: slack of the cuts that the market could not meet, in kW at the strongest terminal.
        verification: the state of that schedule.
        alone: state of the networks without participants.
        cuts: kept in the market.
        margin: share by which cuts lie inside their limit.
        keep: how many to return; all of them if missing.
    """
    missed: dict[Key, list[Violation]] = {}
    for violation in verification.violations:
        key = (violation.grid, violation.limit, violation.element, violation.id)
        missed.setdefault(key, []).append(violation)
    needed = _relaxations(networks, unmet, cuts, margin)
    before = {(v.grid, v.limit, v.element, v.id): 0.0 for v in alone.violations}
    for v in alone.violations:
        key = (v.grid, v.limit, v.element, v.id)
        before[key] = max(before[key], v.amount)
    causes = []
    for key, found in missed.items():
        worst = max(found, key=lambda v: v.amount)
        limit = _limit(networks, key[0], key[1])
        causes.append(
            Cause(
                *key,
                steps=tuple(sorted(v.step for v in found)),
                worst_step=worst.step,
                amount=worst.amount,
                least_relaxation=needed.get(key),
                unit=limit.unit,
                without_participants=before.get(key, 0.0),
            )
        )
    return tuple(causes) if keep is None else ranked(causes, keep)


def ranked(causes: Sequence[Cause], keep: int = CAUSES_KEPT) -> tuple[Cause, ...]:
    """Return causes worst first within each limit, limits in turn, at most `keep` in all."""
    groups: dict[tuple[str, str], list[Cause]] = {}
    for cause in sorted(causes, key=lambda c: -c.amount):
        groups.setdefault((cause.grid, cause.limit), []).append(cause)
    ordered = sorted(groups.values(), key=lambda group: -sum(len(c.steps) for c in group))
    rounds = [group[k] for k in range(keep) for group in ordered if k < len(group)]
    return tuple(rounds[:keep])


def _relaxations(
    networks: Networks, unmet: Mapping[CutKey, float], cuts: Mapping[CutKey, Cut], margin: float
) -> dict[Key, float]:
    """Return per element the largest widening of its bound that the market asks for.

    Elements whose slack is within the margin of their cut are left out: the market asks for none.
    """
    needed: dict[Key, float] = {}
    for key, slack_kw in unmet.items():
        cut = cuts.get(key)
        if cut is None or key.limit == TRUST_REGION:
            continue
        limit = _limit(networks, key.grid, key.limit)
        bound = float(limit.bound[int(np.flatnonzero(limit.ids == key.id)[0])])
        scale = strongest(cut, networks.grids[key.grid].inputs.kind)
        amount = slack_kw * scale - margin_of(limit, bound, margin)
        place = (key.grid, key.limit, key.element, key.id)
        if amount > 0.0:
            needed[place] = max(needed.get(place, 0.0), amount)
    return needed


def strongest(cut: Cut, kind: str) -> float:
    """Return the largest coefficient of a cut in the market, in the limit's unit per kW or kvar.

    Slack is in kW at the strongest terminal. Reactive power is a variable of the market in
    electric networks only, and not at the terminals of pumps; its coefficients elsewhere are not
    in the market's row.
    """
    largest = float(np.abs(cut.coef_p).max(initial=0.0))
    if kind != "electric":
        return largest
    reactive = np.array([not name.startswith(PUMP_PREFIX) for name in cut.terminals], dtype=bool)
    return max(largest, float(np.abs(cut.coef_q[reactive]).max(initial=0.0)))


def _limit(networks: Networks, grid: str, name: str) -> Limit:
    return next(limit for limit in networks.grids[grid].limits if limit.name == name)


def sentence(causes: Sequence[Cause], verification: Verification, time: TimeAxis) -> str:
    """Return one sentence that names the worst cause, for people."""
    if verification.failures:
        grid, failure = verification.failures[0]
        when = time.index[failure.step].strftime("%Y-%m-%d %H:%M")
        return f"{grid} has no physical state at {when}: {failure.reason}"
    if not causes:
        return ""
    first = causes[0]
    when = time.index[first.worst_step].strftime("%Y-%m-%d %H:%M")
    text = (
        f"{first.grid}: {first.limit} of {first.element} {first.id} is missed at "
        f"{len(first.steps)} steps, by {first.amount:.4g} {first.unit} at {when}"
    )
    if first.least_relaxation is None:
        text += ", as verified; the market does not say what relaxation would do"
    else:
        text += (
            "; the least relaxation that would do is "
            f"{first.least_relaxation:.4g} {first.unit}, to first order"
        )
    if first.without_participants > 0.0:
        text += (
            " (without any participant it is already missed by "
            f"{first.without_participants:.4g} {first.unit})"
        )
    others = len({(c.grid, c.limit) for c in causes}) - 1
    return f"{text}; {others} more limits are missed" if others else text
