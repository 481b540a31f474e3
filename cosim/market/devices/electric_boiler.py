"""Electric boiler: heat = eta * power."""

from __future__ import annotations

from typing import ClassVar, Literal

import pyomo.environ as pyo

from cosim.market.devices.base import Axes, Carrier, DeviceSpec, Efficiency, Ports, energy_cost
from cosim.scenario.networks import NonNegative, Positive


class ElectricBoiler(DeviceSpec):
    """An electrode or immersion boiler."""

    type: Literal["electric_boiler"] = "electric_boiler"
    electric_max_kw: Positive
    """Rated electric power."""
    eta: Efficiency = 0.98
    """Heat over electricity."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh of heat."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("heat",)
    consumes: ClassVar[tuple[Carrier, ...]] = ("electricity",)


def build(block: pyo.Block, spec: ElectricBoiler, axes: Axes) -> Ports:
    """Add the electric boiler to its block.

    `heat_output`: heat[t] = eta * power[t], with 0 <= power <= electric_max_kw (variable bounds).

    Source: docs/models.md.
    """
    block.power = pyo.Var(axes.steps, bounds=(0.0, spec.electric_max_kw))
    block.heat = pyo.Var(axes.steps, bounds=(0.0, spec.eta * spec.electric_max_kw))
    block.heat_output = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.heat[t] == spec.eta * b.power[t],
        doc="heat is eta times electric power",
    )
    return Ports(
        flows={"heat": lambda t: block.heat[t], "electricity": lambda t: -block.power[t]},
        costs={"maintenance": energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.heat[t])},
        report={
            ("heat", "generation_kw"): lambda t: block.heat[t],
            ("electricity", "consumption_kw"): lambda t: block.power[t],
        },
    )
