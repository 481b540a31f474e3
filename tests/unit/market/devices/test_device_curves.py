"""Efficiency curves of several segments: exact at every point, in order between them."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from cosim.market import Market
from cosim.market.devices.chp import Chp
from tests.support.community import scenario

POWER = (40.0, 60.0, 80.0, 100.0)
CONVEX = (120.0, 170.0, 225.0, 285.0)
"""Fuel; slopes 2.5, 2.75, 3."""
BENT = (120.0, 180.0, 230.0, 285.0)
"""Fuel; slopes 3, 2.5, 2.75: the second segment is cheaper than the first."""
KINDS = ["chp", "blended_turbine"]


def fuel_of(unit):
    return sum(unit.block.fuel[t] for t in unit.axes.steps)


def fields(fuel):
    points = [[p / 100.0, p / f] for p, f in zip(POWER, fuel, strict=True)]
    return {"power_max_kw": 100, "efficiency_curve": points, "heat_dump_allowed": True}


@pytest.mark.covers(
    "chp.segment_sum",
    "chp.segment_fuel",
    "chp.segment_ceiling",
    "blended_turbine.segment_sum",
    "blended_turbine.segment_fuel",
    "blended_turbine.segment_ceiling",
)
@pytest.mark.parametrize("device", KINDS)
@pytest.mark.parametrize("fuel", [CONVEX, BENT])
def test_fuel_at_the_points_and_halfway(bench, device, fuel):
    power = [*POWER, 50.0, 70.0, 90.0, 0.0]
    unit = bench(device, fields(fuel), steps=8).fix("power", power)
    unit.minimise(fuel_of(unit))
    expected = np.interp(power[:-1], POWER, fuel)
    np.testing.assert_allclose(unit.values("fuel"), [*expected, 0.0], atol=1e-6)


@pytest.mark.covers("chp.segment_ceiling", "blended_turbine.segment_ceiling")
@pytest.mark.parametrize("device", KINDS)
def test_the_first_point_is_the_lowest_load(bench, no_schedule, device):
    unit = bench(device, fields(CONVEX), steps=1).fix("power", [39.0])
    with pytest.raises(no_schedule):
        unit.minimise(0.0)


@pytest.mark.covers(
    "chp.segment_full",
    "chp.segment_next",
    "blended_turbine.segment_full",
    "blended_turbine.segment_next",
)
@pytest.mark.parametrize("device", KINDS)
def test_a_cheap_segment_behind_a_dear_one_waits_for_it(bench, device):
    unit = bench(device, fields(BENT), steps=1).fix("power", [70.0])
    # out of order it would be 120 + 20 * 2.5 + 10 * 3 = 200
    assert unit.minimise(fuel_of(unit)) == pytest.approx(205.0)
    assert not unit.ports.exclusive


@pytest.mark.covers("chp.segment_full", "chp.segment_next")
@pytest.mark.parametrize("device", KINDS)
def test_a_convex_curve_is_exact_without_binaries_unless_burning_pays(bench, device):
    dear = bench(device, fields(CONVEX), steps=1).fix("power", [70.0])
    assert dear.minimise(fuel_of(dear)) == pytest.approx(197.5)
    assert not hasattr(dear.block, "full")
    relaxed = bench(device, fields(CONVEX), steps=1).fix("power", [70.0])
    assert relaxed.minimise(-fuel_of(relaxed)) == pytest.approx(-(120 + 20 * 3 + 10 * 2.75))
    free, used = relaxed.ports.exclusive["segment_0"]
    # last segment full, half of the middle one, nothing of the first
    assert [free(0)(), used(0)()] == pytest.approx([20.0, 10.0])
    exact = bench(device, fields(CONVEX), steps=1, relax=False).fix("power", [70.0])
    assert exact.minimise(-fuel_of(exact)) == pytest.approx(-197.5)


def test_the_market_keeps_the_order_where_gas_is_paid_for_burning():
    unit = {"type": "chp", **fields(CONVEX)}
    works = {
        "connections": {"gas": {}, "electricity": {"export_max_kw": 0.0}},
        "demand": {"electricity": 70.0},
        "devices": {"engine": unit},
    }
    tariffs = {"gas": {"buy": -0.1}, "electricity": {"buy": 9.0}}
    schedule = Market(scenario({"works": works}, tariffs, steps=2), {}).solve(frozenset())
    # importing electricity instead would be dearer by far
    assert schedule.cost == pytest.approx(-0.1 * 197.5 * 2)


def test_two_points_are_a_line(bench):
    points = [[0.5, 0.3], [1.0, 0.4]]
    curve = Chp(power_max_kw=100, efficiency_curve=points)
    line = Chp(power_max_kw=100, eta_el_full=0.4, eta_el_part=0.3)
    assert curve.fuel_line() == pytest.approx(line.fuel_line())
    assert curve.output_range_kw() == (50.0, 100.0)
    unit = bench("chp", {"power_max_kw": 100, "efficiency_curve": points}, steps=1)
    assert not hasattr(unit.block, "part")


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[1.0, 0.4]], "loads 1; give two or more points with rising loads, the last at load 1"),
        ([[0.5, 0.3], [0.9, 0.4]], "loads 0.5, 0.9; give two or more"),
        ([[0.5, 0.3], [0.4, 0.3], [1.0, 0.4]], "loads 0.5, 0.4, 1; give two or more"),
        ([[0.5, 0.2], [0.6, 0.3], [1.0, 0.4]], "the efficiency 0.2 at load 0.5 needs as much"),
        ([[0.5, 0.96], [1.0, 0.96]], "at 50% load 50 kW of electricity is more than the 49.479"),
    ],
)
def test_curves_that_cannot_be_are_refused(points, message):
    with pytest.raises(ValidationError, match=message):
        Chp(power_max_kw=100, efficiency_curve=points)


def test_a_curve_takes_the_place_of_the_single_efficiencies():
    with pytest.raises(ValidationError, match="both efficiency_curve and eta_el_full, load_min"):
        Chp(
            power_max_kw=100,
            efficiency_curve=[[0.5, 0.3], [1.0, 0.4]],
            load_min=0.4,
            eta_el_full=0.4,
        )
