"""Wind turbines from the weather, against windpowerlib's own model chain and the cubic curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import windpowerlib
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cosim.market.wind_power import (
    Turbine,
    cubic_power_kw,
    hub_density,
    hub_wind,
    turbine_power_kw,
)
from tests.support.site import weather

WIND = tuple(np.linspace(0.0, 30.0, 61))


def model_chain(name, hub_m, one, **settings):
    turbine = windpowerlib.WindTurbine(turbine_type=name, hub_height=hub_m)
    site, steps = one.site, len(one.time)
    columns = {
        ("wind_speed", site.wind_height_m): one.series["wind_speed_m_per_s"],
        ("temperature", site.temperature_height_m): one.series["temperature_c"] + 273.15,
        ("pressure", site.pressure_height_m): one.series["pressure_pa"],
        ("roughness_length", 0): np.full(steps, site.roughness_length_m),
    }
    chain = windpowerlib.ModelChain(turbine, **settings).run_model(pd.DataFrame(columns))
    return chain.power_output.to_numpy() / 1000.0


@pytest.mark.parametrize("name", ["E-126/4200", "V90/2000", "SWT120/3600"])
@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize(
    ("law", "settings"),
    [
        ("logarithmic", {"wind_speed_model": "logarithmic"}),
        ("power", {"wind_speed_model": "hellman", "hellman_exp": 0.2}),
    ],
)
def test_power_is_that_of_windpowerlibs_own_chain(name, corrected, law, settings):
    one = weather(
        {"wind_speed_m_per_s": WIND, "temperature_c": 5.0, "pressure_pa": 96_000.0}, steps=61
    )
    fields = {"height_law": law, "height_exponent": 0.2, "density_correction": corrected}
    turbine = Turbine(name=name, hub_height_m=110.0, **fields)
    expected = model_chain(name, 110.0, one, density_correction=corrected, **settings)
    assert expected.max() > 1500.0
    np.testing.assert_allclose(
        turbine_power_kw(turbine, turbine.nominal_kw(), one), expected, rtol=1e-9, atol=1e-9
    )
    doubled = turbine_power_kw(turbine, 2.0 * turbine.nominal_kw(), one)
    np.testing.assert_allclose(doubled, 2.0 * expected, rtol=1e-9, atol=1e-9)


def test_cubic_curve_by_hand():
    # cut-in 3, rated 12: at 7.5 (421.875 - 27) / (1728 - 27)
    wind = np.array([0.0, 2.9, 3.0, 7.5, 12.0, 20.0, 25.0, 25.1])
    expected = [0.0, 0.0, 0.0, 394.875 / 1701.0, 1.0, 1.0, 1.0, 0.0]
    np.testing.assert_allclose(
        cubic_power_kw(100.0, wind, 3.0, 12.0, 25.0), np.multiply(100, expected)
    )


def test_height_laws_by_hand():
    one = weather({"wind_speed_m_per_s": 6.0}, steps=1, roughness_length_m=0.1)
    log = Turbine(hub_height_m=100.0)
    assert hub_wind(log, one) == pytest.approx(6.0 * np.log(1000.0) / np.log(100.0))
    power = Turbine(hub_height_m=80.0, height_law="power")
    assert hub_wind(power, one) == pytest.approx(6.0 * 8.0 ** (1.0 / 7.0))
    same = Turbine(hub_height_m=80.0, height_law="none")
    assert hub_wind(same, one) == pytest.approx(6.0)


def test_density_without_a_pressure_is_that_of_the_standard_atmosphere():
    # at 0 m, 15 C and next to the ground: 1.225; at 2000 m the table of ISO 2533 has 1.0066
    hub = Turbine(hub_height_m=0.001, height_law="none")
    sea = weather(
        {"wind_speed_m_per_s": 1.0, "temperature_c": 15.0},
        steps=1, altitude_m=0.0, temperature_height_m=0.001,
    )  # fmt: skip
    assert hub_density(hub, sea) == pytest.approx(1.225, abs=1e-3)
    high = weather(
        {"wind_speed_m_per_s": 1.0, "temperature_c": 2.0},
        steps=1, altitude_m=2000.0, temperature_height_m=0.001,
    )  # fmt: skip
    assert hub_density(hub, high) == pytest.approx(1.0066, abs=1.5e-3)


def test_thin_air_acts_like_less_wind_but_the_storm_stops_the_turbine_all_the_same():
    series = {"wind_speed_m_per_s": (8.0, 15.0, 25.0, 25.5), "temperature_c": 30.0}
    thin = weather(series | {"pressure_pa": 80_000.0}, steps=4)
    turbine = Turbine(hub_height_m=10.0, density_correction=True, height_law="none")
    density = hub_density(turbine, thin)[0]
    found = turbine_power_kw(turbine, 100.0, thin)
    slower = 8.0 * (density / 1.225) ** (1.0 / 3.0)
    assert found[0] == pytest.approx(100.0 * (slower**3 - 27.0) / 1701.0)
    np.testing.assert_allclose(found[1:], [100.0, 100.0, 0.0])
    dense = weather(series | {"pressure_pa": 108_000.0, "temperature_c": -30.0}, steps=4)
    np.testing.assert_allclose(turbine_power_kw(turbine, 100.0, dense)[1:], [100.0, 100.0, 0.0])


@settings(max_examples=60, deadline=None)
@given(
    cut_in=st.floats(0.0, 5.0),
    rated=st.floats(8.0, 16.0),
    cut_out=st.floats(18.0, 30.0),
    wind=st.floats(0.0, 40.0),
)
def test_the_cubic_curve_is_bounded_rises_and_is_continuous_up_to_the_cut_out(
    cut_in, rated, cut_out, wind
):
    speeds = np.linspace(0.0, cut_out, 20_001)
    power = cubic_power_kw(1.0, speeds, cut_in, rated, cut_out)
    assert np.all((power >= 0.0) & (power <= 1.0))
    assert np.all(np.diff(power) >= 0.0)
    steepest = 3.0 * rated**2 / (rated**3 - cut_in**3)
    assert np.all(np.diff(power) <= steepest * np.diff(speeds) * (1.0 + 1e-9))
    beyond = cubic_power_kw(1.0, np.array([wind]), cut_in, rated, cut_out)
    assert (beyond[0] == 0.0) or cut_in < wind <= cut_out


def test_an_unknown_turbine_is_refused_with_the_closest_names():
    with pytest.raises(ValidationError) as caught:
        Turbine(name="E-126/4201", hub_height_m=135.0)
    assert "no power curve for 'E-126/4201' among the " in str(caught.value)
    assert "closest are E-126/4200, " in str(caught.value)
    with pytest.raises(ValidationError, match=r"closest are .*V90/2000"):
        Turbine(name="v90", hub_height_m=80.0)
    # in the library, but only with its data, not with a curve
    with pytest.raises(ValidationError, match="no power curve for 'AD132/5000'"):
        Turbine(name="AD132/5000", hub_height_m=80.0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"hub_height_m": 135.0, "name": "E-126/4200", "cut_in_m_per_s": 3.0},
            "both name and cut_in_m_per_s given; the turbine's own curve takes their place",
        ),
        (
            {"hub_height_m": 60.0, "name": "E-126/4200"},
            "hub_height_m 60 is not above the rotor's radius of E-126/4200; give a higher hub",
        ),
        (
            {"hub_height_m": 60.0, "cut_in_m_per_s": 13.0},
            "cut_in_m_per_s 13, rated_m_per_s 12 and cut_out_m_per_s 25 do not rise",
        ),
    ],
)
def test_turbines_that_cannot_be_are_refused(fields, message):
    with pytest.raises(ValidationError) as caught:
        Turbine.model_validate(fields)
    assert message in str(caught.value)
