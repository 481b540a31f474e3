"""Coalition values without networks: what the members could save on a copper plate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cosim.records import Schedule
from cosim.settlement.coalitions import has_no_value, system_cost
from cosim.settlement.players import Players

SolveMembers = Callable[[frozenset[str], Schedule | None], Schedule]
"""Solves the market without networks for members who share, from a schedule to start with."""


def copper_plate_values(
    players: Players,
    grand: Schedule,
    solve: SolveMembers,
    listed: Sequence[frozenset[str]] | None = None,
) -> Mapping[frozenset[str], float]:
    """Return v(S) without losses, limits or other customers, by coalition.

    v(S) = K(nobody shares) - K(S). A coalition can do what any part of it does, so a value is never
    below that of a part (solvers leave a gap).

    Args:
        players: who plays.
        grand: everybody sharing, without networks.
        solve: solves other coalitions.
        listed: all of `Players.coalitions` if missing.
    """
    alone = solve(frozenset(), None)
    base = system_cost(alone, players)
    everyone = players.members(frozenset(players.names))
    costs: dict[frozenset[str], float] = {}
    values: dict[frozenset[str], float] = {}
    for coalition in players.coalitions() if listed is None else listed:
        members = players.members(coalition)
        if has_no_value(coalition, players):
            values[coalition] = 0.0
            continue
        if members not in costs:
            found = grand if members == everyone else solve(members, alone)
            parts = [cost for known, cost in costs.items() if known < members]
            costs[members] = min(system_cost(found, players), base, *parts)
        values[coalition] = base - costs[members]
    return values
