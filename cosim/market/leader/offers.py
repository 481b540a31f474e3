"""Limits of what a leader trades at its prices, where it cannot take or give all that is asked.

A follower whose next kWh costs it always the same wants nothing or everything at a price; a part of
it is never its only best response, however prices are moved. A leader that can only use a part says
how much it trades at most, and the nudge of its prices makes followers fill that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from cosim.market.leader.nudge import SIZES, nudge_by, trades
from cosim.market.leader.problem import LeaderProblem
from cosim.market.leader.respond import Reply, Responses
from cosim.market.program import Bounds
from cosim.records.time import FloatArray

ROOM = 1e-6
"""Units of trade that an offer leaves beyond what is wanted."""
ENOUGH = 0.02
"""Share of the profit that the usual nudge may cost before smaller and larger ones are tried: a
smaller one earns more where nothing else tips the answer, and networks do."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Nudged prices with limits of trade, and what the followers choose within them.

    Attributes:
        prices: shape (n_prices,).
        offers: most that is traded at every price, shape (n_prices,).
        simulated: the followers' choice that a solver returns.
        least: of the choices as good for them, the one that pays the leader least.
    """

    prices: FloatArray
    offers: FloatArray
    simulated: Reply
    least: Reply


def with_offers(game: LeaderProblem, offers: FloatArray) -> LeaderProblem:
    """Return the game with the rows |S| y <= offers among those that the leader has to keep."""
    own = game.leader
    none = sparse.csr_array((game.n_prices, own.n))
    bounds = Bounds(
        own.bounds.col_lb,
        own.bounds.col_ub,
        np.concatenate([own.bounds.row_lb, np.full(game.n_prices, -np.inf)]),
        np.concatenate([own.bounds.row_ub, offers]),
    )
    matrix = sparse.csr_array(sparse.vstack([own.matrix, none], format="csr"))
    followers = tuple(
        replace(
            one,
            to_leader=sparse.csr_array(
                sparse.vstack([one.to_leader, abs(one.priced)], format="csr")
            ),
        )
        for one in game.followers
    )
    return replace(game, leader=replace(own, matrix=matrix, bounds=bounds), followers=followers)


def offered(
    game: LeaderProblem,
    prices: FloatArray,
    wanted: Reply,
    size: float,
    tolerance: float,
    threads: int = 1,
) -> Offered | None:
    """Return nudged prices with limits at what is wanted; None if none can be delivered.

    The usual nudge if it leaves nearly all of the profit, else that which leaves most.

    Args:
        game: the game.
        prices: where the wanted response is one of the best, shape (n_prices,).
        wanted: that response.
        size: usual movement of a price, currency per unit.
        tolerance: a response counts as best within this share of the follower's cost.
        threads: for the solver.
    """
    offers = np.abs(trades(game, wanted.y)) + ROOM
    responses = Responses(with_offers(game, offers), tolerance, threads)
    best: Offered | None = None
    for factor in SIZES:
        moved = nudge_by(game, prices, wanted, factor * size)
        simulated, costs = responses.rationed(moved)
        least = responses.least_delivered(moved, costs)
        if least is None or not (simulated.delivered and np.isfinite(least.profit)):
            continue
        if best is None or least.profit > best.least.profit:
            best = Offered(moved, offers, simulated, least)
        if least.profit >= wanted.profit - ENOUGH * abs(wanted.profit):
            break
    return best
