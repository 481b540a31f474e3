"""What every coalition pays a year, in its parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cosim.report import style, text
from cosim.report.data import Run
from cosim.report.design import words

MILLION = 1e6


def cost_figure(run: Run) -> Figure | None:
    """Return stacked bars: every coalition, its verified cost by component."""
    table = run.tables.design_costs
    table = table[table["stage"] == "verified"]
    if table.empty:
        return None
    order = list(run.summary["design"]["buildings"])
    parts = table.pivot_table(
        index="coalition", columns="component", values="cost_per_year", aggfunc="sum"
    ).fillna(0.0)
    names = sorted(parts.index, key=lambda n: (n.count("+"), _rank(n, order)))
    parts = parts.loc[names] / MILLION
    known = [c for c in words.COMPONENTS if c in parts] + [
        str(c) for c in parts if c not in words.COMPONENTS
    ]
    figure = style.figure(0.44 * len(names) + 1.55)
    axis = figure.subplots()
    rows = np.arange(len(names))[::-1]
    alone = _alone(run, names)
    _stack(axis, rows, parts, known, alone)
    shared = alone > 0.0
    axis.plot(alone[shared], rows[shared], "|", color=style.INK, markersize=17,
              markeredgewidth=2.0, linestyle="none")  # fmt: skip
    axis.margins(x=0.08)
    axis.set_yticks(rows, [words.coalition(name, order) for name in names])
    axis.tick_params(axis="y", length=0, labelcolor=style.INK)
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x")
    axis.spines["left"].set_visible(False)
    axis.axvline(0.0, color=style.GREY, linewidth=0.8)
    axis.set_xlabel(f"cost per year, million {run.currency}")
    shown = [c for c in known if parts[c].abs().max() > 1e-3 * parts.sum(axis=1).max()]
    handles: list[Patch | Line2D] = [
        Patch(color=words.component(c)[1], label=words.component(c)[0]) for c in shown
    ]
    handles.append(
        Line2D([], [], color=style.INK, marker="|", linestyle="none", markersize=11,
               markeredgewidth=2.0, label="its buildings, each alone")
    )  # fmt: skip
    figure.legend(handles=handles, loc="outside upper left", ncols=6, handlelength=1.1,
                  columnspacing=1.4)  # fmt: skip
    return figure


def _rank(name: str, order: list[str]) -> list[int]:
    return sorted(order.index(one) for one in name.split("+"))


def _stack(
    axis: Axes, rows: np.ndarray, parts: pd.DataFrame, known: list[str], alone: np.ndarray
) -> None:
    """Draw the components of every coalition, and write its total beyond bar and mark."""
    up, down = np.zeros(len(rows)), np.zeros(len(rows))
    for name in known:
        values = parts[name].to_numpy(dtype=float)
        left = np.where(values >= 0.0, up, down)
        axis.barh(rows, values, 0.66, left=left, color=words.component(name)[1])
        up += np.maximum(values, 0.0)
        down += np.minimum(values, 0.0)
    totals = parts.sum(axis=1).to_numpy(dtype=float)
    for row, end, total in zip(rows, np.maximum(up, alone), totals, strict=True):
        axis.annotate(
            text.number(total, 2), (end, row), xytext=(8, 0), textcoords="offset points",
            va="center", ha="left", fontsize=8.5, weight="bold",
        )  # fmt: skip


def _alone(run: Run, names: list[str]) -> np.ndarray:
    """Return what the buildings of each coalition pay when each is alone, 0 for single ones."""
    costs = run.summary["design"]["coalitions"]
    sums = [
        sum(costs[one]["verified"] for one in name.split("+")) if "+" in name else 0.0
        for name in names
    ]
    return np.array(sums) / MILLION
