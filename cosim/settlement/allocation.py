"""Every allocation of the benefit, with its diagnostics."""

from __future__ import annotations

import pandas as pd

from cosim.errors import GameError
from cosim.games import (
    Game,
    core_excess,
    disruption,
    equal_disruption,
    fairness,
    gains,
    nash,
    nash_harsanyi,
    nucleolus,
    shapley,
)
from cosim.records import Schedule
from cosim.scenario.config import Bargaining
from cosim.settlement.coalitions import CoalitionValue
from cosim.settlement.payments import bill
from cosim.settlement.players import Players

CORE_TOLERANCE = 1e-5
"""Largest positive excess, as a share of the total value, that still counts as in the core."""


def game_of(values: list[CoalitionValue], players: Players) -> Game:
    """Return the cooperative game of solved coalitions."""
    table = {tuple(sorted(item.coalition)): item.value for item in values}
    return Game.from_table(table)


def allocation_table(
    game: Game | None,
    values: list[CoalitionValue],
    players: Players,
    weights: pd.Series,
    settings: Bargaining,
    alone: Schedule,
) -> tuple[pd.DataFrame, pd.Series]:
    """Return every allocation with diagnostics, and the one that is settled.

    Args:
        game: None where only the stand-alone and the grand coalition were solved; then only the
            Nash solutions are available.
        values: solved coalitions.
        players: who plays.
        weights: bargaining power, summing to 1.
        settings: which allocation is settled.
        alone: stand-alone schedule, for the costs before sharing.

    Returns:
        Columns player, method, value, stand_alone_cost, share, in_core, worst_excess,
        blocking_coalition, propensity_to_disrupt, bargaining_power, settled; and the benefit per
        player that is settled.

    Raises:
        GameError: if the method to settle with needs coalition values that were not computed.
    """
    methods = _methods(game, values, weights)
    if settings.settle_with not in methods:
        raise GameError(
            f"bargaining.settle_with: {settings.settle_with} needs coalition values; "
            "set bargaining.coalition_values: true"
        )
    before = _stand_alone(alone, players)
    frames = [
        _diagnose(name, allocation, game, before, weights, settings)
        for name, allocation in methods.items()
    ]
    return pd.concat(frames, ignore_index=True), methods[settings.settle_with]


def _methods(
    game: Game | None, values: list[CoalitionValue], weights: pd.Series
) -> dict[str, pd.Series]:
    equal = pd.Series(1.0, index=weights.index)
    if game is None:
        total = values[-1].value
        return {"nash": equal / len(equal) * total, "asymmetric_nash": weights * total}
    return {
        "shapley": shapley(game),
        "nucleolus": nucleolus(game),
        "nash_harsanyi": nash_harsanyi(game),
        "nash": nash(game, equal),
        "asymmetric_nash": nash(game, weights),
        "equal_disruption": equal_disruption(game),
    }


def _stand_alone(alone: Schedule, players: Players) -> pd.Series:
    cost = bill(alone, players)["cost"]
    return pd.Series(
        {name: float(cost.reindex(list(group)).sum()) for name, group in players.groups.items()}
    ).reindex(list(players.names), fill_value=0.0)


def _diagnose(
    method: str,
    allocation: pd.Series,
    game: Game | None,
    before: pd.Series,
    weights: pd.Series,
    settings: Bargaining,
) -> pd.DataFrame:
    names = list(weights.index)
    total = float(allocation.sum())
    table = pd.DataFrame(
        {
            "player": names,
            "method": method,
            "value": allocation.reindex(names).to_numpy(dtype=float),
            "stand_alone_cost": before.reindex(names).to_numpy(dtype=float),
            "share": (allocation.reindex(names) / total if total else allocation * 0.0).to_numpy(),
            "bargaining_power": weights.to_numpy(dtype=float),
            "settled": method == settings.settle_with,
        }
    )
    if game is None or len(names) < 2:
        return table.assign(in_core=True, worst_excess=0.0, blocking_coalition="")
    worst = core_excess(game, allocation)
    excess, blocking = float(worst.excess), "+".join(sorted(worst.coalition))
    table["in_core"] = excess <= CORE_TOLERANCE * max(abs(total), 1.0)
    table["worst_excess"] = excess
    table["blocking_coalition"] = blocking if excess > 0.0 else ""
    table["propensity_to_disrupt"] = disruption(game, allocation).reindex(names).to_numpy()
    found = fairness(gains(game, allocation), negligible=CORE_TOLERANCE * max(abs(total), 1.0))
    return table.assign(fi=found.fi, jain=found.jain, gini=found.gini)
