"""Boilers and heat pump: output over input, bounds, costs."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from cosim.errors import ScenarioError
from cosim.market.devices.heat_pump import HeatPump, carnot_cop


@pytest.mark.covers("boiler.heat_output")
def test_boiler_burns_heat_over_eta(bench):
    boiler = bench("boiler", {"heat_max_kw": 100, "eta": 0.92, "maintenance_per_kwh": 0.01})
    boiler.fix("heat", [0.0, 46.0, 92.0, 100.0])
    assert boiler.minimise(boiler.cost()) == pytest.approx(2.38)
    np.testing.assert_allclose(boiler.flow("gas"), [0.0, -50.0, -100.0, -100 / 0.92])
    np.testing.assert_allclose(boiler.flow("heat"), [0.0, 46.0, 92.0, 100.0])
    np.testing.assert_allclose(boiler.report("gas", "consumption_kw"), -boiler.flow("gas"))


def test_boiler_stops_at_its_rating(bench):
    boiler = bench("boiler", {"heat_max_kw": 80}, step_h=0.25)
    assert boiler.minimise(-boiler.total("heat")) == pytest.approx(-80.0)


def test_condensing_boiler_may_exceed_the_lower_heating_value(bench):
    boiler = bench("boiler", {"heat_max_kw": 105, "eta": 1.05}).fix("heat", [105.0] * 4)
    boiler.minimise(0.0)
    np.testing.assert_allclose(boiler.flow("gas"), [-100.0] * 4)


@pytest.mark.covers("boiler.load_floor", "boiler.load_ceiling", "boiler.fuel_curve")
def test_boiler_with_a_lowest_load_runs_at_two_points_and_between(bench, no_schedule):
    fields = {"heat_max_kw": 90, "eta": 0.9, "eta_part": 0.75, "part_load": 1 / 3, "load_min": 0.2}
    # fuel 100 at 90 kW and 40 at 30 kW: slope 1, no-load 10
    boiler = bench("boiler", fields).fix("heat", [90.0, 30.0, 18.0, 0.0])
    boiler.minimise(-boiler.total("gas"))
    np.testing.assert_allclose(boiler.flow("gas"), [-100.0, -40.0, -28.0, 0.0], atol=1e-6)
    assert boiler.report("heat", "online") == pytest.approx([1, 1, 1, 0])
    below = bench("boiler", fields, steps=1).fix("heat", [17.0])
    with pytest.raises(no_schedule):
        below.minimise(0.0)


def test_condensing_boiler_is_better_at_part_load_but_not_for_nothing(bench):
    fields = {"heat_max_kw": 100, "eta": 0.98, "eta_part": 1.05, "load_min": 0.2}
    boiler = bench("boiler", fields, steps=2).fix("heat", [100.0, 30.0])
    boiler.minimise(0.0)
    np.testing.assert_allclose(boiler.flow("gas"), [-100 / 0.98, -30 / 1.05])
    with pytest.raises(ValidationError, match="means no fuel at load_min 0; lower eta_part or"):
        bench("boiler", {**fields, "load_min": 0.0})
    with pytest.raises(ValidationError, match=r"give an eta_part above 0\.294"):
        bench("boiler", {**fields, "eta_part": 0.25})


@pytest.mark.covers("electric_boiler.heat_output")
def test_electric_boiler_is_bounded_by_its_power(bench):
    boiler = bench("electric_boiler", {"electric_max_kw": 50, "eta": 0.96})
    boiler.minimise(-boiler.total("heat"))
    np.testing.assert_allclose(boiler.flow("heat"), [48.0] * 4)
    np.testing.assert_allclose(boiler.flow("electricity"), [-50.0] * 4)


@pytest.mark.covers("heat_pump.heat_output")
def test_heat_pump_follows_its_cop_profile(bench):
    pump = bench(
        "heat_pump",
        {"electric_max_kw": 10, "cop": "cop"},
        steps=3,
        profiles={"cop": [2.0, 3.0, 4.0]},
    )
    pump.minimise(-pump.total("heat"))
    np.testing.assert_allclose(pump.flow("heat"), [20.0, 30.0, 40.0])
    np.testing.assert_allclose(pump.flow("electricity"), [-10.0] * 3)


def test_heat_pump_with_both_limits_keeps_the_tighter(bench):
    pump = bench(
        "heat_pump",
        {"electric_max_kw": 10, "heat_max_kw": (30.0, 30.0, 0.0), "cop": (2.0, 4.0, 4.0)},
        steps=3,
    )
    pump.minimise(-pump.total("heat"))
    np.testing.assert_allclose(pump.flow("heat"), [20.0, 30.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(pump.flow("electricity"), [-10.0, -7.5, 0.0], atol=1e-9)


def test_heat_pump_cop_from_temperatures_is_quality_times_carnot(bench):
    pump = bench(
        "heat_pump",
        {"electric_max_kw": 1, "source_temperature_c": "air", "quality_grade": 0.4, "cop_max": 5},
        steps=4,
        profiles={"air": [0.0, -10.0, 45.0, 60.0]},
    )
    pump.minimise(-pump.total("heat"))
    expected = [0.4 * 328.15 / 55.0, 0.4 * 328.15 / 65.0, 5.0, 5.0]
    np.testing.assert_allclose(pump.flow("heat"), expected)


def test_carnot_cop_textbook_value():
    # 7 C to 35 C: Carnot 308.15 / 28 = 11.0054
    assert carnot_cop(7.0, 35.0, 1.0, 100.0) == pytest.approx(11.005357, abs=1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"cop": 3.0},
            "heat pump has no size; give electric_max_kw, heat_max_kw or both",
        ),
        (
            {"electric_max_kw": 5},
            "neither of cop and source_temperature_c given; give cop for a known COP, or "
            "source_temperature_c for one that follows the weather",
        ),
        (
            {"electric_max_kw": 5, "cop": 3, "source_temperature_c": 5},
            "both of cop and source_temperature_c given; give cop for a known COP, or "
            "source_temperature_c for one that follows the weather",
        ),
    ],
)
def test_heat_pump_says_what_is_missing(fields, message):
    with pytest.raises(ValidationError) as caught:
        HeatPump.model_validate(fields)
    assert message in str(caught.value)


def test_cop_profile_has_to_be_positive(bench):
    with pytest.raises(ScenarioError) as caught:
        bench("heat_pump", {"heat_max_kw": 5, "cop": (3.0, 0.0, -1.0, 3.0)})
    assert str(caught.value) == (
        "device.cop: 0 at step 1 and 1 more steps; expected above 0 at every step; "
        "correct the profile or its scale and offset"
    )


@pytest.mark.parametrize(
    ("device", "fields"),
    [
        ("boiler", {"heat_max_kw": 10, "eta": 1.3}),
        ("boiler", {"heat_max_kw": 0}),
        ("electric_boiler", {"electric_max_kw": 10, "eta": 1.01}),
        ("heat_pump", {"electric_max_kw": 1, "source_temperature_c": 0, "quality_grade": 1.2}),
        ("boiler", {"heat_max_kw": 10, "supplies": ["gas"]}),
    ],
)
def test_values_out_of_range_are_refused(bench, device, fields):
    with pytest.raises(ValidationError):
        bench(device, fields)
