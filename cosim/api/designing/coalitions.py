"""Design every coalition with its own pipes, none worse than its parts side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from cosim.api.progress import Progress
from cosim.market.design import DesignProblem, solve_design, unite
from cosim.records.design import Design, DesignCut
from cosim.settlement import Players
from cosim.tasks import Tasks

Coalition = frozenset[str]


@dataclass(frozen=True, slots=True)
class _Task:
    """A coalition to design.

    Attributes:
        members: buildings.
        cuts: what physics taught about them.
        parts: the cheapest designs of its parts side by side; None for single buildings.
    """

    members: Coalition
    cuts: tuple[DesignCut, ...]
    parts: Design | None


def design_coalitions(
    problem: DesignProblem,
    players: Players,
    tasks: Tasks,
    cuts: Mapping[Coalition, tuple[DesignCut, ...]] | None = None,
    told: Progress | None = None,
) -> dict[Coalition, Design]:
    """Return the design of every coalition of players, by its players.

    Coalitions of one size are designed side by side, each from the cheapest way to split it into
    smaller ones; where the search finds nothing better, that is its design. So costs are
    subadditive: C(S + T) <= C(S) + C(T).

    Args:
        problem: see `build_design_problem`.
        players: buildings, or groups of them.
        tasks: where to work.
        cuts: by the players of a coalition; none where missing.
        told: receiver of progress.

    Raises:
        Infeasible: if a coalition cannot be served.
        TimeLimit: if time ran out before a coalition had any design.
    """
    order, known = tuple(problem.buildings), dict[Coalition, Design]()
    listed, taught = players.coalitions(), cuts or {}
    for size in range(1, len(players.names) + 1):
        level = [coalition for coalition in listed if len(coalition) == size]
        work = [
            _Task(players.members(one), taught.get(one, ()), _parts(one, known, order))
            for one in level
        ]
        for one, found in zip(level, tasks.map(_design, work, shared=problem), strict=True):
            known[one] = found
            if told is not None:
                told.count(len(known), len(listed))
    return known


def _design(problem: DesignProblem, task: _Task) -> Design:
    found = solve_design(problem, task.members, task.cuts, task.parts)
    parts = task.parts
    if parts is None or found.cost_per_year <= parts.cost_per_year:
        return found
    return replace(
        parts,
        bound_per_year=min(found.bound_per_year, parts.cost_per_year),
        seconds=found.seconds,
        proven=found.proven,
    )


def _parts(
    coalition: Coalition, known: Mapping[Coalition, Design], order: tuple[str, ...]
) -> Design | None:
    """Return the cheapest designs of two parts side by side.

    Two are enough: smaller coalitions are themselves no worse than their parts.
    """
    pairs = [(known[a], known[b]) for a, b in _splits(coalition)]
    if not pairs:
        return None
    best = min(pairs, key=lambda pair: sum(design.cost_per_year for design in pair))
    return unite(best, order)


def _splits(coalition: Coalition) -> Iterator[tuple[Coalition, Coalition]]:
    """Yield every way to split a coalition in two, each once."""
    first, *rest = sorted(coalition)
    for size in range(len(rest)):
        for others in combinations(rest, size):
            part = frozenset((first, *others))
            yield part, coalition - part
