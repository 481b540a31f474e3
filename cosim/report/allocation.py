"""Who gets which part of the benefit, by every method, and what each coalition is worth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cosim.report import style, text
from cosim.report.data import Run, core_was_tested

METHOD_COLOURS = ("#08306b", "#3f7fbf", "#7cc4b5", "#c3cad2", "#e6ab02", "#b5443c", "#8e5aa8")
MOST_BARS = 31
NOTHING, MOST_IDLE = 1e-4, 5
"""Share of the largest saving that counts as none; more such coalitions than this are left out."""


def allocation_figure(run: Run) -> Figure | None:
    """Return grouped bars, players across and methods side by side; None without allocation."""
    table = run.tables.allocation
    if table.empty:
        return None
    methods = list(dict.fromkeys(table["method"]))
    players = list(dict.fromkeys(table["player"]))
    value = table.pivot_table(index="player", columns="method", values="value").loc[players]
    inside = table.groupby("method")["in_core"].all()
    judged = core_was_tested(run)
    figure = style.figure(3.1)
    axis = figure.subplots()
    width = 0.82 / len(methods)
    settled = str(run.summary.get("settle_with", ""))
    for k, method in enumerate(methods):
        at = np.arange(len(players)) + (k - 0.5 * (len(methods) - 1)) * width
        outside = judged and not bool(inside[method])
        axis.bar(
            at, value[method], 0.9 * width, color=METHOD_COLOURS[k % len(METHOD_COLOURS)],
            hatch="////" if outside else None, edgecolor="white", linewidth=0,
        )  # fmt: skip
        if method == settled:
            for x, height in zip(at, value[method], strict=True):
                axis.annotate(
                    text.number(height, 0 if abs(height) >= 100 else 1), (x, max(height, 0.0)),
                    xytext=(0, 2), textcoords="offset points", ha="center", va="bottom",
                    fontsize=8, weight="bold",
                )  # fmt: skip
    axis.axhline(0.0, color=style.GREY, linewidth=0.8)
    axis.set_xticks(np.arange(len(players)), [text.spoken(name) for name in players])
    axis.tick_params(axis="x", length=0, labelcolor=style.INK)
    axis.yaxis.set_major_formatter(text.tick)
    axis.set_ylabel(f"benefit, {run.currency}")
    figure.legend(
        handles=_handles(methods, settled, judged and not bool(inside.all())),
        loc="outside upper left", ncols=4, handlelength=1.2, columnspacing=1.6,
    )  # fmt: skip
    return figure


def _handles(methods: list[str], settled: str, any_outside: bool) -> list[Patch]:
    found = []
    for k, method in enumerate(methods):
        name = text.METHODS.get(method, text.title(method))
        label = f"{name} (settled)" if method == settled else name
        found.append(Patch(facecolor=METHOD_COLOURS[k % len(METHOD_COLOURS)], label=label))
    if any_outside:
        found.append(
            Patch(
                facecolor=style.LIGHT,
                hatch="////",
                edgecolor="white",
                label="hatched: not in the core",
            )
        )
    return found


def coalition_figure(run: Run) -> Figure | None:
    """Return what every coalition saves; None where only the grand coalition is known."""
    table = run.tables.coalitions
    if len(table) < 2:
        return None
    table = table.sort_values(["size", "value"]).reset_index(drop=True)
    idle = table["value"].abs() <= NOTHING * float(table["value"].abs().max())
    if idle.sum() > MOST_IDLE:
        table = table[~idle].reset_index(drop=True)
    if table.empty:
        return None
    if len(table) > MOST_BARS:
        return _cloud(run, table)
    figure = style.figure(0.2 * len(table) + 0.75)
    axis = figure.subplots()
    rows = np.arange(len(table))
    colours = [style.BLUE if sure else style.LIGHT for sure in table["verified"]]
    axis.barh(rows, table["value"], 0.68, color=colours)
    copper = table["copper_plate_value"].to_numpy(dtype=float)
    handles: list[Patch | Line2D] = [Patch(color=style.BLUE, label="under the networks, verified")]
    if not table["verified"].all():
        handles.append(Patch(color=style.LIGHT, label="does not pass the networks"))
    if np.isfinite(copper).any():
        axis.plot(copper, rows, "|", color=style.ORANGE, markersize=9, markeredgewidth=2.0)
        handles.append(
            Line2D([], [], color=style.ORANGE, marker="|", linestyle="none", markersize=9,
                   markeredgewidth=2.0, label="without networks")
        )  # fmt: skip
    names = [" + ".join(map(text.spoken, name.split("+"))) for name in table["coalition"]]
    axis.set_yticks(rows, names)
    axis.tick_params(axis="y", length=0, labelcolor=style.INK, labelsize=7.8)
    for row, value in zip(rows, table["value"], strict=True):
        label = text.number(value, 0 if abs(value) >= 100 else 1)
        axis.annotate(
            label, (max(value, 0.0), row), xytext=(4, 0), textcoords="offset points", ha="left",
            va="center", fontsize=7.8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    axis.grid(axis="y", visible=False)
    axis.margins(y=0.02)
    left_out = len(run.tables.coalitions) - len(table)
    more = f" ({left_out} coalitions that save nothing are not shown)" if left_out else ""
    axis.set_xlabel(f"saving, {run.currency}{more}")
    axis.xaxis.set_major_formatter(text.tick)
    axis.spines["left"].set_visible(False)
    axis.axvline(0.0, color=style.GREY, linewidth=0.8)
    axis.legend(handles=handles, loc="lower right")
    return figure


def _cloud(run: Run, table: pd.DataFrame) -> Figure:
    """Too many for bars: one dot per coalition over its size."""
    figure = style.figure(3.0)
    axis = figure.subplots()
    rng = np.random.default_rng(0)
    x = table["size"] + rng.uniform(-0.18, 0.18, len(table))
    axis.plot(x, table["value"], "o", color=style.BLUE, markersize=4, alpha=0.6, linewidth=0)
    axis.set_xlabel("players in the coalition")
    axis.set_ylabel(f"saving, {run.currency}")
    axis.yaxis.set_major_formatter(text.tick)
    return figure
