"""Bargaining power for the asymmetric Nash solution."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cosim.errors import Problem, ScenarioError, SettlementError
from cosim.records import Schedule
from cosim.records.names import OPERATOR
from cosim.scenario.bargaining import Bargaining, PowerRule
from cosim.settlement.evidence import Evidence
from cosim.settlement.players import Players
from cosim.settlement.volumes import shared_energy_kwh

FLOOR = 1e-3
"""Smallest weight: nobody who takes part is left without any say."""


def bargaining_power(
    schedule: Schedule, players: Players, settings: Bargaining, evidence: Evidence | None = None
) -> pd.Series:
    """Return weights that sum to 1, by player.

    - `equal`: 1/n.
    - `volume`: share of the energy contributed and received, normalised per carrier before it is
      added, so that a carrier with large flows does not drown the others.
    - `exponential`: exp(out_i / max out) - exp(-in_i / max in).
    - `multi_factor`: weighted mean of the shares of volume, marginal contribution and carbon saved,
      with the weights of `power_factors`; negative contributions count as 0.
    - `given`: as in the scenario.

    The system operator, where it plays, has the average weight: it moves no energy of its own.
    Only `given_power` may name another one for it.

    Raises:
        ScenarioError: if a player other than the operator has no given power.
        SettlementError: for `multi_factor` without evidence.
    """
    if settings.power == "given":
        return _given(players, settings)
    weights = _weights(schedule, players, settings, evidence)
    groups = list(players.groups)
    total = float(weights.sum())
    weights = weights / total if total > 0.0 else pd.Series(1.0 / len(groups), index=groups)
    weights = weights.clip(lower=FLOOR)
    if players.operator_plays:
        weights[OPERATOR] = weights.mean()
    return weights / weights.sum()


def _weights(
    schedule: Schedule, players: Players, settings: Bargaining, evidence: Evidence | None
) -> pd.Series:
    if settings.power == "equal":
        return pd.Series(1.0, index=list(players.groups))
    contributed, received = _volumes(schedule, players)
    if settings.power == "volume":
        return contributed + received
    if settings.power == "exponential":
        power: pd.Series = np.exp(_over_max(contributed)) - np.exp(-_over_max(received))
        return power
    if evidence is None:
        raise SettlementError("power: multi_factor needs the values of all coalitions")
    factors = settings.power_factors
    parts = (
        (factors.volume, contributed + received),
        (factors.saving, evidence.saving),
        (factors.carbon, evidence.carbon_kg),
    )
    total = pd.Series(0.0, index=list(players.groups))
    for weight, values in parts:
        total = total + weight * _share(values.reindex(total.index, fill_value=0.0))
    return total


def power_table(
    schedule: Schedule, players: Players, settings: Bargaining, evidence: Evidence | None
) -> pd.DataFrame:
    """Return the bargaining power by every rule that can be applied, with what it comes from.

    Returns:
        Columns player, rule, weight, chosen; out_<carrier>_kwh and in_<carrier>_kwh shared; with
        evidence marginal_contribution (currency) and co2_saved_kg.
    """
    rules: list[PowerRule] = ["equal", "volume", "exponential"]
    if evidence is not None:
        rules.append("multi_factor")
    if settings.power == "given":
        rules.append("given")
    sources = _sources(schedule, players, evidence)
    frames = []
    for rule in rules:
        one = settings.model_copy(update={"power": rule})
        weights = bargaining_power(schedule, players, one, evidence)
        frame = pd.DataFrame({"player": list(weights.index), "rule": rule})
        frame["weight"] = weights.to_numpy(dtype=float)
        frame["chosen"] = rule == settings.power
        frames.append(frame.join(sources, on="player"))
    return pd.concat(frames, ignore_index=True)


def _sources(schedule: Schedule, players: Players, evidence: Evidence | None) -> pd.DataFrame:
    owner = {member: name for name, members in players.groups.items() for member in members}
    energy = shared_energy_kwh(schedule).reset_index()
    energy = energy[energy["participant"].isin(list(owner))]
    energy["player"] = energy["participant"].astype(str).map(owner)
    table = pd.DataFrame(index=pd.Index(list(players.names), name="player"))
    for carrier, part in energy.groupby("carrier", observed=True):
        summed = part.groupby("player")[["out_kwh", "in_kwh"]].sum()
        for side in ("out", "in"):
            table[f"{side}_{carrier}_kwh"] = summed[f"{side}_kwh"].reindex(table.index).fillna(0.0)
    if evidence is not None:
        table["marginal_contribution"] = evidence.saving.reindex(table.index).fillna(0.0)
        table["co2_saved_kg"] = evidence.carbon_kg.reindex(table.index).fillna(0.0)
    return table


def _share(values: pd.Series) -> pd.Series:
    """Return non-negative values as shares of their sum; zeros where there is nothing."""
    kept = values.clip(lower=0.0)
    total = float(kept.sum())
    return kept / total if total > 0.0 else kept


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
