"""Demand response by shifting: L' = L + up - down, balanced over windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import pyomo.environ as pyo

from cosim.market.devices.base import (
    Axes,
    Carrier,
    DeviceSpec,
    Ports,
    demand_of,
    energy_cost,
    windows,
)
from cosim.scenario.networks import Fraction, NonNegative, Positive


class ShiftableDemand(DeviceSpec):
    """The part of a participant's demand that can move in time."""

    type: Literal["shiftable_demand"] = "shiftable_demand"
    carrier: Literal["electricity", "heat", "cooling"] = "electricity"
    """Carrier whose demand is shifted."""
    share: Fraction = 0.2
    """Most that is added or taken away, as a fraction of the demand of the step."""
    power_max_kw: NonNegative | None = None
    """The same as an absolute cap; none if missing."""
    window_h: Positive = 24.0
    """Energy taken away is added again within windows of this length, from the first step on."""
    cost_per_kwh: NonNegative = 0.0
    """Cost per kWh moved, counted once."""

    supplies: ClassVar[tuple[Carrier, ...]] = ()
    consumes: ClassVar[tuple[Carrier, ...]] = ()

    def periods_h(self, *, carries: bool) -> Mapping[str, float]:
        """Nothing is shifted from one window of a long horizon into another."""
        return {"window_h": self.window_h}

    def relieves(self) -> Mapping[Carrier, float]:
        """Up to its share of the demand is moved away."""
        return {self.carrier: self.share}


def build(block: pyo.Block, spec: ShiftableDemand, axes: Axes) -> Ports:
    """Add the shift to its block.

    `window_balance`: sum of up = sum of down in each window, with 0 <= up[t], down[t] <=
    min(share * demand[t], power_max_kw) (variable bounds). up and down at the same step equal
    their difference in every flow and never cost less, so no binary is needed.

    Source: docs/models.md.

    Raises:
        ScenarioError: if there is no such demand, or the window is not a whole number of steps.
    """
    cap_kw = float("inf") if spec.power_max_kw is None else spec.power_max_kw
    most_kw = [min(spec.share * value, cap_kw) for value in demand_of(block, axes, spec.carrier)]
    block.up = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, most_kw[t]))
    block.down = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, most_kw[t]))
    parts = windows(block, axes, "window_h", spec.window_h)
    block.window_balance = pyo.Constraint(
        range(len(parts)),
        rule=lambda b, w: pyo.quicksum(b.up[t] - b.down[t] for t in parts[w]) == 0.0,
        doc="what is taken away is added again in the same window",
    )
    return Ports(
        flows={spec.carrier: lambda t: block.down[t] - block.up[t]},
        costs={"demand_response": energy_cost(axes, spec.cost_per_kwh, lambda t: block.down[t])},
        report={(spec.carrier, "shifted_kw"): lambda t: block.up[t] - block.down[t]},
    )
