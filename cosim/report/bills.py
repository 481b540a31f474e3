"""What each participant's bill is made of, and what bargaining power comes from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cosim.report import style, text
from cosim.report.data import Run

PARTS: Mapping[str, tuple[str, str]] = {
    "electricity": ("electricity from the utility", style.GOLD),
    "heat": ("heat from the utility", "#b03a48"),
    "cooling": ("cooling from the utility", "#3f9aa8"),
    "hydrogen": ("hydrogen from the utility", "#7cc4b5"),
    "gas": ("gas", "#5c7f9e"),
    "fees": ("fees and charges", style.LIGHT),
    "carbon": ("CO₂", style.GREY),
    "losses": ("losses and pumps", style.PURPLE),
    "upkeep": ("maintenance, wear, comfort", style.FAINT),
    "shared": ("shared energy", style.BLUE),
    "other": ("operator and fixed payments", style.GREEN),
}
FEES = ("management_fee", "grid_fee", "peak_charge", "standing_charge")
RULES: Mapping[str, str] = {
    "equal": "equal",
    "volume": "volume",
    "exponential": "exponential",
    "multi_factor": "several factors",
    "given": "given",
}


def bill_figure(run: Run) -> Figure | None:
    """Return what each participant pays (right) and receives (left), by kind; None without it."""
    table = bills(run)
    if table is None:
        return None
    used = [name for name in PARTS if name in table.columns and table[name].abs().max() > 0.0]
    figure = style.figure(0.27 * len(table) + 1.1)
    axis = figure.subplots()
    rows = np.arange(len(table))
    for side in (1.0, -1.0):
        base = np.zeros(len(table))
        for name in used:
            values = np.where(side * table[name] > 0.0, table[name], 0.0)
            axis.barh(rows, values, 0.64, left=base, color=PARTS[name][1])
            base = base + values
    axis.plot(table.sum(axis=1), rows, "D", color=style.INK, markersize=4.5)
    axis.set_yticks(rows, [text.spoken(name) for name in table.index])
    axis.invert_yaxis()
    axis.axvline(0.0, color=style.GREY, linewidth=0.8)
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0, labelcolor=style.INK)
    axis.xaxis.set_major_formatter(text.tick)
    axis.set_xlabel(
        f"{run.currency}; to the left received, to the right paid; the diamond is the sum"
    )
    handles = [Patch(color=PARTS[name][1], label=PARTS[name][0]) for name in used]
    figure.legend(handles=handles, loc="outside upper left", ncols=4, handlelength=1.2)
    return figure


def bills(run: Run) -> pd.DataFrame | None:
    """Return what each participant pays less what it receives, by part of the bill."""
    accounts, paid = run.tables.accounts, run.tables.payments
    if accounts.empty or paid.empty:
        return None
    kind = accounts["item"].astype(str).map(_part)
    rows = pd.concat(
        [
            pd.DataFrame(
                {"party": accounts[side], "kind": kind, "amount": sign * accounts["amount"]}
            )
            for side, sign in (("payer", 1.0), ("payee", -1.0))
        ]
    )
    names = [str(name) for name in paid["participant"]]
    wide = rows[rows["party"].isin(names)].pivot_table(
        index="party", columns="kind", values="amount", aggfunc="sum", fill_value=0.0, observed=True
    )
    return wide.reindex(names, fill_value=0.0)


def _part(item: str) -> str:
    for ending in ("_purchase", "_sales"):
        if item.endswith(ending):
            return item.removesuffix(ending)
    if item.startswith("shared_"):
        return "shared"
    if item.startswith("co2"):
        return "carbon"
    if item in FEES:
        return "fees"
    if item == "losses_and_pumps":
        return "losses"
    return "other" if item in ("operator_share", "fixed_payment") else "upkeep"


def power_figure(run: Run) -> Figure | None:
    """Return bargaining power by player and rule, and the volumes behind it."""
    table = run.tables.bargaining_power
    if table.empty:
        return None
    wide = table.pivot_table(index="player", columns="rule", values="weight", observed=True)
    wide = wide.loc[list(dict.fromkeys(table["player"]))]
    rules = [rule for rule in RULES if rule in wide.columns]
    chosen = str(table.loc[table["chosen"], "rule"].iloc[0]) if table["chosen"].any() else ""
    figure = style.figure(2.6)
    left, right = figure.subplots(1, 2, width_ratios=[1.3, 1.0])
    width = 0.82 / len(rules)
    colours = ("#c3cad2", "#3f7fbf", "#7cc4b5", "#e6ab02", "#8e5aa8")
    for k, rule in enumerate(rules):
        at = np.arange(len(wide)) + (k - 0.5 * (len(rules) - 1)) * width
        label = f"{RULES[rule]} (chosen)" if rule == chosen else RULES[rule]
        left.bar(at, wide[rule], 0.9 * width, color=colours[k], label=label)
    left.set_xticks(np.arange(len(wide)), [text.spoken(name) for name in wide.index])
    left.tick_params(axis="x", length=0, labelcolor=style.INK)
    left.set_title("Bargaining power", pad=20)
    left.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=5, borderaxespad=0.1)
    _volumes(right, table)
    return figure


def _volumes(axis: Axes, table: pd.DataFrame) -> None:
    one = table.drop_duplicates("player").set_index("player")
    columns = [c for c in one.columns if str(c).endswith("_kwh")]
    carriers = list(dict.fromkeys(str(c).split("_")[1] for c in columns))
    rows = np.arange(len(one))
    height = 0.8 / max(len(carriers), 1)
    for k, carrier in enumerate(carriers):
        at = rows + (k - 0.5 * (len(carriers) - 1)) * height
        colour = PARTS.get(carrier, ("", style.GREY))[1]
        axis.barh(at, one[f"out_{carrier}_kwh"], 0.9 * height, color=colour, label=carrier)
        axis.barh(at, -one[f"in_{carrier}_kwh"], 0.9 * height, color=colour, alpha=0.45)
    axis.set_yticks(rows, [text.spoken(str(name)) for name in one.index])
    axis.invert_yaxis()
    axis.axvline(0.0, color=style.GREY, linewidth=0.8)
    axis.set_title("Energy given (right) and taken (left), kWh", pad=20)
    if carriers:
        axis.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=5, borderaxespad=0.1)
    axis.xaxis.set_major_formatter(text.tick)
