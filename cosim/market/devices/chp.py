"""Combined heat and power: on or off, with a part-load threshold."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import pyomo.environ as pyo
from pydantic import Field, model_validator

from cosim.market.devices.base import (
    NATURAL_GAS_CO2_KG_PER_KWH,
    Axes,
    Carrier,
    Efficiency,
    Flow,
    Ports,
    energy_cost,
    flue_co2,
)
from cosim.market.devices.commitment import (
    Committed,
    add_commitment,
    add_states,
    carried,
    start_up_cost,
)
from cosim.market.devices.curves import InputCurve, add_line, add_segments, curve_of
from cosim.scenario.networks import Fraction, NonNegative, Positive

_EPS = 1e-9
"""Guards comparisons against floating point."""

LoadPoint = tuple[Annotated[float, Field(gt=0.0, le=1.0)], Efficiency]
"""Load as a fraction of the rated power, and the efficiency there."""


class CombinedUnit(Committed):
    """What every unit for heat and power has, whatever it burns."""

    power_max_kw: Positive
    """Rated electric power."""
    load_min: Fraction = 0.5
    """Lowest electric power while running, as a fraction of `power_max_kw`; with 0, and without
    `eta_el_part`, starts and ramps, the unit needs no on/off decision."""
    eta_el_full: Efficiency = 0.38
    """Electricity over lower heating value at full load."""
    eta_el_part: Efficiency | None = None
    """The same at `part_load`; as at full load if missing."""
    part_load: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    """Fraction of `power_max_kw` at which `eta_el_part` holds."""
    efficiency_curve: tuple[LoadPoint, ...] = ()
    """Electric efficiency at rising loads, [[load, efficiency], ...], the last at load 1. Fuel is
    linear between them. The first load is the lowest while running. Takes the place of `load_min`,
    `eta_el_full`, `eta_el_part` and `part_load`."""
    loss_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05
    """Share of the fuel lost by radiation and unburnt gas."""
    heat_recovered_share: Fraction = 0.87
    """Share of (fuel - electricity - losses) that becomes useful heat."""
    heat_dump_allowed: bool = False
    """Recovered heat may be thrown away (emergency cooler)."""
    flue_co2_kg_per_kwh: NonNegative = NATURAL_GAS_CO2_KG_PER_KWH
    """CO2 in the flue gas per kWh (lower heating value) of gas, for devices that capture it."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh of electricity."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("electricity", "heat")
    consumes: ClassVar[tuple[Carrier, ...]] = ("gas",)

    @model_validator(mode="after")
    def _fuel_is_plausible(self) -> Self:
        self._check_curve()
        if self.fuel_line()[0] <= 0.0:
            raise ValueError(
                f"eta_el_part {self.eta_el_part} at part_load {self.part_load:g} needs more fuel "
                f"than full load at eta_el_full {self.eta_el_full:g}; give an eta_el_part above "
                f"{self.part_load * self.eta_el_full:g}"
            )
        curve = self.fuel_curve()
        for power_kw, fuel_kw in zip(curve.output_kw, curve.input_kw, strict=True):
            usable_kw = (1.0 - self.loss_share) * fuel_kw
            if usable_kw < power_kw - _EPS * self.power_max_kw:
                raise ValueError(
                    f"at {power_kw / self.power_max_kw:.0%} load {power_kw:g} kW of electricity is "
                    f"more than the {usable_kw:g} kW of fuel left after loss_share "
                    f"{self.loss_share:g}; lower the electric efficiencies or loss_share"
                )
        return self

    def _check_curve(self) -> None:
        replaced = {"load_min", "eta_el_full", "eta_el_part", "part_load"} & self.model_fields_set
        if self.efficiency_curve and replaced:
            raise ValueError(
                f"both efficiency_curve and {', '.join(sorted(replaced))} given; the curve takes "
                "their place, leave them out"
            )

    def output_range_kw(self) -> tuple[float, float]:
        """Return lowest and highest electric power while running."""
        lowest = self.efficiency_curve[0][0] if self.efficiency_curve else self.load_min
        return lowest * self.power_max_kw, self.power_max_kw

    def has_states(self, axes: Axes) -> bool:
        """Return whether it needs to know if it is on."""
        curved = bool(self.efficiency_curve) or self.eta_el_part is not None
        return self.load_min > 0.0 or curved or self.is_tracked(axes)

    def fuel_line(self) -> tuple[float, float]:
        """Return slope (kW fuel per kW electricity) and no-load fuel in kW.

        fuel = slope * power + no_load * online is exact at full load and at `part_load`.
        """
        if self.efficiency_curve:
            return self.fuel_curve().line()
        eta_part = self.eta_el_full if self.eta_el_part is None else self.eta_el_part
        part_kw = self.part_load * self.power_max_kw
        output_kw = (part_kw, self.power_max_kw)
        input_kw = (part_kw / eta_part, self.power_max_kw / self.eta_el_full)
        return InputCurve(output_kw, input_kw).line()

    def fuel_curve(self) -> InputCurve:
        """Return fuel over electric power, from the lowest load to the rated power."""
        if self.efficiency_curve:
            return curve_of(self.power_max_kw, self.efficiency_curve)
        slope, no_load_kw = self.fuel_line()
        ends = self.output_range_kw()
        return InputCurve(ends, tuple(slope * power_kw + no_load_kw for power_kw in ends))


class Chp(CombinedUnit):
    """A gas engine or turbine that recovers heat."""

    type: Literal["chp"] = "chp"


def build(block: pyo.Block, spec: CombinedUnit, axes: Axes) -> Ports:
    """Add the unit to its block.

    `load_floor`, `load_ceiling`: load_min power_max online[t] <= power[t] <= power_max online[t].
    `fuel_curve`: fuel[t] = slope power[t] + no_load online[t], exact at two points.
    Without a lowest load, part-load efficiency, starts and ramps the unit needs no state: `online`
    and its rows are left out.
    With an efficiency curve of three or more points instead `segment_sum`, `segment_fuel`,
    `segment_ceiling`, `segment_full`, `segment_next`, see `curves.add_segments`.
    `heat_recovery`: heat[t] + dump[t] = heat_recovered_share ((1 - loss_share) fuel[t] - power[t]);
    dump only where allowed.
    `commitment`, `up_time`, `down_time`, `ramp_up`, `ramp_down`: see `commitment.add_commitment`.

    Source: docs/models.md.
    """
    curve = spec.fuel_curve()
    block.power = pyo.Var(axes.steps, bounds=(0.0, spec.power_max_kw))
    block.fuel = pyo.Var(axes.steps, bounds=(0.0, curve.input_kw[-1]))
    exclusive: dict[str, tuple[Flow, Flow]] = {}
    if spec.has_states(axes):
        add_states(block, spec.output_range_kw(), axes, block.power)
    if len(spec.efficiency_curve) > 2:
        exclusive = add_segments(block, axes, curve, block.power, block.fuel)
    elif spec.has_states(axes):
        add_line(block, axes, spec.fuel_line(), block.power, block.fuel)
    else:
        _add_proportional_fuel(block, spec, axes)
    _add_heat(block, spec, axes)
    if spec.has_states(axes):
        add_commitment(block, spec, axes, block.power)
    return _ports(block, spec, axes, exclusive)


def _add_proportional_fuel(block: pyo.Block, spec: CombinedUnit, axes: Axes) -> None:
    slope = spec.fuel_line()[0]
    block.fuel_curve = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.fuel[t] == slope * b.power[t],
        doc="fuel is in proportion to power",
    )


def _add_heat(block: pyo.Block, spec: CombinedUnit, axes: Axes) -> None:
    left, share = 1.0 - spec.loss_share, spec.heat_recovered_share
    block.heat = pyo.Var(axes.steps, bounds=(0.0, None))
    block.dump = pyo.Var(axes.steps if spec.heat_dump_allowed else (), bounds=(0.0, None))

    def heat_recovery(b: pyo.Block, t: int) -> object:
        """Return that heat is a share of the losses of the engine."""
        delivered = b.heat[t] + b.dump[t] if spec.heat_dump_allowed else b.heat[t]
        return delivered == share * left * b.fuel[t] - share * b.power[t]

    block.heat_recovery = pyo.Constraint(
        axes.steps, rule=heat_recovery, doc="heat is the recovered share of what fuel leaves over"
    )


def _ports(
    block: pyo.Block, spec: CombinedUnit, axes: Axes, exclusive: dict[str, tuple[Flow, Flow]]
) -> Ports:
    report: dict[tuple[Carrier, str], Flow] = {
        ("electricity", "generation_kw"): lambda t: block.power[t],
        ("heat", "generation_kw"): lambda t: block.heat[t],
        ("gas", "consumption_kw"): lambda t: block.fuel[t],
    }
    stateful = spec.has_states(axes)
    if stateful:
        report["electricity", "online"] = lambda t: block.online[t]
    if spec.heat_dump_allowed:
        report["heat", "dumped_kw"] = lambda t: block.dump[t]
    maintenance = energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.power[t])
    return Ports(
        flows={
            "electricity": lambda t: block.power[t],
            "heat": lambda t: block.heat[t],
            "gas": lambda t: -block.fuel[t],
        },
        costs={"maintenance": maintenance, **start_up_cost(block, spec, axes)},
        report=report,
        exclusive=exclusive,
        carry=carried(block, spec, axes, block.power) if stateful else {},
        co2={"flue": flue_co2(axes, lambda t: block.fuel[t], spec.flue_co2_kg_per_kwh)},
    )
