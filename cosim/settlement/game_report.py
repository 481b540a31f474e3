"""What the networks take away from the game: from each player, and from its stability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosim.errors import GameError
from cosim.games import Game, least_core, shapley
from cosim.settlement.players import Players


def game_summary(
    game: Game, copper: Mapping[frozenset[str], float], players: Players, tolerance: float
) -> dict[str, Any]:
    """Return the two games side by side, as it goes into `summary.json`.

    Args:
        game: values under the networks.
        copper: values without networks, by coalition.
        players: who plays.
        tolerance: what solvers leave uncertain about values, in currency; a least-core epsilon up
            to it counts as a core that exists.

    Returns:
        `core`: for `networks` and `copper_plate` the least-core epsilon and whether there is a
        core; `players`: Shapley value without networks, under them, and what they take away.
    """
    plate = Game.from_table(
        {tuple(sorted(coalition)): value for coalition, value in copper.items()},
        players=players.names,
    )
    inside, outside = shapley(game), shapley(plate)
    return {
        "core": {"networks": _core(game, tolerance), "copper_plate": _core(plate, tolerance)},
        "players": {
            name: {
                "copper_plate": float(outside[name]),
                "networks": float(inside[name]),
                "taken_away": float(outside[name] - inside[name]),
            }
            for name in players.names
        },
    }


def _core(game: Game, tolerance: float) -> dict[str, Any]:
    try:
        epsilon = float(least_core(game).attrs["epsilon"])
    except GameError as error:
        return {"exists": None, "least_core_epsilon": None, "reason": str(error)}
    return {"exists": epsilon <= tolerance, "least_core_epsilon": epsilon}
