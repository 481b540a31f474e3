"""Who pays for losses and pump electricity: the rules, as weights that sum to 1."""

from __future__ import annotations

import pandas as pd

from cosim.errors import SettlementError
from cosim.records import Schedule
from cosim.records.names import OPERATOR
from cosim.scenario.bargaining import LossRule
from cosim.settlement.players import Players
from cosim.settlement.volumes import exchanged_energy_kwh

USABLE = 0.05
"""Marginal charges must leave at least this share of their absolute sum, or their signs cancel and
scaling them to the actual cost would blow them up."""


def loss_weights(
    schedule: Schedule, players: Players, rule: LossRule = "throughput"
) -> tuple[pd.Series, str]:
    """Return the part of the network account's balance that each party bears.

    - `throughput`: pro rata to the energy that a participant moves through the networks.
    - `marginal`: pro rata to sum over steps of (marginal losses of its injection) * injection, at
      the prices of the schedule; whoever relieves the networks has a negative weight.
    - `operator`: the system operator, which must be a player.

    Args:
        schedule: solved, with duals where the rule is `marginal`.
        players: who plays.
        rule: see above.

    Returns:
        Weights by party, summing to 1 (the operator is in it only where it plays); a note for the
        reader where the rule could not be applied, else empty.

    Raises:
        SettlementError: if the rule needs what is not there.
    """
    members = [name for group in players.groups.values() for name in group]
    parties = [*members, OPERATOR] if players.operator_plays else members
    if rule == "operator":
        if not players.operator_plays:
            raise SettlementError("losses go to the system operator, but it is no player")
        return pd.Series([0.0] * len(members) + [1.0], index=parties), ""
    note = ""
    weights = None
    if rule == "marginal":
        weights = _marginal(schedule, members)
        if weights is None:
            note = (
                "Marginal charges for losses cancel out or are zero; losses and pump electricity "
                "are billed by energy moved."
            )
    if weights is None:
        weights = _throughput(schedule, members)
    return weights.reindex(parties, fill_value=0.0), note


def _throughput(schedule: Schedule, members: list[str]) -> pd.Series:
    moved = exchanged_energy_kwh(schedule).reindex(members, fill_value=0.0).astype(float)
    total = float(moved.sum())
    return moved / total if total > 0.0 else pd.Series(1.0 / len(members), index=members)


def _marginal(schedule: Schedule, members: list[str]) -> pd.Series | None:
    """Return charges -sum of (value of losses) * injection over all networks, scaled to 1."""
    if schedule.duals is None:
        raise SettlementError("marginal billing of losses needs a schedule with marginal values")
    charge = pd.Series(0.0, index=members)
    for grid, value in schedule.duals.loss.items():
        entry = schedule.injections[grid]
        money = -(value * entry.p_kw).sum(axis=0) * schedule.time.step_h
        own = pd.Series(money, index=list(entry.terminals))
        charge = charge.add(own.reindex(members, fill_value=0.0))
    total, size = float(charge.sum()), float(charge.abs().sum())
    return charge / total if total > USABLE * size and total > 0.0 else None
