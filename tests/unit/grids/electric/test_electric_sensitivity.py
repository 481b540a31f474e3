"""Sensitivities against central differences of plain pandapower's power flow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandapower as pp
import pytest

from cosim.errors import GridError
from cosim.records import Target, read_only
from tests.support.electric import (
    NETWORKS,
    Plain,
    ieee33,
    injections,
    spread,
    two_buses,
    village,
)

SHAPE = np.array([0.05, 1.0, 1.4, -0.9, 0.5, 0.8])
"""Far from limits, nominal, overloaded, reversed."""
HALF_KW = 0.2
"""Currents bend where they are small: differences have to be narrow."""


def targets_of(states, step):
    """A few elements of every kind that has sensitivities."""
    wanted = [("bus", "vm_pu"), ("line", "loading_percent"), ("line", "i_ka")]
    wanted += [("trafo", "loading_percent"), ("trafo3w", "loading_percent"), ("ext_grid", "p_mw")]
    found = []
    for element, quantity in wanted:
        for field in states.fields:
            if (field.element, field.quantity) == (element, quantity):
                pick = field.ids[np.linspace(0, field.ids.size - 1, 7, dtype=int)]
                found += [Target("x", element, quantity, int(i), step) for i in sorted(set(pick))]
    return found


def read(own, target):
    return float(own[f"res_{target.element}"].loc[target.id, target.quantity])


def loss_kw(own):
    drawn = own.res_shunt["p_mw"].sum()
    drawn += (own.res_ward["p_mw"] - own.ward["ps_mw"]).sum() if len(own.ward) else 0.0
    return 1e3 * (drawn - own.res_bus["p_mw"].sum())


def differences(net, grid, entry, step, targets, half_kw):
    """Columns: terminals; rows: targets, then the loss."""
    row = int(np.flatnonzero(entry.steps == step)[0])
    alone = Plain(net, grid, SHAPE)
    result = {}
    for name in ("p_kw", "q_kvar"):
        columns = []
        for k in range(len(grid.inputs.terminals)):
            values = []
            for sign in (1.0, -1.0):
                moved = np.array(getattr(entry, name))
                moved[row, k] += sign * half_kw
                own = alone.solve(replace(entry, **{name: read_only(moved)}), step)
                values.append(np.array([read(own, t) for t in targets] + [loss_kw(own)]))
            columns.append((values[0] - values[1]) / (2.0 * half_kw))
        result[name] = np.stack(columns, axis=1)
    return result


def assert_close(found, expected, relative=1e-4):
    """Every row to 1e-4 of its largest entry, or of what pandapower's tolerance can resolve."""
    for mine, theirs in zip(found, expected, strict=True):
        assert mine == pytest.approx(theirs, abs=relative * np.abs(theirs).max() + 1e-9)


@pytest.mark.parametrize("name", ["ieee33", "ieee33 meshed", "village", "three windings"])
def test_sensitivities_are_central_differences_of_pandapower(make, name):
    net = NETWORKS[name]()
    grid = make(net, spread(net, 3), SHAPE)
    entry = injections(grid, 5.0, 2.0)
    states = grid.verify(entry)
    by_step = {step: targets_of(states, step) for step in (0, 2, 3)}
    targets = [target for found in by_step.values() for target in found]
    found = grid.linearise(states, tuple(targets))
    for step, mine in by_step.items():
        rows = [targets.index(target) for target in mine]
        expected = differences(net, grid, entry, step, mine, HALF_KW)
        assert_close(np.vstack([found.d_dp_per_kw[rows], found.d_loss_dp[step]]), expected["p_kw"])
        assert_close(
            np.vstack([found.d_dq_per_kvar[rows], found.d_loss_dq[step]]), expected["q_kvar"]
        )
    for k, target in enumerate(targets):
        column = states.get(target.element, target.quantity)
        assert found.value[k] == column.values[target.step, list(column.ids).index(target.id)]


def test_reference_states_give_the_same_sensitivities(make):
    net = village()
    grid = make(net, spread(net), SHAPE)
    entry = injections(grid, 5.0, 2.0)
    fast, reference = grid.verify(entry), grid.verify(entry, "reference")
    targets = tuple(t for step in (0, 2, 5) for t in targets_of(fast, step))
    a, b = grid.linearise(fast, targets), grid.linearise(reference, targets)
    assert a.d_loss_dp == pytest.approx(b.d_loss_dp, abs=1e-7)
    assert a.d_dp_per_kw == pytest.approx(b.d_dp_per_kw, rel=1e-5, abs=1e-7)


def test_loss_gradient_for_every_step_without_any_target(make):
    net = ieee33()
    grid = make(net, spread(net), SHAPE)
    found = grid.linearise(grid.verify(injections(grid, 0.0)), ())
    assert found.d_dp_per_kw.shape == (0, len(grid.inputs.terminals))
    assert found.d_loss_dp.shape == (6, len(grid.inputs.terminals))
    assert (found.d_loss_dp[2] < 0.0).all(), "feeding in at a loaded feeder saves losses"
    assert (found.d_loss_dp[3] > 0.0).all(), "feeding in at a feeder that exports adds losses"
    assert (found.d_auxiliary_dp == 0.0).all()


def test_loss_tangents_lie_below_the_losses(make):
    """Losses are convex in the injections (at nearly constant voltage)."""
    net = ieee33()
    grid = make(net, spread(net), SHAPE)
    here = injections(grid, 0.0)
    found = grid.linearise(grid.verify(here), ())
    rng = np.random.default_rng(3)
    for _ in range(20):
        there = injections(grid, rng.normal(size=(6, len(grid.inputs.terminals))) * 200.0)
        tangent = found.loss_kw + (found.d_loss_dp * there.p_kw).sum(axis=1)
        assert (grid.verify(there).loss_kw >= tangent - 1e-6).all()


def test_two_buses_closed_form_gradient(make):
    """From V^4 + b V^2 + |z|^2 S^2 = 0, b = 2 r P - 1, by hand: dV/dP."""
    grid = make(two_buses(0.1, 0.05), {"a": {1: 1.0}}, steps=1)
    states = grid.verify(injections(grid, -80.0))
    found = grid.linearise(states, (Target("voltage_min", "bus", "vm_pu", 1, 0),))
    p, r, z2 = 80.0 / 160.0, 0.1, 0.1**2 + 0.05**2
    b = 2.0 * r * p - 1.0
    root = np.sqrt(b * b - 4.0 * z2 * p * p)
    square = (-b + root) / 2.0
    dsquare = (-2.0 * r + (2.0 * b * r - 4.0 * z2 * p) / root) / 2.0
    expected = -dsquare / (2.0 * np.sqrt(square)) / 160.0
    assert found.d_dp_per_kw[0, 0] == pytest.approx(expected, rel=1e-7)


def test_terminal_at_the_external_grid_moves_only_its_power(make):
    net = ieee33()
    grid = make(net, {"slack": {0: 1.0}, "half": {0: 0.5, 17: 0.5}, "far": {17: 1.0}}, SHAPE)
    states = grid.verify(injections(grid, 1.0))
    grid_power = Target("import_max", "ext_grid", "p_mw", int(net.ext_grid.index[0]), 2)
    found = grid.linearise(states, (grid_power, Target("v", "bus", "vm_pu", 17, 2)))
    assert found.d_dp_per_kw[0, 0] == pytest.approx(-1e-3)
    assert found.d_loss_dp[:, 0] == pytest.approx(0.0, abs=1e-12)
    assert found.d_dp_per_kw[1, 0] == 0.0
    assert found.d_dp_per_kw[:, 1] == pytest.approx(
        (found.d_dp_per_kw[:, 0] + found.d_dp_per_kw[:, 2]) / 2.0
    )
    assert found.d_loss_dp[:, 1] == pytest.approx(found.d_loss_dp[:, 2] / 2.0)
    # energy: what the grid does not deliver was injected or saved
    assert 1e3 * found.d_dp_per_kw[0] == pytest.approx(found.d_loss_dp[2] - 1.0)


def test_fixed_point_and_direct_solution_agree(make, monkeypatch):
    net = village()
    grid = make(net, spread(net), SHAPE)
    states = grid.verify(injections(grid, 5.0, 2.0))
    targets = tuple(targets_of(states, 2))
    iterated = grid.linearise(states, targets)
    monkeypatch.setattr("cosim.grids.electric.batch.MAX_ROUNDS", 1)
    direct = grid.linearise(states, targets)
    assert iterated.d_dp_per_kw == pytest.approx(direct.d_dp_per_kw, rel=1e-7, abs=1e-12)
    assert iterated.d_dq_per_kvar == pytest.approx(direct.d_dq_per_kvar, rel=1e-7, abs=1e-12)
    assert iterated.d_loss_dp == pytest.approx(direct.d_loss_dp, rel=1e-7, abs=1e-12)


def test_close_to_collapse_the_gradient_is_steep_and_right(make):
    grid = make(two_buses(0.02, 0.1), {"a": {1: 1.0}}, steps=1)
    limit = 160.0 / (2.0 * (abs(complex(0.02, 0.1)) + 0.02))
    p_kw = 0.999 * limit
    states = grid.verify(injections(grid, -p_kw))
    found = grid.linearise(states, (Target("voltage_min", "bus", "vm_pu", 1, 0),))
    p, r, z2 = p_kw / 160.0, 0.02, 0.02**2 + 0.1**2
    b = 2.0 * r * p - 1.0
    root = np.sqrt(b * b - 4.0 * z2 * p * p)
    square = (-b + root) / 2.0
    dsquare = (-2.0 * r + (2.0 * b * r - 4.0 * z2 * p) / root) / 2.0
    expected = -dsquare / (2.0 * np.sqrt(square)) / 160.0
    assert found.d_dp_per_kw[0, 0] == pytest.approx(expected, rel=1e-4)


def test_failed_steps_are_nan_and_others_are_not(make):
    grid = make(two_buses(), {"a": {1: 1.0}}, steps=3)
    states = grid.verify(injections(grid, [[-10.0], [-5000.0], [-20.0]]))
    targets = tuple(Target("voltage_min", "bus", "vm_pu", 1, step) for step in (1, 2))
    found = grid.linearise(states, targets)
    assert np.isnan(found.d_dp_per_kw[0]).all()
    assert np.isfinite(found.d_dp_per_kw[1]).all()
    assert np.isnan(found.d_loss_dp[:, 0]).tolist() == [False, True, False]


@pytest.mark.parametrize(("kind", "tolerance"), [("generator", 1e-4), ("svc", 1e-3)])
def test_networks_that_hold_a_voltage(make, kind, tolerance):
    """Generators are in the Jacobian; with FACTS the adapter takes differences of pandapower."""
    net = ieee33()
    if kind == "generator":
        pp.create_gen(net, 20, 0.3, vm_pu=0.99)
    else:
        pp.create_svc(net, 20, 20.0, -150.0, 0.98, 120.0)
    grid = make(net, spread(net, 2), SHAPE)
    entry = injections(grid, 5.0, 2.0)
    states = grid.verify(entry)
    assert states.engine.startswith("cosim" if kind == "generator" else "pandapower")
    targets = [Target("v", "bus", "vm_pu", 17, 2), Target("l", "line", "loading_percent", 3, 2)]
    found = grid.linearise(states, tuple(targets))
    expected = differences(net, grid, entry, 2, targets, HALF_KW)
    gradients = np.vstack([found.d_dp_per_kw, found.d_loss_dp[2]])
    assert_close(gradients, expected["p_kw"], tolerance)


def test_unknown_quantity_is_refused(make):
    grid = make(two_buses(), {"a": {1: 1.0}}, steps=1)
    states = grid.verify(injections(grid, -10.0))
    with pytest.raises(GridError, match=r"line\.p_from_mw has no sensitivity"):
        grid.linearise(states, (Target("x", "line", "p_from_mw", 0, 0),))
