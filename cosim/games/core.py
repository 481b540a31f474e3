"""Stability: excesses, the core and its worst blocking coalition, least core, nucleolus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cosim.games.game import Coalition, Game
from cosim.games.minimax import TOLERANCE, Minimax
from cosim.games.search import search_for
from cosim.games.span import Span, subset_sums


@dataclass(frozen=True, slots=True)
class CoreTest:
    """Answer of `core_excess`.

    Attributes:
        coalition: the worst blocking coalition, that with the largest excess.
        excess: v(S) - x(S) of it, unit of the game; above 0 it gains by leaving. It is minus the
            margin where the allocation is in the core. 0 for a game of one player.
        efficiency_gap: sum of the allocation minus v(N), unit of the game.
        in_core: whether nobody gains by leaving and all of v(N) is shared out.
        proven: whether all coalitions are covered; False after a search without an oracle.
    """

    coalition: Coalition
    excess: float
    efficiency_gap: float
    in_core: bool
    proven: bool


def core_excess(
    game: Game, allocation: Mapping[Any, float] | pd.Series[float], *, tolerance: float = TOLERANCE
) -> CoreTest:
    """Test whether an allocation is in the core and name the coalition that objects most.

    Args:
        game: the game; above 20 players the worst coalition comes from the game's oracle, or
            without one from a search that proves nothing when it finds nothing.
        allocation: share by player, unit of the game.
        tolerance: excess and efficiency gap that still count as none, relative to `game.scale`.

    Examples:
        >>> glove = Game("abc", lambda s: float("a" in s and len(s) > 1))
        >>> test = core_excess(glove, {"a": 0.6, "b": 0.2, "c": 0.2})
        >>> sorted(test.coalition), round(test.excess, 6), test.in_core
        (['a', 'b'], 0.2, False)
    """
    x = game.vector(allocation, "allocation")
    gap = float(x.sum()) - game.total
    room = tolerance * game.scale
    if game.size == 1:
        return CoreTest(game.members(1), 0.0, gap, abs(gap) <= room, True)
    search = search_for(game)
    found = search.worst(x, Span(game.size), -float("inf"))[0]
    stable = found.excess <= room and abs(gap) <= room
    return CoreTest(game.members(found.mask), found.excess, gap, stable, search.exact)


def excesses(game: Game, allocation: Mapping[Any, float] | pd.Series[float]) -> pd.Series[float]:
    """Excess v(S) - x(S) of every proper coalition, the largest first.

    Returns:
        Excess, unit of the game, indexed by coalition (frozenset).

    Raises:
        GameError: more than 20 players.
    """
    table = game.table()
    excess = table - subset_sums(game.vector(allocation, "allocation"))
    masks = range(1, game.grand)
    index = pd.Index([game.members(m) for m in masks], name="coalition", tupleize_cols=False)
    result = pd.Series(excess[1 : game.grand], index=index, name="excess", dtype=float)
    return result.sort_values(ascending=False, kind="stable")


def least_core(game: Game) -> pd.Series[float]:
    """A point of the least core: the smallest epsilon that every coalition can be held to.

    min epsilon such that x(S) >= v(S) - epsilon for all proper S, and x(N) = v(N). The core is
    empty exactly when epsilon > 0. Only epsilon is unique: the least core may hold many points,
    of which this is a corner; the nucleolus of a game with a core is its canonical point.

    Returns:
        Share by player. `attrs` holds `epsilon` (unit of the game; 0 for one player), `proven`
        (False where no oracle was there to rule out worse coalitions: epsilon is then a lower
        bound) and `coalitions` (how many were generated).

    Source: Maschler, Peleg, Shapley, doi:10.1287/moor.4.4.303.

    Examples:
        >>> majority = Game("abc", lambda s: float(len(s) > 1))
        >>> round(least_core(majority).attrs["epsilon"], 6)
        0.333333
    """
    problem = Minimax(game, lower=False)
    if game.size == 1:
        return _result(problem, game.total - problem.alone, "least_core", {"epsilon": 0.0})
    stage = problem.stage()
    extra: dict[Any, Any] = {"epsilon": stage.epsilon * problem.unit}
    return _result(problem, stage.x, "least_core", extra)


def nucleolus(game: Game, *, imputations: bool = True) -> pd.Series[float]:
    """Nucleolus: the allocation whose sorted excesses are lexicographically smallest.

    Successive linear programmes: minimise the largest excess, settle the coalitions that have
    this excess in every optimum (positive dual), go on with the coalitions whose membership
    vector is not in the span of the settled ones. Only coalitions that matter enter a programme.

    Args:
        game: the game. Above 20 players give it an oracle; without one the answer rests on a
            local search and is not proven.
        imputations: keep every player at or above its stand-alone value. Where v(N) is less than
            the sum of those there is no such allocation: the prenucleolus is returned and `over`
            says so. False asks for the prenucleolus.

    Returns:
        Share by player; sums to v(N). `attrs` holds `over` ("imputations" or "preimputations"),
        `epsilon` (largest excess, 0 for one player), `proven` and `coalitions`.

    Source: D. Schmeidler, doi:10.1137/0117107; Guajardo and Joernsten,
    doi:10.1016/j.ejor.2014.10.037 (which coalitions to settle).

    Examples:
        >>> glove = Game("abc", lambda s: float("a" in s and len(s) > 1))
        >>> nucleolus(glove).round(6).to_dict()
        {'a': 1.0, 'b': 0.0, 'c': 0.0}
    """
    lower = imputations and game.surplus >= -TOLERANCE * game.scale
    problem = Minimax(game, lower=lower)
    first: float | None = None
    while not problem.span.complete:
        stage = problem.stage()
        first = stage.epsilon if first is None else first
        problem.settle(stage)
    extra: dict[Any, Any] = {
        "over": "imputations" if lower else "preimputations",
        "epsilon": (first or 0.0) * problem.unit,
    }
    return _result(problem, problem.solution(), "nucleolus", extra)


def _result(problem: Minimax, x: Any, name: str, extra: dict[Any, Any]) -> pd.Series[float]:
    result = problem.game.series(problem.shares(x), name)
    result.attrs = {
        **extra,
        "proven": problem.search.exact,
        "coalitions": len(problem.pool),
    }
    return result
