"""What the networks cost: three dispatches side by side, and the price of physics in its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cosim.report import style, text
from cosim.report.data import Run

CASES: tuple[tuple[str, str], ...] = (
    ("individual", "Everyone alone"),
    ("copper_plate", "Shared, without\nnetworks"),
    ("verified", "Shared,\nverified"),
)
PARTS: tuple[tuple[str, str, str], ...] = (
    ("losses", "Losses and\npump power", style.SKY),
    ("congestion", "Network\nlimits", style.ORANGE),
    ("total", "Price of\nphysics", style.INK),
)
BAR = 0.62


def cost_figure(run: Run) -> Figure | None:
    """Return total costs on the left and the price of physics in its parts on the right."""
    costs: Mapping[str, Any] = run.summary.get("costs") or {}
    price: Mapping[str, Any] = run.summary.get("price_of_physics") or {}
    totals = [(name, costs[key], key) for key, name in CASES if costs.get(key) is not None]
    if not totals:
        return None
    if price.get("total") is None:
        figure = style.figure(2.9, 5.4)
        _totals(figure.subplots(), totals, run.currency)
        return figure
    figure = style.figure(2.9)
    left, right = figure.subplots(1, 2, width_ratios=[1.0, 1.0], gridspec_kw={"wspace": 0.12})
    _totals(left, totals, run.currency)
    _parts(right, price, run.currency)
    return figure


def _totals(axis: Axes, totals: list[tuple[str, float, str]], currency: str) -> None:
    names = [name for name, _, _ in totals]
    values = [float(value) for _, value, _ in totals]
    colours = [style.CASE_COLOURS[key] for _, _, key in totals]
    axis.bar(names, values, BAR, color=colours)
    _write(axis, values, currency, sign=False)
    axis.set_title(f"Cost of the whole community, {currency}")
    _clean(axis, values)


def _parts(axis: Axes, price: Mapping[str, Any], currency: str) -> None:
    """Draw a waterfall from zero: losses, then limits, then their sum."""
    known = [
        (name, price[key], colour) for key, name, colour in PARTS if price.get(key) is not None
    ]
    names = [name for name, _, _ in known]
    values = [float(value) for _, value, _ in known]
    base = 0.0
    bottoms = []
    for value in values[:-1]:
        bottoms.append(base)
        base += value
    bottoms.append(0.0)
    axis.bar(names, values, BAR, bottom=bottoms, color=[colour for _, _, colour in known])
    for k in range(len(values) - 1):
        level = bottoms[k] + values[k]
        axis.plot([k + BAR / 2, k + 1 - BAR / 2], [level, level], color=style.GREY, linewidth=0.8)
    ends = [bottom + value for bottom, value in zip(bottoms, values, strict=True)]
    _write(axis, ends, currency, sign=True, shown=values)
    axis.set_title(f"What physics adds to the cost without networks, {currency}")
    _clean(axis, [*ends, *bottoms])


def _write(
    axis: Axes,
    tops: list[float],
    currency: str,
    sign: bool,
    shown: list[float] | None = None,
) -> None:
    for k, (top, value) in enumerate(zip(tops, shown or tops, strict=True)):
        label = text.money(value, "", sign).rstrip()
        axis.annotate(
            label.rstrip(text.NO_BREAK), (k, max(top, 0.0)), xytext=(0, 3), ha="center",
            va="bottom", textcoords="offset points", weight="bold", fontsize=8.5,
        )  # fmt: skip


def _clean(axis: Axes, values: list[float]) -> None:
    low, high = min(0.0, *values), max(0.0, *values)
    spread = (high - low) or 1.0
    axis.set_ylim(low - (0.08 * spread if low < 0 else 0.0), high + 0.16 * spread)
    axis.axhline(0.0, color=style.GREY, linewidth=0.8)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.spines["bottom"].set_visible(False)
    axis.tick_params(axis="x", length=0, labelcolor=style.INK)
    axis.set_xlim(-0.6, len(axis.get_xticks()) - 0.4)


def participant_costs(run: Run) -> Figure | None:
    """Return each party's cost alone and after sharing, what it saves, and what it pays."""
    paid = run.tables.payments
    if paid.empty:
        return None
    table = paid.assign(saving=paid["cost_before"] - paid["cost_after"])
    table = table.sort_values("saving", ascending=True).reset_index(drop=True)
    figure = style.figure(0.27 * len(table) + 1.1)
    axes = figure.subplots(1, 3, sharey=True, width_ratios=[1.25, 1.0, 1.0])
    rows = range(len(table))
    left, middle, right = axes
    left.hlines(rows, table["cost_after"], table["cost_before"], color=style.LIGHT, linewidth=2.5)
    left.plot(table["cost_before"], rows, "o", color=style.GREY, markersize=5.5, label="alone")
    left.plot(
        table["cost_after"], rows, "o", color=style.BLUE, markersize=6.5,
        label="sharing, with payment",
    )  # fmt: skip
    left.set_yticks(list(rows), [text.spoken(name) for name in table["participant"]])
    left.set_title(f"Cost, {run.currency}", pad=20)
    left.legend(loc="lower left", ncols=2, bbox_to_anchor=(-0.02, 1.0), borderaxespad=0.1)
    middle.barh(rows, table["saving"], 0.6, color=style.BLUE)
    middle.set_title(f"Saving, {run.currency}", pad=20)
    colours = [style.GREY if value > 0 else style.GREEN for value in table["payment"]]
    right.barh(rows, table["payment"], 0.6, color=colours)
    right.set_title(f"Payment, {run.currency}", pad=20)
    right.text(
        0.0, 1.0, "green: receives, grey: pays", transform=right.transAxes, va="bottom",
        fontsize=8, color=style.GREY,
    )  # fmt: skip
    for axis in axes:
        axis.axvline(0.0, color=style.GREY, linewidth=0.8)
        axis.grid(axis="x")
        axis.grid(axis="y", visible=False)
        axis.tick_params(axis="y", length=0, labelcolor=style.INK)
        axis.spines["left"].set_visible(False)
        axis.xaxis.set_major_formatter(text.tick)
        axis.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    return figure
