"""Extraction unit: power and heat anywhere in a polygon of operating points."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import pyomo.environ as pyo
from pydantic import model_validator

from cosim.market.devices.base import (
    NATURAL_GAS_CO2_KG_PER_KWH,
    Axes,
    Carrier,
    Efficiency,
    Ports,
    energy_cost,
    flue_co2,
)
from cosim.market.devices.commitment import (
    Committed,
    add_commitment,
    carried,
    start_up_cost,
)
from cosim.scenario.networks import Fraction, NonNegative, Positive

Corner = tuple[NonNegative, NonNegative] | tuple[NonNegative, NonNegative, Positive]
"""Electric power in kW, heat in kW and, if known, fuel in kW."""
_EPS = 1e-9
"""Guards comparisons against floating point."""


class ChpExtraction(Committed):
    """A steam turbine with extraction, or any unit that is given by its operating region."""

    type: Literal["chp_extraction"] = "chp_extraction"
    corners: tuple[Corner, ...]
    """Corners [power_kw, heat_kw] or [power_kw, heat_kw, fuel_kw] of the region of operation while
    running; everything in their convex hull can be run."""
    eta_el_condensing: Efficiency = 0.4
    """Electricity over lower heating value without heat; for corners without fuel."""
    power_loss_per_heat: Fraction = 0.15
    """Electricity lost per kWh of heat extracted, at the same fuel; for corners without fuel."""
    flue_co2_kg_per_kwh: NonNegative = NATURAL_GAS_CO2_KG_PER_KWH
    """CO2 in the flue gas per kWh (lower heating value) of gas, for devices that capture it."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh of electricity."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("electricity", "heat")
    consumes: ClassVar[tuple[Carrier, ...]] = ("gas",)

    @model_validator(mode="after")
    def _corners_are_a_region(self) -> Self:
        if len({corner[:2] for corner in self.corners}) < max(2, len(self.corners)):
            raise ValueError(
                f"corners with {len({corner[:2] for corner in self.corners})} different points out "
                f"of {len(self.corners)}; give two or more, each once"
            )
        for power_kw, heat_kw, fuel_kw in self.points_kw():
            if fuel_kw < (power_kw + heat_kw) * (1.0 - _EPS):
                raise ValueError(
                    f"corner [{power_kw:g}, {heat_kw:g}] gives {power_kw + heat_kw:g} kW from "
                    f"{fuel_kw:g} kW of fuel; raise its fuel or lower eta_el_condensing"
                )
        return self

    def points_kw(self) -> list[tuple[float, float, float]]:
        """Return power, heat and fuel at every corner.

        fuel = (power + power_loss_per_heat * heat) / eta_el_condensing where it is not given.
        """
        found = []
        for corner in self.corners:
            power_kw, heat_kw = corner[0], corner[1]
            made_kw = power_kw + self.power_loss_per_heat * heat_kw
            fuel_kw = corner[2] if len(corner) == 3 else made_kw / self.eta_el_condensing
            found.append((power_kw, heat_kw, fuel_kw))
        return found

    def output_range_kw(self) -> tuple[float, float]:
        """Return lowest and highest electric power while running."""
        powers = [corner[0] for corner in self.corners]
        return min(powers), max(powers)


def build(block: pyo.Block, spec: ChpExtraction, axes: Axes) -> Ports:
    """Add the unit to its block.

    `operating_point`: sum over corners of weight[k, t] = online[t], weights 0 or more.
    `electric_output`, `heat_output`, `fuel_input`: power[t], heat[t] and fuel[t] are the sums over
    corners of weight[k, t] times P_k, H_k and F_k.
    `commitment`, `up_time`, `down_time`, `ramp_up`, `ramp_down`: see `commitment.add_commitment`.

    Where the corners' fuel is not one plane over power and heat, several weights give the same
    point; fuel that costs something is then the lower envelope.

    Source: docs/models.md.
    """
    points = spec.points_kw()
    corners = range(len(points))
    most = [max(point[k] for point in points) for k in range(3)]
    block.online = pyo.Var(axes.steps, domain=pyo.Binary)
    block.weight = pyo.Var(corners, axes.steps, bounds=(0.0, 1.0))
    block.power = pyo.Var(axes.steps, bounds=(0.0, most[0]))
    block.heat = pyo.Var(axes.steps, bounds=(0.0, most[1]))
    block.fuel = pyo.Var(axes.steps, bounds=(0.0, most[2]))

    def mixed(t: int, k: int) -> object:
        """Return coordinate k of the operating point, mixed from the corners."""
        return pyo.quicksum(points[corner][k] * block.weight[corner, t] for corner in corners)

    block.operating_point = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: pyo.quicksum(b.weight[k, t] for k in corners) == b.online[t],
        doc="the operating point is a mixture of corners while running",
    )
    block.electric_output = pyo.Constraint(
        axes.steps, rule=lambda b, t: b.power[t] == mixed(t, 0), doc="power is that of the mixture"
    )
    block.heat_output = pyo.Constraint(
        axes.steps, rule=lambda b, t: b.heat[t] == mixed(t, 1), doc="heat is that of the mixture"
    )
    block.fuel_input = pyo.Constraint(
        axes.steps, rule=lambda b, t: b.fuel[t] == mixed(t, 2), doc="fuel is that of the mixture"
    )
    add_commitment(block, spec, axes, block.power)
    return _ports(block, spec, axes)


def _ports(block: pyo.Block, spec: ChpExtraction, axes: Axes) -> Ports:
    maintenance = energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.power[t])
    return Ports(
        flows={
            "electricity": lambda t: block.power[t],
            "heat": lambda t: block.heat[t],
            "gas": lambda t: -block.fuel[t],
        },
        costs={"maintenance": maintenance, **start_up_cost(block, spec, axes)},
        report={
            ("electricity", "generation_kw"): lambda t: block.power[t],
            ("electricity", "online"): lambda t: block.online[t],
            ("heat", "generation_kw"): lambda t: block.heat[t],
            ("gas", "consumption_kw"): lambda t: block.fuel[t],
        },
        carry=carried(block, spec, axes, block.power),
        co2={"flue": flue_co2(axes, lambda t: block.fuel[t], spec.flue_co2_kg_per_kwh)},
    )
