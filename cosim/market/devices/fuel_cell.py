"""Fuel cell: power = eta * hydrogen, with useful heat."""

from __future__ import annotations

from typing import ClassVar, Literal

import pyomo.environ as pyo

from cosim.market.devices.base import Axes, Carrier, Efficiency, Flow, Ports, energy_cost
from cosim.market.devices.commitment import (
    Committed,
    add_commitment,
    add_states,
    carried,
    start_up_cost,
)
from cosim.scenario.networks import Fraction, NonNegative, Positive


class FuelCell(Committed):
    """A fuel cell with its inverter; hydrogen by its lower heating value."""

    type: Literal["fuel_cell"] = "fuel_cell"
    electric_max_kw: Positive
    """Rated electric power."""
    eta: Efficiency = 0.5
    """Electricity over hydrogen (lower heating value)."""
    load_min: Fraction = 0.0
    """Lowest electric power while running, as a fraction of `electric_max_kw`."""
    heat_recovered_share: Fraction = 0.0
    """Share of (hydrogen - electricity) that may be used as heat; the rest is cooled away."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh of electricity."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("electricity", "heat")
    consumes: ClassVar[tuple[Carrier, ...]] = ("hydrogen",)

    def output_range_kw(self) -> tuple[float, float]:
        """Return lowest and highest electric power while running."""
        return self.load_min * self.electric_max_kw, self.electric_max_kw


def build(block: pyo.Block, spec: FuelCell, axes: Axes) -> Ports:
    """Add the fuel cell to its block.

    `electric_output`: power[t] = eta hydrogen[t], with 0 <= power <= electric_max_kw.
    `heat_limit`: heat[t] <= heat_recovered_share (1 - eta) hydrogen[t].
    `load_floor`, `load_ceiling`: load_min electric_max online[t] <= power[t] <= electric_max
    online[t]; only where something needs the state.
    `commitment`, `up_time`, `down_time`, `ramp_up`, `ramp_down`: see `commitment.add_commitment`.

    Source: docs/models.md.
    """
    most_kw, heat_share = spec.electric_max_kw, spec.heat_recovered_share * (1.0 - spec.eta)
    block.power = pyo.Var(axes.steps, bounds=(0.0, most_kw))
    block.hydrogen = pyo.Var(axes.steps, bounds=(0.0, most_kw / spec.eta))
    block.heat = pyo.Var(axes.steps, bounds=(0.0, heat_share * most_kw / spec.eta))
    block.electric_output = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.power[t] == spec.eta * b.hydrogen[t],
        doc="electricity is eta times hydrogen",
    )
    block.heat_limit = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.heat[t] <= heat_share * b.hydrogen[t],
        doc="useful heat is at most the recoverable share of the losses",
    )
    stateful = spec.load_min > 0.0 or spec.is_tracked(axes)
    if stateful:
        add_states(block, spec.output_range_kw(), axes, block.power)
        add_commitment(block, spec, axes, block.power)
    return _ports(block, spec, axes, stateful=stateful)


def _ports(block: pyo.Block, spec: FuelCell, axes: Axes, *, stateful: bool) -> Ports:
    report: dict[tuple[Carrier, str], Flow] = {
        ("electricity", "generation_kw"): lambda t: block.power[t],
        ("heat", "generation_kw"): lambda t: block.heat[t],
        ("hydrogen", "consumption_kw"): lambda t: block.hydrogen[t],
    }
    if stateful:
        report["electricity", "online"] = lambda t: block.online[t]
    maintenance = energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.power[t])
    return Ports(
        flows={
            "electricity": lambda t: block.power[t],
            "heat": lambda t: block.heat[t],
            "hydrogen": lambda t: -block.hydrogen[t],
        },
        costs={"maintenance": maintenance, **start_up_cost(block, spec, axes)},
        report=report,
        carry=carried(block, spec, axes, block.power) if stateful else {},
    )
