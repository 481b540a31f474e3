"""An allocation becomes money: one payment per party, summing to zero."""

from __future__ import annotations

import pandas as pd

from cosim.records import Schedule
from cosim.records.names import NETWORK, OPERATOR
from cosim.scenario.bargaining import LossRule
from cosim.settlement.loss_billing import loss_weights
from cosim.settlement.players import Players
from cosim.settlement.volumes import shared_energy_kwh


def bill(schedule: Schedule, players: Players, rule: LossRule = "throughput") -> pd.DataFrame:
    """Return what every party inside the game pays before any transfer.

    Losses and pump electricity (the network account) are billed by a rule, see
    `loss_billing.loss_weights`.

    Returns:
        Index party, columns `own_cost`, `network_cost`, `cost`.
    """
    totals = schedule.costs["total"]
    members = [name for group in players.groups.values() for name in group]
    own = totals.reindex(members).astype(float)
    weights, _ = loss_weights(schedule, players, rule)
    table = pd.DataFrame({"own_cost": own})
    if players.operator_plays:
        table.loc[OPERATOR] = [float(totals.get(OPERATOR, 0.0))]
    table["network_cost"] = weights.reindex(table.index) * float(totals.get(NETWORK, 0.0))
    table["cost"] = table["own_cost"] + table["network_cost"]
    return table


def payments(
    alone: Schedule,
    together: Schedule,
    players: Players,
    allocation: pd.Series,
    rule: LossRule = "throughput",
) -> pd.DataFrame:
    """Return the payments that give every player its share of the benefit.

    A participant's cost after sharing is its cost alone minus its part of the player's share;
    inside a player the share is divided pro rata to the energy shared. Positive payments are
    paid, negative ones received; they sum to zero.

    Args:
        alone: everybody stand-alone, under the networks.
        together: everybody sharing, under the networks.
        players: who plays.
        allocation: benefit per player, in currency, summing to the benefit of sharing.
        rule: how losses and pump electricity are billed.

    Returns:
        Columns participant, player, cost_before, cost_without_payment, network_cost, benefit,
        payment, cost_after.
    """
    before, after = bill(alone, players, rule), bill(together, players, rule)
    inside = _share_inside(together, players)
    owner = {member: name for name, group in players.groups.items() for member in group}
    if players.operator_plays:
        owner[OPERATOR] = OPERATOR
        inside[OPERATOR] = 1.0
    benefit = pd.Series({party: float(allocation[owner[party]]) * inside[party] for party in owner})
    table = pd.DataFrame(
        {
            "participant": list(owner),
            "player": [owner[party] for party in owner],
            "cost_before": before["cost"].reindex(list(owner)).to_numpy(),
            "cost_without_payment": after["cost"].reindex(list(owner)).to_numpy(),
            "network_cost": after["network_cost"].reindex(list(owner)).to_numpy(),
            "benefit": benefit.to_numpy(),
        }
    )
    table["cost_after"] = table["cost_before"] - table["benefit"]
    table["payment"] = table["cost_after"] - table["cost_without_payment"]
    return table


def _share_inside(schedule: Schedule, players: Players) -> dict[str, float]:
    """Return each participant's fraction of its player's share: by energy shared, else equal."""
    energy = (
        shared_energy_kwh(schedule).sum(axis=1).groupby(level="participant", observed=True).sum()
    )
    shares: dict[str, float] = {}
    for group in players.groups.values():
        own = energy.reindex(list(group), fill_value=0.0)
        total = float(own.sum())
        for name in group:
            shares[name] = float(own[name]) / total if total > 0.0 else 1.0 / len(group)
    return shares
