"""How evenly gains are spread: power index, FI, Jain and Gini."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cosim.errors import GameError
from cosim.games.game import Game

_ZERO = 1e-12


@dataclass(frozen=True, slots=True)
class Fairness:
    """Indices of how evenly gains g are spread over n players.

    Attributes:
        power: power index g_i / sum(g) by player; 1/n each where all gains are 0.
        fi: population standard deviation of the power index over its mean; 0 is even.
        jain: (sum g)^2 / (n sum g^2) = 1 / (1 + fi^2); 1 is even, 1/n is all to one.
        gini: sum |g_i - g_j| / (2 n^2 mean g); 0 is even.
    """

    power: pd.Series[float]
    fi: float
    jain: float
    gini: float


def gains(game: Game, allocation: Mapping[Any, float] | pd.Series[float]) -> pd.Series[float]:
    """What each player gets above its stand-alone value: x_i - v({i}), unit of the game."""
    return game.series(game.vector(allocation, "allocation") - game.alone, "gain")


def fairness(gain: Mapping[Any, float] | pd.Series[float], *, negligible: float = 0.0) -> Fairness:
    """Power index and fairness indices of gains, such as those of `gains(game, allocation)`.

    Args:
        gain: gain by player, any unit.
        negligible: gains of at most this size count as 0, same unit.

    Returns:
        The indices. All gains 0 is even: fi 0, jain 1, gini 0. Gains of both signs that sum to 0
        have no power index: NaN, except jain = 0.

    Raises:
        GameError: no gains, or a gain that is not finite.

    Examples:
        >>> spread = fairness({"a": 1, "b": 2, "c": 3, "d": 4})
        >>> round(spread.fi, 6), round(spread.jain, 6), round(spread.gini, 6)
        (0.447214, 0.833333, 0.25)
    """
    g = pd.Series(dict(gain.items()), dtype=float, name="power")
    g.index.name = "player"
    if g.empty or not np.isfinite(g.to_numpy()).all():
        raise GameError("gains: none, or not finite; expected a finite number for every player")
    n, numbers = len(g), g.where(g.abs() > negligible, 0.0).to_numpy()
    total, size = float(numbers.sum()), float(np.abs(numbers).sum())
    if size == 0:
        return Fairness(pd.Series(1.0 / n, index=g.index, name="power"), 0.0, 1.0, 0.0)
    if abs(total) <= _ZERO * size:
        nan = float("nan")
        return Fairness(pd.Series(nan, index=g.index, name="power"), nan, 0.0, nan)
    power = numbers / total
    spread = float(np.abs(power[:, None] - power[None, :]).sum())
    return Fairness(
        power=pd.Series(power, index=g.index, name="power"),
        fi=float(power.std() * n),
        jain=float(1.0 / (n * (power @ power))),
        gini=spread / (2 * n),
    )
