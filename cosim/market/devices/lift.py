"""What heat pumps and compression chillers share: performance over the lift, size, lowest load."""

from __future__ import annotations

from collections.abc import Callable

import pyomo.environ as pyo

from cosim.errors import Problem, ScenarioError
from cosim.market.devices.base import Axes, resolve
from cosim.scenario.series import Series
from cosim.units import celsius_to_kelvin

LiftCurve = tuple[float, float, float]
"""a, b, c of a + b * lift + c * lift^2, with the lift in K."""


def carnot(lift_k: float, useful_side_c: float, quality_grade: float, most: float) -> float:
    """Return quality_grade * T / lift, at most `most`, with T of the useful side in K.

    `most` also where there is no lift: heat would flow by itself.

    Source: efficiency of the reversed Carnot cycle, times what real machines reach of it.
    """
    if lift_k <= 0.0:
        return most
    return min(most, quality_grade * celsius_to_kelvin(useful_side_c) / lift_k)


def lift_curve(curve: LiftCurve, lift_k: float, most: float) -> float:
    """Return a + b lift + c lift^2, at most `most`; a negative lift counts as none.

    Source: form of Ruhnau, Hirth and Praktiknjo 2019, doi:10.1038/s41597-019-0199-y.
    """
    lift = max(lift_k, 0.0)
    a, b, c = curve
    return min(most, a + b * lift + c * lift * lift)


def performance(
    block: pyo.Block,
    axes: Axes,
    cold: tuple[str, Series],
    hot: tuple[str, Series],
    rule: Callable[[float, float], float],
) -> list[float]:
    """Return the performance at every step from two temperatures.

    Args:
        block: the device's block.
        axes: steps and series.
        cold: field name and value of the temperature that heat is taken from, in C.
        hot: of the temperature that it is given to.
        rule: (cold, hot) in C -> output over electricity.

    Raises:
        ScenarioError: for a temperature below absolute zero, or a performance that is not positive.
    """
    absolute_zero_c = -celsius_to_kelvin(0.0)
    cold_c = resolve(block, axes, *cold, above=absolute_zero_c)
    hot_c = resolve(block, axes, *hot, above=absolute_zero_c)
    found = [rule(low, high) for low, high in zip(cold_c, hot_c, strict=True)]
    for t, value in enumerate(found):
        if value <= 0.0:
            raise ScenarioError(
                [
                    Problem(
                        f"{block.name}.{cold[0]}",
                        f"{cold_c[t]:g} C with {hot[0]} {hot_c[t]:g} C at step {t} gives a "
                        f"performance of {value:g}",
                        "above 0 at every step",
                        "correct the temperatures or the curve over the lift",
                    )
                ]
            )
    return found


def ceilings(
    block: pyo.Block,
    axes: Axes,
    electric: tuple[str, Series | None],
    output: tuple[str, Series | None],
    factor: list[float],
) -> tuple[list[float], list[float]]:
    """Return the upper bounds of power and output in kW, each one implied by the other's.

    Args:
        block: the device's block.
        axes: steps and series.
        electric: field name and value of the largest electric power; None for no limit.
        output: of the largest output.
        factor: output over electricity at each step.

    Raises:
        ScenarioError: for a size that is negative somewhere.
    """
    power, most = [float("inf")] * len(factor), [float("inf")] * len(factor)
    if electric[1] is not None:
        power = resolve(block, axes, electric[0], electric[1])
    if output[1] is not None:
        most = resolve(block, axes, output[0], output[1])
    largest = [min(q, p * c) for p, q, c in zip(power, most, factor, strict=True)]
    return [q / c for q, c in zip(largest, factor, strict=True)], largest


def add_lowest_load(
    block: pyo.Block, axes: Axes, output: pyo.Var, most_kw: list[float], load_min: float
) -> None:
    """Add `online` (binary) and keep the output in its range while running, at 0 otherwise.

    `load_floor`, `load_ceiling`: load_min most[t] online[t] <= output[t] <= most[t] online[t].
    """
    block.online = pyo.Var(axes.steps, domain=pyo.Binary)
    block.load_floor = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: output[t] >= load_min * most_kw[t] * b.online[t],
        doc="running means at least the lowest load",
    )
    block.load_ceiling = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: output[t] <= most_kw[t] * b.online[t],
        doc="output only while running, up to the rating",
    )


__all__ = [
    "LiftCurve",
    "add_lowest_load",
    "carnot",
    "ceilings",
    "lift_curve",
    "performance",
]
