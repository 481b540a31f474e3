"""Result columns of a district-heat network, from the batch or from pandapipes.

Derived columns, which pandapipes does not have:

- `heat_consumer.dp_bar`: `p_from - p_to`, NaN unless heat is drawn.
- `heat_consumer.supply_temperature_c`: at the inlet, NaN unless heat is drawn.
- `pipe.speed_m_per_s`: amount of the velocity.
- `circ_pump_pressure.heat_kw`, `.pump_kw`, `.return_temperature_c`: what the plant delivers, the
  electricity of its pump, and what comes back (NaN while the pump stands still).
- `circ_pump_pressure.heat_beside_feed_in_kw`: `heat_kw` where somebody feeds in, NaN elsewhere.

A plant that would run backwards is a state on paper: it cools what comes from the supply line to
the return temperature, and its pump needs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from cosim.grids.heat.batch import Solution
from cosim.grids.heat.forest import NO_FLOW_KG_PER_S
from cosim.grids.heat.net import HeatNet
from cosim.grids.heat.setpoints import Demand
from cosim.records import StateField, read_only
from cosim.records.time import FloatArray, IntArray
from cosim.units import PA_PER_BAR, W_PER_KW, celsius_to_kelvin

DERIVED = frozenset(
    {
        ("heat_consumer", "dp_bar"),
        ("heat_consumer", "supply_temperature_c"),
        ("pipe", "speed_m_per_s"),
        ("circ_pump_pressure", "heat_kw"),
        ("circ_pump_pressure", "heat_beside_feed_in_kw"),
        ("circ_pump_pressure", "pump_kw"),
        ("circ_pump_pressure", "return_temperature_c"),
    }
)


@dataclass(frozen=True, slots=True)
class HeatColumns:
    """Raw results over T steps, NaN where there are none; the arrays may be filled step by step.

    Attributes:
        p_bar: gauge pressure of junctions, shape (T, j).
        t_k: temperature of junctions, shape (T, j).
        pipe_kg_per_s: flow from `from_junction` to `to_junction`, shape (T, p).
        pipe_m_per_s: velocity in that direction, shape (T, p).
        consumer_kg_per_s: flow from supply to return, shape (T, c).
        consumer_m3_per_s: its amount as a volume, shape (T, c).
        outlet_k: temperature at the consumers' outlets, shape (T, c).
        pump_kg_per_s: flow through the circulation pump, shape (T,).
        pump_m3_per_s: the same as a volume, shape (T,).
        pump_w: heat that the plant adds, shape (T,).
        solved: shape (T,).
    """

    p_bar: FloatArray
    t_k: FloatArray
    pipe_kg_per_s: FloatArray
    pipe_m_per_s: FloatArray
    consumer_kg_per_s: FloatArray
    consumer_m3_per_s: FloatArray
    outlet_k: FloatArray
    pump_kg_per_s: FloatArray
    pump_m3_per_s: FloatArray
    pump_w: FloatArray
    solved: np.ndarray

    def put(self, rows: IntArray, other: HeatColumns) -> None:
        """Overwrite some of the steps."""
        for item in fields(self):
            getattr(self, item.name)[rows] = getattr(other, item.name)


def empty_columns(net: HeatNet, steps: int) -> HeatColumns:
    """Return columns full of NaN."""
    j, p, c = len(net.junction_ids), len(net.pipe_ids), len(net.consumer_ids)
    arrays: list[np.ndarray] = [np.full((steps, n), np.nan) for n in (j, j, p, p, c, c, c)]
    arrays += [np.full(steps, np.nan) for _ in range(3)]
    return HeatColumns(*[*arrays, np.zeros(steps, dtype=bool)])


def batch_columns(net: HeatNet, demand: Demand, solution: Solution) -> HeatColumns:
    """Return the columns that pandapipes would show for a batch solution."""
    forest, nodes, edges = net.trees.forest, net.trees.nodes, net.trees.edges
    assert forest is not None
    columns = empty_columns(net, len(demand.steps))
    inner = edges >= 0
    columns.t_k[:, nodes] = solution.t
    columns.p_bar[:, nodes] = solution.p
    columns.pipe_m_per_s[:, edges[inner]] = solution.v[:, inner]
    columns.pipe_kg_per_s[:, edges[inner]] = solution.f[:, inner] * forest.forward[inner]
    columns.consumer_kg_per_s[:] = solution.m
    flowing = solution.m != 0.0
    columns.outlet_k[:] = np.where(flowing, demand.t_out_k, net.plant.ambient_k)
    density = (_density(net, solution.t_in) + _density(net, columns.outlet_k)) / 2.0
    columns.consumer_m3_per_s[:] = np.abs(solution.m) / density
    flow = solution.f[:, 0]
    supply_k = np.where(flow < 0.0, solution.t[:, 0], net.plant.t_supply_k)
    back_k = np.where(flow < 0.0, net.plant.t_return_k, solution.t[:, forest.n_supply])
    columns.pump_kg_per_s[:] = flow
    columns.pump_m3_per_s[:] = flow / ((_density(net, back_k) + _density(net, supply_k)) / 2.0)
    columns.pump_w[:] = flow * (_cp(net, back_k) + _cp(net, supply_k)) / 2.0 * (supply_k - back_k)
    columns.solved[:] = solution.iterations > 0
    for item in fields(columns):
        if item.name != "solved":
            getattr(columns, item.name)[~columns.solved] = np.nan
    return columns


def _density(net: HeatNet, t_k: FloatArray) -> FloatArray:
    assert net.trees.fluid is not None
    return _table(t_k, net.trees.fluid.rho_x, net.trees.fluid.rho_y)


def _cp(net: HeatNet, t_k: FloatArray) -> FloatArray:
    assert net.trees.fluid is not None
    return _table(t_k, net.trees.fluid.cp_x, net.trees.fluid.cp_y)


def _table(x: FloatArray, xs: FloatArray, ys: FloatArray) -> FloatArray:
    """Interpolate linearly; beyond the ends the last segment goes on."""
    k = np.clip(np.searchsorted(xs, x), 1, len(xs) - 1)
    slope = (ys[k] - ys[k - 1]) / (xs[k] - xs[k - 1])
    return np.asarray(ys[k - 1] + slope * (x - xs[k - 1]), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Balance:
    """Energy of every step, kW, shape (T,).

    Attributes:
        plant_kw: heat (cold, for cooling) that the plant delivers.
        loss_kw: plant and feeding terminals together, less what is drawn.
        pump_kw: electricity of the circulation pump.
        auxiliary_kw: the same with the pumps that lift fed-in water to supply pressure.
    """

    plant_kw: FloatArray
    loss_kw: FloatArray
    pump_kw: FloatArray
    auxiliary_kw: FloatArray


def balance(net: HeatNet, demand: Demand, columns: HeatColumns, pump_efficiency: float) -> Balance:
    """Return who delivers, loses and needs how much; pumps take `volume flow * dp / eta`."""
    plant_kw = net.sense * columns.pump_w / W_PER_KW
    drawn_kw = net.sense * demand.q_w.sum(axis=1) / W_PER_KW
    per_bar = PA_PER_BAR / pump_efficiency / W_PER_KW
    back, flow = net.pump_ends
    lift_bar = columns.p_bar[:, flow] - columns.p_bar[:, back]
    pump_kw = np.maximum(columns.pump_m3_per_s, 0.0) * lift_bar * per_bar
    rise_bar = np.where(demand.feeds(net.sense), _drop_bar(net, columns), 0.0)
    boost_kw = (np.maximum(rise_bar, 0.0) * columns.consumer_m3_per_s).sum(axis=1) * per_bar
    return Balance(plant_kw, plant_kw - drawn_kw, pump_kw, pump_kw + boost_kw)


def _drop_bar(net: HeatNet, columns: HeatColumns) -> FloatArray:
    a, b = net.consumer_ends
    return np.asarray(columns.p_bar[:, a] - columns.p_bar[:, b], dtype=np.float64)


def state_fields(
    net: HeatNet, demand: Demand, columns: HeatColumns, energy: Balance
) -> tuple[StateField, ...]:
    """Return all result columns as records."""
    q_w = np.where(columns.solved[:, None], demand.q_w, np.nan)
    drawing = demand.draws(net.sense)
    zero_c = celsius_to_kelvin(0.0)
    inlet_c = columns.t_k[:, net.consumer_ends[0]] - zero_c
    back_c = columns.t_k[:, net.pump_ends[0]] - zero_c
    running = columns.pump_kg_per_s > NO_FLOW_KG_PER_S
    fed = demand.feeds(net.sense).any(axis=1)
    pump = {
        "mdot_from_kg_per_s": columns.pump_kg_per_s,
        "qext_w": columns.pump_w,
        "heat_kw": energy.plant_kw,
        "heat_beside_feed_in_kw": np.where(fed, energy.plant_kw, np.nan),
        "pump_kw": energy.pump_kw,
        "return_temperature_c": np.where(running, back_c, np.nan),
    }
    blocks = {
        "junction": {"p_bar": columns.p_bar, "t_k": columns.t_k},
        "pipe": {
            **_ends(columns, net.pipe_ends),
            "mdot_from_kg_per_s": columns.pipe_kg_per_s,
            "v_mean_m_per_s": columns.pipe_m_per_s,
            "speed_m_per_s": np.abs(columns.pipe_m_per_s),
        },
        "heat_consumer": {
            **_ends(columns, net.consumer_ends),
            "t_outlet_k": columns.outlet_k,
            "mdot_from_kg_per_s": columns.consumer_kg_per_s,
            "qext_w": q_w,
            "dp_bar": np.where(drawing, _drop_bar(net, columns), np.nan),
            "supply_temperature_c": np.where(drawing, inlet_c, np.nan),
        },
        "circ_pump_pressure": {
            **_ends(columns, net.pump_ends[:, None]),
            **{name: values[:, None] for name, values in pump.items()},
        },
    }
    return tuple(
        StateField(element, quantity, net.ids(element), read_only(values))
        for element, block in blocks.items()
        for quantity, values in block.items()
    )


def _ends(columns: HeatColumns, ends: IntArray) -> dict[str, FloatArray]:
    """Return pressure and temperature of the junctions at both ends of a branch table."""
    return {
        "p_from_bar": columns.p_bar[:, ends[0]],
        "p_to_bar": columns.p_bar[:, ends[1]],
        "t_from_k": columns.t_k[:, ends[0]],
        "t_to_k": columns.t_k[:, ends[1]],
    }
