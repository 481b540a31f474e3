"""Slopes against differences of plain pandapipes and against closed forms."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from cosim.grids.heat import HeatGrid
from cosim.grids.heat.linearise import AT_REST_KW, ERRATIC, choose_step
from cosim.records import GridStates, Target, Terminal, read_only
from tests.support.heat import at, inject, street, tree_network

Make = Callable[..., HeatGrid]
WANTED = (
    ("heat_consumer", "dp_bar", 4),
    ("heat_consumer", "supply_temperature_c", 4),
    ("pipe", "speed_m_per_s", 2),
    ("junction", "p_bar", 5),
    ("junction", "t_k", 5),
    ("circ_pump_pressure", "pump_kw", 0),
    ("circ_pump_pressure", "heat_kw", 0),
    ("circ_pump_pressure", "return_temperature_c", 0),
)


def targets(steps: int) -> tuple[Target, ...]:
    return tuple(Target("any", *what, step) for step in range(steps) for what in WANTED)


def moved(states: GridStates, k: int, step_kw: np.ndarray, grid: HeatGrid) -> GridStates:
    p_kw = np.array(states.injections.p_kw)
    p_kw[:, k] += step_kw
    return grid.verify(replace(states.injections, p_kw=read_only(p_kw)), "reference")


@pytest.mark.parametrize("friction", ["nikuradse", "swamee-jain"])
def test_slopes_are_those_of_pandapipes(make: Make, friction: str) -> None:
    from pandapipes import set_user_pf_options

    terminals = [at("chp", 9), at("shop", 0), at("school", 4), Terminal("plant", (), at_slack=True)]
    grid = make(tree_network(10, seed=3), terminals, steps=2, settings={"friction_model": friction})
    set_user_pf_options(grid.net.net, tol_T=1e-10, tol_m=1e-11, tol_p=1e-11, tol_res=1e-7)
    injections = inject(grid, [[60.0, -20.0, -30.0, 5.0], [-15.0, 12.0, -9.0, 0.0]])
    states = grid.verify(injections)
    found = grid.linearise(states, targets(2))
    assert found.d_dp_per_kw.shape == (len(WANTED) * 2, 4)
    assert not found.d_dp_per_kw[:, 3].any()
    assert not found.d_loss_dp[:, 3].any()
    for k in range(3):
        # the water tables have kinks, so the same displacement; the reference at tight tolerance
        step = choose_step(states.injections.p_kw[:, k])
        high, low = moved(states, k, step, grid), moved(states, k, -step, grid)
        for row, what in enumerate(targets(2)):
            column = [s.get(what.element, what.quantity) for s in (high, low)]
            place = int(np.flatnonzero(column[0].ids == what.id)[0])
            slope = (column[0].values[what.step, place] - column[1].values[what.step, place]) / 2.0
            slope /= step[what.step]
            scale = np.abs(found.d_dp_per_kw[row]).max()
            assert found.d_dp_per_kw[row, k] == pytest.approx(slope, abs=1e-4 * scale + 1e-9), what
        loss = (high.loss_kw - low.loss_kw) / (2.0 * step)
        auxiliary = (high.auxiliary_kw - low.auxiliary_kw) / (2.0 * step)
        assert found.d_loss_dp[:, k] == pytest.approx(loss, abs=1e-4)
        assert found.d_auxiliary_dp[:, k] == pytest.approx(auxiliary, abs=1e-6)


def test_one_pipe_without_heat_loss_in_closed_form(make: Make) -> None:
    # dp = lift - 2 c m^2 with m = q / (cp dt): d dp/dp_kw = 4 c m^2 / q, plant heat follows 1:1
    grid = make(street(), [at("mill", 0)], steps=1, settings={"friction_model": "nikuradse"})
    states = grid.verify(inject(grid, [[-400.0]]))
    wanted = (
        Target("a", "heat_consumer", "dp_bar", 0, 0),
        Target("b", "circ_pump_pressure", "heat_kw", 0, 0),
        Target("c", "circ_pump_pressure", "pump_kw", 0, 0),
    )
    found = grid.linearise(states, wanted)
    lost_bar = 4.0 - found.value[0]
    # the laminar part of lambda makes the exponent a little smaller than 2
    assert found.d_dp_per_kw[0, 0] == pytest.approx(2.0 * lost_bar / 400.0, rel=0.02)
    assert found.d_dp_per_kw[1, 0] == pytest.approx(-1.0, rel=1e-6)
    assert found.d_dp_per_kw[2, 0] == pytest.approx(-found.value[2] / 400.0, rel=1e-6)
    assert found.d_loss_dp[0, 0] == pytest.approx(0.0, abs=1e-6)
    assert found.d_auxiliary_dp[0, 0] == pytest.approx(-states.auxiliary_kw[0] / 400.0, rel=1e-6)


def test_a_tangent_predicts_the_neighbourhood(make: Make) -> None:
    grid = make(tree_network(10, seed=3), [at("chp", 9), at("shop", 0)], steps=1)
    states = grid.verify(inject(grid, [[50.0, -25.0]]))
    found = grid.linearise(states, targets(1))
    there = inject(grid, [[53.0, -27.0]])
    near = grid.verify(there)
    predicted = states.loss_kw[0] + found.d_loss_dp[0] @ (there.p_kw[0] - [50.0, -25.0])
    assert near.loss_kw[0] == pytest.approx(predicted, abs=0.01)


def test_a_resting_terminal_has_no_slope_from_its_own_connection(make: Make) -> None:
    grid = make(tree_network(10, seed=3), [at("shop", 0)], steps=2)
    states = grid.verify(inject(grid, [[0.0], [-20.0]]))
    found = grid.linearise(states, ())
    up = grid.verify(inject(grid, [[1.0], [0.0]])).loss_kw[0] - states.loss_kw[0]
    assert up > 0.2
    assert abs(found.d_loss_dp[0, 0]) < 0.1


def test_only_one_side_where_the_other_has_no_state(make: Make) -> None:
    # one more kW of feed-in is above load: the slope comes from less feed-in
    grid = make(tree_network(5, seed=1), [at("chp", 4)], steps=1)
    low, high = 0.0, 200.0
    for _ in range(40):
        middle = (low + high) / 2.0
        failed = grid.verify(inject(grid, [[middle]])).failures
        low, high = (low, middle) if failed else (middle, high)
    states = grid.verify(inject(grid, [[low]]))
    assert not states.failures
    found = grid.linearise(states, (Target("a", "circ_pump_pressure", "heat_kw", 0, 0),))
    assert found.d_dp_per_kw[0, 0] == pytest.approx(-1.0, abs=0.2)


def test_failed_steps_have_no_slopes(make: Make) -> None:
    grid = make(tree_network(5, seed=1), [at("chp", 4)], steps=2)
    states = grid.verify(inject(grid, [[10.0], [500.0]]))
    found = grid.linearise(states, (Target("a", "heat_consumer", "dp_bar", 0, 0),))
    assert np.isnan(found.d_loss_dp[1, 0])
    assert np.isfinite(found.d_loss_dp[0, 0])
    assert np.isfinite(found.d_dp_per_kw).all()


def test_steps_never_change_the_direction_of_a_working_terminal() -> None:
    p_kw = np.array([0.0, 0.05, -0.05, 0.1, -0.1, 3.0, -800.0])
    step = choose_step(p_kw)
    working = np.abs(p_kw) >= AT_REST_KW
    assert (step[working] < np.abs(p_kw[working])).all()
    assert (step[~working] == 40.0).all()
    assert step[-1] == pytest.approx(0.08)


def test_a_pipe_about_to_stand_still_does_not_bend_the_losses(make: Make) -> None:
    # plant - first house - second house - producer: the producer feeds in what the second house
    # draws, and the pipe between the houses is nearly at rest
    grid = make(row_of_houses(), [at("chp", 2)], background_kw=np.array([60.0, 40.0]), steps=400)
    p_kw = np.linspace(36.0, 48.0, 400)
    states = grid.verify(inject(grid, p_kw[:, None]))
    assert not states.failures
    local = np.gradient(states.loss_kw, p_kw)
    found = grid.linearise(states, ()).d_loss_dp[:, 0]
    odd = np.abs(local) > 2.0 * ERRATIC
    assert odd.any()
    assert np.abs(found).max() < ERRATIC
    smooth = np.abs(local) < 0.2 * ERRATIC
    assert np.abs(found - local)[smooth].max() < 0.02


def row_of_houses() -> Any:
    """Return three houses in a row, 300 m apart."""
    import pandapipes as pp

    net = pp.create_empty_network(fluid="water")
    lines = [[int(pp.create_junction(net, 5.0, 353.15)) for _ in range(4)] for _ in range(2)]
    for line in lines:
        for a, b in pairwise(line):
            pp.create_pipe_from_parameters(
                net, a, b, 0.3, 50.0, k_mm=0.1, u_w_per_m2k=0.5, text_k=283.15
            )
    for k in (1, 2, 3):
        pp.create_heat_consumer(net, lines[0][k], lines[1][k], qext_w=5e4, treturn_k=323.15)
    pp.create_circ_pump_const_pressure(
        net, lines[1][0], lines[0][0], p_flow_bar=7.0, plift_bar=4.0, t_flow_k=353.15, type="pt"
    )
    return net
