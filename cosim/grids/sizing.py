"""Size a district heating topology as an engineer would: flows, pipe series, pump head.

Every consumer is reached over the shortest route of the supply side and left over the shortest
route of the return side. In a tree this is the only route; in a mesh it is the usual
simplification of sizing for the loop opened, and pipes that close a loop get the larger size
at the weaker of their two ends. Flows take the cooling of the supply on its way into account.
The result is then to be checked by a pipe flow.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cosim.errors import GridError
from cosim.grids.pipe_catalogue import (
    MM_PER_M,
    PipeSize,
    heat_loss_w_per_mk,
    pandapipes_u_w_per_m2k,
)
from cosim.grids.sizing_rules import SizingRules, Water, friction_factor
from cosim.units import PA_PER_BAR, celsius_to_kelvin


@dataclass(frozen=True, slots=True)
class SizedHeatNetwork:
    """A sized copy of a network, and why each pipe got its size.

    Attributes:
        net: pandapipes network, ready for `pipeflow(net, mode="bidirectional")`.
        pipes: by pipe index: side, consumers, flow_kg_per_s, dn, inner_diameter_mm,
            velocity_m_per_s, gradient_pa_per_m, drop_bar (fittings included), loss_w_per_mk.
        lift_bar: pump head that leaves `station_bar` at the worst consumer.
        worst_consumer: index of that consumer.
        flow_kg_per_s: at the plant.
    """

    net: Any
    pipes: pd.DataFrame
    lift_bar: float
    worst_consumer: int
    flow_kg_per_s: float


def size_heat_network(
    net: Any, design_load_w: Mapping[int, float] | pd.Series, rules: SizingRules | None = None
) -> SizedHeatNetwork:
    """Return a sized copy of a heat network; the given network stays as it is.

    Args:
        net: pandapipes network with supply and return pipes, one circulation pump with given
            pressure and heat consumers; diameters and losses in it are ignored.
        design_load_w: consumer index -> heat at design temperature; every consumer in service
            must be named.
        rules: how to choose.

    Raises:
        GridError: a consumer without load or without a way to the pump, or no size that fits.
    """
    rules = rules or SizingRules()
    loads = _loads(net, design_load_w)
    pump = _pump(net)
    sides = {
        "supply": (int(pump["flow_junction"]), "from_junction"),
        "return": (int(pump["return_junction"]), "to_junction"),
    }
    routes = {side: _routes(net, side, *where, loads) for side, where in sides.items()}
    water = Water(net, rules)
    flows = {consumer: load / water.j_per_kg(0.0) for consumer, load in loads.items()}
    for _ in range(ROUNDS):
        pipes = _sized_pipes(net, flows, routes, water, rules)
        cooling = _cooling(net, pipes, routes["supply"], water, rules)
        before, flows = flows, {c: loads[c] / water.j_per_kg(cooling[c]) for c in loads}
        if all(abs(flows[c] - before[c]) <= FLOW_TOLERANCE * flows[c] for c in loads):
            break
    drop = pipes["drop_bar"]
    needed = {
        consumer: sum(float(drop.loc[list(routes[s][consumer])].sum()) for s in sides)
        for consumer in loads
    }
    worst = max(needed, key=lambda consumer: needed[consumer])
    steps = math.ceil((needed[worst] + rules.station_bar) / rules.lift_step_bar - 1e-9)
    lift_bar = round(steps * rules.lift_step_bar, 6)
    factor = rules.simultaneity(len(loads)) if rules.simultaneity else 1.0
    sized = copy.deepcopy(net)
    _write_pipes(sized, pipes, rules, water)
    _write_ends(sized, loads, pipes, lift_bar, rules)
    flow = factor * sum(flows.values())
    return SizedHeatNetwork(sized, pipes, lift_bar, worst, flow)


ROUNDS = 20
FLOW_TOLERANCE = 1e-6

Routes = dict[int, tuple[int, ...]]
"""Consumer index -> pipe indices on its way."""


def _loads(net: Any, design_load_w: Mapping[int, float] | pd.Series) -> dict[int, float]:
    given = {int(str(key)): float(value) for key, value in design_load_w.items()}
    wanted = net.heat_consumer.index[net.heat_consumer["in_service"].astype(bool)]
    missing = [int(i) for i in wanted if int(i) not in given]
    if missing:
        some = ", ".join(map(str, missing[:5]))
        raise GridError(
            f"design_load_w: heat consumers without a load: {some} ({len(missing)} in all); "
            "expected a load in W for every consumer in service; name them or switch them off"
        )
    bad = [i for i in wanted if not (math.isfinite(given[int(i)]) and given[int(i)] >= 0.0)]
    if bad:
        raise GridError(
            f"design_load_w: {given[int(bad[0])]} W at heat consumer {bad[0]}; expected a finite "
            "load of at least 0 W"
        )
    return {int(i): given[int(i)] for i in wanted}


def _pump(net: Any) -> pd.Series:
    table = net["circ_pump_pressure"] if "circ_pump_pressure" in net else pd.DataFrame()
    count = int(table["in_service"].sum()) if len(table) else 0
    if count != 1:
        raise GridError(
            f"{count} circulation pumps with given pressure in service; expected exactly one, "
            "the plant"
        )
    return table[table["in_service"]].iloc[0]


def _routes(net: Any, side: str, root: int, column: str, loads: Mapping[int, float]) -> Routes:
    """Return the shortest way from the pump to each consumer, in pipe indices."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_node(root)
    for index, pipe in net.pipe[net.pipe["in_service"]].iterrows():
        start, end = int(pipe["from_junction"]), int(pipe["to_junction"])
        length = float(pipe["length_km"])
        if not graph.has_edge(start, end) or graph[start][end]["length"] > length:
            graph.add_edge(start, end, length=length, pipe=int(index))
    if "valve" in net:
        for _, valve in net.valve[net.valve["opened"].astype(bool)].iterrows():
            graph.add_edge(int(valve["junction"]), int(valve["element"]), length=0.0, pipe=None)
    paths = nx.single_source_dijkstra_path(graph, root, weight="length")
    routes: Routes = {}
    for consumer in loads:
        end = int(net.heat_consumer.at[consumer, column])
        if end not in paths:
            raise GridError(
                f"heat consumer {consumer}: no {side} pipe leads from junction {root} (pump) to "
                f"junction {end}; expected a connected {side} side; check pipes and valves"
            )
        steps = zip(paths[end], paths[end][1:], strict=False)
        edges = [graph[a][b]["pipe"] for a, b in steps]
        routes[consumer] = tuple(pipe for pipe in edges if pipe is not None)
    return routes


def _sized_pipes(
    net: Any,
    flows: Mapping[int, float],
    routes: Mapping[str, Routes],
    water: Water,
    rules: SizingRules,
) -> pd.DataFrame:
    total = dict.fromkeys(net.pipe.index, 0.0)
    count = dict.fromkeys(net.pipe.index, 0)
    side_of = dict.fromkeys(net.pipe.index, "loop")
    for side, ways in routes.items():
        for consumer, way in ways.items():
            for pipe in way:
                total[pipe] += flows[consumer]
                count[pipe] += 1
                side_of[pipe] = side
    rows = {}
    for pipe in net.pipe.index:
        share = rules.simultaneity(count[pipe]) if rules.simultaneity and count[pipe] else 1.0
        flow = share * total[pipe]
        size = _choose(flow, water, rules, pipe)
        rows[pipe] = (side_of[pipe], count[pipe], flow, size)
    _close_loops(net, rows)
    return _table(net, rows, water, rules)


def _cooling(
    net: Any, pipes: pd.DataFrame, ways: Routes, water: Water, rules: SizingRules
) -> dict[int, float]:
    """Return how far the supply cools on its way to each consumer, in K.

    Along a pipe T - T_ground decays by exp(-U L / (m c)); with an unused way nothing decays.
    """
    transfer = pipes["loss_w_per_mk"] * net.pipe["length_km"] * 1000.0 / water.j_per_kg_k
    decay = (transfer / pipes["flow_kg_per_s"].where(pipes["flow_kg_per_s"] > 0.0)).fillna(0.0)
    above_k = rules.supply_temperature_c - rules.ground_temperature_c
    return {
        consumer: above_k * (1.0 - math.exp(-float(decay.loc[list(way)].sum())))
        for consumer, way in ways.items()
    }


Row = tuple[str, int, float, PipeSize]
"""Side, consumers, design flow in kg/s, size."""


def _choose(flow_kg_per_s: float, water: Water, rules: SizingRules, pipe: int) -> PipeSize:
    for size in rules.catalogue:
        gradient = water.gradient(flow_kg_per_s, size, rules.roughness_mm)
        speed = water.velocity(flow_kg_per_s, size)
        if gradient <= rules.gradient_max_pa_per_m and speed <= rules.velocity_max_m_per_s:
            return size
    raise GridError(
        f"pipe {pipe}: {flow_kg_per_s:.1f} kg/s is too much for DN {rules.catalogue[-1].dn}, the "
        "largest size of the catalogue; expected a smaller load or a larger catalogue"
    )


def _close_loops(net: Any, rows: dict[int, Row]) -> None:
    """Give pipes off all routes the larger size at the weaker of their two ends."""
    at: dict[int, list[PipeSize]] = {}
    for pipe, (side, _, _, size) in rows.items():
        if side != "loop":
            for column in ("from_junction", "to_junction"):
                at.setdefault(int(net.pipe.at[pipe, column]), []).append(size)
    for pipe, (side, consumers, flow, size) in list(rows.items()):
        if side != "loop":
            continue
        ends = [at.get(int(net.pipe.at[pipe, c]), [size]) for c in ("from_junction", "to_junction")]
        best = [max(sizes, key=lambda s: s.inner_diameter_mm) for sizes in ends]
        weaker = min(best, key=lambda s: s.inner_diameter_mm)
        rows[pipe] = (side, consumers, flow, weaker)


def _table(net: Any, rows: Mapping[int, Row], water: Water, rules: SizingRules) -> pd.DataFrame:
    lengths_m = net.pipe["length_km"] * 1000.0
    records = []
    for pipe, (side, consumers, flow, size) in rows.items():
        gradient = water.gradient(flow, size, rules.roughness_mm)
        records.append(
            {
                "pipe": pipe,
                "side": side,
                "consumers": consumers,
                "flow_kg_per_s": flow,
                "dn": size.dn,
                "inner_diameter_mm": size.inner_diameter_mm,
                "outer_diameter_mm": size.outer_diameter_mm,
                "velocity_m_per_s": water.velocity(flow, size),
                "gradient_pa_per_m": gradient,
                "drop_bar": gradient
                * lengths_m.at[pipe]
                * (1.0 + rules.fittings_share)
                / PA_PER_BAR,
                "loss_w_per_mk": heat_loss_w_per_mk(size, rules.trench),
            }
        )
    return pd.DataFrame(records).set_index("pipe")


def _write_pipes(net: Any, pipes: pd.DataFrame, rules: SizingRules, water: Water) -> None:
    table = net.pipe
    table["std_type"] = [f"EN253-DN{dn}" for dn in pipes["dn"]]
    table["inner_diameter_mm"] = pipes["inner_diameter_mm"]
    table["outer_diameter_mm"] = pipes["outer_diameter_mm"]
    table["k_mm"] = rules.roughness_mm
    table["text_k"] = celsius_to_kelvin(rules.ground_temperature_c)
    table["u_w_per_m2k"] = [
        pandapipes_u_w_per_m2k(loss, outer)
        for loss, outer in zip(pipes["loss_w_per_mk"], pipes["outer_diameter_mm"], strict=True)
    ]
    diameter_m = pipes["inner_diameter_mm"] / MM_PER_M
    reynolds = pipes["velocity_m_per_s"] * diameter_m * water.density / water.viscosity
    factors = [
        friction_factor(float(re), rules.roughness_mm / d_mm) if re > 0.0 else 0.0
        for re, d_mm in zip(reynolds, pipes["inner_diameter_mm"], strict=True)
    ]
    length_m = table["length_km"] * 1000.0
    table["loss_coefficient"] = rules.fittings_share * np.array(factors) * length_m / diameter_m


def _write_ends(
    net: Any,
    loads: Mapping[int, float],
    pipes: pd.DataFrame,
    lift_bar: float,
    rules: SizingRules,
) -> None:
    supply_k = celsius_to_kelvin(rules.supply_temperature_c)
    return_k = celsius_to_kelvin(rules.return_temperature_c)
    consumer = net.heat_consumer
    ids = list(loads)
    consumer.loc[ids, "qext_w"] = pd.Series(loads)
    consumer.loc[ids, "treturn_k"] = return_k
    consumer.loc[ids, ["controlled_mdot_kg_per_s", "deltat_k"]] = np.nan
    pump = net.circ_pump_pressure["in_service"].astype(bool)
    net.circ_pump_pressure.loc[pump, "plift_bar"] = lift_bar
    net.circ_pump_pressure.loc[pump, "p_flow_bar"] = rules.return_bar + lift_bar
    net.circ_pump_pressure.loc[pump, "t_flow_k"] = supply_k
    net.junction["tfluid_k"] = supply_k
    cold = pipes.index[pipes["side"] == "return"]
    for column in ("from_junction", "to_junction"):
        net.junction.loc[net.pipe.loc[cold, column], "tfluid_k"] = return_k
