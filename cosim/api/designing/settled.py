"""What a design run knows when every coalition is designed, verified and settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cosim.api.designing.money import CoalitionCost
from cosim.api.designing.search import Found
from cosim.api.designing.shares import Shares
from cosim.market.design import DesignProblem
from cosim.scenario import Scenario


@dataclass(frozen=True, slots=True)
class SettledDesign:
    """The designs of all coalitions, what they cost, and who gets what.

    Attributes:
        base: the scenario in design mode.
        problem: built from it.
        apart: stand-alone designs.
        found: designs of all larger coalitions.
        costs: of all coalitions, currency per year.
        shares: of the saving.
    """

    base: Scenario
    problem: DesignProblem
    apart: Found
    found: Mapping[frozenset[str], Found]
    costs: Mapping[frozenset[str], CoalitionCost]
    shares: Shares

    @property
    def everyone(self) -> frozenset[str]:
        """All buildings."""
        return frozenset(self.problem.buildings)
