"""What physics taught changes the design as it says, and only where it says."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.errors import Infeasible, SolveError
from cosim.market.design import DesignProblem, solve_design, unite
from cosim.records.design import DesignCut
from tests.support.buildings import building, flat, problem, route, spec

HOUSES = ["cheap", "dear"]


def case() -> DesignProblem:
    """Heat comes from a boiler on cheap gas next door; either of two sizes would carry it."""
    design = spec({"boiler": {"cost_per_kw": 1.0, "life_years": 10, "eta": 1.0}})
    need = np.tile(np.where(np.arange(24) < 12, 50.0, 20.0), 2)
    houses = [
        building("cheap", design, {}, flat(0.3, 2), None, 0.03),
        building("dear", design, {"heat": need}, flat(0.3, 2), None, 0.09),
    ]
    sizes = [(50, 60.0, 1.0, 0.0, 500.0), (80, 120.0, 1.0, 0.0, 900.0)]
    return problem(design, [300.0, 65.0], houses, [route("pipe", *HOUSES, sizes)])


def cut(kind: str, element: str, value: float, **where: object) -> DesignCut:
    return DesignCut(kind=kind, element=element, value=value, reason="test", **where)  # type: ignore[arg-type]


def most(design: object, day: str, hour: int) -> float:
    flows = design.flows  # type: ignore[attr-defined]
    row = flows[(flows["day"] == day) & (flows["hour"] == hour)]
    return float(row["from_kw"].iloc[0])


def test_without_cuts_the_small_pipe_does() -> None:
    design = solve_design(case(), HOUSES)
    assert [pipe.dn for pipe in design.pipes] == [50]
    assert most(design, "day_1", 3) == pytest.approx(51.0)


def test_least_diameter() -> None:
    design = solve_design(case(), HOUSES, [cut("pipe_dn_min", "pipe", 80.0)])
    assert [pipe.dn for pipe in design.pipes] == [80]


def test_heat_limit_of_a_diameter_moves_to_the_next() -> None:
    design = solve_design(case(), HOUSES, [cut("pipe_heat_max", "pipe", 10.0, dn=50)])
    assert [pipe.dn for pipe in design.pipes] == [80]
    both = [cut("pipe_heat_max", "pipe", 30.0)]
    limited = solve_design(case(), HOUSES, both)
    assert limited.flows["from_kw"].max() == pytest.approx(30.0)
    assert limited.pipes[0].heat_max_kw == 30.0


def test_heat_limit_at_an_hour_and_on_a_day() -> None:
    at = cut("pipe_heat_max", "pipe", 30.0, dn=50, day="day_1", hour=3)
    dear = cut("pipe_dn_min", "pipe", 50.0)
    design = solve_design(case(), HOUSES, [at, dear])
    if [pipe.dn for pipe in design.pipes] == [50]:
        assert most(design, "day_1", 3) <= 30.0 + 1e-6
    whole = [cut("pipe_heat_max", "pipe", 30.0, day="day_1")]
    design = solve_design(case(), HOUSES, whole)
    assert most(design, "day_1", 3) <= 30.0 + 1e-6
    assert most(design, "day_2", 3) == pytest.approx(51.0)


def test_exchange_of_heat_is_limited_at_its_hour() -> None:
    one = cut("exchange_max", "dear", 15.0, carrier="heat", direction="import", day="day_2", hour=1)
    design = solve_design(case(), HOUSES, [one])
    flows = design.flows.set_index(["day", "hour"])["to_kw"]
    assert flows["day_2", 1] == pytest.approx(15.0)
    assert flows["day_2", 2] == pytest.approx(50.0)
    given = cut("exchange_max", "cheap", 15.0, carrier="heat", direction="export", day="day_2")
    assert solve_design(case(), HOUSES, [given]).flows.set_index("day").loc[
        "day_2", "from_kw"
    ].max() == pytest.approx(15.0)


def test_exchange_with_the_utility() -> None:
    gas = cut("exchange_max", "dear", 10.0, carrier="gas", direction="import", day="day_1", hour=0)
    with pytest.raises(Infeasible, match="no design for dear serves every hour"):
        solve_design(case(), ["dear"], [gas])


def test_least_size_of_a_unit() -> None:
    always = solve_design(case(), HOUSES, [cut("unit_min", "dear", 33.0, device="boiler")])
    sizes = {unit.building: unit.size for unit in always.units}
    assert sizes["dear"] == pytest.approx(33.0)
    laid = cut("unit_min", "dear", 33.0, device="boiler", with_pipes=("pipe",))
    assert {
        u.building: u.size for u in solve_design(case(), HOUSES, [laid]).units
    } == pytest.approx(sizes)
    alone = solve_design(case(), ["dear"], [laid])
    assert alone.units[0].size == pytest.approx(50.0)


def test_start_and_designs_side_by_side() -> None:
    problem_ = case()
    # Nothing is needed where gas is cheap, so its own design is empty.
    apart = unite([solve_design(problem_, [name]) for name in HOUSES], HOUSES)
    assert apart.members == ("cheap", "dear")
    assert apart.cost_per_year == pytest.approx(
        sum(solve_design(problem_, [name]).cost_per_year for name in HOUSES)
    )
    joint = solve_design(problem_, HOUSES, start=apart)
    assert joint.cost_per_year < apart.cost_per_year
    assert joint.cost_per_year == pytest.approx(solve_design(problem_, HOUSES).cost_per_year)


def test_unknown_building() -> None:
    with pytest.raises(SolveError, match="no such building"):
        solve_design(case(), ["castle"])
