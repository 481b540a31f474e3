"""The market's own speed as ratios measured in one process: building is not the bottleneck."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from multiprocessing import get_context
from os import getpid
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import pytest

from cosim.market import Market
from cosim.market.devices import DEVICE_TYPES
from cosim.records import Cut, CutKey, Schedule, read_only
from cosim.scenario import Scenario, load_scenario
from tests.support.community import town

pytestmark = pytest.mark.benchmark

WINTER_DAY = Path(__file__).parents[2] / "examples" / "schutterwald"
"""At least 12 participants, 96 steps, three networks."""


def everyone(case: Scenario) -> frozenset[str]:
    return frozenset(case.config.participants)


def times(case: Scenario) -> tuple[float, float, float]:
    """Return seconds to build and hand over, to solve with all members, and with none."""
    market = Market(case, {})
    together = market.solve(everyone(case)).seconds["solve"]
    alone = market.solve(frozenset()).seconds["solve"]
    return market.seconds["build"] + market.seconds["hand_over"], together, alone


def test_building_and_handing_over_take_less_than_solving_the_winter_day() -> None:
    case = load_scenario(WINTER_DAY, DEVICE_TYPES)
    build, together, alone = (median(v) for v in zip(*(times(case) for _ in range(3)), strict=True))
    print(
        f"winter day: build and hand-over {build / together:.2f} of the first cooperative solve, "
        f"{build / (together + alone):.2f} of both modes"
    )
    assert build < together + alone


@pytest.mark.slow
def test_building_thirty_participants_is_a_tenth_of_solving_them() -> None:
    case = town(30, 96, minutes=15)
    build, together, alone = times(case)
    print(
        f"30 x 96: build and hand-over {build / together:.2f} of the cooperative solve, "
        f"{build / (together + alone):.3f} of both modes"
    )
    assert build <= 0.1 * (together + alone)


def cuts_at(schedule: Schedule, count: int) -> list[Cut]:
    """Return cuts that take away a tenth of the imports at the steps with the largest ones."""
    grid = schedule.injections["grid"]
    weight = np.linspace(0.2, 1.0, len(grid.terminals))
    load = -(grid.p_kw @ weight)
    steps = np.argsort(load)[-count:]
    zeros = read_only(np.zeros_like(weight))
    return [
        Cut(
            CutKey("grid", "voltage_min", "bus", 0, int(step), 0),
            grid.terminals, read_only(-weight), zeros, 0.9 * float(load[step]), outer=True,
        )
        for step in steps
    ]  # fmt: skip


def test_solving_again_after_cuts_takes_at_most_half_of_the_first_solve() -> None:
    case = town(12, 96, minutes=15)
    ratios = []
    for _ in range(3):
        market = Market(case, {})
        first = market.solve(everyone(case))
        market.add_cuts(cuts_at(first, 20))
        again = market.solve(everyone(case), start=first)
        ratios.append(again.seconds["solve"] / first.seconds["solve"])
        assert again.cost > first.cost
    print(f"solve after 20 cuts: {median(ratios):.2f} of the first solve")
    assert median(ratios) <= 0.5


_MARKETS: list[Market] = []


def _receive(data: bytes) -> None:
    _MARKETS[:] = [pickle.loads(data)]


def _cost(members: frozenset[str]) -> tuple[float, int, float]:
    """Return the cost of a coalition, the process and its CPU seconds."""
    start = process_time()
    cost = _MARKETS[0].solve(members).cost
    return cost, getpid(), process_time() - start


@pytest.mark.slow
def test_two_processes_share_the_work_of_coalitions() -> None:
    """Efficiency as the CPU time of one process over twice that of the busier of two.

    CPU instead of wall time, so that other load on the machine does not count.
    """
    case = town(6, 96, minutes=15, solver={"mip_gap": 1e-3})
    names = sorted(everyone(case))
    coalitions = [frozenset(c) for size in (3, 4) for c in combinations(names, size)]
    data = pickle.dumps(Market(case, {}))
    busiest, costs = {}, {}
    for workers in (1, 2):
        context: Any = get_context("spawn")
        spent: dict[int, float] = {}
        with ProcessPoolExecutor(workers, context, _receive, (data,)) as pool:
            results = list(pool.map(_cost, coalitions))
        for _, process, seconds in results:
            spent[process] = spent.get(process, 0.0) + seconds
        busiest[workers] = max(spent.values())
        costs[workers] = [cost for cost, _, _ in results]
    efficiency = busiest[1] / busiest[2] / 2
    print(f"{len(coalitions)} coalitions: parallel efficiency of two processes {efficiency:.2f}")
    np.testing.assert_allclose(costs[1], costs[2], rtol=2e-3)
    assert efficiency >= 0.8
