"""Reactive power of a participant, and what inverters and the connection allow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyomo.environ as pyo

from cosim.market.devices import Flow, Ports
from cosim.scenario import Scenario
from cosim.scenario.participants import Connection

CIRCLE_SIDES = 24
"""Sides of the polygon inside the circle p^2 + q^2 <= s^2; it gives away at most 0.9 % of s."""
INVERTER_QUANTITIES = ("generation_kw", "charging_kw", "discharging_kw")
"""What loads an inverter or generator, in the words of `Ports.report`."""


def inverter_power(devices: Mapping[str, Ports]) -> Flow:
    """Return what a participant's devices generate, charge and discharge, kW, at least 0."""
    flows = [
        ports.report["electricity", quantity]
        for ports in devices.values()
        for quantity in INVERTER_QUANTITIES
        if ("electricity", quantity) in ports.report
    ]
    return lambda t: pyo.quicksum(flow(t) for flow in flows)


def add_reactive(
    block: pyo.Block, scenario: Scenario, name: str, devices: Mapping[str, Ports]
) -> None:
    """Add a terminal's reactive power in kvar, positive into the network.

    `reactive_definition`: reactive[t] = given[t] + up[t] - down[t] with given = -tan(acos(
    power_factor)) * inflexible demand and 0 <= up, down <= reactive_max_kvar. Where nothing is
    free, reactive[t] is given[t] by its bounds. Further limits: see `_add_capability` and
    `_add_apparent`.
    """
    participant = scenario.config.participants[name]
    connection = participant.connections["electricity"]
    steps = range(len(scenario.time))
    demand = participant.demand.get("electricity")
    drawn_kw = np.zeros(len(steps)) if demand is None else scenario.series(demand)
    ratio = math.tan(math.acos(connection.power_factor))
    given = [-ratio * float(value) for value in drawn_kw]
    free = connection.reactive_max_kvar
    block.reactive = pyo.Var(steps, bounds=lambda _, t: (given[t] - free, given[t] + free))
    if free > 0.0:
        block.reactive_up = pyo.Var(steps, bounds=(0.0, free))
        block.reactive_down = pyo.Var(steps, bounds=(0.0, free))
        block.reactive_definition = pyo.Constraint(
            steps,
            rule=lambda b, t: b.reactive[t] - b.reactive_up[t] + b.reactive_down[t] == given[t],
            doc="reactive power of the demand, and what the inverters choose",
        )
    _add_capability(block, connection, inverter_power(devices), steps)
    _add_apparent(block, connection, steps)


def _add_capability(
    block: pyo.Block, connection: Connection, inverters: Flow, steps: range
) -> None:
    """Tie free reactive power to what the inverters do.

    `inverter_triangle`: up[t] + down[t] <= tan(acos(inverter_power_factor_min)) inverters[t].
    `inverter_circle`: cos(a_k) inverters[t] + sin(a_k) (up[t] - down[t]) <= inverter_max_kva
    cos(pi / n) for the sides k of the half circle where inverters >= 0, see `circle`.
    """
    least = connection.inverter_power_factor_min
    if least is not None:
        ratio = math.tan(math.acos(least))
        block.inverter_triangle = pyo.Constraint(
            steps,
            rule=lambda b, t: b.reactive_up[t] + b.reactive_down[t] <= ratio * inverters(t),
            doc="free reactive power keeps the inverters' lowest power factor",
        )
    if connection.inverter_max_kva is None:
        return
    half = {k: side for k, side in circle(connection.inverter_max_kva).items() if side[0] > 0.0}

    def inverter_circle(b: pyo.Block, k: int, t: int) -> object:
        """Return that the inverters stay inside side k of their polygon, in kVA."""
        cosine, sine, most = half[k]
        free = b.reactive_up[t] - b.reactive_down[t] if connection.reactive_max_kvar > 0.0 else 0.0
        return _at_most(cosine * inverters(t) + sine * free, most)

    block.inverter_circle = pyo.Constraint(
        half, steps, rule=inverter_circle, doc="active and free reactive power fit the inverters"
    )


def _add_apparent(block: pyo.Block, connection: Connection, steps: range) -> None:
    """Keep the connection within its apparent power.

    `apparent_limit`: cos(a_k) injection[t] + sin(a_k) reactive[t] <= apparent_max_kva cos(pi / n)
    for all sides k, see `circle`.
    """
    if connection.apparent_max_kva is None:
        return
    sides = circle(connection.apparent_max_kva)

    def apparent_limit(b: pyo.Block, k: int, t: int) -> object:
        """Return that the connection stays inside side k of its polygon, in kVA."""
        cosine, sine, most = sides[k]
        return cosine * b.injection[t] + sine * b.reactive[t] <= most

    block.apparent_limit = pyo.Constraint(
        sides, steps, rule=apparent_limit, doc="contracted apparent power, in and out"
    )


def circle(radius: float) -> dict[int, tuple[float, float, float]]:
    """Return the sides of a regular polygon inside a circle: k -> cosine, sine, right-hand side.

    cos(a_k) x + sin(a_k) y <= radius cos(pi / n), a_k = (2 k + 1) pi / n; corners on the circle,
    two of them where y = 0 and two where x = 0.
    """
    step = math.pi / CIRCLE_SIDES
    most = radius * math.cos(step)
    return {
        k: (math.cos((2 * k + 1) * step), math.sin((2 * k + 1) * step), most)
        for k in range(CIRCLE_SIDES)
    }


def _at_most(expression: Any, most: float) -> Any:
    """Return the constraint expression <= most; skipped where nothing in it can change."""
    if isinstance(expression, (int, float)):
        return pyo.Constraint.Skip
    return expression <= most


def reactive_variables(block: pyo.Block) -> Iterable[pyo.Var]:
    """Return the variables of free reactive power in a carrier's block."""
    found = (block.component(name) for name in ("reactive_up", "reactive_down"))
    return [variable for variable in found if variable is not None]


__all__ = ["CIRCLE_SIDES", "add_reactive", "circle", "inverter_power", "reactive_variables"]
