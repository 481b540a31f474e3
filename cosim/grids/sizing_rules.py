"""What a heat network is sized by: rules, simultaneity, and the water in straight pipes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cosim.errors import GridError
from cosim.grids.pipe_catalogue import EN253_SERIES_1, MM_PER_M, USUAL_TRENCH, PipeSize, Trench
from cosim.units import celsius_to_kelvin


@dataclass(frozen=True, slots=True)
class SizingRules:
    """What the pipes are chosen by.

    Attributes:
        supply_temperature_c: at the plant.
        return_temperature_c: at the outlet of the house stations.
        ground_temperature_c: undisturbed ground around the pipes.
        gradient_max_pa_per_m: straight-pipe pressure gradient at design flow that a pipe may
            have; 100 to 150 Pa/m is usual practice (AGFW FW 401, Nussbaumer 2016).
        velocity_max_m_per_s: at design flow.
        fittings_share: losses of bends, tees and valves as a share of the straight pipe's.
        roughness_mm: of the steel pipe; .05 mm in use.
        station_bar: differential pressure that the worst consumer keeps.
        return_bar: gauge pressure held at the pump's suction side.
        lift_step_bar: the pump head is rounded up to this step.
        simultaneity: number of consumers behind a pipe -> share of their summed design load;
            missing: all draw their design load at once.
        catalogue: sizes to choose from, smallest first.
        trench: how the pipes lie in the ground.
    """

    supply_temperature_c: float = 80.0
    return_temperature_c: float = 50.0
    ground_temperature_c: float = 10.0
    gradient_max_pa_per_m: float = 150.0
    velocity_max_m_per_s: float = 2.5
    fittings_share: float = 0.2
    roughness_mm: float = 0.05
    station_bar: float = 0.7
    return_bar: float = 2.0
    lift_step_bar: float = 0.05
    simultaneity: Callable[[int], float] | None = None
    catalogue: tuple[PipeSize, ...] = EN253_SERIES_1
    trench: Trench = USUAL_TRENCH


def winter_simultaneity(consumers: int) -> float:
    """Return the share of summed design loads that n consumers reach at once.

    g(n) = a + b / (1 + (n/c)^d), kept at 1 at most; for heating and hot water of dwellings.

    Source: W. Winter, T. Haslauer, I. Obernberger, Untersuchungen der Gleichzeitigkeit in
        kleinen und mittleren Nahwaermenetzen, Euroheat & Power 9-10/2001.
    """
    a, b, c, d = 0.449677646267461, 0.551234688046391, 53.84382, 1.762743
    return min(1.0, a + b / (1.0 + math.pow(consumers / c, d)))


def friction_factor(reynolds: float, relative_roughness: float) -> float:
    """Return Darcy's friction factor: 64/Re up to Re = 2320, else Swamee and Jain's formula.

    lambda = .25 / log10(k/(3.7 d) + 5.74/Re^.9)^2.

    Source: P. Swamee, A. Jain, J. Hydraulics Division 102 (1976), 657-664.
    """
    if reynolds <= 2320.0:
        return 64.0 / max(reynolds, 1e-9)
    return 0.25 / math.log10(relative_roughness / 3.7 + 5.74 * math.pow(reynolds, -0.9)) ** 2


class Water:
    """Mean properties of the water at design temperatures, from the network's own fluid.

    Args:
        net: pandapipes network.
        rules: design temperatures.
    """

    def __init__(self, net: Any, rules: SizingRules) -> None:
        supply_k = celsius_to_kelvin(rules.supply_temperature_c)
        return_k = celsius_to_kelvin(rules.return_temperature_c)
        mean = np.array([(supply_k + return_k) / 2.0])
        self.density = float(np.ravel(net.fluid.get_density(mean))[0])
        self.viscosity = float(np.ravel(net.fluid.get_viscosity(mean))[0])
        self.j_per_kg_k = float(np.ravel(net.fluid.get_heat_capacity(mean))[0])
        self._span_k = supply_k - return_k

    def j_per_kg(self, cooling_k: float) -> float:
        """Return the heat that a kilogram gives a consumer after cooling on its way.

        Raises:
            GridError: if nothing is left above the return temperature.
        """
        if cooling_k >= self._span_k:
            raise GridError(
                f"supply cools by {cooling_k:.1f} K on its way and reaches a consumer below the "
                "return temperature; expected a larger load, a hotter supply or less loss"
            )
        return self.j_per_kg_k * (self._span_k - cooling_k)

    def gradient(self, flow_kg_per_s: float, size: PipeSize, roughness_mm: float) -> float:
        """Return the straight pipe's pressure gradient in Pa/m (Darcy and Weisbach)."""
        diameter_m = size.inner_diameter_mm / MM_PER_M
        speed = self.velocity(flow_kg_per_s, size)
        reynolds = speed * diameter_m * self.density / self.viscosity
        factor = friction_factor(reynolds, roughness_mm / size.inner_diameter_mm)
        return factor * self.density * speed**2 / (2.0 * diameter_m)

    def velocity(self, flow_kg_per_s: float, size: PipeSize) -> float:
        """Return the mean velocity in m/s."""
        area_m2 = math.pi * (size.inner_diameter_mm / MM_PER_M) ** 2 / 4.0
        return flow_kg_per_s / (self.density * area_m2)
