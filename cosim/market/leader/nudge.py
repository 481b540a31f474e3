"""Prices moved a little, so that the response a leader wants is no longer a tie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cosim.market.leader.problem import LeaderProblem
from cosim.market.leader.respond import Evaluation, Reply, Responses
from cosim.records.time import FloatArray

SIZES = (1.0, 0.1, 10.0)
"""Nudges that are tried, as multiples of the one asked for."""
REPAIRS = 6
"""Times a nudge is corrected by the response it gave."""
TRADE_TOLERANCE = 1e-6
"""Share of the largest trade below which two trades are one."""


@dataclass(frozen=True, slots=True)
class Nudged:
    """Nudged prices with their fresh evaluation, and whether the plant has to ration."""

    prices: FloatArray
    evaluation: Evaluation
    reply: Reply
    rationed: bool

    @property
    def profit(self) -> float:
        """Profit the leader can count on without rationing anybody, nan if there is none."""
        return self.evaluation.pessimistic.profit


def nudge(responses: Responses, prices: FloatArray, wanted: Reply, size: float) -> Nudged:
    """Return the best of some nudged prices, by pessimistic profit after a fresh solve.

    A wanted purchase is made a little cheaper and a wanted sale a little better paid, an unwanted
    one the opposite; where followers then trade more or less than wanted, the price is moved on.
    The unchanged prices stand for election too.

    Args:
        responses: the followers.
        prices: where the wanted response is one of the best, shape (n_prices,).
        wanted: that response.
        size: usual movement of a price, currency per unit.
    """
    best: Evaluation | None = None
    for trial in _trials(responses, prices, wanted, size):
        if best is None or _score(trial) > _score(best):
            best = trial
    assert best is not None
    if best.pessimistic.delivered:
        return Nudged(best.prices, best, best.pessimistic, rationed=False)
    reply, _ = responses.rationed(best.prices)
    return Nudged(best.prices, best, reply, rationed=True)


def _trials(
    responses: Responses, prices: FloatArray, wanted: Reply, size: float
) -> Iterator[Evaluation]:
    game = responses.game
    target = trades(game, wanted.y)
    for factor in SIZES:
        step = factor * size
        trial = _allowed(game, prices + step * _direction(game, target), prices)
        for _ in range(REPAIRS):
            evaluation = responses.evaluate(trial)
            yield evaluation
            missing = target - trades(game, evaluation.simulated.y)
            wrong = np.abs(missing) > TRADE_TOLERANCE * max(1.0, float(np.abs(target).max()))
            if not wrong.any():
                break
            trial = _allowed(game, trial - step * np.sign(missing) * wrong, prices)
    yield responses.evaluate(prices)


def nudge_by(game: LeaderProblem, prices: FloatArray, wanted: Reply, size: float) -> FloatArray:
    """Return prices moved by `size` in favour of what is wanted, inside their bounds and rows."""
    return _allowed(game, prices + size * _direction(game, trades(game, wanted.y)), prices)


def trades(game: LeaderProblem, y: tuple[FloatArray, ...]) -> FloatArray:
    """Return what is bought (positive) or sold at every price, shape (n_prices,)."""
    pairs = zip(game.followers, y, strict=True)
    return np.asarray(sum((one.priced @ part for one, part in pairs), np.zeros(game.n_prices)))


def _score(trial: Evaluation) -> float:
    return trial.pessimistic.profit if trial.pessimistic.delivered else -np.inf


def _direction(game: LeaderProblem, target: FloatArray) -> FloatArray:
    """Return -1 where a price should fall and +1 where it should rise.

    A purchase has a positive trade, a sale a negative one; an idle price rises if only purchases
    are possible at it and falls if only sales are.
    """
    side = np.sign(sum(one.priced.sum(axis=1) for one in game.followers))
    traded = np.abs(target) > TRADE_TOLERANCE * max(1.0, float(np.abs(target).max()))
    return np.where(traded, -np.sign(target), side)


def _allowed(game: LeaderProblem, prices: FloatArray, base: FloatArray) -> FloatArray:
    """Return prices inside their bounds; where a row of prices breaks, the unmoved ones."""
    inside = np.clip(prices, game.price_lb, game.price_ub)
    broken = game.price_rows @ inside > game.price_row_ub + 1e-12
    if broken.any():
        involved = np.asarray(abs(game.price_rows[broken]).sum(axis=0)).ravel() > 0
        inside = np.where(involved, base, inside)
    return inside
