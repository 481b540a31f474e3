"""Sizing against hand calculation, closed forms and plain pandapipes."""

import math
from pathlib import Path

import numpy as np
import pandapipes as ppi
import pytest

from cosim.errors import GridError
from cosim.grids.pipe_catalogue import (
    EN253_SERIES_1,
    EN253_SERIES_2,
    PipeSize,
    Trench,
    heat_loss_w_per_mk,
    pandapipes_u_w_per_m2k,
)
from cosim.grids.sizing import size_heat_network
from cosim.grids.sizing_rules import SizingRules, friction_factor, winter_simultaneity

TOWN = Path(__file__).parents[3] / "networks" / "schutterwald"
NO_COOLING = SizingRules(ground_temperature_c=80.0, lift_step_bar=1e-6)


def net_of(edges, consumers):
    """Supply junctions 0..n-1, return junctions n..2n-1, plant at 0; edges (a, b, metres)."""
    count = 1 + max(max(a, b) for a, b, _ in edges)
    net = ppi.create_empty_network(fluid="water")
    ppi.create_junctions(net, 2 * count, pn_bar=5.0, tfluid_k=350.0)
    for a, b, metres in edges:
        ppi.create_pipe_from_parameters(net, a, b, metres / 1e3, 100.0)
        ppi.create_pipe_from_parameters(net, count + b, count + a, metres / 1e3, 100.0)
    for node in consumers:
        ppi.create_heat_consumer(net, node, count + node, qext_w=1.0, treturn_k=320.0)
    ppi.create_circ_pump_const_pressure(net, count, 0, 5.0, 2.0, 350.0)
    return net


def tree():
    """Plant 0 - 1, branches 1 - 2 and 1 - 3; consumers 0, 1, 2 at the nodes 1, 2, 3."""
    return net_of([(0, 1, 200.0), (1, 2, 100.0), (1, 3, 300.0)], [1, 2, 3])


def solve(net, scale=1.0, **options):
    net.heat_consumer["qext_w"] *= scale
    ppi.pipeflow(net, mode="bidirectional", friction_model="swamee-jain", iter=100, **options)
    result = net.res_heat_consumer
    return result["p_from_bar"] - result["p_to_bar"]


def test_flows_sizes_and_head_of_a_tree_by_hand():
    loads = {0: 150e3, 1: 100e3, 2: 100e3}
    sized = size_heat_network(tree(), loads, NO_COOLING)
    # Water at 65 C: 980.5 kg/m3, 4.187 kJ/kgK, .433 mPas (VDI heat atlas, table D2.1).
    flow = {name: kw / (4.187 * 30.0) for name, kw in (("main", 350.0), ("branch", 100.0))}
    supply = sized.pipes.iloc[::2]
    assert supply["flow_kg_per_s"].tolist() == pytest.approx(
        [flow["main"], flow["branch"], flow["branch"]], rel=2e-3
    )
    assert sized.flow_kg_per_s == pytest.approx(flow["main"], rel=2e-3)
    # 100 kW: DN32 would have 180 Pa/m; DN40 (43.1 mm) has v = .557 m/s, Re = 54 300,
    # lambda = .0244, hence 85.9 Pa/m. 350 kW: DN50 285 Pa/m; DN65 (70.3 mm) has v = .732 m/s,
    # Re = 117 000, lambda = .0209, hence 78.3 Pa/m.
    assert supply["dn"].tolist() == [65, 40, 40]
    assert supply["gradient_pa_per_m"].tolist() == pytest.approx([78.3, 85.9, 85.9], rel=0.01)
    # Worst consumer 2: both sides, 20 % for fittings, .7 bar at the station.
    head = 2.0 * 1.2 * (78.3 * 200.0 + 85.9 * 300.0) / 1e5 + 0.7
    assert sized.worst_consumer == 2
    assert sized.lift_bar == pytest.approx(head, rel=0.01)


def test_pipe_flow_of_a_sized_tree_leaves_the_station_pressure():
    rules = SizingRules(lift_step_bar=1e-6)
    sized = size_heat_network(tree(), {0: 50e3, 1: 100e3, 2: 100e3}, rules)
    differential = solve(sized.net)
    assert differential.idxmin() == sized.worst_consumer
    assert differential.min() == pytest.approx(0.7, abs=0.01)
    plant = sized.net.res_circ_pump_pressure["mdot_from_kg_per_s"].iloc[0]
    assert plant == pytest.approx(sized.flow_kg_per_s, rel=2e-3)
    straight = sized.net.res_pipe["p_from_bar"] - sized.net.res_pipe["p_to_bar"]
    assert straight.abs().to_numpy() == pytest.approx(sized.pipes["drop_bar"].to_numpy(), rel=0.02)


def test_cooling_on_the_way_raises_the_flow():
    cold = size_heat_network(tree(), {0: 1e3, 1: 2e3, 2: 4e3})
    warm = size_heat_network(tree(), {0: 1e3, 1: 2e3, 2: 4e3}, NO_COOLING)
    assert cold.flow_kg_per_s > 1.05 * warm.flow_kg_per_s
    solve(cold.net)
    plant = cold.net.res_circ_pump_pressure["mdot_from_kg_per_s"].iloc[0]
    assert plant == pytest.approx(cold.flow_kg_per_s, rel=0.01)


def test_supply_cooled_below_the_return_is_an_error():
    with pytest.raises(GridError, match=r"supply cools by .* below the return temperature"):
        size_heat_network(tree(), {0: 10.0, 1: 10.0, 2: 10.0})


def test_mesh_is_sized_on_shortest_ways_and_closed_by_the_weaker_end():
    net = net_of([(0, 1, 100.0), (1, 2, 100.0), (0, 3, 150.0), (3, 2, 200.0)], [1, 2, 3])
    sized = size_heat_network(net, {0: 100e3, 1: 100e3, 2: 50e3}, NO_COOLING)
    supply = sized.pipes.iloc[::2]
    assert supply["side"].tolist() == ["supply", "supply", "supply", "loop"]
    assert supply["consumers"].tolist() == [2, 1, 1, 0]
    sizes = supply["inner_diameter_mm"].tolist()
    assert sizes[3] == min(sizes[1], sizes[2])
    assert solve(sized.net).min() > 0.7


def test_simultaneity_follows_the_number_behind_each_pipe():
    rules = SizingRules(ground_temperature_c=80.0, simultaneity=lambda n: 1.0 / n)
    loads = {0: 60e3, 1: 60e3, 2: 60e3}
    sized = size_heat_network(tree(), loads, rules)
    flows = sized.pipes["flow_kg_per_s"].iloc[::2].to_numpy()
    assert flows == pytest.approx(np.full(3, flows[1]))
    assert sized.flow_kg_per_s == pytest.approx(flows[0])


def test_simultaneity_of_dwellings():
    assert winter_simultaneity(1) == pytest.approx(1.0, abs=1e-3)
    # At n = c the bracket halves: a + b / 2.
    assert winter_simultaneity(54) == pytest.approx(0.4497 + 0.5512 / 2.0, abs=2e-3)
    assert winter_simultaneity(10_000) == pytest.approx(0.45, abs=1e-3)


def test_given_network_stays_as_it_is():
    net = tree()
    before = net.pipe.copy(), net.heat_consumer.copy()
    size_heat_network(net, {0: 1e4, 1: 1e4, 2: 1e4})
    assert net.pipe.equals(before[0])
    assert net.heat_consumer.equals(before[1])


def test_friction_factor_on_the_moody_chart():
    assert friction_factor(1000.0, 1e-3) == pytest.approx(0.064)
    for reynolds, roughness in ((1e4, 1e-4), (1e5, 1e-3), (1e6, 1e-5)):
        factor = friction_factor(reynolds, roughness)
        for _ in range(50):  # Colebrook and White by fixed point
            inner = roughness / 3.71 + 2.51 / (reynolds * math.sqrt(factor))
            factor = (-2.0 * math.log10(inner)) ** -2
        assert friction_factor(reynolds, roughness) == pytest.approx(factor, rel=0.03)


def test_loss_of_a_pair_equals_the_line_source_equations():
    size, trench = EN253_SERIES_1[7], Trench()
    casing = size.casing_diameter_mm / 1e3
    depth = trench.cover_m + casing / 2 + trench.surface_m2k_per_w * trench.soil_w_per_mk
    gap = casing + trench.gap_m
    foam = math.log((casing - 2e-3 * size.casing_wall_mm) / (size.outer_diameter_mm / 1e3))
    own = foam / (2 * math.pi * trench.insulation_w_per_mk) + math.log(4 * depth / casing) / (
        2 * math.pi * trench.soil_w_per_mk
    )
    image = math.log(math.hypot(gap, 2 * depth) / gap) / (2 * math.pi * trench.soil_w_per_mk)
    excess = np.array([70.0, 40.0])
    losses = np.linalg.solve(np.array([[own, image], [image, own]]), excess)
    assert heat_loss_w_per_mk(size) * excess.sum() == pytest.approx(losses.sum(), rel=1e-12)
    assert 0.2 < heat_loss_w_per_mk(size) < 0.35  # makers print .25 to .30 W/mK for DN100


@pytest.mark.parametrize("catalogue", [EN253_SERIES_1, EN253_SERIES_2])
def test_catalogue_grows(catalogue):
    inner = [size.inner_diameter_mm for size in catalogue]
    assert inner == sorted(inner)
    assert [s.dn for s in catalogue] == sorted({s.dn for s in catalogue})
    assert all(s.casing_diameter_mm > s.outer_diameter_mm + 40.0 for s in catalogue)
    thicker = zip(EN253_SERIES_1, EN253_SERIES_2, strict=True)
    assert all(heat_loss_w_per_mk(b) < heat_loss_w_per_mk(a) for a, b in thicker)


def test_pandapipes_loses_what_the_catalogue_says():
    """One pipe, given flow: T - T_ground must decay by exp(-U L / (m c)) in pandapipes."""
    size = PipeSize(50, 60.3, 2.9, 125.0)
    loss = 0.25
    net = ppi.create_empty_network(fluid="water")
    a, b = ppi.create_junctions(net, 2, pn_bar=5.0, tfluid_k=350.0)
    ppi.create_pipe_from_parameters(
        net, a, b, 1.0, size.inner_diameter_mm, outer_diameter_mm=size.outer_diameter_mm,
        u_w_per_m2k=pandapipes_u_w_per_m2k(loss, size.outer_diameter_mm), text_k=283.15,
        sections=50,
    )  # fmt: skip
    ppi.create_ext_grid(net, a, p_bar=5.0, t_k=353.15, type="pt")
    ppi.create_sink(net, b, mdot_kg_per_s=0.5)
    ppi.pipeflow(net, mode="sequential", friction_model="swamee-jain")
    expected = 283.15 + 70.0 * math.exp(-loss * 1000.0 / (0.5 * 4190.0))
    assert net.res_junction.at[b, "t_k"] == pytest.approx(expected, abs=0.05)


def test_consumer_without_load():
    with pytest.raises(GridError) as error:
        size_heat_network(tree(), {0: 1e4})
    assert str(error.value) == (
        "design_load_w: heat consumers without a load: 1, 2 (2 in all); expected a load in W for "
        "every consumer in service; name them or switch them off"
    )


def test_negative_load():
    with pytest.raises(GridError, match=r"-5\.0 W at heat consumer 1"):
        size_heat_network(tree(), {0: 1e4, 1: -5.0, 2: 1e4})


def test_consumer_without_a_way_to_the_plant():
    net = tree()
    net.pipe.loc[5, "in_service"] = False
    with pytest.raises(GridError) as error:
        size_heat_network(net, {0: 1e4, 1: 1e4, 2: 1e4})
    assert str(error.value) == (
        "heat consumer 2: no return pipe leads from junction 4 (pump) to junction 7; expected a "
        "connected return side; check pipes and valves"
    )


def test_load_beyond_the_catalogue():
    with pytest.raises(GridError, match="too much for DN 400"):
        size_heat_network(tree(), {0: 1e8, 1: 1e8, 2: 1e8})


def test_two_plants():
    net = tree()
    ppi.create_circ_pump_const_pressure(net, 4, 0, 5.0, 2.0, 350.0)
    with pytest.raises(GridError, match=r"^2 circulation pumps"):
        size_heat_network(net, {0: 1e4, 1: 1e4, 2: 1e4})


def test_an_open_valve_is_part_of_the_way_and_a_closed_one_is_not():
    net = tree()
    ppi.create_junction(net, pn_bar=5.0, tfluid_k=350.0, index=8)
    net.pipe.loc[4, "from_junction"] = 8
    ppi.create_valve(net, 1, 8, inner_diameter_mm=100.0, opened=True, et="ju")
    loads = {0: 1e4, 1: 1e4, 2: 1e4}
    assert size_heat_network(net, loads).pipes.at[4, "consumers"] == 1
    net.valve["opened"] = False
    with pytest.raises(GridError, match="heat consumer 2: no supply pipe"):
        size_heat_network(net, loads)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_town_from_design_load_down_to_a_tenth(share):
    net = ppi.from_json(str(TOWN / "heat.json"))
    slow = {"alpha": 0.5} if share < 0.2 else {}
    net.heat_consumer["qext_w"] *= share
    ppi.pipeflow(net, mode="bidirectional", friction_model="swamee-jain", iter=200, **slow)
    result = net.res_heat_consumer
    assert (result["p_from_bar"] - result["p_to_bar"]).min() >= 0.69
    assert result["t_from_k"].min() - 273.15 > (60.0 if share < 0.2 else 70.0)
    plant = net.res_circ_pump_pressure["qext_w"].iloc[0]
    demand = net.heat_consumer["qext_w"].sum()
    pipe = net.res_pipe
    mean_k = (pipe["t_from_k"] + pipe["t_to_k"]) / 2.0 - 283.15
    area = math.pi * net.pipe["outer_diameter_mm"] * net.pipe["length_km"]
    lost = (net.pipe["u_w_per_m2k"] * area * mean_k).sum()
    assert plant == pytest.approx(demand + lost, rel=0.01)
