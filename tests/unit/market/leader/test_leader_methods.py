"""The leader-follower game against closed forms, enumeration and an independent solver."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds as Box
from scipy.optimize import LinearConstraint, linprog, milp

from cosim.market.leader.problem import Follower, LeaderProblem, LeaderSettings
from cosim.market.leader.respond import Responses
from cosim.market.leader.solve import solve_leader
from tests.support.leader_cases import Sheet, game, linear_demand

METHODS = ("exact", "decomposition", "evolutionary")


def alone(one: Follower, prices, costs=None, limit=None):
    """Solve a follower by scipy, or its best `costs` within a limit on what it pays."""
    program, bounds = one.program, one.program.bounds
    rows = [LinearConstraint(program.matrix.toarray(), bounds.row_lb, bounds.row_ub)]
    pays = program.cost + one.priced.toarray().T @ prices
    if limit is not None:
        rows.append(LinearConstraint(pays[None, :], -np.inf, limit))
    box = Box(bounds.col_lb, bounds.col_ub)
    aim = pays if costs is None else costs
    done = milp(aim, constraints=rows, bounds=box, integrality=program.integer.astype(int))
    return done.fun if done.success else None


def hopeful(problem: LeaderProblem, prices) -> float:
    """Return the optimistic profit with one follower, all by scipy; -inf if undeliverable."""
    (one,) = problem.followers
    best = alone(one, prices)
    leader = problem.leader
    n, m = leader.n, one.program.n
    pays = one.program.cost + one.priced.toarray().T @ prices
    income = one.fees + one.priced.toarray().T @ prices
    aim = np.concatenate([leader.cost, -income])
    wide = np.zeros((one.program.m, n))
    rows = [
        LinearConstraint(
            np.hstack([leader.matrix.toarray(), one.to_leader.toarray()]),
            leader.bounds.row_lb,
            leader.bounds.row_ub,
        ),
        LinearConstraint(
            np.hstack([wide, one.program.matrix.toarray()]),
            one.program.bounds.row_lb,
            one.program.bounds.row_ub,
        ),
        LinearConstraint(np.concatenate([np.zeros(n), pays])[None, :], -np.inf, best + 1e-9),
    ]
    box = Box(
        np.concatenate([leader.bounds.col_lb, one.program.bounds.col_lb]),
        np.concatenate([leader.bounds.col_ub, one.program.bounds.col_ub]),
    )
    integers = np.concatenate([leader.integer, one.program.integer]).astype(int)
    done = milp(aim, constraints=rows, bounds=box, integrality=integers)
    assert m
    return -done.fun if done.success else -np.inf


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("cap", "price", "sold", "profit"), [(1.2, 0.75, 450, 202.5), (0.7, 0.7, 500, 200.0)]
)
def test_linear_demand_has_the_textbook_answer(method, cap, price, sold, profit) -> None:
    problem = linear_demand(segments=240, cap=cap)
    found = solve_leader(
        problem, LeaderSettings(method=method, gap=1e-4, population=20, generations=40)
    )
    assert found.profit_optimistic == pytest.approx(profit, rel=1e-3)
    # The profit is flat at the top: 1000 (p - .75)^2 is what a wrong price loses.
    assert found.prices[0] == pytest.approx(price, abs=0.015)
    assert found.responses[0].sum() == pytest.approx(sold, abs=15.0)
    assert found.profit_nudged == pytest.approx(profit, rel=1e-3)
    assert found.profit_nudged <= found.profit_optimistic + 1e-3
    if method != "evolutionary":
        assert profit <= found.bound * (1 + 1e-6)
        assert found.bound <= profit * (1 + 1e-3)


def merit_order(caps, costs, demand, supply_cost, limit, on_off: bool) -> LeaderProblem:
    """Two steps, three own units each, a shift between the steps, import at 1.0, one price a step.

    All costs are multiples of .05 and all coefficients 1, so every price at which a linear
    follower changes its mind is one too.
    """
    follower, leader = Sheet(), Sheet()
    sell = [
        leader.row({leader.col(ub=limit, cost=0.05 * supply_cost): 1.0}, 0.0, 0.0) for _ in "ab"
    ]
    balance: list[dict[int, float]] = [{}, {}]
    for t in range(2):
        for cap, cost in zip(caps[t], costs[t], strict=True):
            unit = follower.col(ub=cap, cost=0.05 * cost)
            balance[t][unit] = 1.0
            if on_off and cap:
                on = follower.col(ub=1.0, cost=0.4, integer=True)
                follower.row({unit: 1.0, on: -float(cap)}, ub=0.0)
                follower.row({unit: 1.0, on: -0.5 * cap}, lb=0.0)
        balance[t][follower.col(ub=20.0, cost=1.0)] = 1.0
        buy = follower.col(ub=10.0)
        balance[t][buy] = 1.0
        follower.priced.append((t, buy, 1.0))
        follower.linked.append((sell[t], buy, -1.0))
    early, late = follower.col(ub=2.0, cost=0.05), follower.col(ub=2.0, cost=0.05)
    for t, sign in enumerate((1.0, -1.0)):
        balance[t] |= {early: -sign, late: sign}
        follower.row(balance[t], float(demand[t]), float(demand[t]))
    return game(leader, [("one", follower)], [0.0, 0.0], [1.05, 1.05])


small = st.integers(0, 4)
pairs = st.tuples(st.tuples(small, small), st.tuples(small, small))
prices_of = st.integers(1, 19)
cost_pairs = st.tuples(st.tuples(prices_of, prices_of), st.tuples(prices_of, prices_of))


@settings(max_examples=3, deadline=None, derandomize=True)
@given(
    pairs,
    cost_pairs,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 8),
    st.sampled_from([3, 30]),
)
def test_no_price_on_a_grid_of_all_turning_points_beats_exact(
    caps, costs, demand, supply, limit
) -> None:
    problem = merit_order(caps, costs, demand, supply, limit, on_off=False)
    grid = np.arange(0.0, 1.0501, 0.05)
    best = max(hopeful(problem, np.array(p)) for p in product(grid, grid))
    found = solve_leader(problem, LeaderSettings(gap=1e-6))
    assert found.profit_optimistic == pytest.approx(best, abs=1e-4)
    assert found.bound >= best - 1e-4
    assert hopeful(problem, found.prices) == pytest.approx(found.profit_optimistic, abs=1e-4)
    same = solve_leader(problem, LeaderSettings(method="decomposition", gap=1e-6))
    assert same.profit_optimistic == pytest.approx(best, abs=1e-4)


@settings(max_examples=2, deadline=None, derandomize=True)
@given(
    pairs,
    cost_pairs,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 8),
    st.sampled_from([3, 30]),
)
def test_on_off_followers_against_a_grid(caps, costs, demand, supply, limit) -> None:
    problem = merit_order(caps, costs, demand, supply, limit, on_off=True)
    grid = np.arange(0.0, 1.0501, 0.05)
    best = max(hopeful(problem, np.array(p)) for p in product(grid, grid))
    found = solve_leader(problem, LeaderSettings(method="decomposition", gap=1e-6))
    assert found.status == "optimal"
    assert found.profit_optimistic >= best - 1e-4
    assert found.bound >= best - 1e-4
    assert hopeful(problem, found.prices) == pytest.approx(found.profit_optimistic, abs=1e-4)


def test_given_prices_the_follower_alone_pays_the_same() -> None:
    problem = merit_order(((3, 2), (1, 4)), ((4, 9), (6, 12)), (7, 8), 2, 30, on_off=True)
    responses = Responses(problem, 1e-8)
    rng = np.random.default_rng(3)
    for _ in range(5):
        prices = 1.2 * rng.random(2)
        found = responses.evaluate(prices)
        assert found.costs[0] == pytest.approx(alone(problem.followers[0], prices), abs=1e-6)
        assert found.optimistic is not None
        assert found.optimistic.profit == pytest.approx(hopeful(problem, prices), abs=1e-5)
        assert found.pessimistic.profit <= found.simulated.profit + 1e-6
        assert found.simulated.profit <= found.optimistic.profit + 1e-6


def test_a_tie_that_loses_money_is_repaired_by_the_nudge() -> None:
    """At p = own cost the follower may buy nothing: the plant then sits on must-run supply."""
    follower, leader = Sheet(), Sheet()
    supply, waste = leader.col(lb=100.0, ub=100.0, cost=0.3), leader.col(ub=100.0, cost=0.1)
    row = leader.row({supply: 1.0, waste: -1.0}, 0.0, 0.0)
    own, buy = follower.col(ub=100.0, cost=0.5), follower.col(ub=100.0)
    follower.row({own: 1.0, buy: 1.0}, 100.0, 100.0)
    follower.priced.append((0, buy, 1.0))
    follower.linked.append((row, buy, -1.0))
    problem = game(leader, [("one", follower)], [0.0], [1.0])
    for method in METHODS:
        found = solve_leader(problem, LeaderSettings(method=method, nudge=1e-4))
        assert found.profit_nudged == pytest.approx(20.0, abs=0.15)
        if method == "exact":
            assert found.profit_optimistic == pytest.approx(20.0, abs=1e-3)
            assert found.profit_pessimistic == pytest.approx(-40.0, abs=1e-2)
            assert found.prices_nudged[0] < found.prices[0]
    tied = Responses(problem, 1e-8).evaluate(np.array([0.5]))
    assert tied.pessimistic.profit == pytest.approx(-40.0, abs=1e-2)


def test_a_response_the_plant_cannot_deliver_is_told() -> None:
    """At the price of import all is a tie; the plant has 30 of the 100 the follower could want."""
    follower, leader = Sheet(), Sheet()
    row = leader.row({leader.col(ub=30.0, cost=0.1): 1.0}, 0.0, 0.0)
    imports, buy = follower.col(ub=200.0, cost=0.5), follower.col(ub=200.0)
    follower.row({imports: 1.0, buy: 1.0}, 100.0, 100.0)
    follower.priced.append((0, buy, 1.0))
    follower.linked.append((row, buy, -1.0))
    problem = game(leader, [("one", follower)], [0.0], [1.0])
    found = solve_leader(problem, LeaderSettings())
    assert found.profit_optimistic == pytest.approx(12.0, abs=1e-3)
    below = Responses(problem, 1e-8).evaluate(np.array([0.4]))
    assert below.optimistic is None
    assert not below.pessimistic.delivered
    rationed, costs = Responses(problem, 1e-8).rationed(np.array([0.4]))
    assert rationed.profit == pytest.approx(30 * 0.3)
    assert costs[0] == pytest.approx(30 * 0.4 + 70 * 0.5)


def test_linprog_agrees_on_a_linear_follower() -> None:
    problem = merit_order(((3, 2), (1, 4)), ((4, 9), (6, 12)), (7, 8), 2, 30, on_off=False)
    (one,) = problem.followers
    prices = np.array([0.33, 0.61])
    bounds = one.program.bounds
    done = linprog(
        one.program.cost + one.priced.toarray().T @ prices,
        A_eq=one.program.matrix.toarray(),
        b_eq=bounds.row_lb,
        bounds=list(zip(bounds.col_lb, bounds.col_ub, strict=True)),
    )
    assert Responses(problem, 1e-8).evaluate(prices).costs[0] == pytest.approx(done.fun, abs=1e-7)
