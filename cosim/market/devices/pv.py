"""Photovoltaics: available power from a profile or from the weather, curtailable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import pyomo.environ as pyo
from pydantic import model_validator

from cosim.market.devices import renewable
from cosim.market.devices.base import Axes, Ports
from cosim.market.solar_power import PvArray, array_power_kw
from cosim.scenario.weather import Weather


class Pv(renewable.Renewable):
    """A photovoltaic plant; a profile is kW per kWp with `rated_kw`, kW without."""

    type: Literal["pv"] = "pv"
    array: PvArray | None = None
    """How the modules stand in the weather, in place of `profile`; needs `rated_kw` in kWp."""

    @model_validator(mode="after")
    def _profile_or_array(self) -> Self:
        self.check_source("array", self.array)
        if self.array is not None and self.rated_kw is None:
            raise ValueError("array without rated_kw; give rated_kw, the peak power in kWp")
        return self

    def weather_needs(self) -> tuple[tuple[str, ...], ...]:
        """Nothing with a profile."""
        return () if self.array is None else self.array.weather_needs()


def build(block: pyo.Block, spec: Pv, axes: Axes) -> Ports:
    """Add the plant to its block: 0 <= generation[t] <= available[t], see `renewable.build`.

    Without a profile available = min(inverter_max_kw, (1 - loss_share) rated_kw G / 1000
    (1 + gamma (T_cell - 25))), see `solar_power.array_power_kw`.
    """

    def available(weather: Weather) -> Sequence[float]:
        assert spec.array is not None
        assert spec.rated_kw is not None
        power_kw: list[float] = array_power_kw(spec.array, spec.rated_kw, weather).tolist()
        return power_kw

    return renewable.build(block, spec, axes, available)
