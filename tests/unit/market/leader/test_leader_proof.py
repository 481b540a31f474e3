"""What the proof of the leader-follower game rests on: the smaller problem and its bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cosim.errors import ScenarioError, SolveError
from cosim.market.leader.conditions import canonical, multiplier_box
from cosim.market.leader.evolutionary import Evolutionary, repaired
from cosim.market.leader.problem import LeaderSettings
from cosim.market.leader.reduce import reduced
from cosim.market.leader.respond import Responses
from cosim.market.leader.solve import solve_leader
from cosim.market.leader.start import price_guesses, row_duals
from tests.support.leader_cases import Sheet, game, linear_demand, microgrids


def some_prices(problem, count: int, seed: int = 5):
    rng = np.random.default_rng(seed)
    width = problem.price_ub - problem.price_lb
    for _ in range(count):
        yield problem.price_lb + width * rng.random(problem.n_prices)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("commitment", [True, False])
def test_the_smaller_game_costs_and_earns_the_same_at_any_prices(together, commitment) -> None:
    problem = microgrids(
        steps=6, together=together, commitment=commitment, battery_kwh=300.0, seed=2
    )
    small = reduced(problem)
    assert sum(one.program.n for one in small.followers) < sum(
        one.program.n for one in problem.followers
    )
    one, other = Responses(problem, 1e-8), Responses(small, 1e-8)
    delivered = 0
    for prices in [*some_prices(problem, 6), *price_guesses(problem, 1, 0)]:
        costs = [found.objective for found in one.solve(prices)]
        same = [found.objective for found in other.solve(prices)]
        assert same == pytest.approx(costs, rel=1e-6, abs=1e-6)
        best = one.favourite(prices, np.array(costs))
        also = other.favourite(prices, np.array(same))
        assert (best is None) == (also is None)
        if best is not None and also is not None:
            delivered += 1
            assert also.profit == pytest.approx(best.profit, rel=1e-4, abs=0.05)
    assert delivered


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_multipliers_seen_at_random_prices_keep_their_derived_bounds(seed) -> None:
    problem = reduced(microgrids(steps=8, battery_kwh=300.0, seed=seed))
    responses = Responses(problem, 1e-8)
    one = canonical(problem.followers[0])
    low, high, assumed = multiplier_box(one, problem, np.full(one.m, 50.0))
    assert not assumed.all()
    for prices in some_prices(problem, 25, seed):
        duals = row_duals(one, np.asarray(responses.solve(prices)[0].row_dual))
        assert (duals >= low - 1e-6).all()
        assert (duals <= high + 1e-6).all()


def test_bounds_that_other_constraints_imply_need_no_multiplier() -> None:
    """Import covers a fixed load, so its own limit of 100 never binds; that of the unit does."""
    follower, leader = Sheet(), Sheet()
    supply = leader.col()
    row = leader.row({supply: 1.0}, 0.0, 0.0)
    imports, unit, buy = follower.col(ub=100.0, cost=1.0), follower.col(ub=5.0), follower.col(ub=3)
    follower.row({imports: 1.0, unit: 1.0, buy: 1.0}, 10.0, 10.0)
    follower.priced.append((0, buy, 1.0))
    follower.linked.append((row, buy, -1.0))
    one = canonical(game(leader, [("one", follower)], [0.0], [2.0]).followers[0])
    assert np.isinf(one.high[imports])
    assert np.isinf(one.low[imports])
    assert one.high[unit] == 5.0
    assert one.most[imports] == pytest.approx(10.0)
    assert one.least[imports] == pytest.approx(2.0)


def test_no_sampled_prices_give_more_than_the_proven_bound() -> None:
    problem = microgrids(steps=6, members=2, seed=4)
    found = solve_leader(problem, LeaderSettings(time_limit_s=60.0))
    responses = Responses(problem, 1e-8)
    assert found.status == "optimal"
    tried = 0
    near = [found.prices + 0.02 * (p - found.prices) for p in some_prices(problem, 15)]
    for prices in [*some_prices(problem, 15, 7), *near, found.prices_nudged]:
        inside = repaired(problem, prices)
        reply = responses.evaluate(inside).optimistic
        if reply is not None:
            tried += 1
            assert reply.profit <= found.profit_optimistic * (1 + 1e-3) + 1e-3
            assert reply.profit <= found.bound + 1e-3
    assert tried > 5


def test_the_other_methods_agree_with_exact_on_linear_followers() -> None:
    problem = microgrids(steps=4, members=2, seed=4, together=False)
    exact = solve_leader(problem, LeaderSettings())
    split = solve_leader(problem, LeaderSettings(method="decomposition"))
    assert split.profit_optimistic == pytest.approx(exact.profit_optimistic, rel=2e-3, abs=0.01)
    assert split.bound >= exact.profit_optimistic - 0.01
    found = solve_leader(
        problem, LeaderSettings(method="evolutionary", population=12, generations=8)
    )
    assert found.profit_optimistic <= exact.bound + 0.01
    assert found.status == "heuristic"
    assert np.isinf(found.bound)


def test_on_off_microgrids_stop_at_the_time_limit_with_a_proven_bound() -> None:
    problem = microgrids(steps=3, members=2, seed=4, commitment=True)
    found = solve_leader(problem, LeaderSettings(method="decomposition", time_limit_s=8.0))
    assert found.bound >= found.profit_optimistic
    assert np.isfinite(found.bound)
    assert list(found.history.columns) == ["method", "iteration", "seconds", "best", "bound"]
    responses = Responses(problem, 1e-8)
    for prices in some_prices(problem, 12):
        reply = responses.evaluate(repaired(problem, prices)).optimistic
        assert reply is None or reply.profit <= found.bound + 1e-3


def test_exact_refuses_followers_with_integers() -> None:
    with pytest.raises(SolveError, match="use method decomposition"):
        solve_leader(microgrids(steps=2, members=1, commitment=True), LeaderSettings())


def test_fixed_prices_are_only_answered() -> None:
    problem = linear_demand(segments=240)
    held = replace(problem, price_lb=np.array([0.7525]), price_ub=np.array([0.7525]))
    found = solve_leader(held, LeaderSettings(method="fixed", nudge=0.0))
    assert found.prices[0] == 0.7525
    assert found.profit_simulated == pytest.approx(445 * 0.4525)
    assert found.profit_nudged == pytest.approx(found.profit_optimistic, rel=1e-5)
    with pytest.raises(ScenarioError, match="fixed prices"):
        solve_leader(problem, LeaderSettings(method="fixed"))


def test_wrong_shapes_and_crossed_bounds_are_all_told() -> None:
    problem = linear_demand(segments=4)
    with pytest.raises(ScenarioError, match=r"price_ub: shape \(2,\); expected shape \(1,\)"):
        replace(problem, price_ub=np.array([1.0, 1.0]))
    with pytest.raises(ScenarioError, match=r"min 2 above max 1\.2"):
        replace(problem, price_lb=np.array([2.0]))


def test_the_search_uses_the_inner_game_it_is_given_and_is_repeatable() -> None:
    problem = linear_demand(segments=60)
    responses, asked = Responses(problem, 1e-8), []

    def inner(prices):
        asked.append(float(prices[0]))
        return tuple(np.asarray(one.x) for one in responses.solve(prices))

    settings = LeaderSettings(method="evolutionary", population=10, generations=5)
    one = Evolutionary(responder=inner).solve(problem, settings)
    first, asked[:] = list(asked), []
    other = Evolutionary(responder=inner).solve(problem, settings)
    assert len(first) >= 40
    assert first == asked
    assert one.prices == pytest.approx(other.prices)
    best = one.history["best"].to_numpy()
    assert (np.diff(best) >= 0).all()
    assert best[-1] == pytest.approx(one.profit_simulated, rel=0.05)


def test_prices_are_moved_back_into_their_rows() -> None:
    problem = microgrids(steps=4, members=1)
    for prices in some_prices(problem, 20):
        assert problem.allows(repaired(problem, prices), 1e-8)
