"""Dual (Owen) allocation: shares of a cost from the prices of a linear programme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cosim.errors import GameError
from cosim.games.game import Floats, Game

SHARED = -1
"""Owner tag of rows and columns that belong to nobody."""

_RENT = 1e-9


@dataclass(frozen=True, slots=True)
class OwnedDuals:
    """Duals of the rows, or of the column bounds, of a minimisation, and who owns them.

    Attributes:
        dual: change of the optimal cost per unit of the limit that binds: above 0 where the
            lower limit binds, below 0 where the upper one does (the convention of HiGHS).
        lower: lower limits; minus infinity for none.
        upper: upper limits; infinity for none.
        owner: position of the owning player, or -1 for shared.
    """

    dual: Floats
    lower: Floats
    upper: Floats
    owner: NDArray[np.int64]

    @classmethod
    def of(
        cls, dual: ArrayLike, lower: ArrayLike, upper: ArrayLike, owner: ArrayLike
    ) -> OwnedDuals:
        """From anything array-like, all of the same length.

        Raises:
            GameError: lengths differ.
        """
        price, low, high = (
            np.asarray(numbers, dtype=np.float64).ravel() for numbers in (dual, lower, upper)
        )
        tags = np.asarray(owner, dtype=np.int64).ravel()
        lengths = [len(price), len(low), len(high), len(tags)]
        if len(set(lengths)) > 1:
            raise GameError(f"duals, limits, owners: lengths {lengths}; expected the same length")
        return cls(price, low, high, tags)

    def worth(self) -> Floats:
        """Dual times the limit that binds, one per row or column."""
        side = np.where(self.dual > 0, self.lower, self.upper)
        open_ended = ~np.isfinite(side)
        return np.where(open_ended, 0.0, self.dual * np.where(open_ended, 0.0, side))


def owen(
    players: Sequence[Any],
    stand_alone_cost: Mapping[Any, float] | pd.Series[float],
    rows: OwnedDuals,
    columns: OwnedDuals,
    *,
    total_cost: float | None = None,
    rent_weights: Mapping[Any, float] | pd.Series[float] | None = None,
) -> pd.Series[float]:
    """Savings of each player from the duals of one solved cost minimisation of all players.

    By strong duality the cost is the sum of dual times binding limit over all rows and columns.
    Player i bears the terms of what it owns, D_i, and saves x_i = C({i}) - D_i. This needs no
    coalition but the grand one, and lies in the core of v(S) = sum of C({i}) - C(S) where a
    coalition's programme is the grand one without the rows and columns of the others.

    Two corrections, both reported: the difference between `total_cost` and the dual value (the
    duality gap of a mixed-integer programme) is spread evenly; and what the limits of shared
    rows are worth (the rent of a scarce common limit) goes by `rent_weights`.

    Args:
        players: names, in the order of the owner tags.
        stand_alone_cost: C({i}) by player.
        rows: duals of the rows.
        columns: reduced costs, with the column bounds.
        total_cost: cost to be shared; the dual value where not given.
        rent_weights: share of the rent of shared rows by player, only ratios matter.

    Returns:
        Savings by player; they sum to sum of C({i}) - total_cost. `attrs` holds `cost` (dict of
        borne costs), `gap`, `rent` and `epsilon`: no coalition can gain more than this by
        leaving, provided that it faces the same shared limits on its own.

    Raises:
        GameError: an owner tag without a player, or a rent with nobody to give it to.

    Source: G. Owen, On the core of linear production games, doi:10.1007/BF01681356.

    Examples:
        Two players meet a joint demand of 1 each, at unit costs 2 (a, up to 2) and 5 (b).

        >>> rows = OwnedDuals.of([2.0, 2.0, 0.0], [1, 1, 0], [1, 1, 0], [0, 1, -1])
        >>> columns = OwnedDuals.of([0.0, 3.0], [0, 0], [2, 2], [0, 1])
        >>> owen(["a", "b"], {"a": 2.0, "b": 5.0}, rows, columns).to_dict()
        {'a': 0.0, 'b': 3.0}
    """
    game = Game(players, lambda coalition: 0.0)
    alone = game.vector(stand_alone_cost, "stand-alone cost")
    borne, rent = _by_owner([rows, columns], game.size)
    dual_value = float(borne.sum()) + rent
    gap = 0.0 if total_cost is None else total_cost - dual_value
    shares = _rent_shares(game, rent, rent_weights, float(np.abs(borne).sum()))
    cost = borne + shares * rent + gap / game.size
    result = game.series(alone - cost, "owen")
    result.attrs = {"cost": game.series(cost, "").to_dict(), "gap": gap, "rent": rent}
    result.attrs["epsilon"] = _epsilon(gap, rent, game.size)
    return result


def _epsilon(gap: float, rent: float, players: int) -> float:
    """Most that a coalition can gain by leaving: its part of the gap, and a rent that is a gain."""
    return max(0.0, gap * (players - 1) / players) + (max(0.0, -rent) if players > 1 else 0.0)


def _by_owner(parts: list[OwnedDuals], players: int) -> tuple[Floats, float]:
    """Sum of dual times limit by player, and that of shared rows and columns."""
    borne, shared = np.zeros(players), 0.0
    for part in parts:
        unknown = (part.owner >= players) | (part.owner < SHARED)
        if unknown.any():
            raise GameError(
                f"owner: {int(part.owner[unknown][0])}; expected -1 (shared) to {players - 1}"
            )
        worth, own = part.worth(), part.owner != SHARED
        borne += np.bincount(part.owner[own], weights=worth[own], minlength=players)
        shared += float(worth[~own].sum())
    return borne, shared


def _rent_shares(
    game: Game,
    rent: float,
    weights: Mapping[Any, float] | pd.Series[float] | None,
    size: float,
) -> Floats:
    if weights is None:
        if abs(rent) > _RENT * max(size, abs(rent)):
            raise GameError(
                f"rent: shared limits are worth {rent}, with nobody to give it to; "
                "expected rent_weights by player"
            )
        return np.full(game.size, 1.0 / game.size)
    given = game.vector(weights, "rent_weights")
    if (given < 0).any() or given.sum() <= 0:
        raise GameError("rent_weights: below 0, or all 0; expected numbers of at least 0")
    return np.asarray(given / given.sum(), dtype=np.float64)
