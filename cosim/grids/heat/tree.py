"""Find the supply tree and the return tree in a pandapipes network, for the batch equations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cosim.grids.heat.forest import Fluid, Forest
from cosim.records import read_only
from cosim.records.time import FloatArray, IntArray

FOREIGN_TABLES = (
    "ext_grid",
    "sink",
    "source",
    "mass_storage",
    "valve",
    "pump",
    "circ_pump_mass",
    "heat_exchanger",
    "compressor",
    "press_control",
    "flow_control",
)
"""Elements that supply and return trees do not have; a network with them is a mesh."""


@dataclass(frozen=True, slots=True)
class Trees:
    """What the batch equations work on, or why they cannot.

    Attributes:
        forest: the trees, None where the batch equations do not cover the network.
        fluid: property tables, None likewise.
        nodes: junction position of each node of the forest, shape (j,).
        edges: pipe position of each edge of the forest, -1 at the roots, shape (j,).
        reasons: why there is no forest.
    """

    forest: Forest | None
    fluid: Fluid | None
    nodes: IntArray
    edges: IntArray
    reasons: tuple[str, ...]


def find_trees(net: Any, ends: Mapping[str, IntArray], ambient_bar: FloatArray) -> Trees:
    """Return the trees that hang on the circulation pump.

    Args:
        net: pandapipes network with one circ_pump_pressure.
        ends: positions of both junctions of `pipe`, `heat_consumer` and `circ_pump_pressure`
            (return, flow), each of shape (2, n).
        ambient_bar: air pressure at the junctions, shape (j,).
    """
    reasons = _foreign(net)
    fluid = fluid_tables(net, reasons)
    nodes, parent, edges = _breadth_first(ends["pipe"], ends["circ_pump_pressure"][::-1, 0])
    if not reasons:
        reasons = _not_a_forest(net, ends, nodes, parent)
    forest = None if reasons else _forest(net, ends, nodes, parent, edges, ambient_bar)
    return Trees(
        forest=forest,
        fluid=None if reasons else fluid,
        nodes=read_only(nodes, np.int64),
        edges=read_only(edges, np.int64),
        reasons=tuple(reasons),
    )


def _foreign(net: Any) -> list[str]:
    reasons = [
        f"{len(net[name])} {name}" for name in FOREIGN_TABLES if name in net and len(net[name])
    ]
    if len(net.circ_pump_pressure) > 1:
        reasons.append(f"{len(net.circ_pump_pressure)} circ_pump_pressure")
    if (net.pipe["sections"].to_numpy(dtype=int) > 1).any():
        reasons.append("pipes cut into sections")
    for name in ("junction", "pipe"):
        if not net[name]["in_service"].astype(bool).all():
            reasons.append(f"{name}s out of service")
    return reasons


def fluid_tables(net: Any, reasons: list[str]) -> Fluid | None:
    """Return the property tables of the fluid; adds to `reasons` and returns None without them."""
    tables: list[FloatArray] = []
    for name in ("density", "viscosity", "heat_capacity"):
        prop = net.fluid.all_properties[name]
        getter = getattr(prop, "prop_getter", None)
        if getter is not None and hasattr(getter, "x") and not getattr(prop, "allow_2d", False):
            tables += [np.array(getter.x, dtype=float), np.array(getter.y, dtype=float)]
        elif hasattr(prop, "value") and np.ndim(prop.value) == 0:
            tables += [np.array([0.0, 1.0]), np.full(2, float(prop.value))]
        else:
            reasons.append(f"{name} of the fluid is not a table over temperature")
            return None
    return Fluid(*tables)


def _breadth_first(
    pipe_ends: IntArray, roots: Sequence[int] | IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Number the junctions reached from the supply root, then those from the return root.

    Returns:
        Junction position, parent (in the new numbers, -1 at roots) and pipe to the parent.
    """
    around: dict[int, list[tuple[int, int]]] = {}
    for k, (a, b) in enumerate(pipe_ends.T.tolist()):
        around.setdefault(a, []).append((k, b))
        around.setdefault(b, []).append((k, a))
    nodes: list[int] = []
    parent: list[int] = []
    edges: list[int] = []
    seen: set[int] = set()
    for root in roots:
        if int(root) in seen:
            continue
        first = len(nodes)
        seen.add(int(root))
        nodes.append(int(root))
        parent.append(-1)
        edges.append(-1)
        rank = first
        while rank < len(nodes):
            for pipe, other in around.get(nodes[rank], []):
                if other not in seen:
                    seen.add(other)
                    nodes.append(other)
                    parent.append(rank)
                    edges.append(pipe)
            rank += 1
    return (
        np.array(nodes, dtype=np.int64),
        np.array(parent, dtype=np.int64),
        np.array(edges, dtype=np.int64),
    )


def _not_a_forest(
    net: Any, ends: Mapping[str, IntArray], nodes: IntArray, parent: IntArray
) -> list[str]:
    roots = np.flatnonzero(parent < 0)
    if len(roots) != 2:
        return ["supply and return line are joined by pipes"]
    if len(nodes) < len(net.junction):
        return [f"{len(net.junction) - len(nodes)} junctions that no pipe joins to the pump"]
    loops = len(net.pipe) - (len(nodes) - 2)
    if loops:
        return [f"{loops} loops in the pipes"]
    on_supply = np.zeros(len(net.junction), dtype=bool)
    on_supply[nodes[: roots[1]]] = True
    a, b = ends["heat_consumer"]
    wrong = ~on_supply[a] | on_supply[b]
    if wrong.any():
        ids = net.heat_consumer.index[wrong].tolist()
        return [f"heat consumers that do not lead from supply to return ({ids[:5]})"]
    return []


def _forest(
    net: Any,
    ends: Mapping[str, IntArray],
    nodes: IntArray,
    parent: IntArray,
    edges: IntArray,
    ambient_bar: FloatArray,
) -> Forest:
    """Return supply and return tree as arrays over places, each with the pipe above it."""
    pipe = net.pipe
    rank = np.empty(len(nodes), dtype=np.int64)
    rank[nodes] = np.arange(len(nodes))

    def column(values: FloatArray) -> FloatArray:
        """Return values per pipe in the order of places."""
        return np.ascontiguousarray(values[edges])  # the roots' entries are never read

    inner_m = pipe["inner_diameter_mm"].to_numpy(dtype=float) / 1e3
    outer_m = inner_m
    if "outer_diameter_mm" in pipe:
        outer_m = pipe["outer_diameter_mm"].to_numpy(dtype=float) / 1e3
        outer_m = np.where(np.isnan(outer_m), inner_m, outer_m)
    length_m = pipe["length_km"].to_numpy(dtype=float) * 1e3
    conductance = pipe["u_w_per_m2k"].to_numpy(dtype=float) * np.pi * outer_m * length_m
    starts = rank[ends["pipe"][0]][edges]
    return Forest(
        parent=parent,
        n_supply=int(np.flatnonzero(parent < 0)[1]),
        forward=np.where(starts == parent, 1.0, -1.0),
        conductance_w_per_k=column(conductance),
        text_k=column(pipe["text_k"].to_numpy(dtype=float)),
        length_m=column(length_m),
        diameter_m=column(inner_m),
        roughness_m=column(pipe["k_mm"].to_numpy(dtype=float) / 1e3),
        loss_coefficient=column(pipe["loss_coefficient"].to_numpy(dtype=float)),
        height_m=np.ascontiguousarray(net.junction["height_m"].to_numpy(dtype=float)[nodes]),
        ambient_bar=np.ascontiguousarray(ambient_bar[nodes]),
        supply=np.ascontiguousarray(rank[ends["heat_consumer"][0]]),
        back=np.ascontiguousarray(rank[ends["heat_consumer"][1]]),
    )
