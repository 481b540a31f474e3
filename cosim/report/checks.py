"""When each limit binds: a calendar of the room that is left at every step."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cosim.records.time import FloatArray
from cosim.report import style, text
from cosim.report.data import CASES, Run
from cosim.report.horizon import grain, starts
from cosim.report.measures import Measure, both_cases
from cosim.report.series import times

STEPS = (0.0, 0.05, 0.15, 0.4)
"""Shares of a limit's room at which the colour changes."""
COLOURS = (style.INK, style.ORANGE, "#08519c", "#3f7fbf", "#a9c6e3", "#eef2f6")
NAMES = (
    "no physical state",
    "limit missed",
    "under 5 % of room left",
    "5–15 %",
    "15–40 %",
    "more",
)


def limit_calendar(run: Run) -> Figure | None:
    """Return a strip per limit and case; None where no limit can be followed over time."""
    rows = [
        (grid, name, measures)
        for grid in run.kinds
        for name in run.limits(grid)
        if (measures := both_cases(run, grid, name))
    ]
    if not rows:
        return None
    cases = [case for case in CASES if any(case in m for _, _, m in rows)]
    figure = style.figure(0.27 * len(rows) + 1.15)
    axes = figure.subplots(1, len(cases), squeeze=False, sharey=True)[0]
    titles = {
        "copper_plate": "Before: without networks (copper plate)",
        "verified": "After: verified dispatch" if run.feasible else "After: last dispatch",
    }
    for axis, case in zip(axes, cases, strict=True):
        _strips(axis, run, [m.get(case) for _, _, m in rows])
        axis.set_title(titles[case] if len(cases) > 1 else "As verified")
    labels = [f"{text.GRID_TITLES[run.kinds[g]]}: {text.limit_name(n).lower()}" for g, n, _ in rows]
    axes[0].set_yticks(np.arange(len(rows)), labels)
    axes[0].tick_params(axis="y", labelcolor=style.INK)
    failed = any(len(m.values) < len(run.steps) for _, _, ms in rows for m in ms.values())
    signs = list(zip(COLOURS, NAMES, strict=True))
    handles = [Patch(color=colour, label=name) for colour, name in signs[0 if failed else 1 :]]
    figure.legend(handles=handles, loc="outside lower right", ncols=len(handles), handlelength=1.1)
    return figure


def _strips(axis: Axes, run: Run, rows: list[Measure | None]) -> None:
    index, to = run.steps, grain(run)
    by_step = [np.full(len(index), np.nan) if m is None else step_classes(m, index) for m in rows]
    shown = pd.DataFrame(np.array(by_step).T, starts(index, to)).groupby(level=0).min()
    index = pd.DatetimeIndex(shown.index)
    stamps = index.tz_localize(None)
    step = stamps[1] - stamps[0] if len(stamps) > 1 else pd.Timedelta(hours=1)
    edges = date2num([*stamps, stamps[-1] + step])
    classes = np.ma.masked_invalid(shown.to_numpy().T)
    axis.pcolormesh(
        edges, np.arange(len(rows) + 1) - 0.5, classes, cmap=ListedColormap(list(COLOURS)),
        norm=BoundaryNorm(np.arange(len(COLOURS) + 1) - 0.5, len(COLOURS)), rasterized=True,
    )  # fmt: skip
    axis.set_ylim(len(rows) - 0.5, -0.5)
    for k in range(1, len(rows)):
        axis.axhline(k - 0.5, color="white", linewidth=2.0)
    axis.grid(False)
    axis.tick_params(axis="y", length=0)
    for side in ("left", "bottom"):
        axis.spines[side].set_visible(False)
    times(axis, index)


def step_classes(m: Measure, index: pd.DatetimeIndex) -> FloatArray:
    """Return 0 without a physical state, 1 where the limit is missed, then 2, ... with more room.

    NaN where the limit does not apply.
    """
    values = m.by_step.reindex(index).to_numpy()
    room = np.asarray(m.room(values))
    classes: FloatArray = np.maximum(np.digitize(room, STEPS), 1) + 1.0
    classes[np.asarray(m.missed(values))] = 1.0
    classes[~np.isfinite(room)] = np.nan
    classes[~index.isin(m.values.index)] = 0.0
    return classes
