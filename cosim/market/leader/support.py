"""Where a search can start: trades that pay for all together, at the dearest prices they bear.

A trade is supported by prices at which it is the followers' best response. Given the trade, these
prices are a polyhedron (dual feasibility, multipliers only where there is no slack), so the dearest
of them follow from one linear program. Where a price would have to lie outside its bounds, the
trade at it is cut back until none does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cosim.errors import CosimError
from cosim.market.highs import Handle
from cosim.market.leader.problem import Follower, LeaderProblem
from cosim.market.leader.respond import Responses
from cosim.market.leader.stack import Stack
from cosim.records.time import FloatArray

MARKUPS = (0.0, 0.005, 0.01, 0.03, 0.1)
"""What a unit of trade is made dearer by, as a share of the widest range of prices: a leader trades
less than what is best for all."""
CUT_BACKS = 14
"""Times that trades are cut back before a start is given up."""
PATIENCE = 3
"""Times that a trade is cut back before it is closed."""
OUTSIDE = 1e-7
"""A price further outside its bounds than this is no price."""
TIGHT = 1e-6
"""A slack below this share of its size is none."""


@dataclass(frozen=True, slots=True)
class Supported:
    """The dearest prices at which some responses are best ones.

    Attributes:
        prices: inside their bounds, shape (n_prices,).
        outside: by how much each would have to lie beyond them, shape (n_prices,).
    """

    prices: FloatArray
    outside: FloatArray


def supporting_prices(game: LeaderProblem, y: Sequence[FloatArray]) -> Supported | None:
    """Return the prices that earn most among those at which y is a best response.

    max p' S y - M |e|: c + S' (p + e) - A' lam is 0 for columns between their bounds, 0 or more at
    the lower and 0 or less at the upper one; lam is 0 for rows with slack.

    Args:
        game: followers without integers.
        y: a response of every follower that is best for some prices, bounds left aside.
    """
    n, stack = game.n_prices, Stack()
    bought = trade_of(game, y)
    dear = 10.0 * (1.0 + float(np.abs(bought).max()))
    prices = stack.columns(game.price_lb, game.price_ub, -bought)
    above = stack.columns(0.0, np.full(n, np.inf), np.full(n, dear))
    below = stack.columns(0.0, np.full(n, np.inf), np.full(n, dear))
    stack.rows([(prices, game.price_rows)], -np.inf, game.price_row_ub)
    for one, own in zip(game.followers, y, strict=True):
        _add_optimality(stack, one, own, (prices, above, below))
    handle = Handle(stack.program(), integer=False, threads=1, mip_gap=0.0)
    x = handle.run(1e9).x
    return None if x is None else Supported(x[prices], x[above] - x[below])


def _add_optimality(
    stack: Stack, one: Follower, y: FloatArray, prices: tuple[slice, slice, slice]
) -> None:
    bounds, matrix = one.program.bounds, one.program.matrix
    activity = matrix @ y
    near = TIGHT * (1.0 + np.abs(activity))
    equal = bounds.row_lb == bounds.row_ub
    at_low, at_high = activity <= bounds.row_lb + near, activity >= bounds.row_ub - near
    duals = stack.columns(
        np.where(equal | at_high, -np.inf, 0.0), np.where(equal | at_low, np.inf, 0.0)
    )
    near = TIGHT * (1.0 + np.abs(y))
    least = np.where(y >= bounds.col_ub - near, -np.inf, 0.0)
    most = np.where(y <= bounds.col_lb + near, np.inf, 0.0)
    paid = one.priced.T.tocsr()
    parts = [(prices[0], paid), (prices[1], paid), (prices[2], -paid), (duals, -matrix.T.tocsr())]
    stack.rows(parts, least - one.program.cost, most - one.program.cost)


def support_starts(responses: Responses) -> list[FloatArray]:
    """Return supporting prices of some trades, none where a follower or the plant has integers."""
    game = responses.game
    if not game.linear or bool(game.leader.integer.any()):
        return []
    width = float((game.price_ub - game.price_lb).max(initial=0.0))
    found = [_start(responses, share * width) for share in MARKUPS]
    return [prices for prices in found if prices is not None and game.allows(prices, 1e-7)]


def _start(responses: Responses, markup: float) -> FloatArray | None:
    """Return supporting prices of the best trade for all at a markup, cut back as needed."""
    game = responses.game
    most, times = np.full(game.n_prices, np.inf), np.zeros(game.n_prices)
    for _ in range(CUT_BACKS):
        y = _best_for_all(game, markup, most)
        found = None if y is None else supporting_prices(game, y)
        if found is None or y is None:
            return None
        outside = np.abs(found.outside) > OUTSIDE
        if not outside.any():
            return found.prices
        traded = np.abs(trade_of(game, y))
        wrong = outside & (traded > TIGHT)
        if not wrong.any():
            return None
        times += wrong
        smaller = _offered(responses, found, traded)
        most = np.where(wrong, np.where(times > PATIENCE, 0.0, smaller), most)
    return None


def _offered(responses: Responses, found: Supported, traded: FloatArray) -> FloatArray:
    """Return what followers trade at the bound of a price, or half where that is no less."""
    game = responses.game
    inside = np.clip(found.prices + found.outside, game.price_lb, game.price_ub)
    try:
        outcomes = responses.solve(inside)
    except CosimError:
        return 0.5 * traded
    y = [np.zeros(one.program.n) if o.x is None else o.x
         for one, o in zip(game.followers, outcomes, strict=True)]  # fmt: skip
    there = np.abs(trade_of(game, y))
    return np.where(there < 0.999 * traded, there, 0.5 * traded)


def _best_for_all(
    game: LeaderProblem, markup: float, most: FloatArray
) -> tuple[FloatArray, ...] | None:
    """Return the responses of least cost of leader and followers together.

    Args:
        game: the game.
        markup: cost per unit of trade on top.
        most: largest trade at every price, shape (n_prices,).
    """
    own, stack = game.leader, Stack()
    x = stack.columns(own.bounds.col_lb, own.bounds.col_ub, own.cost)
    plant: list[tuple[slice, sparse.sparray]] = [(x, own.matrix)]
    trades: list[tuple[slice, sparse.sparray]] = []
    for one in game.followers:
        size, inner = abs(one.priced), one.program
        cost = inner.cost - one.fees + markup * np.asarray(size.sum(axis=0)).ravel()
        y = stack.columns(inner.bounds.col_lb, inner.bounds.col_ub, cost)
        stack.rows([(y, inner.matrix)], inner.bounds.row_lb, inner.bounds.row_ub)
        plant.append((y, one.to_leader))
        trades.append((y, size))
    stack.rows(plant, own.bounds.row_lb, own.bounds.row_ub)
    stack.rows(trades, -np.inf, most)
    found = Handle(stack.program(), integer=False, threads=1, mip_gap=0.0).run(1e9).x
    if found is None:
        return None
    ends = np.cumsum([own.n, *(one.program.n for one in game.followers)])
    return tuple(np.split(found, ends[:-1])[1:])


def trade_of(game: LeaderProblem, y: Sequence[FloatArray]) -> FloatArray:
    """Return what followers pay for (positive) or are paid for at every price."""
    pairs = zip(game.followers, y, strict=True)
    return np.asarray(sum((one.priced @ own for one, own in pairs), np.zeros(game.n_prices)))


def welfare_bound(responses: Responses) -> float:
    """Return a bound on the leader's profit: what followers pay at most, less the cost of all.

    Payments are what a follower pays in the end less its own costs. In the end it never pays more
    than its best response costs it at the dearest prices, and the costs of leader and followers
    together are at least those of the best trade for all. inf where that is not known.
    """
    game = responses.game
    if not game.linear or bool(game.leader.integer.any()):
        return float("inf")
    side = sum((one.priced.sum(axis=1) for one in game.followers), np.zeros(game.n_prices))
    mixed = any(((one.priced > 0).sum(axis=1) * (one.priced < 0).sum(axis=1)).any()
                for one in game.followers)  # fmt: skip
    y = _best_for_all(game, 0.0, np.full(game.n_prices, np.inf))
    if mixed or y is None:
        return float("inf")
    dearest = np.where(np.asarray(side) >= 0.0, game.price_ub, game.price_lb)
    most = sum(one.objective for one in responses.solve(dearest))
    least = responses.reply(dearest, y)
    return float(most - responses.costs_of(dearest, y).sum() + least.profit)
