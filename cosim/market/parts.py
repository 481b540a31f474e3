"""The parts of a window that are settled apart: what is kept, and the look-ahead behind it."""

from __future__ import annotations

from cosim.scenario import Scenario


def parts_of(scenario: Scenario) -> tuple[range, ...]:
    """Return the steps that are kept and, where there are any, those of the look-ahead."""
    steps, window = len(scenario.time), scenario.window
    if window is None or window.keep >= steps:
        return (range(steps),)
    return range(window.keep), range(window.keep, steps)


def kept_hours(scenario: Scenario) -> float:
    """Return the hours that are kept."""
    return len(parts_of(scenario)[0]) * scenario.time.step_h


def share_of_horizon(scenario: Scenario, part: range) -> float:
    """Return the share of the whole horizon that a part is."""
    whole = len(scenario.time) if scenario.window is None else scenario.window.horizon
    return len(part) / whole
