"""Wind turbine: available power from a profile or from the weather, curtailable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import pyomo.environ as pyo
from pydantic import model_validator

from cosim.errors import Problem, ScenarioError
from cosim.market.devices import renewable
from cosim.market.devices.base import Axes, Ports
from cosim.market.wind_power import Turbine, turbine_power_kw
from cosim.scenario.weather import Weather


class Wind(renewable.Renewable):
    """A wind turbine or park; a profile is kW per kW rated with `rated_kw`, kW without."""

    type: Literal["wind"] = "wind"
    turbine: Turbine | None = None
    """Turbine that follows the weather, in place of `profile`. `rated_kw` is the rated power of all
    turbines together; that of one if missing, which needs `turbine.name`."""

    @model_validator(mode="after")
    def _profile_or_turbine(self) -> Self:
        self.check_source("turbine", self.turbine)
        if self.turbine is not None and self.turbine.name is None and self.rated_kw is None:
            raise ValueError("turbine without rated_kw; give rated_kw, or turbine.name")
        return self

    def weather_needs(self) -> tuple[tuple[str, ...], ...]:
        """Nothing with a profile."""
        return () if self.turbine is None else self.turbine.weather_needs()


def build(block: pyo.Block, spec: Wind, axes: Axes) -> Ports:
    """Add the turbine to its block: 0 <= generation[t] <= available[t], see `renewable.build`.

    Without a profile available is the turbine's curve at the wind of its hub, see
    `wind_power.turbine_power_kw`.

    Raises:
        ScenarioError: for a hub below the roughness of the terrain.
    """

    def available(weather: Weather) -> Sequence[float]:
        assert spec.turbine is not None
        _check_hub(block, spec.turbine, weather)
        rated_kw = spec.turbine.nominal_kw() if spec.rated_kw is None else spec.rated_kw
        assert rated_kw is not None
        power_kw: list[float] = turbine_power_kw(spec.turbine, rated_kw, weather).tolist()
        return power_kw

    return renewable.build(block, spec, axes, available)


def _check_hub(block: pyo.Block, turbine: Turbine, weather: Weather) -> None:
    rough_m = weather.site.roughness_length_m
    if turbine.height_law == "logarithmic" and turbine.hub_height_m <= rough_m:
        raise ScenarioError(
            [
                Problem(
                    f"{block.name}.turbine.hub_height_m",
                    f"{turbine.hub_height_m:g}",
                    f"above weather.roughness_length_m, {rough_m:g}",
                    "correct one of them",
                )
            ]
        )
