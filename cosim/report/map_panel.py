"""One map: the network in grey, its elements coloured by how close they come to a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, Normalize, to_rgba

from cosim.records.time import FloatArray
from cosim.report import style, text
from cosim.report.data import Run
from cosim.report.geometry import BRANCHES, PATHS, Geometry
from cosim.report.labels import place_labels
from cosim.report.measures import Measure
from cosim.report.places import Place, label_place

NODE_TABLES = ("bus", "junction")
DENSE = 150
"""More elements than this are drawn as pixels."""


def draw_panel(
    run: Run,
    grid: str,
    drawn: Geometry,
    axis: Axes,
    measures: Sequence[Measure],
    norm: Normalize,
    cmap: Colormap,
) -> None:
    """Draw the network and the measures; the panel's size on paper must be final."""
    style.bare(axis)
    _underlay(axis, drawn)
    for m in measures:
        _colour(run, grid, axis, drawn, m, norm, cmap)
    _frame(axis, drawn)
    _mark_worst(axis, drawn, measures)
    for place in drawn.sources[:3]:
        axis.plot(*place, marker="s", markersize=8.5, color=style.INK, markeredgecolor="white",
                  zorder=4.5)  # fmt: skip


def _frame(axis: Axes, drawn: Geometry) -> None:
    """Set limits so that the network fills the panel; on a map one metre is one metre."""
    x0, x1, y0, y1 = drawn.extent
    spare = 0.05 * max(x1 - x0, y1 - y0, 1e-9)
    x0, x1, y0, y1 = x0 - spare, x1 + spare, y0 - spare, y1 + spare
    if drawn.on_map:
        box = axis.get_position()
        width, height = axis.get_figure(root=True).get_size_inches()  # type: ignore[union-attr]
        paper = box.width * width / (box.height * height)
        if (x1 - x0) / (y1 - y0) < paper:
            grow = 0.5 * ((y1 - y0) * paper - (x1 - x0))
            x0, x1 = x0 - grow, x1 + grow
        else:
            grow = 0.5 * ((x1 - x0) / paper - (y1 - y0))
            y0, y1 = y0 - grow, y1 + grow
    axis.set_xlim(x0, x1)
    axis.set_ylim(y0, y1)


def _underlay(axis: Axes, drawn: Geometry) -> None:
    for ids, segments in drawn.paths.values():
        axis.add_collection(
            LineCollection(
                list(segments), colors=style.LIGHT, linewidths=0.7, zorder=1,
                rasterized=len(ids) > DENSE, capstyle="round",
            )
        )  # fmt: skip


def _colour(
    run: Run,
    grid: str,
    axis: Axes,
    drawn: Geometry,
    m: Measure,
    norm: Normalize,
    cmap: Colormap,
) -> None:
    worst = m.by_element
    if m.element in PATHS:
        ids, segments = drawn.paths[m.element]
        _lines(axis, segments, worst.reindex(ids).to_numpy(), m, norm, cmap)
    elif m.element in NODE_TABLES:
        for name, (ids, segments) in drawn.paths.items():
            values = _of_ends(run.net(grid)[name].loc[ids], name, worst, m)
            _lines(axis, segments, values, m, norm, cmap)
    else:
        _dots(axis, drawn.points.get(m.element, {}), worst, m, norm, cmap)


def _of_ends(branches: pd.DataFrame, name: str, worst: pd.Series, m: Measure) -> FloatArray:
    """Return the worse of a branch's two end nodes."""
    ends = np.array([worst.reindex(branches[column]).to_numpy() for column in BRANCHES[name]])
    both: FloatArray = np.fmin(*ends) if m.sense == "min" else np.fmax(*ends)
    return both


def _lines(
    axis: Axes,
    segments: FloatArray,
    values: FloatArray,
    m: Measure,
    norm: Normalize,
    cmap: Colormap,
) -> None:
    known = np.isfinite(values)
    order = np.flatnonzero(known)[np.argsort(-m.margin(values[known]))]
    missed = m.missed(values[order])
    dense = len(order) > DENSE
    inside, outside = order[~missed], order[missed]
    axis.add_collection(
        LineCollection(
            list(segments[inside]), colors=cmap(norm(values[inside])), linewidths=1.5, zorder=2,
            rasterized=dense, capstyle="round",
        )
    )  # fmt: skip
    axis.add_collection(
        LineCollection(
            list(segments[outside]), colors=style.ORANGE, linewidths=2.8, zorder=4,
            rasterized=dense, capstyle="round",
        )
    )  # fmt: skip


def _dots(
    axis: Axes,
    places: Mapping[int, Place],
    worst: pd.Series,
    m: Measure,
    norm: Normalize,
    cmap: Colormap,
) -> None:
    worst = worst.dropna()
    ids = [k for k in worst.index if k in places]
    if not ids:
        return
    values = worst.loc[ids].to_numpy()
    missed = m.missed(values)
    colours = np.where(missed[:, None], np.array(to_rgba(style.ORANGE)), cmap(norm(values)))
    xy = np.array([places[k] for k in ids])
    marker = "D" if m.element in ("trafo", "trafo3w") else "o"
    axis.scatter(
        xy[:, 0], xy[:, 1], s=np.where(missed, 60, 46), c=colours, marker=marker, linewidths=0.7,
        edgecolors="white", zorder=5,
    )  # fmt: skip


def _mark_worst(axis: Axes, drawn: Geometry, measures: Sequence[Measure]) -> None:
    for m in measures:
        worst = m.worst
        place = None if worst is None else _place_of(drawn, m.element, worst[2])
        if place is not None:
            axis.plot(*place, marker="o", markersize=11, markerfacecolor="none",
                      markeredgecolor=style.INK, markeredgewidth=1.2, zorder=8)  # fmt: skip


def _place_of(drawn: Geometry, element: str, id_: int) -> Place | None:
    if element in drawn.paths:
        ids, segments = drawn.paths[element]
        if id_ not in ids:
            return None
        x, y = segments[ids.index(id_)].mean(axis=0)
        return float(x), float(y)
    return drawn.points.get(element, {}).get(id_)


def name_participants(
    axis: Axes,
    renderer: Any,
    drawn: Geometry,
    places: Mapping[str, list[Place]],
    measures: Sequence[Measure],
) -> None:
    """Write the participants' names at their connections, without overlaps."""
    if not places:
        return
    every = np.array([place for group in places.values() for place in group])
    if any(m.element != "heat_consumer" for m in measures):
        axis.plot(
            every[:, 0], every[:, 1], linestyle="none", marker="o", markersize=2.9,
            color=style.INK, markeredgecolor="white", markeredgewidth=0.4, zorder=7,
        )  # fmt: skip
    shares = np.linspace(0.0, 1.0, 9 if len(drawn.nodes) < DENSE else 3)[:, None, None]
    along = [
        ((1.0 - shares) * ends[:, 0] + shares * ends[:, 1]).reshape(-1, 2)
        for _, ends in drawn.paths.values()
    ]
    busy = np.vstack([every, *along])
    names = [(text.spoken(name), label_place(group)) for name, group in places.items()]
    dots = [
        place
        for m in measures
        if m.element not in (*PATHS, *NODE_TABLES)
        for place in drawn.points.get(m.element, {}).values()
    ]
    place_labels(axis, renderer, names, busy, np.array([*dots, *drawn.sources]).reshape(-1, 2))


def scale_bar(axis: Axes) -> None:
    """Draw a bar of a round length in the lower left corner."""
    x0, x1 = axis.get_xlim()
    y0, y1 = axis.get_ylim()
    wanted = 0.2 * (x1 - x0)
    power = 10.0 ** np.floor(np.log10(wanted))
    length = max(step * power for step in (1, 2, 5) if step * power <= wanted * 1.001)
    left, base = x0 + 0.02 * (x1 - x0), y0 + 0.025 * (y1 - y0)
    tick = 0.008 * (y1 - y0)
    axis.plot([left, left, left + length, left + length], [base + tick, base, base, base + tick],
              color=style.INK, linewidth=1.1, zorder=9, solid_joinstyle="miter")  # fmt: skip
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    axis.text(left + length / 2, base + 2 * tick, label, ha="center", va="bottom", fontsize=7.5,
              color=style.INK, zorder=9)  # fmt: skip
