"""Prices in the pool against the tariffs, and what losses and limits add at each connection."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cosim.report import style, text
from cosim.report.data import Run
from cosim.report.horizon import drawn_steps, grain, means, starts
from cosim.report.series import times

KINDS: tuple[tuple[str, str, str, float], ...] = (
    ("buy", "utility, buying", style.GREY, 1.2),
    ("sell", "utility, feed-in", style.SKY, 1.2),
    ("pool", "pool", style.BLUE, 2.0),
)
CENTS = 100.0
LEAST_CENTS = 1e-3


def price_figure(run: Run) -> Figure | None:
    """Return the price of each shared carrier over time; None without pool prices."""
    table = run.tables.prices
    pooled = table[table["price_kind"] == "pool"]
    shared = _shared(run)
    carriers = [name for name in dict.fromkeys(pooled["carrier"]) if name in shared]
    if not carriers:
        return None
    figure = style.figure(2.5)
    axes = figure.subplots(1, len(carriers), squeeze=False)[0]
    used = set()
    for axis, carrier in zip(axes, carriers, strict=True):
        part = table[table["carrier"] == carrier]
        for kind, _, colour, width in KINDS:
            values = means(run, part[part["price_kind"] == kind].set_index("time")["value"])
            if len(values):
                used.add(kind)
                stamps = pd.DatetimeIndex(values.index).tz_localize(None)
                axis.step(
                    stamps, CENTS * values.to_numpy(), where="post", color=colour, linewidth=width
                )
        axis.set_title(f"{text.title(carrier)}, {_cents(run)}")
        axis.margins(y=0.12)
        times(axis, drawn_steps(run))
    handles = [Line2D([], [], color=c, linewidth=w, label=n) for k, n, c, w in KINDS if k in used]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, handlelength=1.6)
    return figure


def _shared(run: Run) -> set[str]:
    """Return the carriers of which anything was shared."""
    table = run.tables.schedule
    rows = table[table["quantity"].isin(["share_in_kw", "share_out_kw"]) & (table["value"] > 0.0)]
    return set(rows["carrier"].astype(str))


def _cents(run: Run) -> str:
    names = {"EUR": "ct/kWh", "USD": "ct/kWh", "GBP": "p/kWh", "CNY": "fen/kWh"}
    return names.get(run.currency, f"0.01 {run.currency}/kWh")


def nodal_figure(run: Run, grid: str) -> Figure | None:
    """Return heat maps of the loss and the congestion part of one network's nodal prices."""
    table = run.tables.nodal_prices
    table = table[table["grid"] == grid]
    if table.empty:
        return None
    when = pd.Series(starts(pd.DatetimeIndex(table["time"]), grain(run)), table.index, name="time")
    parts = {
        name: CENTS * table.pivot_table(index="terminal", columns=when, values=name, sort=False)
        for name in ("loss", "congestion")
    }
    shown = {name: values for name, values in parts.items() if _largest(values) > LEAST_CENTS}
    if not shown:
        return None
    names = list(next(iter(shown.values())).index)
    figure = style.figure(0.22 * len(names) + 1.25)
    axes = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    titles = {"loss": "Part for losses", "congestion": "Part for limits"}
    for axis, (name, values) in zip(axes, shown.items(), strict=True):
        axis.set_title(f"{titles[name]}, {_cents(run)}")
        _heat(figure, axis, values)
    axes[0].set_yticks(np.arange(len(names)), [_terminal(name) for name in names])
    return figure


def _terminal(name: str) -> str:
    kind, _, grid = name.partition(":")
    return f"{kind} of {text.spoken(grid)} network" if grid else text.spoken(name)


def _largest(values: pd.DataFrame) -> float:
    finite = np.abs(values.to_numpy()[np.isfinite(values.to_numpy())])
    return float(finite.max()) if finite.size else 0.0


def _heat(figure: Figure, axis: Axes, values: pd.DataFrame) -> None:
    index = pd.DatetimeIndex(values.columns)
    stamps = index.tz_localize(None)
    step = stamps[1] - stamps[0] if len(stamps) > 1 else pd.Timedelta(hours=1)
    size = np.abs(values.to_numpy())
    size = size[np.isfinite(size) & (size > LEAST_CENTS)]
    most = float(np.percentile(size, 99.0)) if size.size else LEAST_CENTS
    mesh = axis.pcolormesh(
        date2num([*stamps, stamps[-1] + step]), np.arange(len(values) + 1) - 0.5,
        values.to_numpy(), cmap=style.DIVERGING, norm=TwoSlopeNorm(0.0, -most, most),
        rasterized=True,
    )  # fmt: skip
    axis.set_ylim(len(values) - 0.5, -0.5)
    axis.grid(False)
    axis.tick_params(axis="y", length=0, labelcolor=style.INK)
    for side in ("left", "bottom"):
        axis.spines[side].set_visible(False)
    for k in range(1, len(values)):
        axis.axhline(k - 0.5, color="white", linewidth=1.2)
    times(axis, index)
    bar = figure.colorbar(
        mesh, ax=axis, location="bottom", aspect=40, shrink=0.7, pad=0.03,
        ticks=MaxNLocator(5), format=text.tick,
    )  # fmt: skip
    bar.outline.set_visible(False)
