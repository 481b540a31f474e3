"""Nash bargaining: symmetric, asymmetric, and Nash-Harsanyi within the core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cosim.errors import GameError
from cosim.games.centre import LogProblem, log_centre
from cosim.games.game import Floats, Game
from cosim.games.minimax import TOLERANCE, Minimax

Weights = Mapping[Any, float] | pd.Series
"""Bargaining power by player; only ratios matter."""

_CORE = 1e-8
_ROUNDS = 500


def nash(
    game: Game,
    weights: Weights | None = None,
    *,
    disagreement: Mapping[Any, float] | pd.Series[float] | None = None,
) -> pd.Series[float]:
    """Nash bargaining with transferable utility: the surplus divided by bargaining power.

    max prod (x_i - d_i)^alpha_i  =>  x_i = d_i + alpha_i / sum(alpha) * (v(N) - sum of d)

    Args:
        game: only v(N), and v({i}) where no disagreement point is given, are computed.
        weights: bargaining power alpha by player, >= 0 and not all 0; equal where not given.
        disagreement: what each player has when the bargain fails, unit of the game; v({i})
            where not given.

    Returns:
        Share by player; sums to v(N). `attrs` holds `surplus` and `weights` (normalised, a dict).

    Raises:
        GameError: unusable weights, or v(N) below the sum of the disagreement point.

    Source: J. F. Nash, doi:10.2307/1907266; Kalai, doi:10.1007/BF01774658 (asymmetric).

    Examples:
        >>> game = Game.from_table({("a",): 1, ("b",): 0, ("a", "b"): 5})
        >>> nash(game, {"a": 1, "b": 3}).to_dict()
        {'a': 2.0, 'b': 3.0}
    """
    alpha = _weights(game, weights)
    start = game.alone if disagreement is None else game.vector(disagreement, "disagreement")
    surplus = _surplus(game, start)
    result = game.series(start + alpha * surplus, "nash")
    result.attrs = {"surplus": surplus, "weights": game.series(alpha, "").to_dict()}
    return result


def nash_harsanyi(game: Game, weights: Weights | None = None) -> pd.Series[float]:
    """Nash-Harsanyi solution: the largest product of gains within the core.

    max prod (x_i - v({i}))^alpha_i such that x(N) = v(N) and x(S) >= v(S) for all S. Where the
    core is empty the maximum is taken over the imputations instead, and `core_used` says so. A
    player whose gain is 0 in the whole core is left out of the product.

    Args:
        game: the game. Above 20 players give it an oracle; without one the answer is not proven.
        weights: bargaining power alpha by player, all above 0; equal where not given.

    Returns:
        Share by player; sums to v(N). `attrs` holds `core_used`, `epsilon` (of the least core,
        unit of the game; above 0 the core is empty), `proven` and `coalitions` (how many were
        generated).

    Raises:
        GameError: unusable weights, or v(N) below the sum of the stand-alone values.

    Source: J. C. Harsanyi, doi:10.2307/2525487; with the core: Wu 2017,
    doi:10.1016/j.energy.2016.12.060.

    Examples:
        >>> table = {("a",): 0, ("b",): 0, ("c",): 0, ("a", "b"): 4, ("a", "c"): 1}
        >>> game = Game.from_table(table | {("b", "c"): 1, ("a", "b", "c"): 5})
        >>> nash_harsanyi(game).round(6).to_dict()
        {'a': 2.0, 'b': 2.0, 'c': 1.0}
    """
    alpha = _weights(game, weights)
    if (alpha <= 0).any():
        raise GameError("weights: 0 for some player; expected numbers above 0 for Nash-Harsanyi")
    surplus = _surplus(game, game.alone)
    problem = Minimax(game, lower=False)
    epsilon, centre = _core_interior(problem)
    core_used = epsilon <= _CORE
    if not core_used:
        shares = game.alone + alpha * surplus
    elif centre is None:
        shares = problem.shares(problem.solution())
    else:
        shares = problem.shares(_best_in_core(problem, centre, alpha))
    result = game.series(shares, "nash_harsanyi")
    result.attrs = {
        "core_used": core_used,
        "epsilon": epsilon * problem.unit,
        "proven": problem.search.exact,
        "coalitions": len(problem.pool),
    }
    return result


def _core_interior(problem: Minimax) -> tuple[float, Floats | None]:
    """Least-core epsilon, and a point of the core at which all unsettled coalitions have slack.

    Coalitions that get exactly their value everywhere in the core are settled on the way. None
    for the point: the core is empty, or the settled coalitions leave a single allocation.
    """
    first: float | None = None
    while not problem.span.complete:
        stage = problem.stage()
        first = stage.epsilon if first is None else first
        if first > _CORE:
            return first, None
        if stage.epsilon < -_CORE:
            return first, stage.x
        problem.settle(stage, epsilon=0.0)
    return first or 0.0, None


def _best_in_core(problem: Minimax, centre: Floats, alpha: Floats) -> Floats:
    """Largest weighted product of shares over the core, 0-normalised."""
    weights = np.where(problem.span.single(), 0.0, alpha * len(alpha))
    for _ in range(_ROUNDS):
        rows, worth, _ = problem.open_rows()
        x = log_centre(LogProblem(weights, centre, problem.span.free.T, rows, worth))
        if not problem.generate(x, 0.0):
            return x
    raise GameError(f"Nash-Harsanyi: coalitions still violated after {_ROUNDS} rounds")


def _weights(game: Game, weights: Weights | None) -> Floats:
    """Bargaining power, summing to 1, in the order of the players."""
    if weights is None:
        return np.full(game.size, 1.0 / game.size)
    alpha = game.vector(weights, "weights")
    if (alpha < 0).any() or alpha.sum() <= 0:
        low = [str(p) for p, a in zip(game.players, alpha, strict=True) if a < 0]
        raise GameError(
            f"weights: below 0 for {', '.join(low[:5]) or 'nobody'}, sum {alpha.sum()}; "
            "expected numbers of at least 0 that are not all 0"
        )
    return np.asarray(alpha / alpha.sum(), dtype=np.float64)


def _surplus(game: Game, start: Floats) -> float:
    surplus = game.total - float(start.sum())
    if surplus < -TOLERANCE * max(game.scale, float(np.abs(start).max())):
        raise GameError(
            f"bargain: v(N) = {game.total} is below the disagreement sum {float(start.sum())}; "
            "expected a surplus of at least 0; nobody would sign otherwise"
        )
    return surplus
