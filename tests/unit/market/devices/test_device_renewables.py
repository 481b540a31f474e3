"""Photovoltaics and wind: profiles, curtailment and its penalty."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from cosim.errors import ScenarioError
from tests.support.site import weather


@pytest.mark.parametrize("device", ["pv", "wind"])
def test_profile_per_rated_kw_is_scaled(bench, device):
    plant = bench(device, {"profile": "sun", "rated_kw": 40}, profiles={"sun": [0, 0.5, 1, 0.25]})
    plant.minimise(-plant.total("electricity"))
    np.testing.assert_allclose(plant.flow("electricity"), [0.0, 20.0, 40.0, 10.0])
    np.testing.assert_allclose(plant.report("electricity", "curtailed_kw"), 0.0, atol=1e-9)


@pytest.mark.parametrize("device", ["pv", "wind"])
def test_profile_in_kw_needs_no_rating(bench, device):
    plant = bench(device, {"profile": (0.0, 3.0)}, steps=2)
    plant.minimise(-plant.total("electricity"))
    np.testing.assert_allclose(plant.flow("electricity"), [0.0, 3.0])


def test_curtails_only_where_the_price_is_below_the_penalty(bench):
    pv = bench("pv", {"profile": 10.0, "curtailment_per_kwh": 0.02}, steps=3, step_h=0.5)
    # income 0.01 a kWh: produce; -0.01: still cheaper than 0.02; -0.05: curtail
    best = pv.minimise(pv.cost() - pv.total("electricity", [0.01, -0.01, -0.05]))
    np.testing.assert_allclose(pv.flow("electricity"), [10.0, 10.0, 0.0], atol=1e-9)
    assert best == pytest.approx(-0.05 + 0.05 + 0.1)


def test_not_curtailable_means_what_the_weather_gives(bench):
    wind = bench("wind", {"profile": (4.0, 0.0), "curtailable": False}, steps=2)
    wind.minimise(wind.total("electricity"))
    np.testing.assert_allclose(wind.flow("electricity"), [4.0, 0.0])


def test_maintenance_is_paid_for_what_is_produced(bench):
    wind = bench("wind", {"profile": 8.0, "maintenance_per_kwh": 0.5, "curtailable": False})
    assert wind.minimise(wind.cost()) == pytest.approx(16.0)


def test_negative_profile_is_refused_with_its_step(bench):
    with pytest.raises(ScenarioError) as caught:
        bench("pv", {"profile": "sun"}, profiles={"sun": [0.0, 1.0, -0.2, 1.0]})
    assert str(caught.value) == (
        "device.profile: -0.2 at step 2; expected 0 or more at every step; "
        "correct the profile or its scale and offset"
    )


def test_missing_values_are_refused(bench):
    with pytest.raises(ScenarioError, match="nan at step 1"):
        bench("wind", {"profile": "v"}, profiles={"v": [0.0, float("nan"), 1.0, 1.0]})


PLANE = {"tilt_deg": 30, "azimuth_deg": 180, "irradiance": "plane", "cell_model": "faiman"}


def test_photovoltaics_follow_the_weather_and_may_be_curtailed(bench):
    # 500 W/m2 at 10 C and 0 m/s: cell 10 + 500 / 25 = 30 C; 100 kWp x 0.5 x (1 - 0.004 x 5) = 49
    air = weather(
        {"poa_w_per_m2": (0.0, 500.0), "temperature_c": 10.0, "wind_speed_m_per_s": 0.0}, steps=2
    )
    fields = {
        "rated_kw": 100,
        "array": PLANE | {"gamma_per_k": -0.004},
        "curtailment_per_kwh": 0.1,
    }
    plant = bench("pv", fields, steps=2, weather=air)
    plant.minimise(-plant.total("electricity"))
    np.testing.assert_allclose(plant.flow("electricity"), [0.0, 49.0], atol=1e-9)
    # 20 kW may be fed in: 29 kWh are given up for 0.1 each
    plant.fix("generation", [None, 20.0])
    assert plant.minimise(plant.cost()) == pytest.approx(2.9)
    np.testing.assert_allclose(plant.report("electricity", "curtailed_kw"), [0.0, 29.0], atol=1e-9)


def test_wind_follows_the_cubic_curve(bench):
    air = weather({"wind_speed_m_per_s": (2.0, 7.5, 15.0, 26.0)}, steps=4)
    turbine = {"hub_height_m": 10, "height_law": "none"}
    park = bench("wind", {"rated_kw": 1701, "turbine": turbine}, weather=air)
    park.minimise(-park.total("electricity"))
    # (7.5^3 - 3^3) / (12^3 - 3^3) x 1701 = 394.875
    np.testing.assert_allclose(park.flow("electricity"), [0.0, 394.875, 1701.0, 0.0], atol=1e-9)


@pytest.mark.parametrize(("rated_kw", "share"), [(None, 1.0), (12_600.0, 3.0)])
def test_wind_by_name_is_one_turbine_or_as_many_as_the_rating_makes(bench, rated_kw, share):
    # the library's curve of this turbine has 745 kW at 6 m/s and 2450 kW at 9 m/s
    air = weather({"wind_speed_m_per_s": (6.0, 9.0)}, steps=2)
    turbine = {"name": "E-126/4200", "hub_height_m": 135, "height_law": "none"}
    park = bench("wind", {"turbine": turbine, "rated_kw": rated_kw}, steps=2, weather=air)
    park.minimise(-park.total("electricity"))
    np.testing.assert_allclose(park.flow("electricity"), [745.0 * share, 2450.0 * share])


@pytest.mark.parametrize(
    ("device", "fields", "message"),
    [
        ("pv", {}, "neither of profile and array given; give profile for a known output, or array"),
        ("pv", {"profile": 1, "array": PLANE}, "both of profile and array given"),
        ("pv", {"array": PLANE}, "array without rated_kw; give rated_kw, the peak power in kWp"),
        ("wind", {}, "neither of profile and turbine given"),
        ("wind", {"turbine": {"hub_height_m": 50}}, "turbine without rated_kw; give rated_kw, or"),
    ],
)
def test_plants_say_what_is_missing(bench, device, fields, message):
    with pytest.raises(ValidationError) as caught:
        bench(device, fields)
    assert message in str(caught.value)


def test_a_plant_without_weather_and_a_hub_in_the_bushes_are_refused(bench):
    with pytest.raises(ScenarioError) as caught:
        bench("pv", {"rated_kw": 1, "array": PLANE})
    assert str(caught.value) == (
        "device: needs weather, and there is no weather section; expected a profile or the "
        "weather; add it"
    )
    air = weather({"wind_speed_m_per_s": 5.0}, steps=4, roughness_length_m=1.5)
    with pytest.raises(ScenarioError) as caught:
        bench("wind", {"rated_kw": 1, "turbine": {"hub_height_m": 1}}, weather=air)
    assert str(caught.value) == (
        "device.turbine.hub_height_m: 1; expected above weather.roughness_length_m, 1.5; correct "
        "one of them"
    )
