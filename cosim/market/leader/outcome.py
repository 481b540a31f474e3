"""From prices a method has found to the outcome that is reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cosim.errors import Infeasible
from cosim.market.highs import Clock
from cosim.market.leader.nudge import Nudged, nudge
from cosim.market.leader.offers import Offered, offered
from cosim.market.leader.problem import HISTORY, LeaderOutcome, LeaderSettings
from cosim.market.leader.respond import Reply, Responses
from cosim.records.time import FloatArray

LOST = 0.02
"""Share of the profit that a nudge may lose before the leader limits what it trades."""


@dataclass(slots=True)
class Record:
    """History of a search: the best profit so far and the proven bound over time."""

    method: str
    clock: Clock
    rows: list[tuple[str, int, float, float, float]] = field(default_factory=list)

    def add(self, best: float, bound: float) -> None:
        """Note where the search stands."""
        self.rows.append((self.method, len(self.rows), self.clock.elapsed, best, bound))

    def frame(self) -> pd.DataFrame:
        """Return the history as a table."""
        return pd.DataFrame(self.rows, columns=list(HISTORY))


def relative_gap(best: float, bound: float) -> float:
    """Return the distance of a bound from a profit relative to the profit, inf without either."""
    if not (np.isfinite(best) and np.isfinite(bound)):
        return float("inf")
    return max(bound - best, 0.0) / max(abs(best), 1e-9)


def conclude(
    responses: Responses,
    prices: FloatArray,
    bound: float,
    record: Record,
    settings: LeaderSettings,
    notes: Sequence[str] = (),
    proven: bool = True,
) -> LeaderOutcome:
    """Evaluate final prices afresh, nudge them, and put the outcome together.

    Args:
        responses: the followers.
        prices: final prices, shape (n_prices,).
        bound: proven upper bound on the optimistic profit, inf without one.
        record: the history.
        settings: for the nudge and the gap.
        notes: what the method has to say.
        proven: the method is one that proves its result.
    """
    told = list(notes)
    fresh = responses.evaluate(prices)
    wanted = fresh.optimistic
    if wanted is None:
        wanted = _rationed(responses, prices, told)
    moved = nudge(responses, prices, wanted, settings.nudge)
    if not fresh.pessimistic.delivered:
        told.append("a response as good for the followers asks more than the plant can deliver")
    limited = None
    if fresh.optimistic is not None and settings.nudge > 0.0:
        limited = _limited(responses, prices, wanted, moved, settings)
    if limited is not None:
        told.append("the leader limits what it trades at every price to what it can use")
    elif moved.rationed:
        told.append("the nudged response asks more than the plant can deliver; it is rationed")
    gap = relative_gap(wanted.profit, bound)
    status = "optimal" if gap <= settings.gap else "time limit" if proven else "heuristic"
    best = wanted.profit
    return LeaderOutcome(
        prices=prices,
        x=_plant(wanted),
        responses=wanted.y,
        profit_optimistic=best,
        profit_pessimistic=fresh.pessimistic.profit,
        profit_nudged=moved.profit if limited is None else limited.least.profit,
        profit_simulated=(moved.evaluation if limited is None else limited).simulated.profit,
        prices_nudged=moved.prices if limited is None else limited.prices,
        x_nudged=_plant(moved.reply if limited is None else limited.simulated),
        responses_nudged=(moved.reply if limited is None else limited.simulated).y,
        follower_costs=fresh.costs,
        bound=max(bound, best),
        gap=gap,
        history=record.frame(),
        status=status,
        notes=tuple(told),
        offers=None if limited is None else limited.offers,
    )


def _limited(
    responses: Responses,
    prices: FloatArray,
    wanted: Reply,
    moved: Nudged,
    settings: LeaderSettings,
) -> Offered | None:
    """Return limits of trade where the nudge alone loses too much and they lose less."""
    alone = -np.inf if np.isnan(moved.profit) else moved.profit
    if alone >= wanted.profit - LOST * abs(wanted.profit):
        return None
    found = offered(
        responses.game, prices, wanted, settings.nudge, settings.tolerance, settings.threads
    )
    return found if found is not None and found.least.profit > alone else None


def _rationed(responses: Responses, prices: FloatArray, told: list[str]) -> Reply:
    told.append("no best response at these prices can be delivered; the followers are rationed")
    return responses.rationed(prices)[0]


def _plant(reply: Reply) -> FloatArray:
    if reply.x is None:
        raise Infeasible("the leader's plant cannot deliver the response", "undeliverable")
    return reply.x
