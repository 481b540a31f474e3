"""Nodes and branches of a gas network after cutting pipes into their sections.

Nodes are the junctions in table order, then the inner nodes of cut pipes, then one node for every
junction and pipe that valves stand between. Branches are pipe sections, open valves, compressors,
pressure controls and flow controls that do not control.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cosim.grids.gas.coverage import in_service
from cosim.grids.imports import engine
from cosim.records.time import FloatArray, IntArray
from cosim.units import M_PER_KM, MM_PER_M

STUB_DIAMETER_M = 0.1
"""pandapipes gives this to branches that have no diameter of their own; they have no length."""
STUB_ROUGHNESS_M = 1e-3
"""The same for roughness, valves included."""
EMPTY: IntArray = np.zeros(0, dtype=np.int64)


class Sections:
    """The nodes, and which of them every pipe leads through.

    Attributes:
        position: junction index -> node.
        heights_m: shape (n,).
        kelvin: temperature of the gas where it starts into a branch, shape (n,).
        outlet_kelvin: temperature at the end of a branch by junction, shape (j,).
        ambient_bar: air pressure, shape (n,).
        active: node in service, shape (n,).
        count: sections of every pipe, shape (p,).
        pipe_first: first branch of every pipe, -1 where it is out of service.
        valve_node: node behind every valve, shape (v,).
    """

    def __init__(self, net: Any) -> None:
        toolbox = engine("pandapipes.component_models.component_toolbox")
        junction = net.junction
        self.position: IntArray = np.full(int(junction.index.max()) + 1, -1, dtype=np.int64)
        self.position[junction.index.to_numpy()] = np.arange(len(junction))
        self.count: IntArray = net.pipe["sections"].to_numpy(dtype=np.int64)
        self._heights = [junction["height_m"].to_numpy(dtype=float)]
        self._kelvin = [_temperatures(net)]
        self._active = [junction["in_service"].to_numpy(dtype=bool)]
        self.outlet_kelvin = junction["tfluid_k"].to_numpy(dtype=float)
        start, end = (self.at(net.pipe[c]) for c in ("from_junction", "to_junction"))
        inner = np.where(net.pipe["in_service"].to_numpy(dtype=bool), self.count - 1, 0)
        valve_at = self._valve_nodes(net, len(junction) + int(inner.sum()), start, end)
        self.pipe_first: IntArray = np.full(len(net.pipe), -1, dtype=np.int64)
        self.from_node: list[int] = []
        self.to_node: list[int] = []
        self.pipe_row: list[int] = []
        self._cut(net, start, end, valve_at)
        self.heights_m = np.concatenate(self._heights)
        self.kelvin = np.concatenate(self._kelvin)
        self.active = np.concatenate(self._active)
        self.ambient_bar: FloatArray = toolbox.p_correction_height_air(self.heights_m)

    def at(self, junctions: Any) -> IntArray:
        """Return the nodes of junctions."""
        where: IntArray = self.position[np.asarray(junctions, dtype=np.int64)]
        return where

    def _cut(self, net: Any, start: IntArray, end: IntArray, valve_at: tuple[Any, ...]) -> None:
        """Lay every pipe in service as a chain of nodes."""
        node = len(net.junction)
        heights, kelvin = self._heights[0], self.outlet_kelvin
        first, last, extra = valve_at
        inner_heights: list[FloatArray] = []
        inner_kelvin: list[FloatArray] = []
        for k in np.flatnonzero(net.pipe["in_service"].to_numpy(dtype=bool)):
            inner = int(self.count[k]) - 1
            chain = [int(first[k]), *range(node, node + inner), int(last[k])]
            self.pipe_first[k] = len(self.from_node)
            self.from_node += chain[:-1]
            self.to_node += chain[1:]
            self.pipe_row += [int(k)] * (inner + 1)
            share = np.arange(1, inner + 1) / (inner + 1)
            for values, parts in ((heights, inner_heights), (kelvin, inner_kelvin)):
                parts.append(values[start[k]] + share * (values[end[k]] - values[start[k]]))
            node += inner
        self._heights += [*inner_heights, heights[extra]]
        self._kelvin += [*inner_kelvin, kelvin[extra]]
        self._active += [np.ones(node - len(net.junction), bool), self._active[0][extra]]

    def _valve_nodes(
        self, net: Any, node: int, start: IntArray, end: IntArray
    ) -> tuple[IntArray, IntArray, IntArray]:
        """Return first and last node of every pipe, and the junction node of every added node.

        Valves between the same junction and pipe are parallel and share the node behind them.
        """
        first, last = start.copy(), end.copy()
        self.valve_node: IntArray = EMPTY
        if "valve" not in net or not len(net.valve):
            return first, last, EMPTY
        valve = net.valve
        at_pipe = (valve["et"] == "pi").to_numpy()
        element = valve["element"].to_numpy(dtype=np.int64)
        self.valve_node = np.where(at_pipe, -1, 0)
        self.valve_node[~at_pipe] = self.at(element[~at_pipe])
        known: dict[tuple[int, int], int] = {}
        extra: list[int] = []
        for row in np.flatnonzero(at_pipe):
            pipe = int(net.pipe.index.get_loc(int(element[row])))
            here = int(self.position[int(valve["junction"].iloc[row])])
            if (here, pipe) not in known:
                known[here, pipe] = node + len(extra)
                extra.append(here)
                side = first if start[pipe] == here else last
                side[pipe] = known[here, pipe]
            self.valve_node[row] = known[here, pipe]
        return first, last, np.asarray(extra, dtype=np.int64)


def _temperatures(net: Any) -> FloatArray:
    """Return junction temperatures in K; an external grid of type pt sets that of its own."""
    kelvin = net.junction["tfluid_k"].astype(float).copy()
    grids = net.ext_grid[net.ext_grid["in_service"] & net.ext_grid["type"].isin(["t", "pt"])]
    for junction, rows in grids.groupby("junction"):
        kelvin.loc[junction] = rows["t_k"].mean()
    return np.asarray(kelvin, dtype=np.float64)


def branch_columns(net: Any, sections: Sections) -> dict[str, FloatArray]:
    """Return one row per branch: pipe sections, then everything without length."""
    parts = [_pipes(net, sections), _valves(net, sections)]
    parts += [_stubs(net, sections, table) for table in ("compressor", "press_control")]
    parts.append(_stubs(net, sections, "flow_control"))
    kept = [part for part in parts if part]
    return {name: np.concatenate([part[name] for part in kept]) for name in parts[0]}


def _pipes(net: Any, sections: Sections) -> dict[str, FloatArray]:
    row = np.asarray(sections.pipe_row, dtype=np.int64)
    pipe = net.pipe
    return {
        "from_node": np.asarray(sections.from_node, dtype=float),
        "to_node": np.asarray(sections.to_node, dtype=float),
        "diameter_m": pipe["inner_diameter_mm"].to_numpy(dtype=float)[row] / MM_PER_M,
        "length_m": pipe["length_km"].to_numpy(dtype=float)[row] * M_PER_KM / sections.count[row],
        "roughness_m": pipe["k_mm"].to_numpy(dtype=float)[row] / MM_PER_M,
        "loss_coefficient": pipe["loss_coefficient"].to_numpy(dtype=float)[row],
        "outlet_k": sections.outlet_kelvin[sections.at(pipe["to_junction"])[row]],
        "ratio": np.ones(row.size),
        "target_bar": np.full(row.size, np.nan),
    }


def _valves(net: Any, sections: Sections) -> dict[str, FloatArray]:
    if "valve" not in net or not net.valve["opened"].any():
        return {}
    opened = net.valve["opened"].to_numpy(dtype=bool)
    valve, end = net.valve[opened], sections.valve_node[opened]
    start = sections.at(valve["junction"])
    junction = np.where((valve["et"] == "pi").to_numpy(), start, end)
    return {
        **_no_length(start, end, sections.outlet_kelvin[junction]),
        "diameter_m": valve["inner_diameter_mm"].to_numpy(dtype=float) / MM_PER_M,
        "loss_coefficient": valve["loss_coefficient"].to_numpy(dtype=float),
    }


def _stubs(net: Any, sections: Sections, table: str) -> dict[str, FloatArray]:
    """Return compressors, pressure controls, or flow controls that let everything pass."""
    rows = in_service(net, table)
    if table == "flow_control" and len(rows):
        rows = rows[~rows["control_active"].astype(bool)]
    if rows.empty:
        return {}
    start, end = sections.at(rows["from_junction"]), sections.at(rows["to_junction"])
    columns = _no_length(start, end, sections.outlet_kelvin[end])
    if table == "compressor":
        columns["ratio"] = rows["pressure_ratio"].to_numpy(dtype=float)
    if table == "press_control":
        gauge = rows["controlled_p_bar"].to_numpy(dtype=float)
        columns["target_bar"] = gauge + sections.ambient_bar[end]
    return columns


def _no_length(start: IntArray, end: IntArray, outlet_k: FloatArray) -> dict[str, FloatArray]:
    count = start.size
    return {
        "from_node": start.astype(float),
        "to_node": end.astype(float),
        "diameter_m": np.full(count, STUB_DIAMETER_M),
        "length_m": np.zeros(count),
        "roughness_m": np.full(count, STUB_ROUGHNESS_M),
        "loss_coefficient": np.zeros(count),
        "outlet_k": outlet_k,
        "ratio": np.ones(count),
        "target_bar": np.full(count, np.nan),
    }
