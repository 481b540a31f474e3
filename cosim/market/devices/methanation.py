"""Methanation reactor: methane from hydrogen and captured CO2."""

from __future__ import annotations

from typing import ClassVar, Literal

import pyomo.environ as pyo

from cosim.market.devices.base import Axes, Carrier, DeviceSpec, Efficiency, Ports, energy_cost
from cosim.scenario.networks import NonNegative, Positive


class Methanation(DeviceSpec):
    """A reactor that makes methane for the participant's own gas balance."""

    type: Literal["methanation"] = "methanation"
    methane_max_kw: Positive
    """Rated methane output, lower heating value."""
    eta: Efficiency = 0.8
    """Methane over hydrogen, lower heating values; 0.83 where all hydrogen reacts."""
    co2_kg_per_kg: Positive = 2.743
    """CO2 taken per kg of methane; ratio of the molar masses."""
    methane_lhv_kwh_per_kg: Positive = 13.9
    """Lower heating value of methane by mass, ISO 6976."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh of methane."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("gas",)
    consumes: ClassVar[tuple[Carrier, ...]] = ("hydrogen",)


def build(block: pyo.Block, spec: Methanation, axes: Axes) -> Ports:
    """Add the reactor to its block.

    `methane_output`: methane[t] = eta * hydrogen[t], with 0 <= methane <= methane_max_kw. It takes
    co2_kg_per_kg / methane_lhv_kwh_per_kg * methane[t] kg/h of CO2 from the participant's capture
    units at the same step.

    Source: docs/models.md.
    """
    kg_per_kwh = spec.co2_kg_per_kg / spec.methane_lhv_kwh_per_kg
    block.methane = pyo.Var(axes.steps, bounds=(0.0, spec.methane_max_kw))
    block.hydrogen = pyo.Var(axes.steps, bounds=(0.0, spec.methane_max_kw / spec.eta))
    block.methane_output = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.methane[t] == spec.eta * b.hydrogen[t],
        doc="methane is eta times hydrogen",
    )
    maintenance = energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.methane[t])
    return Ports(
        flows={"gas": lambda t: block.methane[t], "hydrogen": lambda t: -block.hydrogen[t]},
        costs={"maintenance": maintenance},
        report={
            ("gas", "generation_kw"): lambda t: block.methane[t],
            ("gas", "used_co2_kg_per_h"): lambda t: kg_per_kwh * block.methane[t],
            ("hydrogen", "consumption_kw"): lambda t: block.hydrogen[t],
        },
        co2={"used": lambda t: -kg_per_kwh * block.methane[t]},
    )
