"""Read a pandapipes network of any shape into the arrays of the mesh equations.

Known: pipes (also cut into sections), valves between junctions, heat exchangers, flow controls,
booster pumps with a curve, one plant (`circ_pump_pressure` of type pt), further producers
(`circ_pump_pressure` and `circ_pump_mass` of type t), pressure controls that keep the pressure at
their own outlet and lie on no loop, elements out of service, parts cut off by closed valves. What
is not known is listed in `reasons`, with table and count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cosim.grids.heat.bypass import Bypasses
from cosim.grids.heat.forest import Fluid
from cosim.grids.heat.mesh.arrays import Mesh
from cosim.grids.heat.mesh.edges import Edges, collect_edges
from cosim.grids.heat.mesh.topology import SpanningTree, find_loops, neighbours, spanning_tree
from cosim.grids.heat.tree import fluid_tables
from cosim.records import read_only
from cosim.records.time import FloatArray, IntArray
from cosim.units import ZERO_CELSIUS_K

FOREIGN_TABLES = ("ext_grid", "sink", "source", "mass_storage", "compressor")
NORMAL_K = ZERO_CELSIUS_K
"""Temperature at which pandapipes takes the density for a pump's curve."""


@dataclass(frozen=True, slots=True)
class MeshNet:
    """What the mesh equations work on, or why they cannot.

    Attributes:
        mesh: arrays, None where the network is not covered.
        fluid: property tables, None likewise.
        reached: junctions that open pipes join to the plant, shape (j,).
        inner: node of each junction, -1 where not reached, shape (j,).
        consumers: positions of the consumers that are joined at both ends.
        edges: table -> first edge of each element, -1 where it is out of use.
        sections: edges of each pipe, 0 where it is out of use.
        chords: table and position of the element that each chord belongs to.
        reasons: why there is no mesh.
    """

    mesh: Mesh | None
    fluid: Fluid | None
    reached: np.ndarray
    inner: IntArray
    consumers: IntArray
    edges: Mapping[str, IntArray]
    sections: IntArray
    chords: tuple[tuple[str, int], ...]
    reasons: tuple[str, ...]


def find_mesh(
    net: Any, ends: Mapping[str, IntArray], ambient_bar: FloatArray, bypasses: Bypasses
) -> MeshNet:
    """Return the network around its plant.

    Args:
        net: pandapipes network; the first circ_pump_pressure of type pt is the plant.
        ends: positions of both junctions of `heat_consumer` and `circ_pump_pressure`, shape (2, n).
        ambient_bar: air pressure at the junctions, shape (j,).
        bypasses: of the consumers.
    """
    reasons = [f"{len(net[t])} {t}" for t in FOREIGN_TABLES if t in net and len(net[t])]
    fluid = fluid_tables(net, reasons)
    edges = collect_edges(net, ambient_bar, reasons)
    root = int(ends["circ_pump_pressure"][1, edges.plant])
    law = edges.law
    tree = spanning_tree(edges.nodes, edges.start[:law], edges.end[:law], root)
    reached = tree.reached
    edges = edges.within(reached, reasons)
    tree = spanning_tree(edges.nodes, edges.start[: edges.law], edges.end[: edges.law], root)
    a, b = ends["heat_consumer"]
    joined = np.flatnonzero(reached[a] & reached[b] & net.heat_consumer["in_service"].to_numpy())
    inner = np.full(edges.nodes, -1, dtype=np.int64)
    inner[tree.order] = np.arange(len(tree.order))
    mesh = None
    if not reasons:
        mesh = _arrays(net, edges, tree, inner, (a[joined], b[joined]), bypasses.some(joined))
        reasons += _bad_controls(edges, mesh)
    return MeshNet(
        mesh=None if reasons else mesh,
        fluid=None if reasons else fluid,
        reached=read_only(reached[: len(net.junction)], bool),
        inner=read_only(inner[: len(net.junction)], np.int64),
        consumers=read_only(joined, np.int64),
        edges={name: read_only(first, np.int64) for name, first in edges.first.items()},
        sections=read_only(edges.sections, np.int64),
        chords=() if mesh is None else tuple(_owner(edges, int(e)) for e in mesh.chord),
        reasons=tuple(reasons),
    )


def _owner(edges: Edges, edge: int) -> tuple[str, int]:
    """Return table and position of the element that an edge belongs to."""
    for table, first in edges.first.items():
        parts = edges.sections if table == "pipe" else np.ones(len(first), dtype=np.int64)
        inside = np.flatnonzero((first >= 0) & (first <= edge) & (edge < first + parts))
        if len(inside):
            return table, int(inside[0])
    raise ValueError(f"edge {edge} belongs to no element")


def _bad_controls(edges: Edges, mesh: Mesh) -> list[str]:
    """Name pressure controls that are not simply on the way away from the plant."""
    on_loop = set(mesh.rows.tolist())
    held = np.flatnonzero(~np.isnan(mesh.held_bar))
    bad = [e for e in held if e in on_loop or mesh.up[mesh.end[e]] != e]
    return [f"{len(bad)} press_control in loops or against the flow"] if bad else []


def _bypass_edges(edges: Edges, bypasses: Bypasses) -> IntArray:
    """Return the edge of each consumer's bypass, -1 where it has none."""
    found = np.full(len(bypasses.place), -1, dtype=np.int64)
    has = bypasses.place >= 0
    found[has] = edges.first["flow_control"][bypasses.place[has]]
    return found


def _arrays(
    net: Any,
    edges: Edges,
    tree: SpanningTree,
    inner: IntArray,
    consumers: tuple[IntArray, IntArray],
    bypasses: Bypasses,
) -> Mesh:
    """Return the network as arrays: edges by number, places in the order of the tree."""
    start, end = inner[np.array(edges.start)], inner[np.array(edges.end)]
    own = spanning_tree(len(tree.order), start[: edges.law], end[: edges.law], 0)
    loops = find_loops(own, start[: edges.law].tolist(), end[: edges.law].tolist())
    near_ptr, near = neighbours(len(tree.order), start.tolist(), end.tolist())
    table = edges.table

    def column(name: str) -> FloatArray:
        return np.array([row[name] for row in table], dtype=np.float64)

    bypass, given = _bypass_edges(edges, bypasses), column("given_kg_per_s")
    given[bypass[bypass >= 0]] = np.nan
    nodes = np.array(tree.order)
    return Mesh(
        n_law=edges.law,
        start=start,
        end=end,
        conductance_w_per_k=column("conductance_w_per_k"),
        text_k=column("text_k"),
        length_m=column("length_m"),
        diameter_m=column("diameter_m"),
        roughness_m=column("roughness_m"),
        loss_coefficient=column("loss_coefficient"),
        lift_bar=column("lift_bar"),
        curve=column("curve").astype(np.int64),
        hot_k=column("hot_k"),
        q_w=column("q_w"),
        given_kg_per_s=given,
        held_bar=column("held_bar"),
        curves=edges.curves,
        rho_normal=float(net.fluid.get_density(NORMAL_K)),
        height_m=np.ascontiguousarray(edges.height_m[nodes]),
        ambient_bar=np.ascontiguousarray(edges.ambient_bar[nodes]),
        order=np.array(own.order, dtype=np.int64),
        parent=own.parent,
        up=own.up,
        chord=loops.chord,
        loop_ptr=loops.loop_ptr,
        loop_edge=loops.loop_edge,
        loop_sign=loops.loop_sign,
        rows=loops.rows,
        row_ptr=loops.row_ptr,
        row_loop=loops.row_loop,
        row_sign=loops.row_sign,
        near_ptr=near_ptr,
        near=near,
        supply=np.ascontiguousarray(inner[consumers[0]]),
        back=np.ascontiguousarray(inner[consumers[1]]),
        bypass=bypass,
        least_kg_per_s=bypasses.least_kg_per_s,
    )
