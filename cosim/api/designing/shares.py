"""Who gets what of the saving of designing together: four schemes, and which one to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cosim.api.designing.money import CoalitionCost
from cosim.api.designing.tables import label
from cosim.games import Game
from cosim.scenario import Scenario
from cosim.settlement import CoalitionValue, Players, allocation_table, game_of

SCHEMES = ("shapley", "nucleolus", "nash_harsanyi", "equal_disruption")
"""The four schemes of Wu 2017."""
SPOKEN = {
    "shapley": "the Shapley value",
    "nucleolus": "the nucleolus",
    "nash_harsanyi": "Nash-Harsanyi",
    "equal_disruption": "equal propensity to disrupt",
}
CLOSE = 0.02
"""Propensities to disrupt this close are alike."""
UNKNOWN = 10**9
"""Rank of a scheme in which somebody gains nothing."""


@dataclass(frozen=True, slots=True)
class Shares:
    """The game and its allocations.

    Attributes:
        game: what every coalition saves.
        coalitions: `coalitions.parquet`.
        allocation: `allocation.parquet`, the recommended method settled.
        payments: `payments.parquet`.
        fairness: method -> fi, jain, gini, disruption_spread, in_core.
        recommendation: method and reason.
        notes: sentences for the reader.
    """

    game: Game
    coalitions: pd.DataFrame
    allocation: pd.DataFrame
    payments: pd.DataFrame
    fairness: dict[str, dict[str, Any]]
    recommendation: dict[str, str]
    notes: tuple[str, ...]


def share_out(
    scenario: Scenario,
    costs: Mapping[frozenset[str], CoalitionCost],
    alone: pd.Series,
    own: pd.Series,
) -> Shares:
    """Return every scheme's shares of the saving, their diagnostics, and a recommendation.

    Args:
        scenario: the buildings are the players.
        costs: of all coalitions.
        alone: verified cost of each building when nobody cooperates, currency per year.
        own: what each building pays by itself in the grand coalition, its part of pipes and network
            losses included, currency per year.
    """
    names = tuple(scenario.config.participants)
    players = single_players(scenario)
    base = float(alone.sum())
    values = [
        CoalitionValue(members, cost.verified_total, base - cost.verified_total, cost.feasible,
                       cost.gap)
        for members, cost in costs.items()
    ]  # fmt: skip
    values = [_zero(value) if len(value.coalition) == 1 else value for value in values]
    game = game_of(values, players)
    even = pd.Series(1.0 / len(names), index=list(names))
    table, _, notes = allocation_table(
        game, values, players, even, scenario.config.bargaining, alone
    )
    table = table[table["method"].isin(SCHEMES)].reset_index(drop=True)
    fairness = _fairness(table)
    method, reason = recommend(fairness)
    table["settled"] = table["method"] == method
    chosen = table[table["settled"]].set_index("player")["value"]
    kept = tuple(note for note in notes if any(one in note for one in SCHEMES))
    return Shares(
        game=game,
        coalitions=_coalitions(values, costs, base),
        allocation=table,
        payments=_payments(names, alone, own, chosen),
        fairness=fairness,
        recommendation={"method": method, "reason": reason},
        notes=kept,
    )


def single_players(scenario: Scenario) -> Players:
    """Return every building as a player of its own."""
    groups = {name: (name,) for name in scenario.config.participants}
    return Players(groups=groups, operator_plays=False)


def _zero(value: CoalitionValue) -> CoalitionValue:
    """Return a single building, which saves nothing by itself."""
    return CoalitionValue(value.coalition, value.cost, 0.0, value.verified, value.gap)


def _coalitions(
    values: Sequence[CoalitionValue],
    costs: Mapping[frozenset[str], CoalitionCost],
    base: float,
) -> pd.DataFrame:
    single = {next(iter(m)): float(c.copper.sum()) for m, c in costs.items() if len(m) == 1}
    rows = [
        {
            "coalition": label(value.coalition),
            "size": len(value.coalition),
            "cost": value.cost,
            "stand_alone_cost": base,
            "value": value.value,
            "copper_plate_value": (
                sum(single[name] for name in value.coalition)
                - float(costs[value.coalition].copper.sum())
            ),
            "verified": value.verified,
            "gap": value.gap,
            "own_cost": float(costs[value.coalition].verified.sum()),
            "own_copper_plate_cost": float(costs[value.coalition].copper.sum()),
        }
        for value in values
    ]
    return pd.DataFrame(rows)


def _payments(
    names: Sequence[str], alone: pd.Series, own: pd.Series, chosen: pd.Series
) -> pd.DataFrame:
    """Return payments that give everyone its cost alone less its share; they sum to zero."""
    before = alone.reindex(list(names)).to_numpy(dtype=float)
    after = before - chosen.reindex(list(names)).to_numpy(dtype=float)
    without = own.reindex(list(names)).to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "participant": list(names),
            "player": list(names),
            "cost_before": before,
            "cost_without_payment": without,
            "benefit": before - after,
            "payment": after - without,
            "cost_after": after,
        }
    )


def _fairness(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    found = {}
    for method, rows in table.groupby("method", sort=False):
        disruption = rows["propensity_to_disrupt"].to_numpy(dtype=float)
        finite = np.isfinite(disruption).all()
        found[str(method)] = {
            "fi": float(rows["fi"].iloc[0]),
            "jain": float(rows["jain"].iloc[0]),
            "gini": float(rows["gini"].iloc[0]),
            "disruption_spread": float(np.ptp(disruption)) if finite else None,
            "largest_disruption": float(disruption.max()) if finite else None,
            "in_core": bool(rows["in_core"].all()),
        }
    return found


def recommend(fairness: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Return the scheme to take and why, in plain words.

    As in the paper: whoever can gain by leaving makes a scheme unstable, so schemes in the core go
    first; among them the propensity to disrupt decides, the largest of all players' as small as
    possible; where schemes are alike in that, the more even one (lower fairness index).

    Args:
        fairness: method -> diagnostics, see `Shares.fairness`.
    """
    if all(one["largest_disruption"] is None for one in fairness.values()):
        method = next(iter(fairness))
        return method, "Designing together saves next to nothing; there is nothing to divide."
    stable = {m: f for m, f in fairness.items() if f["in_core"]}
    listed = stable or fairness

    def rank(method: str) -> tuple[float, float]:
        """Return how tempted the most tempted building is, in steps of `CLOSE`, then unfairness."""
        largest = listed[method]["largest_disruption"]
        known = UNKNOWN if largest is None else round(float(largest) / CLOSE)
        return (known, float(listed[method]["fi"]))

    method = min(listed, key=rank)
    best, name = listed[method], SPOKEN[method]
    evenest = min(listed, key=lambda m: float(listed[m]["fi"]))
    sentences = [
        f"No group of buildings does better by leaving under {name}."
        if stable
        else f"Under every scheme some group would gain by leaving; {name} tempts the least."
    ]
    if best["largest_disruption"] is not None:
        sentences.append(
            f"Whoever is most tempted would, by leaving, cost the others "
            f"{best['largest_disruption']:.2f} times what it loses itself, the lowest such figure "
            "of the schemes"
            + (" that are stable." if stable and len(stable) < len(fairness) else ".")
        )
    if evenest == method:
        sentences.append(f"It is also the most even one (fairness index {best['fi']:.2f}).")
    else:
        sentences.append(
            f"{SPOKEN[evenest][:1].upper()}{SPOKEN[evenest][1:]} is more even (fairness index "
            f"{listed[evenest]['fi']:.2f} against {best['fi']:.2f}), but leaves somebody with more "
            "reason to go."
        )
    return method, " ".join(sentences)


__all__ = ["SCHEMES", "Shares", "recommend", "share_out", "single_players"]
