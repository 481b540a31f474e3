"""Followers that find their answer to prices among themselves, by exchanging trade proposals."""

from __future__ import annotations

from dataclasses import replace

from cosim.market.agents import Split, split_program
from cosim.market.leader.evolutionary import Evolutionary
from cosim.market.leader.from_market import Game
from cosim.market.leader.problem import LeaderOutcome, LeaderSettings
from cosim.records.time import FloatArray
from cosim.scenario.bargaining import Distributed
from cosim.settlement.admm import Admm, AdmmSettings
from cosim.settlement.own_choice import choose_integers


def search_with_admm(
    game: Game, settings: LeaderSettings, distributed: Distributed
) -> LeaderOutcome:
    """Search for prices by evolution, each scored by a negotiation of the followers.

    Args:
        game: cut from the market.
        settings: of the search.
        distributed: when a negotiation stops.
    """
    shape = AdmmSettings(distributed.tolerance, distributed.max_rounds, distributed.penalty)

    def respond(prices: FloatArray) -> tuple[FloatArray, ...]:
        """Return what every follower answers to prices, shape (n of its programme,) each."""
        return tuple(
            Admm(split_at(game, k, prices), shape).run(choose_integers).x[: one.program.n]
            for k, one in enumerate(game.problem.followers)
        )

    return Evolutionary(respond).solve(game.problem, settings)


def split_at(game: Game, number: int, prices: FloatArray) -> Split:
    """Return a follower's problem at prices, cut into what each of its parties knows."""
    follower = game.problem.followers[number]
    program = replace(follower.program, cost=follower.cost_at(prices))
    return split_program(program, game.owners[number], game.parties)


__all__ = ["search_with_admm", "split_at"]
