"""Every allocation of the benefit, with its diagnostics."""

from __future__ import annotations

import pandas as pd

from cosim.games import Game, core_excess, disruption, equal_disruption, fairness
from cosim.games import nash, nash_harsanyi, nucleolus, shapley
from cosim.settlement.coalitions import CoalitionValue
from cosim.settlement.players import Players

CORE_TOLERANCE = 1e-6
"""Largest positive excess, as a share of the total value, that still counts as in the core."""


def game_of(values: list[CoalitionValue], players: Players) -> Game:
    """Return the cooperative game of solved coalitions."""
    table = {tuple(sorted(item.coalition)): item.value for item in values}
    return Game.from_table(table) if len(players.names) else Game((), lambda _: 0.0)


def allocate(game: Game, weights: pd.Series) -> dict[str, pd.Series]:
    """Return every allocation by name: method -> benefit per player."""
    return {
        "shapley": shapley(game),
        "nucleolus": nucleolus(game),
        "nash_harsanyi": nash_harsanyi(game),
        "nash": nash(game, pd.Series(1.0, index=weights.index)),
        "asymmetric_nash": nash(game, weights),
        "equal_disruption": equal_disruption(game),
    }
