"""When electric vehicles are plugged in: stays, their repetitions, and windows of a horizon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyomo.environ as pyo
from pydantic import model_validator

from cosim.errors import Problem, ScenarioError
from cosim.market.devices.base import Axes, whole_steps
from cosim.records import Window
from cosim.scenario.base import Strict
from cosim.scenario.networks import NonNegative, Positive

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


@dataclass(frozen=True, slots=True)
class Charge:
    """The part of a stay inside the steps that are solved.

    Attributes:
        name: the stay's field, for messages.
        steps: positions on the axes, in the order of time.
        energy_kwh: to be charged in them.
        before_kwh: charged in an earlier window.
        begun_kwh: charged since arrival, before these steps.
        cut: the stay goes on behind the last step; its energy is a share then.
    """

    name: str
    steps: tuple[int, ...]
    energy_kwh: float
    before_kwh: float = 0.0
    begun_kwh: float = 0.0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Stays:
    """The stays of a fleet, as its spec has them.

    Attributes:
        stays: in the order of the file.
        repeat_h: every stay comes again after this time; once if missing.
        two_way: vehicles may feed back, so more than is needed may be charged in between.
    """

    stays: Sequence[Stay]
    repeat_h: float | None
    two_way: bool


def charges(block: pyo.Block, spec: Stays, axes: Axes) -> list[Charge]:
    """Return what has to be charged when, with repetitions.

    Raises:
        ScenarioError: for stays that overlap, start after the horizon, are not whole steps, or
            reach across the end of a window that hands nothing on.
    """
    window, count = axes.window, len(axes.steps)
    if window is None or (not window.carries and spec.repeat_h is not None):
        return [
            Charge(name, tuple(t % count for t in steps), energy_kwh)
            for name, steps, energy_kwh in _stays(block, spec, axes, count)
        ]
    found: list[Charge] = []
    for name, steps, energy_kwh in _stays(block, spec, axes, window.horizon):
        begun_kwh = 0.0
        for part in _unwrapped(steps, window.horizon):
            share_kwh = energy_kwh * len(part) / len(steps)
            whole = Charge(name, tuple(part), share_kwh, begun_kwh=begun_kwh)
            begun_kwh += share_kwh
            inside = _inside(block, axes, window, whole, two_way=spec.two_way)
            if inside is not None:
                found.append(inside)
    return found


def _unwrapped(steps: range, horizon: int) -> list[range]:
    """Return a stay as it is, or in two parts where it goes on at the horizon's beginning."""
    if steps.stop <= horizon:
        return [steps]
    return [range(steps.start, horizon), range(steps.stop - horizon)]


def _inside(
    block: pyo.Block, axes: Axes, window: Window, stay: Charge, *, two_way: bool
) -> Charge | None:
    """Return the part of a stay that a window solves, None where it is elsewhere.

    A stay that begins in the look-ahead and ends behind it counts with a share of its energy: the
    next window decides on it.
    """
    first, kept, end = window.first, window.first + window.keep, window.first + window.solve
    start, stop = stay.steps[0], stay.steps[-1] + 1
    steps = range(max(start, first), min(stop, end))
    if not steps:
        return None
    began_before, goes_on = start < first, stop > end
    if (began_before and not window.carries) or (goes_on and start < kept):
        _refuse(
            block,
            stay.name,
            f"{start * axes.step_h:g} h to {stop * axes.step_h:g} h of the horizon, "
            f"across the end of a window at {(first if began_before else kept) * axes.step_h:g} h",
            "stays within one window and its look-ahead",
            "raise horizon.look_ahead_hours, or move the stay",
        )
    own = tuple(t - first for t in steps)
    if goes_on:
        share_kwh = stay.energy_kwh * len(steps) / (stop - start)
        return replace(stay, steps=own, energy_kwh=share_kwh, cut=True)
    before_kwh = axes.initial.get("charged_kwh", 0.0) if began_before else 0.0
    left_kwh = stay.energy_kwh - before_kwh
    return replace(
        stay,
        steps=own,
        energy_kwh=left_kwh if two_way else max(left_kwh, 0.0),
        before_kwh=before_kwh,
        begun_kwh=stay.begun_kwh + before_kwh,
    )


def _stays(
    block: pyo.Block, spec: Stays, axes: Axes, horizon: int
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
                    "join or move them, or give another group of vehicles its own ev_fleet",
                )
            taken |= wrapped
            result.append((name, steps, stay.energy_kwh))
    return result


def reachable(block: pyo.Block, charge: Charge, most_kwh: float) -> Charge:
    """Return the charge, checked against what the charging points can deliver in it.

    Raises:
        ScenarioError: naming the stay, what it asks for and what can be delivered.
    """
    slack_kwh = CARRIED_KWH if charge.before_kwh else 1e-9 * most_kwh
    if not charge.cut and charge.energy_kwh > most_kwh + slack_kwh:
        _refuse(
            block,
            f"{charge.name}.energy_kwh",
            f"{charge.energy_kwh:g} kWh",
            f"at most {most_kwh:g} kWh, what the available charging points deliver in the stay",
            "lower it or add charging power",
        )
    return replace(charge, energy_kwh=min(charge.energy_kwh, most_kwh))


def _refuse(block: pyo.Block, name: str, found: str, expected: str, advice: str) -> None:
    raise ScenarioError([Problem(f"{block.name}.{name}", found, expected, advice)])


__all__ = ["Charge", "Stay", "Stays", "charges", "reachable"]
