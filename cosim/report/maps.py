"""Maps: how close every element comes to its limit, before and after the networks had their say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation, Transform

from cosim.report import style, text
from cosim.report.data import CASES, Case, Run
from cosim.report.geometry import Geometry, geometry
from cosim.report.map_panel import DENSE, draw_panel, name_participants, scale_bar
from cosim.report.measures import Measure, measure
from cosim.report.places import participant_places

ROWS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "electric": (("line_loading_max", "trafo_loading_max"), ("voltage_min", "voltage_max")),
    "heat": (
        ("differential_pressure_min",),
        ("supply_temperature_min",),
        ("velocity_max",),
        ("pressure_min", "pressure_max"),
    ),
    "cooling": (
        ("differential_pressure_min",),
        ("supply_temperature_max",),
        ("velocity_max",),
        ("pressure_min", "pressure_max"),
    ),
    "gas": (("pressure_min", "pressure_max"), ("velocity_max",)),
}
"""Limits that share a map, by kind of network."""
PAPER_WIDTH_INCH = 5.15
HEAD_INCH = 0.42
FOOT_INCH = 0.72
"""Room for titles above the maps and for scale and signs below them."""
TALLEST_INCH, SMALL_INCH = 5.6, 3.6
"""Height of a map at most, of large and of small networks."""


@dataclass(frozen=True, slots=True)
class Map:
    """A figure of one or more limits of a network.

    Attributes:
        figure: two panels, or one where only one case is known.
        panels: per case, the measures shown.
    """

    figure: Figure
    panels: Mapping[Case, Sequence[Measure]]


def network_maps(run: Run, grid: str) -> list[Map]:
    """Return the maps of one network, the tightest first; none where there is nothing to draw."""
    drawn = geometry(run.net(grid))
    if drawn is None:
        return []
    found: list[dict[Case, list[Measure]]] = []
    for limits in ROWS.get(run.kinds[grid], ()):
        panels: dict[Case, list[Measure]] = {}
        for case in CASES:
            known = [m for limit in limits if (m := measure(run, grid, case, limit)) is not None]
            if known:
                panels[case] = known
        if panels:
            found.append(_tighter_side(panels))
    found.sort(key=_least_room)
    return [Map(_draw(run, grid, drawn, panels), panels) for panels in found]


def _least_room(panels: Mapping[Case, Sequence[Measure]]) -> float:
    """Return how close any element comes to its limit; negative where one is missed."""
    worst = [m.room(m.worst[0]) for ms in panels.values() for m in ms if m.worst is not None]
    return float(min(worst, default=np.inf))


def _tighter_side(panels: dict[Case, list[Measure]]) -> dict[Case, list[Measure]]:
    """Of a lower and an upper bound on the same quantity, keep the one that comes closer."""
    room: dict[str, float] = {}
    for measures in panels.values():
        for m in measures:
            worst = m.worst
            least = np.inf if worst is None else float(m.room(worst[0]))
            room[m.limit] = min(room.get(m.limit, np.inf), least)
    sides = [name for name in room if name.endswith("_min")]
    pairs = [(low, low[:-4] + "_max") for low in sides if low[:-4] + "_max" in room]
    drop = {high if room[low] <= room[high] else low for low, high in pairs}
    return {case: [m for m in ms if m.limit not in drop] for case, ms in panels.items()}


def _draw(run: Run, grid: str, drawn: Geometry, panels: Mapping[Case, Sequence[Measure]]) -> Figure:
    x0, x1, y0, y1 = drawn.extent
    ratio = (y1 - y0 + 1e-9) / (x1 - x0 + 1e-9)
    most = TALLEST_INCH if len(drawn.nodes) > DENSE else SMALL_INCH
    tall = float(np.clip(PAPER_WIDTH_INCH * ratio, 2.0, most)) if drawn.on_map else SMALL_INCH
    head = HEAD_INCH + 0.15 * max(len(measures) for measures in panels.values())
    figure = Figure(figsize=(style.WIDTH_INCH, head + tall + FOOT_INCH))
    canvas = FigureCanvasAgg(figure)
    first = next(iter(panels.values()))[0]
    norm, cmap = _scale(first, [m for ms in panels.values() for m in ms if m.unit == first.unit])
    places = participant_places(run, grid, drawn)
    width, height = figure.get_size_inches()
    for k, case in enumerate(panels):
        left = k * (width - PAPER_WIDTH_INCH) / width
        share = (PAPER_WIDTH_INCH if len(panels) > 1 else width) / width
        axis = figure.add_axes((left, FOOT_INCH / height, share, tall / height))
        draw_panel(run, grid, drawn, axis, panels[case], norm, cmap)
        axis.text(
            0.0, tall + head - 0.19, _case_title(run, grid, case), fontsize=9.5, weight="bold",
            transform=_inches(figure, axis), va="baseline",
        )  # fmt: skip
        axis.text(
            0.0, tall + head - 0.26, headline(panels[case], several_days(run)), fontsize=8.5,
            color=style.GREY, transform=_inches(figure, axis), va="top", linespacing=1.25,
        )  # fmt: skip
        name_participants(axis, canvas.get_renderer(), drawn, places, panels[case])
        if drawn.on_map:
            scale_bar(axis)
        else:
            axis.text(
                0.01, 0.01, "no coordinates: distance from the supply to the right",
                transform=axis.transAxes, fontsize=7.5, color=style.GREY,
            )  # fmt: skip
    _foot(figure, panels, ScalarMappable(norm, cmap), _bar_label(first))
    return figure


def _inches(figure: Figure, axis: Axes) -> Transform:
    """Return a transform in inches from the lower left corner of a map."""
    box = axis.get_position()
    width, height = figure.get_size_inches()
    corner = ScaledTranslation(box.x0 * width, box.y0 * height, figure.dpi_scale_trans)
    return figure.dpi_scale_trans + corner


def _case_title(run: Run, grid: str, case: Case) -> str:
    if not run.has(grid, "copper_plate"):
        return "As verified"
    if case == "copper_plate":
        return "Before: dispatch without networks (copper plate)"
    return "After: verified dispatch" if run.feasible else "After: last dispatch, not accepted"


def _foot(
    figure: Figure, panels: Mapping[Case, Sequence[Measure]], colours: ScalarMappable, label: str
) -> None:
    """Colour scale on the left, signs on the right."""
    width, height = figure.get_size_inches()
    bar = figure.add_axes((0.12 / width, 0.30 / height, 3.4 / width, 0.11 / height))
    figure.colorbar(colours, cax=bar, orientation="horizontal").outline.set_visible(False)
    bar.tick_params(length=2, pad=2)
    bar.text(0.0, 1.5, label, transform=bar.transAxes, fontsize=8, color=style.GREY, va="bottom")
    handles = _signs(panels)
    figure.legend(
        handles=handles, loc="lower right", ncols=len(handles), handletextpad=0.5,
        columnspacing=1.4, bbox_to_anchor=(1.0, 0.20 / height), borderaxespad=0.0,
    )  # fmt: skip


def _scale(shown: Measure, measures: Sequence[Measure]) -> tuple[Normalize, Colormap]:
    """Return the colour scale: pale far inside the limit, dark at the limit itself."""
    values = np.concatenate([m.by_element.dropna().to_numpy() for m in measures])
    if shown.sense == "max":
        least = 1.0 if shown.unit == "pu" else 0.0
        return Normalize(min(least, float(values.min(initial=least))), shown.bound), style.WITHIN
    far = float(np.percentile(values, 98)) if len(values) else shown.bound + 1.0
    if shown.unit == "pu":
        far = max(far, 1.0)
    far = far if far > shown.bound else shown.bound + max(abs(shown.bound), 1.0) * 0.1
    return Normalize(shown.bound, far), style.WITHIN.reversed()


def _bar_label(shown: Measure) -> str:
    word = "lowest" if shown.sense == "min" else "highest"
    what = text.limit_name(shown.limit)
    what = what.removeprefix("Lowest ").removeprefix("Highest ")
    if shown.element == "line":
        what = "loading"
    return f"{what.lower()}, {word} of the horizon, {text.unit_name(shown.unit)}"


def _signs(panels: Mapping[Case, Sequence[Measure]]) -> list[Line2D]:
    elements = {m.element for measures in panels.values() for m in measures}

    def sign(label: str, marker: str, size: float, **look: Any) -> Line2D:
        return Line2D([], [], linestyle="none", marker=marker, markersize=size, label=label, **look)

    dots = elements <= {"heat_consumer"}
    found = [
        sign("limit missed", "o", 6.5, color=style.ORANGE)
        if dots
        else Line2D([], [], color=style.ORANGE, linewidth=2.8, label="limit missed"),
        sign("closest to its limit", "o", 8.5, markerfacecolor="none", markeredgecolor=style.INK),
    ]
    if elements & {"trafo", "trafo3w"}:
        found.append(sign("transformer", "D", 5.5, color="#5f9bd0"))
    if not dots:
        found.append(sign("participant", "o", 3.6, color=style.INK))
    return [*found, sign("supply", "s", 6.0, color=style.INK)]


def several_days(run: Run) -> bool:
    """Return whether a time of day alone would be ambiguous."""
    days: pd.Series = run.tables.schedule["time"].dt.date
    return bool(days.nunique() > 1)


def headline(measures: Sequence[Measure], days: bool) -> str:
    """Return how many elements miss their limit, and the worst value with its time."""
    parts = []
    for m in measures:
        missed = int(m.missed(m.by_element.dropna()).sum())
        worst = m.worst
        if worst is None:
            continue
        value, when, _ = worst
        word = "lowest" if m.sense == "min" else "highest"
        side = "below" if m.sense == "min" else "above"
        bound = f"{m.bound:g}{text.NO_BREAK}{text.unit_name(m.unit)}"
        count = text.counted(missed, m.element)
        count = count if missed else f"no {text.counted(1, m.element)[2:]}"
        extreme = f"{word} {text.in_unit(value, m.unit)} at {text.clock(when, days)}"
        close = "" if missed or float(m.margin(value)) >= 0.0 else ", within the tolerance"
        parts.append(f"{count} {side} {bound}, {extreme}{close}")
    return "\n".join(parts)
