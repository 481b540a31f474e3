"""Exact slopes of meshed networks against central differences of plain pipe flows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cosim.grids.heat import HeatGrid
from cosim.grids.heat.linearise import linearise
from cosim.records import GridStates, Target, read_only
from tests.support.heat import at, inject, tree_network
from tests.support.heat_mesh import MESHES, second_producer

Make = Callable[..., HeatGrid]
STEP_KW = 0.02
QUANTITIES = (
    ("heat_consumer", "dp_bar"),
    ("heat_consumer", "supply_temperature_c"),
    ("pipe", "speed_m_per_s"),
    ("junction", "p_bar"),
    ("junction", "t_k"),
    ("circ_pump_pressure", "pump_kw"),
    ("circ_pump_pressure", "heat_kw"),
    ("circ_pump_pressure", "return_temperature_c"),
)


def everything(states: GridStates) -> tuple[Target, ...]:
    """Return every quantity of every element that a limit can be about."""
    return tuple(
        Target("any", *what, int(id_), 0) for what in QUANTITIES for id_ in states.get(*what).ids
    )


def at_tight_tolerances(make: Make, net: Any, terminals: int, **settings: Any) -> HeatGrid:
    from pandapipes import set_user_pf_options

    grid = make(net, [at(f"t{k}", k) for k in range(terminals)], steps=1, settings=settings)
    set_user_pf_options(grid.net.net, tol_T=1e-10, tol_m=1e-12, tol_p=1e-11, tol_res=1e-8, iter=300)
    return grid


def moved(states: GridStates, k: int, step_kw: float, grid: HeatGrid) -> GridStates:
    p_kw = np.array(states.injections.p_kw)
    p_kw[:, k] += step_kw
    found = grid.verify(replace(states.injections, p_kw=read_only(p_kw)), "reference")
    assert not found.failures
    return found


@pytest.mark.parametrize("feeding", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "rings of both lines",
        "rings over a hill",
        "pipes in sections",
        "second producer of given flow",
        "booster pump",
        "heat exchanger",
        "pressure control",
        "bypass pipe and flow control",
    ],
)
def test_slopes_are_those_of_plain_pipe_flows(make: Make, name: str, feeding: bool) -> None:
    net = MESHES[name]()
    drawn = 0.8 * net.heat_consumer["qext_w"].to_numpy()[None, :3] / 1e3
    if feeding:
        drawn[0, 1] = -15.0
    grid = at_tight_tolerances(make, net, 3)
    states = grid.verify(inject(grid, -drawn))
    assert not states.failures
    wanted = everything(states)
    found = grid.linearise(states, wanted)
    columns = {(f.element, f.quantity): k for k, f in enumerate(states.fields)}
    for k in range(3):
        high, low = moved(states, k, STEP_KW, grid), moved(states, k, -STEP_KW, grid)
        for what in QUANTITIES:
            place = columns[what]
            rows = [m for m, t in enumerate(wanted) if (t.element, t.quantity) == what]
            slope = (high.fields[place].values[0] - low.fields[place].values[0]) / (2.0 * STEP_KW)
            known = np.isfinite(slope)
            ours = found.d_dp_per_kw[rows, k]
            scale = np.abs(found.d_dp_per_kw[rows]).max()
            assert ours[known] == pytest.approx(slope[known], abs=1e-4 * scale + 1e-8), (what, k)
        loss = (high.loss_kw - low.loss_kw) / (2.0 * STEP_KW)
        auxiliary = (high.auxiliary_kw - low.auxiliary_kw) / (2.0 * STEP_KW)
        assert found.d_loss_dp[:, k] == pytest.approx(loss, abs=1e-4)
        assert found.d_auxiliary_dp[:, k] == pytest.approx(auxiliary, abs=1e-6)


@pytest.mark.parametrize("friction", ["nikuradse", "colebrook", "swamee-jain"])
def test_exact_slopes_and_differences_of_the_batch_agree(make: Make, friction: str) -> None:
    for net in (tree_network(10, seed=4), MESHES["chords across rings"]()):
        terminals = [at(f"t{k}", k) for k in range(4)]
        grid = make(net, terminals, steps=1, settings={"friction_model": friction})
        drawn = 0.7 * net.heat_consumer["qext_w"].to_numpy()[None, :4] / 1e3
        states = grid.verify(inject(grid, -drawn))
        wanted = everything(states)
        exact = grid.linearise(states, wanted)

        def evaluate(rows: Any, p_kw: Any, grid: HeatGrid = grid) -> GridStates:
            return grid.verify(replace(states.injections, p_kw=read_only(p_kw)))  # noqa: B023

        differences = linearise(states, wanted, range(4), evaluate)
        for what in QUANTITIES:
            rows = [m for m, t in enumerate(wanted) if (t.element, t.quantity) == what]
            ours, theirs = exact.d_dp_per_kw[rows], differences.d_dp_per_kw[rows]
            known = np.isfinite(theirs)
            scale = np.abs(theirs[known]).max()
            bound = 1e-4
            assert np.abs(ours - theirs)[known].max() < bound * scale, what


def test_terminals_at_rest_get_secants(make: Make) -> None:
    grid = make(tree_network(6, seed=4), [at("t0", 0), at("t1", 1)], steps=1)
    states = grid.verify(inject(grid, [[0.0, -20.0]]))
    found = grid.linearise(states, ())
    both = [grid.verify(inject(grid, [[sign * 1.0, -20.0]])).loss_kw[0] for sign in (-1.0, 1.0)]
    assert found.d_loss_dp[0, 0] == pytest.approx((both[1] - both[0]) / 2.0, abs=1e-6)


def test_the_plant_beside_another_producer_has_slopes_of_its_own(make: Make) -> None:
    net = second_producer()
    net.circ_pump_mass["mdot_flow_kg_per_s"] = 0.3
    grid = make(net, [at("mill", 0)], steps=1)
    states = grid.verify(inject(grid, [[-30.0]]))
    target = Target("a", "circ_pump_pressure", "heat_kw", 0, 0)
    found = grid.linearise(states, (target,))
    ends = [grid.verify(inject(grid, [[-30.0 + s]])) for s in (-0.02, 0.02)]
    plant = [s.get("circ_pump_pressure", "heat_kw").values[0, 0] for s in ends]
    assert found.d_dp_per_kw[0, 0] == pytest.approx((plant[1] - plant[0]) / 0.04, abs=1e-5)
    assert found.d_dp_per_kw[0, 0] != pytest.approx(found.d_loss_dp[0, 0] - 1.0, abs=1e-5)
