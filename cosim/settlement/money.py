"""From an allocation to money: bills, transfers through prices, and one account per party."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cosim.errors import SettlementError
from cosim.records import Schedule
from cosim.records.names import OPERATOR
from cosim.scenario import Scenario
from cosim.settlement.loss_billing import loss_weights
from cosim.settlement.payments import payments
from cosim.settlement.peer import (
    Agreement,
    PeerSettlement,
    Rule,
    network_purchases,
    settle_peers,
)
from cosim.settlement.players import Players
from cosim.settlement.price_bounds import Bounds, price_bounds
from cosim.settlement.trades import PairTrades, pair_trades
from cosim.settlement.volumes import shared_energy_kwh


@dataclass(frozen=True, slots=True)
class Money:
    """What everybody pays in the end.

    Attributes:
        payments: see `payments`, with what was really settled, and the column `lump_sum`.
        peer: prices and payments per pair.
        levy: what each participant pays to an operator that plays, by party.
        network_share: what each party pays to the network account, by party.
        agreement: what the prices were to bring about.
        notes: sentences for the reader.
    """

    payments: pd.DataFrame
    peer: PeerSettlement
    levy: pd.Series
    network_share: pd.Series
    agreement: Agreement
    notes: tuple[str, ...]

    @property
    def realised(self) -> pd.Series:
        """Benefit of each player that was settled, in currency."""
        found: pd.Series = self.payments.groupby("player", sort=False)["benefit"].sum()
        return found


def settle_money(
    scenario: Scenario,
    players: Players,
    alone: Schedule,
    together: Schedule,
    allocation: pd.Series,
    singles: pd.Series,
) -> Money:
    """Return the payments of an allocation, carried by prices between participants.

    Everybody pays its own bill at its utilities and its part of the network account, which in turn
    pays for the energy that losses and pumps take from the pool. An operator that plays gets its
    share from participants in proportion to the energy they share. What is left to transfer flows
    through prices per pair and step inside their bounds.

    Args:
        scenario: tariffs, fees and rules.
        players: who plays.
        alone: everybody stand-alone, under the networks.
        together: everybody sharing, under the networks.
        allocation: benefit per player, in currency.
        singles: v({P}) per player, what it has without the others.
    """
    rule = scenario.config.bargaining.loss_rule
    table = payments(alone, together, players, allocation, rule).set_index("participant")
    trades = pair_trades(together)
    bounds = price_bounds(scenario, trades)
    weights, note = loss_weights(together, players, rule)
    sold = network_purchases(trades, bounds).reindex(table.index, fill_value=0.0)
    bought = weights.reindex(table.index, fill_value=0.0) * float(sold.sum())
    levy = _levy(table, together)
    agreement = _agreement(trades, bounds, table, singles, sold - bought - levy)
    peer, hardship = _peers(agreement, scenario.config.bargaining.prices.rule)
    table["lump_sum"] = -peer.fixed.reindex(table.index)
    table["payment"] = -peer.received.reindex(table.index)
    table["cost_after"] = table["cost_without_payment"] + table["payment"]
    table["benefit"] = table["cost_before"] - table["cost_after"]
    return Money(
        payments=table.reset_index(),
        peer=peer,
        levy=levy,
        network_share=table["network_cost"] + bought,
        agreement=agreement,
        notes=tuple(text for text in (note, hardship, _bound_note(peer)) if text),
    )


def _levy(table: pd.DataFrame, together: Schedule) -> pd.Series:
    """Return what each party pays to the operator's account; negative for the operator itself."""
    levy = pd.Series(0.0, index=table.index)
    if OPERATOR not in table.index:
        return levy
    due = -float(table["payment"][OPERATOR])
    energy = shared_energy_kwh(together).sum(axis=1).groupby(level="participant").sum()
    members = [name for name in table.index if name != OPERATOR]
    energy = energy.reindex(members, fill_value=0.0)
    total = float(energy.sum())
    share = energy / total if total > 0.0 else pd.Series(1.0 / len(members), index=members)
    levy[members] = due * share
    levy[OPERATOR] = -due
    return levy


def _agreement(
    trades: PairTrades, bounds: Bounds, table: pd.DataFrame, singles: pd.Series, offset: pd.Series
) -> Agreement:
    own = table.groupby("player")["benefit"].transform("sum")
    inside = (table["benefit"] / own.where(own.abs() > 0.0)).fillna(0.0)
    safe = table["player"].map(singles).astype(float).fillna(0.0) * inside
    return Agreement(
        trades=trades,
        bounds=bounds,
        target=-table["payment"],
        disagreement=table["cost_without_payment"] - table["cost_before"] + safe,
        offset=offset,
        owner=table["player"],
    )


def _peers(agreement: Agreement, rule: Rule) -> tuple[PeerSettlement, str]:
    """Settle through prices; with lump sums where bounds would make somebody lose."""
    try:
        return settle_peers(agreement, rule), ""
    except SettlementError:
        text = (
            "No prices inside their bounds keep everybody from losing against staying alone; the "
            "allocation is settled with fixed payments beside the prices."
        )
        return settle_peers(agreement, "lump_sum"), text


def _bound_note(peer: PeerSettlement) -> str:
    """Return which bounds kept the allocation from being paid by prices."""
    if not peer.bounded:
        return ""
    shown = [f"{s} to {b} ({c}, {which})" for s, b, c, which in peer.at_bound[:5]]
    more = f" and {len(peer.at_bound) - 5} more" if len(peer.at_bound) > 5 else ""
    outcome = (
        "fixed payments carry the rest"
        if peer.fixed.abs().sum() > 0.0
        else "the closest point inside them (log-Nash, with the agreed gains as weights) is settled"
    )
    return (
        "No prices between participants inside their bounds reproduce the chosen allocation; "
        f"{outcome}. At a bound at every step: {', '.join(shown) or 'none'}{more}."
    )
