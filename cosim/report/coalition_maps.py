"""Coalitions at a glance: the lattice of a small game, the sorted excesses of a large one."""

from __future__ import annotations

from itertools import combinations
from string import ascii_uppercase

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from cosim.report import style, text
from cosim.report.data import Run

MOST_PLAYERS = 5
MOST_DOTS = 400


def lattice_figure(run: Run) -> Figure | None:
    """Return every coalition by size, coloured by what it saves; None for large or unknown games.

    Coalitions that the settled allocation leaves something to gain have an orange frame.
    """
    found = _game(run)
    if found is None or len(found[0]) > MOST_PLAYERS:
        return None
    players, values, excess = found
    letters = dict(zip(players, ascii_uppercase, strict=False))
    figure = style.figure(0.62 * len(players) + 1.0)
    axis = figure.subplots()
    style.bare(axis)
    places = _places(players)
    for coalition, (x, y) in places.items():
        for other, (x2, y2) in places.items():
            if len(other) == len(coalition) + 1 and coalition < other:
                axis.plot([x, x2], [y, y2], color=style.FAINT, linewidth=1.0, zorder=1)
    norm = Normalize(0.0, max(*values.values(), 1e-9))
    for coalition, place in places.items():
        _node(axis, run, coalition, place, letters, values, norm, excess)
    axis.set_xlim(-0.02, 1.02)
    axis.set_ylim(0.4, len(players) + 0.6)
    key = ", ".join(f"{letter} {text.spoken(name)}" for name, letter in letters.items())
    axis.set_title(
        f"Saving of each coalition, {run.currency}: {key}", fontsize=8.5, weight="normal"
    )
    return figure


def excess_figure(run: Run) -> Figure | None:
    """Return the excess of every coalition under the settled allocation, largest first."""
    found = _game(run)
    if found is None or len(found[0]) <= MOST_PLAYERS:
        return None
    players, _, excess = found
    ranked = sorted((e for c, e in excess.items() if len(c) < len(players)), reverse=True)
    figure = style.figure(2.4)
    axis = figure.subplots()
    shown = np.array(ranked[:MOST_DOTS])
    colours = [style.ORANGE if value > 0.0 else style.BLUE for value in shown]
    axis.bar(np.arange(len(shown)), shown, 0.9, color=colours)
    axis.axhline(0.0, color=style.GREY, linewidth=0.8)
    axis.set_ylabel(f"excess, {run.currency}")
    more = (
        f" ({len(ranked) - len(shown)} smaller ones are not shown)"
        if len(ranked) > len(shown)
        else ""
    )
    axis.set_xlabel(f"coalitions, largest excess first{more}")
    axis.yaxis.set_major_formatter(text.tick)
    return figure


Game = tuple[list[str], dict[frozenset[str], float], dict[frozenset[str], float]]


def _game(run: Run) -> Game | None:
    """Return players, values, and excesses under the settled allocation; None if incomplete."""
    table, shares = run.tables.coalitions, run.tables.allocation
    if "settled" not in shares.columns or shares.empty:
        return None
    settled = shares[shares["settled"]].set_index("player")["value"]
    players = [str(name) for name in settled.index]
    if len(table) < 2 ** len(players) - 1 or len(players) < 2:
        return None
    values = {
        frozenset(str(name).split("+")): float(value)
        for name, value in zip(table["coalition"], table["value"], strict=True)
    }
    excess = {c: value - float(settled[list(c)].sum()) for c, value in values.items()}
    return players, values, excess


def _places(players: list[str]) -> dict[frozenset[str], tuple[float, float]]:
    found = {}
    for size in range(1, len(players) + 1):
        groups = list(combinations(players, size))
        for k, group in enumerate(groups):
            found[frozenset(group)] = ((k + 0.5) / len(groups), float(size))
    return found


def _node(
    axis: Axes,
    run: Run,
    coalition: frozenset[str],
    place: tuple[float, float],
    letters: dict[str, str],
    values: dict[frozenset[str], float],
    norm: Normalize,
    excess: dict[frozenset[str], float],
) -> None:
    value = values[coalition]
    share = float(norm(max(value, 0.0)))
    uncertain = _uncertain(run)
    blocked = excess[coalition] > uncertain and len(coalition) < len(letters)
    name = "".join(sorted(letters[player] for player in coalition))
    digits = 0 if norm.vmax is not None and norm.vmax >= 100 else 2
    axis.text(
        *place, f"{name}\n{text.number(value, digits)}", ha="center", va="center", fontsize=8,
        color="white" if share > 0.55 else style.INK, zorder=3,
        bbox={
            "boxstyle": "round,pad=0.35", "facecolor": style.WITHIN(share),
            "edgecolor": style.ORANGE if blocked else "white", "linewidth": 2.0 if blocked else 1.0,
        },
    )  # fmt: skip


def _uncertain(run: Run) -> float:
    table = run.tables.allocation
    if "core_tolerance" not in table.columns:
        return 1e-6
    found: pd.Series = table.loc[table["settled"], "core_tolerance"]
    return float(found.max()) if len(found) else 1e-6
