"""Heat pump: heat = COP * power, with a COP that is given or follows the weather."""

from __future__ import annotations

from typing import ClassVar, Literal

import pyomo.environ as pyo
from pydantic import model_validator

from cosim.market.devices.base import (
    Axes,
    Carrier,
    DeviceSpec,
    Efficiency,
    Ports,
    energy_cost,
    resolve,
)
from cosim.scenario.networks import NonNegative, Positive
from cosim.scenario.series import Series
from cosim.units import celsius_to_kelvin


class HeatPump(DeviceSpec):
    """An electric compression heat pump."""

    type: Literal["heat_pump"] = "heat_pump"
    electric_max_kw: Series | None = None
    """Most electric power that can be drawn; give this, `heat_max_kw` or both."""
    heat_max_kw: Series | None = None
    """Most heat that can be delivered."""
    cop: Series | None = None
    """Heat over electricity; give this or `source_temperature_c`."""
    source_temperature_c: Series | None = None
    """Of outdoor air, ground or water; the COP is then `quality_grade` times Carnot."""
    sink_temperature_c: Series = 55.0
    """At the condenser's outlet; used with `source_temperature_c`."""
    quality_grade: Efficiency = 0.45
    """Real over Carnot COP; used with `source_temperature_c`."""
    cop_max: Positive = 7.0
    """Ceiling of the COP from temperatures."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh of heat."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("heat",)
    consumes: ClassVar[tuple[Carrier, ...]] = ("electricity",)

    @model_validator(mode="after")
    def _size_and_cop(self) -> HeatPump:
        if self.electric_max_kw is None and self.heat_max_kw is None:
            raise ValueError("heat pump has no size; give electric_max_kw, heat_max_kw or both")
        if (self.cop is None) == (self.source_temperature_c is None):
            found = "neither" if self.cop is None else "both"
            raise ValueError(
                f"{found} of cop and source_temperature_c given; give cop for a known COP, or "
                "source_temperature_c for one that follows the weather"
            )
        return self


def carnot_cop(
    source_temperature_c: float, sink_temperature_c: float, quality_grade: float, cop_max: float
) -> float:
    """Return quality_grade * T_sink / (T_sink - T_source), at most `cop_max`.

    Temperatures in C, converted to K inside. `cop_max` also where the source is not colder than
    the sink.

    Source: efficiency of the reversed Carnot cycle, times what real machines reach of it.
    """
    lift_k = sink_temperature_c - source_temperature_c
    if lift_k <= 0.0:
        return cop_max
    return min(cop_max, quality_grade * celsius_to_kelvin(sink_temperature_c) / lift_k)


def _cop(block: pyo.Block, spec: HeatPump, axes: Axes) -> list[float]:
    if spec.cop is not None:
        return resolve(block, axes, "cop", spec.cop, above=0.0)
    assert spec.source_temperature_c is not None
    absolute_zero_c = -celsius_to_kelvin(0.0)
    source_c = resolve(
        block, axes, "source_temperature_c", spec.source_temperature_c, above=absolute_zero_c
    )
    sink_c = resolve(
        block, axes, "sink_temperature_c", spec.sink_temperature_c, above=absolute_zero_c
    )
    return [
        carnot_cop(source, sink, spec.quality_grade, spec.cop_max)
        for source, sink in zip(source_c, sink_c, strict=True)
    ]


def _ceilings(
    block: pyo.Block, spec: HeatPump, axes: Axes, cop: list[float]
) -> tuple[list[float], list[float]]:
    """Return the upper bounds of power and heat in kW, each one implied by the other's."""
    power, heat = [float("inf")] * len(cop), [float("inf")] * len(cop)
    if spec.electric_max_kw is not None:
        power = resolve(block, axes, "electric_max_kw", spec.electric_max_kw)
    if spec.heat_max_kw is not None:
        heat = resolve(block, axes, "heat_max_kw", spec.heat_max_kw)
    most_heat = [min(q, p * c) for p, q, c in zip(power, heat, cop, strict=True)]
    return [q / c for q, c in zip(most_heat, cop, strict=True)], most_heat


def build(block: pyo.Block, spec: HeatPump, axes: Axes) -> Ports:
    """Add the heat pump to its block.

    `heat_output`: heat[t] = COP[t] * power[t], with power and heat between 0 and their largest
    values (variable bounds).

    Source: docs/models.md.

    Raises:
        ScenarioError: for a COP that is not positive or a size that is negative.
    """
    cop = _cop(block, spec, axes)
    power_max_kw, heat_max_kw = _ceilings(block, spec, axes, cop)
    block.power = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, power_max_kw[t]))
    block.heat = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, heat_max_kw[t]))
    block.heat_output = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.heat[t] == cop[t] * b.power[t],
        doc="heat is the COP times electric power",
    )
    return Ports(
        flows={"heat": lambda t: block.heat[t], "electricity": lambda t: -block.power[t]},
        costs={"maintenance": energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.heat[t])},
        report={
            ("heat", "generation_kw"): lambda t: block.heat[t],
            ("electricity", "consumption_kw"): lambda t: block.power[t],
        },
    )
