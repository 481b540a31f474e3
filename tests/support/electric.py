"""Electric networks for tests, and plain pandapower to hold the adapter against.

Everything here uses pandapower directly; nothing of cosim's kernels.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as pn
import pandas as pd

from cosim.grids.electric import ElectricGrid
from cosim.records import (
    Background,
    ElementSeries,
    Injections,
    NetworkInputs,
    Point,
    Terminal,
    TimeAxis,
    read_only,
)
from cosim.scenario.networks import ElectricNetwork

TIGHT_MVA = 1e-10
STEPS = 6


@cache
def _case33() -> Any:
    return pn.case33bw()


@cache
def _oberrhein() -> Any:
    return pn.mv_oberrhein()


@cache
def _cigre_lv() -> Any:
    return pn.create_cigre_network_lv()


def ieee33(closed_ties: bool = False) -> Any:
    """Baran and Wu's 33-bus feeder, with its five tie lines open or closed."""
    net = copy.deepcopy(_case33())
    if closed_ties:
        net.line["in_service"] = True
    return net


def village() -> Any:
    """20/0.4 kV with a little of everything that pandapower puts into its admittance matrix.

    Two transformers (tap positions, one with phase shift and two in parallel, derating), a ring
    with an open line end, bus couplers with and without impedance, parallel and derated lines, a
    capacitor, a ward, a storage, two external grids on one bus and one elsewhere.
    """
    net = pp.create_empty_network(sn_mva=0.5)
    mv = pp.create_buses(net, 3, 20.0)
    lv = pp.create_buses(net, 9, 0.4)
    pp.create_ext_grid(net, mv[0], vm_pu=1.01)
    pp.create_ext_grid(net, mv[0], vm_pu=1.01)
    pp.create_ext_grid(net, lv[8], vm_pu=1.0, va_degree=-150.0)
    pp.create_line(net, mv[0], mv[1], 2.0, "NA2XS2Y 1x95 RM/25 12/20 kV")
    pp.create_line(net, mv[1], mv[2], 3.0, "NA2XS2Y 1x95 RM/25 12/20 kV")
    pp.create_transformer(net, mv[1], lv[0], "0.4 MVA 20/0.4 kV", tap_pos=-2, parallel=2)
    pp.create_transformer(net, mv[2], lv[5], "0.25 MVA 20/0.4 kV", tap_pos=1, df=0.8)
    net.trafo["shift_degree"] = 150.0
    for k, (a, b) in enumerate([(0, 1), (1, 2), (2, 3), (3, 0), (5, 6), (6, 7), (7, 8)]):
        pp.create_line(
            net, lv[a], lv[b], 0.12 + 0.02 * k, "NAYY 4x150 SE", df=0.9, parallel=1 + k % 2
        )
    pp.create_line(net, lv[2], lv[6], 0.1, "NAYY 4x150 SE")
    pp.create_switch(net, lv[2], 9, "l", closed=False)
    pp.create_switch(net, lv[3], lv[4], "b", closed=True)
    pp.create_switch(net, lv[4], lv[7], "b", closed=True, z_ohm=0.05)
    pp.create_shunt(net, lv[2], q_mvar=-0.02, p_mw=0.001)
    pp.create_ward(net, lv[6], 0.004, 0.001, 0.002, -0.001)
    pp.create_storage(net, lv[1], -0.005, 0.1)
    for bus, p_mw in ((lv[1], 0.02), (lv[2], 0.03), (lv[4], 0.025), (lv[6], 0.01), (lv[0], 0.01)):
        pp.create_load(net, bus, p_mw, 0.3 * p_mw)
    pp.create_sgen(net, lv[7], 0.015, 0.0)
    return net


def three_windings() -> Any:
    """110/20/10 kV substation with a load on each lower side."""
    net = pp.create_empty_network()
    buses = [pp.create_bus(net, kv) for kv in (110.0, 20.0, 10.0, 20.0)]
    pp.create_ext_grid(net, buses[0], vm_pu=1.02)
    pp.create_transformer3w(net, *buses[:3], "63/25/38 MVA 110/20/10 kV", tap_pos=2)
    pp.create_line(net, buses[1], buses[3], 4.0, "NA2XS2Y 1x240 RM/25 12/20 kV")
    pp.create_load(net, buses[3], 5.0, 1.0)
    pp.create_load(net, buses[2], 12.0, 3.0)
    return net


def oberrhein() -> Any:
    """A 20 kV network of 179 buses with two substations, open rings and feed-in."""
    return copy.deepcopy(_oberrhein())


def cigre_lv() -> Any:
    """CIGRE low-voltage benchmark: three feeders behind switches."""
    return copy.deepcopy(_cigre_lv())


def two_buses(r_ohm: float = 0.1, x_ohm: float = 0.05) -> Any:
    """A 0.4 kV line between an external grid and one customer, no capacitance."""
    net = pp.create_empty_network()
    a, b = pp.create_bus(net, 0.4), pp.create_bus(net, 0.4)
    pp.create_ext_grid(net, a)
    pp.create_line_from_parameters(net, a, b, 1.0, r_ohm, x_ohm, 0.0, 0.3)
    return net


NETWORKS: Mapping[str, Any] = {
    "ieee33": ieee33,
    "ieee33 meshed": lambda: ieee33(closed_ties=True),
    "village": village,
    "three windings": three_windings,
    "oberrhein": oberrhein,
    "cigre lv": cigre_lv,
}


def axis(steps: int = STEPS) -> TimeAxis:
    """Quarter-hours of a winter day."""
    return TimeAxis(pd.date_range("2016-01-19", periods=steps, freq="15min", tz="UTC"), 0.25)


def customers(net: Any, shape: np.ndarray) -> Background:
    """Every load and sgen of the file as background, its nominal power times `shape` (T,)."""
    series = []
    for table, sign in (("load", -1e3), ("sgen", 1e3)):
        rows = net[table]
        if len(rows):
            scale = rows["scaling"] * rows["in_service"] * sign
            p_kw = shape[:, None] * (rows["p_mw"] * scale).to_numpy()[None, :]
            q_kvar = shape[:, None] * (rows["q_mvar"] * scale).to_numpy()[None, :]
            ids = read_only(rows.index, np.int64)
            series.append(ElementSeries(table, ids, read_only(p_kw), read_only(q_kvar)))
    return Background(tuple(series))


def build(
    net: Any,
    folder: Path,
    terminals: Mapping[str, Mapping[int, float]],
    shape: np.ndarray | None = None,
    steps: int = STEPS,
    **settings: Any,
) -> ElectricGrid:
    """Return the adapter for a network; without `shape` nobody but the terminals is connected."""
    file = folder / "electric.json"
    pp.to_json(net, str(file))
    inputs = NetworkInputs(
        name="electric",
        kind="electric",
        file=file,
        time=axis(steps),
        terminals=tuple(
            Terminal(name, tuple(Point(int(bus), share) for bus, share in points.items()))
            for name, points in terminals.items()
        ),
        background=Background() if shape is None else customers(net, shape),
        settings=ElectricNetwork(kind="electric", file="electric.json", **settings),
    )
    return ElectricGrid(inputs)


def injections(
    grid: ElectricGrid, p_kw: Any, q_kvar: Any = 0.0, steps: list[int] | None = None
) -> Injections:
    """Return injections for all steps or some; values broadcast to (T, n)."""
    rows = list(range(len(grid.inputs.time))) if steps is None else steps
    shape = (len(rows), len(grid.inputs.terminals))
    return Injections(
        grid=grid.inputs.name,
        steps=read_only(rows, np.int64),
        terminals=tuple(t.name for t in grid.inputs.terminals),
        p_kw=read_only(np.broadcast_to(np.asarray(p_kw, dtype=float), shape)),
        q_kvar=read_only(np.broadcast_to(np.asarray(q_kvar, dtype=float), shape)),
    )


def spread(net: Any, count: int = 4) -> dict[str, dict[int, float]]:
    """Terminals on buses spread over the network; the first one has two points."""
    buses = [int(b) for b in net.bus.index[np.linspace(2, len(net.bus) - 1, count + 1, dtype=int)]]
    return {"a": {buses[0]: 0.3, buses[1]: 0.7}} | {f"t{b}": {b: 1.0} for b in buses[2:]}


class Plain:
    """pandapower alone: the file's network, its customers scaled, terminals added as loads.

    The adapter uses sgens for terminals, so nothing is shared with it.
    """

    def __init__(self, net: Any, grid: ElectricGrid, shape: np.ndarray | None = None) -> None:
        self._shape = shape
        self._own = copy.deepcopy(net)
        self._nominal = {
            table: self._own[table][["p_mw", "q_mvar"]].to_numpy(copy=True)
            for table in ("load", "sgen", "storage")
        }
        self._points = [
            (k, point.share, point.id)
            for k, terminal in enumerate(grid.inputs.terminals)
            for point in terminal.points
        ]
        zeros = np.zeros(len(self._points))
        buses = [bus for _, _, bus in self._points]
        pp.create_loads(self._own, buses, p_mw=zeros, q_mvar=zeros)

    def solve(self, entry: Injections, step: int) -> Any:
        """Return the solved network of one step; the next call changes it."""
        own, row = self._own, int(np.flatnonzero(entry.steps == step)[0])
        for table, nominal in self._nominal.items():
            off = self._shape is None or table == "storage"
            factor = 0.0 if off else float(self._shape[step])
            values = nominal * factor
            if table == "load":
                mine = [
                    (-share * entry.p_kw[row, k] / 1e3, -share * entry.q_kvar[row, k] / 1e3)
                    for k, share, _ in self._points
                ]
                values = np.vstack([values, np.reshape(mine, (-1, 2))])
            if len(own[table]):
                own[table]["p_mw"], own[table]["q_mvar"] = values.T
        pp.runpp(own, tolerance_mva=TIGHT_MVA, max_iteration=50)
        return own


def plain(
    net: Any, grid: ElectricGrid, entry: Injections, step: int, shape: np.ndarray | None
) -> Any:
    """Solve one step with pandapower alone."""
    return Plain(net, grid, shape).solve(entry, step)
