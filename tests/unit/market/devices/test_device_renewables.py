"""Photovoltaics and wind: profiles, curtailment and its penalty."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.errors import ScenarioError


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
