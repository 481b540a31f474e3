"""First derivatives of a step of a mesh over the flows that it is solved for.

The unknowns are `y = (m, x)`: flow of every consumer and of every chord. In the order in which a
state is found (mass balance, temperatures in the order of flow, what falls along edges, pressures)
every quantity gets its row of derivatives over y. With the residuals of consumers and loops,

    R_c = |m| cp (t_in - t_out) - q_c = 0        R_k = sum of falls around loop k = 0,

J = dR/dy, and for any quantity g with row G: dg/dq = J^-T G at the consumers' places. Every
derivative is exact, those of the property tables (heat capacity, density, viscosity) included.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cosim.grids.heat.forest import NO_FLOW_KG_PER_S, Fluid, Plant, jit, table
from cosim.grids.heat.hydraulics import GRAVITY_M_PER_S2
from cosim.grids.heat.mesh.arrays import Mesh, State
from cosim.grids.heat.mesh.loops import fall, friction_of_all, friction_slope, lift_of
from cosim.grids.heat.mesh.sweep import order_of_flow, properties, sum_flows, temperatures
from cosim.records.time import FloatArray, IntArray
from cosim.units import PA_PER_BAR

SWEEPS, SETTLED_K = 60, 1.0e-9
CIRCLE_SWEEPS = 60
"""Passes over derivatives of temperatures where water flows in a circle."""


class Slopes(NamedTuple):
    """Derivatives of one step over y, first axis as in `Mesh`, second axis y.

    Attributes:
        f: of the flow through each edge, shape (E, y).
        t: of each node's temperature, K s/kg, shape (n, y).
        t_end: of the temperature at each edge's outlet, shape (E, y).
        p: of each node's pressure, bar s/kg, shape (n, y).
        jacobian: of the residuals, shape (y, y).
    """

    f: FloatArray
    t: FloatArray
    t_end: FloatArray
    p: FloatArray
    jacobian: FloatArray


@jit
def steepness(x: float, xs: FloatArray, ys: FloatArray) -> float:
    """Slope of a table at a point; beyond the ends the last segment goes on."""
    last = len(xs) - 1
    k = 1
    while k < last and xs[k] < x:
        k += 1
    return float((ys[k] - ys[k - 1]) / (xs[k] - xs[k - 1]))


@jit
def new_state(
    net: Mesh, fluid: Fluid, plant: Plant, m: FloatArray, x: FloatArray, t_out: FloatArray
) -> tuple[State, IntArray, int]:
    """Return the state that belongs to known flows, the order of flow, and nodes on circles."""
    n, edges = len(net.order), len(net.start)
    cp = table(plant.t_supply_k, fluid.cp_x, fluid.cp_y)
    state = State(
        m.copy(),
        t_out,
        x.copy(),
        np.zeros(edges),
        np.full(n, plant.t_supply_k),
        np.full(edges, plant.t_supply_k),
        np.full(n, cp),
        np.full(edges, cp),
        np.zeros(n),
        np.zeros(n),
        np.ones(edges),
        np.ones(edges),
    )
    order, waiting = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    sum_flows(net, state, np.zeros(n))
    circling = order_of_flow(net, state.f, waiting, order)
    for _ in range(SWEEPS):
        if temperatures(net, fluid, plant, state, order) < SETTLED_K:
            break
    properties(net, fluid, state)
    return state, order, circling


@jit
def flow_slopes(net: Mesh, state: State, f: FloatArray) -> None:
    """Write derivatives of all flows: sums along the tree, as in `sum_flows`."""
    size = len(state.m)
    drawn = np.zeros((len(net.order), f.shape[1]))
    for c in range(size):
        drawn[net.supply[c], c] += 1.0
        drawn[net.back[c], c] -= 1.0
        if net.bypass[c] >= 0 and 0.0 <= state.m[c] < net.least_kg_per_s[c]:
            f[net.bypass[c], c] = -1.0
            drawn[net.start[net.bypass[c]], c] -= 1.0
            drawn[net.end[net.bypass[c]], c] += 1.0
    for k in range(len(net.chord)):
        e = net.chord[k]
        f[e, size + k] = 1.0
        drawn[net.start[e], size + k] += 1.0
        drawn[net.end[e], size + k] -= 1.0
    for i in range(len(net.order) - 1, 0, -1):
        node = net.order[i]
        e, up = net.up[node], net.parent[node]
        sign = 1.0 if net.end[e] == node else -1.0
        for y in range(f.shape[1]):
            if drawn[node, y] != 0.0:
                f[e, y] = sign * drawn[node, y]
                drawn[up, y] += drawn[node, y]


@jit
def _given_sources(
    net: Mesh,
    fluid: Fluid,
    plant: Plant,
    state: State,
    f: FloatArray,
    num: FloatArray,
    den: FloatArray,
) -> None:
    """Add what consumers and producers push into nodes: their temperature is given."""
    for c in range(len(state.m)):
        m = state.m[c]
        if m != 0.0:
            i = net.back[c] if m > 0.0 else net.supply[c]
            apart = state.t_out[c] - state.t[i]
            cp = 0.5 * (table(state.t_out[c], fluid.cp_x, fluid.cp_y) + state.cp[i])
            num[i, c] += np.copysign(1.0, m) * cp * apart
            curve = 0.5 * steepness(state.t[i], fluid.cp_x, fluid.cp_y)
            den[i] += abs(m) * (cp - curve * apart)
    for e in range(len(net.start)):
        if np.isnan(net.hot_k[e]) or abs(state.f[e]) <= NO_FLOW_KG_PER_S:
            continue
        i = net.end[e] if state.f[e] > 0.0 else net.start[e]
        apart = state.t_end[e] - state.t[i]
        cp = 0.5 * (state.cp_end[e] + state.cp[i])
        curve = 0.5 * steepness(state.t[i], fluid.cp_x, fluid.cp_y)
        den[i] += abs(state.f[e]) * (cp - curve * apart)
        for y in range(f.shape[1]):
            num[i, y] += np.copysign(1.0, state.f[e]) * cp * apart * f[e, y]


@jit
def temperature_slopes(
    net: Mesh, fluid: Fluid, plant: Plant, state: State, order: IntArray, f: FloatArray,
    t: FloatArray, t_end: FloatArray,
) -> None:  # fmt: skip
    """Write derivatives of all temperatures in the order of flow.

    At a node, from `sum of |f| cp (t_end - t) = 0`; along an edge, from the exponential law with
    the mean heat capacity of its two ends.
    """
    n, size = len(net.order), f.shape[1]
    num, den = np.zeros((n, size)), np.zeros(n)
    _given_sources(net, fluid, plant, state, f, num, den)
    row = np.zeros(size)
    for node in order:
        row[:] = num[node]
        total = den[node]
        here = 0.5 * steepness(state.t[node], fluid.cp_x, fluid.cp_y)
        first, last = net.near_ptr[node], net.near_ptr[node + 1]
        for k in range(first, last):
            e = net.near[k]
            sign = 1.0 if net.end[e] == node else -1.0
            flow = sign * state.f[e]
            if flow <= NO_FLOW_KG_PER_S or not np.isnan(net.hot_k[e]):
                continue
            apart = state.t_end[e] - state.t[node]
            cp = 0.5 * (state.cp_end[e] + state.cp[node])
            there = 0.5 * steepness(state.t_end[e], fluid.cp_x, fluid.cp_y)
            total += flow * (cp - here * apart)
            by_flow, by_end = sign * cp * apart, flow * (cp + there * apart)
            for y in range(size):
                row[y] += by_flow * f[e, y] + by_end * t_end[e, y]
        for y in range(size):
            t[node, y] = row[y] / total if total > 0.0 else 0.0
        for k in range(first, last):
            e = net.near[k]
            sign = 1.0 if net.start[e] == node else -1.0
            if sign * state.f[e] > NO_FLOW_KG_PER_S and np.isnan(net.hot_k[e]):
                _outlet_slopes(net, fluid, state, e, node, sign, f, t, t_end)


@jit
def _outlet_slopes(
    net: Mesh, fluid: Fluid, state: State, e: int, node: int, sign: float, f: FloatArray,
    t: FloatArray, t_end: FloatArray,
) -> None:  # fmt: skip
    flow = sign * state.f[e]
    cp = 0.5 * (state.cp[node] + state.cp_end[e])
    heat_flow = cp * flow
    z = net.conductance_w_per_k[e] / heat_flow
    left = np.exp(-z)
    by_heat_flow = (state.t[node] - net.text_k[e]) * left * z + net.q_w[e] / heat_flow
    by_heat_flow /= heat_flow
    inlet = 0.5 * flow * steepness(state.t[node], fluid.cp_x, fluid.cp_y)
    outlet = 0.5 * flow * steepness(state.t_end[e], fluid.cp_x, fluid.cp_y)
    own = 1.0 - by_heat_flow * outlet
    by_inlet, by_flow = (left + by_heat_flow * inlet) / own, by_heat_flow * cp * sign / own
    for y in range(f.shape[1]):
        t_end[e, y] = by_inlet * t[node, y] + by_flow * f[e, y]


@jit
def fall_slopes(
    net: Mesh, fluid: Fluid, plant: Plant, state: State, slopes: Slopes, falls: FloatArray
) -> None:
    """Write derivatives of what falls along every edge with a law, bar s/kg, shape (n_law, y)."""
    re, lam = np.zeros(net.n_law), np.zeros(net.n_law)
    friction_of_all(net, plant.friction, state, re, lam)
    for e in range(net.n_law):
        value, steep = fall(net, plant.friction, state, e, lam[e], True)
        rise = net.height_m[net.start[e]] - net.height_m[net.end[e]]
        weight = GRAVITY_M_PER_S2 * rise / PA_PER_BAR
        lift, _ = lift_of(net, e, state.f[e])
        friction = value + state.rho[e] * weight + lift
        by_rho = -friction / state.rho[e] - weight
        by_eta = 0.0
        if net.length_m[e] > 0.0 and re[e] > 0.0:
            area = np.pi * net.diameter_m[e] ** 2 / 4.0
            scale = state.f[e] * abs(state.f[e]) / (2.0 * PA_PER_BAR * state.rho[e] * area**2)
            curve = friction_slope(net, plant.friction, e, re[e], lam[e])
            by_eta = -scale * net.length_m[e] / net.diameter_m[e] * curve / state.eta[e]
        node = net.end[e] if state.f[e] < -0.2 * NO_FLOW_KG_PER_S else net.start[e]
        thin = 0.5 * steepness(0.5 * (state.t[node] + state.t_end[e]), fluid.eta_x, fluid.eta_y)
        by_in = 0.5 * by_rho * steepness(state.t[node], fluid.rho_x, fluid.rho_y) + by_eta * thin
        by_end = 0.5 * by_rho * steepness(state.t_end[e], fluid.rho_x, fluid.rho_y) + by_eta * thin
        for y in range(falls.shape[1]):
            falls[e, y] = (
                steep * slopes.f[e, y] + by_in * slopes.t[node, y] + by_end * slopes.t_end[e, y]
            )


@jit
def slopes_of(
    net: Mesh, fluid: Fluid, plant: Plant, state: State, order: IntArray, circling: int
) -> Slopes:
    """Return every derivative of a state."""
    n, edges = len(net.order), len(net.start)
    consumers, size = len(state.m), len(state.m) + len(net.chord)
    slopes = Slopes(
        np.zeros((edges, size)),
        np.zeros((n, size)),
        np.zeros((edges, size)),
        np.zeros((n, size)),
        np.zeros((size, size)),
    )
    flow_slopes(net, state, slopes.f)
    for _ in range(CIRCLE_SWEEPS if circling > 0 else 1):
        temperature_slopes(net, fluid, plant, state, order, slopes.f, slopes.t, slopes.t_end)
    falls = np.zeros((net.n_law, size))
    fall_slopes(net, fluid, plant, state, slopes, falls)
    for i in range(1, n):
        node = net.order[i]
        e = net.up[node]
        if np.isnan(net.held_bar[e]):
            sign = -1.0 if net.end[e] == node else 1.0
            slopes.p[node] = slopes.p[net.parent[node]] + sign * falls[e]
    for c in range(consumers):
        m = state.m[c]
        if m == 0.0:
            slopes.jacobian[c, c] = 1.0
            continue
        i = net.supply[c] if m > 0.0 else net.back[c]
        apart = state.t[i] - state.t_out[c]
        cp = 0.5 * (state.cp[i] + table(state.t_out[c], fluid.cp_x, fluid.cp_y))
        curve = 0.5 * steepness(state.t[i], fluid.cp_x, fluid.cp_y)
        slopes.jacobian[c] = abs(m) * (cp + curve * apart) * slopes.t[i]
        slopes.jacobian[c, c] += np.copysign(1.0, m) * cp * apart
    for k in range(len(net.chord)):
        for entry in range(net.loop_ptr[k], net.loop_ptr[k + 1]):
            slopes.jacobian[consumers + k] += net.loop_sign[entry] * falls[net.loop_edge[entry]]
    return slopes
