"""Where the elements of a network lie on paper: on a map, or as a schematic where none is known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd

from cosim.records.time import FloatArray

EARTH_RADIUS_M = 6_371_000.0
NODES: Mapping[str, str] = {"bus": "bus", "junction": "junction"}
BRANCHES: Mapping[str, tuple[str, str]] = {
    "line": ("from_bus", "to_bus"),
    "trafo": ("hv_bus", "lv_bus"),
    "trafo3w": ("hv_bus", "lv_bus"),
    "pipe": ("from_junction", "to_junction"),
    "heat_consumer": ("from_junction", "to_junction"),
    "circ_pump_pressure": ("return_junction", "flow_junction"),
    "circ_pump_mass": ("return_junction", "flow_junction"),
}
"""Element table -> columns of its two nodes."""
SOURCES: tuple[tuple[str, str], ...] = (
    ("ext_grid", "bus"),
    ("ext_grid", "junction"),
    ("circ_pump_pressure", "flow_junction"),
    ("circ_pump_mass", "flow_junction"),
)
FILLING_ROUNDS = 5
"""How many branches away from a known place a node may borrow it."""
PATHS = ("line", "pipe")
"""Tables that are drawn as lines."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """A network on paper.

    Attributes:
        nodes: node id -> (x, y); metres east and north on a map, else a schematic.
        on_map: whether distances on paper are distances in the field.
        paths: drawn element tables -> (ids, segments of shape (n, 2, 2)).
        points: other element tables -> id -> (x, y).
        sources: where the network is fed.
    """

    nodes: Mapping[int, tuple[float, float]]
    on_map: bool
    paths: Mapping[str, tuple[list[int], FloatArray]]
    points: Mapping[str, Mapping[int, tuple[float, float]]]
    sources: tuple[tuple[float, float], ...]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Smallest x, largest x, smallest y, largest y."""
        xy = np.array(list(self.nodes.values()))
        (x0, y0), (x1, y1) = xy.min(axis=0), xy.max(axis=0)
        return float(x0), float(x1), float(y0), float(y1)


def geometry(net: Mapping[str, pd.DataFrame]) -> Geometry | None:
    """Return a network's geometry, None where it has no nodes."""
    table = next((name for name in NODES if name in net and len(net[name])), None)
    if table is None:
        return None
    found = _coordinates(net, table)
    on_map = len(found) >= 0.5 * len(net[table])
    nodes = _filled(net, _metres(found)) if on_map else _schematic(net, table)
    if not nodes:
        return None
    return Geometry(
        nodes=nodes,
        on_map=on_map,
        paths={name: _segments(net[name], name, nodes) for name in PATHS if name in net},
        points=_points(net, nodes),
        sources=tuple(_sources(net, table, nodes)),
    )


def _coordinates(net: Mapping[str, pd.DataFrame], table: str) -> dict[int, tuple[float, float]]:
    """Return node coordinates from the `geo` column or the older geodata table."""
    frame = net[table]
    found: dict[int, tuple[float, float]] = {}
    if "geo" in frame.columns:
        for index, text in frame["geo"].items():
            point = _point(text)
            if point is not None:
                found[int(str(index))] = point
    older = net.get(f"{table}_geodata")
    if not found and older is not None and {"x", "y"} <= set(older.columns):
        for index, x, y in zip(older.index, older["x"], older["y"], strict=True):
            if np.isfinite([x, y]).all():
                found[int(index)] = (float(x), float(y))
    return found


def _point(text: object) -> tuple[float, float] | None:
    if not isinstance(text, str) or not text.startswith("{"):
        return None
    pair = json.loads(text).get("coordinates") or []
    if len(pair) < 2 or not np.isfinite(pair[:2]).all():
        return None
    return float(pair[0]), float(pair[1])


def _metres(found: Mapping[int, tuple[float, float]]) -> dict[int, tuple[float, float]]:
    """Return longitude and latitude as metres from the middle; metres stay what they are."""
    xy = np.array(list(found.values()))
    centre = xy.mean(axis=0)
    degrees = np.abs(xy[:, 0]).max() <= 180.0 and np.abs(xy[:, 1]).max() <= 90.0
    shifted = xy - centre
    if degrees:
        factor = np.pi / 180.0 * EARTH_RADIUS_M
        shifted = shifted * [factor * np.cos(np.radians(centre[1])), factor]
    return {key: (float(x), float(y)) for key, (x, y) in zip(found, shifted, strict=True)}


def _filled(
    net: Mapping[str, pd.DataFrame], nodes: dict[int, tuple[float, float]]
) -> dict[int, tuple[float, float]]:
    """Give nodes without coordinates the place of a neighbour that has some."""
    pairs = [
        (int(start), int(end))
        for name, (a, b) in BRANCHES.items()
        if name in net and name not in ("heat_consumer", "trafo3w")
        for start, end in zip(net[name][a], net[name][b], strict=True)
    ]
    for _ in range(FILLING_ROUNDS):
        lent = {a: nodes[b] for a, b in pairs if a not in nodes and b in nodes}
        lent |= {b: nodes[a] for a, b in pairs if b not in nodes and a in nodes}
        if not lent:
            break
        nodes = nodes | lent
    return nodes


def _schematic(net: Mapping[str, pd.DataFrame], table: str) -> dict[int, tuple[float, float]]:
    """Return a tree from the supply to the right: x is the path length, y keeps branches apart."""
    graph: nx.Graph = nx.Graph()
    graph.add_nodes_from(int(i) for i in net[table].index)
    for name in ("line", "trafo", "trafo3w", "pipe"):
        if name in net:
            graph.add_edges_from(_edges(net[name], name))
    if table == "bus" and "switch" in net and len(net["switch"]):
        closed = net["switch"].query("et == 'b' and closed")
        ends = zip(closed["bus"], closed["element"], strict=True)
        graph.add_edges_from((int(a), int(b), {"km": 0.0}) for a, b in ends)
    roots = [node for node in _source_nodes(net, table) if node in graph]
    if not roots and graph:
        roots = [next(iter(graph))]
    placed: dict[int, tuple[float, float]] = {}
    row = 0
    for root in roots:
        if root not in placed:
            row = _place(graph, root, placed, row)
    return placed


def _edges(frame: pd.DataFrame, name: str) -> Iterable[tuple[int, int, dict[str, float]]]:
    a, b = BRANCHES[name]
    length = frame["length_km"] if "length_km" in frame else pd.Series(0.0, frame.index)
    in_use = frame["in_service"] if "in_service" in frame else pd.Series(True, frame.index)
    for start, end, km, used in zip(frame[a], frame[b], length, in_use, strict=True):
        if used:
            yield int(start), int(end), {"km": float(km)}


def _place(graph: nx.Graph, root: int, placed: dict[int, tuple[float, float]], row: int) -> int:
    """Place one tree with its leaves on rows of their own; return the next free row."""
    distance = nx.single_source_dijkstra_path_length(graph, root, weight="km")
    parents = nx.bfs_predecessors(graph, root)
    children: dict[int, list[int]] = {node: [] for node in distance}
    for child, parent in parents:
        children[parent].append(child)
    heights: dict[int, float] = {}
    for node in nx.dfs_postorder_nodes(nx.from_dict_of_lists(children), root):
        below = [heights[child] for child in children[node]]
        if below:
            heights[node] = 0.5 * (min(below) + max(below))
        else:
            heights[node] = float(row)
            row += 1
    longest = max(distance.values()) or 1.0
    depth = max(len(distance), 1) ** 0.5
    for node, height in heights.items():
        placed[node] = (1.6 * depth * distance[node] / longest, -height * depth / max(row, 1))
    return row


def _segments(
    frame: pd.DataFrame, name: str, nodes: Mapping[int, tuple[float, float]]
) -> tuple[list[int], FloatArray]:
    a, b = BRANCHES[name]
    in_use = frame["in_service"] if "in_service" in frame else pd.Series(True, frame.index)
    rows = [
        (int(index), (nodes[start], nodes[end]))
        for index, start, end, used in zip(frame.index, frame[a], frame[b], in_use, strict=True)
        if used and start in nodes and end in nodes
    ]
    ends = np.array([pair for _, pair in rows], dtype=float).reshape(-1, 2, 2)
    return [index for index, _ in rows], ends


def _points(
    net: Mapping[str, pd.DataFrame], nodes: Mapping[int, tuple[float, float]]
) -> dict[str, dict[int, tuple[float, float]]]:
    """Return the places of elements that are drawn as points: between their nodes, or at one."""
    found: dict[str, dict[int, tuple[float, float]]] = {
        "bus": dict(nodes),
        "junction": dict(nodes),
    }
    for name, (a, b) in BRANCHES.items():
        if name in PATHS or name not in net:
            continue
        places = {}
        for index, start, end in zip(net[name].index, net[name][a], net[name][b], strict=True):
            ends = [nodes[node] for node in (start, end) if node in nodes]
            if ends:
                x, y = np.mean(ends, axis=0)
                places[int(index)] = (float(x), float(y))
        found[name] = places
    return found


def _source_nodes(net: Mapping[str, pd.DataFrame], table: str) -> list[int]:
    """Return the nodes that feed the network."""
    found: list[int] = []
    for name, column in SOURCES:
        fits = column == table or (table == "junction" and column != "bus")
        if fits and name in net and column in net[name].columns:
            found += [int(node) for node in net[name][column].dropna()]
    return found


def _sources(
    net: Mapping[str, pd.DataFrame], table: str, nodes: Mapping[int, tuple[float, float]]
) -> Iterable[tuple[float, float]]:
    return (nodes[node] for node in _source_nodes(net, table) if node in nodes)
