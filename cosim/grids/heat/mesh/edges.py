"""Collect the edges of a pandapipes network, table by table, as rows of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from cosim.grids.imports import engine
from cosim.records.time import FloatArray, IntArray

PLANT_TYPE, PRODUCER_TYPE = "pt", "t"
NO_DIAMETER_M = 1.0
"""Stands for the diameter of edges whose pressure does not depend on one."""
VALVE_ROUGHNESS_M = 1.0e-3
EMPTY = {
    "conductance_w_per_k": 0.0,
    "text_k": 0.0,
    "length_m": 0.0,
    "diameter_m": NO_DIAMETER_M,
    "roughness_m": VALVE_ROUGHNESS_M,
    "loss_coefficient": 0.0,
    "lift_bar": 0.0,
    "curve": -1.0,
    "hot_k": np.nan,
    "q_w": 0.0,
    "given_kg_per_s": np.nan,
    "held_bar": np.nan,
}
Row = dict[str, float]


@dataclass(slots=True)
class Edges:
    """Edges while they are being collected; junctions come first among the nodes.

    Attributes:
        height_m: of every node, junctions and the joints of pipe sections.
        ambient_bar: air pressure there.
        start: node that each edge begins at.
        end: node that it ends at.
        table: constants of each edge.
        law: edges with a law of pressure; they come first.
        first: table -> first edge of each element, -1 where it is out of use.
        sections: edges of each pipe.
        plant: position of the plant among circ_pump_pressure.
        curves: of booster pumps.
    """

    height_m: FloatArray
    ambient_bar: FloatArray
    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    table: list[Row] = field(default_factory=list)
    law: int = 0
    first: dict[str, IntArray] = field(default_factory=dict)
    sections: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    plant: int = 0
    curves: FloatArray = field(default_factory=lambda: np.zeros((1, 1)))

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.height_m)

    def add(self, start: int, end: int, **constants: float) -> int:
        """Append an edge and return its position."""
        self.start.append(start)
        self.end.append(end)
        self.table.append({**EMPTY, **constants})
        return len(self.start) - 1

    def within(self, reached: np.ndarray, reasons: list[str]) -> Edges:
        """Return the edges between nodes that the plant reaches."""
        kept = [e for e in range(len(self.start)) if self._inside(e, reached, reasons)]
        place = np.full(len(self.start), -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        return Edges(
            height_m=self.height_m,
            ambient_bar=self.ambient_bar,
            start=[self.start[e] for e in kept],
            end=[self.end[e] for e in kept],
            table=[self.table[e] for e in kept],
            law=sum(1 for e in kept if e < self.law),
            first={t: np.where(e >= 0, place[e], -1) for t, e in self.first.items()},
            sections=np.where(place[self.first["pipe"]] >= 0, self.sections, 0),
            plant=self.plant,
            curves=self.curves,
        )

    def _inside(self, e: int, reached: np.ndarray, reasons: list[str]) -> bool:
        ends = (bool(reached[self.start[e]]), bool(reached[self.end[e]]))
        if any(ends) and not np.isnan(self.table[e]["hot_k"]) and not all(ends):
            reasons.append("1 circ_pump_mass is the only way into a part of the network")
        return all(ends)


def collect_edges(net: Any, ambient_bar: FloatArray, reasons: list[str]) -> Edges:
    """Return the edges in use; what is not known is added to `reasons`."""
    edges = Edges(net.junction["height_m"].to_numpy(dtype=float), ambient_bar)
    used = net.junction["in_service"].to_numpy(dtype=bool)
    where = pd.Index(net.junction.index)

    def rows(table: str, ends: tuple[str, str], active: str) -> Iterator[tuple[int, int, int, Any]]:
        """Yield position, both nodes and the row of every element in use."""
        edges.first[table] = np.full(len(net[table]) if table in net else 0, -1, dtype=np.int64)
        if table in net:
            a, b = (where.get_indexer(net[table][name].to_numpy(dtype=np.int64)) for name in ends)
            for k, row in enumerate(net[table].itertuples(index=False)):
                if bool(getattr(row, active)) and used[a[k]] and used[b[k]]:
                    yield k, int(a[k]), int(b[k]), row

    _add_pipes(net, edges, rows)
    _add_fittings(net, edges, rows, reasons)
    _add_pumps(net, edges, rows, reasons)
    edges.law = len(edges.start)
    for k, a, b, row in rows("flow_control", ("from_junction", "to_junction"), "in_service"):
        if not row.control_active:
            reasons.append("1 flow_control that is not active")
        flow = float(row.controlled_mdot_kg_per_s)
        edges.first["flow_control"][k] = edges.add(a, b, given_kg_per_s=flow)
    for k, a, b, row in rows("circ_pump_mass", ("return_junction", "flow_junction"), "in_service"):
        if row.type != PRODUCER_TYPE:
            reasons.append(f"1 circ_pump_mass of type {row.type}")
        edges.first["circ_pump_mass"][k] = edges.add(
            a, b, given_kg_per_s=float(row.mdot_flow_kg_per_s), hot_k=float(row.t_flow_k)
        )
    return edges


Rows = Callable[[str, tuple[str, str], str], Iterator[tuple[int, int, int, Any]]]


def _add_pipes(net: Any, edges: Edges, rows: Rows) -> None:
    """Add pipes, cut into their sections; lumped losses count in every section."""
    pressure = engine("pandapipes.component_models.component_toolbox").p_correction_height_air
    edges.sections = np.zeros(len(net.pipe), dtype=np.int64)
    heights, air = [edges.height_m], [edges.ambient_bar]
    nodes = edges.nodes
    for k, a, b, row in rows("pipe", ("from_junction", "to_junction"), "in_service"):
        parts = int(row.sections)
        inner_m = float(row.inner_diameter_mm) / 1e3
        outer_m = float(getattr(row, "outer_diameter_mm", np.nan)) / 1e3
        outer_m = inner_m if np.isnan(outer_m) else outer_m
        length_m = float(row.length_km) * 1e3 / parts
        between = np.linspace(edges.height_m[a], edges.height_m[b], parts + 1)[1:-1]
        heights.append(between)
        air.append(pressure(between))
        chain = [a, *range(nodes, nodes + parts - 1), b]
        nodes += parts - 1
        edges.first["pipe"][k] = len(edges.start)
        edges.sections[k] = parts
        for one, two in pairwise(chain):
            edges.add(
                one,
                two,
                conductance_w_per_k=float(row.u_w_per_m2k) * np.pi * outer_m * length_m,
                text_k=float(row.text_k),
                length_m=length_m,
                diameter_m=inner_m,
                roughness_m=float(row.k_mm) / 1e3,
                loss_coefficient=float(row.loss_coefficient),
            )
    edges.height_m, edges.ambient_bar = np.concatenate(heights), np.concatenate(air)


def _add_fittings(net: Any, edges: Edges, rows: Rows, reasons: list[str]) -> None:
    """Add valves, heat exchangers and pressure controls."""
    at_pipes = int((net.valve["et"] != "ju").sum()) if "valve" in net and len(net.valve) else 0
    if at_pipes:
        reasons.append(f"{at_pipes} valve at the end of a pipe")
        edges.first["valve"] = np.full(len(net.valve), -1, dtype=np.int64)
    else:
        for k, a, b, row in rows("valve", ("junction", "element"), "opened"):
            edges.first["valve"][k] = edges.add(
                a,
                b,
                diameter_m=float(row.inner_diameter_mm) / 1e3,
                loss_coefficient=float(row.loss_coefficient),
            )
    for k, a, b, row in rows("heat_exchanger", ("from_junction", "to_junction"), "in_service"):
        edges.first["heat_exchanger"][k] = edges.add(
            a,
            b,
            diameter_m=float(row.inner_diameter_mm) / 1e3,
            loss_coefficient=float(row.loss_coefficient),
            q_w=float(row.qext_w),
        )
    for k, a, b, row in rows("press_control", ("from_junction", "to_junction"), "in_service"):
        if not row.control_active or row.controlled_junction != row.to_junction:
            reasons.append("1 press_control that does not keep the pressure at its own outlet")
        edges.first["press_control"][k] = edges.add(a, b, held_bar=float(row.controlled_p_bar))


def _add_pumps(net: Any, edges: Edges, rows: Rows, reasons: list[str]) -> None:
    """Add pumps that lift pressure: the plant, further producers, booster pumps."""
    kinds = net.circ_pump_pressure["type"].tolist()
    in_use = net.circ_pump_pressure["in_service"].to_numpy(dtype=bool)
    edges.plant = next(k for k, t in enumerate(kinds) if t == PLANT_TYPE and in_use[k])
    for k, a, b, row in rows(
        "circ_pump_pressure", ("return_junction", "flow_junction"), "in_service"
    ):
        if k != edges.plant and row.type != PRODUCER_TYPE:
            reasons.append(f"1 circ_pump_pressure of type {row.type} beside the plant")
        edges.first["circ_pump_pressure"][k] = edges.add(
            a, b, lift_bar=float(row.plift_bar), hot_k=float(row.t_flow_k)
        )
    curves: list[FloatArray] = []
    for k, a, b, row in rows("pump", ("from_junction", "to_junction"), "in_service"):
        curve = np.array(net.std_types["pump"][row.std_type].reg_par, dtype=float)
        edges.first["pump"][k] = edges.add(a, b, curve=float(len(curves)))
        curves.append(curve)
    if curves:
        width = max(len(curve) for curve in curves)
        edges.curves = np.stack([np.pad(curve, (width - len(curve), 0)) for curve in curves])
