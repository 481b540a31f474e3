"""The loop against closed forms of the toy network: x <= 50 kW, losses 0.001 x^2."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.coupling import Case, Coupled, Loop, Networks
from cosim.coupling.outcome import LoopMemory
from cosim.scenario.config import CouplingSection
from tests.unit.coupling.toy import NAMES, STEPS, ToyGrid, ToyMarket


def run(grid: ToyGrid, market: ToyMarket, settings: CouplingSection | None = None) -> Coupled:
    networks = Networks({"electric": grid})
    alone = networks.without_participants()
    loop = Loop(market, networks, alone, settings or CouplingSection())
    return loop.run(Case(frozenset(NAMES)))


def test_resolves_an_overload_to_the_closed_form() -> None:
    coupled = run(ToyGrid(), ToyMarket())
    assert coupled.verdict == "feasible"
    assert coupled.iterations[0].violations == {"electric": STEPS}
    drawn = -coupled.schedule.injections["electric"].p_kw
    # The cheaper demand gives way; 50 kW is the limit, 0.25 % less the margin in a square.
    assert drawn[:, 1] == pytest.approx(40.0)
    assert drawn.sum(axis=1) == pytest.approx(50.0 * np.sqrt(0.995), rel=2e-3)
    assert (drawn.sum(axis=1) <= 50.0).all()


def test_market_and_physics_agree_on_losses() -> None:
    coupled = run(ToyGrid(), ToyMarket())
    physical = coupled.verification.states["electric"].loss_kw
    charged = coupled.schedule.network_demand_kw["electricity"]
    assert np.abs(physical - charged).max() <= 1e-3 * 50.0


def test_impossible_limit_is_named_with_its_relaxation() -> None:
    grid, market = ToyGrid(bound=49.0), ToyMarket(demand_min_kw=20.0)
    coupled = run(grid, market)  # 40 kW at least: loading 64 %, 15 points above the bound
    assert coupled.verdict == "infeasible"
    cause = coupled.causes[0]
    assert (cause.grid, cause.limit, cause.element, cause.id) == (
        "electric", "line_loading_max", "line", 7,
    )  # fmt: skip
    assert cause.steps == (0, 1, 2)
    assert cause.amount == pytest.approx(15.0, rel=1e-3)
    assert cause.least_relaxation == pytest.approx(15.0, rel=0.02)
    assert "line_loading_max of line 7 is missed at 3 steps, by 15 %" in coupled.cause


def test_background_that_breaks_the_network_alone_is_said_to() -> None:
    coupled = run(ToyGrid(background_kw=60.0), ToyMarket())
    assert coupled.verdict == "infeasible"
    assert coupled.causes[0].without_participants == pytest.approx(44.0)
    assert "without any participant it is already missed by 44 %" in coupled.cause


def test_budget_that_runs_out_is_unresolved_and_never_a_pass() -> None:
    coupled = run(ToyGrid(), ToyMarket(), CouplingSection(max_iterations=1, margin=0.0))
    assert coupled.verdict == "unresolved"
    assert not coupled.verification.passed
    assert coupled.cause


def test_steps_back_where_there_is_no_physical_state() -> None:
    coupled = run(ToyGrid(background_kw=10.0, fails_above_kw=80.0), ToyMarket(background_kw=10.0))
    assert coupled.iterations[0].violations == {"electric": STEPS}  # 90 kW: no state at all
    assert coupled.verdict == "feasible"
    drawn = -coupled.schedule.injections["electric"].p_kw.sum(axis=1)
    assert drawn == pytest.approx(50.0 * np.sqrt(0.995) - 10.0, rel=5e-3)


def test_feasible_dispatch_is_left_alone() -> None:
    coupled = run(ToyGrid(bound=300.0), ToyMarket())
    assert coupled.verdict == "feasible"
    assert not coupled.cuts
    assert -coupled.schedule.injections["electric"].p_kw.sum() == pytest.approx(240.0)


def test_an_interrupted_loop_goes_on_from_its_last_round() -> None:
    memories: list[LoopMemory] = []

    def remember(memory: LoopMemory) -> None:
        memories.append(memory)
        if len(memories) == 3:
            raise KeyboardInterrupt

    networks = Networks({"electric": ToyGrid()})
    alone = networks.without_participants()
    case = Case(frozenset(NAMES))
    with pytest.raises(KeyboardInterrupt):
        Loop(ToyMarket(), networks, alone, CouplingSection(), remember=remember).run(case)
    resumed = Loop(ToyMarket(), networks, alone, CouplingSection()).run(case, memories[-1])
    straight = run(ToyGrid(), ToyMarket())
    assert resumed.verdict == "feasible"
    assert [entry.number for entry in resumed.iterations] == list(range(len(resumed.iterations)))
    assert resumed.iterations[:3] == memories[-1].iterations
    assert resumed.schedule.cost == pytest.approx(straight.schedule.cost, rel=1e-3)
    assert resumed.first_schedule.cost == straight.first_schedule.cost
