"""One look for every figure: palette, type and sizes.

Colours are told apart with any kind of colour vision: blue for what was verified, orange for what
misses a limit, grey for what is only there for comparison (after Okabe and Ito, 2008).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

INK = "#1c2530"
GREY = "#6b7683"
LIGHT = "#c9d0d8"
FAINT = "#e8ecf0"
BLUE = "#0b62a4"
ORANGE = "#d95f02"
GREEN = "#1b8a5a"
GOLD = "#e6ab02"
PURPLE = "#8e5aa8"
SKY = "#6fb1e0"

CASE_COLOURS: Mapping[str, str] = {
    "individual": GREY,
    "copper_plate": ORANGE,
    "verified": BLUE,
}
NETWORK_COLOURS: Mapping[str, str] = {
    "electric": "#c99700",
    "heat": "#b03a48",
    "cooling": "#3f9aa8",
    "gas": "#5c7f9e",
}
WITHIN = LinearSegmentedColormap.from_list(
    "within", ["#dbe3ec", "#a9c6e3", "#5f9bd0", "#1f66ad", "#08306b"]
)
"""From far inside a limit (pale) to the limit itself (dark)."""
DIVERGING = LinearSegmentedColormap.from_list(
    "diverging", ["#08519c", "#6fa8d6", "#f5f6f7", "#f2a45c", "#a84300"]
)
"""Less (blue) and more (orange) than in the dispatch it is compared with."""

WIDTH_INCH = 10.6
"""Width of a figure; the page shows it at this size, so 8 pt there are 8 pt here."""
NEW_PEN = "new_gc"
"""Method of a renderer that makes a graphics context."""

FONTS = ("Liberation Sans", "Arial", "Helvetica", "DejaVu Sans")


def _fonts() -> list[str]:
    """Return the fonts of the list that are installed; the last one comes with matplotlib."""
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return [name for name in FONTS if name in installed]


@contextmanager
def look() -> Iterator[None]:
    """Return a context in which figures are drawn."""
    with matplotlib.rc_context(_settings()), _own_pen():
        yield


@contextmanager
def _own_pen() -> Iterator[None]:
    """Draw with matplotlib's own graphics context.

    pandapower and pandapipes put another one into matplotlib when they are imported, whose line
    caps the SVG writer cannot read.
    """
    found = RendererBase.__dict__["new_gc"]
    setattr(RendererBase, NEW_PEN, lambda _: GraphicsContextBase())
    try:
        yield
    finally:
        setattr(RendererBase, NEW_PEN, found)


def _settings() -> dict[str, Any]:
    return {
        "font.family": _fonts(),
        "font.size": 8.5,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 7.0,
        "axes.labelsize": 8.5,
        "axes.labelcolor": GREY,
        "axes.edgecolor": LIGHT,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "grid.color": FAINT,
        "grid.linewidth": 0.8,
        "text.color": INK,
        "xtick.color": LIGHT,
        "ytick.color": LIGHT,
        "xtick.labelcolor": GREY,
        "ytick.labelcolor": GREY,
        "xtick.labelsize": 8.0,
        "ytick.labelsize": 8.0,
        "legend.frameon": False,
        "legend.fontsize": 8.0,
        "hatch.linewidth": 0.6,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "svg.fonttype": "path",
        "svg.hashsalt": "cosim",
        "path.simplify": True,
    }


def figure(height_inch: float, width_inch: float = WIDTH_INCH) -> Figure:
    """Return an empty figure that lays itself out."""
    return Figure(figsize=(width_inch, height_inch), layout="constrained")


def bare(axes: Axes) -> None:
    """Take away everything but the drawing area."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
