"""Players of the game: groups of participants, and the system operator where it is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from cosim.records.names import OPERATOR
from cosim.scenario.config import ScenarioConfig


@dataclass(frozen=True, slots=True)
class Players:
    """Who plays.

    Attributes:
        groups: player -> participants; the operator has none.
        operator_plays: whether the system operator is a player with a veto on sharing.
        leader: participant whose money is outside the game, because it earns by its prices.
        shares: anybody may share with anybody at all.
    """

    groups: Mapping[str, tuple[str, ...]]
    operator_plays: bool
    leader: str | None = None
    shares: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Every player, the operator last."""
        return (*self.groups, OPERATOR) if self.operator_plays else tuple(self.groups)

    def members(self, coalition: frozenset[str]) -> frozenset[str]:
        """Return the participants of a coalition."""
        return frozenset(p for player in coalition for p in self.groups.get(player, ()))

    def can_share(self, coalition: frozenset[str]) -> bool:
        """Return whether a coalition can share anything at all."""
        if not self.shares or (self.operator_plays and OPERATOR not in coalition):
            return False
        return len(self.members(coalition)) >= 1

    def coalitions(self) -> list[frozenset[str]]:
        """Return every non-empty coalition, small ones first."""
        return [
            frozenset(group)
            for size in range(1, len(self.names) + 1)
            for group in combinations(self.names, size)
        ]


def players_of(config: ScenarioConfig) -> Players:
    """Return the players of a scenario; every participant is one unless groups are given.

    A leader is none: it earns by its prices.
    """
    groups = config.bargaining.players or {name: (name,) for name in config.followers}
    return Players(
        groups={name: tuple(members) for name, members in groups.items()},
        operator_plays=config.system_operator.player,
        leader=config.leads,
        shares=config.leader is None or config.leader.followers == "cooperating",
    )
