"""Read a pandapipes district-heat network: the network that is simulated, and its arrays.

What the scenario says replaces what the file says: supply temperature, pump lift and the ground
temperature at every pipe. Consumers that nobody drives are switched off or keep the heat of the
file (`background.unlisted`). The plant is the circulation pump of type pt; further producers
(`circ_pump_pressure` and `circ_pump_mass` of type t) run as the file says.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from cosim.errors import GridError
from cosim.grids.heat.bypass import Bypasses, add_bypasses
from cosim.grids.heat.forest import FRICTION_LAWS, Fluid, Plant
from cosim.grids.heat.mesh.read import MeshNet, find_mesh
from cosim.grids.heat.tree import Trees, find_trees
from cosim.grids.imports import engine
from cosim.records import NetworkInputs, read_only
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.networks import HeatNetwork
from cosim.units import W_PER_KW, celsius_to_kelvin

FITTINGS = ("circ_pump_mass", "valve", "flow_control", "pump", "heat_exchanger", "press_control")
"""Tables beside pipes, consumers and circ_pump_pressure whose flows are reported."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """One table of `FITTINGS`.

    Attributes:
        ids: table index, shape (n,).
        ends: positions of first and second junction, shape (2, n).
        place: columns of its flows among those of all fittings.
    """

    ids: IntArray
    ends: IntArray
    place: slice


@dataclass(frozen=True, slots=True)
class HeatNet:
    """A prepared network.

    Attributes:
        design_kw: heat (cold) that the consumers in service have in the file, all together.
        net: pandapipes network; callers write to `fresh()` copies only.
        sense: 1 for heat, -1 for cooling.
        junction_ids: index of the junction table, shape (j,).
        pipe_ids: index of the pipe table, shape (p,).
        consumer_ids: index of the heat_consumer table, shape (c,).
        pump_ids: index of the circ_pump_pressure table, shape (k,).
        plant_at: position of the plant in it.
        pipe_ends: positions of from and to junction, shape (2, p).
        consumer_ends: the same of consumers, shape (2, c).
        pump_ends: positions of return and flow junction of circ_pump_pressure, shape (2, k).
        fittings: what else water flows through, by table.
        ambient_bar: air pressure at the junctions, shape (j,).
        plant: pump, supply temperature and options.
        bypasses: of the consumers.
        trees: for the batch equations of supply and return trees.
        mesh: for those of any other shape.
    """

    design_kw: float
    net: Any
    sense: float
    junction_ids: IntArray
    pipe_ids: IntArray
    consumer_ids: IntArray
    pump_ids: IntArray
    plant_at: int
    pipe_ends: IntArray
    consumer_ends: IntArray
    pump_ends: IntArray
    fittings: Mapping[str, Fitting]
    ambient_bar: FloatArray
    plant: Plant
    bypasses: Bypasses
    trees: Trees
    mesh: MeshNet

    @property
    def pump_id(self) -> int:
        """Index of the plant's circulation pump."""
        return int(self.pump_ids[self.plant_at])

    @property
    def kernel(self) -> Literal["trees", "mesh", "none"]:
        """Which batch equations cover the network."""
        if self.trees.forest is not None:
            return "trees"
        return "mesh" if self.mesh.mesh is not None else "none"

    @property
    def fluid(self) -> Fluid | None:
        """Property tables, None where no batch equations cover the network."""
        return self.trees.fluid or self.mesh.fluid

    @property
    def producers_k(self) -> FloatArray:
        """Supply temperatures of all producers."""
        tables = [
            self.net[t]["t_flow_k"]
            for t in ("circ_pump_pressure", "circ_pump_mass")
            if t in self.net
        ]
        return np.concatenate([column.to_numpy(dtype=float) for column in tables])

    @property
    def cut_off(self) -> np.ndarray:
        """Consumers that no open way joins to the plant on both sides, boolean, shape (c,)."""
        return np.asarray((~self.mesh.reached[self.consumer_ends]).any(axis=0))

    def ids(self, table: str) -> IntArray:
        """Return the index of an element table with results."""
        if table in self.fittings:
            return self.fittings[table].ids
        return {
            "junction": self.junction_ids,
            "pipe": self.pipe_ids,
            "heat_consumer": self.consumer_ids,
            "circ_pump_pressure": self.pump_ids,
        }[table]

    def fresh(self) -> Any:
        """Return a copy of the network that may be written to."""
        return copy.deepcopy(self.net)


def read_heat_net(inputs: NetworkInputs, settings: HeatNetwork) -> HeatNet:
    """Return the network of a scenario, ready for both engines.

    Raises:
        GridError: if the file is not a water network with heat consumers and one plant, or if the
            temperatures of the scenario leave nothing to draw.
    """
    net = _load(inputs)
    sense = 1.0 if inputs.kind == "heat" else -1.0
    if sense * (settings.supply_temperature_c - settings.return_temperature_c) <= 0.0:
        raise GridError(
            f"supply temperature {settings.supply_temperature_c:g} C and return temperature "
            f"{settings.return_temperature_c:g} C leave nothing to draw; expected a "
            f"{'warmer' if sense > 0 else 'colder'} supply",
            inputs.name,
        )
    design_kw = _design_kw(net)
    plant_at = int(np.flatnonzero(_plants(net))[0])
    _prepare(net, settings, plant_at)
    bypasses = add_bypasses(net, settings.bypass, inputs.name)
    toolbox = engine("pandapipes.component_models.component_toolbox")
    ambient_bar = toolbox.p_correction_height_air(net.junction["height_m"].to_numpy(dtype=float))
    ends = {name: _ends(net, name) for name in ("pipe", "heat_consumer", "circ_pump_pressure")}
    trees = find_trees(net, ends, ambient_bar)
    return HeatNet(
        design_kw=design_kw,
        net=net,
        sense=sense,
        junction_ids=read_only(net.junction.index, np.int64),
        pipe_ids=read_only(net.pipe.index, np.int64),
        consumer_ids=read_only(net.heat_consumer.index, np.int64),
        pump_ids=read_only(net.circ_pump_pressure.index, np.int64),
        plant_at=plant_at,
        pipe_ends=read_only(ends["pipe"], np.int64),
        consumer_ends=read_only(ends["heat_consumer"], np.int64),
        pump_ends=read_only(ends["circ_pump_pressure"], np.int64),
        fittings=_fittings(net),
        ambient_bar=read_only(ambient_bar),
        plant=_plant(net, settings, sense, plant_at),
        bypasses=bypasses,
        trees=trees,
        mesh=find_mesh(net, ends, ambient_bar, bypasses),
    )


def _plants(net: Any) -> np.ndarray:
    pumps = net.circ_pump_pressure
    found: np.ndarray = (
        pumps["in_service"].to_numpy(dtype=bool) & (pumps["type"] == "pt").to_numpy()
    )
    return found


def _fittings(net: Any) -> dict[str, Fitting]:
    found: dict[str, Fitting] = {}
    first = 0
    for table in FITTINGS:
        if table not in net or not len(net[table]):
            continue
        if table == "valve" and (net.valve["et"] != "ju").any():
            continue
        place = slice(first, first + len(net[table]))
        ends = read_only(_ends(net, table), np.int64)
        found[table] = Fitting(read_only(net[table].index, np.int64), ends, place)
        first = place.stop
    return found


def _load(inputs: NetworkInputs) -> Any:
    pandapipes = engine("pandapipes")
    net = pandapipes.from_json(str(inputs.file))
    where = inputs.file.name
    if net.fluid.is_gas:
        raise GridError(f"{where}: the fluid is {net.fluid.name}, expected a liquid", inputs.name)
    for table in ("junction", "pipe", "heat_consumer", "circ_pump_pressure"):
        if table not in net or not len(net[table]):
            raise GridError(f"{where}: no {table}, expected at least one", inputs.name)
    if _plants(net).sum() != 1:
        kinds = net.circ_pump_pressure["type"].where(net.circ_pump_pressure["in_service"], "off")
        raise GridError(
            f"{where}: {len(kinds)} circ_pump_pressure of type {', '.join(kinds)}; "
            "expected one in service of type pt",
            inputs.name,
        )
    known = set(net.heat_consumer.index.tolist())
    missing = sorted({p.id for t in inputs.terminals for p in t.points} - known)
    if missing:
        listed = ", ".join(str(i) for i in missing[:5])
        raise GridError(f"{where}: no heat_consumer {listed}", inputs.name)
    return net


def pipeflow_options(settings: HeatNetwork) -> dict[str, Any]:
    """Return the options of every pipe flow; the exported network carries them too.

    Tolerances are tighter than pandapipes' 1e-5 kg/s, 1e-5 bar and 1e-3 K, which leave errors of
    0.1 K in pipes that are nearly at rest.
    """
    return {
        "mode": "bidirectional",
        "friction_model": settings.friction_model,
        "iter": 100,
        "tol_m": 1e-7,
        "tol_p": 1e-6,
        "tol_T": 1e-4,
        "max_iter_colebrook": 100,
        "ambient_temperature": celsius_to_kelvin(settings.ground_temperature_c),
    }


def _design_kw(net: Any) -> float:
    used = net.heat_consumer["in_service"].astype(bool)
    return float(net.heat_consumer["qext_w"].where(used, 0.0).fillna(0.0).abs().sum()) / W_PER_KW


def _prepare(net: Any, settings: HeatNetwork, plant_at: int) -> None:
    """Write the scenario's constants into the network and let every consumer be driven."""
    pump = net.circ_pump_pressure.index[plant_at]
    net.circ_pump_pressure.loc[pump, "t_flow_k"] = celsius_to_kelvin(settings.supply_temperature_c)
    if settings.pump_lift_bar is not None:
        net.circ_pump_pressure.loc[pump, "plift_bar"] = settings.pump_lift_bar
    net.pipe["text_k"] = celsius_to_kelvin(settings.ground_temperature_c)
    consumers = net.heat_consumer
    nominal = consumers["qext_w"].where(consumers["in_service"].astype(bool), 0.0).fillna(0.0)
    keep = settings.background.unlisted == "nominal"
    consumers["qext_w"] = nominal.astype(float) if keep else 0.0
    consumers["in_service"] = True
    consumers["treturn_k"] = celsius_to_kelvin(settings.return_temperature_c)
    for column in ("controlled_mdot_kg_per_s", "deltat_k"):
        consumers[column] = np.nan
    engine("pandapipes").set_user_pf_options(net, reset=True, **pipeflow_options(settings))


def _plant(net: Any, settings: HeatNetwork, sense: float, plant_at: int) -> Plant:
    pump = net.circ_pump_pressure.iloc[plant_at]
    return Plant(
        t_supply_k=float(pump["t_flow_k"]),
        p_supply_bar=float(pump["p_flow_bar"]),
        lift_bar=float(pump["plift_bar"]),
        ambient_k=celsius_to_kelvin(settings.ground_temperature_c),
        friction=FRICTION_LAWS[settings.friction_model],
        sense=sense,
        t_return_k=celsius_to_kelvin(settings.return_temperature_c),
    )


def _ends(net: Any, table: str) -> IntArray:
    """Return positions of the junctions that a branch table joins, shape (2, n)."""
    first, second = ("from_junction", "to_junction")
    if table.startswith("circ_pump"):
        first, second = ("return_junction", "flow_junction")
    elif table == "valve":
        first, second = ("junction", "element")
    index = pd.Index(net.junction.index)
    columns = [net[table][name].to_numpy(dtype=np.int64) for name in (first, second)]
    return np.array([index.get_indexer(column) for column in columns], dtype=np.int64)
