"""A loaded scenario: the validated file, the time axis, and series resolved to arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cosim.errors import Problem, ScenarioError
from cosim.records import NetworkInputs, TimeAxis, Window, read_only
from cosim.records.time import FloatArray
from cosim.scenario.config import ScenarioConfig
from cosim.scenario.series import ProfileRef, Series
from cosim.scenario.weather import Weather, weather_of


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything the market and the networks need, frozen.

    Attributes:
        config: the file as validated.
        folder: where relative paths start.
        time: T steps.
        profiles: name -> values, shape (T,), read-only.
        networks: resolved inputs per network name; terminals in participant order.
        input_hash: SHA-256 over all files read.
        window: which part of a longer horizon this is; None where it is all of it.
    """

    config: ScenarioConfig
    folder: Path
    time: TimeAxis
    profiles: Mapping[str, FloatArray]
    networks: Mapping[str, NetworkInputs]
    input_hash: str
    window: Window | None = None

    @property
    def weather(self) -> Weather | None:
        """The weather on the scenario's steps; None without a weather section."""
        return weather_of(self.config.weather, self.time, self.profiles)

    def series(self, value: Series) -> FloatArray:
        """Return a series over the scenario's steps.

        Args:
            value: constant, profile name, scaled profile or one value per step.

        Returns:
            Read-only array, shape (T,), in the unit of the field it comes from.

        Raises:
            ScenarioError: for an unknown profile or a list of the wrong length.
        """
        if isinstance(value, tuple) and self.window is not None:
            first = self.window.first
            value = value[first : first + self.window.solve]
        return resolve_series(value, self.profiles, len(self.time))


def resolve_series(value: Series, profiles: Mapping[str, FloatArray], steps: int) -> FloatArray:
    """Return `value` as an array of `steps` values; see `Scenario.series`."""
    if isinstance(value, (int, float)):
        return read_only(np.full(steps, float(value)))
    if isinstance(value, str):
        return _profile(value, profiles)
    if isinstance(value, ProfileRef):
        return read_only(_profile(value.profile, profiles) * value.scale + value.offset)
    if len(value) != steps:
        raise ScenarioError(
            [Problem("series", f"a list of {len(value)} values", f"one per step, {steps}")]
        )
    return read_only(value)


def _profile(name: str, profiles: Mapping[str, FloatArray]) -> FloatArray:
    if name not in profiles:
        known = ", ".join(sorted(profiles)[:8]) or "none"
        raise ScenarioError(
            [
                Problem(
                    "profile",
                    f"unknown profile {name!r}",
                    f"a column of the profile files ({known})",
                )
            ]
        )
    return profiles[name]
