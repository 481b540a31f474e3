"""The game taken apart into its steps: its bound is valid and sharp, its ranges lose nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.market.highs import Clock, Handle
from cosim.market.leader.conditions import canonical
from cosim.market.leader.exact import sampled_caps
from cosim.market.leader.kkt import single_level
from cosim.market.leader.problem import LeaderSettings
from cosim.market.leader.proof.parts import Multipliers, Parts
from cosim.market.leader.proof.steps import Steps, steps_of
from cosim.market.leader.proof.windows import Windows
from cosim.market.leader.reduce import reduced
from cosim.market.leader.respond import Responses
from cosim.market.leader.search import Best
from cosim.market.leader.solve import solve_leader
from cosim.market.leader.start import point_at_prices, price_guesses
from tests.support.leader_cases import microgrids

STEPS = 12


@pytest.fixture(scope="module")
def whole():
    """Return a game with batteries, its program, and the program's plain optimum."""
    small = reduced(microgrids(steps=STEPS, members=2, seed=2, battery_kwh=300.0))
    followers = tuple(canonical(one) for one in small.followers)
    caps = sampled_caps(Responses(small, 1e-8), followers, 1)
    single = single_level(small, followers, caps)
    found = Handle(single.program, integer=True, threads=1, mip_gap=1e-7).run(120.0)
    assert found.x is not None
    assert found.gap <= 1e-6
    return small, followers, single, found


def relaxation(program) -> float:
    return Handle(program, integer=False, threads=1, mip_gap=0.0).run(60.0).objective


def room(value: float) -> float:
    return 1e-6 * (1.0 + abs(value))


def test_every_price_and_what_trades_at_it_has_its_step(whole) -> None:
    small, followers, single, _ = whole
    steps = steps_of(small, followers, single)
    assert steps.label[single.prices].tolist() == list(range(STEPS)) * 5
    for one, at in zip(followers, single.followers, strict=True):
        priced = one.follower.priced.tocoo()
        assert (steps.label[at.y][priced.col] == priced.row % STEPS).all()
    # Sums over the day tie the steps together; nothing else is left in more than one of them.
    assert 0 < steps.shared.sum() < 0.1 * single.program.n
    assert len(Parts(single.program, steps).parts) >= STEPS


def test_prices_without_steps_are_not_taken_apart(whole) -> None:
    small, followers, single, _ = whole
    assert steps_of(replace(small, price_step=None), followers, single) is None


def test_the_bound_of_the_steps_is_valid_and_sharper_than_the_relaxation(whole) -> None:
    small, followers, single, best = whole
    parts = Parts(single.program, steps_of(small, followers, single))
    relaxed = parts.relaxed(30.0)
    plain = relaxation(single.program)
    assert single.program.cost @ relaxed.x + single.program.offset == pytest.approx(plain)
    priced = parts.price(relaxed.multipliers, 1e-6, Clock(60.0), 60.0)
    assert priced.bound <= best.objective + room(plain)
    assert priced.bound >= plain + 0.2 * (best.objective - plain)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_any_multipliers_and_any_labels_give_a_valid_bound(whole, seed, shuffled) -> None:
    small, followers, single, best = whole
    rng, steps = np.random.default_rng(seed), steps_of(small, followers, single)
    if shuffled:
        wrong = rng.random(single.program.n) < 0.02
        label = np.where(wrong, rng.integers(-1, STEPS, single.program.n), steps.label)
        steps = Steps(label, steps.shared & (rng.random(single.program.n) < 0.7))
    parts = Parts(single.program, steps)
    by = parts.relaxed(30.0).multipliers
    size = 0.02 * rng.random()
    by = Multipliers(
        by.links * (1.0 + size * rng.standard_normal(len(by.links))),
        tuple(own * (1.0 + size * rng.standard_normal(len(own))) for own in by.copies),
    )
    priced = parts.price(by, 1e-3, Clock(20.0), 20.0)
    assert priced.bound <= best.objective + room(best.objective)


def test_ranges_of_the_steps_keep_what_is_good_enough(whole) -> None:
    small, followers, single, best = whole
    parts = Parts(single.program, steps_of(small, followers, single))
    priced = parts.price(parts.relaxed(30.0).multipliers, 1e-6, Clock(60.0), 60.0)
    wanted, bounds = np.ones(single.program.n, dtype=bool), single.program.bounds
    most = best.objective + 1e-3 * abs(best.objective)
    low, high, empty = parts.ranges(priced, most, wanted, Clock(60.0), 60.0)
    assert not empty
    slack = 1e-6 * (1.0 + np.abs(best.x))
    assert (best.x >= low - slack).all()
    assert (best.x <= high + slack).all()
    prices = single.prices
    before = (bounds.col_ub - bounds.col_lb)[prices].sum()
    assert (high - low)[prices].sum() < 0.95 * before
    # Below what the bound allows nothing is left.
    assert parts.ranges(priced, priced.bound - 1.0, wanted, Clock(60.0), 60.0)[2]


def test_a_point_at_prices_is_one_of_the_program_and_earns_the_same(whole) -> None:
    small, followers, single, best = whole
    responses, program = Responses(small, 1e-9), single.program
    for prices in (best.x[single.prices], 0.5 * (small.price_lb + small.price_ub)):
        costs = np.array([one.objective for one in responses.solve(prices)])
        reply = responses.favourite(prices, costs)
        point = point_at_prices(single, followers, prices)
        if reply is None:
            assert point is None
            continue
        assert point is not None
        activity, bounds = program.matrix @ point, program.bounds
        assert (activity >= bounds.row_lb - 1e-5).all()
        assert (activity <= bounds.row_ub + 1e-5).all()
        assert (point[program.integer] % 1.0 == 0.0).all()
        assert -(program.cost @ point + program.offset) == pytest.approx(reply.profit, rel=1e-5)


@pytest.mark.parametrize("seed", [2, 4])
def test_exact_earns_the_same_taken_apart_and_whole(seed) -> None:
    problem = microgrids(steps=12, members=2, seed=seed, battery_kwh=200.0)
    told = LeaderSettings(gap=1e-4, time_limit_s=60.0)
    apart = solve_leader(problem, told)
    whole = solve_leader(replace(problem, price_step=None), told)
    assert apart.status == whole.status == "optimal"
    assert apart.profit_optimistic == pytest.approx(whole.profit_optimistic, rel=2e-4)
    assert apart.bound >= whole.profit_optimistic * (1.0 - 1e-6)


def test_windows_find_better_prices_and_never_more_than_there_is(whole) -> None:
    small, followers, single, best = whole
    responses, found, clock = Responses(small, 1e-8), Best(), Clock(60.0)
    for prices in price_guesses(small, 1, 0):
        found.offer(responses, prices, None)
    first, top = found.profit, -best.objective
    Windows(single, followers, steps_of(small, followers, single), responses, found).look(
        clock, 60.0
    )
    assert found.profit > first + 1e-3 * abs(top)
    assert found.profit <= top + 1e-5 * abs(top)
    again = responses.evaluate(found.prices)
    assert again.optimistic.profit == pytest.approx(found.profit, rel=1e-6)
