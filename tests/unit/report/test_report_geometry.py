"""Networks on paper: true to scale with coordinates, a readable tree without."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cosim.report.geometry import geometry
from cosim.report.labels import place_labels


def bus_table(places: list[tuple[float, float] | None]) -> pd.DataFrame:
    geo = [
        None if place is None else json.dumps({"type": "Point", "coordinates": list(place)})
        for place in places
    ]
    return pd.DataFrame({"name": [f"b{k}" for k in range(len(places))], "geo": geo})


def chain(places: list[tuple[float, float] | None], ends: list[tuple[int, int]]) -> dict:
    a, b = zip(*ends, strict=True)
    return {
        "bus": bus_table(places),
        "line": pd.DataFrame({"from_bus": a, "to_bus": b, "length_km": 0.1, "in_service": True}),
        "ext_grid": pd.DataFrame({"bus": [0]}),
    }


def test_degrees_become_metres() -> None:
    net = chain([(8.0, 48.0), (8.0, 48.01), (8.01, 48.0)], [(0, 1), (0, 2)])
    drawn = geometry(net)
    assert drawn is not None
    assert drawn.on_map
    (x0, y0), (x1, y1), (x2, y2) = (drawn.nodes[k] for k in range(3))
    assert np.hypot(x1 - x0, y1 - y0) == pytest.approx(
        1111.9, rel=1e-3
    )  # 0.01 degree of a meridian
    assert np.hypot(x2 - x0, y2 - y0) == pytest.approx(1111.9 * np.cos(np.radians(48.0)), rel=1e-3)


def test_a_node_without_place_borrows_its_neighbours() -> None:
    net = chain([None, (8.0, 48.0), (8.01, 48.0)], [(0, 1), (1, 2)])
    drawn = geometry(net)
    assert drawn is not None
    assert drawn.sources == (drawn.nodes[1],)


def test_without_coordinates_a_tree_grows_from_the_supply() -> None:
    net = chain([None] * 6, [(0, 1), (1, 2), (1, 3), (3, 4), (3, 5)])
    drawn = geometry(net)
    assert drawn is not None
    assert not drawn.on_map
    x = [drawn.nodes[k][0] for k in range(6)]
    assert x[0] == min(x)
    assert x[2] == pytest.approx(x[3])
    assert x[4] > x[3] > x[1] > x[0]
    assert len({drawn.nodes[k][1] for k in (2, 4, 5)}) == 3


def test_lines_out_of_service_are_not_drawn() -> None:
    net = chain([(8.0, 48.0), (8.0, 48.01), (8.01, 48.0)], [(0, 1), (0, 2)])
    net["line"]["in_service"] = [True, False]
    drawn = geometry(net)
    assert drawn is not None
    assert drawn.paths["line"][0] == [0]


def test_nothing_to_draw() -> None:
    assert geometry({}) is None
    assert geometry({"bus": bus_table([])}) is None


def test_names_never_lie_on_each_other() -> None:
    figure = Figure(figsize=(5, 4))
    renderer = FigureCanvasAgg(figure).get_renderer()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 80)
    rng = np.random.default_rng(1)
    places = [
        (f"participant {k}", (50 + rng.normal(0, 6), 40 + rng.normal(0, 6))) for k in range(20)
    ]
    place_labels(axes, renderer, places, np.zeros((0, 2)), np.zeros((0, 2)))
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    assert len(boxes) == 20
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert all(box.x0 >= 0 and box.x1 <= 500 and box.y0 >= 0 and box.y1 <= 400 for box in boxes)
