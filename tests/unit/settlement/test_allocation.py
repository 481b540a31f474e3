"""Allocations of a solved game, against the textbook answers of the same table."""

from __future__ import annotations

import pandas as pd
import pytest

from cosim.errors import GameError
from cosim.scenario.config import Bargaining
from cosim.settlement import CoalitionValue, Players, allocation_table, game_of
from tests.unit.settlement.test_settlement import EXAMPLE, NAMES

PLAYERS = Players({name: (name,) for name in NAMES}, operator_plays=False)
TABLE = {
    ("home",): 0.0,
    ("shop",): 0.0,
    ("works",): 0.0,
    ("home", "shop"): 1170.0,
    ("home", "works"): 770.0,
    ("shop", "works"): 210.0,
    ("home", "shop", "works"): 1530.0,
}
VALUES = [CoalitionValue(frozenset(c), 5000.0 - v, v, True, 0.0) for c, v in TABLE.items()]
WEIGHTS = pd.Series([0.5, 0.3, 0.2], index=list(NAMES))
KNOWN = {
    "shapley": (763.333, 483.333, 283.333),
    "nucleolus": (955.0, 395.0, 180.0),
    "nash_harsanyi": (585.0, 585.0, 360.0),
    "nash": (510.0, 510.0, 510.0),
    "asymmetric_nash": (765.0, 459.0, 306.0),
    "equal_disruption": (827.7049, 476.5574, 225.7377),
}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    game = game_of(VALUES, PLAYERS)
    settings = Bargaining(settle_with="shapley")
    frame, chosen, notes = allocation_table(game, VALUES, PLAYERS, WEIGHTS, settings, EXAMPLE)
    assert not notes
    assert chosen.to_numpy() == pytest.approx(KNOWN["shapley"], abs=1e-3)
    return frame


@pytest.mark.parametrize("method", KNOWN)
def test_every_method_gives_its_known_answer(table: pd.DataFrame, method: str) -> None:
    own = table[table["method"] == method].set_index("player")["value"]
    assert own.reindex(list(NAMES)).to_numpy() == pytest.approx(KNOWN[method], abs=1e-3)


def test_core_membership_and_the_coalition_that_objects(table: pd.DataFrame) -> None:
    by_method = table.drop_duplicates("method").set_index("method")
    assert by_method["in_core"].to_dict() == {
        "shapley": True,
        "nucleolus": True,
        "nash_harsanyi": True,
        "nash": False,
        "asymmetric_nash": True,
        "equal_disruption": True,
    }
    assert by_method.loc["nash", "blocking_coalition"] == "home+shop"
    assert by_method.loc["nash", "worst_excess"] == pytest.approx(150.0)


def solved(table: dict[tuple[str, ...], float], gap: float = 0.0) -> list[CoalitionValue]:
    """Coalitions of a system that costs 5000 alone."""
    return [CoalitionValue(frozenset(c), 5000.0 - v, v, True, gap) for c, v in table.items()]


def settle(
    values: list[CoalitionValue], settings: Bargaining, players: Players = PLAYERS
) -> tuple[pd.DataFrame, pd.Series, tuple[str, ...]]:
    game = game_of(values, players) if settings.coalition_values else None
    names = list(players.names)
    weights = pd.Series(WEIGHTS.to_numpy()[: len(names)], index=names)
    return allocation_table(game, values, players, weights / weights.sum(), settings, EXAMPLE)


def test_without_coalition_values_only_nash_is_available() -> None:
    few = [item for item in VALUES if len(item.coalition) != 2]
    settings = Bargaining(settle_with="asymmetric_nash", coalition_values=False)
    frame, chosen, notes = settle(few, settings)
    assert set(frame["method"]) == {"nash", "asymmetric_nash"}
    assert chosen.to_numpy() == pytest.approx(KNOWN["asymmetric_nash"], abs=1e-3)
    assert not notes
    assert not frame["core_tested"].any()


GROUPS = Players({"people": ("home", "shop"), "works": ("works",)}, operator_plays=False)
GROUPED = {("people",): 300.0, ("works",): 0.0, ("people", "works"): 1000.0}


@pytest.mark.parametrize("all_coalitions", [True, False])
def test_nash_has_one_answer_with_and_without_coalition_values(all_coalitions: bool) -> None:
    # The group saves 300 by itself, so 700 are to be divided: 300 + 350 and 350.
    settings = Bargaining(settle_with="nash", coalition_values=all_coalitions)
    _, chosen, _ = settle(solved(GROUPED), settings, GROUPS)
    assert chosen.to_dict() == pytest.approx({"people": 650.0, "works": 350.0})


def test_a_missing_disagreement_value_is_not_taken_as_zero() -> None:
    settings = Bargaining(settle_with="nash", coalition_values=False)
    grand = solved({("people", "works"): 1000.0})
    with pytest.raises(GameError, match="none for people, works"):
        settle(grand, settings, GROUPS)


@pytest.mark.parametrize(("gap", "stable"), [(0.0, False), (1e-4, True)])
def test_an_objection_within_the_gaps_is_none(gap: float, stable: bool) -> None:
    # Shapley gives home and shop 0.05 too little: x = (599.95, 599.95, 0.1) against v = 1200.
    # Costs are 3800 of both coalitions compared, so at a gap of 1e-4 0.76 are uncertain.
    table = dict.fromkeys(TABLE, 0.0) | {("home", "shop"): 1200.0, NAMES: 1200.0}
    table[("home", "works")] = 0.6
    frame, _, _ = settle(solved(table, gap), Bargaining(settle_with="shapley"))
    first = frame[frame["method"] == "shapley"].iloc[0]
    assert first["worst_excess"] == pytest.approx(0.1)
    assert first["core_tolerance"] == pytest.approx(2.0 * gap * 3800.0, abs=1e-5)
    assert bool(first["in_core"]) is stable
    assert first["blocking_coalition"] == ("" if stable else "home+shop")


def test_a_lost_proof_of_optimality_gives_no_tolerance() -> None:
    frame, _, _ = settle(solved(TABLE, gap=float("inf")), Bargaining(settle_with="shapley"))
    by_method = frame.drop_duplicates("method").set_index("method")
    assert not by_method.loc["nash", "in_core"]


def test_without_a_surplus_the_benefit_is_settled_with_shapley() -> None:
    table = {("people",): 300.0, ("works",): 0.0, ("people", "works"): 280.0}
    frame, chosen, notes = settle(solved(table), Bargaining(settle_with="nash"), GROUPS)
    assert "nash" not in set(frame["method"])
    assert set(frame.loc[frame["settled"], "method"]) == {"shapley"}
    assert chosen.to_dict() == pytest.approx({"people": 290.0, "works": -10.0})
    assert notes[-1] == "nash has no answer; the benefit is settled with shapley."
    assert any(note.startswith("The allocation nash is left out: bargain:") for note in notes)


def test_without_a_surplus_or_coalitions_the_loss_is_shared_equally() -> None:
    table = {("people",): 300.0, ("works",): 0.0, ("people", "works"): 280.0}
    settings = Bargaining(settle_with="asymmetric_nash", coalition_values=False)
    frame, chosen, notes = settle(solved(table), settings, GROUPS)
    assert set(frame["method"]) == {"equal_surplus"}
    assert chosen.to_dict() == pytest.approx({"people": 290.0, "works": -10.0})
    assert len(notes) == 3


def test_no_point_of_equal_disruption_leaves_the_method_out() -> None:
    # Gains by joining last: 1 - 0 = 1, 1 - 2 = -1 and 1 - 1 = 0. Their sum is 0, they are not.
    table = dict.fromkeys(TABLE, 0.0) | {("home", "works"): 2.0, ("home", "shop"): 1.0, NAMES: 1.0}
    frame, chosen, notes = settle(solved(table), Bargaining(settle_with="equal_disruption"))
    assert "equal_disruption" not in set(frame["method"])
    assert chosen.sum() == pytest.approx(1.0)
    assert any(note.startswith("The allocation equal_disruption is left out") for note in notes)
