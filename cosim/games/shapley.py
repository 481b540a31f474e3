"""The Shapley value, exact and sampled, and the Shapley-Shubik index of a simple game."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from cosim.errors import GameError
from cosim.games.game import Floats, Game

MIN_REPLICATES = 10
"""Fewest independent replicates from which an interval is given."""

_MASK_BITS = 62


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


def shapley_sampled(
    game: Game,
    permutations: int = 2000,
    *,
    seed: int,
    method: Literal["stratified", "antithetic"] = "stratified",
    confidence: float = 0.95,
) -> pd.Series[float]:
    """Estimate the Shapley value from random orders, with a confidence interval.

    `antithetic` takes each random order together with its reverse. `stratified` seats the
    players in a random circle and takes all 2n orders that go round it from any seat in either
    direction: every player is then seen once in every position and direction, and the
    n (n - 1) + 1 arcs of the circle are all the coalitions needed. The circles (or pairs) are
    independent replicates, so their scatter gives an unbiased standard error.

    The interval is Student's t with a Bonferroni correction: it covers the values of **all**
    players at once with at least the stated confidence, as far as the replicates are near normal.
    An event too rare to be in any replicate cannot be seen in the interval either.

    Args:
        game: any number of players; only sampled coalitions are computed, each once.
        permutations: number of orders, rounded up to whole replicates, of which there are at
            least 10 (n orders of 2n, or pairs).
        seed: seed of the random numbers; the same seed gives the same answer.
        method: `stratified` or `antithetic`.
        confidence: probability that all intervals cover, between 0 and 1.

    Returns:
        Estimate by player; sums to v(N). `attrs` holds `standard_error`, `lower` and `upper`
        (dicts by player), `confidence`, `method`, `replicates`, `permutations`, `seed`.

    Raises:
        GameError: confidence outside (0, 1), unknown method, or permutations below 1.

    Source: antithetic and stratified sampling after Mitchell et al., JMLR 23:43 (2022).

    Examples:
        >>> game = Game(range(30), lambda s: float(len(s)) ** 2)
        >>> estimate = shapley_sampled(game, 600, seed=1)
        >>> round(float(estimate.sum()), 6)
        900.0
    """
    _check_sampling(permutations, method, confidence)
    n = game.size
    replicate, orders = (_circle, 2 * n) if method == "stratified" else (_mirror, 2)
    count = max(MIN_REPLICATES, -(-permutations // orders))
    rng = np.random.default_rng(seed)
    values = _lookup(game)
    draws = np.array([replicate(rng.permutation(n), values) for _ in range(count)])
    mean = draws.mean(axis=0)
    error = draws.std(axis=0, ddof=1) / np.sqrt(count)
    half = float(stdtrit(count - 1, 1 - (1 - confidence) / (2 * n))) * error
    result = game.series(mean, "shapley_sampled")
    result.attrs = {
        "standard_error": game.series(error, "").to_dict(),
        "lower": game.series(mean - half, "").to_dict(),
        "upper": game.series(mean + half, "").to_dict(),
        "confidence": confidence,
        "method": method,
        "replicates": count,
        "permutations": count * orders,
        "seed": seed,
    }
    return result


def _check_sampling(permutations: int, method: str, confidence: float) -> None:
    if permutations < 1:
        raise GameError(f"permutations: {permutations}; expected at least 1")
    if method not in ("stratified", "antithetic"):
        raise GameError(f"method: {method!r}; expected 'stratified' or 'antithetic'")
    if not 0 < confidence < 1:
        raise GameError(f"confidence: {confidence}; expected a number between 0 and 1")


Lookup = Callable[[NDArray[np.object_] | NDArray[np.int64]], Floats]


def _lookup(game: Game) -> Lookup:
    """Values of an array of bit masks, by index where the whole table is known."""
    if game.complete and game.size <= _MASK_BITS:
        table = game.table()
        return lambda masks: table[masks.astype(np.int64)]
    return lambda masks: np.array([game.at(int(m)) for m in masks.ravel()]).reshape(masks.shape)


def _bits(order: NDArray[np.int64]) -> NDArray[np.object_] | NDArray[np.int64]:
    if len(order) <= _MASK_BITS:
        return np.int64(1) << order
    return np.array([1 << int(i) for i in order], dtype=object)


def _mirror(order: NDArray[np.int64], values: Lookup) -> Floats:
    """Mean marginal contributions over an order and its reverse, by player."""
    shares = np.zeros(len(order))
    for one in (order, order[::-1]):
        prefix = np.concatenate([[0], np.cumsum(_bits(one))])
        shares[one] += np.diff(values(prefix)) / 2
    return shares


def _circle(order: NDArray[np.int64], values: Lookup) -> Floats:
    """Mean marginal contributions over all 2n orders that go round a circle, by player."""
    n = len(order)
    bits = _bits(order)
    arcs = np.zeros((n, n + 1), dtype=bits.dtype)
    for length in range(1, n + 1):
        arcs[:, length] = arcs[:, length - 1] + np.roll(bits, 1 - length)
    worth = values(arcs)
    onward = np.diff(worth, axis=1)
    seat = (np.arange(n)[:, None] + np.arange(n)[None, :]) % n
    shares = np.zeros(n)
    np.add.at(shares, order[seat], onward / (2 * n))
    backward = worth[:, 1:] - np.roll(worth, -1, axis=0)[:, :-1]
    shares[order] += backward.sum(axis=1) / (2 * n)
    return shares


def _coalition_sizes(n: int) -> NDArray[np.int64]:
    sizes = np.zeros(1, dtype=np.int64)
    for _ in range(n):
        sizes = np.concatenate([sizes, sizes + 1])
    return sizes
