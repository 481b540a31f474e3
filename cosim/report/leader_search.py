"""How a leader's prices were found: best profit, bound, and the followers' negotiation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cosim.report import style, text
from cosim.report.data import Run


def search_figure(run: Run) -> Figure | None:
    """Return best profit and bound of each search for prices, and the followers' negotiation."""
    searches = [part for part in _searches(run.tables.leader_history) if part["best"].notna().any()]
    admm = run.tables.admm
    panels = len(searches) + int(len(admm) > 0)
    if not searches:
        return None
    figure = style.figure(2.7)
    axes = figure.subplots(1, max(panels, 2), squeeze=False)[0]
    for k, (axis, part) in enumerate(zip(axes, searches, strict=False)):
        _search(axis, run, part)
        axis.set_title("Without networks" if k == 0 else f"Again, networks known ({k})")
    if len(admm):
        _negotiation(axes[len(searches)], admm)
    for axis in axes[panels:]:
        axis.set_visible(False)
    handles = [
        Line2D([], [], color=style.BLUE, marker="o", markersize=3.5, label="best prices so far"),
        Line2D([], [], color=style.ORANGE, linestyle=(0, (4, 2)), label="no prices earn more"),
    ]
    if len(admm):
        handles += [
            Line2D([], [], color=style.GREEN, label="mismatch between followers"),
            Line2D([], [], color=style.PURPLE, label="change from round to round"),
        ]
    figure.legend(handles=handles, loc="outside upper left", ncols=4, handlelength=1.8)
    return figure


def _searches(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the parts of the history between which the count starts again."""
    if table.empty:
        return
    again = (table["iteration"].diff() < 0) | (table["seconds"].diff() < 0)
    again |= (table["iteration"] == 0) & (table.index > 0)
    for _, part in table.groupby(again.cumsum()):
        yield part


def _search(axis: Axes, run: Run, part: pd.DataFrame) -> None:
    generations = part["method"].iloc[0] == "evolutionary"
    x = part["iteration"] if generations else part["seconds"]
    axis.plot(x, part["best"], "-o", color=style.BLUE, markersize=3.5, linewidth=1.5,
              drawstyle="steps-post")  # fmt: skip
    bound = part["bound"].where(np.isfinite(part["bound"]))
    if bound.notna().any():
        axis.plot(x, bound, color=style.ORANGE, linewidth=1.5, linestyle=(0, (4, 2)),
                  drawstyle="steps-post")  # fmt: skip
    axis.set_xlabel("generation" if generations else "seconds")
    axis.set_ylabel(f"profit, {run.currency}")
    axis.margins(y=0.15)
    axis.yaxis.set_major_formatter(text.tick)
    if generations:
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _negotiation(axis: Axes, table: pd.DataFrame) -> None:
    table = table[table["phase"] != "prices"].reset_index(drop=True)
    for column, colour in (("primal_residual", style.GREEN), ("dual_residual", style.PURPLE)):
        axis.plot(table.index + 1, table[column].clip(lower=1e-12), color=colour)
    axis.set_yscale("log")
    axis.set_title(f"Followers agree: {len(table)} rounds")
    axis.set_xlabel("round")
    axis.set_ylabel("share of what is exchanged")
