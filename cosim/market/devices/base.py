"""What a device builder is given and what it gives back.

A device is one file: a frozen spec (pydantic, no Pyomo in it) and `build(block, spec, axes)`, which
adds variables and named constraints to its own Pyomo block and returns its `Ports`. One line in
`cosim.market.devices.DEVICES` makes it usable in any scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyomo.environ as pyo

from cosim.records.time import FloatArray
from cosim.scenario.participants import Carrier, DeviceSpec
from cosim.scenario.series import Series

Flow = Callable[[int], Any]
"""Step -> linear Pyomo expression in kW."""


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
    """

    steps: range
    step_h: float
    series: Callable[[Series], FloatArray]
    demand: Mapping[Carrier, FloatArray]
    relax: bool = True


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
    """

    flows: Mapping[Carrier, Flow]
    costs: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[tuple[Carrier, str], Flow] = field(default_factory=dict)
    exclusive: Mapping[str, tuple[Flow, Flow]] = field(default_factory=dict)


Builder = Callable[[pyo.Block, Any, Axes], Ports]

__all__ = ["Axes", "Builder", "DeviceSpec", "Flow", "Ports"]
