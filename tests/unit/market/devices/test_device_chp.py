"""CHP: threshold, fuel line, recovered heat. On and off: test_device_commitment.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cosim.market.devices.chp import Chp

UNIT = {"power_max_kw": 100, "load_min": 0.5, "eta_el_full": 0.4, "eta_el_part": 0.3}
"""250 kW fuel at 100 kW, 166 2/3 kW at 50 kW: slope 5/3, no-load 83 1/3 kW."""


@pytest.mark.covers("chp.load_floor", "chp.load_ceiling")
def test_running_means_between_threshold_and_rating(bench):
    unit = bench("chp", UNIT, steps=3).fix("online", [1, 1, 0])
    unit.minimise(unit.total("electricity", [1, -1, -1]))
    np.testing.assert_allclose(unit.flow("electricity"), [50.0, 100.0, 0.0], atol=1e-6)


@pytest.mark.covers("chp.load_floor")
def test_no_power_between_zero_and_threshold(bench, no_schedule):
    unit = bench("chp", UNIT, steps=1).fix("power", [49.0])
    with pytest.raises(no_schedule):
        unit.minimise(0.0)


@pytest.mark.covers("chp.fuel_curve")
def test_fuel_is_exact_at_both_points_and_linear_between(bench):
    unit = bench("chp", UNIT).fix("power", [100, 50, 75, 0]).fix("online", [1, 1, 1, 0])
    unit.minimise(0.0)
    np.testing.assert_allclose(unit.flow("gas"), [-250, -500 / 3, -625 / 3, 0], atol=1e-6)


@pytest.mark.covers("chp.fuel_curve")
def test_a_unit_without_lowest_load_and_part_load_efficiency_has_no_states(bench):
    unit = bench("chp", {"power_max_kw": 100, "load_min": 0.0, "eta_el_full": 0.4}, steps=2)
    assert not hasattr(unit.block, "online")
    unit.fix("power", [100.0, 1.0]).minimise(0.0)
    np.testing.assert_allclose(unit.flow("gas"), [-250.0, -2.5], atol=1e-6)


@pytest.mark.parametrize(
    "fields",
    [
        {"load_min": 0.1},
        {"load_min": 0.0, "eta_el_part": 0.3},
        {"load_min": 0.0, "start_cost": 1.0},
        {"load_min": 0.0, "ramp_max_kw_per_h": 10.0},
        {"efficiency_curve": [(0.5, 0.3), (1.0, 0.4)]},
    ],
)
def test_all_others_are_on_or_off(bench, fields):
    assert hasattr(bench("chp", {"power_max_kw": 100, **fields}).block, "online")


def test_fuel_line_without_part_load_efficiency_goes_through_zero():
    assert Chp(power_max_kw=100, eta_el_full=0.4).fuel_line() == (pytest.approx(2.5), 0.0)


def test_part_load_point_need_not_be_the_threshold():
    slope, no_load_kw = Chp(
        power_max_kw=100, load_min=0.6, eta_el_full=0.4, eta_el_part=0.32, part_load=0.4
    ).fuel_line()
    assert slope * 40 + no_load_kw == pytest.approx(125.0)
    assert slope * 100 + no_load_kw == pytest.approx(250.0)


@pytest.mark.covers("chp.heat_recovery")
def test_heat_is_the_recovered_share_of_what_is_left(bench):
    unit = bench("chp", {**UNIT, "loss_share": 0.1, "heat_recovered_share": 0.8}, steps=2)
    unit.fix("power", [100, 0]).fix("online", [1, 0])
    unit.minimise(0.0)
    # 0.8 * (0.9 * 250 - 100)
    np.testing.assert_allclose(unit.flow("heat"), [100.0, 0.0], atol=1e-6)


@pytest.mark.covers("chp.heat_recovery")
def test_heat_can_be_dumped_only_where_the_unit_says_so(bench, no_schedule):
    fields = {**UNIT, "loss_share": 0.1, "heat_recovered_share": 0.8}
    strict = bench("chp", fields, steps=1).fix("power", [100]).fix("heat", [60])
    with pytest.raises(no_schedule):
        strict.minimise(0.0)
    cooled = bench("chp", {**fields, "heat_dump_allowed": True}, steps=1)
    cooled.fix("power", [100]).fix("heat", [60]).minimise(0.0)
    assert cooled.report("heat", "dumped_kw") == pytest.approx([40.0])
    assert ("heat", "dumped_kw") not in strict.ports.report


def test_binaries_and_starts_exist_only_where_needed(bench):
    assert not hasattr(bench("chp", UNIT).block, "commitment")
    assert not hasattr(bench("chp", {**UNIT, "start_cost": 1}).block, "ramp_up")


@settings(max_examples=25, deadline=None)
@given(
    prices=st.lists(st.floats(-0.5, 0.5), min_size=3, max_size=5),
    load_min=st.floats(0.1, 0.9),
    gas=st.floats(0.0, 0.2),
    start_cost=st.sampled_from([0.0, 2.0]),
    up_h=st.sampled_from([0.0, 2.0]),
)
def test_never_between_zero_and_threshold(bench, prices, load_min, gas, start_cost, up_h):
    fields = {"power_max_kw": 80, "load_min": load_min, "eta_el_part": 0.34}
    fields |= {"start_cost": start_cost, "up_time_min_h": up_h, "ramp_max_kw_per_h": 60}
    unit = bench("chp", fields, steps=len(prices))
    unit.minimise(
        unit.cost()
        - unit.total("electricity", prices)
        - unit.total("gas", [gas] * len(prices))
        - unit.total("heat", [0.03] * len(prices))
    )
    power = unit.flow("electricity")
    running = power > 1e-5
    assert np.all(power[running] >= load_min * 80 - 1e-5)
    np.testing.assert_array_equal(running, np.round(unit.values("online")) == 1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"eta_el_full": 0.4, "eta_el_part": 0.15},
            "eta_el_part 0.15 at part_load 0.5 needs more fuel than full load at eta_el_full 0.4; "
            "give an eta_el_part above 0.2",
        ),
        (
            {"eta_el_full": 0.97},
            "at 50% load 50 kW of electricity is more than the 48.9691 kW of fuel left after "
            "loss_share 0.05; lower the electric efficiencies or loss_share",
        ),
        (
            {"initial_power_kw": 20},
            "initial_power_kw 20 is neither 0 nor between 50 and 100; give 0 for off or a power "
            "in that range",
        ),
    ],
)
def test_contradictions_are_explained(fields, message):
    with pytest.raises(ValidationError) as caught:
        Chp.model_validate({"power_max_kw": 100, **fields})
    assert message in str(caught.value)
