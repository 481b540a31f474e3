"""Reactive power: the inverters' box, triangle and circle, and contracted apparent power."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cosim.errors import Infeasible
from cosim.market import Market
from cosim.market.reactive import circle
from cosim.records import Cut, CutKey, read_only
from cosim.scenario.participants import Connection
from cosim.scenario.rules import check_rules
from tests.support.community import scenario

TARIFFS = {"electricity": {"buy": 0.3, "sell": 0.1}}


def absorbed(available: list[float], connection: dict[str, Any], **devices: Any) -> np.ndarray:
    """Return q at each step where the network wants as much absorption as there can be."""
    roof = {"type": "pv", "profile": tuple(available), "curtailable": False}
    farm = {"connections": {"electricity": connection}, "devices": {"roof": roof, **devices}}
    count = len(available)
    case = scenario({"farm": farm}, TARIFFS, steps=count, networks={"grid": {"kind": "electric"}})
    market = Market(case, {})
    for t in range(count):
        key = CutKey("grid", "voltage_max", "bus", 0, t, 0)
        market.add_cuts(
            [Cut(key, ("farm",), read_only([0.0]), read_only([1.0]), -1000.0, outer=True)]
        )
    return market.solve(frozenset()).injections["grid"].q_kvar[:, 0]


def test_the_triangle_follows_what_is_generated_up_to_the_box() -> None:
    found = absorbed([0.0, 5.0, 20.0], {"reactive_max_kvar": 6, "inverter_power_factor_min": 0.9})
    # tan(acos 0.9) = 0.48432: 2.4216 at 5 kW; 9.69 at 20 kW is more than the box
    np.testing.assert_allclose(found, [0.0, -5.0 * 0.484322, -6.0], rtol=1e-5, atol=1e-6)


def test_the_circle_leaves_at_full_power_nothing_and_without_power_everything() -> None:
    power = [10.0, 10.0 * math.cos(math.pi / 6), 5.0, 0.0]
    found = absorbed(power, {"reactive_max_kvar": 20, "inverter_max_kva": 10})
    # corners of the polygon lie on the circle at 0, 30, 60 and 90 degrees
    np.testing.assert_allclose(found, [0.0, -5.0, -5.0 * math.sqrt(3.0), -10.0], atol=1e-6)


def test_power_above_the_inverters_is_curtailed() -> None:
    roof = {"type": "pv", "profile": (12.0, 8.0)}
    connection = {"inverter_max_kva": 10.0}
    farm = {"connections": {"electricity": connection}, "devices": {"roof": roof}}
    case = scenario({"farm": farm}, TARIFFS, steps=2, networks={"grid": {"kind": "electric"}})
    grid = Market(case, {}).solve(frozenset()).injections["grid"]
    np.testing.assert_allclose(grid.p_kw[:, 0], [10.0, 8.0], atol=1e-6)


def test_a_battery_loads_the_inverter_in_both_directions() -> None:
    # the roof's 4 kW are stored, 4 kW come out again: 4 kW or nothing but the roof's 0 in between
    battery = {"type": "battery", "capacity_kwh": 8, "eta_charge": 1, "eta_discharge": 1}
    limits = {"reactive_max_kvar": 20, "inverter_power_factor_min": 0.9, "export_max_kw": 2}
    found = absorbed([4.0, 0.0], limits, store=battery)
    # 4 kW made, 2 stored (export 2), 2 taken out: 6 and 2 kW through inverters
    np.testing.assert_allclose(found, [-6.0 * 0.484322, -2.0 * 0.484322], rtol=1e-5)


def house(demand: float, **connection: Any) -> Market:
    people = {
        "home": {
            "connections": {"electricity": {"apparent_max_kva": 10.0, **connection}},
            "demand": {"electricity": demand},
        }
    }
    return Market(scenario(people, TARIFFS, steps=1, networks={"grid": {"kind": "electric"}}), {})


def test_contracted_apparent_power_is_kept_by_compensation_where_there_is_some() -> None:
    # at 15 degrees on the circle: 9.659 kW and 2.588 kvar; the demand alone would draw 3.175 kvar
    demand = 10.0 * math.cos(math.pi / 12)
    grid = house(demand, reactive_max_kvar=5.0).solve(frozenset()).injections["grid"]
    np.testing.assert_allclose(grid.p_kw[:, 0], -demand)
    np.testing.assert_allclose(grid.q_kvar[:, 0], -10.0 * math.sin(math.pi / 12), atol=1e-6)


def test_demand_beyond_the_contracted_apparent_power_is_named() -> None:
    assert house(9.0).solve(frozenset()).optimal
    with pytest.raises(Infeasible, match=r"home lacks .*import_max_kw or apparent_max_kva"):
        house(10.0 * math.cos(math.pi / 12)).solve(frozenset())


@given(st.floats(0.1, 1000.0), st.floats(-math.pi, math.pi), st.floats(0.0, 1.2))
def test_the_polygon_is_inside_the_circle_and_close_to_it(
    radius: float, angle: float, share: float
) -> None:
    x, y = share * radius * math.cos(angle), share * radius * math.sin(angle)
    inside = all(a * x + b * y <= most for a, b, most in circle(radius).values())
    if share <= 0.991:
        assert inside
    if share > 1.0 + 1e-9:
        assert not inside


def test_a_triangle_needs_a_size() -> None:
    with pytest.raises(ValidationError, match="without reactive_max_kvar; give reactive_max_kvar"):
        Connection(inverter_power_factor_min=0.9)


def rules(people: dict[str, Any]) -> list[str]:
    case = scenario(people, TARIFFS | {"heat": {"buy": 0.1}})
    return [str(problem) for problem in check_rules(case.config, {}, 4)]


def test_apparent_power_without_an_electric_network_is_refused() -> None:
    home = {"connections": {"electricity": {"apparent_max_kva": 10.0}}}
    assert rules({"home": home}) == [
        "participants.home.connections.electricity.apparent_max_kva: 10; expected nothing: only "
        "electric networks have reactive power; remove it, or add an electric network"
    ]


def test_demand_response_may_not_take_away_more_than_there_is() -> None:
    shift = {"type": "shiftable_demand", "share": 0.7}
    cut = {"type": "curtailable_demand", "share": 0.4, "cost_per_kwh": 1.0}
    home = {
        "connections": {"electricity": {}, "heat": {}},
        "demand": {"electricity": 5.0, "heat": 5.0},
        "devices": {"shift": shift, "cut": cut},
    }
    assert rules({"home": home}) == [
        "participants.home.devices: shift 0.7, cut 0.4 take away 1.1 of the electricity demand; "
        "expected shares that add up to at most 1; lower share in one of them"
    ]
    home["devices"] = {"shift": shift, "cut": cut | {"carrier": "heat"}}
    assert rules({"home": home}) == []
