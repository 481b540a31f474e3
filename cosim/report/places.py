"""Where participants meet each network, for the labels on its map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cosim.report.data import Run
from cosim.report.geometry import Geometry

TABLE_OF_KIND: Mapping[str, str] = {
    "electric": "bus",
    "heat": "heat_consumer",
    "cooling": "heat_consumer",
    "gas": "junction",
}
Place = tuple[float, float]


def participant_places(run: Run, grid: str, drawn: Geometry) -> dict[str, list[Place]]:
    """Return every connection point of every participant in one network.

    They come from `terminals` in the summary (network -> participant -> ids; an empty list stands
    for the plant), or else from elements of the network that carry a participant's name.
    """
    table = TABLE_OF_KIND.get(run.kinds[grid], "bus")
    listed = (run.summary.get("terminals") or {}).get(grid)
    ids = _listed(listed) if listed else _named(run, grid, table)
    known = drawn.points.get(table, {})
    found: dict[str, list[Place]] = {}
    for name in run.participants:
        if name in ids:
            places = [known[k] for k in ids[name] if k in known]
            places = places or (list(drawn.sources[:1]) if not ids[name] else [])
            if places:
                found[name] = places
    return found


def _listed(entries: Mapping[str, Any]) -> dict[str, list[int]]:
    return {
        name: [int(k) for k in (ids.get("ids", []) if isinstance(ids, Mapping) else ids)]
        for name, ids in entries.items()
    }


def _named(run: Run, grid: str, table: str) -> dict[str, list[int]]:
    """Return ids of elements whose name is a participant's."""
    net = run.net(grid)
    column = {"bus": "bus", "junction": "junction"}.get(table)
    found: dict[str, list[int]] = {}
    for element in ("sgen", "load", "source", "sink", "heat_consumer"):
        frame = net.get(element, pd.DataFrame())
        at = column if element != "heat_consumer" else None
        if "name" not in frame.columns or (at is not None and at not in frame.columns):
            continue
        if (element == "heat_consumer") != (table == "heat_consumer"):
            continue
        nodes = frame.index if at is None else frame[at]
        for name, node in zip(frame["name"], nodes, strict=True):
            if name in run.summary["participants"]:
                found.setdefault(str(name), []).append(int(node))
    return {name: list(dict.fromkeys(ids)) for name, ids in found.items()}


def label_place(places: list[Place]) -> Place:
    """Return the connection point nearest to the middle of all."""
    xy = np.array(places)
    nearest = int(np.argmin(np.hypot(*(xy - np.median(xy, axis=0)).T)))
    return places[nearest]
