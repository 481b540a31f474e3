"""The batch against plain pandapipes, closed forms and text-book values."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.grids.heat import HeatGrid
from cosim.grids.heat.batch import (
    FLOW_TOLERANCE,
    solve,
    sum_flows,
    temperatures,
)
from cosim.grids.heat.forest import NIKURADSE, Flow, Fluid, Forest, Plant, table
from cosim.grids.heat.net import HeatNet
from cosim.grids.heat.newton import Newton, Sweep, linearise_consumers, newton_step
from tests.support.heat import GROUND_K, at, inject, run, street, tree_network

Make = Callable[..., HeatGrid]
FRICTION = ("nikuradse", "colebrook", "swamee-jain")


def forest(net: HeatNet) -> tuple[Forest, Fluid]:
    assert net.trees.forest is not None
    assert net.trees.fluid is not None
    return net.trees.forest, net.trees.fluid


def constant_water(rho: float, eta: float, cp: float) -> Fluid:
    x = np.array([0.0, 1.0])
    return Fluid(x, np.full(2, rho), x, np.full(2, eta), x, np.full(2, cp))


def test_pressure_drop_of_cold_water_in_a_pipe() -> None:
    # 5 kg/s, 1 km, 100 mm, k = 0.1 mm, 20 C, Nikuradse with the laminar term: .418745 bar
    import pandapipes as pp

    water = pp.create_empty_network(fluid="water").fluid
    rho, eta = float(water.get_density(293.15)), float(water.get_viscosity(293.15))
    pair = np.array([0, 0, 2, 2]), np.zeros(4)
    net = Forest(
        parent=np.array([-1, 0, -1, 2]),
        n_supply=2,
        forward=np.ones(4),
        conductance_w_per_k=pair[1],
        text_k=np.full(4, 293.15),
        length_m=np.full(4, 1000.0),
        diameter_m=np.full(4, 0.1),
        roughness_m=np.full(4, 1e-4),
        loss_coefficient=pair[1],
        height_m=pair[1],
        ambient_bar=pair[1],
        supply=np.array([1]),
        back=np.array([3]),
    )
    plant = Plant(293.15, 7.0, 4.0, 293.15, NIKURADSE, 1.0, 283.15)
    heat = 5.0 * 4200.0 * 10.0
    found = solve(
        net, constant_water(rho, eta, 4200.0), plant, np.array([[heat]]), np.array([[283.15]])
    )
    assert found.m[0, 0] == pytest.approx(5.0, rel=1e-12)
    assert found.p[0, 0] - found.p[0, 1] == pytest.approx(0.418745, abs=5e-7)
    assert found.p[0, 3] - found.p[0, 2] == pytest.approx(0.418745, abs=5e-7)


def test_temperature_falls_exponentially(make: Make) -> None:
    grid = make(street(u_w_per_m2k=2.0), steps=1, background_kw=np.array([100.0]))
    states = grid.verify(inject(grid, np.zeros((1, 0))))
    supply = states.get("junction", "t_k").values[0]
    flow = states.get("heat_consumer", "mdot_from_kg_per_s").values[0, 0]
    water = grid.net.net.fluid
    cp = (water.get_heat_capacity(supply[0]) + water.get_heat_capacity(supply[1])) / 2.0
    expected = GROUND_K + (353.15 - GROUND_K) * np.exp(-2.0 * np.pi * 0.1 * 1000.0 / (flow * cp))
    assert supply[1] == pytest.approx(float(expected), abs=1e-7)
    cp_out = (water.get_heat_capacity(supply[1]) + water.get_heat_capacity(323.15)) / 2.0
    assert flow * float(cp_out) * (supply[1] - 323.15) == pytest.approx(1e5, rel=1e-9)


@pytest.mark.parametrize("friction", FRICTION)
@pytest.mark.parametrize(("size", "seed"), [(10, 1), (50, 2)])
def test_agrees_with_pandapipes_that_finds_the_flows_itself(
    make: Make, friction: str, size: int, seed: int
) -> None:
    # only qext_w and treturn_k are given here, nothing that comes from the batch
    net = tree_network(size, seed)
    base = net.heat_consumer["qext_w"].to_numpy() / 1e3
    off = np.where(np.arange(size) % 3 == 0, 0.0, 1.0)
    load = np.stack([base, 0.5 * base, base * off])
    grid = make(net, background_kw=load, steps=3, settings={"friction_model": friction})
    states = grid.verify(inject(grid, np.zeros((3, 0))))
    assert not states.failures
    for row in range(3):
        net.heat_consumer["qext_w"] = load[row] * 1e3
        assert run(
            net,
            mode="bidirectional",
            friction_model=friction,
            iter=100,
            max_iter_colebrook=100,
            ambient_temperature=GROUND_K,
            use_numba=False,
        )
        for element, quantity, tolerance in (
            ("junction", "t_k", 1e-5),
            ("junction", "p_bar", 1e-7),
            ("pipe", "v_mean_m_per_s", 1e-6),
            ("pipe", "mdot_from_kg_per_s", 1e-6),
            ("heat_consumer", "mdot_from_kg_per_s", 1e-6),
            ("heat_consumer", "t_outlet_k", 1e-5),
            ("circ_pump_pressure", "qext_w", 0.1),
        ):
            plain = net[f"res_{element}"][quantity].to_numpy()
            ours = states.get(element, quantity).values[row]
            assert np.abs(ours - plain).max() < tolerance, (element, quantity)


def test_feeding_in_is_a_pump_with_given_flow_and_temperature(make: Make) -> None:
    # plain pandapipes with a second pump instead of a heat consumer that feeds in
    import pandapipes as pp

    net = tree_network(12, seed=5)
    grid = make(net, [at("chp", 11, feed_c=75.0)], steps=1)
    states = grid.verify(inject(grid, [[60.0]]))
    assert not states.failures
    flow = states.get("heat_consumer", "mdot_from_kg_per_s").values[0, 11]
    house = net.heat_consumer.loc[11]
    net.heat_consumer = net.heat_consumer.drop(index=11)
    pp.create_circ_pump_const_mass_flow(
        net,
        int(house["to_junction"]),
        int(house["from_junction"]),
        p_flow_bar=None,
        mdot_flow_kg_per_s=-float(flow),
        t_flow_k=348.15,
        type="t",
    )
    assert run(
        net,
        mode="bidirectional",
        friction_model="swamee-jain",
        iter=100,
        ambient_temperature=GROUND_K,
        use_numba=False,
    )
    assert np.abs(states.get("junction", "t_k").values[0] - net.res_junction["t_k"]).max() < 1e-5
    assert (
        np.abs(states.get("junction", "p_bar").values[0] - net.res_junction["p_bar"]).max() < 1e-7
    )
    assert float(net.res_circ_pump_mass["qext_w"].iloc[0]) == pytest.approx(60e3, rel=1e-6)


def test_a_newton_step_solves_the_dense_linear_system(make: Make) -> None:
    # the elimination along the tree against a dense Jacobian by differences of the residual
    grid = make(tree_network(9, seed=7), [at("chp", 8)], steps=1)
    net, fluid = forest(grid.net)
    rng = np.random.default_rng(1)
    q = np.append(rng.uniform(5e3, 3e4, 8), -3e4)
    size, n = len(q), len(net.parent)
    t_out = np.where(q > 0, 323.15, 353.15)
    m = np.where(q > 0, q / 4190.0 / 24.0, q / 4190.0 / 31.0)

    def settle(m: np.ndarray) -> tuple[Flow, Newton]:
        flow = Flow(m.copy(), t_out, *(np.full(n, 340.0) for _ in range(4)))
        sum_flows(net, flow)
        for _ in range(30):
            temperatures(net, fluid, grid.net.plant, flow)
        newton = Newton(*(np.zeros(size) for _ in range(4)))
        linearise_consumers(net, fluid, q, flow, newton)
        return flow, newton

    flow, newton = settle(m)
    sweep = Sweep(*(np.zeros(net.n_supply) for _ in range(5)))
    newton_step(net, fluid, flow, newton, sweep)
    draws = np.flatnonzero(q > 0)
    jacobian = np.empty((size, size))
    for c in range(size):
        high, low = m.copy(), m.copy()
        high[c] += 1e-6
        low[c] -= 1e-6
        jacobian[:, c] = (settle(low)[1].gap - settle(high)[1].gap) / 2e-6
    feeder = newton.dm[8]
    right = newton.gap[draws] - jacobian[np.ix_(draws, [8])][:, 0] * feeder
    dense = np.linalg.solve(jacobian[np.ix_(draws, draws)], right)
    # heat capacities are held fixed in the step, which changes it a little
    assert np.abs(newton.dm[draws] - dense).max() < 2e-3 * np.abs(dense).max()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    x=st.floats(min_value=-10.0, max_value=30.0),
    points=st.lists(st.floats(0.0, 20.0), min_size=2, max_size=6, unique=True),
)
def test_tables_are_read_as_scipy_does(x: float, points: list[float]) -> None:
    from scipy.interpolate import interp1d

    xs = np.sort(np.array(points))
    if np.diff(xs).min() < 1e-3:
        return
    ys = np.cos(xs)
    expected = float(interp1d(xs, ys, fill_value="extrapolate")(x))
    assert table(x, xs, ys) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), load=st.sampled_from([1.0, 0.3, 0.05, 0.01]))
def test_mass_and_energy_balance_at_every_node(trees: HeatGrid, seed: int, load: float) -> None:
    grid = trees
    net, fluid = forest(grid.net)
    rng = np.random.default_rng(seed)
    q = rng.uniform(5e3, 4e4, 20) * load * (rng.random(20) < 0.8)
    q[rng.integers(20)] = -0.3 * q.sum() * rng.random()
    t_out = np.where(q < 0.0, 351.15, 323.15)
    found = solve(net, fluid, grid.net.plant, q[None], t_out[None])
    assert found.iterations[0] > 0
    f, m, t = found.f[0], found.m[0], found.t[0]
    into = f.copy()
    np.subtract.at(into, net.parent[net.parent >= 0], f[net.parent >= 0])
    np.subtract.at(into, net.supply, m)
    np.add.at(into, net.back, m)
    roots = net.parent < 0
    assert np.abs(into[~roots]).max() < 1e-9
    assert into[roots].sum() == pytest.approx(0.0, abs=1e-9)
    moving = m != 0.0
    inlet = np.where(m > 0, t[net.supply], t[net.back])
    cp = (np.interp(inlet, fluid.cp_x, fluid.cp_y) + np.interp(t_out, fluid.cp_x, fluid.cp_y)) / 2
    heat = np.abs(m) * cp * (inlet - t_out)
    assert np.allclose(heat[moving], q[moving], rtol=1e3 * FLOW_TOLERANCE)
    assert t.max() <= 353.15 + 1e-9
    assert t.min() >= GROUND_K - 1e-9


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> HeatGrid:
    from tests.support.heat import build

    return build(tree_network(20, seed=11), tmp_path_factory.mktemp("trees"), steps=1)
