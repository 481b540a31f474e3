"""Which of the followers decide about on and off, and what to say about it."""

from __future__ import annotations

from collections.abc import Iterator

from cosim.errors import Problem, ScenarioError
from cosim.market.compile import variables_of
from cosim.market.leader.from_market import Game
from cosim.market.market import Market
from cosim.scenario.leader import Leader
from cosim.scenario.problems import some


def refuse_on_off(market: Market, game: Game, leader: Leader) -> None:
    """Refuse the exact method where followers have on/off decisions that matter.

    Args:
        market: that still has its Pyomo model, to name what decides.
        game: cut from it.
        leader: its section.

    Raises:
        ScenarioError: naming participants and their devices.
    """
    if leader.method != "exact" or game.problem.linear:
        return
    found = list(dict.fromkeys(_deciding(market, game))) or ["a follower"]
    problem = Problem(
        "leader.method",
        f"exact, but {some(found)} {'decide' if len(found) > 1 else 'decides'} about on and off",
        "followers whose costs and limits are linear",
        "set leader.method: decomposition (or evolutionary), or remove least loads, start-ups, "
        "minimum times and rewards that grow below the CO2 quota from these followers",
    )
    raise ScenarioError([problem])


def _deciding(market: Market, game: Game) -> Iterator[str]:
    """Yield names such as `mg1.devices.chp` of whatever has a binary."""
    if market.model is None:
        return
    variables = variables_of(market.model, len(market.scenario.time))
    pairs = zip(game.problem.followers, game.follower_columns, strict=True)
    for follower, columns in pairs:
        bounds = follower.program.bounds
        free = follower.program.integer & (bounds.col_ub > bounds.col_lb)
        for column in columns[free]:
            if column < len(variables):
                parts = str(variables[column].name).split("[")[0].split(".")
                yield ".".join(parts[1:4] if "devices" in parts else parts[1:3])
