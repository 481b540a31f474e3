"""Gas boiler: heat = eta * fuel."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pyomo.environ as pyo
from pydantic import Field

from cosim.market.devices.base import Axes, Carrier, DeviceSpec, Ports, energy_cost
from cosim.scenario.networks import NonNegative, Positive


class Boiler(DeviceSpec):
    """A gas-fired boiler."""

    type: Literal["boiler"] = "boiler"
    heat_max_kw: Positive
    """Rated heat output."""
    eta: Annotated[float, Field(gt=0.0, le=1.1)] = 0.92
    """Heat over lower heating value; above 1 for condensing boilers."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh of heat."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("heat",)
    consumes: ClassVar[tuple[Carrier, ...]] = ("gas",)


def build(block: pyo.Block, spec: Boiler, axes: Axes) -> Ports:
    """Add the boiler to its block.

    `heat_output`: heat[t] = eta * fuel[t], with 0 <= heat <= heat_max_kw (variable bounds).

    Source: docs/models.md.
    """
    block.heat = pyo.Var(axes.steps, bounds=(0.0, spec.heat_max_kw))
    block.fuel = pyo.Var(axes.steps, bounds=(0.0, spec.heat_max_kw / spec.eta))
    block.heat_output = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.heat[t] == spec.eta * b.fuel[t],
        doc="heat is eta times fuel",
    )
    return Ports(
        flows={"heat": lambda t: block.heat[t], "gas": lambda t: -block.fuel[t]},
        costs={"maintenance": energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.heat[t])},
        report={
            ("heat", "generation_kw"): lambda t: block.heat[t],
            ("gas", "consumption_kw"): lambda t: block.fuel[t],
        },
    )
