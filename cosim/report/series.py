"""The worst value of every limit over the day, before and after."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import (
    AutoDateLocator,
    ConciseDateFormatter,
    DateFormatter,
    HourLocator,
    date2num,
)
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cosim.report import style, text
from cosim.report.data import Case, Run
from cosim.report.horizon import drawn_steps, worst
from cosim.report.measures import Measure, both_cases

PANELS_PER_ROW = 3
HEADROOM = 0.12
FAR = 2.5
"""A bound further away than this multiple of the curves' own range is named, not drawn."""


def network_series(run: Run, grid: str) -> Figure | None:
    """Return one panel per limit of a network with the worst element at each step."""
    found = [panel for name in run.limits(grid) if (panel := both_cases(run, grid, name))]
    if not found:
        return None
    columns = 4 if len(found) == 4 else min(PANELS_PER_ROW, len(found))
    rows = math.ceil(len(found) / columns)
    figure = style.figure(2.15 * rows + 0.35)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, panel in zip(axes, found, strict=False):
        _draw(axis, run, panel)
    for axis in axes[len(found) :]:
        axis.set_visible(False)
    figure.legend(
        handles=_handles(run, grid), loc="outside upper left", ncols=4, handlelength=1.6,
        columnspacing=1.8,
    )  # fmt: skip
    return figure


def _handles(run: Run, grid: str) -> list[Line2D]:
    found = []
    if run.has(grid, "copper_plate"):
        found.append(
            Line2D(
                [], [], color=style.ORANGE, linewidth=1.3, label="without networks (copper plate)"
            )
        )
    after = "as verified" if run.feasible else "last dispatch"
    found.append(Line2D([], [], color=style.BLUE, linewidth=1.8, label=after))
    found.append(
        Line2D([], [], color=style.INK, linewidth=1.0, linestyle=(0, (4, 2)), label="limit")
    )
    return found


def _draw(axis: Axes, run: Run, panel: dict[Case, Measure]) -> None:
    shown = panel.get("verified") or next(iter(panel.values()))
    steps = drawn_steps(run)
    lines = {case: worst(run, m.by_step, m.sense).reindex(steps) for case, m in panel.items()}
    for case, values in lines.items():
        width = 1.3 if case == "copper_plate" else 1.8
        stamps = pd.DatetimeIndex(values.index).tz_localize(None)
        axis.plot(
            stamps, values.to_numpy(), color=style.CASE_COLOURS[case],
            linewidth=width, drawstyle="steps-post", zorder=2 if case == "copper_plate" else 3,
        )  # fmt: skip
    word = "Lowest" if shown.sense == "min" else "Highest"
    name = text.limit_name(shown.limit).removeprefix("Lowest ").removeprefix("Highest ")
    axis.set_title(
        f"{word} {name[:1].lower()}{name[1:]}, {text.unit_name(shown.unit)}", fontsize=8.8
    )
    _limit(axis, shown, lines)
    times(axis, steps)


def _limit(axis: Axes, shown: Measure, lines: dict[Case, pd.Series]) -> None:
    """Draw the limit, shade what lies beyond it, and keep the curves readable."""
    values = np.concatenate([line.dropna().to_numpy() for line in lines.values()])
    low, high = (values.min(), values.max()) if len(values) else (shown.bound, shown.bound)
    spread = max(high - low, 0.02 * max(abs(high), abs(low), 1e-6))
    near = low - FAR * spread <= shown.bound <= high + FAR * spread
    if near:
        low, high = min(low, shown.bound), max(high, shown.bound)
        axis.axhline(shown.bound, color=style.INK, linewidth=1.0, linestyle=(0, (4, 2)), zorder=4)
    spread = max(high - low, spread)
    low, high = low - HEADROOM * spread, high + HEADROOM * spread
    if low < 0.0 <= values.min(initial=0.0) and shown.unit != "pu":
        low = 0.0
    axis.set_ylim(low, high)
    if near:
        beyond = (low, shown.bound) if shown.sense == "min" else (shown.bound, high)
        axis.axhspan(*beyond, color=style.ORANGE, alpha=0.10, linewidth=0, zorder=0)
    else:
        side = "below" if shown.bound < low else "above"
        note = f"limit {shown.bound:g} {text.unit_name(shown.unit)}, far {side}"
        at, anchor = (0.03, "bottom") if shown.bound < low else (0.97, "top")
        axis.text(
            0.99, at, note, transform=axis.transAxes, ha="right", va=anchor, fontsize=7.5,
            color=style.GREY,
        )  # fmt: skip


def times(axis: Axes, index: pd.Index) -> None:
    """Put readable times below an axis of local, zone-free time stamps."""
    stamps = pd.DatetimeIndex(index)
    start, end = stamps[0].tz_localize(None), stamps[-1].tz_localize(None)
    step = (stamps[1] - stamps[0]) if len(stamps) > 1 else pd.Timedelta(hours=1)
    end += step
    axis.set_xlim(date2num(start), date2num(end))
    hours = (end - start) / pd.Timedelta(hours=1)
    if hours <= 26:
        every = 6 if hours > 12 else 3 if hours > 6 else 1
        axis.xaxis.set_major_locator(HourLocator(byhour=range(0, 24, every)))
        axis.xaxis.set_major_formatter(DateFormatter("%H:%M"))
    else:
        locator = AutoDateLocator()
        axis.xaxis.set_major_locator(locator)
        axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))
