"""What bargaining power can come from: marginal contributions, and carbon saved."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cosim.games import Game
from cosim.records import Schedule
from cosim.scenario import Scenario
from cosim.settlement.players import Players

SIGN = {"buy_kw": 1.0, "share_in_kw": 1.0, "share_out_kw": -1.0}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Beyond volumes.

    Attributes:
        saving: v(N) - v(N without the player), in currency, by player.
        carbon_kg: CO2 that a player saves the community by sharing, by player.
    """

    saving: pd.Series
    carbon_kg: pd.Series


def carbon_saved_kg(
    scenario: Scenario, players: Players, alone: Schedule, together: Schedule
) -> pd.Series:
    """Return the CO2 that each player saves, by player.

    e_i = sum over carriers of factor * (bought + received - given) * step_h, alone less together:
    shared energy carries the factor of the utility's energy that it replaces, to the credit of who
    gives it and at the charge of who takes it, so the players' savings add up to the community's.
    """
    owner = {member: name for name, group in players.groups.items() for member in group}
    factor = {name: tariff.co2_kg_per_kwh for name, tariff in scenario.config.tariffs.items()}

    def emitted(schedule: Schedule) -> pd.Series:
        """Return CO2 of what players bought and received less what they gave, in kg by player."""
        table = schedule.table
        rows = table[table["quantity"].isin(list(SIGN)) & table["participant"].isin(list(owner))]
        sign = rows["quantity"].astype(str).map(SIGN).astype(float)
        weight = rows["carrier"].astype(str).map(factor).fillna(0.0).astype(float)
        kg = rows["value"] * sign * weight * schedule.time.step_h
        found: pd.Series = kg.groupby(rows["participant"].astype(str).map(owner)).sum()
        return found.reindex(list(players.groups), fill_value=0.0)

    saved: pd.Series = emitted(alone) - emitted(together)
    return saved


def marginal_contributions(game: Game, players: Players) -> pd.Series:
    """Return v(N) - v(N without the player), by player with participants."""
    everyone = frozenset(players.names)
    whole = game.total
    return pd.Series({name: whole - game.value(everyone - {name}) for name in players.groups})
