"""Every allocation of the benefit, with its diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from cosim.errors import GameError
from cosim.games import (
    Game,
    disruption,
    equal_disruption,
    excesses,
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

ROUNDING = 1e-9
"""Share of the total value that is rounding, whatever the solver's gaps are."""
SETTLED_INSTEAD = ("shapley", "nash", "equal_surplus")
"""What is settled where the chosen method has no answer, in this order."""

Methods: TypeAlias = Mapping[str, Callable[[], "pd.Series[float]"]]


def game_of(values: Sequence[CoalitionValue], players: Players) -> Game:
    """Return the cooperative game of all solved coalitions.

    Raises:
        GameError: if a coalition is missing.
    """
    return Game.from_table(_by_members(values), players=players.names)


def allocation_table(
    game: Game | None,
    values: Sequence[CoalitionValue],
    players: Players,
    weights: pd.Series,
    settings: Bargaining,
    alone: Schedule | pd.Series,
) -> tuple[pd.DataFrame, pd.Series, tuple[str, ...]]:
    """Return every allocation with diagnostics, the one that is settled, and notes.

    A method without an answer (no surplus to bargain over, no point of equal disruption) is left
    out with a note. If it is the one to settle with, the first of `SETTLED_INSTEAD` that has an
    answer takes its place; `equal_surplus`, x_P = v({P}) + surplus / n, always has one.

    Args:
        game: None where not every coalition was solved; then only the Nash solutions are
            available, and they need `values` to hold every single player and the grand coalition.
        values: solved coalitions.
        players: who plays.
        weights: bargaining power, summing to 1.
        settings: which allocation is settled.
        alone: stand-alone schedule, for the costs before sharing, or these costs by player.

    Returns:
        Columns player, method, value, stand_alone_cost, share, bargaining_power, settled, in_core,
        core_tested, core_tolerance, worst_excess, blocking_coalition and, with a game,
        propensity_to_disrupt, fi, jain, gini; the benefit per player that is settled; sentences
        for the reader.

    Raises:
        GameError: if the value of a single player or of the grand coalition is missing.
    """
    small = game if game is not None else _bargaining_game(values, players)
    found, notes = _answers(_methods(game, small, weights))
    settled: str = settings.settle_with
    if settled not in found:
        found["equal_surplus"] = _equal_surplus(small)
        settled = next(name for name in SETTLED_INSTEAD if name in found)
        reason = "has no answer" if game is not None else "has no answer or needs all coalitions"
        notes.append(f"{settings.settle_with} {reason}; the benefit is settled with {settled}.")
    before = _stand_alone(alone, players)
    tolerances = _tolerances(values, players)
    frames = [
        _diagnose(allocation, game, before, weights, tolerances).assign(
            method=name, settled=name == settled
        )
        for name, allocation in found.items()
    ]
    return pd.concat(frames, ignore_index=True), found[settled], tuple(notes)


def settled_instead(
    table: pd.DataFrame,
    realised: pd.Series,
    game: Game | None,
    values: Sequence[CoalitionValue],
    players: Players,
    alone: Schedule,
    name: str = "within_price_bounds",
) -> pd.DataFrame:
    """Return the allocations with one more that was settled because prices have bounds.

    Args:
        table: from `allocation_table`.
        realised: benefit by player that was settled.
        game: as for `allocation_table`.
        values: solved coalitions.
        players: who plays.
        alone: stand-alone schedule.
        name: of the new method.
    """
    first = table[table["method"] == table["method"].iloc[0]].set_index("player")
    weights = first["bargaining_power"].reindex(list(players.names))
    row = _diagnose(
        realised.reindex(list(players.names)).astype(float),
        game,
        _stand_alone(alone, players),
        weights,
        _tolerances(values, players),
    )
    old = table.assign(settled=False)
    return pd.concat([old, row.assign(method=name, settled=True)], ignore_index=True)


def _by_members(values: Sequence[CoalitionValue]) -> dict[tuple[str, ...], float]:
    return {tuple(sorted(item.coalition)): item.value for item in values}


def _bargaining_game(values: Sequence[CoalitionValue], players: Players) -> Game:
    """Return a game of which only v({P}) and v(N) mean anything: all that bargaining asks for."""
    table = _by_members(values)
    needed = [*((name,) for name in players.names), tuple(sorted(players.names))]
    missing = sorted({"+".join(key) for key in needed if key not in table})
    if missing:
        raise GameError(
            f"coalition values: none for {', '.join(missing[:5])} ({len(missing)} in all); "
            "expected every single player and the grand coalition, see single_coalitions"
        )
    return Game.from_table({key: table[key] for key in needed}, players=players.names, default=0.0)


def _methods(game: Game | None, small: Game, weights: pd.Series) -> Methods:
    bargaining: Methods = {
        "nash": lambda: nash(small),
        "asymmetric_nash": lambda: nash(small, weights),
    }
    if game is None:
        return bargaining
    return {
        "shapley": lambda: shapley(game),
        "nucleolus": lambda: nucleolus(game),
        "nash_harsanyi": lambda: nash_harsanyi(game),
        **bargaining,
        "equal_disruption": lambda: equal_disruption(game),
    }


def _answers(methods: Methods) -> tuple[dict[str, pd.Series], list[str]]:
    """Return the allocations that exist, and a note for each that does not."""
    found: dict[str, pd.Series] = {}
    notes: list[str] = []
    for name, method in methods.items():
        try:
            found[name] = method()
        except GameError as error:
            notes.append(f"The allocation {name} is left out: {error}.")
    return found, notes


def _equal_surplus(small: Game) -> pd.Series:
    """Return v({P}) + surplus / n, whatever the sign of the surplus."""
    return small.series(small.alone + small.surplus / small.size, "equal_surplus")


@dataclass(frozen=True, slots=True)
class _Tolerances:
    """What the solver leaves uncertain, in currency.

    Attributes:
        by_coalition: gap * |cost|, by coalition.
        grand: the same for the grand coalition.
    """

    by_coalition: Mapping[frozenset[str], float]
    grand: float

    def of(self, coalition: frozenset[str]) -> float:
        """Return by how much v(S) and v(N) together can be wrong."""
        return self.by_coalition[coalition] + self.grand


def _tolerances(values: Sequence[CoalitionValue], players: Players) -> _Tolerances:
    """Return gap * |cost| by coalition; the largest known gap where a search left none."""
    largest = max((item.gap for item in values if np.isfinite(item.gap)), default=0.0)
    known = {v.coalition: v.gap if np.isfinite(v.gap) else largest for v in values}
    uncertain = {item.coalition: known[item.coalition] * abs(item.cost) for item in values}
    return _Tolerances(uncertain, uncertain.get(frozenset(players.names), 0.0))


def _stand_alone(alone: Schedule | pd.Series, players: Players) -> pd.Series:
    if isinstance(alone, pd.Series):
        return alone.reindex(list(players.names))
    cost = bill(alone, players)["cost"]
    return pd.Series(
        {name: float(cost.reindex(list(group)).sum()) for name, group in players.groups.items()}
    ).reindex(list(players.names), fill_value=0.0)


def _diagnose(
    allocation: pd.Series,
    game: Game | None,
    before: pd.Series,
    weights: pd.Series,
    tolerances: _Tolerances,
) -> pd.DataFrame:
    """Return one row per player.

    The coalition that is named is the one with the largest excess beyond its tolerance, which is
    gap * |cost| of it and of the grand coalition: the objection must be larger than what the
    solver leaves uncertain about the two costs that are compared.
    """
    names = list(weights.index)
    total = float(allocation.sum())
    own = allocation.reindex(names).astype(float)
    table = pd.DataFrame(
        {
            "player": names,
            "method": "",
            "value": own.to_numpy(),
            "stand_alone_cost": before.reindex(names).to_numpy(dtype=float),
            "share": (own / total if total else own * 0.0).to_numpy(),
            "bargaining_power": weights.to_numpy(dtype=float),
            "settled": False,
        }
    )
    rounding = ROUNDING * max(abs(total), 1.0)
    if game is None or len(names) < 2:
        return table.assign(
            in_core=True,
            core_tested=game is not None,
            core_tolerance=rounding,
            worst_excess=0.0,
            blocking_coalition="",
        )
    excess = excesses(game, allocation)
    allowed = np.array([tolerances.of(coalition) + rounding for coalition in excess.index])
    worst = int(np.argmax(excess.to_numpy() - allowed))
    blocks = bool(excess.iloc[worst] > allowed[worst])
    table["in_core"], table["core_tested"] = not blocks, True
    table["core_tolerance"] = allowed[worst]
    table["worst_excess"] = float(excess.iloc[worst])
    table["blocking_coalition"] = "+".join(sorted(excess.index[worst])) if blocks else ""
    table["propensity_to_disrupt"] = disruption(game, allocation).reindex(names).to_numpy()
    all_noise = abs(total) <= tolerances.grand
    noise = rounding + (tolerances.grand if all_noise else 0.0)
    found = fairness(gains(game, allocation), negligible=noise)
    return table.assign(fi=found.fi, jain=found.jain, gini=found.gini)
