"""A part of a scenario's horizon as a scenario of its own."""

from __future__ import annotations

from dataclasses import replace

from cosim.records import Background, ElementSeries, NetworkInputs, TimeAxis, Window
from cosim.scenario.scenario import Scenario


def take_window(scenario: Scenario, window: Window) -> Scenario:
    """Return the steps that a window solves: time, profiles and background customers.

    Arrays are views of the whole scenario's; the copy is as large as the window once it is pickled.

    Args:
        scenario: the whole horizon.
        window: which steps.
    """
    inside = slice(window.first, window.first + window.solve)
    time = TimeAxis(scenario.time.index[inside], scenario.time.step_h)
    return replace(
        scenario,
        time=time,
        profiles={name: values[inside] for name, values in scenario.profiles.items()},
        networks={name: _inputs(net, time, inside) for name, net in scenario.networks.items()},
        window=window,
    )


def _inputs(inputs: NetworkInputs, time: TimeAxis, inside: slice) -> NetworkInputs:
    series = tuple(
        ElementSeries(one.element, one.ids, one.p_kw[inside], one.q_kvar[inside])
        for one in inputs.background.series
    )
    return replace(inputs, time=time, background=Background(series))
