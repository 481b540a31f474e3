"""The price of traded emissions: a ladder that is continuous, and concave on the reward side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyomo.environ as pyo

from cosim.records import read_only
from cosim.records.time import FloatArray
from cosim.scenario.config import CarbonTrading


@dataclass(frozen=True, slots=True)
class Ladder:
    """What e tonnes above (positive) or below (negative) the quota cost.

    The price of the k-th interval of length L is chi (1 + (k - 1) theta) above the quota and
    chi (1 + k delta) below it, k = 1, 2, ... K; the last interval has no end. 0 at e = 0.

    Attributes:
        buy_per_t: price of each interval above the quota, shape (K,).
        reward_per_t: price of each interval below it, shape (K,).
        interval_t: length of an interval.

    Source: Zhou et al. 2025, doi:10.3389/fenrg.2025.1602891, eq. 17-23.
    """

    buy_per_t: FloatArray
    reward_per_t: FloatArray
    interval_t: float

    @property
    def is_line(self) -> bool:
        """True if all prices are the same."""
        return bool(np.ptp(np.concatenate([self.buy_per_t, self.reward_per_t])) == 0.0)

    @property
    def is_convex(self) -> bool:
        """True if no price falls as emissions rise."""
        rising = np.concatenate([self.reward_per_t[::-1], self.buy_per_t])
        return bool((np.diff(rising) >= 0.0).all())

    def cost(self, e_t: float) -> float:
        """Return the cost of e tonnes above the quota, in currency."""
        buy, reward = self.rungs(e_t)
        return float(self.buy_per_t @ buy - self.reward_per_t @ reward)

    def rungs(self, e_t: float) -> tuple[FloatArray, FloatArray]:
        """Return how much of e lies in each interval, above and below the quota, shape (K,)."""
        return self._filled(max(e_t, 0.0)), self._filled(max(-e_t, 0.0))

    def _filled(self, amount_t: float) -> FloatArray:
        rest = amount_t - self.interval_t * np.arange(len(self.buy_per_t))
        most = np.full(len(rest), self.interval_t)
        most[-1] = np.inf
        filled: FloatArray = np.clip(rest, 0.0, most)
        return filled


def ladder_of(trading: CarbonTrading, share: float) -> Ladder:
    """Return the ladder of a part of the horizon; its intervals are that part of the whole ones."""
    k = np.arange(trading.intervals)
    reward_per_t = trading.price_per_t * (1.0 + (k + 1) * trading.reward_growth)
    return Ladder(
        buy_per_t=read_only(trading.price_per_t * (1.0 + k * trading.growth)),
        reward_per_t=read_only(reward_per_t if trading.rewards else np.zeros(len(k))),
        interval_t=trading.interval_t * share,
    )


def add_ladder(
    block: pyo.Block, ladder: Ladder, e_t: object, most_t: tuple[float, float]
) -> object:
    """Add the ladder to a block and return its cost as a linear expression.

    above_k and below_k are what lies in the k-th interval; used binaries, k = 1..K:

    `position`: sum of above_k - sum of below_k = e.
    `above_ceiling`, `below_ceiling`: above_k <= length_k above_used_k, below_k <= length_k
    below_used_k, with length L, and the largest possible |e| for the last interval.
    `above_floor`, `below_floor`: above_(k-1) >= L above_used_k, below_(k-1) >= L below_used_k for
    k > 1: an interval is full before the next one begins.
    `one_side`: above_used_1 + below_used_1 <= 1.

    So the cost is exact whatever would pay: cheap rungs cannot be taken before dear ones, rewards
    not collected out of turn. Where no price falls as emissions rise the cheapest order is the
    right one anyway, and only `position` is added.

    Args:
        block: gets the variables and rows.
        ladder: prices and interval.
        e_t: emissions above the quota in t, a linear expression.
        most_t: bounds of it, (lower, upper); needed where there are binaries.
    """
    count, length = len(ladder.buy_per_t), ladder.interval_t
    rungs = range(count)
    decided = () if ladder.is_convex else rungs
    for side, most in (("above", most_t[1]), ("below", -most_t[0])):
        ends = [length] * (count - 1) + [max(most, length)]
        amount = pyo.Var(rungs, bounds=lambda _, k, ends=ends: (0.0, ends[k]))
        block.add_component(side, amount)
        block.add_component(f"{side}_used", pyo.Var(decided, domain=pyo.Binary))
        if decided:
            _add_order(block, side, ends)
    if decided:
        block.one_side = pyo.Constraint(
            expr=block.above_used[0] + block.below_used[0] <= 1.0,
            doc="emissions are above or below the quota",
        )
    block.position = pyo.Constraint(
        expr=pyo.quicksum(block.above[k] - block.below[k] for k in rungs) == e_t,
        doc="intervals add up to emissions less quota",
    )
    return pyo.quicksum(
        float(ladder.buy_per_t[k]) * block.above[k] - float(ladder.reward_per_t[k]) * block.below[k]
        for k in rungs
    )


def _add_order(block: pyo.Block, side: str, ends: list[float]) -> None:
    """Add `<side>_ceiling` and `<side>_floor`: intervals are filled in their order."""
    amount, used = block.component(side), block.component(f"{side}_used")
    block.add_component(
        f"{side}_ceiling",
        pyo.Constraint(
            range(len(ends)),
            rule=lambda _, k: amount[k] <= ends[k] * used[k],
            doc="nothing lies in an interval that is not reached",
        ),
    )
    block.add_component(
        f"{side}_floor",
        pyo.Constraint(
            range(1, len(ends)),
            rule=lambda _, k: amount[k - 1] >= ends[k - 1] * used[k],
            doc="an interval is full before the next one begins",
        ),
    )
