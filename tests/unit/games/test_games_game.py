"""The game itself: tables, memory, refusals."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest

from cosim import games
from cosim.errors import CosimError, GameError
from cosim.games import Game, shapley, simple_game

MODULES = ["", *(f".{m}" for m in ("core", "disruption", "fairness", "game", "nash", "owen"))]


@pytest.mark.parametrize("module", [*MODULES, ".sampling", ".shapley"])
def test_docstring_examples(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"cosim.games{module}"))
    assert result.attempted > 0
    assert result.failed == 0


def test_public_names_are_sorted_and_documented() -> None:
    assert games.__all__ == sorted(games.__all__)
    assert all(getattr(games, name).__doc__ for name in games.__all__)


def test_values_are_computed_once() -> None:
    calls: list[frozenset[str]] = []

    def value(coalition: frozenset[str]) -> float:
        calls.append(coalition)
        return float(len(coalition))

    game = Game("abc", value)
    shapley(game)
    shapley(game)
    assert game.value("ab") == 2.0
    assert len(calls) == len(set(calls)) == 7
    assert frozenset() not in calls


def test_known_values_are_not_computed_again() -> None:
    first = Game("ab", lambda s: float(len(s)) ** 2)
    shapley(first)

    def refuse(coalition: frozenset[str]) -> float:
        raise AssertionError(coalition)

    again = Game("ab", refuse, known=first.known)
    assert shapley(again).tolist() == [2.0, 2.0]


def test_known_holds_what_was_asked_for() -> None:
    game = Game("abc", lambda s: float(len(s)))
    game.value("ac")
    assert game.known == {frozenset("ac"): 1.0 * 2}


def test_table_is_indexed_by_bit_mask_and_read_only() -> None:
    game = Game.from_table({("a",): 1, ("b",): 2, ("b", "a"): 4})
    assert game.table().tolist() == [0, 1, 2, 4]
    with pytest.raises(ValueError, match="read-only"):
        game.table()[1] = 5


def test_order_of_players_may_be_given() -> None:
    table = {("a",): 1.0, ("b",): 2.0, ("a", "b"): 4.0}
    assert list(shapley(Game.from_table(table, players="ba")).index) == ["b", "a"]


def test_tuples_may_be_players() -> None:
    game = Game([("n", 1), ("n", 2)], lambda s: float(len(s)))
    assert shapley(game)[("n", 1)] == 1.0


def test_default_fills_the_coalitions_left_out() -> None:
    game = Game.from_table({("so", "a"): 3, ("so", "a", "b"): 5}, default=0.0)
    assert game.value(["a", "b"]) == 0.0
    assert game.total == 5.0


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Game([], len), "players: none given; expected at least one player"),
        (
            lambda: Game("aba", len),
            "players: a given more than once; expected distinct names",
        ),
        (
            lambda: Game.from_table({("a",): 0, ("b",): 0}),
            "table: 1 of 3 coalitions missing, such as {a, b}; expected all of them, or a default",
        ),
        (
            lambda: Game.from_table({("a",): 0, ("b",): 0, ("a", "b"): 1, ("b", "a"): 2}),
            "table: coalition {a, b} has the value 2 here and 1.0 elsewhere; "
            "expected one value per coalition",
        ),
        (
            lambda: Game.from_table({(): 1, ("a",): 0}),
            "value of the empty coalition: 1; expected 0",
        ),
        (
            lambda: Game.from_table({("a",): float("nan")}),
            "value of {a}: nan; expected a finite number",
        ),
        (
            lambda: Game("ab", len).value("c"),
            "coalition: unknown player 'c'; expected players of 'a', 'b'",
        ),
        (
            lambda: Game(range(21), len).table(),
            "game: 21 players have 2^21 coalitions; expected at most 20 for an exact "
            "enumeration; sample, or give an oracle",
        ),
        (
            lambda: games.core_excess(Game("ab", len), {"a": 1, "x": 1}),
            "allocation: missing players b, unknown players x; "
            "expected one number for every player",
        ),
        (lambda: simple_game(Game("ab", len), 0), "quota: 0; expected a number above 0"),
    ],
)
def test_refusals_say_what_to_do(make: object, text: str) -> None:
    with pytest.raises(GameError) as error:
        make()  # type: ignore[operator]
    assert str(error.value) == text
    assert isinstance(error.value, CosimError)


def test_scale_and_surplus() -> None:
    game = Game.from_table({("a",): -4, ("b",): 1, ("a", "b"): 2})
    assert (game.surplus, game.scale) == (5.0, 4.0)
    assert np.array_equal(game.without, [1.0, -4.0])
