"""Textbook games whose solutions were worked out elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pandas as pd
import pytest

from cosim.games import (
    Game,
    core_excess,
    equal_disruption,
    excesses,
    fairness,
    gains,
    least_core,
    nash,
    nash_harsanyi,
    nucleolus,
    shapley,
    shapley_shubik,
    simple_game,
)
from tests.unit.games.synthetic import airport, bankruptcy, gloves

Method = Callable[[Game], "pd.Series[float]"]


def three(*values: float) -> Game:
    """Values in the order 1, 2, 3, 12, 13, 23, 123."""
    coalitions = [(1,), (2,), (3,), (1, 2), (1, 3), (2, 3), (1, 2, 3)]
    return Game.from_table(dict(zip(coalitions, values, strict=True)))


WORKED = three(0, 0, 0, 1170, 770, 210, 1530)
GLOVE = three(0, 0, 0, 1, 1, 0, 1)
CLAIMS = {1: 100.0, 2: 200.0, 3: 300.0}
THIRD = 100 / 3


@pytest.mark.parametrize(
    ("estate", "method", "expected"),
    [
        (100, nucleolus, (THIRD, THIRD, THIRD)),
        (200, nucleolus, (50, 75, 75)),
        (300, nucleolus, (50, 100, 150)),
        (100, shapley, (THIRD, THIRD, THIRD)),
        (200, shapley, (THIRD, 250 / 3, 250 / 3)),
        (300, shapley, (50, 100, 150)),
    ],
)
def test_bankruptcy(estate: float, method: Method, expected: tuple[float, ...]) -> None:
    assert method(bankruptcy(CLAIMS, estate)).tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (shapley, (2 / 3, 1 / 6, 1 / 6)),
        (nucleolus, (1, 0, 0)),
        (nash_harsanyi, (1, 0, 0)),
        (equal_disruption, (1, 0, 0)),
    ],
)
def test_glove(method: Method, expected: tuple[float, ...]) -> None:
    assert method(GLOVE).tolist() == pytest.approx(expected, abs=1e-6)


def test_glove_shapley_is_blocked_by_a_pair() -> None:
    test = core_excess(GLOVE, shapley(GLOVE))
    assert not test.in_core
    assert test.coalition in (frozenset({1, 2}), frozenset({1, 3}))
    assert test.excess == pytest.approx(1 / 6, abs=1e-9)
    assert core_excess(GLOVE, nucleolus(GLOVE)).in_core


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (shapley, (0.25, 0.25 + 1 / 3, 0.25 + 1 / 3 + 0.5, 0.25 + 1 / 3 + 0.5 + 3)),
        (nucleolus, (0.5, 0.75, 0.875, 3.875)),
    ],
)
def test_airport(method: Method, expected: tuple[float, ...]) -> None:
    game = airport({1: 1.0, 2: 2.0, 3: 3.0, 4: 6.0})
    assert (-method(game)).tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (shapley, (763.3333333, 483.3333333, 283.3333333)),
        (nucleolus, (955, 395, 180)),
        (equal_disruption, (827.7049180, 476.5573770, 225.7377049)),
        (nash, (510, 510, 510)),
        (nash_harsanyi, (585, 585, 360)),
    ],
)
def test_worked_example(method: Method, expected: tuple[float, ...]) -> None:
    assert method(WORKED).tolist() == pytest.approx(expected, abs=1e-6)


def test_worked_example_extras() -> None:
    assert equal_disruption(WORKED).attrs["disruption"] == pytest.approx(0.5947712418, abs=1e-9)
    assert nash_harsanyi(WORKED).attrs["core_used"]
    blocked = core_excess(WORKED, nash(WORKED))
    assert (blocked.coalition, blocked.excess) == (frozenset({1, 2}), pytest.approx(150))
    assert excesses(WORKED, nash(WORKED)).iloc[0] == pytest.approx(150)
    assert least_core(WORKED).attrs["epsilon"] == pytest.approx(-180, abs=1e-6)


def test_fairness_of_one_to_four() -> None:
    spread = fairness({"a": 1, "b": 2, "c": 3, "d": 4})
    assert spread.power.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert spread.fi == pytest.approx(0.4472136, abs=1e-7)
    assert spread.jain == pytest.approx(0.8333333, abs=1e-7)
    assert spread.gini == pytest.approx(0.25, abs=1e-12)


def test_gains_are_above_stand_alone() -> None:
    game = three(1, 2, 0, 3, 3, 3, 9)
    assert gains(game, {1: 4, 2: 2, 3: 3}).tolist() == [3, 0, 3]


def test_three_player_majority_has_an_empty_core() -> None:
    game = simple_game(Game("abc", len), 2)
    assert least_core(game).attrs["epsilon"] == pytest.approx(1 / 3, abs=1e-9)
    assert nucleolus(game).tolist() == pytest.approx([1 / 3] * 3, abs=1e-9)
    answer = nash_harsanyi(game)
    assert not answer.attrs["core_used"]
    assert answer.tolist() == pytest.approx([1 / 3] * 3)


def test_shapley_shubik_of_the_security_council() -> None:
    """Five permanent members with a veto, ten others, nine votes: 0.19627 and 0.0018648."""
    members = [f"p{i}" for i in range(5)] + [f"e{i}" for i in range(10)]

    def passes(coalition: frozenset[str]) -> float:
        return float(len(coalition) >= 9 and all(f"p{i}" in coalition for i in range(5)))

    index = shapley_shubik(Game(members, passes))
    assert index["p0"] == pytest.approx(421 / 2145, abs=1e-9)
    assert index["e0"] == pytest.approx(4 / 2145, abs=1e-9)


def test_shapley_shubik_of_a_weighted_vote() -> None:
    weights = {"a": 4, "b": 3, "c": 2, "d": 1}
    vote = simple_game(Game(weights, lambda s: sum(weights[i] for i in s)), 6)
    assert shapley_shubik(vote).tolist() == pytest.approx([5 / 12, 3 / 12, 3 / 12, 1 / 12])


def test_shapley_is_the_average_over_all_orders() -> None:
    game = gloves(2, 3)
    total = dict.fromkeys(game.players, 0.0)
    orders = list(itertools.permutations(game.players))
    for order in orders:
        for k, player in enumerate(order):
            total[player] += game.value(order[: k + 1]) - game.value(order[:k])
    expected = {player: amount / len(orders) for player, amount in total.items()}
    assert shapley(game).to_dict() == pytest.approx(expected, abs=1e-12)
