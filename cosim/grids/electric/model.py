"""The electric network as it is simulated: the file's network plus one sgen per terminal point.

Every participant connection is a new row of the table `sgen` at its bus, named after the terminal.
Its `p_mw` and `q_mvar` are signed: positive feeds in, negative draws, which is cosim's own sign.
Background customers keep their own loads and sgens.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cosim.errors import GridError
from cosim.grids.electric.coverage import refuse_unbalanced
from cosim.grids.imports import engine
from cosim.grids.terminals import TerminalPoints, check_points, some, terminal_points
from cosim.records import Injections, NetworkInputs, read_only
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.networks import ElectricNetwork
from cosim.units import KW_PER_MW

SIGN_OF_TABLE = {"load": -1.0, "sgen": 1.0}
"""Set-point over injection: a load counts withdrawal as positive."""
CUSTOMER_TABLES = ("load", "sgen", "storage", "motor", "asymmetric_load", "asymmetric_sgen")
"""Switched off where nobody drives them and the background setting is `off`."""
KEPT_OPTIONS = ("trafo_model", "trafo3w_losses", "calculate_voltage_angles")
"""Power flow options of a network file that describe the network and are kept."""
TOLERANCE_MVA = 1e-8


@dataclass(frozen=True, slots=True)
class Setpoints:
    """What is written into one table: column k of both arrays belongs to row ids[k].

    Attributes:
        table: `load` or `sgen`.
        ids: table index, shape (n,).
        p_mw: in the table's own sign, shape (T, n).
        q_mvar: in the table's own sign, shape (T, n).
    """

    table: str
    ids: IntArray
    p_mw: FloatArray
    q_mvar: FloatArray


class ElectricModel:
    """A prepared pandapower network and the way from injections to its set-points.

    Attributes:
        net: the network; callers work on `fresh()` copies and never write to it.
        settings: the validated network section.
        options: arguments of every `runpp`, also stored in the exported network.
        points: where terminals are connected.
        point_sgen: the sgen of every point.
        notes: what was changed in the network of the file.
    """

    def __init__(self, inputs: NetworkInputs) -> None:
        if not isinstance(inputs.settings, ElectricNetwork):
            raise GridError("an electric network needs settings of kind electric", inputs.name)
        self.inputs = inputs
        self.settings: ElectricNetwork = inputs.settings
        self.net = _load(inputs)
        notes = repair(self.net)
        self.options, more = _options(self.net)
        self.notes: tuple[str, ...] = (*notes, *more, *_drop_controllers(self.net))
        _set_background(self.net, inputs, self.settings.background.unlisted)
        refuse_unbalanced(self.net, inputs.file.name, inputs.name)
        self.points = terminal_points(inputs.terminals)
        self.point_sgen = _add_sgens(self.net, self.points)

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
        own_p, own_q = (self.points.spread(v) for v in (injections.p_kw, injections.q_kvar))
        blocks.append(_block("sgen", self.point_sgen, own_p, own_q))
        return tuple(block for block in blocks if block.ids.size)

    def _background(self, injections: Injections) -> list[Setpoints]:
        steps = injections.steps
        return [
            _block(series.element, series.ids, series.p_kw[steps], series.q_kvar[steps])
            for series in self.inputs.background.series
        ]

    def _constants(self, injections: Injections) -> list[Setpoints]:
        blocks = []
        driven = {s.element: s.ids for s in self.inputs.background.series}
        for table in SIGN_OF_TABLE:
            rows = self.net[table]
            skip = set(driven.get(table, np.zeros(0)).tolist())
            skip |= set(self.point_sgen.tolist()) if table == "sgen" else set()
            kept = rows[rows["in_service"].astype(bool) & ~rows.index.isin(list(skip))]
            values = [
                read_only(np.tile(kept[name].to_numpy(dtype=float), (injections.steps.size, 1)))
                for name in ("p_mw", "q_mvar")
            ]
            blocks.append(Setpoints(table, read_only(kept.index, np.int64), *values))
        return blocks


def _block(table: str, ids: IntArray, p_kw: FloatArray, q_kvar: FloatArray) -> Setpoints:
    factor = SIGN_OF_TABLE[table] / KW_PER_MW
    # adding zero turns -0.0 into 0.0, which reads better in the set-point files
    return Setpoints(table, ids, read_only(factor * p_kw + 0.0), read_only(factor * q_kvar + 0.0))


def write(net: Any, setpoints: tuple[Setpoints, ...], row: int) -> None:
    """Write one step's values into a network."""
    for table in {block.table for block in setpoints}:
        for name in ("p_mw", "q_mvar"):
            column = net[table][name].to_numpy(dtype=float, copy=True)
            for block in setpoints:
                if block.table == table:
                    values = block.p_mw if name == "p_mw" else block.q_mvar
                    column[net[table].index.get_indexer(block.ids)] = values[row]
            net[table][name] = column


def import_pandapower() -> Any:
    """Import pandapower without its side effects; see `cosim.grids.imports`."""
    return engine("pandapower")


def repair(net: Any) -> list[str]:
    """Fill what SimBench files leave open, in place, and say so.

    Missing shares of constant impedance or current mean constant power; a tap changer with steps
    but without a type is a ratio changer. pandapower 3.3 would not converge on the first and
    ignore the tap position on the second.
    """
    notes = []
    for name in [c for c in net.load.columns if c.startswith("const_")]:
        column = pd.to_numeric(net.load[name]).astype(float)
        if column.isna().any():
            net.load[name] = column.fillna(0.0)
            notes.append(f"load.{name}: {int(column.isna().sum())} missing values read as 0")
    for table in ("trafo", "trafo3w"):
        frame = net[table]
        if not len(frame) or "tap_step_percent" not in frame:
            continue
        if "tap_changer_type" not in frame:
            frame["tap_changer_type"] = pd.Series([None] * len(frame), frame.index, dtype=object)
        if "tap_dependency_table" not in frame:
            frame["tap_dependency_table"] = False
        steps = frame["tap_step_percent"].fillna(0.0).astype(float) != 0.0
        bare = steps & frame["tap_pos"].notna() & frame["tap_changer_type"].isna()
        if "tap_phase_shifter" in frame:
            bare &= ~frame["tap_phase_shifter"].fillna(False).astype(bool)
        if bare.any():
            frame.loc[bare, "tap_changer_type"] = "Ratio"
            notes.append(f"{table}.tap_changer_type: {int(bare.sum())} missing read as Ratio")
    return notes


def _load(inputs: NetworkInputs) -> Any:
    pandapower = import_pandapower()
    net = pandapower.from_json(str(inputs.file))
    name = inputs.file.name
    if "bus" not in net or not len(net.bus):
        raise GridError(f"{name}: no buses", inputs.name)
    slack_generators = net.gen["in_service"] & net.gen["slack"].fillna(False)
    if not net.ext_grid["in_service"].any() and not slack_generators.any():
        raise GridError(f"{name}: no external grid in service", inputs.name)
    check_points(inputs, net.bus.index.tolist(), "bus")
    return net


def _options(net: Any) -> tuple[dict[str, Any], list[str]]:
    stored = dict(net.get("user_pf_options") or {})
    kept = {k: stored[k] for k in KEPT_OPTIONS if k in stored}
    dropped = sorted(set(stored) - set(KEPT_OPTIONS) - {"tolerance_mva"})
    net["user_pf_options"] = {}
    notes = [f"power flow options of the file not used: {', '.join(dropped)}"] if dropped else []
    return {**kept, "tolerance_mva": TOLERANCE_MVA}, notes


def _drop_controllers(net: Any) -> list[str]:
    """Controllers of the file would change the network while it is verified."""
    if "controller" not in net or not len(net.controller):
        return []
    count = len(net.controller)
    net["controller"] = net.controller.iloc[:0]
    return [f"{count} controllers of the file not used: taps and set-points stay as given"]


def _set_background(net: Any, inputs: NetworkInputs, unlisted: str) -> None:
    """Switch off customers that nobody drives, and let the driven ones count fully."""
    for table in CUSTOMER_TABLES:
        if table not in net or not len(net[table]):
            continue
        if unlisted == "off":
            net[table]["in_service"] = False
    for series in inputs.background.series:
        rows = net[series.element]
        absent = sorted(set(series.ids.tolist()) - set(rows.index.tolist()))
        if absent:
            raise GridError(f"{inputs.file.name}: no {series.element} {some(absent)}", inputs.name)
        rows.loc[series.ids, "in_service"] = True
        rows.loc[series.ids, "scaling"] = 1.0


def _add_sgens(net: Any, points: TerminalPoints) -> IntArray:
    if not points.id.size:
        return read_only([], np.int64)
    zeros = np.zeros(points.id.size)
    ids = import_pandapower().create_sgens(
        net,
        buses=points.id.tolist(),
        p_mw=zeros,
        q_mvar=zeros,
        name=points.labels,
        type="cosim",
    )
    return read_only(ids, np.int64)
