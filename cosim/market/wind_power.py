"""Wind turbines from the weather: speed at the hub, density of the air, power curves.

Power curves by name and the correction for density come from windpowerlib (Haas et al.,
doi:10.5281/zenodo.824267) with its own copy of the turbine library of the Open Energy Platform
(ODbL); it is imported only where a turbine needs it and never goes online.
"""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from cosim.records.time import FloatArray
from cosim.scenario.base import Strict
from cosim.scenario.networks import NonNegative, Positive
from cosim.scenario.weather import Weather
from cosim.units import W_PER_KW, celsius_to_kelvin

STANDARD_KG_PER_M3 = 1.225
"""Density of air that power curves hold for, IEC 61400-12-1."""
STANDARD_PA = 101_325.0
"""Air pressure at sea level, ISO 2533."""
STANDARD_K = 288.15
"""Air temperature at sea level, ISO 2533."""
LAPSE_K_PER_M = 0.0065
"""Fall of the temperature with height, ISO 2533."""
PRESSURE_EXPONENT = 5.25588
"""g M / (R lapse) of the standard atmosphere, ISO 2533."""


class Turbine(Strict):
    """How a wind turbine makes power from the weather's wind."""

    name: str | None = None
    """Turbine type in windpowerlib's library, such as `E-126/4200`; the cubic curve if missing."""
    hub_height_m: Positive
    """Above ground."""
    cut_in_m_per_s: NonNegative = 3.0
    """No power below; cubic curve."""
    rated_m_per_s: Positive = 12.0
    """Rated power from here on; cubic curve."""
    cut_out_m_per_s: Positive = 25.0
    """No power above; cubic curve."""
    height_law: Literal["logarithmic", "power", "none"] = "logarithmic"
    """How the wind grows from the weather's `wind_height_m` to the hub: with the logarithm of the
    height over `roughness_length_m`, with a power of the height, or not at all."""
    height_exponent: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0 / 7.0
    """Of the power law."""
    density_correction: bool = False
    """Correct the curve for the density of the air; needs the weather's temperature."""

    @model_validator(mode="after")
    def _curve_is_known(self) -> Self:
        if self.name is not None:
            cubic = {"cut_in_m_per_s", "rated_m_per_s", "cut_out_m_per_s"} & self.model_fields_set
            if cubic:
                raise ValueError(
                    f"both name and {', '.join(sorted(cubic))} given; the turbine's own curve "
                    "takes their place, leave them out"
                )
            library_turbine(self.name, self.hub_height_m)
        elif not self.cut_in_m_per_s < self.rated_m_per_s < self.cut_out_m_per_s:
            raise ValueError(
                f"cut_in_m_per_s {self.cut_in_m_per_s:g}, rated_m_per_s {self.rated_m_per_s:g} and "
                f"cut_out_m_per_s {self.cut_out_m_per_s:g} do not rise; give them in rising order"
            )
        return self

    def weather_needs(self) -> tuple[tuple[str, ...], ...]:
        """Return the set of weather quantities that has to be there."""
        wind = ("wind_speed_m_per_s",)
        return ((*wind, "temperature_c"),) if self.density_correction else (wind,)

    def nominal_kw(self) -> float | None:
        """Return the rated power of the turbine by name, None for the cubic curve."""
        if self.name is None:
            return None
        return float(library_turbine(self.name, self.hub_height_m).nominal_power) / W_PER_KW


def library_turbine(name: str, hub_height_m: float) -> Any:
    """Return windpowerlib's turbine with its power curve.

    Raises:
        ValueError: for a name without a power curve, with the closest ones, and for a hub that is
            lower than the rotor's radius.
    """
    import windpowerlib

    known = windpowerlib.get_turbine_types(print_out=False, filter_=False)
    names = sorted(known.loc[known["has_power_curve"].eq(True), "turbine_type"])
    if name not in names:
        close = get_close_matches(name.upper(), names, n=5, cutoff=0.4) or names[:5]
        raise ValueError(
            f"no power curve for {name!r} among the {len(names)} turbines of windpowerlib; "
            f"closest are {', '.join(close)}"
        )
    try:
        return windpowerlib.WindTurbine(hub_height=hub_height_m, turbine_type=name)
    except ValueError:
        raise ValueError(
            f"hub_height_m {hub_height_m:g} is not above the rotor's radius of {name}; "
            "give a higher hub"
        ) from None


def cubic_power_kw(
    rated_kw: float,
    wind_m_per_s: FloatArray,
    cut_in_m_per_s: float,
    rated_m_per_s: float,
    cut_out_m_per_s: float,
) -> FloatArray:
    """Return rated * (v^3 - v_in^3) / (v_rated^3 - v_in^3) between v_in and v_rated, in kW.

    0 below the cut-in and above the cut-out speed, the rated power from the rated speed to the
    cut-out speed.

    Source: docs/models.md.
    """
    low, high = cut_in_m_per_s**3, rated_m_per_s**3
    share = np.clip((wind_m_per_s**3 - low) / (high - low), 0.0, 1.0)
    return np.asarray(np.where(wind_m_per_s > cut_out_m_per_s, 0.0, rated_kw * share))


def hub_wind(turbine: Turbine, weather: Weather) -> FloatArray:
    """Return the wind speed at the hub in m/s, shape (T,).

    v ln(h / z0) / ln(h_wind / z0), or v (h / h_wind)^exponent; the roughness length z0 is below
    both heights.
    """
    wind, site, hub_m = weather.series["wind_speed_m_per_s"], weather.site, turbine.hub_height_m
    rough_m, factor = site.roughness_length_m, 1.0
    if turbine.height_law == "power":
        factor = (hub_m / site.wind_height_m) ** turbine.height_exponent
    elif turbine.height_law == "logarithmic":
        factor = math.log(hub_m / rough_m) / math.log(site.wind_height_m / rough_m)
    return np.asarray(wind * factor, dtype=float)


def hub_density(turbine: Turbine, weather: Weather) -> FloatArray:
    """Return the density of the air at the hub in kg/m3, shape (T,), as windpowerlib finds it.

    Temperature with the standard lapse rate and pressure with the barometric formula; without a
    pressure in the weather, that of the standard atmosphere at the site's altitude.
    """
    from windpowerlib import density, temperature

    site, hub_m = weather.site, turbine.hub_height_m
    air_k = celsius_to_kelvin(0.0) + weather.series["temperature_c"]
    hub_k = temperature.linear_gradient(air_k, site.temperature_height_m, hub_m)
    ground_k = STANDARD_K - LAPSE_K_PER_M * site.altitude_m
    standard_pa = STANDARD_PA * (ground_k / STANDARD_K) ** PRESSURE_EXPONENT
    pressure_pa, height_m = np.full(len(air_k), standard_pa), 0.0
    if "pressure_pa" in weather.series:
        pressure_pa, height_m = weather.series["pressure_pa"], site.pressure_height_m
    found = density.barometric(pressure_pa, height_m, hub_m, hub_k)
    return np.asarray(found, dtype=float)


def turbine_power_kw(turbine: Turbine, rated_kw: float, weather: Weather) -> FloatArray:
    """Return what a turbine, or a park of equal ones, can feed in at each step, in kW.

    The cubic curve at v (rho / 1.225)^(1/3) up to the cut-out speed, or the turbine's own curve
    scaled to `rated_kw`.

    Args:
        turbine: its curve and hub.
        rated_kw: rated power of all turbines together.
        weather: with the quantities of `Turbine.weather_needs`.

    Returns:
        Means over the steps, shape (T,).

    Source: IEC 61400-12-1 for the density; Svenningsen 2010 for curves by name, see windpowerlib.
    """
    wind = hub_wind(turbine, weather)
    density = hub_density(turbine, weather) if turbine.density_correction else None
    if turbine.name is not None:
        return _library_power_kw(turbine, rated_kw, wind, density)
    cut_out = turbine.cut_out_m_per_s
    if density is not None:
        equivalent = np.minimum(wind * np.cbrt(density / STANDARD_KG_PER_M3), cut_out)
        wind = np.where(wind > cut_out, wind, equivalent)
    return cubic_power_kw(rated_kw, wind, turbine.cut_in_m_per_s, turbine.rated_m_per_s, cut_out)


def _library_power_kw(
    turbine: Turbine, rated_kw: float, wind: FloatArray, density: FloatArray | None
) -> FloatArray:
    from windpowerlib import power_output

    assert turbine.name is not None
    one = library_turbine(turbine.name, turbine.hub_height_m)
    power_w = power_output.power_curve(
        wind,
        one.power_curve["wind_speed"],
        one.power_curve["value"],
        density=density,
        density_correction=density is not None,
    )
    return np.asarray(power_w * (rated_kw / float(one.nominal_power)), dtype=float)


__all__ = [
    "Turbine",
    "cubic_power_kw",
    "hub_density",
    "hub_wind",
    "library_turbine",
    "turbine_power_kw",
]
