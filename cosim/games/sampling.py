"""The Shapley value from random orders of joining, with a confidence interval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from cosim.errors import GameError
from cosim.games.game import Floats, Game

MIN_REPLICATES = 20
"""Fewest independent replicates from which an interval is given."""

_MASK_BITS = 62
_UNSEEN = 2

Lookup: TypeAlias = Callable[[NDArray[Any]], Floats]


def shapley_sampled(
    game: Game,
    permutations: int = 2000,
    *,
    seed: int,
    method: Literal["stratified", "antithetic"] = "stratified",
    confidence: float = 0.99,
) -> pd.Series[float]:
    """Estimate the Shapley value from random orders, with a confidence interval.

    `antithetic` takes each random order together with its reverse. `stratified` seats the
    players in a random circle and takes all 2n orders that go round it from any seat in either
    direction: every player is then seen once in every position and direction, and the
    n (n - 1) + 1 arcs of the circle are all the coalitions needed, about half as many per order
    as with pairs. The pairs, or circles, are independent replicates; their scatter gives an
    unbiased standard error.

    The interval is Student's t with a Bonferroni correction, so it is meant to cover the values
    of **all** players at once. To allow for rare events that no replicate happens to show, its
    variance is taken as if two more replicates had been drawn, one above and one below the mean
    by what an order with the largest or the smallest contribution seen would change. The interval
    still rests on means that are near normal: take some hundred replicates for skewed games.

    Args:
        game: any number of players; only sampled coalitions are computed, each once.
        permutations: number of orders, rounded up to whole replicates, of which there are at
            least 20 (pairs, or circles of 2n orders).
        seed: seed of the random numbers; the same seed gives the same answer.
        method: `stratified`, or `antithetic` where fewer than 40 n orders can be afforded.
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
    draws, spread = _draw(game, replicate, count, np.random.default_rng(seed))
    result = _with_interval(game, draws, spread / orders, confidence)
    result.attrs |= {"confidence": confidence, "method": method, "replicates": count}
    result.attrs |= {"permutations": count * orders, "seed": seed}
    return result


def _with_interval(
    game: Game, draws: Floats, change: Floats, confidence: float
) -> pd.Series[float]:
    """Mean over replicates by player, with its standard error and interval in `attrs`.

    Args:
        game: names the players.
        draws: mean contributions, shape (replicate, player).
        change: what an order with the largest or smallest contribution would change, by player.
        confidence: probability that all intervals cover.
    """
    count, n = draws.shape
    mean = draws.mean(axis=0)
    error = draws.std(axis=0, ddof=1) / np.sqrt(count)
    quantile = float(stdtrit(count - 1, 1 - (1 - confidence) / (2 * n)))
    half = quantile * _guarded_error(draws, change)
    result = game.series(mean, "shapley_sampled")
    result.attrs = {
        "standard_error": game.series(error, "").to_dict(),
        "lower": game.series(mean - half, "").to_dict(),
        "upper": game.series(mean + half, "").to_dict(),
    }
    return result


def _check_sampling(permutations: int, method: str, confidence: float) -> None:
    if permutations < 1:
        raise GameError(f"permutations: {permutations}; expected at least 1")
    if method not in ("stratified", "antithetic"):
        raise GameError(f"method: {method!r}; expected 'stratified' or 'antithetic'")
    if not 0 < confidence < 1:
        raise GameError(f"confidence: {confidence}; expected a number between 0 and 1")


def _draw(
    game: Game,
    replicate: Callable[[NDArray[np.int64], Lookup], Floats],
    count: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Mean contributions per replicate (replicate, player), and their range seen by player."""
    values, n = _lookup(game), game.size
    draws = np.empty((count, n))
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    for k in range(count):
        contributions = replicate(rng.permutation(n), values)
        draws[k] = contributions.mean(axis=0)
        low = np.minimum(low, contributions.min(axis=0))
        high = np.maximum(high, contributions.max(axis=0))
    return draws, high - low


def _guarded_error(draws: Floats, change: Floats) -> Floats:
    """Standard error of the mean as if two more replicates lay `change` above and below it."""
    count = len(draws)
    squares = draws.var(axis=0) * count + _UNSEEN * change**2
    return np.asarray(np.sqrt(squares / (count - 1) / count), dtype=np.float64)


def _lookup(game: Game) -> Lookup:
    """Values of an array of bit masks, by index where the whole table is known."""
    if game.complete and game.size <= _MASK_BITS:
        table = game.table()
        return lambda masks: table[masks.astype(np.int64)]
    return lambda masks: np.array([game.at(int(m)) for m in masks.ravel()]).reshape(masks.shape)


def _bits(order: NDArray[np.int64]) -> NDArray[Any]:
    if len(order) <= _MASK_BITS:
        return np.int64(1) << order
    return np.array([1 << int(i) for i in order], dtype=object)


def _mirror(order: NDArray[np.int64], values: Lookup) -> Floats:
    """Contributions (order, player) in an order and in its reverse."""
    contributions = np.empty((2, len(order)))
    for k, one in enumerate((order, order[::-1])):
        prefix = np.concatenate([[0], np.cumsum(_bits(one))])
        contributions[k, one] = np.diff(values(prefix))
    return contributions


def _circle(order: NDArray[np.int64], values: Lookup) -> Floats:
    """Contributions (order, player) in all 2n orders that go round a circle.

    Arc (s, l) holds the l players from seat s on. Going onward from seat s, the player at seat
    s + l joins arc (s, l); going backward, the player at seat s joins arc (s + 1, l).
    """
    n = len(order)
    bits = _bits(order)
    arcs: NDArray[Any] = np.zeros((n, n + 1), dtype=bits.dtype)
    for length in range(1, n + 1):
        arcs[:, length] = arcs[:, length - 1] + np.roll(bits, 1 - length)
    worth = values(arcs)
    start, far = np.arange(n)[:, None], np.arange(n)[None, :]
    contributions = np.empty((2 * n, n))
    contributions[start, order[(start + far) % n]] = np.diff(worth, axis=1)
    backward = worth[:, 1:] - np.roll(worth, -1, axis=0)[:, :-1]
    contributions[n + (start + far) % n, order[start]] = backward
    return contributions
