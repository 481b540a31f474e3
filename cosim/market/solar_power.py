"""Photovoltaics from the weather: irradiance on the modules, their temperature, their power.

Sun position, transposition, clear sky and cell temperature come from pvlib (Anderson et al. 2023,
doi:10.21105/joss.05994), which is imported only where a plant needs it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from cosim.records.time import FloatArray
from cosim.scenario.base import Strict
from cosim.scenario.networks import Fraction, Positive
from cosim.scenario.weather import Weather

STANDARD_W_PER_M2 = 1000.0
"""Irradiance of standard test conditions, IEC 60904-3."""
STANDARD_CELL_C = 25.0
"""Cell temperature of standard test conditions."""

CellModel = Literal[
    "faiman",
    "pvsyst_freestanding",
    "pvsyst_insulated",
    "pvsyst_semi_integrated",
    "sapm_close_mount_glass_glass",
    "sapm_insulated_back_glass_polymer",
    "sapm_open_rack_glass_glass",
    "sapm_open_rack_glass_polymer",
]
"""Cell temperature model and mounting, with the parameters that come with pvlib."""


class PvArray(Strict):
    """How modules stand in the weather."""

    tilt_deg: Annotated[float, Field(ge=0.0, le=90.0)]
    """Against the horizontal."""
    azimuth_deg: Annotated[float, Field(ge=0.0, le=360.0)]
    """Where they face, clockwise from north: 90 east, 180 south."""
    irradiance: Literal["components", "plane", "clear_sky"] = "components"
    """`components`: from the weather's `ghi_w_per_m2`, `dni_w_per_m2`, `dhi_w_per_m2`; any two of
    them, or the global one alone, which is then split (Erbs). `plane`: its `poa_w_per_m2` as it is.
    `clear_sky`: what a clear sky gives (Ineichen), times its `cloud_factor` if there is one."""
    sky: Literal["haydavies", "isotropic", "perez"] = "haydavies"
    """Model of the diffuse light on the tilted plane."""
    albedo: Fraction = 0.2
    """Share of the light that the ground reflects."""
    gamma_per_k: Annotated[float, Field(ge=-0.02, le=0.0)] = -0.0035
    """Change of power per kelvin of cell temperature above 25 C; -0.0035 is usual for silicon."""
    cell_model: CellModel = "sapm_open_rack_glass_polymer"
    """How the cells warm up: model and mounting by their names in pvlib."""
    loss_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share lost by dirt, wiring, mismatch and conversion."""
    inverter_max_kw: Positive | None = None
    """Most that the inverter gives on the AC side; no limit if missing."""

    def weather_needs(self) -> tuple[tuple[str, ...], ...]:
        """Return the sets of weather quantities of which one has to be there."""
        air = ("temperature_c", "wind_speed_m_per_s")
        if self.irradiance == "clear_sky":
            return (air,)
        if self.irradiance == "plane":
            return (("poa_w_per_m2", *air),)
        return (("ghi_w_per_m2", *air), ("dni_w_per_m2", "dhi_w_per_m2", *air))


def pv_power_kw(
    rated_kw: float, gamma_per_k: float, plane_w_per_m2: FloatArray, cell_c: FloatArray
) -> FloatArray:
    """Return rated * G / 1000 * (1 + gamma * (T_cell - 25)), at least 0, in kW.

    Args:
        rated_kw: power at standard test conditions, kWp.
        gamma_per_k: change of power per kelvin, 0 or below.
        plane_w_per_m2: irradiance in the plane of the modules, shape (T,).
        cell_c: cell temperature, shape (T,).

    Source: docs/models.md; the DC part of PVWatts, Dobos 2014, NREL/TP-6A20-62641.
    """
    warmth = 1.0 + gamma_per_k * (cell_c - STANDARD_CELL_C)
    return np.maximum(rated_kw * plane_w_per_m2 / STANDARD_W_PER_M2 * warmth, 0.0)


def array_power_kw(array: PvArray, rated_kw: float, weather: Weather) -> FloatArray:
    """Return what a plant can feed in at each step, in kW.

    min(inverter_max_kw, (1 - loss_share) * `pv_power_kw`).

    Args:
        array: the modules.
        rated_kw: power at standard test conditions, kWp.
        weather: with the quantities of `PvArray.weather_needs`.

    Returns:
        Means over the steps, shape (T,).
    """
    plane = plane_irradiance(array, weather)
    air_c, wind = weather.series["temperature_c"], weather.series["wind_speed_m_per_s"]
    cell_c = cell_temperature(array.cell_model, plane, air_c, wind)
    power_kw = (1.0 - array.loss_share) * pv_power_kw(rated_kw, array.gamma_per_k, plane, cell_c)
    limit_kw = np.inf if array.inverter_max_kw is None else array.inverter_max_kw
    return np.minimum(power_kw, limit_kw)


def cell_temperature(
    model: CellModel, plane_w_per_m2: FloatArray, air_c: FloatArray, wind_m_per_s: FloatArray
) -> FloatArray:
    """Return the cell temperature in C, shape (T,), by one of pvlib's models.

    Source: Faiman 2008, doi:10.1002/pip.813; King et al. 2004, SAND2004-3535 (sapm); PVsyst.
    """
    from pvlib import temperature

    if model == "faiman":
        cell_c = temperature.faiman(plane_w_per_m2, air_c, wind_m_per_s)
    else:
        family, _, mounting = model.partition("_")
        parameters = temperature.TEMPERATURE_MODEL_PARAMETERS[family][mounting]
        function = temperature.pvsyst_cell if family == "pvsyst" else temperature.sapm_cell
        cell_c = function(plane_w_per_m2, air_c, wind_m_per_s, **parameters)
    return np.asarray(cell_c, dtype=float)


def plane_irradiance(array: PvArray, weather: Weather) -> FloatArray:
    """Return the irradiance in the plane of the modules in W/m2, shape (T,).

    The sun stands where it does in the middle of each step. Below the horizon there is no light.
    """
    if array.irradiance == "plane":
        return weather.series["poa_w_per_m2"]
    from pvlib import irradiance

    sun = sun_position(weather)
    sky = _clear_sky(weather, sun) if array.irradiance == "clear_sky" else _components(weather, sun)
    total = irradiance.get_total_irradiance(
        array.tilt_deg,
        array.azimuth_deg,
        sun["apparent_zenith"],
        sun["azimuth"],
        dni=sky["dni"],
        ghi=sky["ghi"],
        dhi=sky["dhi"],
        dni_extra=irradiance.get_extra_radiation(sun.index),
        albedo=array.albedo,
        model=array.sky,
    )
    plane = total["poa_global"].to_numpy(dtype=float)
    dark = sun["apparent_zenith"].to_numpy() >= 90.0
    return np.where(dark, 0.0, np.nan_to_num(np.maximum(plane, 0.0)))


def sun_position(weather: Weather) -> pd.DataFrame:
    """Return pvlib's sun position in the middle of each step, refracted by the air as it is."""
    times = weather.time.index + pd.Timedelta(hours=weather.time.step_h / 2.0)
    air_c = weather.series["temperature_c"]
    position: pd.DataFrame = _location(weather).get_solarposition(times, temperature=air_c)
    return position


def _location(weather: Weather) -> Any:
    from pvlib.location import Location

    site = weather.site
    return Location(site.latitude_deg, site.longitude_deg, "UTC", site.altitude_m)


def _clear_sky(weather: Weather, sun: pd.DataFrame) -> dict[str, FloatArray]:
    """Return the clear sky's irradiance, all of it dimmed by the cloud factor."""
    haze = weather.site.linke_turbidity
    known = {} if haze is None else {"linke_turbidity": haze}
    clear = _location(weather).get_clearsky(
        sun.index, model="ineichen", solar_position=sun, **known
    )
    factor = weather.series.get("cloud_factor", 1.0)
    return {name: clear[name].to_numpy() * factor for name in ("ghi", "dni", "dhi")}


def _components(weather: Weather, sun: pd.DataFrame) -> dict[str, FloatArray]:
    """Return global, direct and diffuse irradiance; what the weather lacks is found.

    ghi = dhi + dni cos(zenith); from the global alone the model of Erbs et al. 1982,
    doi:10.1016/0038-092X(82)90302-4.
    """
    from pvlib import irradiance

    names = {"ghi": "ghi_w_per_m2", "dni": "dni_w_per_m2", "dhi": "dhi_w_per_m2"}
    known = {k: weather.series[name] for k, name in names.items() if name in weather.series}
    if len(known) == 1:
        split = irradiance.erbs(known["ghi"], sun["zenith"].to_numpy(), sun.index)
        known |= {name: np.asarray(split[name], dtype=float) for name in ("dni", "dhi")}
    if len(known) == 2:
        given = {name: pd.Series(values, sun.index) for name, values in known.items()}
        whole = irradiance.complete_irradiance(sun["apparent_zenith"], **given)
        known = {name: np.maximum(whole[name].fillna(0.0).to_numpy(), 0.0) for name in names}
    return known


__all__ = [
    "CellModel",
    "PvArray",
    "array_power_kw",
    "cell_temperature",
    "plane_irradiance",
    "pv_power_kw",
    "sun_position",
]
