"""The least heat from the plant, and the plant that would run backwards."""

from collections.abc import Callable

import numpy as np
import pytest

from cosim.grids.heat import HeatGrid
from cosim.grids.limits import check, violations
from cosim.records import GridStates, Target, Terminal
from tests.support.heat import at, inject, street, tree_network

Make = Callable[..., HeatGrid]
NAME, COLUMN = "plant_heat_min", "heat_beside_feed_in_kw"


def missed(grid: HeatGrid, states: GridStates) -> list[int]:
    """Return the steps that miss the least plant heat."""
    found = violations("heat", check(states, grid.limits))
    return sorted(v.step for v in found if v.limit == NAME)


def surplus(make: Make, extra_kw: list[float]) -> tuple[HeatGrid, GridStates, np.ndarray]:
    """Return states with feed-in of what is drawn and lost, and some more."""
    steps = len(extra_kw)
    grid = make(tree_network(5, seed=1), [at("chp", 4)], steps=steps)
    drawn = -grid.inputs.background.series[0].p_kw.sum(axis=1)
    fed = drawn + np.array(extra_kw)
    return grid, grid.verify(inject(grid, fed[:, None])), fed - drawn


def test_a_plant_that_would_run_backwards_keeps_its_state_on_paper(make: Make) -> None:
    grid, states, extra = surplus(make, [-20.0, 20.0, 25.0])
    assert [(f.step, f.converged) for f in states.failures] == [(1, True), (2, True)]
    assert "would run backwards" in states.failures[0].reason
    assert states.slack_kw == pytest.approx(states.loss_kw - extra)
    assert (states.slack_kw[1:] < -grid.limits[0].tolerance).all()
    assert missed(grid, states) == [1, 2]
    assert (states.auxiliary_kw[1:] >= 0.0).all()
    # more heat in the pipes from one end or the other: losses stay what they are like
    assert (states.loss_kw > 0.0).all()
    assert states.loss_kw[1:] == pytest.approx(states.loss_kw[0], rel=0.5)


def test_pipes_lose_what_the_balance_says_while_the_plant_runs_backwards(make: Make) -> None:
    grid, states, _ = surplus(make, [20.0])
    net = grid.net.net
    kelvin = states.get("junction", "t_k").values[0]
    flow = states.get("pipe", "mdot_from_kg_per_s").values[0]
    starts, ends = grid.net.pipe_ends
    lost_w = 0.0
    for pipe, mdot in enumerate(flow):
        inlet = kelvin[starts[pipe] if mdot > 0.0 else ends[pipe]]
        row = net.pipe.iloc[pipe]
        around = row.get("outer_diameter_mm", np.nan)
        width = around if np.isfinite(around) else row.inner_diameter_mm
        area = np.pi * width / 1e3 * row.length_km * 1e3
        left = np.exp(-row.u_w_per_m2k * area / (4190.0 * max(abs(mdot), 1e-12)))
        lost_w += 4190.0 * abs(mdot) * (inlet - row.text_k) * (1.0 - left)
    assert states.loss_kw[0] == pytest.approx(lost_w / 1e3, rel=0.01)


def test_what_the_plant_gives_can_be_linearised_backwards_too(make: Make) -> None:
    plant = Terminal("plant", (), at_slack=True)
    grid = make(tree_network(5, seed=1), [plant, at("chp", 4)], steps=1)
    drawn = -grid.inputs.background.series[0].p_kw[0].sum()
    states = grid.verify(inject(grid, [[0.0, drawn + 20.0]]))
    found = grid.linearise(states, (Target(NAME, "circ_pump_pressure", COLUMN, 0, 0),))
    assert found.value[0] == pytest.approx(states.slack_kw[0])
    assert found.d_dp_per_kw[0, 0] == 0.0
    assert found.d_dp_per_kw[0, 1] == pytest.approx(-1.0, abs=0.1)
    assert found.d_dp_per_kw[0, 1] == pytest.approx(found.d_loss_dp[0, 1] - 1.0)
    other = grid.verify(inject(grid, [[0.0, drawn + 22.0]]))
    predicted = found.value[0] + 2.0 * found.d_dp_per_kw[0, 1]
    assert other.slack_kw[0] == pytest.approx(predicted, abs=0.05)


def test_without_feed_in_the_plant_may_stand_still(make: Make) -> None:
    grid = make(street(), [at("mill", 0)], steps=2)
    states = grid.verify(inject(grid, [[0.0], [-0.5]]))
    assert states.slack_kw[0] == 0.0
    assert not missed(grid, states)
    assert np.isnan(states.get("circ_pump_pressure", COLUMN).values).all()


@pytest.mark.parametrize(("given", "expected"), [(None, 2.5), (7.0, 7.0), (0.0, 0.0)])
def test_the_bound_is_a_share_of_the_design_heat(
    make: Make, given: float | None, expected: float
) -> None:
    net = tree_network(5, seed=1)
    net.heat_consumer["qext_w"] = 5e4
    settings = {} if given is None else {"limits": {"plant_heat_min_kw": given}}
    (limit,) = (k for k in make(net, steps=1, settings=settings).limits if k.name == NAME)
    assert limit.bound.tolist() == [expected]
    assert limit.sense == "min"


def test_limits_that_are_not_convex_are_linearised_again(make: Make) -> None:
    grid = make(tree_network(5, seed=1), steps=1, settings={"limits": {"pressure_min_bar": 1.0}})
    assert {limit.name for limit in grid.limits if limit.outer} == {
        "differential_pressure_min",
        "pressure_min",
    }
    assert {limit.name for limit in grid.limits if not limit.outer} == {
        "velocity_max",
        "supply_temperature_min",
        NAME,
    }
