"""Read the network equations out of a network that pandapower has solved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.errors import GridError
from cosim.grids.electric.arrays import Branches, ComplexArray, ElectricArrays
from cosim.grids.electric.coverage import has_machines
from cosim.grids.electric.model import SIGN_OF_TABLE, ElectricModel, import_pandapower
from cosim.grids.electric.ratings import percent_per_ka
from cosim.grids.electric.sources import fixed_power, read_sources
from cosim.records import read_only
from cosim.records.time import IntArray

# columns of pandapower's internal bus table: power, rated voltage, and the shares of its power that
# are of constant current and constant impedance
PD, QD, BASE_KV = 2, 3, 9
SHARES = (13, 14, 16, 17)


def read_arrays(model: ElectricModel) -> ElectricArrays:
    """Run pandapower once and return its equations.

    Raises:
        GridError: if pandapower solves the network neither without customers nor with the file's.
    """
    net = _solved(model)
    internal = net._ppc["internal"]
    slack = np.asarray(internal["ref"], dtype=np.int64)
    count = internal["Ybus"].shape[0]
    bus_ids, bus_node, dead = _buses(net, count)
    y_from, y_to = internal["Yf"].tocsr(), internal["Yt"].tocsr()
    branch = np.real(internal["branch"][:, :2]).astype(np.int64)
    from_node, to_node = branch[:, 0], branch[:, 1]
    row = np.arange(branch.shape[0])
    bus = np.real(internal["bus"])
    base_mva = float(internal["baseMVA"])
    others = -(bus[:, PD] + 1j * bus[:, QD]) - _customers(net, count)
    slacks, generators = read_sources(net, internal)
    arrays = ElectricArrays(
        admittance=internal["Ybus"].tocsc().astype(np.complex128),
        slack=slack,
        free=np.setdiff1d(np.arange(count), slack),
        held=read_only(internal["pv"], np.int64),
        voltage=_frozen(internal["V"]),
        constant_power=_frozen(others / base_mva),
        generation=read_only(fixed_power(internal, count) / base_mva),
        voltage_share=read_only(bus[:, SHARES].T),
        constant_loss_mw=float(np.nansum(net.res_dcline["pl_mw"])) if len(net.dcline) else 0.0,
        base_mva=base_mva,
        base_kv=read_only(bus[:, BASE_KV]),
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
        slacks=slacks,
        generators=generators,
    )
    return _with_branches(arrays, net, internal)


def _solved(model: ElectricModel) -> Any:
    """Return the network, solved without customers; with machines preferably with the file's.

    Machines keep their power, so that an idle network would have to export all of it.
    """
    pandapower = import_pandapower()
    failed: Exception | None = None
    for idle in (False, True) if has_machines(model.net) else (True, False):
        net = model.fresh()
        if idle:
            for table in SIGN_OF_TABLE:
                net[table][["p_mw", "q_mvar"]] = 0.0
        try:
            pandapower.runpp(net, **model.options)
        except Exception as error:  # pandapower raises many kinds for a network it cannot solve
            failed = failed or error
            continue
        return net
    raise GridError(
        f"{model.inputs.file.name}: pandapower does not solve the network, neither without "
        f"customers nor with those of the file ({type(failed).__name__}: {failed})",
        model.inputs.name,
    ) from failed


def _customers(net: Any, count: int) -> ComplexArray:
    """Return what the loads and sgens of the solved network inject at every node, MVA."""
    total = np.zeros(count, dtype=np.complex128)
    for table, sign in SIGN_OF_TABLE.items():
        rows = net[table][net[table]["in_service"].astype(bool)]
        if not len(rows):
            continue
        node = np.asarray(net._pd2ppc_lookups["bus"])[rows["bus"].to_numpy(dtype=np.int64)]
        on = (node >= 0) & (node < count)
        on &= net.bus["in_service"].loc[rows["bus"]].to_numpy(dtype=bool)
        power = rows["p_mw"].to_numpy(dtype=float) + 1j * rows["q_mvar"].to_numpy(dtype=float)
        np.add.at(total, node[on], (sign * power * rows["scaling"].to_numpy(dtype=float))[on])
    return total


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
        per_ka = percent_per_ka(net, table)[:, :, used]
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
