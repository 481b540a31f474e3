"""One way in to all methods."""

from __future__ import annotations

from cosim.market.leader.decomposition import Decomposition
from cosim.market.leader.evolutionary import Evolutionary
from cosim.market.leader.exact import Exact
from cosim.market.leader.fixed import Fixed
from cosim.market.leader.problem import (
    LeaderMethod,
    LeaderOutcome,
    LeaderProblem,
    LeaderSettings,
    Method,
)

METHODS: dict[Method, type[LeaderMethod]] = {
    "exact": Exact,
    "evolutionary": Evolutionary,
    "decomposition": Decomposition,
    "fixed": Fixed,
}


def solve_leader(problem: LeaderProblem, settings: LeaderSettings) -> LeaderOutcome:
    """Solve a game by the method of the settings."""
    return METHODS[settings.method]().solve(problem, settings)
