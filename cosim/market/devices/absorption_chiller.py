"""Absorption chiller: heat drives the cooling, with a little electricity for pumps."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pyomo.environ as pyo
from pydantic import Field

from cosim.market.devices.base import Axes, Carrier, DeviceSpec, Flow, Ports, energy_cost, resolve
from cosim.market.devices.lift import add_lowest_load
from cosim.scenario.networks import Fraction, NonNegative, Positive
from cosim.scenario.series import Series


class AbsorptionChiller(DeviceSpec):
    """A chiller that runs on heat, from a CHP unit or a heat network."""

    type: Literal["absorption_chiller"] = "absorption_chiller"
    cooling_max_kw: Positive
    """Rated cooling."""
    cop: Series = 0.7
    """Cooling over heat; about 0.7 for single-effect, 1.2 for double-effect machines."""
    electricity_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.02
    """Electricity for pumps and heat rejection over cooling."""
    load_min: Fraction = 0.0
    """Lowest cooling while running, as a fraction of `cooling_max_kw`."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh of cooling."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("cooling",)
    consumes: ClassVar[tuple[Carrier, ...]] = ("heat", "electricity")


def build(block: pyo.Block, spec: AbsorptionChiller, axes: Axes) -> Ports:
    """Add the chiller to its block.

    `cooling_output`: cooling[t] = COP[t] * heat[t], with 0 <= cooling <= cooling_max_kw (variable
    bounds); it draws electricity_share * cooling[t] of electricity.
    `load_floor`, `load_ceiling`: only with a lowest load, see `lift.add_lowest_load`.

    Source: docs/models.md.

    Raises:
        ScenarioError: for a COP that is not positive.
    """
    cop = resolve(block, axes, "cop", spec.cop, above=0.0)
    most_kw, share = spec.cooling_max_kw, spec.electricity_share
    block.cooling = pyo.Var(axes.steps, bounds=(0.0, most_kw))
    block.heat = pyo.Var(axes.steps, bounds=lambda _, t: (0.0, most_kw / cop[t]))
    block.cooling_output = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: b.cooling[t] == cop[t] * b.heat[t],
        doc="cooling is the COP times the heat that drives it",
    )
    report: dict[tuple[Carrier, str], Flow] = {
        ("cooling", "generation_kw"): lambda t: block.cooling[t],
        ("heat", "consumption_kw"): lambda t: block.heat[t],
        ("electricity", "consumption_kw"): lambda t: share * block.cooling[t],
    }
    if spec.load_min > 0.0:
        add_lowest_load(block, axes, block.cooling, [most_kw] * len(cop), spec.load_min)
        report["cooling", "online"] = lambda t: block.online[t]
    maintenance = energy_cost(axes, spec.maintenance_per_kwh, lambda t: block.cooling[t])
    return Ports(
        flows={
            "cooling": lambda t: block.cooling[t],
            "heat": lambda t: -block.heat[t],
            "electricity": lambda t: -share * block.cooling[t],
        },
        costs={"maintenance": maintenance},
        report=report,
    )
