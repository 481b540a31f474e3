"""Blends of a network's gas with hydrogen: heating value, composition, and a fluid for pandapipes.

Composition is the mass fraction w of hydrogen. With the lower heating values H_g and H_h per kg
and the densities rho_g and rho_h at normal conditions, a kg of the blend carries
H_g + w (H_h - H_g), and its share of hydrogen by volume is
(w / rho_h) / (w / rho_h + (1 - w) / rho_g).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cosim.grids.imports import engine
from cosim.records.time import FloatArray
from cosim.scenario.networks import GasNetwork

TEMPERATURES_K = np.arange(253.15, 343.2, 2.0)
"""Where properties of the two gases are blended; linear in between, as pandapipes has them."""


@dataclass(frozen=True, slots=True)
class Blend:
    """A gas and hydrogen.

    Attributes:
        gas_lhv: lower heating value of the gas, kWh/kg.
        hydrogen_lhv: that of hydrogen, kWh/kg.
        gas_density: at normal conditions, kg/m3.
        hydrogen_density: at normal conditions, kg/m3.
    """

    gas_lhv: float
    hydrogen_lhv: float
    gas_density: float
    hydrogen_density: float

    def mass(self, w: FloatArray) -> FloatArray:
        """Return kg of blend that carry as much energy as one kg of the gas."""
        return self.gas_lhv / (self.gas_lhv + w * (self.hydrogen_lhv - self.gas_lhv))

    def d_mass(self, w: FloatArray) -> FloatArray:
        """Return the change of `mass` with the mass fraction."""
        more = self.hydrogen_lhv - self.gas_lhv
        return -self.gas_lhv * more / (self.gas_lhv + w * more) ** 2

    def volume_fraction(self, w: FloatArray) -> FloatArray:
        """Return the share of hydrogen by volume."""
        ratio = self.gas_density / self.hydrogen_density
        return w * ratio / (1.0 + w * (ratio - 1.0))

    def d_volume_fraction(self, w: FloatArray) -> FloatArray:
        """Return the change of `volume_fraction` with the mass fraction."""
        ratio = self.gas_density / self.hydrogen_density
        return ratio / (1.0 + w * (ratio - 1.0)) ** 2

    def mass_fraction(self, volume_fraction: float) -> float:
        """Return the mass fraction of a share by volume."""
        heavy = (1.0 - volume_fraction) * self.gas_density
        light = volume_fraction * self.hydrogen_density
        return light / (light + heavy)


def blend_of(net: Any, settings: GasNetwork) -> Blend | None:
    """Return the blend of a network that takes hydrogen in, None for all others."""
    if settings.hydrogen is None:
        return None
    normal_k = engine("pandapipes.constants").NORMAL_TEMPERATURE
    gas, hydrogen = (_at(fluid, "density", normal_k) for fluid in (net.fluid, _hydrogen()))
    return Blend(settings.lhv_kwh_per_kg, settings.hydrogen.lhv_kwh_per_kg, gas, hydrogen)


def fill_with_blend(net: Any, blend: Blend, volume_fraction: float) -> None:
    """Give a network (in place) the fluid of one blend.

    Densities and compressibilities add by volume, heat capacities by mass, viscosities by
    Herning and Zipperer (weights x sqrt(M)), as in pandapipes' own mixture functions.
    """
    if volume_fraction == 0.0:
        return
    fluids = engine("pandapipes.properties.fluids")
    gas, hydrogen, x = net.fluid, _hydrogen(), volume_fraction
    w = blend.mass_fraction(x)
    density = _curve(gas, hydrogen, "density", (1.0 - x, x))
    heavy, light = (_molar_mass(gas, blend), _molar_mass(hydrogen, blend))
    root = np.array([(1.0 - x) * np.sqrt(heavy), x * np.sqrt(light)])
    viscosity = _curve(gas, hydrogen, "viscosity", tuple(root / root.sum()))
    z = [(1.0 - x) * _z(gas, p) + x * _z(hydrogen, p) for p in (0.0, 1.0)]
    properties = {
        "density": fluids.FluidPropertyInterExtra(TEMPERATURES_K, density),
        "viscosity": fluids.FluidPropertyInterExtra(TEMPERATURES_K, viscosity),
        "compressibility": fluids.FluidPropertyLinear(z[1] - z[0], z[0]),
        "der_compressibility": fluids.FluidPropertyConstant(z[1] - z[0]),
        "molar_mass": fluids.FluidPropertyConstant((1.0 - x) * heavy + x * light),
    }
    if "heat_capacity" in gas.all_properties:
        capacity = _curve(gas, hydrogen, "heat_capacity", (1.0 - w, w))
        properties["heat_capacity"] = fluids.FluidPropertyInterExtra(TEMPERATURES_K, capacity)
    name = f"{gas.name} with {100.0 * x:g} % hydrogen"
    net["fluid"] = fluids.Fluid(name, "gas", **properties)


def _hydrogen() -> Any:
    return engine("pandapipes.properties.fluids").call_lib("hydrogen")


def _at(fluid: Any, name: str, kelvin: float) -> float:
    return float(np.ravel(fluid.get_property(name, np.array([kelvin])))[0])


def _curve(gas: Any, hydrogen: Any, name: str, weights: tuple[float, ...]) -> FloatArray:
    parts = (np.ravel(f.get_property(name, TEMPERATURES_K)) for f in (gas, hydrogen))
    return np.asarray(sum(w * part for w, part in zip(weights, parts, strict=True)))


def _z(fluid: Any, p_bar: float) -> float:
    return float(np.ravel(fluid.get_compressibility(np.array([p_bar])))[0])


def _molar_mass(fluid: Any, blend: Blend) -> float:
    """Return g/mol; of a gas that does not say, from its density beside hydrogen's."""
    if "molar_mass" in fluid.all_properties:
        return float(np.ravel(fluid.get_molar_mass())[0])
    light = float(np.ravel(_hydrogen().get_molar_mass())[0])
    return light * blend.gas_density / blend.hydrogen_density
