"""Annual cost, and when a pipe pays, against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cosim.market.design import (
    DesignProblem,
    capital_recovery_factor,
    pipe_cost_per_year,
    solve_design,
)
from cosim.market.design.pipes import PipeCapability
from cosim.market.design.problem import Candidate, Choice
from cosim.scenario.design import Route
from cosim.scenario.design_catalogue import PipeType
from tests.support.buildings import building, flat, problem, spec

HOURS_A_YEAR = 8760.0


@pytest.mark.parametrize(
    ("interest", "years", "factor"),
    [(0.05, 10, 0.1295046), (0.0, 20, 0.05), (0.08, 1, 1.08), (0.05, 20, 0.0802426)],
)
def test_capital_recovery_factor(interest: float, years: float, factor: float) -> None:
    assert capital_recovery_factor(interest, years) == pytest.approx(factor, abs=5e-8)


def test_factor_pays_back_with_interest() -> None:
    left = 1000.0
    for _ in range(15):
        left = left * 1.07 - 1000.0 * capital_recovery_factor(0.07, 15)
    assert left == pytest.approx(0.0, abs=1e-9)


def test_cost_of_a_boiler_by_hand() -> None:
    design = spec(
        {
            "boiler": {
                "cost_fixed": 500.0, "cost_per_kw": 100.0, "life_years": 10, "eta": 0.8,
                "maintenance_share": 0.02, "maintenance_per_kwh": 0.003,
            }
        }
    )  # fmt: skip
    house = building("house", design, {"heat": flat(40.0, 1)}, flat(0.2, 1), None, 0.05)
    found = solve_design(problem(design, [365.0], [house]), ["house"])
    price = 500.0 + 100.0 * 40.0
    energy = 40.0 * HOURS_A_YEAR
    costs = found.costs.set_index("component")["cost_per_year"]
    assert costs["investment_boiler"] == pytest.approx(0.1295045750 * price, rel=1e-8)
    assert costs["fuel"] == pytest.approx(0.05 * energy / 0.8, rel=1e-9)
    assert costs["maintenance"] == pytest.approx(0.02 * price + 0.003 * energy, rel=1e-9)
    assert found.cost_per_year == pytest.approx(costs.sum(), rel=1e-12)
    (unit,) = found.units
    assert (unit.kind, unit.unit) == ("boiler", "kW")
    assert unit.size == pytest.approx(40.0, abs=1e-6)
    assert unit.cost_per_year == pytest.approx((0.1295045750 + 0.02) * price, rel=1e-8)


LENGTH_M, COST_PER_M, LIFE = 200.0, 1500.0, 30.0
CHEAP_GAS, DEAR_GAS, NEED_KW = 0.03, 0.06, 50.0


def two_houses(subsidy: float) -> DesignProblem:
    """One has cheap gas, the other needs heat; a pipe without losses joins them."""
    design = spec({"boiler": {"cost_per_kw": 0.0, "life_years": 10, "eta": 1.0}})
    size = PipeType(dn=50, inner_diameter_m=0.0545, cost_per_m=COST_PER_M, loss_w_per_m_k=0.0)
    cost = pipe_cost_per_year(COST_PER_M, LENGTH_M, 0.05, LIFE, subsidy)
    pipe = Candidate(
        Route(name="pipe", between=("cheap", "dear"), length_m=LENGTH_M),
        (Choice(size, PipeCapability(100.0, 0.0, 0.0), cost),),
    )
    buy = flat(0.3, 1)
    houses = [
        building("cheap", design, {}, buy, None, CHEAP_GAS),
        building("dear", design, {"heat": flat(NEED_KW, 1)}, buy, None, DEAR_GAS),
    ]
    return problem(design, [365.0], houses, [pipe])


def break_even() -> float:
    """Return the subsidy at which the saved gas is what the pipe costs a year."""
    saved = (DEAR_GAS - CHEAP_GAS) * NEED_KW * HOURS_A_YEAR
    annuity = 1.0 / sum(1.05**-year for year in range(1, int(LIFE) + 1))
    return 1.0 - saved / (annuity * COST_PER_M * LENGTH_M)


def test_pipe_that_does_not_pay_is_laid_from_the_break_even_subsidy_on() -> None:
    even = break_even()
    assert 0.3 < even < 0.4
    without = solve_design(two_houses(0.0), ["cheap", "dear"])
    below = solve_design(two_houses(even - 1e-3), ["cheap", "dear"])
    above = solve_design(two_houses(even + 1e-3), ["cheap", "dear"])
    assert not without.pipes
    assert not below.pipes
    (pipe,) = above.pipes
    assert (pipe.name, pipe.dn) == ("pipe", 50)
    gas = NEED_KW * HOURS_A_YEAR
    assert below.cost_per_year == pytest.approx(DEAR_GAS * gas, rel=1e-9)
    assert above.cost_per_year == pytest.approx(CHEAP_GAS * gas + pipe.cost_per_year, rel=1e-9)
    assert above.costs.set_index("owner").loc["network", "cost_per_year"] == pipe.cost_per_year


def test_losses_and_pump_are_paid_for() -> None:
    plain = two_houses(1.0)
    (pipe,) = plain.candidates
    (choice,) = pipe.choices
    lossy = replace(choice, can=PipeCapability(100.0, 4.0, 0.01))
    found = solve_design(
        replace(plain, candidates=(replace(pipe, choices=(lossy,)),)), ["cheap", "dear"]
    )
    heat, pump = NEED_KW + 4.0, 0.01 * (NEED_KW + 4.0)
    expected = (CHEAP_GAS * heat + 0.3 * pump) * HOURS_A_YEAR
    assert found.cost_per_year == pytest.approx(expected, rel=1e-9)
    assert np.allclose(found.flows["from_kw"], heat)
    assert np.allclose(found.flows["to_kw"], NEED_KW)
    assert np.allclose(found.flows["pump_kw"], pump)
