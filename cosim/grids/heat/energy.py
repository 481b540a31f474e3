"""Energy of a district-heat network: who delivers, loses and needs how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.grids.heat.columns import HeatColumns, mean_water, water
from cosim.grids.heat.demand import Demand
from cosim.grids.heat.forest import NO_FLOW_KG_PER_S
from cosim.grids.heat.net import HeatNet
from cosim.records.time import FloatArray
from cosim.units import PA_PER_BAR, SECONDS_PER_HOUR, W_PER_KW, ZERO_CELSIUS_K

NORMAL_K = ZERO_CELSIUS_K
"""Temperature at which pandapipes takes the density for a pump's curve."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Energy of every step, kW, shape (T,).

    Attributes:
        plant_kw: heat (cold) that all circulation pumps deliver.
        loss_kw: plant and feeding terminals together, less what is drawn.
        auxiliary_kw: electricity of all pumps, those that lift fed-in water to supply pressure too.
        heat_kw: heat of each circ_pump_pressure, shape (T, k).
        pump_kw: electricity of each circ_pump_pressure, shape (T, k).
        mass_heat_kw: heat of each circ_pump_mass, shape (T, n).
        mass_pump_kw: its electricity, shape (T, n).
    """

    plant_kw: FloatArray
    loss_kw: FloatArray
    auxiliary_kw: FloatArray
    heat_kw: FloatArray
    pump_kw: FloatArray
    mass_heat_kw: FloatArray
    mass_pump_kw: FloatArray


def balance(net: HeatNet, demand: Demand, columns: HeatColumns, pump_efficiency: float) -> Balance:
    """Return who delivers, loses and needs how much; pumps take `volume flow * dp / eta`."""
    per_bar = PA_PER_BAR / pump_efficiency / W_PER_KW
    heat_kw = net.sense * columns.pump_w / W_PER_KW
    lift_bar = columns.p_bar[:, net.pump_ends[1]] - columns.p_bar[:, net.pump_ends[0]]
    pump_kw = np.maximum(columns.pump_m3_per_s, 0.0) * lift_bar * per_bar
    mass_heat_kw, mass_pump_kw = _mass_pumps(net, columns, per_bar)
    q_w = np.where(net.cut_off, 0.0, demand.q_w)
    drawn_kw = net.sense * (q_w.sum(axis=1) + _exchanged_w(net, columns)) / W_PER_KW
    rise_bar = np.where(demand.feeds(net.sense) & ~net.cut_off, drop_bar(net, columns), 0.0)
    lifted = np.where(rise_bar > 0.0, rise_bar * columns.consumer_m3_per_s, 0.0).sum(axis=1)
    lifted += _booster_bar_m3(net, columns)
    plant_kw = heat_kw.sum(axis=1) + mass_heat_kw.sum(axis=1)
    return Balance(
        plant_kw=plant_kw,
        loss_kw=plant_kw - drawn_kw,
        auxiliary_kw=pump_kw.sum(axis=1) + mass_pump_kw.sum(axis=1) + lifted * per_bar,
        heat_kw=heat_kw,
        pump_kw=pump_kw,
        mass_heat_kw=mass_heat_kw,
        mass_pump_kw=mass_pump_kw,
    )


def _mass_pumps(
    net: HeatNet, columns: HeatColumns, per_bar: float
) -> tuple[FloatArray, FloatArray]:
    """Return heat and electricity of the producers of given flow, kW, both of shape (T, n)."""
    fitting = net.fittings.get("circ_pump_mass")
    if fitting is None:
        none = np.zeros((len(columns.solved), 0))
        return none, none
    table = net.net.circ_pump_mass
    flow = np.nan_to_num(columns.fitting_kg_per_s[:, fitting.place])
    hot_k = np.broadcast_to(table["t_flow_k"].to_numpy(dtype=float), flow.shape)
    back_k = np.where(flow > 0.0, columns.t_k[:, fitting.ends[0]], hot_k)
    heat_w = flow * mean_water(net, "cp", hot_k, back_k) * (hot_k - back_k)
    rise_bar = columns.p_bar[:, fitting.ends[1]] - columns.p_bar[:, fitting.ends[0]]
    volume = flow / mean_water(net, "rho", hot_k, back_k)
    pump_kw = np.where(flow > 0.0, np.maximum(rise_bar, 0.0) * volume * per_bar, 0.0)
    return net.sense * heat_w / W_PER_KW, pump_kw


def _exchanged_w(net: HeatNet, columns: HeatColumns) -> FloatArray:
    """Return the heat that the file's heat exchangers draw, W, shape (T,)."""
    fitting = net.fittings.get("heat_exchanger")
    if fitting is None:
        return np.zeros(len(columns.solved))
    flowing = np.abs(columns.fitting_kg_per_s[:, fitting.place]) > NO_FLOW_KG_PER_S
    q_w = net.net.heat_exchanger["qext_w"].to_numpy(dtype=float)
    return np.asarray(np.where(flowing, q_w, 0.0).sum(axis=1))


def _booster_bar_m3(net: HeatNet, columns: HeatColumns) -> FloatArray:
    """Return lift times volume flow of all booster pumps, bar m3/s, shape (T,)."""
    fitting = net.fittings.get("pump")
    total = np.zeros(len(columns.solved))
    if fitting is None:
        return total
    flow = columns.fitting_kg_per_s[:, fitting.place]
    normal = float(net.net.fluid.get_density(NORMAL_K))
    for k, name in enumerate(net.net.pump["std_type"]):
        curve = net.net.std_types["pump"][name].reg_par
        forward = np.maximum(np.nan_to_num(flow[:, k]), 0.0)
        lift = np.maximum(np.polyval(curve, forward / normal * SECONDS_PER_HOUR), 0.0)
        rho = water(net, "rho", columns.t_k[:, fitting.ends[0][k]])
        total += np.where(forward > 0.0, lift * forward / rho, 0.0)
    return total


def drop_bar(net: HeatNet, columns: HeatColumns) -> FloatArray:
    """Return the pressure between supply and return of every consumer, bar, shape (T, c)."""
    a, b = net.consumer_ends
    return np.asarray(columns.p_bar[:, a] - columns.p_bar[:, b], dtype=np.float64)
