"""Photovoltaics from the weather, against pvlib's own model chain and the formula by hand."""

from __future__ import annotations

import numpy as np
import pvlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cosim.market.solar_power import PvArray, array_power_kw, cell_temperature, plane_irradiance
from tests.support.site import middles, weather

AIR = {"temperature_c": 20.0, "wind_speed_m_per_s": 2.0}
SOUTH = {"tilt_deg": 30.0, "azimuth_deg": 180.0}


def sun_over(one):
    return pvlib.solarposition.get_solarposition(
        middles(one), 48.0, 7.85, 280.0, temperature=one.series["temperature_c"]
    )


def clear_components(one):
    place = pvlib.location.Location(
        one.site.latitude_deg, one.site.longitude_deg, "UTC", one.site.altitude_m
    )
    sun = sun_over(one)
    return place, place.get_clearsky(middles(one), model="ineichen", solar_position=sun)


def cloudy_day():
    """A day with measured components: a clear sky with clouds in the afternoon."""
    _, clear = clear_components(weather(AIR))
    shade = np.where(np.arange(24) > 13, 0.3, 1.0)
    return {
        "ghi_w_per_m2": (clear["dhi"] + shade * (clear["ghi"] - clear["dhi"])).to_numpy(),
        "dni_w_per_m2": (shade * clear["dni"]).to_numpy(),
        "dhi_w_per_m2": clear["dhi"].to_numpy(),
        "temperature_c": 15.0 + 10.0 * np.sin(np.arange(24) / 24.0 * np.pi),
        "wind_speed_m_per_s": 1.0 + np.arange(24) / 8.0,
    }


def model_chain(one, array, model, family, mounting):
    """Power per kWp and irradiance as pvlib's own chain finds them."""
    place, _ = clear_components(one)
    parameters = pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS[family][mounting]
    system = pvlib.pvsystem.PVSystem(
        arrays=[
            pvlib.pvsystem.Array(
                pvlib.pvsystem.FixedMount(array.tilt_deg, array.azimuth_deg),
                albedo=array.albedo,
                module_parameters={"pdc0": 1.0, "gamma_pdc": array.gamma_per_k},
                temperature_model_parameters=parameters,
            )
        ],
        inverter_parameters={"pdc0": 10.0},
    )
    chain = pvlib.modelchain.ModelChain(
        system,
        place,
        transposition_model=array.sky,
        aoi_model="no_loss",
        spectral_model="no_loss",
        losses_model="no_loss",
        temperature_model=model,
    )
    names = {
        "ghi": "ghi_w_per_m2",
        "dni": "dni_w_per_m2",
        "dhi": "dhi_w_per_m2",
        "temp_air": "temperature_c",
        "wind_speed": "wind_speed_m_per_s",
    }
    table = {name: one.series[quantity] for name, quantity in names.items()}
    chain.run_model(pvlib.pvsystem.pd.DataFrame(table, index=middles(one)))
    return chain.results.dc.fillna(0.0).to_numpy(), chain.results.total_irrad["poa_global"]


@pytest.mark.parametrize("sky", ["haydavies", "isotropic", "perez"])
@pytest.mark.parametrize(
    ("cells", "model", "family", "mounting"),
    [
        ("sapm_open_rack_glass_polymer", "sapm", "sapm", "open_rack_glass_polymer"),
        ("pvsyst_insulated", "pvsyst", "pvsyst", "insulated"),
    ],
)
def test_power_is_that_of_pvlibs_own_chain(sky, cells, model, family, mounting):
    one = weather(cloudy_day())
    array = PvArray(tilt_deg=35.0, azimuth_deg=140.0, sky=sky, cell_model=cells, albedo=0.3)
    power, irradiance = model_chain(one, array, model, family, mounting)
    up = sun_over(one)["elevation"] > 1.0
    np.testing.assert_allclose(plane_irradiance(array, one)[up], irradiance[up], rtol=1e-9)
    np.testing.assert_allclose(array_power_kw(array, 50.0, one)[up], 50.0 * power[up], rtol=1e-9)
    assert np.all(array_power_kw(array, 50.0, one)[:4] == 0.0)


def test_plane_irradiance_and_faiman_by_hand():
    # 800 W/m2, 10 C, 3 m/s: cell 10 + 800 / (25 + 6.84 x 3) = 27.576 C
    series = {"poa_w_per_m2": 800.0, "temperature_c": 10.0, "wind_speed_m_per_s": 3.0}
    array = PvArray(**SOUTH, irradiance="plane", cell_model="faiman", gamma_per_k=-0.004)
    cell_c = 10.0 + 800.0 / (25.0 + 6.84 * 3.0)
    expected = 40.0 * 0.8 * (1.0 - 0.004 * (cell_c - 25.0))
    np.testing.assert_allclose(array_power_kw(array, 40.0, weather(series, steps=2)), expected)


def test_standard_conditions_give_the_rated_power():
    # pvsyst, free-standing: T = Ta + 1000 x 0.9 x (1 - 0.1) / 29; the air for 25 C at the cell
    series = {"poa_w_per_m2": 1000.0, "temperature_c": 25.0 - 810.0 / 29.0}
    array = PvArray(**SOUTH, irradiance="plane", cell_model="pvsyst_freestanding")
    one = weather(series | {"wind_speed_m_per_s": 1.0}, steps=1)
    assert array_power_kw(array, 7.0, one) == pytest.approx([7.0])


def test_a_flat_module_sees_the_global_irradiance_and_one_towards_the_sun_the_direct():
    one = weather(cloudy_day())
    flat = PvArray(tilt_deg=0.0, azimuth_deg=180.0, sky="isotropic")
    sun = sun_over(one).iloc[12]
    zenith = np.radians(sun["apparent_zenith"])
    dni, dhi = (one.series[name][12] for name in ("dni_w_per_m2", "dhi_w_per_m2"))
    direct = dni * np.cos(zenith)
    assert plane_irradiance(flat, one)[12] == pytest.approx(direct + dhi, rel=1e-9)
    facing = PvArray(
        tilt_deg=sun["apparent_zenith"], azimuth_deg=sun["azimuth"], sky="isotropic", albedo=0.0
    )
    expected = dni + dhi * (1.0 + np.cos(zenith)) / 2.0
    assert plane_irradiance(facing, one)[12] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("missing", ["ghi_w_per_m2", "dni_w_per_m2", "dhi_w_per_m2"])
def test_any_two_components_give_the_third(missing):
    series = cloudy_day()
    whole = weather(series)
    up = sun_over(whole)["elevation"] > 5.0
    del series[missing]
    array = PvArray(**SOUTH)
    # pvlib's clear sky closes to a few W/m2 only
    found, expected = plane_irradiance(array, weather(series)), plane_irradiance(array, whole)
    np.testing.assert_allclose(found[up], expected[up], atol=8.0)


def test_the_global_alone_is_split_by_erbs():
    series = {"ghi_w_per_m2": cloudy_day()["ghi_w_per_m2"], **AIR}
    one = weather(series)
    sun = sun_over(one)
    split = pvlib.irradiance.erbs(series["ghi_w_per_m2"], sun["zenith"], middles(one))
    expected = pvlib.irradiance.get_total_irradiance(
        30.0, 180.0, sun["apparent_zenith"], sun["azimuth"], split["dni"], series["ghi_w_per_m2"],
        split["dhi"], albedo=0.2,
    )["poa_global"]  # fmt: skip
    found = plane_irradiance(PvArray(**SOUTH, sky="isotropic"), one)
    up = (sun["elevation"] > 0.0).to_numpy()
    np.testing.assert_allclose(found[up], expected[up], rtol=1e-9)


def test_clear_sky_needs_no_irradiance_and_clouds_dim_it():
    array = PvArray(**SOUTH, irradiance="clear_sky")
    clear = plane_irradiance(array, weather(AIR))
    _, parts = clear_components(weather(AIR))
    names = {"ghi": "ghi_w_per_m2", "dni": "dni_w_per_m2", "dhi": "dhi_w_per_m2"}
    measured = AIR | {quantity: parts[name].to_numpy() for name, quantity in names.items()}
    np.testing.assert_allclose(clear, plane_irradiance(PvArray(**SOUTH), weather(measured)))
    assert clear.max() > 900.0
    even = PvArray(**SOUTH, irradiance="clear_sky", sky="isotropic")
    half = plane_irradiance(even, weather(AIR | {"cloud_factor": 0.5}))
    np.testing.assert_allclose(half, 0.5 * plane_irradiance(even, weather(AIR)), atol=1e-9)
    hazy = plane_irradiance(array, weather(AIR, linke_turbidity=6.0))
    assert hazy.max() < clear.max()


def test_losses_then_the_inverter_limit():
    series = {"poa_w_per_m2": (500.0, 1000.0), "temperature_c": 0.0, "wind_speed_m_per_s": 1.0}
    fields = {**SOUTH, "irradiance": "plane", "gamma_per_k": 0.0}
    array = PvArray(**fields, loss_share=0.1, inverter_max_kw=8.0)
    np.testing.assert_allclose(
        array_power_kw(array, 10.0, weather(series, steps=2)), [4.5, 8.0], rtol=1e-12
    )


def test_every_cell_model_warms_with_light_and_cools_with_wind():
    light, air = np.array([0.0, 800.0, 800.0]), np.full(3, 20.0)
    for model in PvArray.model_fields["cell_model"].annotation.__args__:
        dark, calm, windy = cell_temperature(model, light, air, np.array([1.0, 1.0, 10.0]))
        assert dark == pytest.approx(20.0)
        assert 20.0 < windy <= calm < 80.0


@settings(max_examples=40, deadline=None)
@given(
    latitude=st.floats(-89.0, 89.0),
    day=st.integers(1, 365),
    tilt=st.floats(0.0, 90.0),
    azimuth=st.floats(0.0, 360.0),
    clouds=st.floats(0.0, 1.0),
    sky=st.sampled_from(["haydavies", "isotropic", "perez"]),
    celsius=st.floats(-40.0, 45.0),
)
def test_power_is_never_negative_nor_above_what_the_irradiance_allows(
    latitude, day, tilt, azimuth, clouds, sky, celsius
):
    one = weather(
        {"cloud_factor": clouds, "temperature_c": celsius, "wind_speed_m_per_s": 1.0},
        start=f"2023-{1 + (day - 1) // 31:02d}-{1 + (day - 1) % 28:02d}",
        latitude_deg=latitude,
    )
    array = PvArray(tilt_deg=tilt, azimuth_deg=azimuth, irradiance="clear_sky", sky=sky)
    plane, power = plane_irradiance(array, one), array_power_kw(array, 1.0, one)
    # colder than the air no cell gets
    most = plane / 1000.0 * (1.0 + max(-0.0035 * (celsius - 25.0), 0.0))
    assert np.all(np.isfinite(power))
    assert np.all((power >= 0.0) & (power <= most + 1e-12))
    assert np.all(plane < 1600.0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tilt_deg": 120.0}, "tilt_deg"),
        ({"gamma_per_k": 0.0035}, "gamma_per_k"),
        ({"cell_model": "nocturnal"}, "cell_model"),
        ({"sky": "king"}, "sky"),
        ({"albedo": 1.2}, "albedo"),
    ],
)
def test_arrays_that_cannot_be_are_refused(fields, words):
    with pytest.raises(ValidationError, match=words):
        PvArray.model_validate(SOUTH | fields)
