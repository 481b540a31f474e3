"""Narrower ranges and root cuts: nothing that earns more than the best known profit is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from cosim.market.highs import Clock, Handle
from cosim.market.leader.conditions import canonical
from cosim.market.leader.exact import sampled_caps
from cosim.market.leader.kkt import single_level
from cosim.market.leader.problem import LeaderSettings
from cosim.market.leader.proof import narrow
from cosim.market.leader.proof.derived import derived_ranges
from cosim.market.leader.proof.root import Ranges, Root
from cosim.market.leader.reduce import reduced
from cosim.market.leader.respond import Responses
from cosim.market.leader.search import Best, Climber
from cosim.market.leader.solve import solve_leader
from cosim.market.leader.start import row_duals
from cosim.market.program import Bounds, Program
from tests.support.leader_cases import microgrids


def game_and_program(seed: int = 3, battery_kwh: float = 0.0, steps: int = 14):
    small = reduced(microgrids(steps=steps, members=2, seed=seed, battery_kwh=battery_kwh))
    responses = Responses(small, 1e-8)
    followers = tuple(canonical(one) for one in small.followers)
    caps = sampled_caps(responses, followers, 1)
    return small, responses, followers, caps, single_level(small, followers, caps)


def optimum(program: Program) -> np.ndarray:
    """Solve the plain program, without anything that is tested here."""
    found = Handle(program, integer=True, threads=1, mip_gap=1e-6).run(60.0)
    assert found.x is not None
    return found.x


def test_ranges_are_those_of_a_triangle() -> None:
    """x + y <= 1 and x + 2 y >= 1.5 leave x in [0, .5] and y in [.5, 1]."""
    program = Program(
        sparse.csr_array([[1.0, 1.0]]),
        Bounds(np.zeros(2), np.full(2, np.inf), np.array([-np.inf]), np.array([1.0])),
        np.array([-1.0, -2.0]),
        0.25,
        np.zeros(2, dtype=bool),
    )
    asked = Ranges(program, -1.25)
    asked.narrow(np.arange(2), 10.0)
    assert asked.low == pytest.approx([0.0, 0.5], abs=1e-3)
    assert asked.high == pytest.approx([0.5, 1.0], abs=1e-3)
    assert (asked.low <= [0.0, 0.5]).all()
    assert (asked.high >= [0.5, 1.0]).all()


def test_a_limit_nobody_reaches_leaves_nothing() -> None:
    program = Program(
        sparse.csr_array([[1.0]]),
        Bounds(np.zeros(1), np.ones(1), np.array([0.0]), np.array([1.0])),
        np.array([1.0]),
        0.0,
        np.zeros(1, dtype=bool),
    )
    asked = Ranges(program, -1.0)
    asked.narrow(np.arange(1), 10.0)
    assert asked.empty


@pytest.mark.parametrize("seed", [2, 3])
def test_root_cuts_keep_the_optimum_and_sharpen_the_relaxation(seed) -> None:
    *_, single = game_and_program(seed)
    best = optimum(single.program)
    found = Root(single.program, threads=1, mip_gap=1e-6).look(30.0)
    assert -found.bound >= -(single.program.cost @ best) - 1e-3
    assert found.cut is not None
    plain = Handle(single.program, integer=False, threads=1, mip_gap=0.0).run(30.0).objective
    sharp = Handle(found.cut, integer=False, threads=1, mip_gap=0.0).run(30.0).objective
    assert sharp > plain + 1e-3 * abs(plain)
    activity, bounds = found.cut.matrix @ best, found.cut.bounds
    room = 1e-4 * (1.0 + np.abs(activity))
    assert (activity <= bounds.row_ub + room).all()
    assert (activity >= bounds.row_lb - room).all()


def test_multipliers_at_good_prices_lie_in_their_derived_ranges() -> None:
    small, responses, followers, _, single = game_and_program(4, battery_kwh=400.0)
    assert any(capped.any() for capped in single.capped)
    top = solve_leader(small, LeaderSettings(time_limit_s=30.0))
    least = 0.2 * top.profit_optimistic
    ranges = derived_ranges(small, single, followers, least, 30.0)
    assert ranges is not None
    low, high = ranges[0]
    rng, tried = np.random.default_rng(1), 0
    width = small.price_ub - small.price_lb
    for size in [0.0, *np.repeat([0.0001, 0.001, 0.01], 10)]:
        prices = top.prices + size * width * rng.standard_normal(small.n_prices)
        prices = np.clip(prices, small.price_lb, small.price_ub)
        outcome = responses.solve(prices)
        reply = responses.favourite(prices, np.array([one.objective for one in outcome]))
        if reply is None or reply.profit < least:
            continue
        tried += 1
        duals = row_duals(followers[0], np.asarray(outcome[0].row_dual))
        assert (duals >= low - 1e-6).all()
        assert (duals <= high + 1e-6).all()
    assert tried > 3


@pytest.mark.parametrize("by_steps", [True, False])
def test_narrow_ranges_keep_what_is_best(by_steps, monkeypatch) -> None:
    monkeypatch.setattr(narrow, "FEW_PRICES", 0)
    monkeypatch.setattr(narrow, "WORTH", 2.0)
    monkeypatch.setattr(narrow, "FAR", np.inf)
    small, responses, followers, caps, single = game_and_program(2)
    small = small if by_steps else replace(small, price_step=None)
    best_point = optimum(single.program)
    top = -(single.program.cost @ best_point + single.program.offset)
    # A poor profit that is known: prices in the middle.
    best = Best()
    best.profit = (0.99 if by_steps else 0.9) * top
    monkeypatch.setattr(Best, "offer", lambda *_: False)
    bounds: list[float] = []
    clock = Clock(60.0)
    climber = Climber(single, followers, responses, best, clock)
    proof = narrow.Proof(
        responses, climber, best, clock, LeaderSettings(gap=1e-4), caps, bounds.append
    )
    found = narrow.narrowed(small, followers, single, proof)
    assert found.rounds >= 1
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] >= top * (1 - 1e-6)
    prices = slice(single.prices.start, single.prices.stop)
    before, after = single.program.bounds, found.single.program.bounds
    assert (after.col_ub - after.col_lb)[prices].sum() < 0.9999 * (
        before.col_ub - before.col_lb
    )[prices].sum()  # fmt: skip
    again = optimum(found.single.program)
    assert -(found.single.program.cost @ again + single.program.offset) == pytest.approx(
        top, rel=1e-5
    )


@pytest.mark.parametrize("seed", [2, 5])
def test_exact_earns_the_same_with_and_without_narrow_ranges(seed, monkeypatch) -> None:
    problem = microgrids(steps=6, members=2, seed=seed, battery_kwh=300.0)
    monkeypatch.setattr(narrow, "FEW_PRICES", 1000)
    plain = solve_leader(problem, LeaderSettings(gap=1e-4, time_limit_s=60.0))
    monkeypatch.setattr(narrow, "FEW_PRICES", 0)
    sharp = solve_leader(problem, LeaderSettings(gap=1e-4, time_limit_s=60.0))
    assert sharp.status == "optimal"
    assert sharp.bound >= plain.profit_optimistic * (1 - 1e-6)
    assert sharp.profit_optimistic == pytest.approx(plain.profit_optimistic, rel=2e-4)
