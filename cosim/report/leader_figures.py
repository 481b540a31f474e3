"""What a leader announces and what is traded at it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cosim.records.names import NETWORK
from cosim.report import style, text
from cosim.report.data import Run
from cosim.report.horizon import drawn_steps, mean_schedule, means
from cosim.report.series import times

SIDES: Mapping[str, tuple[str, str]] = {
    "sell": ("followers pay the operator", style.BLUE),
    "buy": ("the operator pays followers", style.ORANGE),
}
TRADED_KW = 1e-2
PARTY_COLOURS = (style.BLUE, style.GOLD, style.GREEN, style.PURPLE, style.SKY, style.ORANGE,
                 "#7cc4b5", "#b03a48")  # fmt: skip
QUANTITIES: Mapping[str, str] = {"sell": "to_followers_kw", "buy": "from_followers_kw"}
"""Side of a price -> what the leader trades at it."""


def leader_price_figure(run: Run) -> Figure | None:
    """Return announced prices inside their ranges, a panel per carrier; thick where traded."""
    table = run.tables.leader_prices
    if table.empty:
        return None
    table = table.astype({"carrier": str, "side": str})
    carriers = list(dict.fromkeys(table["carrier"]))
    figure = style.figure(2.75)
    axes = figure.subplots(1, len(carriers), squeeze=False)[0]
    for axis, carrier in zip(axes, carriers, strict=True):
        _utility(axis, run, carrier)
        for side in SIDES:
            part = table[(table["carrier"] == carrier) & (table["side"] == side)]
            if len(part):
                _price(axis, run, part.set_index("time"), carrier, side)
        axis.set_title(text.title(carrier))
        axis.margins(y=0.08)
        axis.yaxis.set_major_formatter(text.tick)
        times(axis, drawn_steps(run))
    axes[0].set_ylabel(f"{run.currency}/kWh")
    used = [side for side in SIDES if (table["side"] == side).any()]
    handles = [Line2D([], [], color=SIDES[s][1], linewidth=2.4) for s in used]
    dashed = Line2D([], [], color=style.GREY, linewidth=1.0, linestyle=(0, (4, 2)))
    band = Patch(color=style.LIGHT, alpha=0.45)
    figure.legend(
        [*handles, band, dashed],
        [*(SIDES[s][0] for s in used), "what the operator may choose", "utility: buying, feed-in"],
        loc="outside upper left", ncols=5, handlelength=1.6,
    )  # fmt: skip
    return figure


def _utility(axis: Axes, run: Run, carrier: str) -> None:
    table = run.tables.prices
    for kind in ("buy", "sell"):
        part = table[(table["carrier"] == carrier) & (table["price_kind"] == kind)]
        values = means(run, part.set_index("time")["value"])
        if len(values):
            axis.step(
                _edges(values), _held(values), where="post", color=style.GREY, linewidth=1.0,
                linestyle=(0, (4, 2)), zorder=2,
            )  # fmt: skip


def _price(axis: Axes, run: Run, part: pd.DataFrame, carrier: str, side: str) -> None:
    """Draw one side: its range, the price, and the price again where energy is traded at it."""
    colour = SIDES[side][1]
    low, high, price = (
        means(run, part[name]) for name in ("low_per_kwh", "high_per_kwh", "price_per_kwh")
    )
    edges = _edges(price)
    axis.fill_between(
        edges, _held(low), _held(high), step="post", color=style.LIGHT, alpha=0.3, linewidth=0,
        zorder=1,
    )  # fmt: skip
    values = price.to_numpy(dtype=float)
    axis.step(edges, _held(price), where="post", color=colour, linewidth=0.9, alpha=0.6, zorder=3)
    kw = traded(run, carrier, QUANTITIES[side]).sum(axis=1).reindex(price.index, fill_value=0.0)
    flowing = kw.to_numpy() > TRADED_KW
    axis.hlines(
        values[flowing], edges[:-1][flowing], edges[1:][flowing], color=colour, linewidth=2.6,
        zorder=4,
    )  # fmt: skip


def traded(run: Run, carrier: str, quantity: str) -> pd.DataFrame:
    """Return one quantity of `trade` as time x participant, kW; no columns where there is none."""
    table = mean_schedule(run)
    rows = table[
        (table["device"] == "trade")
        & (table["carrier"] == carrier)
        & (table["quantity"] == quantity)
        & (table["participant"] != NETWORK)
    ]
    if rows.empty:
        return pd.DataFrame(index=drawn_steps(run))
    plain = rows.assign(participant=rows["participant"].astype(str))
    return plain.pivot_table(index="time", columns="participant", values="value", aggfunc="sum")


def leader_trade_figure(run: Run) -> Figure | None:
    """Return what each follower takes from the leader (up) and gives it (down), per carrier."""
    panels = {}
    for carrier in dict.fromkeys(run.tables.leader_prices["carrier"].astype(str)):
        sides = [traded(run, carrier, f"{way}_leader_kw") for way in ("from", "to")]
        if any(len(side.columns) for side in sides):
            panels[carrier] = (sides[0], -sides[1])
    return _two_sided(run, panels, "kW taken (up) and given (down)")


def _two_sided(
    run: Run, panels: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]], label: str
) -> Figure | None:
    """Return bars stacked by participant, up and down, a panel each."""
    if not panels:
        return None
    names = _parties(run, panels)
    colours = dict(zip(names, PARTY_COLOURS * len(names), strict=False))
    figure = style.figure(2.6)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, sides) in zip(axes, panels.items(), strict=True):
        for side in sides:
            stack(axis, side, colours)
        axis.axhline(0.0, color=style.INK, linewidth=0.7)
        axis.set_title(text.title(title))
        axis.yaxis.set_major_formatter(text.tick)
        times(axis, drawn_steps(run))
    axes[0].set_ylabel(label)
    handles = [Patch(color=colours[name], label=text.spoken(name)) for name in names]
    figure.legend(handles=handles, loc="outside upper left", ncols=8, handlelength=1.2)
    return figure


def _parties(run: Run, panels: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]) -> list[str]:
    there = {str(name) for sides in panels.values() for side in sides for name in side.columns}
    return [name for name in run.participants if name in there]


def stack(axis: Axes, table: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """Draw columns as bars on one another, in the order of the colours."""
    if table.empty or not len(table.columns):
        return
    edges = _edges(table)
    base = np.zeros(len(table))
    for name, colour in colours.items():
        if name not in table.columns:
            continue
        values = table[name].to_numpy(dtype=float)
        axis.bar(
            edges[:-1], values, 0.92 * np.diff(edges), bottom=base, align="edge", color=colour,
            linewidth=0,
        )  # fmt: skip
        base = base + values


def peer_figure(run: Run) -> Figure | None:
    """Return what followers give and take among themselves, and at which price, per carrier."""
    shared = {}
    for carrier in dict.fromkeys(run.tables.schedule["carrier"].astype(str)):
        given, taken = (traded(run, carrier, f"share_{way}_kw") for way in ("out", "in"))
        if len(given.columns) and float(given.max().max()) > TRADED_KW:
            shared[carrier] = (given, -taken)
    if not shared:
        return None
    names = _parties(run, shared)
    colours = dict(zip(names, PARTY_COLOURS * len(names), strict=False))
    figure = style.figure(2.5 * len(shared) + 0.3)
    axes = figure.subplots(len(shared), 2, squeeze=False)
    for (left, right), (carrier, sides) in zip(axes, shared.items(), strict=True):
        for side in sides:
            stack(left, side, colours)
        left.axhline(0.0, color=style.INK, linewidth=0.7)
        left.set_title(f"{text.title(carrier)}: given (up) and taken (down), kW")
        left.yaxis.set_major_formatter(text.tick)
        times(left, drawn_steps(run))
        _peer_prices(right, run, carrier)
    handles: list[Artist] = [
        *(Patch(color=colours[name], label=text.spoken(name)) for name in names),
        Patch(color=style.GREEN, alpha=0.25, label="prices of all pairs"),
        Line2D([], [], color=style.GREEN, linewidth=2.2, label="their mean"),
        *(Line2D([], [], color=c, linewidth=1.0, label=n) for n, c in SIDES.values()),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=8, handlelength=1.2)
    return figure


def _peer_prices(axis: Axes, run: Run, carrier: str) -> None:
    """Draw the range and the mean of pair prices, beside the operator's own."""
    own = run.tables.leader_prices
    for side, (_, colour) in SIDES.items():
        part = own[(own["carrier"] == carrier) & (own["side"] == side)]
        values = means(run, part.set_index("time")["price_per_kwh"])
        if len(values):
            axis.step(_edges(values), _held(values), where="post", color=colour, linewidth=1.0)
    table = run.tables.p2p_prices
    table = table[table["carrier"] == carrier] if len(table) else table
    if len(table):
        money = (table["price"] * table["kw"]).groupby(table["time"]).sum()
        steps = drawn_steps(run)
        mean = means(run, money / table["kw"].groupby(table["time"]).sum()).reindex(steps)
        grouped = table["price"].groupby(table["time"])
        low, high = (means(run, v).reindex(steps) for v in (grouped.min(), grouped.max()))
        edges = _edges(mean)
        axis.fill_between(
            edges, _held(low), _held(high), step="post", color=style.GREEN, alpha=0.25, linewidth=0
        )
        known = mean.notna().to_numpy()
        axis.hlines(mean[known], edges[:-1][known], edges[1:][known], color=style.GREEN,
                    linewidth=2.2)  # fmt: skip
    axis.set_title(f"{text.title(carrier)}: price between followers, {run.currency}/kWh")
    axis.margins(y=0.1)
    axis.yaxis.set_major_formatter(text.tick)
    times(axis, drawn_steps(run))


def _stamps(values: pd.Series | pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(values.index).tz_localize(None)


def _held(values: pd.Series) -> np.ndarray:
    """Return values with the last one again, for the end of the last step."""
    known = values.to_numpy(dtype=float)
    return np.append(known, known[-1])


def _edges(values: pd.Series | pd.DataFrame) -> np.ndarray:
    """Return beginning and end of every step as matplotlib's numbers, shape (T + 1,)."""
    known = np.asarray(date2num(_stamps(values)))
    width = known[1] - known[0] if len(known) > 1 else 1.0 / 24.0
    return np.append(known, known[-1] + width)
