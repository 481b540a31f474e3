"""Coalition values: what a coalition saves the whole system when it alone shares.

`v(S) = K(nobody shares) - K(S)`, where `K` is the cost of all parties. Outsiders keep their
stand-alone schedule and stay in the networks, so v(S) is what the members of S gain together, with
losses and pump electricity counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from cosim.coupling import Case, Coupled
from cosim.records import Schedule
from cosim.settlement.players import OPERATOR, Players

RunCase = Callable[[Case], Coupled]


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

    Participants and the network account; the system operator's own account only where it is a
    player (otherwise its fee is paid to an outsider).
    """
    totals = schedule.costs["total"]
    inside = [name for name in totals.index if name != OPERATOR or players.operator_plays]
    return float(totals.loc[inside].sum())


def coalition_values(
    players: Players,
    alone: Coupled,
    together: Coupled,
    run_case: RunCase,
    progress: Callable[[int, int], None] | None = None,
) -> list[CoalitionValue]:
    """Return the value of every coalition under the networks.

    Args:
        players: who plays.
        alone: the loop's result with nobody sharing; gives the stand-alone schedules.
        together: the loop's result of the grand coalition.
        run_case: runs the loop for one case with the cuts that are already known.
        progress: called with (done, all).

    Returns:
        One entry per coalition, in the order of `Players.coalitions`.
    """
    base = system_cost(alone.schedule, players)
    everyone = frozenset(players.names)
    values: list[CoalitionValue] = []
    listed = players.coalitions()
    solved: dict[frozenset[str], Coupled] = {players.members(everyone): together}
    for number, coalition in enumerate(listed):
        members = players.members(coalition)
        if not players.can_share(coalition) or _one_without_pool(members, players):
            values.append(CoalitionValue(coalition, base, 0.0, alone.verdict == "feasible", 0.0))
            continue
        if members not in solved:
            solved[members] = run_case(_case(members, alone.schedule, players))
        coupled = solved[members]
        cost = system_cost(coupled.schedule, players)
        values.append(
            CoalitionValue(
                coalition, cost, base - cost, coupled.verdict == "feasible", coupled.schedule.gap
            )
        )
        if progress is not None:
            progress(number + 1, len(listed))
    return values


def _one_without_pool(members: frozenset[str], players: Players) -> bool:
    """Return whether a single participant has nobody to share with."""
    return len(members) == 1 and not players.operator_plays


def _case(members: frozenset[str], alone: Schedule, players: Players) -> Case:
    outsiders = {
        name: alone for group in players.groups.values() for name in group if name not in members
    }
    return Case(members=members, frozen=outsiders, start=alone, effort="rounded")


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


def two_coalitions(players: Players, alone: Coupled, together: Coupled) -> list[CoalitionValue]:
    """Return only the grand coalition's value: all that the Nash solutions need."""
    base = system_cost(alone.schedule, players)
    cost = system_cost(together.schedule, players)
    everyone = frozenset(players.names)
    return [
        CoalitionValue(
            everyone, cost, base - cost, together.verdict == "feasible", together.schedule.gap
        )
    ]
