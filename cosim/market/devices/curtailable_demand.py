"""Demand response by cutting: L' = L - cut, for a price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import pyomo.environ as pyo

from cosim.market.devices.base import Axes, Carrier, DeviceSpec, Ports, demand_of, energy_cost
from cosim.scenario.networks import Fraction, NonNegative


class CurtailableDemand(DeviceSpec):
    """The part of a participant's demand that can be given up."""

    type: Literal["curtailable_demand"] = "curtailable_demand"
    carrier: Literal["electricity", "heat", "cooling"] = "electricity"
    """Carrier whose demand is cut."""
    share: Fraction = 0.2
    """Most that is cut, as a fraction of the demand of the step."""
    power_max_kw: NonNegative | None = None
    """The same as an absolute cap; none if missing."""
    cost_per_kwh: NonNegative
    """Compensation per kWh not delivered."""

    supplies: ClassVar[tuple[Carrier, ...]] = ()
    consumes: ClassVar[tuple[Carrier, ...]] = ()

    def relieves(self) -> Mapping[Carrier, float]:
        """Up to its share of the demand is cut."""
        return {self.carrier: self.share}


def build(block: pyo.Block, spec: CurtailableDemand, axes: Axes) -> Ports:
    """Add the cut to its block.

    0 <= cut[t] <= min(share * demand[t], power_max_kw) (variable bounds).

    Source: docs/models.md.

    Raises:
        ScenarioError: if the participant has no demand for the carrier.
    """
    cap_kw = float("inf") if spec.power_max_kw is None else spec.power_max_kw
    most_kw = [min(spec.share * value, cap_kw) for value in demand_of(block, axes, spec.carrier)]
    block.cut = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, most_kw[t]))
    return Ports(
        flows={spec.carrier: lambda t: block.cut[t]},
        costs={"demand_response": energy_cost(axes, spec.cost_per_kwh, lambda t: block.cut[t])},
        report={(spec.carrier, "cut_kw"): lambda t: block.cut[t]},
    )
