"""The exact method on a day of three microgrids: its proof, and a race against the search."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest

from cosim.market.leader.problem import LeaderSettings
from cosim.market.leader.solve import solve_leader
from tests.support.leader_cases import microgrids

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_day_of_three_microgrids_is_proven(seed: int) -> None:
    """120 prices; turbine, boiler, pump, electric boiler, methanation, shifting and more each."""
    found = solve_leader(microgrids(seed=seed), LeaderSettings(gap=1e-3, time_limit_s=60.0))
    print(f"\ngap {found.gap:.2e}, seconds {found.history.seconds.iloc[-1]:.1f}")
    assert found.status == "optimal"
    assert found.gap <= 1e-3


@pytest.mark.parametrize("battery_kwh", [0.0, 600.0])
def test_exact_is_never_worse_than_the_search_in_the_same_time(battery_kwh) -> None:
    problem = microgrids(battery_kwh=battery_kwh)
    start = perf_counter()
    exact = solve_leader(problem, LeaderSettings(time_limit_s=30.0))
    spent = perf_counter() - start
    search = solve_leader(
        problem,
        LeaderSettings(method="evolutionary", time_limit_s=max(spent, 5.0), generations=10_000),
    )
    shown = (exact.profit_optimistic, exact.bound, search.profit_optimistic)
    print("\nexact {:.2f} (bound {:.2f}), evolutionary {:.2f}".format(*shown))
    assert exact.profit_optimistic >= search.profit_optimistic
    assert exact.profit_nudged >= 0.98 * search.profit_nudged
    assert np.isfinite(exact.bound)
