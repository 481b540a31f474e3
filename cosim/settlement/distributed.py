"""Both problems of a run solved without a centre, held against the central answers."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cosim.errors import SettlementError, SolveError
from cosim.market import Market
from cosim.records import Schedule
from cosim.scenario.bargaining import Distributed
from cosim.settlement.admm import Admm, AdmmSettings
from cosim.settlement.money import Money
from cosim.settlement.own_choice import choose_integers
from cosim.settlement.peer import negotiated

PRICES = "prices"


@dataclass(frozen=True, slots=True)
class Negotiated:
    """How the distributed solution went.

    Attributes:
        history: columns round, phase (relaxed, integers fixed, prices), primal_residual,
            dual_residual, penalty, cost (NaN for prices).
        summary: converged, rounds, cost, central_cost and their relative difference; the same for
            prices, with the largest difference of what anybody receives. Empty where it failed.
        notes: sentences for the reader.
    """

    history: pd.DataFrame
    summary: dict[str, object]
    notes: tuple[str, ...]


def solve_distributed(
    market: Market, central: Schedule, money: Money, settings: Distributed
) -> Negotiated:
    """Solve the cooperative problem and the bargaining over prices by ADMM.

    Participants reveal what they would trade and inject, and what they would pay; the networks'
    limits and losses are terms of the negotiation, held by the network account. A leader has no
    say in it: its prices, and what it delivers and takes in all, are given.

    Args:
        market: with the cuts and loss lines of the verified schedule.
        central: that schedule.
        money: its settlement.
        settings: when to stop.
    """
    shape = AdmmSettings(settings.tolerance, settings.max_rounds, settings.penalty)
    try:
        found = Admm(market.split(central), shape).run(choose_integers)
    except SolveError as error:
        return Negotiated(pd.DataFrame(), {}, (f"There is no distributed solution: {error}.",))
    difference = (found.cost - central.cost) / max(abs(central.cost), 1e-9)
    summary: dict[str, object] = {
        "converged": found.converged,
        "rounds": len(found.history),
        "cost": found.cost,
        "central_cost": central.cost,
        "relative_difference": difference,
    }
    notes = []
    if not found.converged:
        notes.append(
            f"The distributed solution stopped after {len(found.history)} rounds without "
            "agreement; raise bargaining.distributed.max_rounds or its tolerance."
        )
    frames = [found.history]
    try:
        agreed, received = negotiated(money.agreement)
        frames.append(agreed.history.assign(phase=PRICES, cost=float("nan")))
        gap = abs(pd.Series(agreed.received, index=received.index) - received).max()
        summary["prices"] = {
            "converged": agreed.converged,
            "rounds": len(agreed.history),
            "largest_difference": float(gap),
        }
    except SettlementError as error:
        notes.append(f"Prices were not negotiated by ADMM: {error}.")
    history = pd.concat(frames, ignore_index=True)
    return Negotiated(history, summary, tuple(notes))
