"""Storage of any carrier: energy in, energy out, standing losses."""

from __future__ import annotations

from typing import Annotated, ClassVar

import pyomo.environ as pyo
from pydantic import Field, model_validator

from cosim.market.devices.base import Axes, Carrier, DeviceSpec, Efficiency, Ports, energy_cost
from cosim.scenario.networks import Fraction, NonNegative, Positive


class Storage(DeviceSpec):
    """What every storage has; a subclass names its carrier and its usual numbers."""

    capacity_kwh: Positive
    """Energy content between empty and full."""
    charge_max_per_h: Positive = 0.5
    """Most charging power as a fraction of the capacity per hour (C-rate)."""
    discharge_max_per_h: Positive = 0.5
    """Most discharging power as a fraction of the capacity per hour."""
    eta_charge: Efficiency = 0.95
    """Energy stored over energy taken in."""
    eta_discharge: Efficiency = 0.95
    """Energy given out over energy taken from the store."""
    self_discharge_per_h: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the content lost in one hour."""
    energy_min: Fraction = 0.0
    """Lowest content as a fraction of the capacity."""
    energy_max: Fraction = 1.0
    """Highest content as a fraction of the capacity."""
    initial: Fraction | None = None
    """Content before the first step as a fraction of the capacity; chosen freely if missing,
    which needs `cyclic`."""
    cyclic: bool = True
    """The content after the last step equals that before the first."""
    degradation_per_kwh: NonNegative = 0.0
    """Cost per kWh given out."""

    carrier: ClassVar[Carrier]
    supplies: ClassVar[tuple[Carrier, ...]]
    consumes: ClassVar[tuple[Carrier, ...]]

    @model_validator(mode="after")
    def _content_is_consistent(self) -> Storage:
        if self.energy_min > self.energy_max:
            raise ValueError(
                f"energy_min {self.energy_min:g} is above energy_max {self.energy_max:g}; "
                "give energy_min at most energy_max"
            )
        if self.initial is None and not self.cyclic:
            raise ValueError(
                "no initial content for a storage that is not cyclic; give initial between "
                f"{self.energy_min:g} and {self.energy_max:g}, or cyclic: true"
            )
        if self.initial is not None and not self.energy_min <= self.initial <= self.energy_max:
            raise ValueError(
                f"initial {self.initial:g} is outside energy_min {self.energy_min:g} to "
                f"energy_max {self.energy_max:g}; give a value between them"
            )
        return self


def build(block: pyo.Block, spec: Storage, axes: Axes) -> Ports:
    """Add the storage to its block.

    `energy_balance`: energy[t] = (1 - sigma)^dt energy[t-1] + (eta_charge charge[t]
    - discharge[t] / eta_discharge) dt; energy[t] in kWh at the end of step t. Before the first
    step it is what the window before left, or `initial` times the capacity, or energy[T-1] where
    that is free.
    `final_energy`: energy[T-1] = content at the beginning of the whole horizon, for cyclic storages
    where that is not energy[T-1] itself; left out where the horizon goes on behind the last step.
    `charge_mode`, `discharge_mode`: charge[t] <= charge_max charging[t], discharge[t] <=
    discharge_max (1 - charging[t]), charging binary; only where `axes.relax` is false.

    Source: docs/models.md.
    """
    charge_max_kw = spec.charge_max_per_h * spec.capacity_kwh
    discharge_max_kw = spec.discharge_max_per_h * spec.capacity_kwh
    block.charge = pyo.Var(axes.steps, bounds=(0.0, charge_max_kw))
    block.discharge = pyo.Var(axes.steps, bounds=(0.0, discharge_max_kw))
    block.energy = pyo.Var(
        axes.steps,
        bounds=(spec.energy_min * spec.capacity_kwh, spec.energy_max * spec.capacity_kwh),
    )
    _add_balance(block, spec, axes)
    if not axes.relax:
        add_modes(block, axes, charge_max_kw, discharge_max_kw)
    return _ports(block, spec, axes)


def _add_balance(block: pyo.Block, spec: Storage, axes: Axes) -> None:
    kept = (1.0 - spec.self_discharge_per_h) ** axes.step_h
    into = spec.eta_charge * axes.step_h
    out_of = axes.step_h / spec.eta_discharge
    last = axes.steps[-1]
    began_kwh = axes.origin.get("energy_kwh")
    if spec.initial is not None:
        began_kwh = spec.initial * spec.capacity_kwh
    initial_kwh = axes.initial.get("energy_kwh", began_kwh)

    def energy_balance(b: pyo.Block, t: int) -> object:
        before = b.energy[t - 1 if t else last] if t or initial_kwh is None else initial_kwh
        return b.energy[t] == kept * before + into * b.charge[t] - out_of * b.discharge[t]

    block.energy_balance = pyo.Constraint(
        axes.steps, rule=energy_balance, doc="content is what was kept, plus charged, less drawn"
    )
    if spec.cyclic and axes.closes and began_kwh is not None:
        block.final_energy = pyo.Constraint(
            expr=block.energy[last] == began_kwh, doc="the content ends where it began"
        )


def add_modes(block: pyo.Block, axes: Axes, charge_max_kw: float, discharge_max_kw: float) -> None:
    """Forbid charging and discharging in the same step.

    `charge_mode`, `discharge_mode`: charge[t] <= charge_max charging[t], discharge[t] <=
    discharge_max (1 - charging[t]), charging binary.
    """
    block.charging = pyo.Var(axes.steps, domain=pyo.Binary)
    block.charge_mode = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.charge[t] <= charge_max_kw * b.charging[t],
        doc="charges only while in charging mode",
    )
    block.discharge_mode = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.discharge[t] <= discharge_max_kw * (1 - b.charging[t]),
        doc="discharges only while not in charging mode",
    )


def _ports(block: pyo.Block, spec: Storage, axes: Axes) -> Ports:
    def charge(t: int) -> object:
        return block.charge[t]

    def discharge(t: int) -> object:
        return block.discharge[t]

    return Ports(
        flows={spec.carrier: lambda t: block.discharge[t] - block.charge[t]},
        costs={"degradation": energy_cost(axes, spec.degradation_per_kwh, discharge)},
        report={
            (spec.carrier, "charging_kw"): charge,
            (spec.carrier, "discharging_kw"): discharge,
            (spec.carrier, "state_of_charge_kwh"): lambda t: block.energy[t],
        },
        exclusive={"charge_discharge": (charge, discharge)} if axes.relax else {},
        carry={"energy_kwh": lambda t: block.energy[t]},
    )
