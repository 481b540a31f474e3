"""What pairs of participants pay each other, over the day."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from cosim.records.names import NETWORK
from cosim.report import style, text
from cosim.report.data import Run
from cosim.report.horizon import drawn_steps
from cosim.report.series import times

CENTS = 100.0
MOST_PAIRS = 14


def peer_price_figure(run: Run) -> Figure | None:
    """Return a heat map per carrier: pairs down, time across, price as colour; None without any."""
    table = run.tables.p2p_prices
    if table.empty:
        return None
    table = table.assign(
        seller=table["seller"].astype(str),
        buyer=table["buyer"].astype(str),
        cents=CENTS * table["price"],
    )
    carriers = list(dict.fromkeys(table["carrier"].astype(str)))
    wide = {carrier: _matrix(run, table[table["carrier"] == carrier]) for carrier in carriers}
    heights = [len(pairs) + 2.2 for _, pairs in wide.values()]
    figure = style.figure(0.19 * sum(heights) + 0.5)
    axes = figure.subplots(len(carriers), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (carrier, (values, pairs)) in zip(axes, wide.items(), strict=True):
        _panel(run, axis, carrier, values, pairs)
    return figure


def _matrix(run: Run, part: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Return energy-weighted prices, shape (pairs, drawn steps), and the names of the pairs."""
    energy = part.groupby(["seller", "buyer"])["kw"].sum().sort_values(ascending=False)
    energy = energy.head(MOST_PAIRS)
    steps = drawn_steps(run)
    slot = np.searchsorted(steps, pd.DatetimeIndex(part["time"]), side="right") - 1
    part = part.assign(slot=slot, money=part["cents"] * part["kw"])
    values = np.full((len(energy), len(steps)), np.nan)
    for row, pair in enumerate(energy.index):
        own = part[(part["seller"] == pair[0]) & (part["buyer"] == pair[1])]
        summed = own.groupby("slot")[["money", "kw"]].sum()
        values[row, summed.index] = summed["money"] / summed["kw"]
    names = [f"{_name(seller)} to {_name(buyer)}" for seller, buyer in energy.index]
    return values, names


def _name(party: str) -> str:
    return "losses and pumps" if party == NETWORK else text.spoken(party)


def _panel(run: Run, axis: Axes, carrier: str, values: np.ndarray, pairs: list[str]) -> None:
    steps = drawn_steps(run)
    known = date2num(steps.tz_localize(None))
    width = known[1] - known[0] if len(known) > 1 else run.step_h / 24.0
    edges = np.append(known, known[-1] + width)
    mesh = axis.pcolormesh(
        edges, np.arange(len(pairs) + 1), np.ma.masked_invalid(values), cmap=style.WITHIN,
        rasterized=False, linewidth=0,
    )  # fmt: skip
    axis.set_yticks(np.arange(len(pairs)) + 0.5, pairs)
    axis.invert_yaxis()
    axis.grid(visible=False)
    axis.tick_params(axis="y", length=0, labelcolor=style.INK, labelsize=7.8)
    unit = f"ct/kWh ({run.currency})"
    axis.set_title(f"{text.title(carrier)}, {unit}")
    times(axis, steps)
    bar = axis.figure.colorbar(mesh, ax=axis, pad=0.01, aspect=max(8, 2 * len(pairs)), shrink=0.95)
    bar.outline.set_visible(False)
