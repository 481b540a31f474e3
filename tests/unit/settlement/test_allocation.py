"""Allocations of a solved game, against the textbook answers of the same table."""

from __future__ import annotations

import pandas as pd
import pytest

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
    frame, chosen = allocation_table(game, VALUES, PLAYERS, WEIGHTS, settings, EXAMPLE)
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


def test_without_coalition_values_only_nash_is_available() -> None:
    grand = VALUES[-1:]
    settings = Bargaining(settle_with="asymmetric_nash", coalition_values=False)
    frame, chosen = allocation_table(None, grand, PLAYERS, WEIGHTS, settings, EXAMPLE)
    assert set(frame["method"]) == {"nash", "asymmetric_nash"}
    assert chosen.to_numpy() == pytest.approx(KNOWN["asymmetric_nash"], abs=1e-3)
