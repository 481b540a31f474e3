"""Compression chiller: cooling = EER * power, with an EER that is given or follows the weather."""

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


class CompressionChiller(DeviceSpec):
    """An electric chiller that gives its heat off to the outside."""

    type: Literal["compression_chiller"] = "compression_chiller"
    electric_max_kw: Series | None = None
    """Most electric power that can be drawn; give this, `cooling_max_kw` or both."""
    cooling_max_kw: Series | None = None
    """Most cooling that can be delivered."""
    load_min: Fraction = 0.0
    """Lowest cooling while running, as a fraction of the most that is possible at the step."""
    eer: Series | None = None
    """Cooling over electricity; give this or `outdoor_temperature_c`."""
    outdoor_temperature_c: Series | None = None
    """Of the air or water that takes the heat, such as `weather.temperature_c`; the EER is then
    `quality_grade` times Carnot, or `eer_lift`."""
    chilled_temperature_c: Series = 6.0
    """Of the chilled water; used with `outdoor_temperature_c`."""
    quality_grade: Efficiency = 0.35
    """Real over Carnot EER; used with `outdoor_temperature_c`."""
    eer_lift: LiftCurve | None = None
    """[a, b, c] of EER = a + b * lift + c * lift^2 with the lift from chilled water to outdoors in
    K, in place of `quality_grade`."""
    eer_max: Positive = 10.0
    """Ceiling of the EER from temperatures."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh of cooling."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("cooling",)
    consumes: ClassVar[tuple[Carrier, ...]] = ("electricity",)

    @model_validator(mode="after")
    def _size_and_eer(self) -> CompressionChiller:
        if self.electric_max_kw is None and self.cooling_max_kw is None:
            raise ValueError("chiller has no size; give electric_max_kw, cooling_max_kw or both")
        if (self.eer is None) == (self.outdoor_temperature_c is None):
            found = "neither" if self.eer is None else "both"
            raise ValueError(
                f"{found} of eer and outdoor_temperature_c given; give eer for a known EER, or "
                "outdoor_temperature_c for one that follows the weather"
            )
        if self.eer_lift is not None and {"eer", "quality_grade"} & self.model_fields_set:
            raise ValueError(
                "eer_lift takes the place of eer and quality_grade; leave them out and give "
                "outdoor_temperature_c"
            )
        return self


def carnot_eer(
    chilled_temperature_c: float,
    outdoor_temperature_c: float,
    quality_grade: float,
    eer_max: float,
) -> float:
    """Return quality_grade * T_chilled / (T_outdoor - T_chilled), at most `eer_max`.

    Temperatures in C, converted to K inside. `eer_max` also where it is not warmer outside.

    Source: efficiency of the reversed Carnot cycle, times what real machines reach of it.
    """
    lift_k = outdoor_temperature_c - chilled_temperature_c
    return carnot(lift_k, chilled_temperature_c, quality_grade, eer_max)


def _eer(block: pyo.Block, spec: CompressionChiller, axes: Axes) -> list[float]:
    if spec.eer is not None:
        return resolve(block, axes, "eer", spec.eer, above=0.0)
    assert spec.outdoor_temperature_c is not None

    def eer(chilled_c: float, outdoor_c: float) -> float:
        if spec.eer_lift is not None:
            return lift_curve(spec.eer_lift, outdoor_c - chilled_c, spec.eer_max)
        return carnot_eer(chilled_c, outdoor_c, spec.quality_grade, spec.eer_max)

    chilled = ("chilled_temperature_c", spec.chilled_temperature_c)
    outdoor = ("outdoor_temperature_c", spec.outdoor_temperature_c)
    return performance(block, axes, chilled, outdoor, eer)


def build(block: pyo.Block, spec: CompressionChiller, axes: Axes) -> Ports:
    """Add the chiller to its block.

    `cooling_output`: cooling[t] = EER[t] * power[t], with power and cooling between 0 and their
    largest values (variable bounds).
    `load_floor`, `load_ceiling`: only with a lowest load, see `lift.add_lowest_load`.

    Source: docs/models.md.

    Raises:
        ScenarioError: for an EER that is not positive or a size that is negative.
    """
    eer = _eer(block, spec, axes)
    sizes = ("electric_max_kw", spec.electric_max_kw), ("cooling_max_kw", spec.cooling_max_kw)
    power_max_kw, cooling_max_kw = ceilings(block, axes, *sizes, eer)
    block.power = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, power_max_kw[t]))
    block.cooling = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, cooling_max_kw[t]))
    block.cooling_output = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.cooling[t] == eer[t] * b.power[t],
        doc="cooling is the EER times electric power",
    )
    report: dict[tuple[Carrier, str], Flow] = {
        ("cooling", "generation_kw"): lambda t: block.cooling[t],
        ("electricity", "consumption_kw"): lambda t: block.power[t],
    }
    if spec.load_min > 0.0:
        add_lowest_load(block, axes, block.cooling, cooling_max_kw, spec.load_min)
        report["cooling", "online"] = lambda t: block.online[t]
    maintenance = energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.cooling[t])
    return Ports(
        flows={"cooling": lambda t: block.cooling[t], "electricity": lambda t: -block.power[t]},
        costs={"maintenance": maintenance},
        report=report,
    )
