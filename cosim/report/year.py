"""Figures that only a long horizon has: duration curves, a calendar by hour, its windows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from cosim.records.time import FloatArray
from cosim.report import style, text
from cosim.report.checks import COLOURS, NAMES, step_classes
from cosim.report.data import Run
from cosim.report.flows import SHOWN_CARRIERS
from cosim.report.horizon import is_long
from cosim.report.measures import measure
from cosim.report.series import times

CARRIER_COLOURS = {
    "electricity": style.BLUE,
    "heat": style.ORANGE,
    "cooling": style.SKY,
    "hydrogen": style.GREEN,
}
LOADINGS = ("line_loading_max", "trafo_loading_max", "trafo3w_loading_max", "velocity_max")


def duration_figure(run: Run) -> Figure | None:
    """Return what is exchanged with the utilities, and the loading of the networks, by duration.

    None for short horizons.
    """
    if not is_long(run):
        return None
    exchanged = _exchanged(run)
    loadings = _loadings(run)
    panels = [kind for kind in (exchanged, loadings) if kind]
    if not panels:
        return None
    figure = style.figure(2.7)
    axes = figure.subplots(1, 2, squeeze=False)[0]
    for carrier, values in exchanged.items():
        _curve(axes[0], run, values, text.title(carrier), CARRIER_COLOURS[carrier])
    axes[0].set_title("Bought less sold at the utilities, kW")
    axes[0].axhline(0.0, color=style.INK, linewidth=0.7)
    palette = (style.BLUE, style.GOLD, style.GREEN, style.PURPLE, style.ORANGE, style.SKY)
    for (name, values), colour in zip(loadings.items(), palette, strict=False):
        _curve(axes[1], run, values, name, colour)
    axes[1].set_title("Worst element, % of its limit")
    axes[1].set_visible(bool(loadings))
    for axis in axes:
        axis.set_xlabel("hours")
        axis.margins(x=0.0)
        if axis.has_data():
            axis.legend()
    return figure


def _curve(axis: Axes, run: Run, values: FloatArray, label: str, colour: str) -> None:
    ordered = np.sort(values[np.isfinite(values)])[::-1]
    hours = np.arange(len(ordered)) * run.step_h
    axis.plot(hours, ordered, color=colour, linewidth=1.6, label=label)
    axis.yaxis.set_major_formatter(text.tick)
    axis.xaxis.set_major_formatter(text.tick)


def _exchanged(run: Run) -> dict[str, FloatArray]:
    """Return what everyone together buys less what they sell, by carrier."""
    table = run.tables.schedule
    rows = table[table["quantity"].isin(["buy_kw", "sell_kw"])]
    signed = rows["value"].where(rows["quantity"] == "buy_kw", -rows["value"])
    sums = signed.groupby([rows["carrier"], rows["time"]], observed=True).sum()
    present = set(sums.index.get_level_values(0))
    return {name: sums.loc[name].to_numpy() for name in SHOWN_CARRIERS if name in present}


def _loadings(run: Run) -> dict[str, FloatArray]:
    found: dict[str, FloatArray] = {}
    for grid, kind in run.kinds.items():
        for limit in run.limits(grid):
            m = measure(run, grid, "verified", limit) if limit in LOADINGS else None
            if m is not None:
                name = f"{text.GRID_TITLES[kind]}: {text.limit_name(limit).lower()}"
                found[name] = 100.0 * m.by_step.to_numpy() / m.bound
    return found


def hour_calendar(run: Run) -> Figure | None:
    """Return, per network, the room left at every hour of every day; None for short horizons."""
    if not is_long(run):
        return None
    found = {grid: classes for grid in run.kinds if (classes := _by_hour(run, grid)) is not None}
    if not found:
        return None
    figure = style.figure(1.75 * len(found) + 0.5)
    axes = figure.subplots(len(found), 1, squeeze=False)[:, 0]
    for axis, (grid, table) in zip(axes, found.items(), strict=True):
        days = pd.DatetimeIndex(table.columns)
        edges = date2num([*days, days[-1] + pd.Timedelta(days=1)])
        axis.pcolormesh(
            edges, np.arange(25), np.ma.masked_invalid(table.to_numpy()),
            cmap=ListedColormap(list(COLOURS)), rasterized=True,
            norm=BoundaryNorm(np.arange(len(COLOURS) + 1) - 0.5, len(COLOURS)),
        )  # fmt: skip
        axis.set_yticks([0, 6, 12, 18, 24], ["0:00", "6:00", "12:00", "18:00", "24:00"])
        axis.set_ylim(24, 0)
        axis.grid(False)
        axis.set_title(text.GRID_TITLES[run.kinds[grid]])
        times(axis, days)
    handles = [Patch(color=c, label=n) for c, n in zip(COLOURS[1:], NAMES[1:], strict=True)]
    figure.legend(handles=handles, loc="outside lower right", ncols=len(handles), handlelength=1.1)
    return figure


def _by_hour(run: Run, grid: str) -> pd.DataFrame | None:
    """Return the smallest class of all limits of a network, hours x days."""
    steps = run.steps
    classes = [
        step_classes(m, steps)
        for limit in run.limits(grid)
        if (m := measure(run, grid, "verified", limit)) is not None
    ]
    if not classes:
        return None
    local = steps.tz_localize(None)
    smallest = np.fmin.reduce(np.array(classes))
    table = pd.Series(smallest).groupby([local.hour, local.normalize()]).min().unstack()
    return table.reindex(range(24))


def window_figure(run: Run) -> Figure | None:
    """Return cost, rounds and verdict of every window; None where there are none."""
    table = run.tables.windows
    if table.empty:
        return None
    figure = style.figure(2.6)
    axes = figure.subplots(1, 2, width_ratios=(2, 1))
    stamps = pd.DatetimeIndex(table["time"]).tz_localize(None)
    for column, label, colour in (
        ("cost_individual", "everyone alone", style.GREY),
        ("cost_copper_plate", "copper plate", style.ORANGE),
        ("cost", "verified" if run.feasible else "last dispatch", style.BLUE),
    ):
        if table[column].notna().any():
            axes[0].step(
                stamps, table[column], where="post", color=colour, label=label, linewidth=1.5
            )
    axes[0].set_title(f"Cost of each window, {run.currency}")
    axes[0].yaxis.set_major_formatter(text.tick)
    axes[0].legend()
    times(axes[0], pd.DatetimeIndex(table["time"]))
    bad = (table["verdict"] != "feasible").to_numpy()
    colours = np.where(bad, style.ORANGE, style.BLUE)
    axes[1].bar(table["window"], table["iterations"], 0.8, color=colours.tolist())
    axes[1].set_title("Rounds of market and networks")
    axes[1].set_xlabel("window (orange: not feasible)" if bad.any() else "window")
    axes[1].yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    return figure
