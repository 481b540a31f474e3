"""Combined heat and power: on or off, with a part-load threshold."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import pyomo.environ as pyo
from pydantic import Field, model_validator

from cosim.market.devices.base import (
    Axes,
    Carrier,
    DeviceSpec,
    Efficiency,
    Flow,
    Ports,
    energy_cost,
)
from cosim.scenario.networks import Fraction, NonNegative, Positive

_EPS = 1e-9
"""Guards comparisons and the rounding up of hours to steps against floating point."""


class Chp(DeviceSpec):
    """A gas engine or turbine that recovers heat."""

    type: Literal["chp"] = "chp"
    power_max_kw: Positive
    """Rated electric power."""
    load_min: Fraction = 0.5
    """Lowest electric power while running, as a fraction of `power_max_kw`."""
    eta_el_full: Efficiency = 0.38
    """Electricity over lower heating value at full load."""
    eta_el_part: Efficiency | None = None
    """The same at `part_load`; as at full load if missing."""
    part_load: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    """Fraction of `power_max_kw` at which `eta_el_part` holds."""
    loss_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05
    """Share of the fuel lost by radiation and unburnt gas."""
    heat_recovered_share: Fraction = 0.87
    """Share of (fuel - electricity - losses) that becomes useful heat."""
    heat_dump_allowed: bool = False
    """Recovered heat may be thrown away (emergency cooler)."""
    ramp_max_kw_per_h: Positive | None = None
    """Fastest change of electric power while running; unlimited if missing."""
    up_time_min_h: NonNegative = 0.0
    """Once started, runs at least this long."""
    down_time_min_h: NonNegative = 0.0
    """Once stopped, stays off at least this long."""
    start_cost: NonNegative = 0.0
    """Cost of one start."""
    initial_power_kw: NonNegative | None = None
    """Electric power before the first step, 0 for off; if missing the horizon repeats itself,
    so the last step comes before the first. Minimum times before the horizon count as served."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh of electricity."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("electricity", "heat")
    consumes: ClassVar[tuple[Carrier, ...]] = ("gas",)

    @model_validator(mode="after")
    def _fuel_is_plausible(self) -> Chp:
        slope, no_load_kw = self.fuel_line()
        if slope <= 0.0:
            raise ValueError(
                f"eta_el_part {self.eta_el_part} at part_load {self.part_load:g} needs more fuel "
                f"than full load at eta_el_full {self.eta_el_full:g}; give an eta_el_part above "
                f"{self.part_load * self.eta_el_full:g}"
            )
        for load in (self.load_min, 1.0):
            power_kw = load * self.power_max_kw
            usable_kw = (1.0 - self.loss_share) * (slope * power_kw + no_load_kw)
            if usable_kw < power_kw - _EPS * self.power_max_kw:
                raise ValueError(
                    f"at {load:.0%} load {power_kw:g} kW of electricity is more than the "
                    f"{usable_kw:g} kW of fuel left after loss_share {self.loss_share:g}; lower "
                    "the electric efficiencies or loss_share"
                )
        return self

    @model_validator(mode="after")
    def _initial_power_is_reachable(self) -> Chp:
        power_min_kw = self.load_min * self.power_max_kw
        before = self.initial_power_kw
        if before and not power_min_kw <= before <= self.power_max_kw:
            raise ValueError(
                f"initial_power_kw {before:g} is neither 0 nor between {power_min_kw:g} and "
                f"{self.power_max_kw:g}; give 0 for off or a power in that range"
            )
        return self

    def fuel_line(self) -> tuple[float, float]:
        """Return slope (kW fuel per kW electricity) and no-load fuel in kW.

        fuel = slope * power + no_load * online is exact at full load and at `part_load`.
        """
        full_kw = self.power_max_kw / self.eta_el_full
        eta_part = self.eta_el_full if self.eta_el_part is None else self.eta_el_part
        part_kw = self.part_load * self.power_max_kw / eta_part
        slope = (full_kw - part_kw) / ((1.0 - self.part_load) * self.power_max_kw)
        no_load_kw = full_kw - slope * self.power_max_kw
        return slope, 0.0 if abs(no_load_kw) < _EPS * full_kw else no_load_kw


def build(block: pyo.Block, spec: Chp, axes: Axes) -> Ports:
    """Add the unit to its block.

    `load_floor`, `load_ceiling`: load_min power_max online[t] <= power[t] <= power_max online[t].
    `fuel_curve`: fuel[t] = slope power[t] + no_load online[t], exact at two points.
    `heat_recovery`: heat[t] + dump[t] = heat_recovered_share ((1 - loss_share) fuel[t] - power[t]);
    dump only where allowed.
    `commitment`: online[t] - online[t-1] = start[t] - stop[t].
    `up_time`, `down_time`: starts of the last up_time_min_h <= online[t]; stops of the last
    down_time_min_h <= 1 - online[t].
    `ramp_up`, `ramp_down`: power[t] - power[t-1] <= ramp online[t-1] + first start[t] and
    power[t-1] - power[t] <= ramp online[t] + first stop[t], with first = max(ramp, lowest power).

    `start` and `stop` are continuous: `up_time` and `down_time` make them integral. They exist
    only where a start cost, a minimum time or a ramp needs them.

    Source: docs/models.md; commitment after Rajan and Takriti (2005), IBM RC23628.
    """
    _add_output(block, spec, axes)
    tracked = (
        spec.start_cost > 0.0
        or spec.ramp_max_kw_per_h is not None
        or max(spec.up_time_min_h, spec.down_time_min_h) > axes.step_h + _EPS
    )
    if tracked:
        _add_commitment(block, spec, axes)
    if spec.ramp_max_kw_per_h is not None:
        _add_ramps(block, spec, axes, spec.ramp_max_kw_per_h * axes.step_h)
    return _ports(block, spec, axes)


def _add_output(block: pyo.Block, spec: Chp, axes: Axes) -> None:
    slope, no_load_kw = spec.fuel_line()
    power_min_kw = spec.load_min * spec.power_max_kw
    left, share = 1.0 - spec.loss_share, spec.heat_recovered_share
    block.online = pyo.Var(axes.steps, domain=pyo.Binary)
    block.power = pyo.Var(axes.steps, bounds=(0.0, spec.power_max_kw))
    block.fuel = pyo.Var(axes.steps, bounds=(0.0, spec.power_max_kw / spec.eta_el_full))
    block.heat = pyo.Var(axes.steps, bounds=(0.0, None))
    block.dump = pyo.Var(axes.steps if spec.heat_dump_allowed else (), bounds=(0.0, None))
    block.load_floor = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.power[t] >= power_min_kw * b.online[t],
        doc="running means at least the part-load threshold",
    )
    block.load_ceiling = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.power[t] <= spec.power_max_kw * b.online[t],
        doc="power only while running, up to the rated power",
    )
    block.fuel_curve = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.fuel[t] == slope * b.power[t] + no_load_kw * b.online[t],
        doc="fuel is a line through full load and part load",
    )

    def heat_recovery(b: pyo.Block, t: int) -> object:
        delivered = b.heat[t] + b.dump[t] if spec.heat_dump_allowed else b.heat[t]
        return delivered == share * left * b.fuel[t] - share * b.power[t]

    block.heat_recovery = pyo.Constraint(
        axes.steps, rule=heat_recovery, doc="heat is the recovered share of what fuel leaves over"
    )


def _before(block: pyo.Block, spec: Chp, axes: Axes, t: int) -> tuple[Any, Any]:
    """Return online and power of the step before t; the last step's where the horizon repeats."""
    if t == 0 and spec.initial_power_kw is not None:
        return float(spec.initial_power_kw > 0.0), spec.initial_power_kw
    step = t - 1 if t else axes.steps[-1]
    return block.online[step], block.power[step]


def _recent(spec: Chp, axes: Axes, t: int, hours: float) -> list[int]:
    """Return the steps within the last `hours` up to and including t, at least t itself."""
    length = min(len(axes.steps), max(1, math.ceil(hours / axes.step_h - _EPS)))
    window = range(t - length + 1, t + 1)
    if spec.initial_power_kw is not None:
        return [step for step in window if step >= 0]
    return [step % len(axes.steps) for step in window]


def _add_commitment(block: pyo.Block, spec: Chp, axes: Axes) -> None:
    block.start = pyo.Var(axes.steps, bounds=(0.0, 1.0))
    block.stop = pyo.Var(axes.steps, bounds=(0.0, 1.0))
    block.commitment = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.online[t] - _before(b, spec, axes, t)[0] == b.start[t] - b.stop[t],
        doc="a change of state is a start or a stop",
    )
    block.up_time = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: (
            pyo.quicksum(b.start[step] for step in _recent(spec, axes, t, spec.up_time_min_h))
            <= b.online[t]
        ),
        doc="recently started means still running",
    )
    block.down_time = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: (
            pyo.quicksum(b.stop[step] for step in _recent(spec, axes, t, spec.down_time_min_h))
            <= 1 - b.online[t]
        ),
        doc="recently stopped means still off",
    )


def _add_ramps(block: pyo.Block, spec: Chp, axes: Axes, ramp_kw: float) -> None:
    first_kw = max(ramp_kw, spec.load_min * spec.power_max_kw)

    def ramp_up(b: pyo.Block, t: int) -> object:
        online, power = _before(b, spec, axes, t)
        return b.power[t] - power <= ramp_kw * online + first_kw * b.start[t]

    def ramp_down(b: pyo.Block, t: int) -> object:
        _, power = _before(b, spec, axes, t)
        return power - b.power[t] <= ramp_kw * b.online[t] + first_kw * b.stop[t]

    block.ramp_up = pyo.Constraint(axes.steps, rule=ramp_up, doc="power rises at most by the ramp")
    block.ramp_down = pyo.Constraint(
        axes.steps, rule=ramp_down, doc="power falls at most by the ramp"
    )


def _ports(block: pyo.Block, spec: Chp, axes: Axes) -> Ports:
    costs = {"maintenance": energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.power[t])}
    if spec.start_cost > 0.0:
        costs["start_up"] = spec.start_cost * pyo.quicksum(block.start[t] for t in axes.steps)
    report: dict[tuple[Carrier, str], Flow] = {
        ("electricity", "generation_kw"): lambda t: block.power[t],
        ("electricity", "online"): lambda t: block.online[t],
        ("heat", "generation_kw"): lambda t: block.heat[t],
        ("gas", "consumption_kw"): lambda t: block.fuel[t],
    }
    if spec.heat_dump_allowed:
        report["heat", "dumped_kw"] = lambda t: block.dump[t]
    return Ports(
        flows={
            "electricity": lambda t: block.power[t],
            "heat": lambda t: block.heat[t],
            "gas": lambda t: -block.fuel[t],
        },
        costs=costs,
        report=report,
    )
