"""How the loop between market and networks went."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cosim.report import style, text
from cosim.report.data import Run

NETWORKS = ("electric", "heat", "gas")
COUNTED = {"electric": {"electric"}, "heat": {"heat", "cooling"}, "gas": {"gas"}}
"""Kinds of network that a column of violations counts."""


def iteration_figure(run: Run) -> Figure | None:
    """Return limits missed, cost and loss mismatch per round; None without rounds."""
    table = run.tables.iterations
    if table.empty:
        return None
    with_mismatch = "mismatch" in table.columns and table["mismatch"].notna().any()
    figure = style.figure(2.8)
    axes = figure.subplots(1, 3 if with_mismatch else 2)
    _violations(axes[0], table, run)
    _cost(axes[1], table, run)
    if with_mismatch:
        _mismatch(axes[2], table, run)
    for axis in axes:
        axis.set_xlabel("round (0: copper plate)")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        axis.set_xlim(table["iteration"].min() - 0.6, table["iteration"].max() + 0.6)
    figure.legend(loc="outside upper left", ncols=3, handlelength=1.0)
    return figure


def _violations(axis: Axes, table: pd.DataFrame, run: Run) -> None:
    base = np.zeros(len(table))
    kinds = set(run.kinds.values())
    for name in NETWORKS:
        values = table[f"violations_{name}"].to_numpy(dtype=float)
        if not COUNTED[name] & kinds and not values.any():
            continue
        axis.bar(
            table["iteration"], values, 0.72, bottom=base, color=style.NETWORK_COLOURS[name],
            label=_label(name, kinds),
        )  # fmt: skip
        base += values
    for k, total in zip(table["iteration"], base, strict=True):
        if len(table) <= 14 or (total == 0 and k == table["iteration"].iloc[-1]):
            axis.annotate(
                text.number(total, 0), (k, total), xytext=(0, 2), ha="center", va="bottom",
                textcoords="offset points", fontsize=7.5,
            )  # fmt: skip
    axis.set_ylim(0, max(base.max(), 1.0) * 1.12)
    axis.set_title("Limits missed (element and step)")


def _label(name: str, kinds: set[str]) -> str:
    """Return the name of a column of violations; that of heat counts cooling too."""
    counted = [title for kind, title in text.GRID_TITLES.items() if kind in COUNTED[name] & kinds]
    first, *others = counted or [text.GRID_TITLES[name]]
    return " and ".join([first, *(title.lower() for title in others)])


def _cost(axis: Axes, table: pd.DataFrame, run: Run) -> None:
    axis.plot(
        table["iteration"], table["cost"], "-o", color=style.BLUE, markersize=4, linewidth=1.5
    )
    refresh = table[table["phase"] == "refresh"]
    if len(refresh):
        end = table["iteration"].max() + 0.6
        axis.axvspan(refresh["iteration"].min() - 0.5, end, color=style.FAINT, zorder=0)
        axis.text(
            end - 0.1, 0.03, "linearised again", transform=axis.get_xaxis_transform(),
            fontsize=7.5, color=style.GREY, ha="right", va="bottom",
        )  # fmt: skip
    axis.yaxis.set_major_formatter(text.tick)
    axis.margins(y=0.15)
    axis.set_title(f"Cost of the market, {run.currency}")


def _mismatch(axis: Axes, table: pd.DataFrame, run: Run) -> None:
    values = 100.0 * table["mismatch"].clip(lower=1e-6)
    axis.plot(table["iteration"], values, "-o", color=style.BLUE, markersize=4, linewidth=1.5)
    allowed = (run.summary["certificate"].get("tolerances") or {}).get("balance")
    if allowed is not None:
        axis.axhline(100.0 * allowed, color=style.INK, linewidth=1.0, linestyle=(0, (4, 2)))
        axis.annotate(
            "allowed", (0.02, 100.0 * allowed), (0, -4), xycoords=axis.get_yaxis_transform(),
            textcoords="offset points", ha="left", va="top", fontsize=7.5, color=style.GREY,
        )  # fmt: skip
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(text.tick)
    axis.set_title("Error in losses, % of throughput")
