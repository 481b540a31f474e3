"""Networks with loops and other elements: closed forms, balances, and what is doubtful."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from cosim.grids.heat import HeatGrid
from cosim.grids.heat.fast import solve_fast
from cosim.grids.heat.mesh.anderson import WINDOW, mix
from cosim.grids.heat.mesh.topology import find_loops, spanning_tree
from cosim.records import GridStates
from tests.support.heat import GROUND_K, inject, run, street
from tests.support.heat_campaign import compare
from tests.support.heat_mesh import MESHES, booster, cut_off_branch, pipe, rings, second_producer

Make = Callable[..., HeatGrid]
GRAVITY = 9.81


def idle(grid: HeatGrid, steps: int = 1) -> GridStates:
    return grid.verify(inject(grid, np.zeros((steps, 0))))


@pytest.mark.parametrize("seed", range(5))
def test_loops_are_a_basis_of_the_cycles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = nx.gnm_random_graph(12, 20, seed=seed)
    graph = graph.subgraph(nx.node_connected_component(graph, 0))
    edges = [(a, b) if rng.random() < 0.5 else (b, a) for a, b in graph.edges]
    start, end = [a for a, _ in edges], [b for _, b in edges]
    tree = spanning_tree(12, start, end, 0)
    assert tree.reached.sum() == len(graph)
    loops = find_loops(tree, start, end)
    assert len(loops.chord) == len(edges) - len(graph) + 1
    incidence = np.zeros((12, len(edges)))
    incidence[start, range(len(edges))] -= 1.0
    incidence[end, range(len(edges))] += 1.0
    around = np.zeros((len(edges), len(loops.chord)))
    for k in range(len(loops.chord)):
        entries = slice(loops.loop_ptr[k], loops.loop_ptr[k + 1])
        around[loops.loop_edge[entries], k] = loops.loop_sign[entries]
    assert not (incidence @ around).any()
    assert np.linalg.matrix_rank(around) == len(loops.chord)
    by_row = np.zeros_like(around)
    for i, edge in enumerate(loops.rows):
        entries = slice(loops.row_ptr[i], loops.row_ptr[i + 1])
        by_row[edge, loops.row_loop[entries]] = loops.row_sign[entries]
    assert (by_row == around).all()


def test_andersons_method_solves_a_linear_system_in_as_many_steps_as_unknowns() -> None:
    rng = np.random.default_rng(1)
    matrix, right = rng.uniform(-0.6, 0.6, (4, 4)), rng.uniform(-1.0, 1.0, 4)
    exact = np.linalg.solve(np.eye(4) - matrix, right)
    past_u, past_g = np.zeros((WINDOW + 1, 4)), np.zeros((WINDOW + 1, 4))
    u = np.zeros(4)
    for count in range(1, 8):
        step = matrix @ u + right - u
        past_u[(count - 1) % (WINDOW + 1)], past_g[(count - 1) % (WINDOW + 1)] = u, step
        mix(past_u, past_g, count, step)
        u = u + step
    assert u == pytest.approx(exact, abs=1e-9)


def twin_pipes(lengths_km: tuple[float, float], inner_mm: tuple[float, float]) -> Any:
    """Return a street whose supply line is two pipes side by side, without heat loss."""
    import pandapipes as pp

    net = street()
    net.pipe = net.pipe.drop(index=0)
    for length_km, width in zip(lengths_km, inner_mm, strict=True):
        pp.create_pipe_from_parameters(
            net, 0, 1, length_km, width, k_mm=0.1, u_w_per_m2k=0.0, text_k=GROUND_K
        )
    return net


def test_twin_pipes_share_the_flow_so_that_both_fall_the_same(make: Make) -> None:
    from scipy.optimize import brentq

    net = twin_pipes((1.0, 0.7), (100.0, 65.0))
    grid = make(net, background_kw=np.array([400.0]), settings={"friction_model": "nikuradse"})
    assert grid.net.kernel == "mesh"
    states = idle(grid)
    flow = states.get("pipe", "mdot_from_kg_per_s").values[0]
    rho, eta = (float(f(353.15)) for f in (net.fluid.get_density, net.fluid.get_viscosity))

    def drop(m: float, length_m: float, width_m: float) -> float:
        area = np.pi * width_m**2 / 4.0
        factor = 64.0 * eta * area / (m * width_m)
        factor += 1.0 / (2.0 * np.log10(1e-4 / (3.71 * width_m))) ** 2
        return factor * length_m / width_m * m**2 / (2.0 * rho * area**2)

    total = flow[1] + flow[2]
    split = brentq(
        lambda m: drop(m, 1000.0, 0.1) - drop(total - m, 700.0, 0.065), 1e-6, total - 1e-6
    )
    ids = list(grid.net.pipe_ids)
    assert flow[ids.index(2)] == pytest.approx(split, rel=1e-8)
    p_bar = states.get("junction", "p_bar").values[0]
    assert p_bar[0] - p_bar[1] == pytest.approx(drop(split, 1000.0, 0.1) / 1e5, rel=1e-8)


def test_water_mixes_where_ways_meet(make: Make) -> None:
    # two insulated ways of which one is cooled by a heat exchanger: energy balance by hand
    import pandapipes as pp

    net = twin_pipes((1.0, 1.0), (80.0, 80.0))
    between = int(pp.create_junction(net, 5.0, 353.15))
    last = net.pipe.index[-1]
    net.pipe.loc[last, "to_junction"] = between
    pp.create_heat_exchanger(net, between, 1, qext_w=30e3, inner_diameter_mm=80.0)
    grid = make(net, background_kw=np.array([400.0]))
    states = idle(grid)
    t_k = states.get("junction", "t_k").values[0]
    flow = states.get("heat_exchanger", "mdot_from_kg_per_s").values[0, 0]
    total = states.get("heat_consumer", "mdot_from_kg_per_s").values[0, 0]
    heat = float(net.fluid.get_heat_capacity(350.0))
    assert t_k[between] == pytest.approx(353.15, abs=1e-9)
    assert (353.15 - t_k[1]) * total * heat == pytest.approx(30e3, rel=2e-3)
    assert 0.0 < flow < total
    # the exchanger is a customer, not a loss; heat capacities are means of both ends as in
    # pandapipes, which depends on the way a little
    assert states.loss_kw[0] == pytest.approx(0.0, abs=1e-4 * 430.0)


@pytest.mark.parametrize("name", ["chords across rings", "pressure control", "booster pump"])
@pytest.mark.parametrize("friction", ["nikuradse", "colebrook"])
def test_other_friction_laws_agree_too(name: str, friction: str, tmp_path: Any) -> None:
    outcome = compare(name, MESHES[name](), tmp_path, {"friction_model": friction}, rows=[1])
    assert outcome.faults == []
    assert (outcome.failed, outcome.open, outcome.taken_over) == (0, 0, 0)


@pytest.mark.parametrize("name", sorted(MESHES))
def test_nothing_is_lost_at_any_junction(make: Make, name: str) -> None:
    net = MESHES[name]()
    full = net.heat_consumer["qext_w"].to_numpy() / 1e3
    grid = make(net, background_kw=np.stack([full, 0.6 * full]), steps=2)
    states = idle(grid, 2)
    assert not states.failures
    into = np.zeros((2, len(net.junction)))
    tables = {
        "pipe": ("from_junction", "to_junction"),
        "heat_consumer": ("from_junction", "to_junction"),
        "circ_pump_pressure": ("return_junction", "flow_junction"),
        "circ_pump_mass": ("return_junction", "flow_junction"),
        "valve": ("junction", "element"),
        **dict.fromkeys(
            ("pump", "flow_control", "heat_exchanger", "press_control"),
            ("from_junction", "to_junction"),
        ),
    }
    where = pd.Index(net.junction.index)
    for table, (first, second) in tables.items():
        if table not in net or not len(net[table]):
            continue
        flow = np.nan_to_num(states.get(table, "mdot_from_kg_per_s").values)
        for row in range(2):
            np.subtract.at(into[row], where.get_indexer(net[table][first]), flow[row])
            np.add.at(into[row], where.get_indexer(net[table][second]), flow[row])
    assert np.abs(into).max() < 1e-9
    # what producers add is what customers draw and pipes lose
    pipes, t_k = (
        states.get("pipe", "mdot_from_kg_per_s").values,
        states.get("junction", "t_k").values,
    )
    lost_w = np.zeros(2)
    for k, row in enumerate(net.pipe.itertuples()):
        for step in range(2):
            m = pipes[step, k]
            if not abs(m) > 1e-9:
                continue
            inlet = t_k[step, where.get_loc(row.from_junction if m > 0 else row.to_junction)]
            conductance = row.u_w_per_m2k * np.pi * row.outer_diameter_mm * row.length_km
            cp = float(net.fluid.get_heat_capacity(inlet))
            lost_w[step] += abs(m) * cp * (inlet - GROUND_K) * -np.expm1(-conductance / abs(m) / cp)
    assert states.loss_kw == pytest.approx(lost_w / 1e3, rel=2e-3)


def test_elements_out_of_use_have_no_result_and_trouble_nobody(make: Make) -> None:
    grid = make(cut_off_branch())
    states = idle(grid)
    assert not states.failures
    reached = grid.net.mesh.reached
    assert (~reached).sum() == 2
    assert np.isnan(states.get("junction", "t_k").values[0, ~reached]).all()
    assert np.isfinite(states.get("junction", "t_k").values[0, reached]).all()
    assert np.isnan(states.get("pipe", "v_mean_m_per_s").values).sum() == 2


def test_a_customer_behind_a_closed_valve_is_named(make: Make) -> None:
    import pandapipes as pp

    net = rings(seed=1)
    alone = int(pp.create_junction(net, 6.0, 353.15, height_m=101.0))
    pp.create_valve(net, int(net.heat_consumer.at[2, "from_junction"]), alone, "ju", 30.0, False)
    net.heat_consumer.loc[2, "from_junction"] = alone
    full = net.heat_consumer["qext_w"].to_numpy() / 1e3
    grid = make(
        net, background_kw=np.stack([full, np.where(np.arange(8) == 2, 0.0, full)]), steps=2
    )
    for engine in ("fast", "reference"):
        states = grid.verify(inject(grid, np.zeros((2, 0))), engine)
        assert [f.step for f in states.failures] == [0]
        assert states.failures[0].reason == (
            "heat_consumer 2 is cut off from the plant by closed valves or elements out of service"
        )


def test_two_producers_share_what_is_drawn(make: Make) -> None:
    net = second_producer()
    grid = make(net)
    states = idle(grid)
    flow, hot = 0.05, float(net.circ_pump_mass["t_flow_k"].iloc[0])
    back = states.get("circ_pump_mass", "t_from_k").values[0, 0]
    cp = (net.fluid.get_heat_capacity(hot) + net.fluid.get_heat_capacity(back)) / 2.0
    other_kw = states.get("circ_pump_mass", "heat_kw").values[0, 0]
    assert other_kw == pytest.approx(flow * float(cp) * (hot - back) / 1e3, rel=1e-9)
    plant_kw = states.get("circ_pump_pressure", "heat_kw").values[0, 0]
    assert states.slack_kw[0] == pytest.approx(plant_kw + other_kw, rel=1e-12)
    drawn_kw = net.heat_consumer["qext_w"].sum() / 1e3
    assert states.loss_kw[0] == pytest.approx(plant_kw + other_kw - drawn_kw, rel=1e-9)


def test_a_booster_needs_electricity(make: Make) -> None:
    net = booster()
    grid = make(net, settings={"pump_efficiency": 0.5})
    states = idle(grid)
    flow = states.get("pump", "mdot_from_kg_per_s").values[0, 0]
    lift = states.get("pump", "p_to_bar").values - states.get("pump", "p_from_bar").values
    rho = float(net.fluid.get_density(states.get("pump", "t_from_k").values[0, 0]))
    booster_kw = flow / rho * lift[0, 0] * 1e5 / 0.5 / 1e3
    main_kw = states.get("circ_pump_pressure", "pump_kw").values[0, 0]
    assert booster_kw > 0.01
    assert states.auxiliary_kw[0] == pytest.approx(main_kw + booster_kw, rel=1e-6)


def warm_ring(lift_m: float) -> HeatGrid | Any:
    """Two ways up a hill, of which the wide one cools more: warm water may rise in the other."""
    net = rings(houses=4, seed=3)
    net.junction["height_m"] = 100.0
    net.junction.loc[[4, 5], "height_m"] = 100.0 + lift_m
    pipe(net, 2, 4, 0.1, 65.0)
    return net


def test_loops_driven_by_warm_water_rising_are_doubtful(make: Make) -> None:
    for lift_m, expected in ((0.0, False), (60.0, True)):
        net = warm_ring(lift_m)
        load = net.heat_consumer["qext_w"].to_numpy() / 1e3 * 0.1
        grid = make(net, background_kw=load)
        fast = solve_fast(grid.net, grid._consumers.demand(inject(grid, np.zeros((1, 0)))))
        assert bool(fast.doubtful[0]) == expected or not fast.solved[0]
        states = idle(grid)
        assert (states.notes != ()) == expected


def test_a_known_state_is_a_good_place_to_begin(make: Make) -> None:
    net = MESHES["chords across rings"]()
    grid = make(net)
    demand = grid._consumers.demand(inject(grid, np.zeros((1, 0))))
    cold = solve_fast(grid.net, demand)
    assert cold.found is not None
    warm = solve_fast(grid.net, demand, cold.found)
    assert warm.found is not None
    assert warm.found.iterations[0] < cold.found.iterations[0] / 2
    assert np.abs(warm.t_k - cold.t_k).max() < 1e-7
    assert np.abs(warm.p_bar - cold.p_bar).max() < 1e-9


def test_a_second_plant_that_would_run_backwards_is_named(make: Make) -> None:
    import pandapipes as pp

    net = rings(seed=3)
    pp.create_circ_pump_const_pressure(
        net, 9, 8, p_flow_bar=None, plift_bar=2.0, t_flow_k=353.15, type="t"
    )
    states = idle(make(net))
    assert "circ_pump_pressure 1 would run backwards" in states.failures[0].reason


@pytest.mark.parametrize("both", [True, False])
def test_two_plants_or_none_are_an_error(make: Make, both: bool) -> None:
    import pandapipes as pp

    from cosim.errors import GridError

    net = rings()
    if both:
        pp.create_circ_pump_const_pressure(net, 9, 8, 7.0, 3.0, 353.15, type="pt")
    else:
        net.circ_pump_pressure["in_service"] = False
    with pytest.raises(GridError, match="expected one in service of type pt"):
        make(net)


def test_plain_run_needs_nothing_from_the_batch(make: Make) -> None:
    # one row of the campaign spelled out: heat and return temperature only
    net = rings(seed=5)
    grid = make(net)
    states = idle(grid)
    assert run(
        net,
        mode="bidirectional",
        friction_model="swamee-jain",
        iter=100,
        ambient_temperature=GROUND_K,
        use_numba=False,
    )
    assert np.abs(states.get("junction", "t_k").values[0] - net.res_junction["t_k"]).max() < 1e-4
    assert (
        np.abs(states.get("junction", "p_bar").values[0] - net.res_junction["p_bar"]).max() < 1e-5
    )
