"""Signs, terminals, derived columns, limits and the gate."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cosim.errors import GridError
from cosim.grids.heat import HeatGrid
from cosim.grids.limits import check, violations
from cosim.records import Point, Terminal
from cosim.scenario.networks import HeatNetwork
from tests.support.heat import at, inject, street, tree_network

Make = Callable[..., HeatGrid]


def test_what_is_drawn_and_fed_in_reaches_the_plant(make: Make) -> None:
    grid = make(tree_network(10, seed=1), [at("chp", 9), at("shop", 0)], steps=3)
    states = grid.verify(inject(grid, [[0.0, 0.0], [0.0, -20.0], [50.0, -20.0]]))
    drawn = -grid.inputs.background.series[0].p_kw.sum(axis=1)
    assert not states.failures
    assert states.engine == "cosim batch"
    expected = states.slack_kw + np.array([0, 0, 50.0]) - drawn - np.array([0, 20.0, 20.0])
    assert np.allclose(states.loss_kw, expected, atol=1e-9)
    assert (states.loss_kw > 0.0).all()
    assert states.slack_kw[1] > states.slack_kw[0] + 19.0
    assert states.slack_kw[2] < states.slack_kw[1] - 48.0


def test_a_terminal_spreads_over_its_points(make: Make) -> None:
    parts = Terminal("homes", (Point(2, 0.25), Point(7, 0.75)))
    grid = make(tree_network(10, seed=1), [parts], steps=1)
    states = grid.verify(inject(grid, [[-40.0]]))
    heat = states.get("heat_consumer", "qext_w").values[0]
    assert heat[[2, 7]] == pytest.approx([10e3, 30e3])


def test_a_terminal_at_the_plant_changes_nothing(make: Make) -> None:
    plant = Terminal("plant", (), at_slack=True)
    grid = make(tree_network(10, seed=1), [plant, at("shop", 0)], steps=2)
    states = grid.verify(inject(grid, [[0.0, -10.0], [500.0, -10.0]]))
    for column in states.fields:
        assert np.array_equal(column.values[0], column.values[1], equal_nan=True)


@pytest.mark.parametrize(("unlisted", "heat_w"), [("off", 0.0), ("nominal", 1e5)])
def test_consumers_nobody_drives(make: Make, unlisted: str, heat_w: float) -> None:
    net = street()
    grid = make(net, steps=1, settings={"background": {"unlisted": unlisted}})
    inputs = replace(grid.inputs, background=type(grid.inputs.background)(()))
    states = HeatGrid(inputs).verify(inject(grid, np.zeros((1, 0))))
    assert states.get("heat_consumer", "qext_w").values[0, 0] == heat_w
    assert states.slack_kw[0] == pytest.approx(heat_w / 1e3, abs=1e-6)


def test_limits_do_not_apply_to_consumers_at_rest_or_feeding_in(make: Make) -> None:
    grid = make(tree_network(10, seed=1), [at("chp", 9), at("shop", 0)], steps=1)
    states = grid.verify(inject(grid, [[30.0, 0.0]]))
    for quantity in ("dp_bar", "supply_temperature_c"):
        values = states.get("heat_consumer", quantity).values[0]
        assert np.isnan(values[[0, 9]]).all()
        assert np.isfinite(values[1:9]).all()
    p_from = states.get("heat_consumer", "p_from_bar").values
    p_to = states.get("heat_consumer", "p_to_bar").values
    dp = states.get("heat_consumer", "dp_bar").values
    assert np.allclose(dp[0, 1:9], (p_from - p_to)[0, 1:9])
    assert states.get("junction", "t_k").values.min() == pytest.approx(283.15)


def test_pump_electricity_is_hydraulic_power_over_efficiency(make: Make) -> None:
    grid = make(
        street(), [at("chp", 0)], steps=2, settings={"pump_efficiency": 0.5, "pump_lift_bar": 3.0}
    )
    states = grid.verify(inject(grid, [[-100.0], [-50.0]]))
    water = grid.net.net.fluid
    rho = (float(water.get_density(323.15)) + float(water.get_density(353.15))) / 2.0
    volume = states.get("circ_pump_pressure", "mdot_from_kg_per_s").values[:, 0] / rho
    assert states.auxiliary_kw == pytest.approx(volume * 3.0e5 / 0.5 / 1e3, rel=1e-9)
    assert states.get("circ_pump_pressure", "pump_kw").values[:, 0] == pytest.approx(
        states.auxiliary_kw
    )


def test_feeding_in_takes_a_pump_of_its_own(make: Make) -> None:
    grid = make(
        tree_network(10, seed=1), [at("chp", 9)], steps=1, settings={"pump_efficiency": 0.6}
    )
    states = grid.verify(inject(grid, [[60.0]]))
    p_from = states.get("heat_consumer", "p_from_bar").values[0, 9]
    p_to = states.get("heat_consumer", "p_to_bar").values[0, 9]
    flow = -states.get("heat_consumer", "mdot_from_kg_per_s").values[0, 9]
    water = grid.net.net.fluid
    back = states.get("heat_consumer", "t_to_k").values[0, 9]
    rho = (float(water.get_density(back)) + float(water.get_density(353.15))) / 2.0
    boost = flow / rho * (p_from - p_to) * 1e5 / 0.6 / 1e3
    main = states.get("circ_pump_pressure", "pump_kw").values[0, 0]
    assert states.auxiliary_kw[0] == pytest.approx(main + boost, rel=1e-9)


def test_every_limit_of_the_section_is_there(make: Make) -> None:
    limits = {
        "pressure_min_bar": 1.0,
        "pressure_max_bar": 9.0,
        "producer_max_kw": 150.0,
        "pump_max_kw": 0.5,
        "return_temperature_max_c": 45.0,
        "velocity_max_m_per_s": 0.5,
        "differential_pressure_min_bar": 3.9,
        "supply_temperature_min_c": 79.0,
    }
    grid = make(tree_network(10, seed=1), steps=1, settings={"limits": limits})
    assert sorted(limit.name for limit in grid.limits) == [
        "differential_pressure_min",
        "plant_heat_min",
        "pressure_max",
        "pressure_min",
        "producer_max",
        "pump_max",
        "return_temperature_max",
        "supply_temperature_min",
        "velocity_max",
    ]
    states = grid.verify(inject(grid, np.zeros((1, 0))))
    found = {v.limit for v in violations("heat", check(states, grid.limits))}
    kept = {"pressure_min", "pressure_max", "plant_heat_min"}
    assert found == {limit.name for limit in grid.limits} - kept


def test_velocity_against_the_drawn_direction_counts(make: Make) -> None:
    grid = make(
        tree_network(10, seed=1, reverse=1.0),
        steps=1,
        settings={"limits": {"velocity_max_m_per_s": 0.3}},
    )
    states = grid.verify(inject(grid, np.zeros((1, 0))))
    found = {
        v.id for v in violations("heat", check(states, grid.limits)) if v.limit == "velocity_max"
    }
    velocity = states.get("pipe", "v_mean_m_per_s").values[0]
    assert found == set(np.flatnonzero(np.abs(velocity) > 0.305).tolist())
    assert (velocity[sorted(found)] < 0.0).any()


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_more_feed_in_than_load_is_a_failure_of_that_step_only(make: Make, engine: Any) -> None:
    grid = make(tree_network(5, seed=1), [at("chp", 4)], steps=3)
    states = grid.verify(inject(grid, [[10.0], [500.0], [20.0]]), engine)
    assert [failure.step for failure in states.failures] == [1]
    reason = states.failures[0].reason
    load = -grid.inputs.background.series[0].p_kw[1].sum()
    assert reason.startswith(
        f"feed-in of 500.0 kW at heat_consumer 4 is above load ({load:.1f} kW and losses): "
        "circ_pump_pressure 0 would run backwards"
    )
    assert np.isfinite(states.loss_kw).tolist() == [True, False, True]
    assert np.isnan(states.get("junction", "t_k").values[1]).all()
    assert np.isfinite(states.get("junction", "t_k").values[[0, 2]]).all()


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_negative_absolute_pressure_is_a_failure(make: Make, engine: Any) -> None:
    grid = make(street(inner_mm=40.0), [at("mill", 0)], steps=2)
    states = grid.verify(inject(grid, [[-50.0], [-700.0]]), engine)
    assert [failure.step for failure in states.failures] == [1]
    assert states.failures[0].converged
    assert "absolute pressure is negative at 1 junction(s), worst" in states.failures[0].reason
    assert "at junction 1: too little pump head" in states.failures[0].reason


def test_far_too_little_pump_head_is_a_failure_that_names_the_consumer(make: Make) -> None:
    net = street(inner_mm=50.0)
    net.circ_pump_pressure["p_flow_bar"] = 30.0
    grid = make(net, [at("mill", 0)], steps=2, settings={"pump_lift_bar": 1.0})
    states = grid.verify(inject(grid, [[-130.0], [-500.0]]))
    assert [failure.step for failure in states.failures] == [1]
    assert states.failures[0].reason.startswith("too little pump head: heat_consumer 0 would need")
    # a little too little is a state, so that it can be linearised; its limit is violated
    assert -1.0 < states.get("heat_consumer", "dp_bar").values[0, 0] < 0.0
    assert any(
        v.limit == "differential_pressure_min"
        for v in violations("heat", check(states, grid.limits))
    )


def test_a_return_as_warm_as_the_feed_is_a_failure(make: Make) -> None:
    grid = make(tree_network(5, seed=1), [at("chp", 4, feed_c=45.0)], steps=1)
    (failure,) = grid.verify(inject(grid, [[10.0]])).failures
    assert failure.reason != ""
    assert not failure.converged


def test_nothing_at_all_is_a_state(make: Make) -> None:
    grid = make(street(), [at("mill", 0)], steps=1)
    states = grid.verify(inject(grid, [[0.0]]))
    assert not states.failures
    assert states.slack_kw[0] == pytest.approx(0.0)
    assert states.auxiliary_kw[0] == pytest.approx(0.0)
    assert np.isnan(states.get("circ_pump_pressure", "return_temperature_c").values).all()


def test_less_than_a_watt_is_nothing(make: Make) -> None:
    grid = make(street(), [at("mill", 0)], steps=1)
    states = grid.verify(inject(grid, [[-0.0009]]))
    assert states.get("heat_consumer", "qext_w").values[0, 0] == 0.0


def break_pump(net: Any) -> None:
    net.circ_pump_pressure["type"] = "p"


def drop_consumers(net: Any) -> None:
    net.heat_consumer = net.heat_consumer.drop(index=net.heat_consumer.index)


@pytest.mark.parametrize(
    ("harm", "text"),
    [
        (break_pump, "1 circ_pump_pressure of type p; expected one in service of type pt"),
        (drop_consumers, "heat.json: no heat_consumer, expected at least one"),
    ],
)
def test_files_that_cannot_be_used(make: Make, harm: Callable[[Any], None], text: str) -> None:
    net = street()
    harm(net)
    with pytest.raises(GridError, match=text):
        make(net, background_kw=np.zeros(len(net.heat_consumer)))


def test_unknown_consumers_and_useless_temperatures(make: Make) -> None:
    with pytest.raises(GridError, match="no heat_consumer 77"):
        make(street(), [at("mill", 77)])
    with pytest.raises(
        GridError, match="supply temperature 50 C and return temperature 55 C leave"
    ):
        make(street(), settings={"supply_temperature_c": 50.0, "return_temperature_c": 55.0})
    with pytest.raises(GridError, match="feed in at 70 C and at 75 C"):
        make(street(), [at("a", 0, 70.0), at("b", 0, 75.0)])


def test_cooling_is_the_same_with_the_signs_turned(make: Make) -> None:
    net = tree_network(10, seed=3)
    net.heat_consumer["qext_w"] *= 0.3
    grid = make(net, [at("shop", 9)], steps=3)
    section = {
        "kind": "cooling",
        "file": "heat.json",
        "supply_temperature_c": 6.0,
        "return_temperature_c": 12.0,
        "ground_temperature_c": 15.0,
    }
    settings = HeatNetwork.model_validate(section)
    cold = HeatGrid(replace(grid.inputs, kind="cooling", settings=settings))
    injections = inject(cold, [[-5.0], [0.0], [20.0]])
    fast, plain = cold.verify(injections), cold.verify(injections, "reference")
    assert not fast.failures
    assert not plain.failures
    assert (fast.loss_kw > 0.0).all()
    assert np.diff(fast.slack_kw)[0] == pytest.approx(-5.0, abs=0.3)
    assert np.diff(fast.slack_kw)[1] == pytest.approx(-20.0, abs=0.3)
    t_fast, t_plain = (s.get("junction", "t_k").values for s in (fast, plain))
    assert np.abs(t_fast - t_plain).max() < 1e-5
