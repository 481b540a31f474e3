"""pandapower's own network equations as plain arrays, so that fast kernels are exact with it.

Switches, taps, fused buses, shunts and open line ends are already inside the admittance matrix
that pandapower builds; nothing of that is rebuilt here. Complex powers and voltages are per unit
of `base_mva` and the node's rated voltage. A node is a row of pandapower's internal bus table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cosim.errors import GridError
from cosim.grids.electric.model import SIGN_OF_TABLE, ElectricModel, Setpoints, import_pandapower
from cosim.records import read_only
from cosim.records.time import FloatArray, IntArray

ComplexArray = npt.NDArray[np.complex128]
UNSUPPORTED_TABLES = ("gen", "dcline", "xward", "svc", "ssc", "tcsc", "vsc", "bus_dc", "b2b_vsc")


@dataclass(frozen=True, slots=True)
class Branches:
    """Elements of one table as branches of the network equations.

    Attributes:
        table: `line`, `trafo` or `trafo3w`.
        ids: elements that carry current, shape (n,).
        rows: rows of the branch arrays, shape (windings, n): one for lines and two-winding
            transformers, hv, mv and lv for three-winding ones.
        from_percent: loading in percent per per-unit current at the from side, shape (windings, n).
        to_percent: the same at the to side; zero where pandapower does not look.
    """

    table: str
    ids: IntArray
    rows: IntArray
    from_percent: FloatArray
    to_percent: FloatArray


@dataclass(frozen=True, slots=True)
class Slacks:
    """External grids in service: their node and their part of the node's power."""

    ids: IntArray
    node: IntArray
    p_part: FloatArray
    q_part: FloatArray


@dataclass(frozen=True, slots=True)
class ElectricArrays:
    """Network equations Y v = conj(s / v) and what is needed to read results from voltages.

    Attributes:
        admittance: Y, shape (n, n).
        slack: nodes of external grids, shape (r,).
        free: all other nodes, shape (m,).
        voltage: state without customers, shape (n,).
        constant_power: injection of everything but loads and sgens, shape (n,).
        base_mva: power base.
        base_kv: rated voltage, shape (n,).
        bus_ids: supplied buses, shape (b,).
        bus_node: their nodes, shape (b,).
        dead_buses: in service but not connected to any external grid.
        from_node, to_node: of every branch, shape (k,).
        y_ff, y_ft, y_tf, y_tt: branch admittances, shape (k,).
        branches: lines and transformers.
        slacks: external grids.
    """

    admittance: sp.csc_matrix
    slack: IntArray
    free: IntArray
    voltage: ComplexArray
    constant_power: ComplexArray
    base_mva: float
    base_kv: FloatArray
    bus_ids: IntArray
    bus_node: IntArray
    dead_buses: IntArray
    from_node: IntArray
    to_node: IntArray
    y_ff: ComplexArray
    y_ft: ComplexArray
    y_tf: ComplexArray
    y_tt: ComplexArray
    branches: tuple[Branches, ...]
    slacks: Slacks

    def node_of(self, buses: Sequence[int] | IntArray) -> IntArray:
        """Return the node of each bus, -1 where the bus is not supplied."""
        lookup = np.full(int(max(self.bus_ids.max(), np.max(buses, initial=0))) + 1, -1)
        lookup[self.bus_ids] = self.bus_node
        return np.asarray(lookup[np.asarray(buses, dtype=np.int64)], dtype=np.int64)


def unsupported(net: Any) -> tuple[str, ...]:
    """Return what is in a network that the batch equations do not cover, as `table: count`."""
    found = []
    for table in UNSUPPORTED_TABLES:
        if table not in net or not len(net[table]):
            continue
        frame = net[table]
        count = int(frame["in_service"].sum()) if "in_service" in frame else len(frame)
        if count:
            found.append(f"{table}: {count}")
    shares = [c for c in net.load.columns if c.startswith("const_")]
    if shares:
        dependent = net.load["in_service"].astype(bool) & (net.load[shares] != 0.0).any(axis=1)
        if dependent.any():
            found.append(f"voltage-dependent load: {int(dependent.sum())}")
    return tuple(found)


def read_arrays(model: ElectricModel) -> ElectricArrays:
    """Run pandapower once without customers and return its equations.

    Raises:
        GridError: if pandapower does not solve the network even without customers.
    """
    net = _solve_idle(model)
    internal = net._ppc["internal"]
    slack = np.asarray(internal["ref"], dtype=np.int64)
    count = internal["Ybus"].shape[0]
    bus_ids, bus_node, dead = _buses(net, count)
    y_from, y_to = internal["Yf"].tocsr(), internal["Yt"].tocsr()
    branch = np.real(internal["branch"][:, :2]).astype(np.int64)
    from_node, to_node = branch[:, 0], branch[:, 1]
    row = np.arange(branch.shape[0])
    bus = np.real(internal["bus"])
    arrays = ElectricArrays(
        admittance=internal["Ybus"].tocsc().astype(np.complex128),
        slack=slack,
        free=np.setdiff1d(np.arange(count), slack),
        voltage=_frozen(internal["V"]),
        constant_power=_frozen(-(bus[:, 2] + 1j * bus[:, 3]) / internal["baseMVA"]),
        base_mva=float(internal["baseMVA"]),
        base_kv=read_only(bus[:, 9]),
        bus_ids=bus_ids,
        bus_node=bus_node,
        dead_buses=dead,
        from_node=from_node,
        to_node=to_node,
        y_ff=_entries(y_from, row, from_node),
        y_ft=_entries(y_from, row, to_node, skip=from_node == to_node),
        y_tf=_entries(y_to, row, from_node, skip=from_node == to_node),
        y_tt=_entries(y_to, row, to_node),
        branches=(),
        slacks=_slacks(net, internal),
    )
    return _with_branches(arrays, net, internal)


def _solve_idle(model: ElectricModel) -> Any:
    pandapower = import_pandapower()
    net = model.fresh()
    for table in ("load", "sgen"):
        net[table][["p_mw", "q_mvar"]] = 0.0
    try:
        pandapower.runpp(net, **model.options)
    except Exception as error:  # pandapower raises many kinds for a network it cannot solve
        raise GridError(
            f"{model.inputs.file.name}: pandapower does not solve the network without customers "
            f"({type(error).__name__}: {error})",
            model.inputs.name,
        ) from error
    return net


def _frozen(values: npt.ArrayLike) -> ComplexArray:
    return read_only(values, np.complex128)


def _entries(
    matrix: Any, row: IntArray, column: IntArray, skip: npt.NDArray[np.bool_] | None = None
) -> ComplexArray:
    """Read one entry per row; `skip` where both ends are one node and the other entry has all."""
    values = np.asarray(matrix[row, column]).ravel()
    return _frozen(values if skip is None else np.where(skip, 0.0, values))


def _buses(net: Any, count: int) -> tuple[IntArray, IntArray, IntArray]:
    ids = net.bus.index.to_numpy(dtype=np.int64)
    node = np.asarray(net._pd2ppc_lookups["bus"])[ids].astype(np.int64)
    active = net.bus["in_service"].to_numpy(dtype=bool)
    supplied = active & (node >= 0) & (node < count)
    dead = read_only(ids[active & ~supplied], np.int64)
    return read_only(ids[supplied], np.int64), read_only(node[supplied], np.int64), dead


def _slacks(net: Any, internal: Any) -> Slacks:
    rows = net.ext_grid[net.ext_grid["in_service"].astype(bool)]
    count = internal["Ybus"].shape[0]
    node = np.asarray(net._pd2ppc_lookups["bus"])[rows["bus"].to_numpy(dtype=np.int64)]
    here = (node >= 0) & (node < count) & net.bus["in_service"].loc[rows["bus"]].to_numpy(bool)
    rows, node = rows[here], node[here].astype(np.int64)
    weight = np.ones(len(rows))
    if "slack_weight" in rows:
        weight = rows["slack_weight"].fillna(0.0).to_numpy(dtype=float)
    number, total = np.zeros(count), np.zeros(count)
    np.add.at(number, node, 1.0)
    np.add.at(total, node, weight)
    even = 1.0 / number[node]
    by_weight = np.divide(weight, total[node], out=even.copy(), where=total[node] > 0.0)
    ids = read_only(rows.index, np.int64)
    return Slacks(ids, read_only(node, np.int64), read_only(by_weight), read_only(even))


def _with_branches(arrays: ElectricArrays, net: Any, internal: Any) -> ElectricArrays:
    alive = np.asarray(internal["branch_is"], dtype=bool)
    position = np.where(alive, np.cumsum(alive) - 1, -1)
    lookup = net._pd2ppc_lookups["branch"]
    kilo_ampere = arrays.base_mva / (np.sqrt(3.0) * arrays.base_kv)
    found = []
    for table, windings in (("line", 1), ("trafo", 1), ("trafo3w", 3)):
        if table not in lookup:
            continue
        first, last = lookup[table]
        rows = position[first:last].reshape(windings, -1)
        used = (rows >= 0).all(axis=0)
        rows = rows[:, used]
        per_ka = _percent_per_ka(net, table)[:, :, used]
        found.append(
            Branches(
                table=table,
                ids=read_only(net[table].index[used], np.int64),
                rows=read_only(rows, np.int64),
                from_percent=read_only(per_ka[0] * kilo_ampere[arrays.from_node[rows]]),
                to_percent=read_only(per_ka[1] * kilo_ampere[arrays.to_node[rows]]),
            )
        )
    return replace(arrays, branches=tuple(found))


def _percent_per_ka(net: Any, table: str) -> FloatArray:
    """Return loading in percent per kA, shape (2 sides, windings, elements).

    Lines: 100 / (max_i_ka df parallel). Transformers (loading by current): 100 sqrt(3) vn / sn of
    each side over df and parallel; the outer side of each winding for three windings.
    """

    def column(name: str) -> FloatArray:
        if name not in net[table]:
            return np.ones(len(net[table]))
        return np.asarray(net[table][name].to_numpy(dtype=float))

    with np.errstate(divide="ignore"):
        if table == "line":
            one = 100.0 / (column("max_i_ka") * column("df") * column("parallel"))
            return np.stack([one[None, :], one[None, :]])
    root = 100.0 * np.sqrt(3.0)
    if table == "trafo":
        rated = column("sn_mva") * column("df") * column("parallel")
        return np.stack([(root * column(f"vn_{s}_kv") / rated)[None, :] for s in ("hv", "lv")])
    outer = {s: root * column(f"vn_{s}_kv") / column(f"sn_{s}_mva") for s in ("hv", "mv", "lv")}
    none = np.zeros(len(net[table]))
    return np.stack(
        [np.stack([outer["hv"], none, none]), np.stack([none, outer["mv"], outer["lv"]])]
    )


class Injector:
    """Turns set-points into node injections."""

    def __init__(self, arrays: ElectricArrays, net: Any, setpoints: tuple[Setpoints, ...]) -> None:
        self._constant = arrays.constant_power
        self._blocks = []
        for block in setpoints:
            frame = net[block.table].loc[block.ids]
            node = arrays.node_of(frame["bus"].to_numpy(dtype=np.int64))
            weight = frame["scaling"].to_numpy(dtype=float) * SIGN_OF_TABLE[block.table]
            on = np.flatnonzero(node >= 0)
            place = (weight[on] / arrays.base_mva, (node[on], on))
            shape = (arrays.voltage.size, block.ids.size)
            self._blocks.append((sp.csr_matrix(place, shape=shape), block))

    def power(self, rows: IntArray) -> ComplexArray:
        """Return the injection of every node but the slacks' own, per unit, shape (n, k).

        Args:
            rows: rows of the set-points, shape (k,).
        """
        total = np.repeat(self._constant[:, None], rows.size, axis=1)
        for place, block in self._blocks:
            total.real += place @ block.p_mw[rows].T
            total.imag += place @ block.q_mvar[rows].T
        return total
