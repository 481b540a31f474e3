"""Electric vehicles as a fleet: charge what is needed between arrival and departure."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pyomo.environ as pyo
from pydantic import Field, model_validator

from cosim.errors import Problem, ScenarioError
from cosim.market.devices.base import (
    Axes,
    Carrier,
    DeviceSpec,
    Efficiency,
    Ports,
    energy_cost,
    resolve,
    whole_steps,
)
from cosim.scenario.base import Strict
from cosim.scenario.networks import NonNegative, Positive
from cosim.scenario.series import Series


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


def build(block: pyo.Block, spec: EvFleet, axes: Axes) -> Ports:
    """Add the fleet to its block.

    `energy_need`: sum over the steps of a stay of eta_charge charge[t] dt = energy_kwh, with
    0 <= charge[t] <= vehicles charge_max_kw available[t] within stays and 0 outside (bounds).

    Source: docs/models.md.

    Raises:
        ScenarioError: for stays that overlap, start after the horizon, are not whole steps, or
            ask for more energy than the charging points can deliver.
    """
    stays = _stays(block, spec, axes)
    plugged_in = resolve(block, axes, "available", spec.available, at_most=1.0)
    inside = {t for steps, _ in stays for t in steps}
    most_kw = [
        spec.vehicles * spec.charge_max_kw * plugged_in[t] if t in inside else 0.0
        for t in axes.steps
    ]
    into = spec.eta_charge * axes.step_h
    for steps, energy_kwh in stays:
        _check_reachable(block, energy_kwh, into * sum(most_kw[t] for t in steps))
    block.charge = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, most_kw[t]))
    block.energy_need = pyo.Constraint(
        range(len(stays)),
        rule=lambda b, i: pyo.quicksum(into * b.charge[t] for t in stays[i][0]) == stays[i][1],
        doc="every stay ends with the energy that is needed",
    )
    return Ports(
        flows={"electricity": lambda t: -block.charge[t]},
        costs={
            "degradation": energy_cost(axes, spec.degradation_per_kwh, lambda t: block.charge[t])
        },
        report={("electricity", "consumption_kw"): lambda t: block.charge[t]},
    )


def _stays(block: pyo.Block, spec: EvFleet, axes: Axes) -> list[tuple[list[int], float]]:
    """Return the steps and the energy in kWh of every stay, with repetitions."""
    horizon = len(axes.steps)
    period = (
        horizon if spec.repeat_h is None else whole_steps(block, axes, "repeat_h", spec.repeat_h)
    )
    taken: set[int] = set()
    result: list[tuple[list[int], float]] = []
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
            steps = [t % horizon for t in range(start, start + last - first)]
            if taken.intersection(steps):
                _refuse(
                    block,
                    name,
                    f"overlap with another stay at step {min(taken.intersection(steps))}",
                    "stays (and their repetitions) without overlap",
                    "join or move them",
                )
            taken.update(steps)
            result.append((steps, stay.energy_kwh))
    return result


def _check_reachable(block: pyo.Block, energy_kwh: float, most_kwh: float) -> None:
    if energy_kwh > most_kwh * (1.0 + 1e-9):
        _refuse(
            block,
            "stays.energy_kwh",
            f"{energy_kwh:g} kWh",
            f"at most {most_kwh:g} kWh, what the available charging points deliver in the stay",
            "lower it or add charging power",
        )


def _refuse(block: pyo.Block, name: str, found: str, expected: str, advice: str) -> None:
    raise ScenarioError([Problem(f"{block.name}.{name}", found, expected, advice)])
