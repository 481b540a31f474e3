"""Result columns of an electric network, from the batch or from pandapower, and the sanity gate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.grids.electric.arrays import Branches, ComplexArray, ElectricArrays
from cosim.grids.electric.kernel import Winding, add_flows
from cosim.records import StateField, StepFailure
from cosim.records.time import FloatArray, IntArray
from cosim.units import KW_PER_MW

BUS = ("vm_pu", "va_degree")
LINE = ("loading_percent", "i_ka", "p_from_mw", "pl_mw")
TRAFO = ("loading_percent", "p_hv_mw", "pl_mw")
SOURCE = ("p_mw", "q_mvar")
OF_TABLE: dict[str, tuple[str, ...]] = {"line": LINE, "trafo": TRAFO, "trafo3w": TRAFO}
COLLAPSE_PU = 0.5
"""Power can reach a constant-power load of any lagging or unity power factor only above half the
source voltage (nose of the two-bus PV curve); a solution below it is the unstable one."""


@dataclass(frozen=True, slots=True)
class ElectricColumns:
    """Raw results over T steps; the arrays are filled while a verification runs.

    Attributes:
        ids: table -> elements with results.
        values: (table, column) -> shape (T, n).
        loss_kw: active losses of branches and shunts, shape (T,).
        solved: shape (T,).
        remarks: row -> why it is not solved.
    """

    ids: dict[str, IntArray]
    values: dict[tuple[str, str], FloatArray]
    loss_kw: FloatArray
    solved: npt.NDArray[np.bool_]
    remarks: dict[int, str] = field(default_factory=dict)


def empty_columns(arrays: ElectricArrays, steps: int) -> ElectricColumns:
    """Return columns full of NaN."""
    ids = {"bus": arrays.bus_ids, "ext_grid": arrays.slacks.ids}
    ids |= {branch.table: branch.ids for branch in arrays.branches}
    if arrays.generators.ids.size:
        ids["gen"] = arrays.generators.ids
    names: dict[str, tuple[str, ...]] = {"bus": BUS, "ext_grid": SOURCE}
    names |= {branch.table: OF_TABLE[branch.table] for branch in arrays.branches}
    if "gen" in ids:
        names["gen"] = SOURCE
    values = {
        (table, name): np.full((steps, ids[table].size), np.nan)
        for table, columns in names.items()
        for name in columns
    }
    return ElectricColumns(ids, values, np.full(steps, np.nan), np.zeros(steps, dtype=bool))


def fill_from_voltage(
    columns: ElectricColumns,
    arrays: ElectricArrays,
    voltage: ComplexArray,
    power: ComplexArray,
    rows: IntArray,
) -> None:
    """Compute every column as pandapower does, from node voltages.

    Args:
        columns: written at `rows`.
        arrays: the network equations.
        voltage: per unit, shape (n, k).
        power: injections without the slacks' own, per unit, shape (n, k).
        rows: step rows of the k columns.
    """
    v = voltage[arrays.bus_node].T
    columns.values["bus", "vm_pu"][rows] = np.abs(v)
    columns.values["bus", "va_degree"][rows] = np.angle(v, deg=True)
    _fill_sources(columns, arrays, voltage, power, rows)
    current = arrays.admittance @ voltage
    total = (voltage * np.conj(current)).real.sum(axis=0) * arrays.base_mva
    columns.loss_kw[rows] = (total + arrays.constant_loss_mw) * KW_PER_MW
    for branch in arrays.branches:
        _fill_branch(columns, arrays, branch, voltage, rows)
    columns.solved[rows] = True


def _fill_sources(
    columns: ElectricColumns,
    arrays: ElectricArrays,
    voltage: ComplexArray,
    power: ComplexArray,
    rows: IntArray,
) -> None:
    for sources in (arrays.slacks, arrays.generators):
        if not sources.ids.size:
            continue
        node, table = sources.node, sources.table
        current = arrays.admittance.tocsr()[node] @ voltage
        of_node = (voltage[node] * np.conj(current) - power[node]) * arrays.base_mva
        p = sources.p_offset[:, None] + sources.p_share[:, None] * of_node.real
        q = sources.q_offset[:, None] + sources.q_share[:, None] * of_node.imag
        columns.values[table, "p_mw"][rows] = p.T
        columns.values[table, "q_mvar"][rows] = q.T


def delivered_mw(columns: ElectricColumns, arrays: ElectricArrays) -> FloatArray:
    """Return what external grids and slack generators deliver together, shape (T,)."""
    total: FloatArray = columns.values["ext_grid", "p_mw"].sum(axis=1)
    balances = arrays.generators.balances
    if balances.any():
        total = total + columns.values["gen", "p_mw"][:, balances].sum(axis=1)
    return total


def _fill_branch(
    columns: ElectricColumns,
    arrays: ElectricArrays,
    branch: Branches,
    voltage: ComplexArray,
    rows: IntArray,
) -> None:
    v_re, v_im = voltage.real.copy(), voltage.imag.copy()
    loading, ampere, loss = (np.zeros((branch.ids.size, rows.size)) for _ in range(3))
    p_first = np.empty_like(loading)
    for number in range(branch.rows.shape[0]):
        entering = p_first if number == 0 else np.empty_like(loading)
        winding = _winding(arrays, branch, number)
        add_flows(winding, v_re, v_im, loading, ampere, entering, loss)
    columns.values[branch.table, "loading_percent"][rows] = loading.T
    columns.values[branch.table, "pl_mw"][rows] = loss.T * arrays.base_mva
    entry = "p_from_mw" if branch.table == "line" else "p_hv_mw"
    columns.values[branch.table, entry][rows] = p_first.T * arrays.base_mva
    if branch.table == "line":
        columns.values["line", "i_ka"][rows] = ampere.T


def _winding(arrays: ElectricArrays, branch: Branches, number: int) -> Winding:
    k = branch.rows[number]
    start, end = arrays.from_node[k], arrays.to_node[k]
    admittances = (arrays.y_ff[k], arrays.y_ft[k], arrays.y_tf[k], arrays.y_tt[k])
    kilo_ampere = arrays.base_mva / (np.sqrt(3.0) * arrays.base_kv)
    return Winding(
        start=start,
        end=end,
        y=np.stack([part for y in admittances for part in (y.real, y.imag)]),
        percent_start=branch.from_percent[number],
        percent_end=branch.to_percent[number],
        ampere_start=kilo_ampere[start],
        ampere_end=kilo_ampere[end],
    )


def fill_from_net(columns: ElectricColumns, net: Any, row: int) -> None:
    """Copy one step from the result tables of a solved pandapower network."""
    for (table, name), values in columns.values.items():
        position = net[table].index.get_indexer(columns.ids[table])
        values[row] = net[f"res_{table}"][name].to_numpy(dtype=float)[position]
    columns.loss_kw[row] = _loss_mw(net) * KW_PER_MW
    columns.solved[row] = True


def _loss_mw(net: Any) -> float:
    """What all buses deliver into the branches, plus what shunts draw.

    `res_bus.p_mw` holds the withdrawal of everything connected to a bus but DC lines, shunts
    included; with a minus it is what flows into lines of both kinds and transformers.
    """
    total = -float(np.nansum(net.res_bus["p_mw"].to_numpy(dtype=float)))
    if len(net.shunt):
        total += float(np.nansum(net.res_shunt["p_mw"].to_numpy(dtype=float)))
    for table in ("ward", "xward"):
        if len(net[table]):
            on = net[table]["in_service"].to_numpy(dtype=bool)
            drawn = net[f"res_{table}"]["p_mw"].to_numpy(dtype=float)
            total += float(np.nansum(np.where(on, drawn - net[table]["ps_mw"].to_numpy(float), 0)))
    return total


def gate(columns: ElectricColumns, steps: IntArray) -> list[StepFailure]:
    """Return solved steps that are not physical, naming the bus, and clear their values."""
    voltage = columns.values["bus", "vm_pu"]
    failures = []
    missing = np.isnan(voltage).any(axis=1) & columns.solved
    low = np.fmin.reduce(voltage, axis=1, initial=np.inf) < COLLAPSE_PU
    for row in np.flatnonzero(missing | (low & columns.solved)):
        if missing[row]:
            bus = int(columns.ids["bus"][int(np.flatnonzero(np.isnan(voltage[row]))[0])])
            reason = f"bus {bus} has no voltage"
        else:
            worst = int(np.argmin(voltage[row]))
            bus = int(columns.ids["bus"][worst])
            reason = (
                f"bus {bus} at {voltage[row, worst]:.3f} pu: voltage collapse "
                f"(no stable operation below {COLLAPSE_PU} pu)"
            )
        failures.append(StepFailure(int(steps[row]), reason, converged=True))
        clear(columns, int(row))
    return failures


def replace_rows(columns: ElectricColumns, rows: IntArray, other: ElectricColumns) -> None:
    """Overwrite some steps by the steps of another evaluation."""
    for key, values in other.values.items():
        columns.values[key][rows] = values
    columns.loss_kw[rows] = other.loss_kw
    columns.solved[rows] = other.solved


def clear(columns: ElectricColumns, row: int) -> None:
    """Set every value of a step to NaN."""
    for values in columns.values.values():
        values[row] = np.nan
    columns.loss_kw[row] = np.nan
    columns.solved[row] = False


def fields_of(columns: ElectricColumns) -> tuple[StateField, ...]:
    """Return the columns as frozen records; their arrays are not copied but sealed."""
    for values in columns.values.values():
        values.setflags(write=False)
    return tuple(
        StateField(table, name, columns.ids[table], values)
        for (table, name), values in columns.values.items()
    )
