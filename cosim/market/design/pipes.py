"""What a pair of heat pipes carries, loses and needs for pumping at its design temperatures.

Water with density rho, heat capacity c and viscosity mu at the mean of supply and return:

    heat = rho c v A (T_supply - T_return)
    gradient = lambda(Re, k/d) rho v^2 / (2 d)          (Darcy and Weisbach), one pipe of the pair
    loss = 2 u L ((T_supply + T_return) / 2 - T_ground)
    pump = 2 gradient L / (rho c (T_supply - T_return) eta) per kWh of heat, at the most heat

lambda: 64/Re up to Re = 2320, else Swamee and Jain's formula. The most heat is that at the
velocity limit or at the limit of the gradient, whichever is lower. Pump electricity rises with the
cube of the flow; the line from no flow to the most that is used here is never below it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cosim.scenario.design import PipesSection
from cosim.scenario.design_catalogue import PipeType
from cosim.units import MM_PER_M, W_PER_KW

LAMINAR_RE = 2320.0
_BISECTIONS = 80


@dataclass(frozen=True, slots=True)
class Water:
    """Water at one temperature.

    Attributes:
        density: kg/m3.
        viscosity: Pa s.
        heat_capacity: J/(kg K).
    """

    density: float
    viscosity: float
    heat_capacity: float


def water_at(temperature_c: float) -> Water:
    """Return the properties of liquid water between 5 and 140 C, within 1 % (viscosity 3 %).

    Source: fits of the usual form to the IAPWS tables: density by G. S. Kell (J. Chem. Eng. Data
        20 (1975), 97), viscosity by the Vogel equation, heat capacity by a parabola.
    """
    t = temperature_c
    density = (
        999.83952 + 16.945176 * t - 7.9870401e-3 * t**2 - 46.170461e-6 * t**3
        + 105.56302e-9 * t**4 - 280.54253e-12 * t**5
    ) / (1.0 + 16.879850e-3 * t)  # fmt: skip
    viscosity = 2.414e-5 * 10.0 ** (247.8 / (t + 273.15 - 140.0))
    heat_capacity = 4209.0 - 1.31 * t + 0.014 * t**2
    return Water(density, viscosity, heat_capacity)


@dataclass(frozen=True, slots=True)
class PipeCapability:
    """A size of pipe on a route.

    Attributes:
        heat_max_kw: most heat that enters it.
        loss_kw: heat lost whenever it is laid.
        pump_share: electricity over heat moved, at the most heat.
    """

    heat_max_kw: float
    loss_kw: float
    pump_share: float


def capability(size: PipeType, length_m: float, pipes: PipesSection) -> PipeCapability:
    """Return what a size can do on a route of a given length; see the module."""
    drop_k = pipes.supply_c - pipes.return_c
    mean_c = (pipes.supply_c + pipes.return_c) / 2.0
    water = water_at(mean_c)
    speed = velocity_m_per_s(size, water, pipes)
    area_m2 = math.pi * size.inner_diameter_m**2 / 4.0
    per_kg_j = water.heat_capacity * drop_k
    heat_w = water.density * speed * area_m2 * per_kg_j
    drop_pa = 2.0 * length_m * gradient_pa_per_m(size, speed, water)
    return PipeCapability(
        heat_max_kw=heat_w / W_PER_KW,
        loss_kw=2.0 * size.loss_w_per_m_k * length_m * (mean_c - pipes.ground_c) / W_PER_KW,
        pump_share=drop_pa / (water.density * per_kg_j * pipes.pump_efficiency),
    )


def velocity_m_per_s(size: PipeType, water: Water, pipes: PipesSection) -> float:
    """Return the highest velocity that both limits allow."""
    fastest, limit = pipes.velocity_max_m_per_s, pipes.pressure_drop_max_pa_per_m
    if limit is None or gradient_pa_per_m(size, fastest, water) <= limit:
        return fastest
    low, high = 0.0, fastest
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if gradient_pa_per_m(size, middle, water) <= limit:
            low = middle
        else:
            high = middle
    return low


def gradient_pa_per_m(size: PipeType, speed_m_per_s: float, water: Water) -> float:
    """Return the pressure drop of one pipe per metre."""
    diameter_m = size.inner_diameter_m
    reynolds = speed_m_per_s * diameter_m * water.density / water.viscosity
    if reynolds <= 0.0:
        return 0.0
    factor = _friction(reynolds, size.roughness_mm / MM_PER_M / diameter_m)
    return factor * water.density * speed_m_per_s**2 / (2.0 * diameter_m)


def _friction(reynolds: float, relative_roughness: float) -> float:
    """Return Darcy's friction factor.

    Source: P. Swamee, A. Jain, J. Hydraulics Division 102 (1976), 657-664.
    """
    if reynolds <= LAMINAR_RE:
        return 64.0 / reynolds
    return 0.25 / math.log10(relative_roughness / 3.7 + 5.74 * math.pow(reynolds, -0.9)) ** 2
