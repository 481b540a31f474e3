"""The energy of a year as flows from what is bought to what is used (a Sankey diagram)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from cosim.report import style, text
from cosim.report.data import Run
from cosim.report.design import words
from cosim.report.design.links import Link, Links

GAP, WIDTH = 0.035, 0.16
"""Between nodes as a share of the height, and of a node as a share of a column."""
ELECTRIC_DRIVEN = ("heat_pump", "chiller")
COLUMNS = ("source", "fuel_unit", "electricity", "electric_unit", "heat", "way", "use")


@dataclass(slots=True)
class Node:
    """A place that energy goes through.

    Attributes:
        name: what is written.
        column: from left to right.
        colour: of its bar.
        into, out: kWh.
        bottom: where it stands, set by the layout.
    """

    name: str
    column: int
    colour: str
    into: float = 0.0
    out: float = 0.0
    bottom: float = 0.0
    filled_in: float = field(default=0.0)
    filled_out: float = field(default=0.0)

    @property
    def size(self) -> float:
        """Height of its bar, kWh."""
        return max(self.into, self.out)


def energy_figure(run: Run, coalition: str) -> Figure | None:
    """Return the flows of a coalition's year; None without any."""
    table = run.tables.design_energy
    table = table[table["coalition"] == coalition]
    if table.empty:
        return None
    collected = Links(run.summary["devices"])
    collected.take(table)
    links = collected.all()
    nodes = _nodes(links, list(run.summary["design"]["buildings"]))
    if not nodes:
        return None
    figure = style.figure(6.4)
    axis = figure.subplots()
    style.bare(axis)
    _place(nodes)
    for link in sorted(links, key=lambda one: (nodes[one[0]].bottom, nodes[one[1]].bottom)):
        _ribbon(axis, nodes, link)
    for node in nodes.values():
        _bar(axis, node)
    axis.set_xlim(-0.05, len(COLUMNS) - 0.35)
    return figure


def _nodes(links: list[Link], order: list[str]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for a, b, carrier, kwh in links:
        for name in (a, b):
            if name not in found:
                found[name] = _node(name, carrier)
        found[a].out += kwh
        found[b].into += kwh

    def rank(item: tuple[str, Node]) -> tuple[int, int, int, str]:
        name = item[0]
        owner = next((k for k, one in enumerate(order) if f":{one}:" in f":{name}:"), len(order))
        last = ("sun", "ambient", "pool", "pipes", "feed_in", "losses")
        return (item[1].column, int(name in last), owner, name)

    return dict(sorted(found.items(), key=rank))


def _node(name: str, carrier: str) -> Node:
    """Return the node of a place."""
    parts = name.split(":")
    plain = {
        "gas": ("Gas", 0, words.CARRIERS["gas"]),
        "grid": ("Electricity\nfrom the grid", 0, words.CARRIERS["electricity"]),
        "sun": ("Sun", 0, style.GOLD),
        "ambient": ("Ambient", 0, words.CARRIERS["ambient"]),
        "pool": ("Shared\nelectricity", 5, words.CARRIERS["electricity"]),
        "pipes": ("Heat pipes", 5, words.CARRIERS["heat"]),
        "losses": ("Losses", 6, style.GREY),
        "feed_in": ("Feed-in", 6, style.GREEN),
    }
    if name in plain:
        return Node(*plain[name])
    if parts[0] == "unit":
        column = 3 if parts[2] in ELECTRIC_DRIVEN else 5 if "chiller" in parts[2] else 1
        return Node(f"{text.title(parts[1])}\n{words.kind(parts[2])}", column, style.INK)
    if parts[0] == "use":
        return Node(f"{text.title(parts[1])}\n{parts[2]}", 6, words.CARRIERS.get(parts[2], ""))
    column = {"electricity": 2, "heat": 4, "cooling": 4}.get(parts[1], 2)
    colour = words.CARRIERS.get(parts[1], words.CARRIERS.get(carrier, style.GREY))
    return Node(f"{text.title(parts[0])}\n{parts[1]}", column, colour)


def _place(nodes: Mapping[str, Node]) -> None:
    """Stack the nodes of each column, the columns centred on one another."""
    columns = [[n for n in nodes.values() if n.column == k] for k in range(len(COLUMNS))]
    tallest = max(sum(n.size for n in column) for column in columns)
    gap = GAP * tallest
    heights = [sum(n.size for n in c) + gap * max(len(c) - 1, 0) for c in columns]
    whole = max(heights)
    for column, height in zip(columns, heights, strict=True):
        top = (whole + height) / 2.0
        for node in column:
            node.bottom = top - node.size
            top = node.bottom - gap


def _ribbon(axis: Axes, nodes: Mapping[str, Node], link: Link) -> None:
    a, b, carrier, kwh = nodes[link[0]], nodes[link[1]], link[2], link[3]
    start = a.bottom + a.size - a.filled_out
    end = b.bottom + b.size - b.filled_in
    a.filled_out += kwh
    b.filled_in += kwh
    x0, x1 = a.column + WIDTH, float(b.column)
    middle = (x0 + x1) / 2.0
    upper = [(x0, start), (middle, start), (middle, end), (x1, end)]
    lower = [(x, y - kwh) for x, y in reversed(upper)]
    points = [*upper, *lower, (x0, start)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    colour = words.CARRIERS.get(carrier, style.GREY)
    if link[1] == "losses":
        colour = style.GREY
    axis.add_patch(
        PathPatch(Path(points, codes), facecolor=colour, alpha=0.42, edgecolor="none", zorder=2)
    )


def _bar(axis: Axes, node: Node) -> None:
    axis.add_patch(
        Rectangle((node.column, node.bottom), WIDTH, node.size, facecolor=node.colour, zorder=4)
    )
    axis.text(
        node.column + WIDTH + 0.03, node.bottom + node.size / 2.0,
        f"{node.name}\n{text.energy(node.size)}", fontsize=7.4, va="center", ha="left",
        linespacing=1.1, zorder=6,
        bbox={"facecolor": "white", "alpha": 0.62, "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip
    axis.update_datalim(np.array([[0.0, node.bottom], [0.0, node.bottom + node.size]]))
    axis.autoscale_view(scalex=False)
