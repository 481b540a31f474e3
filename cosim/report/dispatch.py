"""Who supplies and who uses energy when: one small stack per participant."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from cosim.records.names import NETWORK
from cosim.report import style, text
from cosim.report.data import Run
from cosim.report.flows import COLOURS, SHOWN_CARRIERS, balance, connections
from cosim.report.horizon import mean_schedule
from cosim.report.series import times

COLUMNS = 4
NOTHING_KW = 1e-3


def dispatch_figures(run: Run) -> dict[str, Figure]:
    """Return one figure of small multiples per carrier."""
    schedule = mean_schedule(run)
    flows = balance(run, schedule)
    if flows.empty:
        flows = connections(schedule)
    found = {}
    for carrier in SHOWN_CARRIERS:
        part = flows[flows["carrier"] == carrier]
        if len(part) and float(part["kw"].abs().max()) > NOTHING_KW:
            found[carrier] = _draw(run, part)
    return found


def _draw(run: Run, flows: pd.DataFrame) -> Figure:
    table = flows.pivot_table(
        index="time", columns=["participant", "group"], values="kw", aggfunc="sum", fill_value=0.0
    )
    table = table.loc[:, table.abs().max() > NOTHING_KW]
    present = set(table.columns.get_level_values("participant"))
    names = [name for name in run.participants if name in present]
    names += sorted(present - set(names))
    columns = min(COLUMNS, max(len(names), 2))
    rows = math.ceil(len(names) / columns)
    figure = style.figure(1.75 * rows + 0.55)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for axis, name in zip(axes, names, strict=False):
        own = table.columns[table.columns.get_level_values("participant") == name]
        _stack(axis, table[own].droplevel("participant", axis=1))
        title = "network account" if name == NETWORK else text.spoken(name)
        axis.set_title(title, fontsize=8.8)
        times(axis, table.index)
    for axis in axes[len(names) :]:
        axis.set_visible(False)
    for k in range(len(names)):
        axes[k].tick_params(labelbottom=k + columns >= len(names))
    figure.supylabel("kW", fontsize=8.5, color=style.GREY)
    used = set(table.columns.get_level_values("group"))
    handles = [Patch(color=c, label=_label(g)) for g, c in COLOURS.items() if g in used]
    figure.legend(
        handles=handles, loc="outside upper left", ncols=min(11, len(handles)), handlelength=1.0,
        handletextpad=0.5, columnspacing=1.4,
    )  # fmt: skip
    return figure


def _label(group: str) -> str:
    return {
        "connection": "at the connection (positive: into the network)",
        "operator": "operator who sets prices",
        "followers": "followers of its prices",
    }.get(group, group)


def _stack(axis: Axes, table: pd.DataFrame) -> None:
    stamps = pd.DatetimeIndex(table.index).tz_localize(None)
    step = stamps[1] - stamps[0] if len(stamps) > 1 else pd.Timedelta(hours=1)
    edges = stamps.append(pd.DatetimeIndex([stamps[-1] + step]))
    for side in (np.maximum, np.minimum):
        base = np.zeros(len(edges))
        for group, colour in COLOURS.items():
            if group not in table.columns:
                continue
            values = side(table[group].to_numpy(), 0.0)
            if not values.any():
                continue
            top = base + np.append(values, values[-1])
            axis.fill_between(edges, base, top, step="post", color=colour, linewidth=0)
            base = top
    axis.axhline(0.0, color=style.INK, linewidth=0.7)
    axis.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    axis.yaxis.set_major_formatter(text.tick)
