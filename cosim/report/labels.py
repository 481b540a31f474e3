"""Names on a map that never lie on each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from cosim.records.time import FloatArray
from cosim.report.style import INK

ANGLES = np.radians(np.arange(0, 360, 15))
RINGS_PX = (12, 20, 30, 42, 56, 74, 96, 120, 150)
PADDING_PX = 2.0
CELL_PX = 8.0
SIGN_PX = 5.0


def place_labels(
    axes: Axes,
    renderer: Any,
    places: Sequence[tuple[str, tuple[float, float]]],
    busy: FloatArray,
    signs: FloatArray,
    size: float = 7.5,
) -> None:
    """Write names beside their places, with a thin line where they had to move away.

    Each name takes the nearest free spot that covers little of the network and no other name.

    Args:
        axes: a map whose limits are final.
        renderer: measures text.
        places: names with their places, in data coordinates.
        busy: points of the network, shape (n, 2), that are better not covered.
        signs: places of dots that must not be covered, shape (m, 2).
        size: of the letters, pt.
    """
    frame = axes.get_window_extent(renderer)
    density = _Density(axes.transData.transform(busy), frame)
    taken: list[tuple[float, float, float, float]] = []
    anchors = [axes.transData.transform(place) for _, place in places]
    spots = [*anchors, *axes.transData.transform(signs)]
    taken += [(x - SIGN_PX, y - SIGN_PX, x + SIGN_PX, y + SIGN_PX) for x, y in spots]
    order = np.argsort([-anchor[1] for anchor in anchors], kind="stable")
    for k in order:
        name = places[int(k)][0]
        width, height = _size(axes, renderer, name, size)
        box = _best(anchors[int(k)], width, height, taken, frame, density)
        taken.append(box)
        _write(axes, name, anchors[int(k)], box, size)


def _size(axes: Axes, renderer: Any, name: str, size: float) -> tuple[float, float]:
    text = axes.text(0, 0, name, fontsize=size)
    extent = text.get_window_extent(renderer)
    text.remove()
    return extent.width + 2 * PADDING_PX, extent.height + 2 * PADDING_PX


def _best(
    anchor: FloatArray,
    width: float,
    height: float,
    taken: Sequence[tuple[float, float, float, float]],
    frame: Any,
    density: _Density,
) -> tuple[float, float, float, float]:
    best, lowest = None, np.inf
    for ring in RINGS_PX:
        for angle in ANGLES:
            box = _box(anchor, ring, angle, width, height)
            inside = (
                box[0] >= frame.x0 and box[1] >= frame.y0
                and box[2] <= frame.x1 and box[3] <= frame.y1
            )  # fmt: skip
            if not inside or any(_overlap(box, other) for other in taken):
                continue
            cost = ring + 3.0 * density.covered(box)
            if cost < lowest:
                best, lowest = box, cost
    return best if best is not None else _box(anchor, RINGS_PX[0], 0.0, width, height)


def _box(
    anchor: FloatArray, ring: float, angle: float, width: float, height: float
) -> tuple[float, float, float, float]:
    """Return the rectangle whose nearest edge lies `ring` away from the anchor."""
    cx = anchor[0] + np.cos(angle) * (ring + 0.5 * width * abs(np.cos(angle)))
    cy = anchor[1] + np.sin(angle) * (ring + 0.5 * height)
    return (cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def _write(
    axes: Axes,
    name: str,
    anchor: FloatArray,
    box: tuple[float, float, float, float],
    size: float,
) -> None:
    inverse = axes.transData.inverted()
    centre = inverse.transform((0.5 * (box[0] + box[2]), 0.5 * (box[1] + box[3])))
    nearest = np.clip(anchor, (box[0], box[1]), (box[2], box[3]))
    away = float(np.hypot(*(nearest - anchor)))
    if away > 2.0 * SIGN_PX:
        edge = anchor + (nearest - anchor) * (SIGN_PX / away)
        start, end = inverse.transform(edge), inverse.transform(nearest)
        axes.plot(
            [start[0], end[0]], [start[1], end[1]],
            color=INK, linewidth=0.6, zorder=8, solid_capstyle="butt",
        )  # fmt: skip
    x, y = float(centre[0]), float(centre[1])
    paper = {"boxstyle": "square,pad=0.06", "facecolor": "white", "alpha": 0.72}
    axes.text(
        x, y, name, fontsize=size, ha="center", va="center", color=INK, zorder=9,
        bbox={**paper, "edgecolor": "none"},
    )  # fmt: skip


class _Density:
    """How much of the network a rectangle covers.

    Args:
        points: pixels, shape (n, 2).
        frame: of the map, in pixels.
    """

    def __init__(self, points: FloatArray, frame: Any) -> None:
        self._x0, self._y0 = frame.x0, frame.y0
        shape = (int(frame.width / CELL_PX) + 2, int(frame.height / CELL_PX) + 2)
        counts = np.zeros(shape)
        if len(points):
            x = np.clip(((points[:, 0] - frame.x0) / CELL_PX).astype(int), 0, shape[0] - 1)
            y = np.clip(((points[:, 1] - frame.y0) / CELL_PX).astype(int), 0, shape[1] - 1)
            counts[x, y] = 1.0
        self._sum = np.pad(counts.cumsum(0).cumsum(1), ((1, 0), (1, 0)))

    def covered(self, box: tuple[float, float, float, float]) -> float:
        """Return the number of occupied cells under a rectangle."""
        limit = np.array(self._sum.shape) - 1
        low = (np.array([box[0] - self._x0, box[1] - self._y0]) / CELL_PX).astype(int)
        high = (np.array([box[2] - self._x0, box[3] - self._y0]) / CELL_PX).astype(int) + 1
        (a, b), (c, d) = np.clip(low, 0, limit), np.clip(high, 0, limit)
        return float(self._sum[c, d] - self._sum[a, d] - self._sum[c, b] + self._sum[a, b])
