"""Bargaining power for the asymmetric Nash solution."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cosim.errors import Problem, ScenarioError
from cosim.records import Schedule
from cosim.records.names import OPERATOR
from cosim.scenario.config import Bargaining
from cosim.settlement.players import Players
from cosim.settlement.volumes import shared_energy_kwh

FLOOR = 1e-3
"""Smallest weight: nobody who takes part is left without any say."""


def bargaining_power(schedule: Schedule, players: Players, settings: Bargaining) -> pd.Series:
    """Return weights that sum to 1, by player.

    - `equal`: 1/n.
    - `volume`: share of the energy contributed and received, normalised per carrier before it is
      added, so that a carrier with large flows does not drown the others.
    - `exponential`: exp(out_i / max out) - exp(-in_i / max in).
    - `given`: as in the scenario.

    The system operator, where it plays, has the average weight: it moves no energy of its own.
    Only `given_power` may name another one for it.

    Raises:
        ScenarioError: if a player other than the operator has no given power.
    """
    if settings.power == "given":
        return _given(players, settings)
    groups = list(players.groups)
    if settings.power == "equal":
        weights = pd.Series(1.0, index=groups)
    else:
        contributed, received = _volumes(schedule, players)
        if settings.power == "volume":
            weights = contributed + received
        else:
            weights = np.exp(_over_max(contributed)) - np.exp(-_over_max(received))
    total = float(weights.sum())
    weights = weights / total if total > 0.0 else pd.Series(1.0 / len(groups), index=groups)
    weights = weights.clip(lower=FLOOR)
    if players.operator_plays:
        weights[OPERATOR] = weights.mean()
    return weights / weights.sum()


def _given(players: Players, settings: Bargaining) -> pd.Series:
    given = dict(settings.given_power)
    missing = [name for name in players.groups if name not in given]
    if missing:
        where = "bargaining.given_power."
        raise ScenarioError([Problem(where + n, "missing", "a positive number") for n in missing])
    if players.operator_plays:
        average = sum(given[name] for name in players.groups) / len(players.groups)
        given.setdefault(OPERATOR, average)
    weights = pd.Series({name: float(given[name]) for name in players.names})
    return weights / weights.sum()


def _over_max(values: pd.Series) -> pd.Series:
    top = float(values.max())
    return values / top if top > 0.0 else values * 0.0


def _volumes(schedule: Schedule, players: Players) -> tuple[pd.Series, pd.Series]:
    """Return energy contributed and received per player, each carrier normalised to 1."""
    energy = shared_energy_kwh(schedule)
    owner = {member: name for name, members in players.groups.items() for member in members}
    energy = energy[energy.index.get_level_values("participant").isin(list(owner))]
    by_carrier = energy.groupby(level="carrier", observed=True).transform("sum")
    share = (energy / by_carrier.where(by_carrier > 0.0)).fillna(0.0)
    share.index = share.index.get_level_values("participant").map(owner)
    summed = share.groupby(level=0).sum().reindex(list(players.groups), fill_value=0.0)
    return summed["out_kwh"], summed["in_kwh"]
