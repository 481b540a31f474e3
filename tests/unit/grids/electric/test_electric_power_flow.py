"""States against plain pandapower, closed forms and a textbook feeder."""

from __future__ import annotations

import numpy as np
import pandapower as pp
import pytest

from tests.support.electric import (
    NETWORKS,
    Plain,
    ieee33,
    injections,
    plain,
    spread,
    two_buses,
    village,
)

SHAPE = np.array([0.0, 0.3, 1.0, 1.3, -0.8, 0.6])
"""Nothing, low load, nominal, high load, reversed flow, medium."""


def some_power(grid, scale_kw):
    rng = np.random.default_rng(7)
    size = (6, len(grid.inputs.terminals))
    p_kw, q_kvar = rng.normal(size=size) * scale_kw, rng.normal(size=size) * 0.2 * scale_kw
    p_kw[0], q_kvar[0] = 0.0, 0.0
    return injections(grid, p_kw, q_kvar)


SCALE_KW = {"village": 15.0, "cigre lv": 5.0, "ieee33": 80.0, "ieee33 meshed": 80.0}


@pytest.mark.parametrize("name", NETWORKS)
def test_states_are_those_of_plain_pandapower(make, name):
    net = NETWORKS[name]()
    grid = make(net, spread(net), SHAPE)
    entry = some_power(grid, SCALE_KW.get(name, 300.0))
    fast, reference = grid.verify(entry), grid.verify(entry, "reference")
    assert fast.failures == reference.failures == ()
    assert fast.engine == "cosim batch"
    assert reference.engine == f"pandapower {pp.__version__}"
    alone = Plain(net, grid, SHAPE)
    for step in range(6):
        own = alone.solve(entry, step)
        for states in (fast, reference):
            assert_step(states, own, step)
            if name != "village":  # pandapower reports no losses of couplers with impedance
                assert states.loss_kw[step] == pytest.approx(loss_kw(own), rel=1e-6, abs=2e-4)
    assert_complete(fast, own)


def assert_step(states, own, step):
    for field in states.fields:
        expected = own[f"res_{field.element}"][field.quantity].loc[field.ids].to_numpy()
        # pandapower stops at 1e-8 MVA: on a 0.4 kV bus that is some 1e-6 % of a cable's rating
        close = {"loading_percent": 1e-5, "va_degree": 2e-6}.get(field.quantity, 3e-8)
        assert field.values[step] == pytest.approx(expected, abs=close), field.quantity
    delivered_kw = 1e3 * own.res_ext_grid["p_mw"].sum()
    assert states.slack_kw[step] == pytest.approx(delivered_kw, abs=1e-3)


def loss_kw(own):
    """Losses of branches from their own columns, and of shunts."""
    branches = sum(own[f"res_{t}"]["pl_mw"].sum() for t in ("line", "trafo", "trafo3w"))
    return 1e3 * (branches + own.res_shunt["p_mw"].sum())


def assert_complete(states, own):
    """Every bus with a voltage and every branch with a current is reported."""
    supplied = own.res_bus.index[own.res_bus["vm_pu"].notna()]
    assert set(states.get("bus", "vm_pu").ids) == set(supplied)
    for table in ("line", "trafo", "trafo3w"):
        if len(own[table]):
            used = own[f"res_{table}"]["loading_percent"] > 0.0
            reported = states.get(table, "loading_percent").ids
            assert set(reported) >= set(own[table].index[used])


def test_ieee33_nominal_losses_and_lowest_voltage(make):
    net = ieee33()
    grid = make(net, {"a": {5: 1.0}}, np.ones(1), steps=1)
    for engine in ("fast", "reference"):
        assert_textbook(grid.verify(injections(grid, 0.0), engine), net)


def assert_textbook(states, net):
    assert states.loss_kw[0] == pytest.approx(202.677, abs=1e-3)
    reactive = states.get("ext_grid", "q_mvar").values[0].sum() - net.load["q_mvar"].sum()
    assert 1e3 * reactive == pytest.approx(135.141, abs=1e-3)
    voltage = states.get("bus", "vm_pu")
    lowest = int(np.argmin(voltage.values[0]))
    assert voltage.ids[lowest] + 1 == 18
    assert voltage.values[0, lowest] == pytest.approx(0.91309, abs=1e-5)


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_two_buses_closed_form(make, engine):
    """V^4 + V^2 (2 (r P + x Q) - E^2) + |z|^2 |S|^2 = 0 with load P, Q; the larger root."""
    grid = make(two_buses(0.1, 0.05), {"a": {1: 1.0}}, steps=5)
    p_kw = np.array([-180.0, -60.0, 0.0, 45.0, 150.0])
    states = grid.verify(injections(grid, p_kw[:, None], 0.2 * p_kw[:, None]), engine)
    p, q, z = -p_kw / 160.0, -0.2 * p_kw / 160.0, complex(0.1, 0.05)  # 160 kW is 1 pu at 1 ohm
    b = 2.0 * (z.real * p + z.imag * q) - 1.0
    square = (-b + np.sqrt(b * b - 4.0 * abs(z) ** 2 * (p * p + q * q))) / 2.0
    voltage = states.get("bus", "vm_pu").values[:, 1]
    assert voltage == pytest.approx(np.sqrt(square), abs=2e-8)
    assert states.loss_kw == pytest.approx(160.0 * z.real * (p * p + q * q) / square, abs=1e-4)
    ampere = 160.0 / (np.sqrt(3.0) * 0.4) * np.hypot(p, q) / np.sqrt(square)
    assert states.get("line", "i_ka").values[:, 0] == pytest.approx(ampere / 1e3, abs=1e-7)
    loading = states.get("line", "loading_percent").values[:, 0]
    assert loading == pytest.approx(ampere / 300.0 * 100.0, abs=3e-5)


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_energy_balance_closes(make, engine):
    """What the grid delivers and customers inject is lost or drawn by ward and storage."""
    net = village()
    net.ward[["ps_mw", "pz_mw"]] = 0.0
    grid = make(net, spread(net), SHAPE)
    entry = some_power(grid, 15.0)
    states = grid.verify(entry, engine)
    background = sum(s.p_kw.sum(axis=1) for s in grid.inputs.background.series)
    closing = states.slack_kw + entry.p_kw.sum(axis=1) + background
    assert states.loss_kw == pytest.approx(closing, abs=1e-4)


def test_a_subset_of_steps_uses_their_background(make):
    net = ieee33()
    grid = make(net, spread(net), SHAPE)
    whole, part = (grid.verify(injections(grid, 10.0, steps=steps)) for steps in (None, [4, 1]))
    for field in whole.fields:
        assert part.get(field.element, field.quantity).values == pytest.approx(
            field.values[[4, 1]], abs=1e-9
        )


def test_many_steps_in_blocks_equal_single_ones(make, monkeypatch):
    net = ieee33()
    grid = make(net, spread(net), SHAPE)
    whole = grid.verify(injections(grid, 10.0))
    monkeypatch.setattr("cosim.grids.electric.adapter.STEPS_PER_BLOCK", 4)
    monkeypatch.setattr("cosim.grids.electric.batch.WIDTH", 3)
    split = grid.verify(injections(grid, 10.0))
    for field in whole.fields:
        assert split.get(field.element, field.quantity).values == pytest.approx(
            field.values, abs=1e-9
        )


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_too_much_load_is_a_failure_of_that_step_only(make, engine):
    grid = make(two_buses(), {"a": {1: 1.0}}, steps=3)
    states = grid.verify(injections(grid, [[-10.0], [-5000.0], [-10.0]]), engine)
    (failure,) = states.failures
    assert (failure.step, failure.converged) == (1, False)
    assert "no power flow" in failure.reason
    if engine == "fast":
        assert "bus 1" in failure.reason
    assert np.isnan(states.loss_kw[1])
    assert all(np.isnan(field.values[1]).all() for field in states.fields)
    assert states.loss_kw[0] == pytest.approx(states.loss_kw[2], abs=1e-6)
    assert np.isfinite(states.loss_kw[0])


def test_a_step_close_to_collapse_is_still_right(make):
    """Where the fixed point is slow, the result is the same, whoever computed it."""
    net = two_buses(0.02, 0.1)
    grid = make(net, {"a": {1: 1.0}}, steps=1)
    limit = 160.0 / (2.0 * (abs(complex(0.02, 0.1)) + 0.02))
    entry = injections(grid, -0.998 * limit)
    states = grid.verify(entry)
    assert states.failures == ()
    own = plain(net, grid, entry, 0, None)
    assert states.get("bus", "vm_pu").values[0] == pytest.approx(
        own.res_bus["vm_pu"].to_numpy(), abs=1e-6
    )


def test_a_solution_below_half_voltage_is_not_accepted(make, monkeypatch):
    """pandapower can converge to the unstable branch of the PV curve."""
    import cosim.grids.electric.reference as reference

    def start_low(net, options, warm):
        flat = np.array([1.0, 0.1])
        pp.runpp(net, **options, init_vm_pu=flat, init_va_degree=np.array([0.0, -80.0]))
        return True

    monkeypatch.setattr(reference, "_solve", start_low)
    grid = make(two_buses(0.02, 0.1), {"a": {1: 1.0}}, steps=1)
    states = grid.verify(injections(grid, -100.0), "reference")
    (failure,) = states.failures
    assert failure.converged
    assert failure.reason.startswith("bus 1 at 0.")
    assert np.isnan(states.get("bus", "vm_pu").values).all()


def test_what_the_batch_does_not_cover_runs_on_pandapower_and_says_so(make):
    net = ieee33()
    pp.create_svc(net, 20, 20.0, -150.0, 0.98, 120.0)
    grid = make(net, {"a": {2: 1.0}}, SHAPE)
    entry = injections(grid, 5.0)
    states = grid.verify(entry)
    assert states.engine.startswith("pandapower")
    assert "does not cover svc: 1" in states.notes[0]
    assert states.failures == ()
    own = plain(net, grid, entry, 3, SHAPE)
    assert states.get("bus", "vm_pu").values[3] == pytest.approx(
        own.res_bus["vm_pu"].to_numpy(), abs=1e-7
    )


def test_a_network_that_pandapower_refuses_is_one_clear_error(make):
    from cosim.errors import GridError

    net = two_buses()
    net.line["r_ohm_per_km"] = 0.0
    net.line["x_ohm_per_km"] = 0.0
    with pytest.raises(GridError, match=r"electric\.json: pandapower does not solve"):
        make(net, {"a": {1: 1.0}})
