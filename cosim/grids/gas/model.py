"""The gas network as it is simulated: the file's network plus one sink per terminal point.

Every participant connection is a new `sink` at its junction, named after the terminal; its
`mdot_kg_per_s` is positive for withdrawal and negative for feed-in, so plain pandapipes can
reproduce every state. Background customers keep their own sinks and sources.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cosim.errors import GridError
from cosim.grids.imports import engine
from cosim.records import Injections, NetworkInputs, read_only
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.networks import GasNetwork
from cosim.units import gas_kw_to_kg_per_s

SIGN_OF_TABLE = {"sink": -1.0, "source": 1.0, "mass_storage": -1.0}
"""Mass flow column over injection: sinks, and storages that fill, count withdrawal as positive."""
FLOW = "mdot_kg_per_s"
DECIMALS = 12


@dataclass(frozen=True, slots=True)
class Setpoints:
    """What is written into one table: values[t, k] is `mdot_kg_per_s` of row ids[k]."""

    table: str
    ids: IntArray
    values: FloatArray


class GasModel:
    """A prepared pandapipes network and the way from injections to its set-points.

    Attributes:
        net: the network; callers work on `fresh()` copies and never write to it.
        settings: the validated network section.
        kg_per_s_per_kw: mass flow that carries one kW of lower heating value.
    """

    def __init__(self, inputs: NetworkInputs) -> None:
        if not isinstance(inputs.settings, GasNetwork):
            raise GridError("a gas network needs settings of kind gas", grid=inputs.name)
        self.inputs = inputs
        self.settings: GasNetwork = inputs.settings
        self.kg_per_s_per_kw = gas_kw_to_kg_per_s(1.0, self.settings.lhv_kwh_per_kg)
        self.net = _load(inputs)
        _set_background(self.net, inputs, self.settings.background.unlisted)
        points = [
            (k, point.id, point.share)
            for k, terminal in enumerate(inputs.terminals)
            for point in terminal.points
        ]
        self.point_terminal: IntArray = read_only([p[0] for p in points], np.int64)
        self.point_junction: IntArray = read_only([p[1] for p in points], np.int64)
        self.point_share: FloatArray = read_only([p[2] for p in points])
        self.point_sink = _add_sinks(self.net, inputs, self.point_terminal, self.point_junction)

    def fresh(self) -> Any:
        """Return a copy of the network that may be written to."""
        return copy.deepcopy(self.net)

    def setpoints(self, injections: Injections) -> tuple[Setpoints, ...]:
        """Return what is put into the network at the injections' steps, background included.

        Constant customers of the file (background `unlisted: nominal`) are listed too.
        """
        if injections.terminals != tuple(t.name for t in self.inputs.terminals):
            raise GridError("injections do not match the network's terminals", self.inputs.name)
        blocks = [*self._constants(injections), *self._background(injections)]
        own = injections.p_kw[:, self.point_terminal] * self.point_share[None, :]
        values = SIGN_OF_TABLE["sink"] * self.kg_per_s_per_kw * own
        blocks.append(Setpoints("sink", self.point_sink, _clean(values)))
        return tuple(block for block in blocks if block.ids.size)

    def junction_injection(self, setpoints: tuple[Setpoints, ...], steps: int) -> FloatArray:
        """Return the mass flow into every junction of the table, kg/s, shape (junctions, T)."""
        position = pd.Index(self.net.junction.index)
        total = np.zeros((len(position), steps))
        for block in setpoints:
            rows = self.net[block.table].loc[block.ids]
            weight = SIGN_OF_TABLE[block.table] * rows["scaling"].to_numpy(dtype=float)
            where = position.get_indexer(rows["junction"])
            np.add.at(total, where, weight[:, None] * block.values.T)
        return total

    def terminal_share(self) -> FloatArray:
        """Return kg/s into every junction per kW of each terminal, shape (junctions, n)."""
        position = pd.Index(self.net.junction.index)
        share = np.zeros((len(position), len(self.inputs.terminals)))
        where = position.get_indexer(pd.Index(self.point_junction))
        np.add.at(share, (where, self.point_terminal), self.point_share * self.kg_per_s_per_kw)
        return share

    def _background(self, injections: Injections) -> list[Setpoints]:
        blocks = []
        for series in self.inputs.background.series:
            p_kw = series.p_kw[injections.steps]
            values = SIGN_OF_TABLE[series.element] * self.kg_per_s_per_kw * p_kw
            blocks.append(Setpoints(series.element, series.ids, _clean(values)))
        return blocks

    def _constants(self, injections: Injections) -> list[Setpoints]:
        blocks = []
        driven = {s.element: set(s.ids.tolist()) for s in self.inputs.background.series}
        own = set(self.point_sink.tolist())
        for table in SIGN_OF_TABLE:
            if table not in self.net:
                continue
            rows = self.net[table]
            skip = driven.get(table, set()) | (own if table == "sink" else set())
            kept = rows[rows["in_service"].astype(bool) & ~rows.index.isin(list(skip))]
            flow = kept[FLOW].fillna(0.0).to_numpy(dtype=float)
            values = np.repeat(flow[None, :], injections.steps.size, axis=0)
            blocks.append(Setpoints(table, read_only(kept.index, np.int64), read_only(values)))
        return blocks


def write(net: Any, setpoints: tuple[Setpoints, ...], row: int) -> None:
    """Write one step's values into a network."""
    for table in {block.table for block in setpoints}:
        column = net[table][FLOW].to_numpy(dtype=float, copy=True)
        for block in setpoints:
            if block.table == table:
                column[net[table].index.get_indexer(block.ids)] = block.values[row]
        net[table][FLOW] = column


def _clean(values: FloatArray) -> FloatArray:
    return read_only(values + 0.0)


def _load(inputs: NetworkInputs) -> Any:
    pandapipes = engine("pandapipes")
    net = pandapipes.from_json(str(inputs.file))
    if not net.fluid.is_gas:
        raise GridError(
            f"{inputs.file.name}: the fluid is {net.fluid.name}, expected a gas", inputs.name
        )
    grids = net.ext_grid[net.ext_grid["in_service"]] if len(net.ext_grid) else net.ext_grid
    if not len(grids):
        raise GridError(f"{inputs.file.name}: no external grid in service", inputs.name)
    missing = sorted(
        {p.id for t in inputs.terminals for p in t.points} - set(net.junction.index.tolist())
    )
    if missing:
        listed = ", ".join(str(i) for i in missing[:5])
        raise GridError(f"{inputs.file.name}: no junction {listed}", inputs.name)
    return net


def _set_background(net: Any, inputs: NetworkInputs, unlisted: str) -> None:
    """Switch off customers that nobody drives, and let the driven ones count fully."""
    for table in SIGN_OF_TABLE:
        if table not in net:
            continue
        driven = [s.ids for s in inputs.background.series if s.element == table]
        ids = np.concatenate(driven) if driven else np.zeros(0, dtype=np.int64)
        absent = sorted(set(ids.tolist()) - set(net[table].index.tolist()))
        if absent:
            listed = ", ".join(str(i) for i in absent[:5])
            raise GridError(f"{inputs.file.name}: no {table} {listed}", inputs.name)
        if unlisted == "off":
            net[table]["in_service"] = False
        net[table].loc[ids, "in_service"] = True
        net[table].loc[ids, "scaling"] = 1.0


def _add_sinks(net: Any, inputs: NetworkInputs, terminal: IntArray, junction: IntArray) -> IntArray:
    if not terminal.size:
        return read_only([], np.int64)
    pandapipes = engine("pandapipes")

    names = [inputs.terminals[k].name for k in terminal]
    ids = pandapipes.create_sinks(
        net, junctions=junction.tolist(), mdot_kg_per_s=np.zeros(terminal.size), name=names
    )
    return read_only(ids, np.int64)
