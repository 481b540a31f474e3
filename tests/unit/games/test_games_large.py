"""Many players: constraint generation against closed forms and enumeration, sampling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cosim.errors import GameError
from cosim.games import (
    Game,
    core_excess,
    excesses,
    least_core,
    nash_harsanyi,
    nucleolus,
    shapley,
    shapley_sampled,
)
from tests.unit.games.checks import least_excess, nash_gap
from tests.unit.games.synthetic import (
    airport,
    airport_nucleolus,
    airport_shapley,
    bankruptcy,
    gloves,
    majority,
    talmud,
)


def claims(players: int, seed: int = 0) -> dict[int, float]:
    rng = np.random.default_rng(seed)
    return {i: float(c) for i, c in enumerate(rng.integers(1, 100, players))}


def table_game(players: int, seed: int, *, convex: bool) -> Game:
    """Random values; convex ones have a core, the others hardly ever."""
    rng = np.random.default_rng(seed)
    masks = np.arange(1 << players)
    size = sum((masks >> i & 1) for i in range(players))
    if convex:
        traits = rng.random((players, 4))
        power = sum((masks >> i & 1)[:, None] * traits[i] for i in range(players))
        values = (power**2).sum(axis=1) - sum((masks >> i & 1) * i for i in range(players))
    else:
        values = rng.random(1 << players) * size**1.5
    values[0] = 0.0
    return Game(range(players), lambda s: float(values[sum(1 << i for i in s)]))


@pytest.mark.parametrize("players", [15, 30, 50])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.85])
def test_bankruptcy_by_oracle_is_the_talmud_rule(players: int, share: float) -> None:
    claim = claims(players)
    estate = share * sum(claim.values())
    answer = nucleolus(bankruptcy(claim, estate))
    assert answer.attrs["proven"]
    assert answer.to_dict() == pytest.approx(talmud(claim, estate), abs=1e-6)


@pytest.mark.parametrize("players", [15, 30, 50])
def test_airport_by_oracle_is_littlechild(players: int) -> None:
    cost = claims(players, seed=players)
    answer = nucleolus(airport(cost))
    assert answer.attrs["proven"]
    assert answer.to_dict() == pytest.approx(airport_nucleolus(cost), abs=1e-6)


@pytest.mark.parametrize(("left", "right"), [(7, 8), (8, 8), (14, 16), (15, 15), (25, 25)])
def test_gloves_by_oracle(left: int, right: int) -> None:
    """The scarce side gets all; equal sides share, which settles pairs and no single player."""
    answer = nucleolus(gloves(left, right))
    side = 0.5 if left == right else 1.0
    assert answer.attrs["proven"]
    assert answer.to_numpy()[:left] == pytest.approx(side, abs=1e-6)
    assert answer.to_numpy()[left:] == pytest.approx(1.0 - side, abs=1e-6)


@pytest.mark.parametrize("players", [30, 50])
def test_majority_by_oracle(players: int) -> None:
    quota = players // 2 + 1
    answer = nucleolus(majority(players, quota))
    assert answer.to_numpy() == pytest.approx(1 / players, abs=1e-6)
    assert answer.attrs["epsilon"] == pytest.approx(1 - quota / players, abs=1e-9)
    assert least_core(majority(players, quota)).attrs["epsilon"] == pytest.approx(
        1 - quota / players, abs=1e-9
    )
    core = nash_harsanyi(majority(players, quota))
    assert not core.attrs["core_used"]


@pytest.mark.parametrize("make", [lambda: airport(claims(12)), lambda: gloves(6, 6)])
def test_oracle_and_enumeration_agree(make: Callable[[], Game]) -> None:
    listed = make()
    listed.table()
    asked = make()
    for method in (nucleolus, nash_harsanyi):
        exact = method(listed)
        assert method(asked).tolist() == pytest.approx(exact.tolist(), abs=1e-6)
        assert method(asked).attrs["epsilon"] == pytest.approx(exact.attrs["epsilon"], abs=1e-7)
    x = shapley(listed)
    blocked, found = core_excess(listed, x), core_excess(make(), x)
    assert found.excess == pytest.approx(blocked.excess, abs=1e-9)
    assert found.proven


def test_generation_looks_at_few_coalitions() -> None:
    game = airport(claims(50))
    nucleolus(game)
    assert len(game.known) < 2000


@pytest.mark.parametrize("players", [24, 30])
def test_without_an_oracle_a_search_stands_in_and_says_so(players: int) -> None:
    claim = claims(players, seed=1)
    estate = 0.7 * sum(claim.values())
    known = bankruptcy(claim, estate)
    answer = nucleolus(Game(claim, known.value))
    assert not answer.attrs["proven"]
    assert answer.to_dict() == pytest.approx(talmud(claim, estate), abs=1e-6)
    cost = claims(players, seed=2)
    answer = nucleolus(Game(cost, airport(cost).value))
    assert answer.to_dict() == pytest.approx(airport_nucleolus(cost), abs=1e-6)
    assert not core_excess(Game(cost, airport(cost).value), answer).proven


@pytest.mark.parametrize("convex", [True, False])
def test_fifteen_players_from_a_table(convex: bool) -> None:
    game = table_game(15, seed=4, convex=convex)
    x = nucleolus(game)
    least = least_core(game)
    assert least.attrs["epsilon"] == pytest.approx(least_excess(game), abs=1e-7)
    assert x.sum() == pytest.approx(game.total, abs=1e-9)
    assert (x.to_numpy() >= game.alone - 1e-9).all()
    if convex:
        assert core_excess(game, x).excess == pytest.approx(least.attrs["epsilon"], abs=1e-7)
        assert core_excess(game, shapley(game)).in_core
        fair = nash_harsanyi(game)
        assert fair.attrs["core_used"]
        assert core_excess(game, fair).excess <= 1e-6
        assert nash_gap(game, fair.to_numpy(), np.ones(15)) <= 1e-6


def test_excesses_are_sorted_and_complete() -> None:
    game = table_game(6, seed=1, convex=False)
    x = shapley(game)
    listed = excesses(game, x)
    assert len(listed) == 62
    assert listed.is_monotonic_decreasing
    top = listed.index[0]
    assert listed.iloc[0] == pytest.approx(game.value(top) - sum(x[p] for p in top))
    assert core_excess(game, x).excess == listed.iloc[0]


@pytest.mark.parametrize("method", ["stratified", "antithetic"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: table_game(8, seed=5, convex=False),
        lambda: table_game(10, seed=6, convex=True),
        lambda: airport(claims(12, seed=3)),
        lambda: gloves(4, 6),
        lambda: bankruptcy(claims(9, seed=8), 200.0),
    ],
)
def test_sampled_intervals_cover_all_players(make: Callable[[], Game], method: str) -> None:
    game = make()
    exact = shapley(game).to_numpy()
    covered = 0
    for seed in range(100):
        estimate = shapley_sampled(game, 500, seed=seed, method=method)  # type: ignore[arg-type]
        low, high = (np.array(list(estimate.attrs[k].values())) for k in ("lower", "upper"))
        covered += bool(((low - 1e-9 <= exact) & (exact <= high + 1e-9)).all())
    assert covered >= 93


def test_sampling_of_fifty_players_against_littlechild_and_owen() -> None:
    cost = claims(50, seed=9)
    exact = airport_shapley(cost)
    estimate = shapley_sampled(airport(cost), 2000, seed=1)
    assert all(
        estimate.attrs["lower"][p] - 1e-9 <= exact[p] <= estimate.attrs["upper"][p] + 1e-9
        for p in cost
    )
    assert estimate.attrs["replicates"] == 20


def test_more_draws_narrow_the_interval() -> None:
    game = airport(claims(12))
    few, many = (shapley_sampled(game, p, seed=1) for p in (1000, 16000))
    ratio = sum(many.attrs["standard_error"].values()) / sum(few.attrs["standard_error"].values())
    assert 0.15 < ratio < 0.4


def test_more_than_sixty_two_players() -> None:
    game = Game(range(70), lambda s: float(len(s)) ** 2)
    assert shapley_sampled(game, 20, seed=1, method="antithetic").tolist() == pytest.approx(
        [70.0] * 70
    )
    assert nucleolus(majority(70, 40)).to_numpy() == pytest.approx(1 / 70, abs=1e-6)


def test_a_wrong_oracle_is_noticed() -> None:
    game = Game("abcde", lambda s: float(len(s)) ** 2, worst=lambda x, inside, outside: "abcde")
    with pytest.raises(GameError, match="oracle: answered"):
        nucleolus(game)


@pytest.mark.slow
@pytest.mark.parametrize("players", [30, 50])
def test_search_without_an_oracle_at_full_size(players: int) -> None:
    for seed in range(3):
        claim = claims(players, seed)
        estate = (0.2 + 0.3 * seed) * sum(claim.values())
        answer = nucleolus(Game(claim, bankruptcy(claim, estate).value))
        assert answer.to_dict() == pytest.approx(talmud(claim, estate), abs=1e-6)
        answer = nucleolus(Game(claim, airport(claim).value))
        assert answer.to_dict() == pytest.approx(airport_nucleolus(claim), abs=1e-6)
