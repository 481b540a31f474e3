"""The map of a design: sites, candidate routes, laid pipes, and what each building buys."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cosim.report import style, text
from cosim.report.data import Run
from cosim.report.design import words

STAGES = (("copper_plate", "Without networks (copper plate)"), ("verified", "Verified"))
HEAT = style.NETWORK_COLOURS["heat"]
WIDE, HIGH = 0.28, 0.34
"""Room beside and above the sites for what the buildings buy, as a share of their extent."""


def layout_figure(run: Run, coalition: str) -> Figure | None:
    """Return the copper-plate and the verified design of a coalition side by side."""
    sites = run.summary["design"]["sites"]
    if not sites:
        return None
    figure = style.figure(_height(sites))
    axes = figure.subplots(1, len(STAGES))
    for axis, (stage, title) in zip(axes, STAGES, strict=True):
        _draw(axis, run, coalition, stage)
        axis.set_title(title)
    return figure


def _height(sites: Mapping[str, Mapping[str, float]]) -> float:
    """Return the height of the figure, inch, that suits the shape of the map."""
    points = np.array([[site["x_m"], site["y_m"]] for site in sites.values()])
    wide, high = np.ptp(points, axis=0)
    extent = float(max(wide, high, 1.0))
    shape = (high + 2.0 * HIGH * extent) / (wide + 2.0 * WIDE * extent)
    return float(np.clip(0.5 * style.WIDTH_INCH * shape + 0.4, 3.0, 6.5))


def _draw(axis: Axes, run: Run, coalition: str, stage: str) -> None:
    sites = run.summary["design"]["sites"]
    place = {name: np.array([site["x_m"], site["y_m"]]) for name, site in sites.items()}
    style.bare(axis)
    axis.set_aspect("equal", adjustable="box")
    pipes = _rows(run.tables.design_pipes, coalition, stage)
    for _, pipe in pipes.iterrows():
        _pipe(axis, place[pipe["from"]], place[pipe["to"]], pipe)
    units = _rows(run.tables.design_units, coalition, stage)
    centre = np.mean(list(place.values()), axis=0)
    for name, at in place.items():
        axis.plot(*at, "s", color=style.INK, markersize=9, zorder=6)
        _label(axis, name, at, centre, units[units["building"] == name])
    _frame(axis, np.array(list(place.values())))


def _rows(table: pd.DataFrame, coalition: str, stage: str) -> pd.DataFrame:
    return table[(table["coalition"] == coalition) & (table["stage"] == stage)]


def _pipe(axis: Axes, a: np.ndarray, b: np.ndarray, pipe: pd.Series) -> None:
    """Draw a route: dashed where nothing is laid, as wide as its diameter where pipes are."""
    laid, dn = bool(pipe["laid"]), int(pipe["dn"])
    x, y = zip(a, b, strict=True)
    length = f"{text.number(float(pipe['length_m']), 0)}{text.NO_BREAK}m"
    if laid:
        axis.plot(x, y, color=HEAT, linewidth=1.5 + dn / 22.0, solid_capstyle="round", zorder=3)
        peak = f"{text.number(float(pipe['heat_peak_kw']), 0)}{text.NO_BREAK}kW"
        label = f"DN{text.NO_BREAK}{dn} · {length}\nup to {peak}"
    else:
        axis.plot(x, y, color=style.GREY, linewidth=1.0, dashes=(5, 4), zorder=2)
        label = length
    middle = (a + b) / 2.0
    angle = math.degrees(math.atan2(b[1] - a[1], b[0] - a[0]))
    angle = angle - 180.0 if angle > 90.0 else angle + 180.0 if angle < -90.0 else angle
    axis.text(
        float(middle[0]), float(middle[1]), label, fontsize=8, ha="center", va="center",
        rotation=angle, rotation_mode="anchor", transform_rotates_text=True, zorder=5,
        color=HEAT if laid else style.GREY, weight="bold" if laid else "normal",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.9},
    )  # fmt: skip


def _label(axis: Axes, name: str, at: np.ndarray, centre: np.ndarray, units: pd.DataFrame) -> None:
    """Write a building's name and units, away from the middle of the map."""
    lines = [
        f"{words.kind(str(unit['kind']))} "
        f"{words.size(int(unit['count']), float(unit['size']), str(unit['unit']))}"
        for _, unit in units.iterrows()
    ]
    above = bool(at[1] > centre[1])
    body = "\n".join(lines) or "nothing bought"
    axis.annotate(
        text.title(name), (float(at[0]), float(at[1])), xytext=(0, 10 if above else -10),
        textcoords="offset points", ha="center", va="bottom" if above else "top", fontsize=9.5,
        weight="bold", zorder=8,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.9},
    )  # fmt: skip
    axis.annotate(
        body, (float(at[0]), float(at[1])), xytext=(0, 25 if above else -25),
        textcoords="offset points", ha="center", va="bottom" if above else "top", fontsize=8.2,
        linespacing=1.35, zorder=8,
        bbox={"facecolor": "white", "edgecolor": style.LIGHT, "linewidth": 0.8,
              "boxstyle": "round,pad=0.35"},
    )  # fmt: skip


def _frame(axis: Axes, points: np.ndarray) -> None:
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float(max(*(high - low), 1.0))
    axis.set_xlim(low[0] - WIDE * extent, high[0] + WIDE * extent)
    axis.set_ylim(low[1] - HIGH * extent, high[1] + HIGH * extent)
