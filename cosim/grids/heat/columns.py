"""Raw results of a district-heat network, from the batch or from pandapipes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from cosim.grids.heat.demand import Demand
from cosim.grids.heat.fast import Fast
from cosim.grids.heat.net import HeatNet
from cosim.records.time import FloatArray, IntArray


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
        pump_kg_per_s: flow through the circulation pumps (circ_pump_pressure), shape (T, k).
        pump_m3_per_s: the same as a volume, shape (T, k).
        pump_w: heat that they add, shape (T, k).
        fitting_kg_per_s: flow through everything else, see `HeatNet.fittings`, shape (T, f).
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
    fitting_kg_per_s: FloatArray
    solved: np.ndarray

    def put(self, rows: IntArray, other: HeatColumns) -> None:
        """Overwrite some of the steps."""
        for item in fields(self):
            getattr(self, item.name)[rows] = getattr(other, item.name)


def empty_columns(net: HeatNet, steps: int) -> HeatColumns:
    """Return columns full of NaN."""
    j, p, c = len(net.junction_ids), len(net.pipe_ids), len(net.consumer_ids)
    k, f = len(net.pump_ids), sum(len(fitting.ids) for fitting in net.fittings.values())
    arrays: list[np.ndarray] = [
        np.full((steps, n), np.nan) for n in (j, j, p, p, c, c, c, k, k, k, f)
    ]
    return HeatColumns(*[*arrays, np.zeros(steps, dtype=bool)])


def fast_columns(net: HeatNet, demand: Demand, fast: Fast) -> HeatColumns:
    """Return the columns that pandapipes would show for a batch solution."""
    columns = empty_columns(net, len(demand.steps))
    columns.t_k[:] = fast.t_k
    columns.p_bar[:] = fast.p_bar
    columns.pipe_kg_per_s[:] = fast.flows["pipe"]
    columns.pipe_m_per_s[:] = fast.pipe_m_per_s
    columns.consumer_kg_per_s[:] = fast.m
    outlet_k = np.where(fast.m != 0.0, demand.t_out_k, net.plant.ambient_k)
    columns.outlet_k[:] = np.where(np.isfinite(fast.m), outlet_k, np.nan)
    density = mean_water(net, "rho", fast.t_in_k, columns.outlet_k)
    columns.consumer_m3_per_s[:] = np.abs(fast.m) / density
    flow = fast.flows["circ_pump_pressure"]
    hot_k = net.net.circ_pump_pressure["t_flow_k"].to_numpy(dtype=float)[None, :]
    supply_k = np.where(flow < 0.0, fast.t_k[:, net.pump_ends[1]], hot_k)
    back_k = np.where(flow < 0.0, net.plant.t_return_k, fast.t_k[:, net.pump_ends[0]])
    columns.pump_kg_per_s[:] = flow
    columns.pump_m3_per_s[:] = flow / mean_water(net, "rho", supply_k, back_k)
    columns.pump_w[:] = flow * mean_water(net, "cp", supply_k, back_k) * (supply_k - back_k)
    for table, fitting in net.fittings.items():
        columns.fitting_kg_per_s[:, fitting.place] = fast.flows[table]
    columns.solved[:] = fast.solved
    for item in fields(columns):
        if item.name != "solved":
            getattr(columns, item.name)[~columns.solved] = np.nan
    return columns


def water(net: HeatNet, what: Literal["rho", "cp"], t_k: FloatArray) -> FloatArray:
    """Return density, kg/m3, or heat capacity, J/(kg K), at temperatures."""
    if net.fluid is None:
        fluid = net.net.fluid
        values = fluid.get_density(t_k) if what == "rho" else fluid.get_heat_capacity(t_k)
        return np.asarray(values, dtype=np.float64)
    if what == "rho":
        return _table(t_k, net.fluid.rho_x, net.fluid.rho_y)
    return _table(t_k, net.fluid.cp_x, net.fluid.cp_y)


def mean_water(
    net: HeatNet, what: Literal["rho", "cp"], a_k: FloatArray, b_k: FloatArray
) -> FloatArray:
    """Return the mean of a property at two temperatures."""
    return np.asarray((water(net, what, a_k) + water(net, what, b_k)) / 2.0)


def _table(x: FloatArray, xs: FloatArray, ys: FloatArray) -> FloatArray:
    """Interpolate linearly; beyond the ends the last segment goes on."""
    k = np.clip(np.searchsorted(xs, x), 1, len(xs) - 1)
    slope = (ys[k] - ys[k - 1]) / (xs[k] - xs[k - 1])
    return np.asarray(ys[k - 1] + slope * (x - xs[k - 1]), dtype=np.float64)
