"""What photovoltaics and wind share: available power from a profile, less curtailment."""

from __future__ import annotations

from typing import ClassVar

import pyomo.environ as pyo

from cosim.market.devices.base import Axes, Carrier, DeviceSpec, Ports, energy_cost, resolve
from cosim.scenario.networks import NonNegative, Positive
from cosim.scenario.series import Series


class Renewable(DeviceSpec):
    """A generator that weather drives."""

    profile: Series
    """Available power: per kW of `rated_kw` if that is given, else in kW."""
    rated_kw: Positive | None = None
    """Rated power (kWp for photovoltaics) that a dimensionless profile is multiplied with."""
    curtailable: bool = True
    """May produce less than what is available."""
    curtailment_per_kwh: NonNegative = 0.0
    """Penalty per kWh that is available and not produced."""
    maintenance_per_kwh: NonNegative = 0.0
    """Cost per kWh produced."""

    supplies: ClassVar[tuple[Carrier, ...]] = ("electricity",)
    consumes: ClassVar[tuple[Carrier, ...]] = ()


def build(block: pyo.Block, spec: Renewable, axes: Axes) -> Ports:
    """Add the generator to its block.

    0 <= generation[t] <= available[t] (variable bounds; equal where not curtailable), with
    available = rated_kw * profile; curtailed[t] = available[t] - generation[t].

    Source: docs/models.md.

    Raises:
        ScenarioError: if the profile is negative somewhere.
    """
    rated_kw = 1.0 if spec.rated_kw is None else spec.rated_kw
    available_kw = [rated_kw * value for value in resolve(block, axes, "profile", spec.profile)]
    block.generation = pyo.Var(
        axes.steps,
        bounds=lambda _, t: (0.0 if spec.curtailable else available_kw[t], available_kw[t]),
    )

    def curtailed(t: int) -> object:
        return available_kw[t] - block.generation[t]

    return Ports(
        flows={"electricity": lambda t: block.generation[t]},
        costs={
            "curtailment": energy_cost(axes, spec.curtailment_per_kwh, curtailed),
            "maintenance": energy_cost(
                axes, spec.maintenance_per_kwh, lambda t: block.generation[t]
            ),
        },
        report={
            ("electricity", "generation_kw"): lambda t: block.generation[t],
            ("electricity", "curtailed_kw"): curtailed,
        },
    )
