"""Cooperative games with transferable utility: who gets what, and will they stay.

A game is a list of players and a value for every coalition. Each allocation function takes a game
and returns a pandas Series of shares by player, which sum to the value of the grand coalition;
what else is known about the answer is in `Series.attrs`. Nothing here knows about energy.

Examples:
    >>> from cosim.games import Game, core_excess, nucleolus, shapley
    >>> game = Game.from_table({
    ...     ("a",): 0, ("b",): 0, ("c",): 0,
    ...     ("a", "b"): 1170, ("a", "c"): 770, ("b", "c"): 210, ("a", "b", "c"): 1530,
    ... })
    >>> shapley(game).round(3).to_dict()
    {'a': 763.333, 'b': 483.333, 'c': 283.333}
    >>> nucleolus(game).round(3).to_dict()
    {'a': 955.0, 'b': 395.0, 'c': 180.0}
    >>> core_excess(game, shapley(game)).in_core
    True
"""

from cosim.games.core import CoreTest, core_excess, excesses, least_core, nucleolus
from cosim.games.disruption import disruption, equal_disruption
from cosim.games.fairness import Fairness, fairness, gains
from cosim.games.game import Game, simple_game
from cosim.games.nash import nash, nash_harsanyi
from cosim.games.owen import OwnedDuals, owen
from cosim.games.sampling import shapley_sampled
from cosim.games.shapley import shapley, shapley_shubik

__all__ = [
    "CoreTest",
    "Fairness",
    "Game",
    "OwnedDuals",
    "core_excess",
    "disruption",
    "equal_disruption",
    "excesses",
    "fairness",
    "gains",
    "least_core",
    "nash",
    "nash_harsanyi",
    "nucleolus",
    "owen",
    "shapley",
    "shapley_sampled",
    "shapley_shubik",
    "simple_game",
]
