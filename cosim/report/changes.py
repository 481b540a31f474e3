"""What the networks changed: every device with and without them, hour by hour."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from cosim.report import style, text
from cosim.report.data import Run
from cosim.report.flows import SHOWN_CARRIERS, balance
from cosim.report.series import times

MOST_ROWS = 18
NOTICED_KWH = 0.5
GIVEN = ("pool", "utility", "demand", "background customers", "losses and pumps")
"""Groups that are no device, or that nobody decides on."""


def changes(run: Run) -> pd.DataFrame:
    """Return the devices that run otherwise, the most changed first.

    A device's power counts positive in the direction in which it mostly works, so that `more` is
    more of what it does: generation, consumption, or for storage delivery.

    Returns:
        Index (participant, device, carrier); columns more_kwh, less_kwh and one per step (kW).
    """
    after, before = run.tables.schedule, run.tables.copper_plate_schedule
    if after.empty or before.empty:
        return pd.DataFrame()
    steps = [_devices(run, table) for table in (before, after)]
    both = steps[0].index.union(steps[1].index)
    first, second = (table.reindex(both).fillna(0.0) for table in steps)
    direction = np.where(first.sum(axis=1) + second.sum(axis=1) >= 0.0, 1.0, -1.0)
    difference = (second - first).mul(direction, axis=0)
    difference = _one_carrier(difference)
    more = difference.clip(lower=0.0).sum(axis=1) * run.step_h
    less = -difference.clip(upper=0.0).sum(axis=1) * run.step_h
    noticed = (more + less) > NOTICED_KWH
    difference.insert(0, "less_kwh", less)
    difference.insert(0, "more_kwh", more)
    ranked = (more + less)[noticed].sort_values(ascending=False).index
    return difference.loc[ranked]


def _devices(run: Run, schedule: pd.DataFrame) -> pd.DataFrame:
    """Return signed power per (participant, device, carrier), a column per step."""
    flows = balance(run, schedule)
    flows = flows[~flows["group"].isin(list(GIVEN))]
    return flows.pivot_table(
        index=["participant", "device", "carrier"], columns="time", values="kw", aggfunc="sum"
    )


def _one_carrier(table: pd.DataFrame) -> pd.DataFrame:
    """Keep one carrier per device: the first of electricity, heat, cooling, hydrogen."""
    rank = {carrier: k for k, carrier in enumerate(SHOWN_CARRIERS)}
    order = table.index.to_frame(index=False)
    order["rank"] = order["carrier"].map(rank).fillna(len(rank))
    order["row"] = np.arange(len(order))
    kept = order.sort_values(["rank", "row"]).drop_duplicates(["participant", "device"])
    return table.iloc[np.sort(kept["row"].to_numpy())]


def change_figure(run: Run, table: pd.DataFrame) -> Figure | None:
    """Return a heat map of the changes, devices down and steps across; None without changes."""
    if table.empty:
        return None
    rows = table.head(MOST_ROWS)
    values = rows.drop(columns=["more_kwh", "less_kwh"])
    figure = style.figure(0.25 * len(rows) + 1.1)
    axis = figure.subplots()
    index = pd.DatetimeIndex(values.columns)
    stamps = index.tz_localize(None)
    step = stamps[1] - stamps[0] if len(stamps) > 1 else pd.Timedelta(hours=1)
    edges = date2num([*stamps, stamps[-1] + step])
    most = max(float(np.percentile(np.abs(values.to_numpy()), 99.5)), 1e-6)
    mesh = axis.pcolormesh(
        edges, np.arange(len(rows) + 1) - 0.5, values.to_numpy(), cmap=style.DIVERGING,
        norm=TwoSlopeNorm(0.0, -most, most), rasterized=True,
    )  # fmt: skip
    axis.set_ylim(len(rows) - 0.5, -0.5)
    names = [f"{text.spoken(p)}: {text.spoken(d)}" for p, d, _ in rows.index]
    axis.set_yticks(np.arange(len(rows)), names)
    _tidy(axis, len(rows))
    times(axis, index)
    _sums(axis, rows)
    bar = figure.colorbar(mesh, ax=axis, location="bottom", aspect=45, shrink=0.4, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label("change of power, kW (orange: more, blue: less)")
    return figure


def _tidy(axis: Axes, rows: int) -> None:
    for k in range(1, rows):
        axis.axhline(k - 0.5, color="white", linewidth=1.6)
    axis.grid(False)
    axis.tick_params(axis="y", length=0, labelcolor=style.INK)
    for side in ("left", "bottom"):
        axis.spines[side].set_visible(False)


def _sums(axis: Axes, rows: pd.DataFrame) -> None:
    """Write how much more and less to the right of the map."""
    columns = ((1.075, "more, kWh", "more_kwh"), (1.15, "less, kWh", "less_kwh"))
    for x, name, column in columns:
        axis.text(
            x, 1.0, name, transform=axis.transAxes, ha="right", va="bottom", fontsize=8,
            color=style.GREY,
        )  # fmt: skip
        for k, value in enumerate(rows[column]):
            axis.text(
                x, k, text.number(value, 0 if value >= 10 or value < 0.05 else 1),
                transform=axis.get_yaxis_transform(), ha="right", va="center", fontsize=8,
            )  # fmt: skip
