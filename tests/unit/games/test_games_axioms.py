"""Properties that hold in every game."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

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
)
from tests.unit.games.checks import is_nucleolus, least_excess, nash_gap

Method = Callable[[Game], "pd.Series[float]"]
METHODS: list[Method] = [shapley, nucleolus, nash, nash_harsanyi, equal_disruption]
LINEAR: list[Method] = [shapley, nash]
NAMES = "abcdef"


def game_of(values: list[float], names: str = NAMES) -> Game:
    """Values by bit mask, without that of the empty coalition."""
    n = (len(values) + 1).bit_length() - 1
    bit = {p: 1 << i for i, p in enumerate(names[:n])}
    return Game(names[:n], lambda s: values[sum(bit[p] for p in s) - 1])


def tables(low: int = -50, high: int = 100, most: int = 5) -> st.SearchStrategy[list[float]]:
    number = st.integers(low, high).map(float)
    return st.integers(1, most).flatmap(
        lambda n: st.lists(number, min_size=2**n - 1, max_size=2**n - 1)
    )


@st.composite
def profitable(draw: st.DrawFn) -> Game:
    """A game with a surplus above 0, of integers from -50 to some hundreds."""
    values = draw(tables())
    n = (len(values) + 1).bit_length() - 1
    alone = sum(values[(1 << i) - 1] for i in range(n))
    if n > 1:
        values[-1] = alone + draw(st.integers(1, 200))
    return game_of(values)


def attempt(method: Method, game: Game) -> pd.Series[float]:
    """The allocation; a Gately point may not exist, which is another test's matter."""
    if method is equal_disruption:
        margins = game.total - game.without - game.alone
        assume(margins.sum() != 0 or not margins.any())
    return method(game)


@pytest.mark.parametrize("method", [*METHODS, least_core])
@given(game=profitable())
def test_efficiency(method: Method, game: Game) -> None:
    x = attempt(method, game)
    size = max(game.scale, float(np.abs(x).max()))
    assert x.sum() == pytest.approx(game.total, abs=1e-9 * max(1.0, size))
    assert list(x.index) == list(game.players)


@pytest.mark.parametrize("method", METHODS)
@given(game=profitable(), data=st.data())
def test_symmetric_players_get_the_same(method: Method, game: Game, data: st.DataObject) -> None:
    assume(game.size >= 2)
    first, second = data.draw(st.permutations(game.players))[:2]
    swap = {first: second, second: first}

    def even(coalition: frozenset[str]) -> float:
        return game.value(coalition) + game.value({swap.get(p, p) for p in coalition})

    x = attempt(method, Game(game.players, even))
    assert x[first] == pytest.approx(x[second], abs=1e-6)


@pytest.mark.parametrize("method", [shapley, nucleolus, nash_harsanyi, equal_disruption])
@given(game=profitable(), worth=st.integers(-20, 20))
def test_a_dummy_player_gets_what_it_has_alone(method: Method, game: Game, worth: int) -> None:
    def value(coalition: frozenset[str]) -> float:
        rest = coalition - {"z"}
        return (game.value(rest) if rest else 0.0) + worth * ("z" in coalition)

    bigger = Game([*game.players, "z"], value)
    x = attempt(method, bigger)
    if method is equal_disruption and not x.attrs["unique"]:
        return
    if method is nash_harsanyi and not x.attrs["core_used"]:
        return
    if method is nucleolus and core_excess(game, nucleolus(game)).excess > 0:
        return
    assert x["z"] == pytest.approx(worth, abs=1e-6)


@pytest.mark.parametrize("method", LINEAR)
@given(values=tables(0, 50, 4), other=st.randoms(use_true_random=False))
def test_additivity(method: Method, values: list[float], other: object) -> None:
    more = [float(other.randint(0, 50)) for _ in values]  # type: ignore[attr-defined]
    values[-1] += 1000
    more[-1] += 1000
    both = [a + b for a, b in zip(values, more, strict=True)]
    apart = method(game_of(values)) + method(game_of(more))
    assert method(game_of(both)).tolist() == pytest.approx(apart.tolist(), abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
@given(game=profitable(), data=st.data())
def test_the_order_of_players_does_not_matter(
    method: Method, game: Game, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(game.players))
    x = attempt(method, game)
    y = attempt(method, Game(order, game.value))
    assert y[list(game.players)].tolist() == pytest.approx(x.tolist(), abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
@given(
    game=profitable(),
    scale=st.sampled_from([1e-6, 0.37, 12.0, 1e6]),
    shift=st.integers(-1000, 1000),
)
def test_scaling_and_fixed_payments_pass_through(
    method: Method, game: Game, scale: float, shift: int
) -> None:
    x = attempt(method, game)
    fixed = {p: shift * (k + 1) * scale for k, p in enumerate(game.players)}

    def value(coalition: frozenset[str]) -> float:
        return scale * game.value(coalition) + sum(fixed[p] for p in coalition)

    y = attempt(method, Game(game.players, value))
    expected = [scale * x[p] + fixed[p] for p in game.players]
    assert y.tolist() == pytest.approx(expected, abs=2e-6 * scale)


@settings(max_examples=150)
@given(game=profitable())
def test_nucleolus_satisfies_kohlberg(game: Game) -> None:
    assume(game.size >= 2)
    inside, free = nucleolus(game), nucleolus(game, imputations=False)
    assert (inside.to_numpy() >= game.alone - 1e-7).all()
    assert is_nucleolus(game, inside.to_numpy(), imputations=True, tolerance=1e-6)
    assert is_nucleolus(game, free.to_numpy(), imputations=False, tolerance=1e-6)


@given(game=profitable())
def test_least_core_against_one_big_programme(game: Game) -> None:
    assume(game.size >= 2)
    x = least_core(game)
    assert x.attrs["epsilon"] == pytest.approx(least_excess(game), abs=1e-6)
    assert core_excess(game, x).excess == pytest.approx(x.attrs["epsilon"], abs=1e-6)


@settings(max_examples=150)
@given(game=profitable(), data=st.data())
def test_nash_harsanyi_is_in_the_core_and_optimal(game: Game, data: st.DataObject) -> None:
    assume(game.size >= 2)
    weights = {p: float(data.draw(st.integers(1, 9))) for p in game.players}
    x = nash_harsanyi(game, weights)
    empty = least_excess(game) > 1e-7
    assert x.attrs["core_used"] is not empty
    if empty:
        assert x.tolist() == pytest.approx(nash(game, weights).tolist())
        return
    assert core_excess(game, x).excess <= 1e-6
    if (x - game.alone).min() > 1e-3:
        assert nash_gap(game, x.to_numpy(), np.array(list(weights.values()))) <= 1e-6


@given(game=profitable())
def test_equal_disruption_is_equal(game: Game) -> None:
    assume(game.size >= 2)
    x = attempt(equal_disruption, game)
    propensity = disruption(game, x)[np.abs(gains(game, x)) > 1e-6]
    assert propensity.tolist() == pytest.approx([x.attrs["disruption"]] * len(propensity), rel=1e-5)


@given(game=profitable(), method=st.sampled_from(["stratified", "antithetic"]))
def test_sampled_shapley_is_efficient_and_repeatable(game: Game, method: str) -> None:
    x = shapley_sampled(game, 40, seed=3, method=method)  # type: ignore[arg-type]
    again = shapley_sampled(game, 40, seed=3, method=method)  # type: ignore[arg-type]
    assert x.sum() == pytest.approx(game.total, abs=1e-9)
    assert x.tolist() == again.tolist()
    assert x.attrs == again.attrs


@given(gain=st.lists(st.floats(0.01, 1e6), min_size=1, max_size=12))
def test_fairness_identities(gain: list[float]) -> None:
    spread = fairness(dict(enumerate(gain)))
    assert spread.power.sum() == pytest.approx(1.0)
    assert spread.jain == pytest.approx(1 / (1 + spread.fi**2))
    ordered, n = np.sort(gain), len(gain)
    lorenz = 2 * (np.arange(1, n + 1) @ ordered) / (n * ordered.sum()) - (n + 1) / n
    assert spread.gini == pytest.approx(lorenz, abs=1e-9)
