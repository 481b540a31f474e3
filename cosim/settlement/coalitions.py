"""Coalition values: what a coalition saves the whole system when it alone shares.

`v(S) = K(nobody shares) - K(S)`, where `K` is the cost of all parties. Outsiders keep their
stand-alone schedule and stay in the networks, so v(S) is what the members of S gain together, with
losses and pump electricity counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from cosim.coupling import Case, Coupled
from cosim.records import CostTable, Schedule
from cosim.records.names import OPERATOR
from cosim.settlement.players import Players

RunCases = Callable[[Sequence[Case]], Iterable[Coupled]]
"""Runs the loop for cases that do not depend on each other; results in the order of the cases."""


@dataclass(frozen=True, slots=True)
class CoalitionValue:
    """One coalition, solved and verified.

    Attributes:
        coalition: players.
        cost: system cost when it shares, in currency.
        value: saving against nobody sharing.
        verified: whether its schedule passes every network check.
        gap: relative optimality gap of its market.
    """

    coalition: frozenset[str]
    cost: float
    value: float
    verified: bool
    gap: float


def system_cost(schedule: Schedule, players: Players) -> float:
    """Return the cost of everyone inside the game.

    Participants but a leader, and the network account; the system operator's own account only where
    it is a player (otherwise its fee is paid to an outsider).
    """
    return cost_inside(schedule.costs, players)


def cost_inside(costs: CostTable, players: Players) -> float:
    """Return the same from a cost table."""
    totals = costs["total"]
    outside = {players.leader} if players.operator_plays else {players.leader, OPERATOR}
    inside = [name for name in totals.index if name not in outside]
    return float(totals.loc[inside].sum())


def coalition_values(
    players: Players,
    alone: Coupled,
    together: Coupled,
    run_cases: RunCases,
    progress: Callable[[int, int], None] | None = None,
    listed: Sequence[frozenset[str]] | None = None,
) -> list[CoalitionValue]:
    """Return the values of coalitions under the networks.

    Coalitions are solved by the number of their participants: those of one size do not depend on
    each other, and each starts from the best smaller one inside it.

    Args:
        players: who plays.
        alone: the loop's result with nobody sharing; gives the stand-alone schedules.
        together: the loop's result of the grand coalition.
        run_cases: runs the loop for cases with the cuts that are already known.
        progress: called with (done, all).
        listed: coalitions to solve; all of `Players.coalitions` if missing, `single_coalitions`
            where only bargaining is asked for.

    Returns:
        One entry per listed coalition, in their order.
    """
    listed = players.coalitions() if listed is None else listed
    solved: dict[frozenset[str], Coupled] = {players.members(frozenset(players.names)): together}
    unsolved = dict.fromkeys(
        members
        for coalition in listed
        if not has_no_value(coalition, players)
        and (members := players.members(coalition)) not in solved
    )
    done = len(listed) - len(unsolved)
    for size in sorted({len(members) for members in unsolved}):
        level = [members for members in unsolved if len(members) == size]
        parts = {members: _best_part(members, solved, players, alone) for members in level}
        cases = [_case(m, alone.schedule, parts[m].schedule, players) for m in level]
        for members, found in zip(level, run_cases(cases), strict=True):
            solved[members] = _better(found, parts[members], players)
            done += 1
            if progress is not None:
                progress(done, len(listed))
    return [_value(coalition, solved, players, alone) for coalition in listed]


def _value(
    coalition: frozenset[str],
    solved: Mapping[frozenset[str], Coupled],
    players: Players,
    alone: Coupled,
) -> CoalitionValue:
    base = system_cost(alone.schedule, players)
    if has_no_value(coalition, players):
        return CoalitionValue(coalition, base, 0.0, alone.verdict == "feasible", 0.0)
    coupled = solved[players.members(coalition)]
    cost, verified = system_cost(coupled.schedule, players), coupled.verdict == "feasible"
    return CoalitionValue(coalition, cost, base - cost, verified, coupled.schedule.gap)


def _one_without_pool(members: frozenset[str], players: Players) -> bool:
    """Return whether a single participant has nobody to share with."""
    return len(members) == 1 and not players.operator_plays


def _best_part(
    members: frozenset[str],
    solved: Mapping[frozenset[str], Coupled],
    players: Players,
    alone: Coupled,
) -> Coupled:
    """Return the cheapest known result of a part of a coalition, stand-alone if there is none."""
    parts = [coupled for known, coupled in solved.items() if known < members]
    passed = [coupled for coupled in (alone, *parts) if coupled.verdict == "feasible"]
    return min(passed, key=lambda c: system_cost(c.schedule, players), default=alone)


def _better(found: Coupled, part: Coupled, players: Players) -> Coupled:
    """Return the cheaper verified result: a coalition can always do what a part of it does."""
    if part.verdict != "feasible":
        return found
    cheaper = system_cost(part.schedule, players) < system_cost(found.schedule, players)
    return part if cheaper or found.verdict != "feasible" else found


def _case(members: frozenset[str], alone: Schedule, start: Schedule, players: Players) -> Case:
    outsiders = {
        name: alone for group in players.groups.values() for name in group if name not in members
    }
    return Case(members=members, frozen=outsiders, start=start, effort="rounded")


def coalition_table(
    values: list[CoalitionValue], copper: Mapping[frozenset[str], float]
) -> pd.DataFrame:
    """Return the coalitions as written to the run folder.

    Args:
        values: see `coalition_values`.
        copper: copper-plate value per coalition, where it was computed.
    """
    return pd.DataFrame(
        [
            {
                "coalition": "+".join(sorted(item.coalition)),
                "size": len(item.coalition),
                "cost": item.cost,
                "stand_alone_cost": item.cost + item.value,
                "value": item.value,
                "copper_plate_value": copper.get(item.coalition, float("nan")),
                "verified": item.verified,
                "gap": item.gap,
            }
            for item in values
        ]
    )


def single_coalitions(players: Players) -> list[frozenset[str]]:
    """Return every single player and the grand coalition: all that Nash bargaining asks for.

    The disagreement point is v({P}), which is 0 only where P cannot share with anybody: a group of
    several participants may share among themselves. `coalition_values` solves only those that can.
    """
    singles = [frozenset({name}) for name in players.names]
    return list(dict.fromkeys([*singles, frozenset(players.names)]))


def has_no_value(coalition: frozenset[str], players: Players) -> bool:
    """Return whether a coalition has the value 0 because it has nobody to share with."""
    members = players.members(coalition)
    return not players.can_share(coalition) or _one_without_pool(members, players)
