"""Where each participant's electricity, heat and hydrogen come from and go to, step by step."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cosim.report import style, text
from cosim.report.data import Run
from cosim.report.flows import COLOURS, balance
from cosim.report.horizon import drawn_steps, mean_schedule
from cosim.report.leader_figures import stack
from cosim.report.series import times

CARRIERS = ("electricity", "heat", "cooling", "hydrogen")
NOTHING_KW = 1e-2
LABELS = {
    "pool": "from and to other participants",
    "operator": "from and to the operator",
    "followers": "from and to followers",
    "CHP": "turbine or engine",
}


def balance_figures(run: Run) -> dict[str, Figure]:
    """Return a figure per participant with a panel of stacked bars per carrier."""
    flows = balance(run, mean_schedule(run))
    found = {}
    for name in run.participants:
        own = flows[flows["participant"] == name]
        used = [c for c in CARRIERS if float(own.loc[own["carrier"] == c, "kw"].abs().max() or 0.0)
                > NOTHING_KW]  # fmt: skip
        if used:
            found[name] = _draw(run, own, used)
    return found


def _draw(run: Run, flows: pd.DataFrame, carriers: list[str]) -> Figure:
    figure = style.figure(2.9)
    axes = figure.subplots(1, len(carriers), squeeze=False)[0]
    seen: set[str] = set()
    for axis, carrier in zip(axes, carriers, strict=True):
        table = flows[flows["carrier"] == carrier].pivot_table(
            index="time", columns="group", values="kw", aggfunc="sum", fill_value=0.0
        )
        table = table.loc[:, table.abs().max() > NOTHING_KW]
        seen |= set(table.columns)
        for side in (table.clip(lower=0.0), table.clip(upper=0.0)):
            stack(axis, side, COLOURS)
        axis.axhline(0.0, color=style.INK, linewidth=0.7)
        axis.set_title(text.title(carrier))
        axis.yaxis.set_major_formatter(text.tick)
        times(axis, drawn_steps(run))
    axes[0].set_ylabel("kW supplied (up) and used (down)")
    handles = [Patch(color=c, label=LABELS.get(g, g)) for g, c in COLOURS.items() if g in seen]
    figure.legend(handles=handles, loc="outside upper left", ncols=7, handlelength=1.0,
                  columnspacing=1.2)  # fmt: skip
    return figure
