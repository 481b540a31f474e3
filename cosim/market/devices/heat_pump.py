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
    Flow,
    Ports,
    energy_cost,
    resolve,
)
from cosim.market.devices.lift import (
    LiftCurve,
    add_lowest_load,
    carnot,
    ceilings,
    lift_curve,
    performance,
)
from cosim.scenario.networks import Fraction, NonNegative, Positive
from cosim.scenario.series import Series


class HeatPump(DeviceSpec):
    """An electric compression heat pump."""

    type: Literal["heat_pump"] = "heat_pump"
    electric_max_kw: Series | None = None
    """Most electric power that can be drawn; give this, `heat_max_kw` or both."""
    heat_max_kw: Series | None = None
    """Most heat that can be delivered."""
    load_min: Fraction = 0.0
    """Lowest heat while running, as a fraction of the most that is possible at the step."""
    cop: Series | None = None
    """Heat over electricity; give this or `source_temperature_c`."""
    source_temperature_c: Series | None = None
    """Of outdoor air, ground or water, such as `weather.temperature_c`; the COP is then
    `quality_grade` times Carnot, or `cop_lift`."""
    sink_temperature_c: Series = 55.0
    """At the condenser's outlet; used with `source_temperature_c`."""
    quality_grade: Efficiency = 0.45
    """Real over Carnot COP; used with `source_temperature_c`."""
    cop_lift: LiftCurve | None = None
    """[a, b, c] of COP = a + b * lift + c * lift^2 with the lift from source to sink in K, in place
    of `quality_grade`. Ruhnau 2019: air 6.08, -0.09, 0.0005; ground 10.29, -0.21, 0.0012; ground
    water 9.97, -0.20, 0.0012."""
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
        if self.cop_lift is not None and {"cop", "quality_grade"} & self.model_fields_set:
            raise ValueError(
                "cop_lift takes the place of cop and quality_grade; leave them out and give "
                "source_temperature_c"
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
    return carnot(lift_k, sink_temperature_c, quality_grade, cop_max)


def _cop(block: pyo.Block, spec: HeatPump, axes: Axes) -> list[float]:
    if spec.cop is not None:
        return resolve(block, axes, "cop", spec.cop, above=0.0)
    assert spec.source_temperature_c is not None

    def cop(source_c: float, sink_c: float) -> float:
        if spec.cop_lift is not None:
            return lift_curve(spec.cop_lift, sink_c - source_c, spec.cop_max)
        return carnot_cop(source_c, sink_c, spec.quality_grade, spec.cop_max)

    source = ("source_temperature_c", spec.source_temperature_c)
    return performance(block, axes, source, ("sink_temperature_c", spec.sink_temperature_c), cop)


def build(block: pyo.Block, spec: HeatPump, axes: Axes) -> Ports:
    """Add the heat pump to its block.

    `heat_output`: heat[t] = COP[t] * power[t], with power and heat between 0 and their largest
    values (variable bounds).
    `load_floor`, `load_ceiling`: only with a lowest load, see `lift.add_lowest_load`.

    Source: docs/models.md.

    Raises:
        ScenarioError: for a COP that is not positive or a size that is negative.
    """
    cop = _cop(block, spec, axes)
    sizes = ("electric_max_kw", spec.electric_max_kw), ("heat_max_kw", spec.heat_max_kw)
    power_max_kw, heat_max_kw = ceilings(block, axes, *sizes, cop)
    block.power = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, power_max_kw[t]))
    block.heat = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, heat_max_kw[t]))
    block.heat_output = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.heat[t] == cop[t] * b.power[t],
        doc="heat is the COP times electric power",
    )
    report: dict[tuple[Carrier, str], Flow] = {
        ("heat", "generation_kw"): lambda t: block.heat[t],
        ("electricity", "consumption_kw"): lambda t: block.power[t],
    }
    if spec.load_min > 0.0:
        add_lowest_load(block, axes, block.heat, heat_max_kw, spec.load_min)
        report["heat", "online"] = lambda t: block.online[t]
    return Ports(
        flows={"heat": lambda t: block.heat[t], "electricity": lambda t: -block.power[t]},
        costs={"maintenance": energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.heat[t])},
        report=report,
    )
