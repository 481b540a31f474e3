"""The gas network as it is simulated: the file's network plus one sink per terminal point.

Every participant connection is a new `sink` at its junction, named after the terminal; its
`mdot_kg_per_s` is positive for withdrawal and negative for feed-in, so plain pandapipes can
reproduce every state. Background customers keep their own sinks and sources. Where hydrogen is fed
in, the network has the fluid of a blend, and what customers draw follows from its composition.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cosim.errors import GridError
from cosim.grids.gas.blend import Blend, blend_of, fill_with_blend
from cosim.grids.gas.composition import Exchange
from cosim.grids.imports import engine
from cosim.grids.terminals import TerminalPoints, check_points, some, terminal_points
from cosim.records import Injections, NetworkInputs, read_only
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.networks import GasNetwork
from cosim.units import gas_kw_to_kg_per_s

SIGN_OF_TABLE = {"sink": -1.0, "source": 1.0, "mass_storage": -1.0}
"""Mass flow column over injection: sinks, and storages that fill, count withdrawal as positive."""
FLOW = "mdot_kg_per_s"
HYDROGEN = "hydrogen"
DRAWN_TOLERANCE_KW = 1e-6


@dataclass(frozen=True, slots=True)
class Setpoints:
    """What is written into one table: values[t, k] is `mdot_kg_per_s` of row ids[k]."""

    table: str
    ids: IntArray
    values: FloatArray

    def rows(self, chosen: Any) -> Setpoints:
        """Return some of the steps."""
        return Setpoints(self.table, self.ids, self.values[chosen])


class GasModel:
    """A prepared pandapipes network and the way from injections to its set-points.

    Attributes:
        net: the network; callers work on `fresh()` copies and never write to it.
        settings: the validated network section.
        blend: the network's gas and hydrogen, None where none may be fed in.
        kg_per_s_per_kw: mass flow of the network's gas that carries one kW of lower heating value.
        points: where terminals meet the network.
        point_sink: sink of every point.
        kg_per_s_per_kw_of: the same for every terminal, of hydrogen for some, shape (n,).
        hydrogen: true for terminals that feed hydrogen in, shape (n,).
    """

    def __init__(self, inputs: NetworkInputs) -> None:
        if not isinstance(inputs.settings, GasNetwork):
            raise GridError("a gas network needs settings of kind gas", grid=inputs.name)
        self.inputs = inputs
        self.settings: GasNetwork = inputs.settings
        self.kg_per_s_per_kw = gas_kw_to_kg_per_s(1.0, self.settings.lhv_kwh_per_kg)
        self.net = _load(inputs)
        self.blend: Blend | None = blend_of(self.net, self.settings)
        _prepare_fluid(self.net, self.settings, self.blend)
        _set_background(self.net, inputs, self.settings.background.unlisted)
        self.points = terminal_points(inputs.terminals)
        self.point_sink = _add_sinks(self.net, self.points)
        self.hydrogen = np.array([t.carrier == HYDROGEN for t in inputs.terminals], dtype=bool)
        self.kg_per_s_per_kw_of = _mass_of_power(self)

    @property
    def charged(self) -> bool:
        """True if the electricity of compressors is charged to the network account."""
        return self.settings.pump_bus is not None

    def fresh(self) -> Any:
        """Return a copy of the network that may be written to."""
        return copy.deepcopy(self.net)

    def setpoints(self, injections: Injections) -> tuple[Setpoints, ...]:
        """Return what is put into the network at the injections' steps, background included.

        Constant customers of the file (background `unlisted: nominal`) are listed too. Customers
        draw the network's gas without hydrogen here; see `blended`.
        """
        if injections.terminals != tuple(t.name for t in self.inputs.terminals):
            raise GridError("injections do not match the network's terminals", self.inputs.name)
        self._check_hydrogen(injections)
        blocks = [*self._constants(injections), *self._background(injections)]
        own = self.points.spread(injections.p_kw * self.kg_per_s_per_kw_of)
        blocks.append(Setpoints("sink", self.point_sink, _clean(SIGN_OF_TABLE["sink"] * own)))
        return tuple(block for block in blocks if block.ids.size)

    def exchange(self, setpoints: tuple[Setpoints, ...], steps: int) -> Exchange:
        """Return withdrawals and feed-in by junction of the table."""
        position = pd.Index(self.net.junction.index)
        found = {kind: np.zeros((len(position), steps)) for kind in ("draw", "gas", "hydrogen")}
        hydrogen = self.point_sink[self.hydrogen[self.points.terminal]]
        for block in setpoints:
            rows = self.net[block.table].loc[block.ids]
            weight = SIGN_OF_TABLE[block.table] * rows["scaling"].to_numpy(dtype=float)
            where = position.get_indexer(rows["junction"])
            into = weight[:, None] * block.values.T
            light = np.isin(block.ids, hydrogen) & (block.table == "sink")
            np.add.at(found["draw"], where, np.maximum(-into, 0.0))
            for kind, chosen in (("gas", ~light), ("hydrogen", light)):
                np.add.at(found[kind], where[chosen], np.maximum(into[chosen], 0.0))
        return Exchange(found["draw"], found["gas"], found["hydrogen"])

    def blended(self, setpoints: tuple[Setpoints, ...], w: FloatArray) -> tuple[Setpoints, ...]:
        """Return set-points whose customers draw the blend that reaches them.

        Args:
            setpoints: for gas without hydrogen.
            w: mass fraction of hydrogen at every junction, NaN where unknown, shape (j, T).
        """
        assert self.blend is not None
        position = pd.Index(self.net.junction.index)
        factor = self.blend.mass(np.nan_to_num(w))
        blocks = []
        for block in setpoints:
            where = position.get_indexer(self.net[block.table].loc[block.ids, "junction"])
            drawn = SIGN_OF_TABLE[block.table] * block.values < 0.0
            values = np.where(drawn, block.values * factor[where].T, block.values)
            blocks.append(Setpoints(block.table, block.ids, read_only(values)))
        return tuple(blocks)

    def terminal_share(self) -> FloatArray:
        """Return kg/s into every junction per kW of each terminal, shape (junctions, n)."""
        where = pd.Index(self.net.junction.index).get_indexer(pd.Index(self.points.id))
        share = self.points.at_nodes(where, len(self.net.junction)).toarray()
        return np.asarray(share * self.kg_per_s_per_kw_of, dtype=np.float64)

    def _check_hydrogen(self, injections: Injections) -> None:
        drawn = self.hydrogen & (injections.p_kw < -DRAWN_TOLERANCE_KW).any(axis=0)
        if drawn.any():
            name = injections.terminals[int(np.flatnonzero(drawn)[0])]
            text = f"terminal {name} draws hydrogen, which a gas network only delivers in its blend"
            raise GridError(text, self.inputs.name)

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
    check_points(inputs, net.junction.index.tolist(), "junction")
    return net


def _prepare_fluid(net: Any, settings: GasNetwork, blend: Blend | None) -> None:
    if blend is None or settings.hydrogen is None:
        return
    chosen = settings.hydrogen
    fraction = chosen.max_fraction if chosen.fluid_fraction is None else chosen.fluid_fraction
    fill_with_blend(net, blend, fraction)


def _mass_of_power(model: GasModel) -> FloatArray:
    """Return the mass flow of one kW of every terminal, kg/s, shape (n,)."""
    mass = np.full(len(model.inputs.terminals), model.kg_per_s_per_kw)
    if not model.hydrogen.any():
        return read_only(mass)
    if model.blend is None:
        raise GridError(
            "hydrogen is fed in but the network's settings allow none", model.inputs.name
        )
    mass[model.hydrogen] = gas_kw_to_kg_per_s(1.0, model.blend.hydrogen_lhv)
    return read_only(mass)


def _set_background(net: Any, inputs: NetworkInputs, unlisted: str) -> None:
    """Switch off customers that nobody drives, and let the driven ones count fully."""
    for table in SIGN_OF_TABLE:
        if table not in net:
            continue
        driven = [s.ids for s in inputs.background.series if s.element == table]
        ids = np.concatenate(driven) if driven else np.zeros(0, dtype=np.int64)
        absent = sorted(set(ids.tolist()) - set(net[table].index.tolist()))
        if absent:
            raise GridError(f"{inputs.file.name}: no {table} {some(absent)}", inputs.name)
        if unlisted == "off":
            net[table]["in_service"] = False
        net[table].loc[ids, "in_service"] = True
        net[table].loc[ids, "scaling"] = 1.0


def _add_sinks(net: Any, points: TerminalPoints) -> IntArray:
    if not points.terminal.size:
        return read_only([], np.int64)
    pandapipes = engine("pandapipes")
    flow = np.zeros(points.terminal.size)
    ids = pandapipes.create_sinks(
        net, junctions=points.id.tolist(), mdot_kg_per_s=flow, name=points.labels
    )
    return read_only(ids, np.int64)
