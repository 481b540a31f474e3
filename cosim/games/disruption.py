"""Propensity to disrupt and the allocation that makes it equal for all (Gately point)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cosim.errors import GameError
from cosim.games.game import Game

_ZERO = 1e-12


def disruption(game: Game, allocation: Mapping[Any, float] | pd.Series[float]) -> pd.Series[float]:
    """Propensity to disrupt: what the others lose when a player leaves, over what it loses.

    DP_i = (sum of x_j over j != i - v(N - i)) / (x_i - v({i}))

    Args:
        game: only v(N - i) and v({i}) are computed.
        allocation: share by player, unit of the game.

    Returns:
        DP by player, dimensionless. Infinite for a player that gains nothing itself while the
        others would lose or win by its leaving; NaN where neither side has anything at stake.

    Source: D. Gately, doi:10.2307/2525632.

    Examples:
        >>> game = Game.from_table({("a",): 0, ("b",): 0, ("a", "b"): 4})
        >>> disruption(game, {"a": 1, "b": 3}).round(3).to_dict()
        {'a': 3.0, 'b': 0.333}
    """
    x = game.vector(allocation, "allocation")
    others = x.sum() - x - game.without
    own = x - game.alone
    room = _ZERO * game.scale
    others[np.abs(others) <= room] = 0.0
    own[np.abs(own) <= room] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return game.series(others / own, "disruption")


def equal_disruption(game: Game) -> pd.Series[float]:
    """Gately point: the efficient allocation with the same propensity to disrupt for everybody.

    d = ((n-1) v(N) - sum of v(N-i)) / (v(N) - sum of v({i}))
    x_i = (v(N) - v(N-i) + d v({i})) / (1 + d)

    With m_i = v(N) - v(N-i) - v({i}) this is x_i = v({i}) + m_i / sum(m) * surplus, the form
    used here since it stays finite where the surplus is 0 (everybody gets v({i})).

    Args:
        game: only v(N), v(N - i) and v({i}) are computed.

    Returns:
        Share by player; sums to v(N). `attrs` holds `disruption` (the common d; NaN without a
        surplus) and `unique`: False where nobody's leaving costs anything (all m_i = 0), so that
        d = -1 in every allocation and the surplus is divided equally.

    Raises:
        GameError: the m_i differ from 0 but their sum is 0 while there is a surplus.

    Source: D. Gately, doi:10.2307/2525632.

    Examples:
        >>> game = Game.from_table({("a",): 0, ("b",): 0, ("a", "b"): 4})
        >>> equal_disruption(game).to_dict()
        {'a': 2.0, 'b': 2.0}
    """
    alone, surplus, room = game.alone, game.surplus, _ZERO * game.scale
    margin = game.total - game.without - alone
    even = np.full(game.size, 1.0 / game.size)
    unique = True
    if abs(surplus) <= room:
        power, surplus, common = even, game.surplus, float("nan")
    elif (np.abs(margin) <= room).all():
        power, common, unique = even, -1.0, False
    elif abs(float(margin.sum())) <= room * game.size:
        raise GameError(
            "equal disruption: marginal gains v(N) - v(N-i) - v(i) sum to 0 but are not all 0; "
            "no allocation has the same propensity to disrupt for everybody; use another method"
        )
    else:
        power, common = margin / margin.sum(), float(margin.sum()) / surplus - 1.0
    result = game.series(alone + power * surplus, "equal_disruption")
    result.attrs = {"disruption": common, "unique": unique}
    return result
