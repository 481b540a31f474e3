"""A building's part of the design model, while it is being put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyomo.environ as pyo

from cosim.market.design.problem import Building
from cosim.records.time import FloatArray
from cosim.scenario.typical_days import HOURS_PER_DAY

Flow = Callable[[int], Any]
"""Step -> linear Pyomo expression in kW."""
Line = tuple[str, str, str]
"""Device, carrier, quantity of a line in the operation table."""


@dataclass(slots=True)
class Plant:
    """What a building owns and does; filled step by step.

    Attributes:
        building: its data.
        block: its variables and constraints.
        steps: 0..K-1.
        hours: of the year that each step stands for, shape (K,).
        counts: CHP type -> number of units (Pyomo variable).
        sizes: kind -> size (Pyomo variable).
        flows: carrier -> net supplies to the building's balance in kW.
        report: lines of the operation table.
        costs: component -> linear expressions, currency per year.
        unweighted: cost of the design days by the hour; not part of the year's cost.
    """

    building: Building
    block: pyo.Block
    steps: range
    hours: FloatArray
    counts: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, Any] = field(default_factory=dict)
    flows: dict[str, list[Flow]] = field(default_factory=dict)
    report: dict[Line, Flow] = field(default_factory=dict)
    costs: dict[str, list[Any]] = field(default_factory=dict)
    unweighted: list[Any] = field(default_factory=list)

    def supply(self, carrier: str, flow: Flow) -> None:
        """Add a net supply to the balance of a carrier."""
        self.flows.setdefault(carrier, []).append(flow)

    def pay(self, component: str, money: Any) -> None:
        """Add a cost per year."""
        self.costs.setdefault(component, []).append(money)

    def pay_energy(self, component: str, price: Callable[[int], float], flow: Flow) -> None:
        """Add the cost of an energy flow at a price per kWh."""
        prices = {k: value for k in self.steps if (value := price(k)) != 0.0}
        counted = [k for k in prices if self.hours[k] > 0.0]
        free = [k for k in prices if self.hours[k] == 0.0]
        if counted:
            hours = {k: float(self.hours[k]) for k in counted}
            self.pay(component, pyo.quicksum(hours[k] * prices[k] * flow(k) for k in counted))
        if free:
            self.unweighted.append(pyo.quicksum(prices[k] * flow(k) for k in free))


def before(step: int) -> int:
    """Return the step before, the last of the same day for its first."""
    return step - 1 if step % HOURS_PER_DAY else step + HOURS_PER_DAY - 1
