"""The exact Shapley value, and the Shapley-Shubik index of a simple game."""

from __future__ import annotations

from math import factorial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cosim.errors import GameError
from cosim.games.game import Game


def shapley(game: Game) -> pd.Series[float]:
    """Shapley value: each player's marginal contribution averaged over all orders of joining.

    phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! * (v(S + i) - v(S))

    Args:
        game: at most 20 players; all coalition values are computed.

    Returns:
        Share by player, in the unit of the game; sums to v(N).

    Raises:
        GameError: more than 20 players.

    Source: L. S. Shapley, A value for n-person games (1953).

    Examples:
        >>> glove = Game("abc", lambda s: float("a" in s and len(s) > 1))
        >>> shapley(glove).round(4).to_dict()
        {'a': 0.6667, 'b': 0.1667, 'c': 0.1667}
    """
    n, table = game.size, game.table()
    weights = np.array([factorial(s) * factorial(n - s - 1) / factorial(n) for s in range(n)])
    smaller = _coalition_sizes(n - 1)
    shares = np.empty(n)
    for i in range(n):
        halves = table.reshape(-1, 2, 1 << i)
        shares[i] = weights[smaller] @ (halves[:, 1, :] - halves[:, 0, :]).ravel()
    return game.series(shares, "shapley")


def shapley_shubik(game: Game) -> pd.Series[float]:
    """Shapley-Shubik index: how often a player turns a losing coalition into a winning one.

    Args:
        game: a simple game, that is values 0 and 1, v(N) = 1, and no winning coalition loses by
            growing. `simple_game` makes one from any game and a quota.

    Returns:
        Index by player; sums to 1.

    Raises:
        GameError: the game is not simple, or has more than 20 players.

    Source: L. S. Shapley and M. Shubik, doi:10.2307/1951053.
    """
    table = game.table()
    if not np.isin(table, (0.0, 1.0)).all() or game.total != 1.0:
        raise GameError(
            "simple game: values other than 0 and 1, or a losing grand coalition; "
            "expected v(S) of 0 or 1 and v(N) = 1; make one with simple_game(game, quota)"
        )
    for i in range(game.size):
        halves = table.reshape(-1, 2, 1 << i)
        if (halves[:, 1, :] < halves[:, 0, :]).any():
            raise GameError(
                f"simple game: a winning coalition loses when {game.players[i]} joins; "
                "expected winning coalitions to win whoever joins"
            )
    return shapley(game).rename("shapley_shubik")


def _coalition_sizes(n: int) -> NDArray[np.int64]:
    sizes = np.zeros(1, dtype=np.int64)
    for _ in range(n):
        sizes = np.concatenate([sizes, sizes + 1])
    return sizes
