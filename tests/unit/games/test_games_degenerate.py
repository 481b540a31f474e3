"""Games at the edge: nothing to share, nobody to share with, more lost than won."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd
import pytest

from cosim.errors import GameError
from cosim.games import (
    Game,
    core_excess,
    disruption,
    equal_disruption,
    fairness,
    gains,
    least_core,
    nash,
    nash_harsanyi,
    nucleolus,
    shapley,
    shapley_sampled,
    shapley_shubik,
)

Method = Callable[[Game], "pd.Series[float]"]
METHODS: list[Method] = [shapley, nucleolus, nash, nash_harsanyi, equal_disruption, least_core]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("worth", [0.0, 7.0, -3.0])
def test_one_player_gets_everything(method: Method, worth: float) -> None:
    game = Game(["only"], lambda s: worth)
    assert method(game).to_dict() == {"only": worth}
    assert core_excess(game, method(game)).in_core


@pytest.mark.parametrize("method", METHODS)
def test_additive_game_leaves_everybody_as_it_was(method: Method) -> None:
    alone = {"a": 0.1, "b": -2.7, "c": 1e4, "d": 0.0}
    game = Game(alone, lambda s: math.fsum(alone[p] for p in s))
    assert method(game).to_dict() == pytest.approx(alone, abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_all_zero(method: Method) -> None:
    assert method(Game("abcd", lambda s: 0.0)).tolist() == [0.0] * 4


def test_zero_surplus_with_a_blocking_pair() -> None:
    """A pair could gain, all together cannot: only the stand-alone values are left."""
    game = Game.from_table({("a",): 1, ("b",): 1, ("c",): 1, ("a", "b", "c"): 3}, default=5.0)
    for method in (nash, nucleolus, nash_harsanyi, equal_disruption):
        assert method(game).tolist() == pytest.approx([1, 1, 1], abs=1e-9)
    assert not nash_harsanyi(game).attrs["core_used"]
    assert nucleolus(game).attrs["over"] == "imputations"
    assert least_core(game).attrs["epsilon"] == pytest.approx(3)


def test_cooperation_that_loses() -> None:
    game = Game.from_table({("a",): 4, ("b",): 4, ("a", "b"): 5})
    for method in (nash, nash_harsanyi):
        with pytest.raises(GameError, match=r"v\(N\) = 5.0 is below the disagreement sum 8.0"):
            method(game)
    answer = nucleolus(game)
    assert answer.tolist() == pytest.approx([2.5, 2.5])
    assert answer.attrs["over"] == "preimputations"
    assert answer.attrs["epsilon"] == pytest.approx(1.5)
    assert shapley(game).tolist() == [2.5, 2.5]


def test_nucleolus_is_held_at_stand_alone_values() -> None:
    """The prenucleolus pays a weak player less than it has alone; the nucleolus does not."""
    table = {("a", "b"): 10.0, ("a", "c"): 10.0, ("b", "c"): 10.0, ("a", "b", "c"): 4.0}
    singles = {("a",): 0.0, ("b",): 0.0, ("c",): 0.0}
    game = Game.from_table(
        {frozenset(k) | {"d"}: v for k, v in (table | singles).items()}  # type: ignore[misc]
        | table
        | singles
        | {("d",): 1.0, ("a", "b", "c", "d"): 4.0}
    )
    free = nucleolus(game, imputations=False)
    held = nucleolus(game)
    assert free["d"] < 1.0 - 1e-3
    assert held["d"] == pytest.approx(1.0, abs=1e-9)
    assert held[["a", "b", "c"]].tolist() == pytest.approx([1, 1, 1], abs=1e-9)


def test_veto_player_takes_the_core() -> None:
    """Nobody shares without the operator; two workers compete for one job."""
    game = Game(["so", "a", "b"], lambda s: 6.0 * ("so" in s and len(s) > 1))
    assert nucleolus(game).tolist() == pytest.approx([6, 0, 0], abs=1e-9)
    answer = nash_harsanyi(game)
    assert answer.attrs["core_used"]
    assert answer.tolist() == pytest.approx([6, 0, 0], abs=1e-9)


def test_system_operator_with_a_veto_over_additive_members() -> None:
    """Members add up and the operator is needed: each splits its own worth with the operator."""
    worth = {"a": 2.0, "b": 4.0}
    game = Game(["so", *worth], lambda s: sum(worth.get(p, 0) for p in s) * ("so" in s))
    assert shapley(game).to_dict() == pytest.approx({"so": 3, "a": 1, "b": 2})
    assert nucleolus(game).to_dict() == pytest.approx({"so": 3, "a": 1, "b": 2}, abs=1e-9)
    assert nash_harsanyi(game).to_dict() == pytest.approx({"so": 2, "a": 2, "b": 2}, abs=1e-7)


def test_nash_harsanyi_where_the_core_is_a_segment() -> None:
    """Two buyers for two sellers: pairs split 1 in any common proportion; the middle is fairest."""
    game = Game.from_table(
        {("l", "r"): 1, ("l", "s"): 1, ("k", "r"): 1, ("k", "s"): 1}
        | {("l", "k", "r"): 1, ("l", "k", "s"): 1, ("l", "r", "s"): 1, ("k", "r", "s"): 1}
        | {("l", "k", "r", "s"): 2},
        default=0.0,
    )
    assert nash_harsanyi(game).tolist() == pytest.approx([0.5] * 4, abs=1e-7)
    lopsided = nash_harsanyi(game, {"l": 3, "k": 3, "r": 1, "s": 1})
    assert lopsided.to_dict() == pytest.approx(
        {"l": 0.75, "k": 0.75, "r": 0.25, "s": 0.25}, abs=1e-7
    )


def test_negative_values() -> None:
    """A cost game given as negative values: shares are negative, savings are not."""
    game = Game.from_table({("a",): -10, ("b",): -8, ("a", "b"): -12})
    for method in (shapley, nucleolus, nash, nash_harsanyi, equal_disruption):
        assert method(game).tolist() == pytest.approx([-7, -5], abs=1e-9)


def test_disruption_without_a_stake() -> None:
    game = Game.from_table({("a",): 0, ("b",): 0, ("a", "b"): 2})
    propensity = disruption(game, {"a": 2.0, "b": 0.0})
    assert propensity["a"] == 0.0
    assert propensity["b"] == math.inf
    assert disruption(Game("ab", lambda s: 0.0), {"a": 0, "b": 0}).isna().all()


def test_equal_disruption_where_nobody_is_missed() -> None:
    game = Game.from_table({("a",): 0, ("b",): 0, ("c",): 0}, default=6.0, players="abc")
    answer = equal_disruption(game)
    assert answer.tolist() == [2, 2, 2]
    assert answer.attrs == {"disruption": -1.0, "unique": False}


def test_equal_disruption_may_not_exist() -> None:
    table = {("a",): 0, ("b",): 0, ("c",): 0, ("a", "b", "c"): 6}
    game = Game.from_table(table | {("b", "c"): 4, ("a", "c"): 6, ("a", "b"): 8})
    with pytest.raises(GameError, match="no allocation has the same propensity"):
        equal_disruption(game)


def test_fairness_without_gains() -> None:
    game = Game("abc", lambda s: 0.0)
    spread = fairness(gains(game, shapley(game)))
    assert (spread.fi, spread.jain, spread.gini) == (0.0, 1.0, 0.0)
    assert spread.power.tolist() == pytest.approx([1 / 3] * 3)
    assert math.isnan(fairness({"a": 1.0, "b": -1.0}).fi)
    assert fairness({"a": 1e-9, "b": -1e-9}, negligible=1e-8).fi == 0.0


def test_one_takes_all_is_the_least_fair() -> None:
    spread = fairness({"a": 5.0, "b": 0.0, "c": 0.0, "d": 0.0})
    assert spread.jain == pytest.approx(0.25)
    assert spread.gini == pytest.approx(0.75)


@pytest.mark.parametrize("weights", [{"a": -1, "b": 1}, {"a": 0, "b": 0}])
def test_unusable_weights(weights: dict[str, float]) -> None:
    game = Game.from_table({("a",): 0, ("b",): 0, ("a", "b"): 2})
    with pytest.raises(GameError, match="expected numbers of at least 0 that are not all 0"):
        nash(game, weights)


def test_a_player_without_power_gets_what_it_has() -> None:
    game = Game.from_table({("a",): 1, ("b",): 0, ("a", "b"): 4})
    assert nash(game, {"a": 0, "b": 2}).to_dict() == {"a": 1.0, "b": 3.0}
    assert nash(game, disagreement={"a": 0, "b": 0}).to_dict() == {"a": 2.0, "b": 2.0}
    with pytest.raises(GameError, match="expected numbers above 0 for Nash-Harsanyi"):
        nash_harsanyi(game, {"a": 0, "b": 2})


def test_core_needs_efficiency() -> None:
    game = Game.from_table({("a",): 0, ("b",): 0, ("a", "b"): 2})
    generous = core_excess(game, {"a": 2, "b": 2})
    assert generous.excess < 0
    assert generous.efficiency_gap == pytest.approx(2)
    assert not generous.in_core


def test_shapley_shubik_refuses_what_is_not_simple() -> None:
    with pytest.raises(GameError, match="values other than 0 and 1"):
        shapley_shubik(Game("ab", lambda s: float(len(s))))
    with pytest.raises(GameError, match="loses when"):
        shapley_shubik(Game("abc", lambda s: float(len(s) != 2)))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"permutations": 0}, "permutations: 0; expected at least 1"),
        ({"confidence": 1.0}, "confidence: 1.0; expected a number between 0 and 1"),
        ({"method": "plain"}, "method: 'plain'; expected 'stratified' or 'antithetic'"),
    ],
)
def test_sampling_refusals(settings: dict[str, object], text: str) -> None:
    with pytest.raises(GameError) as error:
        shapley_sampled(Game("ab", len), seed=1, **settings)  # type: ignore[arg-type]
    assert str(error.value) == text
