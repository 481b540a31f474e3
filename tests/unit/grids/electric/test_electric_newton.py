"""Newton's method on many steps: against closed forms and dense algebra."""

import numpy as np
import pandapower as pp
import pytest
import scipy.sparse as sp

from cosim.errors import GridError
from cosim.grids.electric.block_lu import analyse
from cosim.grids.electric.newton_kernel import (
    LANES,
    Blocks,
    factor_blocks,
    solve_blocks,
    solve_transposed,
)
from cosim.records import Target
from tests.support.electric import ieee33, injections, plain, spread, two_buses, village

SHAPE = np.linspace(0.2, 1.0, 6)


def random_system(nodes: int, density: float, rng: np.random.Generator):
    """A pattern, its elimination, and blocks with a dominant diagonal; also as dense matrices."""
    spots = sp.random(nodes, nodes, density, random_state=rng, format="csc")
    pattern = analyse(spots)
    blocks = Blocks(*(np.zeros((n, 4, LANES)) for n in (nodes, *[pattern.row.size] * 2)))
    dense = np.zeros((LANES, nodes, 2, nodes, 2))
    place = np.argsort(pattern.order)
    touched = (abs(spots) + abs(spots.T)).tocoo()
    for i, j in zip(place[touched.row], place[touched.col], strict=True):
        if i > j:
            k = pattern.start[j] + np.searchsorted(
                pattern.row[pattern.start[j] : pattern.start[j + 1]], i
            )
            blocks.below[k], blocks.above[k] = rng.normal(size=(2, 4, LANES))
            dense[:, i, :, j] = blocks.below[k].T.reshape(LANES, 2, 2)
            dense[:, j, :, i] = blocks.above[k].T.reshape(LANES, 2, 2)
    for i in range(nodes):
        blocks.diagonal[i] = rng.normal(size=(4, LANES)) + np.array([9, 0, 0, 9.0])[:, None]
        dense[:, i, :, i] = blocks.diagonal[i].T.reshape(LANES, 2, 2)
    return pattern, blocks, dense.reshape(LANES, 2 * nodes, 2 * nodes)


@pytest.mark.parametrize(("nodes", "density"), [(1, 0.0), (12, 0.15), (40, 0.05), (15, 0.9)])
def test_block_factors_solve_what_dense_algebra_solves(nodes, density):
    rng = np.random.default_rng(nodes)
    pattern, blocks, dense = random_system(nodes, density, rng)
    right = rng.normal(size=(nodes, 2, LANES))
    straight, turned = right.copy(), right.copy()
    factor_blocks(pattern, blocks)
    solve_blocks(pattern, blocks, straight)
    solve_transposed(pattern, blocks, turned)
    for lane in range(LANES):
        flat = right[:, :, lane].ravel()
        expected = np.linalg.solve(dense[lane], flat)
        assert straight[:, :, lane].ravel() == pytest.approx(expected, rel=1e-9, abs=1e-12)
        expected = np.linalg.solve(dense[lane].T, flat)
        assert turned[:, :, lane].ravel() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_elimination_of_a_tree_has_no_fill():
    chain = sp.diags([np.ones(29), np.ones(30), np.ones(29)], [-1, 0, 1], format="csc")
    assert analyse(chain).row.size == 29


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_constant_impedance_is_a_voltage_divider(make, engine):
    """|V| = |Z / (Z + z)| for a load of impedance Z = 1 / (P - jQ) behind a line of impedance z."""
    net = two_buses(0.1, 0.05)
    pp.create_load(net, 1, 0.06, 0.02, const_z_p_percent=100.0, const_z_q_percent=100.0)
    grid = make(net, {"a": {0: 1.0}}, np.array([0.0, 0.5, 1.0]), steps=3)
    states = grid.verify(injections(grid, 0.0), engine)
    for step, factor in enumerate((0.0, 0.5, 1.0)):
        s = factor * complex(0.06, 0.02) / 0.16  # 160 kW is 1 pu at 1 ohm
        expected = abs(1.0 / (1.0 + complex(0.1, 0.05) * np.conj(s)))
        assert states.get("bus", "vm_pu").values[step, 1] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_constant_current_closed_form(make, engine):
    """A resistive current I = P (both at angle zero) drops r P: V = 1 - r P."""
    net = two_buses(0.2, 1e-9)
    pp.create_load(net, 1, 0.04, 0.0, const_i_p_percent=100.0)
    grid = make(net, {"a": {0: 1.0}}, np.array([1.0]), steps=1)
    states = grid.verify(injections(grid, 0.0), engine)
    assert states.get("bus", "vm_pu").values[0, 1] == pytest.approx(1.0 - 0.2 * 0.25, abs=1e-7)


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_generator_behind_a_reactance(make, engine):
    """P = E V sin(delta) / x and Q = (V^2 - E V cos(delta)) / x at the generator."""
    x, held = 0.2, 1.03
    net = two_buses(1e-12, x)
    pp.create_gen(net, 1, 0.08, vm_pu=held)
    grid = make(net, {"a": {1: 1.0}}, steps=3)
    p_kw = np.array([0.0, 40.0, -120.0])
    states = grid.verify(injections(grid, p_kw[:, None], 30.0), engine)
    assert states.engine.startswith("cosim" if engine == "fast" else "pandapower")
    delta = np.arcsin((80.0 + p_kw) / 160.0 * x / held)
    voltage = states.get("bus", "va_degree").values[:, 1]
    assert np.deg2rad(voltage) == pytest.approx(delta, abs=1e-8)
    assert states.get("bus", "vm_pu").values[:, 1] == pytest.approx(held, abs=1e-12)
    q_node = (held**2 - held * np.cos(delta)) / x
    q_gen = states.get("gen", "q_mvar").values[:, 0]
    # pandapower adds and subtracts its default limits of 1e9 Mvar: good to 1e9 times 2.2e-16
    digits = 1e-8 if engine == "fast" else 5e-7
    assert q_gen == pytest.approx(0.16 * q_node - 0.03, abs=digits)
    assert states.slack_kw == pytest.approx(-(80.0 + p_kw), abs=1e-4)


def test_many_steps_are_the_steps_one_by_one(make):
    """Lanes do not see each other, and the last ones are filled up without a trace."""
    net = ieee33(closed_ties=True)
    pp.create_gen(net, 20, 0.3, vm_pu=0.99)
    shape = np.linspace(0.1, 1.4, 19)
    grid = make(net, {"a": {5: 1.0}}, shape, steps=19)
    together = grid.verify(injections(grid, 10.0))
    for step in (0, 7, 8, 18):
        alone = grid.verify(injections(grid, 10.0, steps=[step]))
        for field in together.fields:
            found = alone.get(field.element, field.quantity).values[0]
            assert found == pytest.approx(field.values[step], rel=1e-9, abs=1e-11)


def test_a_lane_without_solution_does_not_disturb_the_others(make):
    net = two_buses()
    pp.create_load(net, 1, 0.01, 0.0, const_z_p_percent=100.0)
    pp.create_gen(net, 0, 0.0, vm_pu=1.0)
    grid = make(net, {"a": {1: 1.0}}, np.ones(9), steps=9)
    p_kw = np.full((9, 1), -20.0)
    p_kw[3] = -5000.0
    states = grid.verify(injections(grid, p_kw))
    (failure,) = states.failures
    assert failure.step == 3
    assert "bus 1" in failure.reason
    rest = np.delete(states.get("bus", "vm_pu").values[:, 1], 3)
    assert np.ptp(rest) < 1e-12
    assert np.isfinite(rest).all()


def test_terminals_that_follow_the_voltage_are_named(make):
    net = two_buses()
    pp.create_load(net, 1, 0.01, 0.0, const_z_p_percent=50.0)
    grid = make(net, {"a": {1: 1.0}, "b": {0: 1.0}}, np.ones(1), steps=1)
    notes = " ".join(grid.verify(injections(grid, 1.0)).notes)
    assert "1 terminal point(s) share a bus with voltage-dependent loads (bus 1)" in notes


def test_unsymmetrical_customers_are_refused_unless_off(make):
    net = ieee33()
    pp.create_asymmetric_load(net, 5, p_a_mw=0.01)
    grid = make(net, {"a": {5: 1.0}}, SHAPE)  # background.unlisted: off
    assert grid.verify(injections(grid, 1.0)).failures == ()
    with pytest.raises(GridError, match="asymmetric_load: 1 in service, but the power flow is bal"):
        make(net, {"a": {5: 1.0}}, SHAPE, background={"unlisted": "nominal"})


def test_gradients_with_generators_slacks_and_taps_are_those_of_differences(make):
    """Central differences on plain pandapower, all limited quantities, to 1e-4."""
    net = village()
    pp.create_gen(net, 10, 0.004, vm_pu=1.0)
    net.load.loc[0, ["const_z_p_percent", "const_i_q_percent"]] = 60.0
    grid = make(net, spread(net, 3), SHAPE)
    entry = injections(grid, 3.0, 1.0)
    states = grid.verify(entry)
    assert states.engine == "cosim batch"
    targets = tuple(
        Target("limit", element, quantity, int(id_), 2)
        for element, quantity in (
            ("bus", "vm_pu"), ("line", "loading_percent"), ("line", "i_ka"),
            ("trafo", "loading_percent"), ("ext_grid", "p_mw"),
        )
        for id_ in states.get(element, quantity).ids
    )  # fmt: skip
    found = grid.linearise(states, targets)
    half = 0.5
    for column in range(len(grid.inputs.terminals)):
        for name, gradient in (("p", found.d_dp_per_kw), ("q", found.d_dq_per_kvar)):
            read = []
            for sign in (1.0, -1.0):
                p, q = entry.p_kw.copy(), entry.q_kvar.copy()
                (p if name == "p" else q)[:, column] += sign * half
                own = plain(net, grid, injections(grid, p, q), 2, SHAPE)
                read.append([own[f"res_{t.element}"][t.quantity].loc[t.id] for t in targets])
            expected = (np.array(read[0]) - np.array(read[1])) / (2.0 * half)
            scale = {
                e: max(abs(v) for v, t in zip(expected, targets, strict=True) if t.element == e)
                for e in ("bus", "line", "trafo", "ext_grid")
            }
            for value, target, mine in zip(expected, targets, gradient[:, column], strict=True):
                least = 1e-4 * max(abs(value), 1e-2 * scale[target.element])
                assert abs(mine - value) <= least, (target, name, value, mine)
