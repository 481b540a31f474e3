"""Fuel over output at part load: a line through two points, or a curve of several segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pyomo.environ as pyo

from cosim.market.devices.base import Axes, Flow

_EPS = 1e-9
"""Relative; what is left of a no-load input after rounding is taken as 0."""


@dataclass(frozen=True, slots=True)
class InputCurve:
    """What a unit takes in over what it gives out while running, piecewise linear.

    Attributes:
        output_kw: breakpoints from the lowest to the highest load, shape (n,), n >= 2.
        input_kw: fuel or electricity there, shape (n,).
    """

    output_kw: tuple[float, ...]
    input_kw: tuple[float, ...]

    @property
    def slopes(self) -> tuple[float, ...]:
        """Input per output of every segment, shape (n - 1,)."""
        points = pairwise(zip(self.output_kw, self.input_kw, strict=True))
        return tuple((after[1] - before[1]) / (after[0] - before[0]) for before, after in points)

    @property
    def widths_kw(self) -> tuple[float, ...]:
        """Output range of every segment, shape (n - 1,)."""
        return tuple(after - before for before, after in pairwise(self.output_kw))

    @property
    def is_convex(self) -> bool:
        """True if every segment is at least as steep as the one before."""
        return all(after >= before * (1.0 - _EPS) for before, after in pairwise(self.slopes))

    def line(self) -> tuple[float, float]:
        """Return slope and input at no load of the line through the first and last point."""
        run = self.output_kw[-1] - self.output_kw[0]
        slope = (self.input_kw[-1] - self.input_kw[0]) / run
        no_load_kw = self.input_kw[-1] - slope * self.output_kw[-1]
        return slope, 0.0 if abs(no_load_kw) < _EPS * self.input_kw[-1] else no_load_kw


def curve_of(rated_kw: float, points: Sequence[tuple[float, float]]) -> InputCurve:
    """Return the input curve through (load, efficiency) points, load * rated_kw / efficiency.

    Raises:
        ValueError: if loads do not rise up to 1, or input does not rise with the load.
    """
    loads = [load for load, _ in points]
    if len(points) < 2 or loads[-1] != 1.0 or any(b <= a for a, b in pairwise(loads)):
        raise ValueError(
            f"an efficiency curve with loads {', '.join(f'{load:g}' for load in loads)}; give two "
            "or more points with rising loads, the last at load 1"
        )
    curve = InputCurve(
        tuple(load * rated_kw for load in loads),
        tuple(load * rated_kw / eta for load, eta in points),
    )
    for (load, eta), slope in zip(points, curve.slopes, strict=False):
        if slope <= 0.0:
            raise ValueError(
                f"the efficiency {eta:g} at load {load:g} needs as much input as the next load of "
                "the curve; raise it"
            )
    return curve


def add_line(
    block: pyo.Block, axes: Axes, line: tuple[float, float], output: pyo.Var, taken: pyo.Var
) -> None:
    """Add `fuel_curve`: fuel[t] = slope power[t] + no_load online[t], exact at two points."""
    slope, no_load_kw = line
    block.fuel_curve = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: taken[t] == slope * output[t] + no_load_kw * b.online[t],
        doc="fuel is a line through full load and part load",
    )


def add_segments(
    block: pyo.Block, axes: Axes, curve: InputCurve, output: pyo.Var, taken: pyo.Var
) -> dict[str, tuple[Flow, Flow]]:
    """Add a curve of several segments to a unit with `online`.

    `segment_sum`: power[t] = P_0 online[t] + sum over k of part[k, t].
    `segment_fuel`: fuel[t] = F_0 online[t] + sum over k of slope_k part[k, t].
    `segment_ceiling`: part[k, t] <= width_k online[t].
    `segment_full`, `segment_next`: width_k full[k, t] <= part[k, t] and part[k+1, t] <=
    width_(k+1) full[k, t], full binary: a segment is used only once the one before is full.

    The binaries exist where the curve is not convex, or `axes.relax` is false. Where it is convex,
    filling the segments in order is cheapest unless fuel itself is worth burning; the pairs that
    are returned let the market check that, and add binaries only where it fails.

    Returns:
        Pairs (what is free in segment k, what is used of segment k + 1); empty with binaries.
    """
    slopes, widths, count = curve.slopes, curve.widths_kw, len(curve.slopes)
    parts = range(count)
    block.part = pyo.Var(parts, axes.steps, bounds=lambda _, k, t: (0.0, widths[k]))
    block.segment_sum = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: (
            output[t]
            == curve.output_kw[0] * b.online[t] + pyo.quicksum(b.part[k, t] for k in parts)
        ),
        doc="power is the lowest load and what the segments add",
    )
    block.segment_fuel = pyo.Constraint(
        axes.steps,
        rule=lambda b, t: (
            taken[t]
            == curve.input_kw[0] * b.online[t]
            + pyo.quicksum(slopes[k] * b.part[k, t] for k in parts)
        ),
        doc="fuel is that of the lowest load and of the segments",
    )
    block.segment_ceiling = pyo.Constraint(
        parts,
        axes.steps,
        rule=lambda b, k, t: b.part[k, t] <= widths[k] * b.online[t],
        doc="segments are used only while running, up to their width",
    )
    if curve.is_convex and axes.relax:
        return {f"segment_{k}": _pair(block, widths[k], k) for k in parts[:-1]}
    block.full = pyo.Var(parts[:-1], axes.steps, domain=pyo.Binary)
    block.segment_full = pyo.Constraint(
        parts[:-1],
        axes.steps,
        rule=lambda b, k, t: b.part[k, t] >= widths[k] * b.full[k, t],
        doc="a segment that counts as full is full",
    )
    block.segment_next = pyo.Constraint(
        parts[:-1],
        axes.steps,
        rule=lambda b, k, t: b.part[k + 1, t] <= widths[k + 1] * b.full[k, t],
        doc="the next segment is used only once this one is full",
    )
    return {}


def _pair(block: pyo.Block, width_kw: float, k: int) -> tuple[Flow, Flow]:
    return (
        lambda t: width_kw * block.online[t] - block.part[k, t],
        lambda t: block.part[k + 1, t],
    )
