"""Gas boiler: heat = eta * fuel, or a line through two points and a lowest load."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import pyomo.environ as pyo
from pydantic import Field, model_validator

from cosim.market.devices.base import (
    NATURAL_GAS_CO2_KG_PER_KWH,
    Axes,
    Carrier,
    DeviceSpec,
    Flow,
    Ports,
    energy_cost,
    flue_co2,
)
from cosim.market.devices.commitment import add_states
from cosim.market.devices.curves import InputCurve, add_line
from cosim.scenario.networks import Fraction, NonNegative, Positive

BoilerEfficiency = Annotated[float, Field(gt=0.0, le=1.1)]
"""Heat over lower heating value; above 1 for condensing boilers."""


class FuelBoiler(DeviceSpec):
    """What every boiler has, whatever it burns."""

    heat_max_kw: Positive
    """Rated heat output."""
    eta: BoilerEfficiency = 0.92
    """Heat over lower heating value at full load; above 1 for condensing boilers."""
    eta_part: BoilerEfficiency | None = None
    """The same at `part_load`; as at full load if missing."""
    part_load: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.3
    """Fraction of `heat_max_kw` at which `eta_part` holds."""
    load_min: Fraction = 0.0
    """Lowest heat output while running, as a fraction of `heat_max_kw`; with 0 and without
    `eta_part` the boiler needs no state."""
    flue_co2_kg_per_kwh: NonNegative = NATURAL_GAS_CO2_KG_PER_KWH
    """CO2 in the flue gas per kWh (lower heating value) of gas, for devices that capture it."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh of heat."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("heat",)
    consumes: ClassVar[tuple[Carrier, ...]] = ("gas",)

    @model_validator(mode="after")
    def _fuel_rises_with_heat(self) -> Self:
        if self.fuel_line()[0] <= 0.0:
            raise ValueError(
                f"eta_part {self.eta_part} at part_load {self.part_load:g} needs more fuel than "
                f"full load at eta {self.eta:g}; give an eta_part above "
                f"{self.part_load * self.eta:g}"
            )
        slope, no_load_kw = self.fuel_line()
        if slope * self.output_range_kw()[0] + no_load_kw < 0.0:
            raise ValueError(
                f"eta_part {self.eta_part} at part_load {self.part_load:g} means no fuel at "
                f"load_min {self.load_min:g}; lower eta_part or raise load_min"
            )
        return self

    def output_range_kw(self) -> tuple[float, float]:
        """Return lowest and highest heat output while running."""
        return self.load_min * self.heat_max_kw, self.heat_max_kw

    def fuel_max_kw(self) -> float:
        """Return the fuel at full load."""
        return self.heat_max_kw / self.eta

    def fuel_line(self) -> tuple[float, float]:
        """Return slope (kW fuel per kW heat) and no-load fuel in kW."""
        eta_part = self.eta if self.eta_part is None else self.eta_part
        part_kw = self.part_load * self.heat_max_kw
        points = (part_kw / eta_part, self.fuel_max_kw())
        return InputCurve((part_kw, self.heat_max_kw), points).line()


class Boiler(FuelBoiler):
    """A gas-fired boiler."""

    type: Literal["boiler"] = "boiler"


def build(block: pyo.Block, spec: FuelBoiler, axes: Axes) -> Ports:
    """Add the boiler to its block.

    `heat_output`: heat[t] = eta * fuel[t], with 0 <= heat <= heat_max_kw (variable bounds).
    With a lowest load or a part-load efficiency instead, online binary:
    `load_floor`, `load_ceiling`: load_min heat_max online[t] <= heat[t] <= heat_max online[t].
    `fuel_curve`: fuel[t] = slope heat[t] + no_load online[t], exact at two points.

    Source: docs/models.md.
    """
    block.heat = pyo.Var(axes.steps, bounds=(0.0, spec.heat_max_kw))
    block.fuel = pyo.Var(axes.steps, bounds=(0.0, spec.fuel_max_kw()))
    report: dict[tuple[Carrier, str], Flow] = {
        ("heat", "generation_kw"): lambda t: block.heat[t],
        ("gas", "consumption_kw"): lambda t: block.fuel[t],
    }
    if spec.load_min > 0.0 or spec.eta_part is not None:
        add_states(block, spec.output_range_kw(), axes, block.heat)
        add_line(block, axes, spec.fuel_line(), block.heat, block.fuel)
        report["heat", "online"] = lambda t: block.online[t]
    else:
        block.heat_output = pyo.Constraint(
            axes.steps,
            rule=lambda b, t: b.heat[t] == spec.eta * b.fuel[t],
            doc="heat is eta times fuel",
        )
    return Ports(
        flows={"heat": lambda t: block.heat[t], "gas": lambda t: -block.fuel[t]},
        costs={"maintenance": energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.heat[t])},
        report=report,
        co2={"flue": flue_co2(axes, lambda t: block.fuel[t], spec.flue_co2_kg_per_kwh)},
    )
