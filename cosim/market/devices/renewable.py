"""What photovoltaics and wind share: available power, less curtailment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import pyomo.environ as pyo

from cosim.errors import Problem, ScenarioError
from cosim.market.devices.base import Axes, Carrier, DeviceSpec, Ports, energy_cost, resolve
from cosim.scenario.networks import NonNegative, Positive
from cosim.scenario.series import Series
from cosim.scenario.weather import Weather


class Renewable(DeviceSpec):
    """A generator that weather drives."""

    profile: Series | None = None
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

    def check_source(self, name: str, other: object) -> None:
        """Refuse a plant that has not exactly one of a profile and a model of its own.

        Args:
            name: field of the model.
            other: its value, None if missing.

        Raises:
            ValueError: naming both fields.
        """
        if (self.profile is None) == (other is None):
            found = "neither" if self.profile is None else "both"
            raise ValueError(
                f"{found} of profile and {name} given; give profile for a known output, or {name} "
                "for one that follows the weather section"
            )


def build(
    block: pyo.Block,
    spec: Renewable,
    axes: Axes,
    from_weather: Callable[[Weather], Sequence[float]],
) -> Ports:
    """Add the generator to its block.

    0 <= generation[t] <= available[t] (variable bounds; equal where not curtailable), with
    available = rated_kw * profile or what the weather gives; curtailed[t] = available[t] -
    generation[t].

    Args:
        block: the device's block.
        spec: with or without a profile.
        axes: steps and weather.
        from_weather: available power in kW per step, for a spec without a profile.

    Source: docs/models.md.

    Raises:
        ScenarioError: if the profile is negative somewhere, or there is no weather.
    """
    available_kw = _available_kw(block, spec, axes, from_weather)
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


def _available_kw(
    block: pyo.Block,
    spec: Renewable,
    axes: Axes,
    from_weather: Callable[[Weather], Sequence[float]],
) -> list[float]:
    if spec.profile is not None:
        rated_kw = 1.0 if spec.rated_kw is None else spec.rated_kw
        return [rated_kw * value for value in resolve(block, axes, "profile", spec.profile)]
    if axes.weather is None:
        found, advice = "needs weather, and there is no weather section", "add it"
        raise ScenarioError([Problem(block.name, found, "a profile or the weather", advice)])
    return [float(value) for value in from_weather(axes.weather)]
