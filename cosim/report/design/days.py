"""How the design runs on its typical days."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cosim.records.names import NETWORK
from cosim.report import style, text
from cosim.report.data import Run

HOURS = 24
CARRIERS = ("heat", "electricity", "cooling")
SOURCES = {
    "chp": ("CHP", "#4a5d78"),
    "boiler": ("boilers", "#b9826b"),
    "heat_pump": ("heat pumps", "#7cc4b5"),
    "pv": ("photovoltaics", style.GOLD),
    "compression_chiller": ("chillers", "#3f9aa8"),
    "absorption_chiller": ("absorption chillers", "#8fc7cf"),
    "battery": ("batteries", style.PURPLE),
    "heat_storage": ("heat stores", "#d98ba0"),
    "grid": ("grid", "#c9ced4"),
}
LEAST_KW = 1e-6


def day_figure(run: Run) -> Figure | None:
    """Return all days side by side, one row per carrier: who supplies all buildings together."""
    days = run.summary["design"]["typical_days"]
    table = run.tables.schedule
    if table.empty or not days:
        return None
    kinds = {(w, d): k for w, owned in run.summary["devices"].items() for d, k in owned.items()}
    date = table["time"].dt.strftime("%Y-%m-%d")
    carriers = [c for c in CARRIERS if _has(table, c)]
    figure = style.figure(1.75 * len(carriers) + 0.75)
    axes = figure.subplots(len(carriers), len(days), sharex=True, sharey="row", squeeze=False)
    shown: set[str] = set()
    for column, (name, day) in enumerate(days.items()):
        rows = table[date == day["date"]]
        for row, carrier in enumerate(carriers):
            axis = axes[row, column]
            shown |= _stack(axis, rows[rows["carrier"] == carrier], kinds)
            _demand(axis, rows, carrier)
            if not column:
                axis.set_ylabel(f"{carrier}, kW")
        axes[0, column].set_title(_title(name, day), fontsize=8.2)
    for axis in axes.flat:
        axis.set_xlim(0, HOURS)
        axis.set_xticks([0, 12, 24])
        axis.yaxis.set_major_formatter(text.tick)
    handles: list[Patch | Line2D] = [
        Patch(color=colour, label=label)
        for kind, (label, colour) in SOURCES.items()
        if kind in shown
    ]
    handles.append(Line2D([], [], color=style.INK, linewidth=1.4, label="demand of the buildings"))
    figure.legend(handles=handles, loc="outside upper left", ncols=8, handlelength=1.2)
    return figure


def _title(name: str, day: dict[str, object]) -> str:
    moment = pd.Timestamp(str(day["date"]))
    weight = float(str(day["weight_days"]))
    if weight:
        return f"{moment:%-d %B}\n{weight:g} days"
    return f"{moment:%-d %B}\nmost {name.removeprefix('design_')}"


def _has(table: pd.DataFrame, carrier: str) -> bool:
    rows = table[(table["carrier"] == carrier) & (table["device"] == "demand")]
    return bool(len(rows)) and float(rows["value"].abs().max()) > LEAST_KW


def _stack(axis: Axes, rows: pd.DataFrame, kinds: dict[tuple[str, str], str]) -> set[str]:
    """Stack what supplies the buildings; return what is there."""
    supply: dict[str, np.ndarray] = {}
    for key, part in rows.groupby(["participant", "device", "quantity"], observed=True):
        who, device, quantity = (str(one) for one in key)
        kind = kinds.get((who, device))
        if device == "trade" and quantity == "buy_kw":
            kind = "grid"
        elif quantity not in ("generation_kw", "discharging_kw"):
            continue
        if kind in SOURCES:
            values = part.sort_values("time")["value"].to_numpy(dtype=float)
            supply[kind] = supply.get(kind, np.zeros(len(values))) + values
    bottom = np.zeros(HOURS)
    hours = np.arange(HOURS + 1)
    for kind, (_, colour) in SOURCES.items():
        values = supply.get(kind, np.zeros(0))
        if len(values) != HOURS or values.max() <= LEAST_KW:
            continue
        axis.fill_between(
            hours, np.append(bottom, bottom[-1]),
            np.append(bottom + values, bottom[-1] + values[-1]), step="post", color=colour,
            linewidth=0,
        )  # fmt: skip
        bottom = bottom + values
    return {kind for kind, values in supply.items() if values.max() > LEAST_KW}


def _demand(axis: Axes, rows: pd.DataFrame, carrier: str) -> None:
    part = rows[
        (rows["carrier"] == carrier)
        & (rows["device"] == "demand")
        & (rows["participant"] != NETWORK)
    ]
    total = part.groupby("time", observed=True)["value"].sum().sort_index().to_numpy(dtype=float)
    if len(total) == HOURS:
        axis.step(np.arange(HOURS + 1), np.append(total, total[-1]), where="post",
                  color=style.INK, linewidth=1.4)  # fmt: skip


def pipe_figure(run: Run) -> Figure | None:
    """Return what each building gives to the pipes and takes from them, day by day."""
    days = run.summary["design"]["typical_days"]
    table = run.tables.schedule
    rows = table[
        (table["carrier"] == "heat")
        & (table["device"] == "connection")
        & (table["quantity"] == "p_kw")
    ]
    if rows.empty:
        return None
    buildings = list(run.summary["design"]["buildings"])
    figure = style.figure(2.35)
    axes = figure.subplots(1, len(days), sharey=True, squeeze=False)[0]
    colours = dict(zip(buildings, _colours(len(buildings)), strict=True))
    date = rows["time"].dt.strftime("%Y-%m-%d")
    for axis, (name, day) in zip(axes, days.items(), strict=True):
        for who, part in rows[date == day["date"]].groupby("participant", observed=True):
            values = part.sort_values("time")["value"].to_numpy(dtype=float)
            if len(values) == HOURS and str(who) in colours:
                axis.step(np.arange(HOURS + 1), np.append(values, values[-1]), where="post",
                          color=colours[str(who)], linewidth=1.5)  # fmt: skip
        axis.axhline(0.0, color=style.GREY, linewidth=0.8)
        axis.set_title(_title(name, day), fontsize=8.2)
        axis.set_xlim(0, HOURS)
        axis.set_xticks([0, 12, 24])
        axis.yaxis.set_major_formatter(text.tick)
    axes[0].set_ylabel("heat into the pipes, kW")
    handles = [
        Line2D([], [], color=c, linewidth=1.8, label=text.title(n)) for n, c in colours.items()
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=8)
    return figure


def _colours(number: int) -> Sequence[str]:
    known = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE, style.GOLD, style.SKY, style.GREY)
    return [known[k % len(known)] for k in range(number)]


__all__ = ["day_figure", "pipe_figure"]
