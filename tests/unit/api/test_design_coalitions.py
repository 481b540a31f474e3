"""Every coalition is designed, and none is worse than its parts side by side."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from cosim.api.designing.coalitions import design_coalitions
from cosim.market.design import DesignProblem, solve_design
from cosim.records.design import DesignCut
from cosim.settlement import Players
from cosim.tasks import open_tasks
from tests.support.buildings import building, flat, problem, route, spec

GAS = {"a": 0.03, "b": 0.06, "c": 0.09}


def case(pipe_cost: float = 4_000.0) -> DesignProblem:
    """Three buildings with gas at different prices, in a row."""
    design = spec({"boiler": {"cost_per_kw": 10.0, "life_years": 10, "eta": 1.0}})
    houses = [
        building(name, design, {"heat": flat(40.0, 1)}, flat(0.3, 1), None, gas)
        for name, gas in GAS.items()
    ]
    sizes = [(50, 150.0, 1.0, 0.0, pipe_cost)]
    routes = [route("ab", "a", "b", sizes), route("bc", "b", "c", sizes)]
    return problem(design, [365.0], houses, routes)


def players(**groups: tuple[str, ...]) -> Players:
    return Players(groups or {name: (name,) for name in GAS}, operator_plays=False)


def test_all_coalitions_by_hand() -> None:
    with open_tasks() as tasks:
        found = design_coalitions(case(), players(), tasks)
    assert len(found) == 7
    boiler, hours = 10.0 * 0.1295045750, 8760.0
    alone = {name: 40.0 * (gas * hours + boiler) for name, gas in GAS.items()}
    ab = 4_000.0 + 81.0 * (0.03 * hours + boiler)
    abc = 8_000.0 + 122.0 * (0.03 * hours + boiler)
    bc = 4_000.0 + 81.0 * (0.06 * hours + boiler)
    by_hand = {
        "a": alone["a"], "b": alone["b"], "c": alone["c"], "ab": ab,
        "ac": alone["a"] + alone["c"], "bc": bc, "abc": abc,
    }  # fmt: skip
    for name, cost in by_hand.items():
        assert found[frozenset(name)].cost_per_year == pytest.approx(cost, rel=1e-8), name
    assert [pipe.name for pipe in found[frozenset("abc")].pipes] == ["ab", "bc"]


def test_subadditive_whatever_the_pipes_cost() -> None:
    for pipe_cost in (0.0, 9_000.0, 1e6):
        with open_tasks() as tasks:
            found = design_coalitions(case(pipe_cost), players(), tasks)
        costs = {members: design.cost_per_year for members, design in found.items()}
        for one, other in combinations(costs, 2):
            if not one & other:
                assert costs[one | other] <= costs[one] + costs[other] + 1e-6


def test_groups_play_as_one() -> None:
    with open_tasks() as tasks:
        found = design_coalitions(case(), players(west=("a", "b"), east=("c",)), tasks)
    assert {tuple(sorted(names)) for names in found} == {("west",), ("east",), ("east", "west")}
    assert found[frozenset({"west"})].cost_per_year == pytest.approx(
        solve_design(case(), ["a", "b"]).cost_per_year
    )


def test_cuts_of_a_coalition_stay_its_own() -> None:
    narrow = DesignCut("pipe_heat_max", "ab", 10.0, "too hot", dn=50)
    everyone = frozenset("abc")
    with open_tasks() as tasks:
        found = design_coalitions(case(), players(), tasks, {frozenset("ab"): (narrow,)})
    assert not found[frozenset("ab")].pipes
    assert np.isclose(found[everyone].cost_per_year, solve_design(case(), everyone).cost_per_year)
