"""Flows from mass balance and temperatures in the order of flow, for one step of a mesh."""

from __future__ import annotations

import numpy as np

from cosim.grids.heat.forest import NO_FLOW_KG_PER_S, Fluid, Plant, jit, table
from cosim.grids.heat.mesh.arrays import Mesh, State
from cosim.records.time import FloatArray, IntArray


@jit
def sum_flows(net: Mesh, state: State, drawn: FloatArray) -> None:
    """Set every flow from the consumers' and the chords', by sums along the spanning tree.

    Args:
        net: the network.
        state: `m` and `x` are read, `f` is written.
        drawn: room for what leaves the law edges at each node, kg/s, shape (n,).
    """
    drawn[:] = 0.0
    for c in range(len(state.m)):
        drawn[net.supply[c]] += state.m[c]
        drawn[net.back[c]] -= state.m[c]
        if net.bypass[c] >= 0:
            state.f[net.bypass[c]] = bypass_flow(net, state.m[c], c)
    for e in range(net.n_law, len(net.start)):
        if not np.isnan(net.given_kg_per_s[e]):
            state.f[e] = net.given_kg_per_s[e]
        drawn[net.start[e]] += state.f[e]
        drawn[net.end[e]] -= state.f[e]
    for k in range(len(net.chord)):
        e = net.chord[k]
        state.f[e] = state.x[k]
        drawn[net.start[e]] += state.x[k]
        drawn[net.end[e]] -= state.x[k]
    for i in range(len(net.order) - 1, 0, -1):
        node = net.order[i]
        e, up = net.up[node], net.parent[node]
        state.f[e] = drawn[node] if net.end[e] == node else -drawn[node]
        drawn[up] += drawn[node]


@jit
def bypass_flow(net: Mesh, m: float, c: int) -> float:
    """Flow past consumer `c`: what it lacks of the least flow; none while it feeds in."""
    if m < 0.0:
        return 0.0
    return max(0.0, float(net.least_kg_per_s[c] - m))


@jit
def order_of_flow(net: Mesh, f: FloatArray, waiting: IntArray, order: IntArray) -> int:
    """Write the nodes into `order` so that water comes from earlier ones (Kahn's algorithm).

    A producer's outlet does not depend on its inlet. Nodes on a cycle of flow (a booster pump that
    pumps in a circle) come last; their temperatures follow by iteration. Returns their number.
    """
    n, edges = len(net.order), len(net.start)
    waiting[:] = 0
    for e in range(edges):
        if abs(f[e]) > NO_FLOW_KG_PER_S and np.isnan(net.hot_k[e]):
            waiting[net.end[e] if f[e] > 0.0 else net.start[e]] += 1
    last = 0
    for i in range(n):
        node = net.order[i]
        if waiting[node] == 0:
            order[last] = node
            last += 1
    first = 0
    while first < last:
        node = order[first]
        first += 1
        for k in range(net.near_ptr[node], net.near_ptr[node + 1]):
            e = net.near[k]
            if abs(f[e]) <= NO_FLOW_KG_PER_S or not np.isnan(net.hot_k[e]):
                continue
            if (net.start[e] if f[e] > 0.0 else net.end[e]) == node:
                other = net.end[e] if f[e] > 0.0 else net.start[e]
                waiting[other] -= 1
                if waiting[other] == 0:
                    order[last] = other
                    last += 1
    circling = n - last
    for i in range(n):
        if waiting[net.order[i]] > 0:
            order[last] = net.order[i]
            last += 1
    return circling


@jit
def _sources(net: Mesh, fluid: Fluid, plant: Plant, state: State) -> None:
    """Write what consumers and producers push into nodes into `heat` and `weight`."""
    state.heat[:] = 0.0
    state.weight[:] = 0.0
    for c in range(len(state.m)):
        if state.m[c] != 0.0:
            i = net.back[c] if state.m[c] > 0.0 else net.supply[c]
            cp = 0.5 * (table(state.t_out[c], fluid.cp_x, fluid.cp_y) + state.cp[i])
            state.heat[i] += cp * abs(state.m[c]) * state.t_out[c]
            state.weight[i] += cp * abs(state.m[c])
    for e in range(len(net.start)):
        if np.isnan(net.hot_k[e]):
            continue
        backwards = state.f[e] < -NO_FLOW_KG_PER_S
        state.t_end[e] = plant.t_return_k if backwards else net.hot_k[e]
        state.cp_end[e] = table(state.t_end[e], fluid.cp_x, fluid.cp_y)
        if abs(state.f[e]) > NO_FLOW_KG_PER_S:
            i = net.start[e] if backwards else net.end[e]
            w = 0.5 * (state.cp_end[e] + state.cp[i]) * abs(state.f[e])
            state.heat[i] += w * state.t_end[e]
            state.weight[i] += w


@jit
def temperatures(net: Mesh, fluid: Fluid, plant: Plant, state: State, order: IntArray) -> float:
    """Set upwind temperatures for given flows; returns the largest change of a node, K.

    `T_out = T_ext + (T_in - T_ext) exp(-UA / (cp m)) - q / (cp m)` along edges and mixing weighted
    with heat capacity at nodes. Heat capacities are those found before: repeated calls converge.
    """
    _sources(net, fluid, plant, state)
    change = 0.0
    for node in order:
        heat, weight = state.heat[node], state.weight[node]
        first, last = net.near_ptr[node], net.near_ptr[node + 1]
        for k in range(first, last):
            e = net.near[k]
            f = state.f[e] if net.end[e] == node else -state.f[e]
            if f > NO_FLOW_KG_PER_S and np.isnan(net.hot_k[e]):
                w = 0.5 * (state.cp_end[e] + state.cp[node]) * f
                heat += w * state.t_end[e]
                weight += w
        new = heat / weight if weight > 0.0 else plant.ambient_k
        change = max(change, abs(new - state.t[node]))
        state.t[node] = new
        state.cp[node] = table(new, fluid.cp_x, fluid.cp_y)
        for k in range(first, last):
            e = net.near[k]
            f = state.f[e] if net.start[e] == node else -state.f[e]
            if f > NO_FLOW_KG_PER_S and np.isnan(net.hot_k[e]):
                flow_w = 0.5 * (state.cp[node] + state.cp_end[e]) * f
                left = np.exp(-net.conductance_w_per_k[e] / flow_w)
                out = net.text_k[e] + (new - net.text_k[e]) * left - net.q_w[e] / flow_w
                state.t_end[e] = out
                state.cp_end[e] = table(out, fluid.cp_x, fluid.cp_y)
            elif abs(f) <= NO_FLOW_KG_PER_S and np.isnan(net.hot_k[e]):
                state.t_end[e] = plant.ambient_k
    return change


@jit
def properties(net: Mesh, fluid: Fluid, state: State) -> None:
    """Set density and viscosity along every edge with a law, as pandapipes means them."""
    for e in range(net.n_law):
        backwards = state.f[e] < -0.2 * NO_FLOW_KG_PER_S
        inlet_k = state.t[net.end[e] if backwards else net.start[e]]
        end_k = state.t_end[e]
        inlet_rho = table(inlet_k, fluid.rho_x, fluid.rho_y)
        state.rho[e] = 0.5 * (inlet_rho + table(end_k, fluid.rho_x, fluid.rho_y))
        state.eta[e] = table(0.5 * (inlet_k + end_k), fluid.eta_x, fluid.eta_y)
