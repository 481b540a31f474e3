"""Networks and steps that the batch does not cover go to pandapipes, visibly."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cosim.grids.heat import HeatGrid
from cosim.grids.heat.reference import run_reference
from cosim.grids.heat.setpoints import guessed_setpoints
from tests.support.heat import GROUND_K, at, inject, tree_network

Make = Callable[..., HeatGrid]


def add_mass_storage(net: Any) -> None:
    import pandapipes as pp

    pp.create_mass_storage(net, 2, 0.0)


def add_remote_control(net: Any) -> None:
    """A pressure control that keeps the pressure at the end of the next pipe."""
    import pandapipes as pp

    a = int(net.heat_consumer.at[0, "from_junction"])
    height_m = float(net.junction.at[a, "height_m"])
    b, c = (int(pp.create_junction(net, 6.0, 353.15, height_m=height_m)) for _ in range(2))
    net.heat_consumer.loc[0, "from_junction"] = c
    pp.create_pipe_from_parameters(
        net, b, c, 0.02, 27.0, k_mm=0.05, u_w_per_m2k=1.0, text_k=GROUND_K
    )
    pp.create_pressure_control(net, a, b, controlled_junction=c, controlled_p_bar=5.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (add_mass_storage, "1 mass_storage"),
        (
            add_remote_control,
            "1 press_control that does not keep the pressure at its own outlet",
        ),
    ],
)
def test_the_reference_takes_over_and_says_why(
    make: Make, change: Callable[[Any], None], reason: str
) -> None:
    net = tree_network(8, seed=2)
    change(net)
    grid = make(net, [at("chp", 7, feed_c=77.0), at("shop", 1)], steps=2)
    states = grid.verify(inject(grid, [[30.0, -10.0], [-12.0, 0.0]]))
    assert states.engine.startswith("pandapipes")
    assert states.notes[0] == f"pandapipes instead of the batch: {reason}"
    assert not states.failures
    # the flow of the feeding terminal was found by repeated pipe flows
    assert states.get("heat_consumer", "t_outlet_k").values[0, 7] == pytest.approx(350.15, abs=1e-4)
    reached = states.slack_kw + np.array([30.0, 0.0]) - states.loss_kw
    drawn = -grid.inputs.background.series[0].p_kw.sum(axis=1) + np.array([10.0, 12.0])
    assert reached == pytest.approx(drawn, abs=1e-6)


def test_what_the_batch_does_not_know_can_be_linearised_and_exported(make: Make) -> None:
    net = tree_network(6, seed=2)
    add_mass_storage(net)
    grid = make(net, [at("chp", 5)], steps=1)
    injections = inject(grid, [[20.0]])
    states = grid.verify(injections)
    found = grid.linearise(states, ())
    high = grid.verify(inject(grid, [[21.0]])).loss_kw - grid.verify(inject(grid, [[19.0]])).loss_kw
    assert found.d_loss_dp[0, 0] == pytest.approx(high[0] / 2.0, abs=1e-3)
    frame = grid.setpoints_frame(injections)
    flow = frame[(frame["quantity"] == "controlled_mdot_kg_per_s") & (frame["id"] == 5)]
    assert flow["value"].iloc[0] == pytest.approx(
        states.get("heat_consumer", "mdot_from_kg_per_s").values[0, 5], rel=1e-6
    )


def test_guessed_and_known_flows_lead_to_the_same_state(make: Make) -> None:
    # the search for the feeding terminal's flow by pipe flows alone against the batch
    grid = make(tree_network(10, seed=6), [at("chp", 9), at("farm", 8)], steps=2)
    injections = inject(grid, [[40.0, 15.0], [2.0, -5.0]])
    fast = grid.verify(injections)
    demand = grid._consumers.demand(injections)
    found = run_reference(grid.net, guessed_setpoints(grid.net, demand))
    assert not found.remarks
    t_k = fast.get("junction", "t_k").values
    assert np.abs(found.columns.t_k - t_k).max() < 1e-4
    assert np.abs(found.columns.p_bar - fast.get("junction", "p_bar").values).max() < 1e-6


@pytest.mark.parametrize("share", [1.0, 0.02])
def test_the_ladder_of_damped_iterations_reaches_low_load(make: Make, share: float) -> None:
    net = tree_network(20, seed=8)
    load = net.heat_consumer["qext_w"].to_numpy() / 1e3 * share
    grid = make(net, background_kw=load, steps=1)
    injections = inject(grid, np.zeros((1, 0)))
    demand = grid._consumers.demand(injections)
    found = run_reference(grid.net, guessed_setpoints(grid.net, demand))
    assert not found.remarks
    assert (found.damped > 0) == (share < 0.05)
    fast = grid.verify(injections)
    assert np.abs(found.columns.t_k - fast.get("junction", "t_k").values).max() < 1e-3


def test_given_flows_need_no_damping_at_low_load(make: Make) -> None:
    net = tree_network(20, seed=8)
    load = net.heat_consumer["qext_w"].to_numpy() / 1e3
    grid = make(net, background_kw=np.outer([0.1, 0.02, 0.005, 0.001], load), steps=4)
    states = grid.verify(inject(grid, np.zeros((4, 0))), "reference")
    assert not states.failures
    assert not states.notes
    fast = grid.verify(inject(grid, np.zeros((4, 0))))
    difference = states.get("junction", "t_k").values - fast.get("junction", "t_k").values
    assert np.abs(difference).max() < 1e-5


def test_what_the_batch_cannot_solve_is_tried_again(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cosim.grids.heat import adapter

    grid = make(tree_network(8, seed=2), [at("shop", 0)], steps=3)
    injections = inject(grid, [[-10.0], [-12.0], [-14.0]])
    expected = grid.verify(injections)
    solve = adapter.solve_fast

    def forgetful(net: Any, demand: Any) -> Any:
        found = solve(net, demand)
        solved = found.solved.copy()
        solved[1] = False
        return replace(found, solved=solved)

    monkeypatch.setattr(adapter, "solve_fast", forgetful)
    states = grid.verify(injections)
    assert states.notes == ("pandapipes took over 1 steps of the batch",)
    assert not states.failures
    for ours, theirs in zip(states.fields, expected.fields, strict=True):
        assert np.allclose(ours.values, theirs.values, rtol=1e-5, atol=1e-5, equal_nan=True)
