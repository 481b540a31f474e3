"""Chillers and heat pumps over the lift: EER and COP, lowest load, sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cosim.errors import ScenarioError
from cosim.market.devices.compression_chiller import carnot_eer
from cosim.market.devices.heat_pump import carnot_cop
from cosim.market.devices.lift import lift_curve

RUHNAU_AIR = [6.08, -0.09, 0.0005]


@pytest.mark.covers("compression_chiller.cooling_output")
def test_chiller_follows_its_eer_profile_and_keeps_the_tighter_limit(bench):
    fields = {"electric_max_kw": 10, "cooling_max_kw": 35, "eer": "eer", "maintenance_per_kwh": 0.1}
    chiller = bench("compression_chiller", fields, steps=3, profiles={"eer": [3.0, 3.5, 4.0]})
    # most cooling: 10 x 3, 10 x 3.5, then the 35 kW of the rating
    chiller.minimise(-chiller.total("cooling"))
    np.testing.assert_allclose(chiller.flow("cooling"), [30.0, 35.0, 35.0])
    np.testing.assert_allclose(chiller.flow("electricity"), [-10.0, -10.0, -8.75])
    chiller.fix("cooling", [30.0, 0.0, 10.0])
    assert chiller.minimise(chiller.cost()) == pytest.approx(4.0)


@pytest.mark.covers("compression_chiller.cooling_output")
def test_eer_from_the_weather_is_quality_times_carnot(bench):
    fields = {
        "electric_max_kw": 1,
        "outdoor_temperature_c": "air",
        "chilled_temperature_c": 7.0,
        "quality_grade": 0.3,
        "eer_max": 8,
    }
    chiller = bench("compression_chiller", fields, profiles={"air": [35.0, 21.0, 7.0, -5.0]})
    chiller.minimise(-chiller.total("cooling"))
    # 280.15 K over lifts of 28 and 14 K; no lift: the ceiling
    expected = [0.3 * 280.15 / 28.0, 0.3 * 280.15 / 14.0, 8.0, 8.0]
    np.testing.assert_allclose(chiller.flow("cooling"), expected)


def test_carnot_eer_is_one_less_than_the_cop_of_the_same_cycle():
    # a reversed Carnot cycle: heat = cooling + work
    eer = carnot_eer(6.0, 40.0, 1.0, 1000.0)
    assert eer == pytest.approx(279.15 / 34.0)
    assert carnot_cop(6.0, 40.0, 1.0, 1000.0) == pytest.approx(eer + 1.0)


@pytest.mark.covers(
    "compression_chiller.load_floor",
    "compression_chiller.load_ceiling",
    "heat_pump.load_floor",
    "heat_pump.load_ceiling",
)
@pytest.mark.parametrize(
    ("device", "carrier", "size", "factor"),
    [
        ("compression_chiller", "cooling", "cooling_max_kw", "eer"),
        ("heat_pump", "heat", "heat_max_kw", "cop"),
    ],
)
def test_lowest_load_is_a_share_of_what_is_possible_at_the_step(
    bench, no_schedule, device, carrier, size, factor
):
    fields = {size: (40.0, 20.0, 40.0), factor: 4.0, "load_min": 0.25}
    machine = bench(device, fields, steps=3).fix(carrier, [10.0, 5.0, 0.0])
    machine.minimise(0.0)
    np.testing.assert_allclose(machine.flow("electricity"), [-2.5, -1.25, 0.0])
    assert machine.report(carrier, "online") == pytest.approx([1, 1, 0])
    below = bench(device, fields, steps=3).fix(carrier, [9.9, None, None])
    with pytest.raises(no_schedule):
        below.minimise(0.0)
    # paid to run: as little as it can, or not at all where it costs more
    paid = bench(device, fields, steps=3)
    assert paid.minimise(-paid.total("electricity", [1, -1, 1])) == pytest.approx(-5.0)


@pytest.mark.covers("absorption_chiller.cooling_output")
def test_absorption_chiller_turns_heat_into_cooling_with_a_little_electricity(bench):
    fields = {
        "cooling_max_kw": 70,
        "cop": (0.7, 0.8, 0.7),
        "electricity_share": 0.03,
        "maintenance_per_kwh": 0.01,
    }
    chiller = bench("absorption_chiller", fields, steps=3, step_h=0.5)
    chiller.minimise(-chiller.total("cooling"))
    np.testing.assert_allclose(chiller.flow("cooling"), [70.0] * 3)
    np.testing.assert_allclose(chiller.flow("heat"), [-100.0, -87.5, -100.0])
    np.testing.assert_allclose(chiller.flow("electricity"), [-2.1] * 3)
    np.testing.assert_allclose(chiller.report("heat", "consumption_kw"), -chiller.flow("heat"))
    chiller.fix("cooling", [70.0, 0.0, 35.0])
    assert chiller.minimise(chiller.cost()) == pytest.approx(0.01 * 105 * 0.5)


@pytest.mark.covers("absorption_chiller.load_floor", "absorption_chiller.load_ceiling")
def test_absorption_chiller_with_a_lowest_load(bench, no_schedule):
    fields = {"cooling_max_kw": 70, "load_min": 0.2, "electricity_share": 0.0}
    chiller = bench("absorption_chiller", fields, steps=3).fix("cooling", [70.0, 14.0, 0.0])
    chiller.minimise(0.0)
    np.testing.assert_allclose(chiller.flow("heat"), [-100.0, -20.0, 0.0])
    np.testing.assert_allclose(chiller.flow("electricity"), 0.0)
    with pytest.raises(no_schedule):
        bench("absorption_chiller", fields, steps=1).fix("cooling", [13.0]).minimise(0.0)


def test_heat_pump_cop_from_a_curve_over_the_lift(bench):
    fields = {"electric_max_kw": 1, "source_temperature_c": "air", "sink_temperature_c": 45.0}
    pump = bench(
        "heat_pump",
        {**fields, "cop_lift": RUHNAU_AIR, "cop_max": 5.5},
        profiles={"air": [5.0, -5.0, 40.0, 60.0]},
    )
    pump.minimise(-pump.total("heat"))
    # lifts of 40 and 50 K; 6.08 - 0.45 + 0.0125 = 5.6425 and no lift stop at the ceiling
    np.testing.assert_allclose(
        pump.flow("heat"), [6.08 - 3.6 + 0.8, 6.08 - 4.5 + 1.25, 5.5, 5.5], rtol=1e-9
    )


def test_chiller_eer_from_a_curve_over_the_lift(bench):
    fields = {"cooling_max_kw": 50, "outdoor_temperature_c": 36.0, "eer_lift": [6.0, -0.1, 0.0]}
    chiller = bench("compression_chiller", fields, steps=1).fix("cooling", [30.0])
    chiller.minimise(0.0)
    # lift 30 K: EER 3
    np.testing.assert_allclose(chiller.flow("electricity"), [-10.0])


@settings(max_examples=60, deadline=None)
@given(source=st.floats(-25.0, 30.0), sink=st.floats(31.0, 90.0), grade=st.floats(0.1, 1.0))
def test_more_lift_never_helps_and_nothing_beats_carnot(source, sink, grade):
    cop = carnot_cop(source, sink, grade, 100.0)
    assert 0.0 < cop <= (sink + 273.15) / (sink - source) + 1e-9
    assert carnot_cop(source - 1.0, sink, grade, 100.0) <= cop
    # the published curve falls up to a lift of 90 K
    lift = min(sink - source, 89.0)
    assert lift_curve(RUHNAU_AIR, lift + 1.0, 7.0) <= lift_curve(RUHNAU_AIR, lift, 7.0)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), eer=st.floats(1.0, 8.0), share=st.floats(0.0, 0.6))
def test_energy_of_a_chiller_adds_up_whatever_it_does(bench, data, eer, share):
    prices = st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=4)
    fields = {"cooling_max_kw": 10, "eer": eer, "load_min": share}
    chiller = bench("compression_chiller", fields)
    chiller.minimise(
        -chiller.total("cooling", data.draw(prices))
        - chiller.total("electricity", data.draw(prices))
    )
    cooling = chiller.flow("cooling")
    np.testing.assert_allclose(cooling, -eer * chiller.flow("electricity"), atol=1e-6)
    off, on = cooling <= 1e-6, cooling >= 10.0 * share - 1e-6
    assert np.all((off | on) & (cooling <= 10.0 + 1e-6))


@pytest.mark.parametrize(
    ("device", "fields", "message"),
    [
        ("compression_chiller", {"eer": 3}, "chiller has no size; give electric_max_kw, cooling_m"),
        (
            "compression_chiller",
            {"electric_max_kw": 5},
            "neither of eer and outdoor_temperature_c given; give eer for a known EER, or",
        ),
        (
            "compression_chiller",
            {"electric_max_kw": 5, "eer": 3, "outdoor_temperature_c": 30},
            "both of eer and outdoor_temperature_c given",
        ),
        (
            "compression_chiller",
            {"electric_max_kw": 5, "outdoor_temperature_c": 30, "eer_lift": [6, -0.1, 0],
             "quality_grade": 0.3},
            "eer_lift takes the place of eer and quality_grade; leave them out and give "
            "outdoor_temperature_c",
        ),
        (
            "heat_pump",
            {"electric_max_kw": 5, "cop": 3, "cop_lift": RUHNAU_AIR},
            "cop_lift takes the place of cop and quality_grade; leave them out and give "
            "source_temperature_c",
        ),
        ("absorption_chiller", {"cooling_max_kw": 0}, "greater than 0"),
        ("absorption_chiller", {"cooling_max_kw": 5, "electricity_share": 0.9}, "less than or eq"),
    ],
)  # fmt: skip
def test_machines_say_what_is_missing(bench, device, fields, message):
    with pytest.raises(ValidationError) as caught:
        bench(device, fields)
    assert message in str(caught.value)


def test_a_curve_that_ends_below_zero_is_refused_with_its_step(bench):
    fields = {"cooling_max_kw": 5, "outdoor_temperature_c": "air", "eer_lift": [4.0, -0.1, 0.0]}
    with pytest.raises(ScenarioError) as caught:
        bench("compression_chiller", fields, profiles={"air": [20.0, 30.0, 50.0, 60.0]})
    assert str(caught.value) == (
        "device.chilled_temperature_c: 6 C with outdoor_temperature_c 50 C at step 2 gives a "
        "performance of -0.4; expected above 0 at every step; correct the temperatures or the "
        "curve over the lift"
    )


def test_an_absorption_chiller_needs_a_positive_cop(bench):
    with pytest.raises(ScenarioError, match=r"device\.cop: 0 at step 2 and 1 more steps"):
        bench("absorption_chiller", {"cooling_max_kw": 5, "cop": (0.7, 0.7, 0.0, 0.0)})
