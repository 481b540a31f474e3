"""Why a market has no solution, in the user's words: who lacks what, when and how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cosim.errors import Infeasible
from cosim.market.compile import Compiled
from cosim.market.extras import Extra
from cosim.market.highs import Handle, Outcome, Status
from cosim.market.layout import RowGroup
from cosim.market.program import Bounds
from cosim.records.names import NETWORK
from cosim.records.time import FloatArray, IntArray
from cosim.scenario import Scenario
from cosim.scenario.participants import Carrier

LACK_KW = 1e-3
"""Unserved demand below this is rounding."""
MISSED = 1e-4
"""The same for a device's own constraint, in its unit (kW, kWh, on or off)."""
MOST_NAMED = 5
MOST_TRIED = 40
"""Constraints that are tried one by one as the cause."""


@dataclass(frozen=True, slots=True)
class Case:
    """A market without a solution."""

    compiled: Compiled
    scenario: Scenario
    bounds: Bounds
    extras: Sequence[Extra]


def explain(
    compiled: Compiled, scenario: Scenario, bounds: Bounds, extras: Sequence[Extra]
) -> Infeasible:
    """Return the error for a market without a solution.

    Unserved demand and unwanted surplus are opened in every balance and their sum is minimised,
    first without binaries, then with them. Where that is no cure, devices contradict themselves:
    the balances are opened for nothing and the devices' limits and requirements at a price.
    """
    case = Case(compiled, scenario, bounds, extras)
    rows = np.concatenate(list(compiled.layout.balances.values()))
    for integer in (False, True):
        outcome, both = _elastic(case, rows, np.ones(len(rows)), integer=integer)
        if outcome.x is None:
            return _unsolved(outcome) or Infeasible(
                _inside_devices(case), reason="elastic balances infeasible"
            )
        missing, surplus = both
        if max(missing.max(), surplus.max()) > LACK_KW:
            lacks = _lacks(case, missing, surplus)
            message = "no schedule serves everyone: " + _some([text for _, text in lacks])
            cause = _in_the_way(case, {party for party, _ in lacks}, integer=integer)
            return Infeasible(message + cause, reason="infeasible")
    return Infeasible(_inside_devices(case), reason="infeasible")


def _unsolved(outcome: Outcome) -> Infeasible | None:
    if outcome.status is not Status.TIME_LIMIT:
        return None
    return Infeasible(
        "no schedule serves everyone, and the search for the participant and step that lacks "
        "something ran out of time; raise solver.time_limit_s",
        reason="time limit",
    )


def _elastic(
    case: Case, rows: IntArray, prices: FloatArray, *, integer: bool
) -> tuple[Outcome, tuple[FloatArray, FloatArray]]:
    """Return the outcome with rows opened, and what was supplied and absorbed in each."""
    settings = case.scenario.config.solver
    handle = Handle(
        case.compiled.program, integer=integer, threads=settings.threads, mip_gap=settings.mip_gap
    )
    handle.set_bounds(case.bounds)
    handle.set_extras(case.extras)
    handle.make_elastic(rows, prices)
    outcome = handle.run(settings.time_limit_s)
    if outcome.x is None:
        return outcome, (np.zeros(0), np.zeros(0))
    k = len(rows)
    return outcome, (outcome.x[-2 * k : -k], outcome.x[-k:])


def _lacks(case: Case, missing: FloatArray, surplus: FloatArray) -> list[tuple[str, str]]:
    """Return who lacks or cannot get rid of something, each with a line about it."""
    layout = case.compiled.layout
    lines = []
    for position, (party, carrier) in enumerate(layout.balances):
        inside = slice(position * layout.steps, (position + 1) * layout.steps)
        for amount, what in ((missing[inside], "lacks"), (surplus[inside], "cannot get rid of")):
            steps = np.flatnonzero(amount > LACK_KW)
            if len(steps):
                line = _line(case.scenario, party, carrier, what, amount, steps)
                lines.append((party, line))
    return lines


def _some(lines: list[str]) -> str:
    shown = lines[:MOST_NAMED]
    if len(lines) > MOST_NAMED:
        shown.append(f"and {len(lines) - MOST_NAMED} more")
    return "; ".join(shown)


def _line(
    scenario: Scenario,
    party: str,
    carrier: Carrier,
    what: str,
    amount: FloatArray,
    steps: IntArray,
) -> str:
    text = f"{party} {what} up to {amount.max():.4g} kW of {carrier}, {_at(scenario, steps)}"
    if party == NETWORK:
        return text
    limit = "import_max_kw" if what == "lacks" else "export_max_kw"
    connections = scenario.config.participants[party].connections
    known = carrier in connections
    if known and connections[carrier].apparent_max_kva is not None:
        limit += " or apparent_max_kva"
    where = f"participants.{party}.connections.{carrier}"
    return f"{text} (add capacity or raise {where}.{limit})" if known else f"{text} (add {where})"


def _at(scenario: Scenario, steps: IntArray) -> str:
    count = f"{len(steps)} step{'s' if len(steps) > 1 else ''}"
    return f"at {count} from {_stamp(scenario, steps.min())} on"


def _stamp(scenario: Scenario, step: int) -> str:
    return str(scenario.time.index[step].strftime("%Y-%m-%d %H:%M"))


def _inside_devices(case: Case) -> str:
    """Return what cannot hold even with every demand unserved.

    Limits and requirements are opened first; only if that is no cure the equations too.
    """
    balances = np.concatenate(list(case.compiled.layout.balances.values()))
    for equations in (False, True):
        for integer in (False, True):
            groups = _limits(case, equations=equations)
            lines = _missed(case, balances, groups, integer=integer)
            if lines:
                head = "no schedule satisfies these constraints, even with every demand unserved: "
                return head + _some(lines)
    names = ", ".join(case.compiled.layout.parties[:-1])
    return (
        "no schedule satisfies the constraints and bounds inside the devices, even with every "
        f"demand unserved; look at initial contents, minimum times and ramps of {names}"
    )


def _in_the_way(case: Case, places: set[str], *, integer: bool) -> str:
    """Return which limits of devices the demand collides with, found with every balance closed.

    Limits of the participants who lack something are let go one by one; where no single one is
    enough, all together.
    """
    closed = np.zeros(0, np.int64)
    inside = {
        name: group
        for name, group in _limits(case, equations=False).items()
        if ".devices." in name and group.party in places
    }
    if len(inside) <= MOST_TRIED:
        alone = [
            line
            for name, group in inside.items()
            for line in _missed(case, closed, {name: group}, integer=integer)
        ]
        if alone:
            return f"; in the way{' (any of these)' if len(alone) > 1 else ''}: {_some(alone)}"
    lines = _missed(case, closed, inside, integer=integer)
    return f"; in the way (together): {_some(lines)}" if lines else ""


def _missed(
    case: Case, free: IntArray, groups: Mapping[str, RowGroup], *, integer: bool
) -> list[str]:
    """Return one line per constraint that has to be missed, with the rows `free` opened."""
    if not groups:
        return []
    priced = np.concatenate([group.rows for group in groups.values()])
    prices = np.concatenate([np.ones(len(priced)), np.zeros(len(free))])
    outcome, both = _elastic(case, np.concatenate([priced, free]), prices, integer=integer)
    if outcome.x is None:
        return []
    amount, lines, first = np.maximum(*both), [], 0
    for name, group in groups.items():
        own = amount[first : first + len(group.rows)]
        first += len(group.rows)
        missed = np.flatnonzero(own > MISSED)
        if len(missed):
            lines.append(_missed_line(case.scenario, name, group, own, missed))
    return lines


def _missed_line(
    scenario: Scenario, name: str, group: RowGroup, amount: FloatArray, missed: IntArray
) -> str:
    place, _, constraint = name.rpartition(".")
    steps = group.steps[missed]
    when = _at(scenario, steps) if group.per_step else f"by {_stamp(scenario, steps.min())}"
    return f"{place}: {constraint} ({group.doc}) is missed by {amount.max():.4g}, {when}"


def _limits(case: Case, *, equations: bool) -> dict[str, RowGroup]:
    """Return constraints besides the balances by name.

    Args:
        case: the market.
        equations: with those that define something at every step, such as heat from fuel; nobody
            can do anything about them.
    """
    found = {}
    for name, group in case.compiled.layout.constraints.items():
        if name.endswith(".balance"):
            continue
        equal = case.bounds.row_lb[group.rows] == case.bounds.row_ub[group.rows]
        if equations or not (group.per_step and equal.all()):
            found[name] = group
    return found
