"""What a device builder is given and what it gives back.

A device is one file: a frozen spec (pydantic, no Pyomo in it) and `build(block, spec, axes)`, which
adds variables and named constraints to its own Pyomo block and returns its `Ports`. One line in
`cosim.market.devices.DEVICES` makes it usable in any scenario; docs/adding-a-device.md shows how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
import pyomo.environ as pyo
from pydantic import Field

from cosim.errors import Problem, ScenarioError
from cosim.records.time import FloatArray, Window
from cosim.scenario.participants import Carrier, DeviceSpec
from cosim.scenario.series import Series
from cosim.scenario.weather import Weather

Efficiency = Annotated[float, Field(gt=0.0, le=1.0)]
"""Output over input, above 0 and at most 1."""

Flow = Callable[[int], Any]
"""Step -> linear Pyomo expression in kW."""

Co2 = Literal["flue", "captured", "offered", "used"]
"""What a device can do to CO2, each in kg/h; positive is given off or made available, negative is
taken out.

The CO2 of fuel is counted once, when it is bought: the tariff's `co2_kg_per_kwh`. So a device that
burns gas adds nothing to the participant's emissions; it only says what is in its flue gas:

    flue      >= 0, CO2 in its flue gas (`flue_co2`): what a capture unit may take part of
    captured  <= 0, CO2 taken out of flue gas: lowers the participant's emissions
    offered   >= 0, the part of it that is kept at hand to be used
    used      <= 0, CO2 bound in methane that the participant makes; it is given off again where
              that is burnt and counts as emitted when it is made

    net emissions = bought energy x co2_kg_per_kwh + captured - used,     offered + used = 0
"""
NATURAL_GAS_CO2_KG_PER_KWH = 0.202
"""CO2 from burning natural gas, per kWh of lower heating value: 56.1 kg/GJ, IPCC 2006 guidelines,
volume 2, table 2.2."""


@dataclass(frozen=True, slots=True)
class Axes:
    """The surroundings of a device.

    Attributes:
        steps: positions of the steps, 0..T-1.
        step_h: length of a step in hours.
        series: resolves a `Series` field of the spec to an array of shape (T,).
        demand: the participant's inflexible demand per carrier in kW, shape (T,).
        relax: true to leave out binaries against simultaneous charging and discharging; the
            market checks the solution and rebuilds with them only where they prove necessary.
        initial: what the device carries over from before the first step, by the names of
            `Ports.carry`; empty where the horizon stands alone.
        origin: the same for the beginning of the whole horizon, for devices that were free to
            choose it in the first window; empty in that window and where there is only one.
        window: which part of a longer horizon the steps are; None where they are all of it.
        gas_co2_kg_per_kwh: CO2 that is counted with each kWh of gas the participant buys.
        flue_gas: device -> CO2 in its flue gas in kg/h, of the participant's devices built before
            this one; those that `takes_flue_gas` are built last.
        weather: what the site's sky and air do; None where the scenario has no weather section.
    """

    steps: range
    step_h: float
    series: Callable[[Series], FloatArray]
    demand: Mapping[Carrier, FloatArray]
    relax: bool = True
    initial: Mapping[str, float] = field(default_factory=dict)
    origin: Mapping[str, float] = field(default_factory=dict)
    window: Window | None = None
    gas_co2_kg_per_kwh: float = 0.0
    flue_gas: Mapping[str, Flow] = field(default_factory=dict)
    weather: Weather | None = None

    @property
    def closes(self) -> bool:
        """True if what is cyclic returns, at the last step, to where the horizon began."""
        return self.window is None or self.window.closes


@dataclass(frozen=True, slots=True)
class Ports:
    """How a device meets its participant.

    Attributes:
        flows: carrier -> net supply to the participant's own balance in kW: positive supplies
            (a generator's output), negative consumes (its fuel).
        costs: cost component -> linear expression over the whole horizon, in currency. Components
            used so far: `maintenance`, `start_up`, `demand_response`, `curtailment`, `degradation`.
        report: (carrier, quantity) -> flow to be written to the schedule, in the unit that the
            quantity's name carries, such as ("electricity", "generation_kw"), ("heat",
            "state_of_charge_kwh").
        exclusive: pairs of variables (by step) that must not both be positive, with the name of
            the pair; checked after each solve where the device left out its binary.
        carry: name -> flow whose value at the last step that is kept becomes `Axes.initial` of
            the next window, such as `energy_kwh`, `power_kw`.
        co2: what the device does to CO2, by the names of `Co2`, in kg/h; see there.
    """

    flows: Mapping[Carrier, Flow]
    costs: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[tuple[Carrier, str], Flow] = field(default_factory=dict)
    exclusive: Mapping[str, tuple[Flow, Flow]] = field(default_factory=dict)
    carry: Mapping[str, Flow] = field(default_factory=dict)
    co2: Mapping[Co2, Flow] = field(default_factory=dict)


Builder = Callable[[pyo.Block, Any, Axes], Ports]


def resolve(
    block: pyo.Block,
    axes: Axes,
    name: str,
    value: Series,
    *,
    above: float | None = None,
    at_most: float = float("inf"),
) -> list[float]:
    """Return a series of the spec as plain floats, one per step, checked.

    Args:
        block: the device's block; its name goes into the error message.
        axes: steps and the resolver of series.
        name: field of the spec, for the message.
        value: the field's value.
        above: every value has to lie above this one; if missing, it has to be 0 or more.
        at_most: largest value that is accepted.

    Raises:
        ScenarioError: naming the field, the first value that is out of range and its step.
    """
    values = np.asarray(axes.series(value), dtype=float)
    inside = (values >= 0.0 if above is None else values > above) & (values <= at_most)
    outside = np.flatnonzero(~inside | ~np.isfinite(values))
    if outside.size:
        first = int(outside[0])
        more = f" and {outside.size - 1} more steps" if outside.size > 1 else ""
        expected = "0 or more" if above is None else f"above {above:g}"
        expected += f" and at most {at_most:g}" if np.isfinite(at_most) else ""
        raise ScenarioError(
            [
                Problem(
                    f"{block.name}.{name}",
                    f"{values[first]:g} at step {first}{more}",
                    f"{expected} at every step",
                    "correct the profile or its scale and offset",
                )
            ]
        )
    return [float(number) for number in values]


def demand_of(block: pyo.Block, axes: Axes, carrier: Carrier) -> list[float]:
    """Return the participant's inflexible demand for a carrier in kW, one value per step.

    Raises:
        ScenarioError: if the participant has no demand for it.
    """
    if carrier not in axes.demand:
        known = ", ".join(axes.demand) or "none"
        raise ScenarioError(
            [
                Problem(
                    f"{block.name}.carrier",
                    f"no demand for {carrier}",
                    f"a carrier with inflexible demand ({known})",
                    f"add demand.{carrier} to the participant or change the carrier",
                )
            ]
        )
    return [float(number) for number in axes.demand[carrier]]


def whole_steps(block: pyo.Block, axes: Axes, name: str, hours: float) -> int:
    """Return how many steps `hours` are.

    Raises:
        ScenarioError: if that is not a whole number.
    """
    count = round(hours / axes.step_h)
    if abs(count * axes.step_h - hours) > 1e-6 or (count == 0 and hours > 0.0):
        raise ScenarioError(
            [
                Problem(
                    f"{block.name}.{name}",
                    f"{hours:g} h",
                    f"a multiple of the step of {axes.step_h:g} h",
                    f"give {max(count, 1) * axes.step_h:g}",
                )
            ]
        )
    return count


def windows(block: pyo.Block, axes: Axes, name: str, hours: float) -> list[range]:
    """Return the steps in windows of `hours` from the first step on; the last may be shorter.

    Raises:
        ScenarioError: if a window is not a whole number of steps.
    """
    length = whole_steps(block, axes, name, hours)
    return [axes.steps[first : first + length] for first in range(0, len(axes.steps), length)]


def flue_co2(axes: Axes, gas: Flow, kg_per_kwh: float) -> Flow:
    """Return the CO2 in the flue gas of a device, `Ports.co2["flue"]`, in kg/h.

    At most what was counted when the gas was bought, so that nothing is captured that was never
    counted.

    Args:
        axes: with the factor at purchase.
        gas: natural gas or methane that is burnt, in kW; hydrogen adds no CO2.
        kg_per_kwh: CO2 from burning one kWh of it.
    """
    factor = min(kg_per_kwh, axes.gas_co2_kg_per_kwh)
    return lambda t: factor * gas(t)


def energy_cost(axes: Axes, price_per_kwh: float, power: Flow) -> Any:
    """Return price * step_h * sum of power over all steps, in currency; 0.0 for a price of 0."""
    if price_per_kwh == 0.0:
        return 0.0
    price = price_per_kwh * axes.step_h
    return pyo.quicksum(price * power(t) for t in axes.steps)


__all__ = [
    "NATURAL_GAS_CO2_KG_PER_KWH",
    "Axes",
    "Builder",
    "Carrier",
    "Co2",
    "DeviceSpec",
    "Efficiency",
    "Flow",
    "Ports",
    "demand_of",
    "energy_cost",
    "flue_co2",
    "resolve",
    "whole_steps",
    "windows",
]
