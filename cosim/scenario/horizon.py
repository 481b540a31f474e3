"""The `horizon` section: a long horizon is solved in windows, in turn or side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from cosim.errors import Problem
from cosim.records import Window
from cosim.scenario.base import Strict
from cosim.scenario.networks import NonNegative, Positive

if TYPE_CHECKING:
    from cosim.scenario.config import ScenarioConfig

_EPS = 1e-9


class HorizonSection(Strict):
    """How a horizon that is too long for one market is cut into windows."""

    window_hours: Positive = 168.0
    """Length of a window; the last one may be shorter."""
    look_ahead_hours: NonNegative = 24.0
    """With `carry`: a window is solved this much further than it is kept."""
    boundary: Literal["carry", "cyclic"] = "carry"
    """`carry`: windows one after the other, each starts with what the one before left (contents of
    storages, states of units, half-charged vehicles); cyclic storages return to where they began in
    the last. `cyclic`: every window returns its storages to where it began, so windows are
    independent and can be solved side by side."""

    @property
    def carries(self) -> bool:
        """True if windows hand on their state."""
        return self.boundary == "carry"


def windows_of(config: ScenarioConfig) -> tuple[Window, ...]:
    """Return the windows of a scenario; one that is all of the horizon where none are asked for.

    Raises:
        ValueError: if lengths are no whole steps; `horizon_problems` says so before.
    """
    total, section = config.time.steps, config.horizon
    length = total if section is None else _steps(config, section.window_hours)
    carries = section is not None and section.carries
    ahead = _steps(config, section.look_ahead_hours) if section is not None and carries else 0
    starts = range(0, total, length)
    return tuple(
        Window(
            number=number,
            count=len(starts),
            first=first,
            keep=min(length, total - first),
            solve=min(length + ahead, total - first),
            horizon=total,
            carries=carries,
        )
        for number, first in enumerate(starts)
    )


def horizon_problems(config: ScenarioConfig) -> Iterator[Problem]:
    """Yield what does not fit into the windows."""
    section = config.horizon
    if section is None:
        return
    step_h = config.time.step_minutes / 60.0
    lengths = {"window_hours": section.window_hours, "look_ahead_hours": section.look_ahead_hours}
    broken = {field: hours for field, hours in lengths.items() if not _divides(step_h, hours)}
    for field, hours in broken.items():
        yield Problem(
            f"horizon.{field}",
            f"{hours:g} h",
            f"a whole number of steps of {step_h:g} h",
            f"give {max(round(hours / step_h), 1) * step_h:g}",
        )
    if broken or section.window_hours >= config.time.steps * step_h - _EPS:
        return
    yield from _devices(config, section)


def _devices(config: ScenarioConfig, section: HorizonSection) -> Iterator[Problem]:
    for name, participant in config.participants.items():
        for device, spec in participant.devices.items():
            where = f"participants.{name}.devices.{device}"
            for field, hours in spec.periods_h(carries=section.carries).items():
                if not _divides(hours, section.window_hours):
                    yield Problem(
                        f"{where}.{field}",
                        f"{hours:g} h, which does not fit into windows of "
                        f"{section.window_hours:g} h",
                        "a whole number of times in horizon.window_hours",
                        f"set horizon.window_hours to a multiple of {hours:g}",
                    )
            if not section.carries:
                continue
            for field, hours in spec.reach_h().items():
                if hours > section.look_ahead_hours + _EPS:
                    yield Problem(
                        f"{where}.{field}",
                        f"{hours:g} h, longer than the look-ahead of "
                        f"{section.look_ahead_hours:g} h",
                        "what a window begins to end within its look-ahead",
                        f"set horizon.look_ahead_hours to {hours:g} or more",
                    )


def _divides(part_h: float, whole_h: float) -> bool:
    count = round(whole_h / part_h)
    return abs(count * part_h - whole_h) <= _EPS * max(whole_h, 1.0)


def _steps(config: ScenarioConfig, hours: float) -> int:
    count = round(hours * 60.0 / config.time.step_minutes)
    if abs(count * config.time.step_minutes / 60.0 - hours) > _EPS * max(hours, 1.0):
        raise ValueError(f"{hours:g} h is no whole number of steps")
    return count
