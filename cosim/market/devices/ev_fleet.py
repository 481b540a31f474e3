"""Electric vehicles as a fleet: charge what is needed between arrival and departure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import pyomo.environ as pyo
from pydantic import Field, model_validator

from cosim.errors import Problem, ScenarioError
from cosim.market.devices.base import (
    Axes,
    Carrier,
    DeviceSpec,
    Efficiency,
    Flow,
    Ports,
    energy_cost,
    resolve,
    whole_steps,
)
from cosim.records import Window
from cosim.scenario.base import Strict
from cosim.scenario.networks import NonNegative, Positive
from cosim.scenario.series import Series

CARRIED_KWH = 1e-4
"""Solver's tolerance on what an earlier window charged."""


class Stay(Strict):
    """One stay of the fleet at its charging points; hours count from the start of the horizon."""

    arrival_h: NonNegative
    """Plugged in from here on."""
    departure_h: Positive
    """Charged by here. A stay that reaches beyond the horizon goes on at its beginning: the
    horizon repeats itself."""
    energy_kwh: NonNegative
    """Energy that all vehicles together need in their batteries."""

    @model_validator(mode="after")
    def _departs_after_arrival(self) -> Stay:
        if self.departure_h <= self.arrival_h:
            raise ValueError(
                f"departure_h {self.departure_h:g} is not after arrival_h {self.arrival_h:g}; for "
                "a stay over midnight add 24 to the departure"
            )
        return self


class EvFleet(DeviceSpec):
    """Vehicles of one participant that charge when it suits, within their stays."""

    type: Literal["ev_fleet"] = "ev_fleet"
    vehicles: Annotated[int, Field(ge=1)]
    """Number of vehicles with a charging point each."""
    charge_max_kw: Positive = 11.0
    """Charging power of one point, on the network side."""
    available: Series = 1.0
    """Share of the vehicles that are plugged in, 0 to 1; matters within stays only."""
    eta_charge: Efficiency = 0.9
    """Energy in the battery over energy from the network."""
    stays: Annotated[tuple[Stay, ...], Field(min_length=1)]
    """Stays without overlap."""
    repeat_h: Positive | None = None
    """Every stay comes again after this time, to the end of the horizon; once if missing."""
    degradation_per_kwh: NonNegative = 0.0
    """Cost per kWh drawn."""

    supplies: ClassVar[tuple[Carrier, ...]] = ()
    consumes: ClassVar[tuple[Carrier, ...]] = ("electricity",)

    def periods_h(self, *, carries: bool) -> Mapping[str, float]:
        """Windows that hand nothing on have to hold whole repetitions."""
        return {} if carries or self.repeat_h is None else {"repeat_h": self.repeat_h}

    def reach_h(self) -> Mapping[str, float]:
        """A stay that a window begins has to end within its look-ahead."""
        return {
            f"stays[{number}]": stay.departure_h - stay.arrival_h
            for number, stay in enumerate(self.stays)
        }


@dataclass(frozen=True, slots=True)
class _Charge:
    """The part of a stay inside the steps that are solved.

    Attributes:
        steps: positions on the axes.
        energy_kwh: to be charged in them.
        before_kwh: charged in an earlier window.
        cut: the stay goes on behind the last step; its energy is a share then.
    """

    steps: tuple[int, ...]
    energy_kwh: float
    before_kwh: float = 0.0
    cut: bool = False


def build(block: pyo.Block, spec: EvFleet, axes: Axes) -> Ports:
    """Add the fleet to its block.

    `energy_need`: sum over the steps of a stay of eta_charge charge[t] dt = energy_kwh, with
    0 <= charge[t] <= vehicles charge_max_kw available[t] within stays and 0 outside (bounds). Of a
    stay that an earlier window began, energy_kwh less what it charged.

    Source: docs/models.md.

    Raises:
        ScenarioError: for stays that overlap, start after the horizon, are not whole steps, or
            ask for more energy than the charging points can deliver.
    """
    plugged_in = resolve(block, axes, "available", spec.available, at_most=1.0)
    point_kw = spec.vehicles * spec.charge_max_kw
    into = spec.eta_charge * axes.step_h
    charges = [
        _reachable(block, charge, into * point_kw * sum(plugged_in[t] for t in charge.steps))
        for charge in _charges(block, spec, axes)
    ]
    inside = {t for charge in charges for t in charge.steps}
    block.charge = pyo.Var(
        axes.steps,
        bounds=lambda _, t: (0.0, point_kw * plugged_in[t] if t in inside else 0.0),
    )
    block.energy_need = pyo.Constraint(
        range(len(charges)),
        rule=lambda b, i: (
            pyo.quicksum(into * b.charge[t] for t in charges[i].steps) == charges[i].energy_kwh
        ),
        doc="every stay ends with the energy that is needed",
    )
    return Ports(
        flows={"electricity": lambda t: -block.charge[t]},
        costs={
            "degradation": energy_cost(axes, spec.degradation_per_kwh, lambda t: block.charge[t])
        },
        report={("electricity", "consumption_kw"): lambda t: block.charge[t]},
        carry={"charged_kwh": _charged(block, charges, into)},
    )


def _charged(block: pyo.Block, charges: list[_Charge], into: float) -> Flow:
    """Return what the stay at a step has charged up to and including it, in kWh."""
    stay_at = {t: charge for charge in charges for t in charge.steps}

    def charged(t: int) -> Any:
        if t not in stay_at:
            return 0.0
        stay = stay_at[t]
        own = pyo.quicksum(into * block.charge[step] for step in stay.steps if step <= t)
        return own + stay.before_kwh

    return charged


def _charges(block: pyo.Block, spec: EvFleet, axes: Axes) -> list[_Charge]:
    """Return what has to be charged when, with repetitions."""
    window, count = axes.window, len(axes.steps)
    if window is None or (not window.carries and spec.repeat_h is not None):
        whole = _stays(block, spec, axes, count)
        return [
            _Charge(tuple(t % count for t in steps), energy_kwh) for _, steps, energy_kwh in whole
        ]
    found: list[_Charge] = []
    for name, steps, energy_kwh in _stays(block, spec, axes, window.horizon):
        for part in _unwrapped(steps, window.horizon):
            charge = _inside(block, axes, window, name, part, energy_kwh * len(part) / len(steps))
            if charge is not None:
                found.append(charge)
    return found


def _unwrapped(steps: range, horizon: int) -> list[range]:
    """Return a stay as it is, or in two parts where it goes on at the horizon's beginning."""
    if steps.stop <= horizon:
        return [steps]
    return [range(steps.start, horizon), range(steps.stop - horizon)]


def _inside(
    block: pyo.Block, axes: Axes, window: Window, name: str, stay: range, energy_kwh: float
) -> _Charge | None:
    """Return the part of a stay that a window solves, None where it is elsewhere.

    A stay that begins in the look-ahead and ends behind it counts with a share of its energy: the
    next window decides on it.
    """
    first, kept, end = window.first, window.first + window.keep, window.first + window.solve
    steps = range(max(stay.start, first), min(stay.stop, end))
    if not steps:
        return None
    began_before, goes_on = stay.start < first, stay.stop > end
    if (began_before and not window.carries) or (goes_on and stay.start < kept):
        _refuse(
            block,
            name,
            f"{stay.start * axes.step_h:g} h to {stay.stop * axes.step_h:g} h of the horizon, "
            f"across the end of a window at {(first if began_before else kept) * axes.step_h:g} h",
            "stays within one window and its look-ahead",
            "raise horizon.look_ahead_hours, or move the stay",
        )
    own = tuple(t - first for t in steps)
    if goes_on:
        return _Charge(own, energy_kwh * len(steps) / len(stay), cut=True)
    before_kwh = axes.initial.get("charged_kwh", 0.0) if began_before else 0.0
    return _Charge(own, max(energy_kwh - before_kwh, 0.0), before_kwh)


def _stays(
    block: pyo.Block, spec: EvFleet, axes: Axes, horizon: int
) -> list[tuple[str, range, float]]:
    """Return name, steps and energy in kWh of every stay, with repetitions.

    Steps count from the horizon's beginning; those beyond its end mean its beginning again.
    """
    period = (
        horizon if spec.repeat_h is None else whole_steps(block, axes, "repeat_h", spec.repeat_h)
    )
    taken: set[int] = set()
    result: list[tuple[str, range, float]] = []
    for number, stay in enumerate(spec.stays):
        name = f"stays[{number}]"
        first = whole_steps(block, axes, f"{name}.arrival_h", stay.arrival_h)
        last = whole_steps(block, axes, f"{name}.departure_h", stay.departure_h)
        if first >= horizon or last - first > horizon:
            found = f"{stay.arrival_h:g} h to {stay.departure_h:g} h"
            _refuse(
                block,
                name,
                found,
                f"a stay that starts in the {horizon * axes.step_h:g} h of "
                "the horizon and is not longer than it",
                "shorten or move it",
            )
        for start in range(first, horizon, period):
            steps = range(start, start + last - first)
            wrapped = {t % horizon for t in steps}
            if taken & wrapped:
                _refuse(
                    block,
                    name,
                    f"overlap with another stay at step {min(taken & wrapped)}",
                    "stays (and their repetitions) without overlap",
                    "join or move them",
                )
            taken |= wrapped
            result.append((name, steps, stay.energy_kwh))
    return result


def _reachable(block: pyo.Block, charge: _Charge, most_kwh: float) -> _Charge:
    """Return the charge, checked against what the charging points can deliver in it."""
    slack_kwh = CARRIED_KWH if charge.before_kwh > 0.0 else 1e-9 * most_kwh
    if not charge.cut:
        _check_reachable(block, charge.energy_kwh, most_kwh, slack_kwh)
    return replace(charge, energy_kwh=min(charge.energy_kwh, most_kwh))


def _check_reachable(
    block: pyo.Block, energy_kwh: float, most_kwh: float, slack_kwh: float
) -> None:
    if energy_kwh > most_kwh + slack_kwh:
        _refuse(
            block,
            "stays.energy_kwh",
            f"{energy_kwh:g} kWh",
            f"at most {most_kwh:g} kWh, what the available charging points deliver in the stay",
            "lower it or add charging power",
        )


def _refuse(block: pyo.Block, name: str, found: str, expected: str, advice: str) -> None:
    raise ScenarioError([Problem(f"{block.name}.{name}", found, expected, advice)])
