"""Steady district-heat flow of many steps at once, on a supply tree and a return tree.

Same equations as pandapipes 0.16 in `mode="bidirectional"` (exponential cooling along a pipe,
mixing weighted with heat capacity, its water tables), solved differently: flows follow from the
consumers by summing up the tree, temperatures from one sweep up and one down, and the consumers'
mass flows from Newton's method, whose linear system is eliminated along the tree as well. A
consumer's unknown is `m`, kg/s from supply to return:

    |m| cp (t_in - t_out) = q

with `t_out` given (the return temperature where heat is drawn, the feed temperature where heat is
fed in and `m` is negative) and `t_in` the temperature of the junction that water is taken from.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cosim.grids.heat.forest import (
    NO_FLOW_KG_PER_S,
    Flow,
    Fluid,
    Forest,
    Plant,
    jit,
    mean_cp,
)
from cosim.grids.heat.hydraulics import pressures
from cosim.grids.heat.newton import Newton, Sweep, limited, linearise_consumers, newton_step
from cosim.records.time import FloatArray, IntArray

FLOW_TOLERANCE = 1.0e-10
"""Relative change of a mass flow in the last iteration."""
TEMPERATURE_TOLERANCE_K = 1.0e-8
FULL_STEPS, THIRD_STEPS, MAX_ITERATIONS = 12, 100, 400
"""Up to these iterations steps are full, then a third, then a tenth: where a pipe is nearly at rest
between two sources, longer steps swing around the solution."""
FEEDER_GUESS_J_PER_KG = 4190.0 * 30.0
"""Only where the search for a feeding terminal's flow starts."""


class Solution(NamedTuple):
    """State of every step, first axis T; nodes, edges and consumers as in `Forest`.

    Attributes:
        t: node temperature, K.
        t_end: temperature at the outlet of the edge, K.
        p: node gauge pressure, bar.
        f: flow towards the node, kg/s; at the supply root the flow through the pump.
        v: velocity along the edge's pipe, m/s.
        m: consumers' flow, kg/s.
        t_in: temperature at the consumers' inlet, K.
        iterations: of the mass flows; 0 where they did not converge, shape (T,).
    """

    t: FloatArray
    t_end: FloatArray
    p: FloatArray
    f: FloatArray
    v: FloatArray
    m: FloatArray
    t_in: FloatArray
    iterations: IntArray


@jit
def first_guess(net: Forest, fluid: Fluid, plant: Plant, q: FloatArray, flow: Flow) -> None:
    """Set mass flows as if every pipe lost heat at supply temperature: a little too much flow.

    Losses of a pipe are shared by the consumers behind it according to their heat. Starting above
    the solution keeps every consumer's inlet warmer than its outlet.
    """
    n = net.n_supply
    demand, share = np.zeros(n), np.zeros(n)
    for c in range(len(q)):
        if q[c] * plant.sense > 0.0:
            demand[net.supply[c]] += abs(q[c])
    for i in range(n - 1, 0, -1):
        demand[net.parent[i]] += demand[i]
    for i in range(1, n):
        share[i] = share[net.parent[i]]
        if demand[i] > 0.0:
            loss = net.conductance_w_per_k[i] * (plant.t_supply_k - net.text_k[i])
            share[i] += abs(loss) / demand[i]
    for c in range(len(q)):
        flow.m[c] = 0.0
        span = abs(plant.t_supply_k - flow.t_out[c])
        if q[c] * plant.sense > 0.0 and span > 0.0:
            cp = mean_cp(fluid, plant.t_supply_k, flow.t_out[c])
            flow.m[c] = abs(q[c]) * (1.0 + share[net.supply[c]]) / (cp * span)
        elif q[c] * plant.sense < 0.0:
            flow.m[c] = -abs(q[c]) / FEEDER_GUESS_J_PER_KG


@jit
def sum_flows(net: Forest, flow: Flow) -> None:
    """Sum the consumers' flows up both trees."""
    for i in range(len(flow.f)):
        flow.f[i] = 0.0
    for c in range(len(flow.m)):
        flow.f[net.supply[c]] += flow.m[c]
        flow.f[net.back[c]] -= flow.m[c]
    for i in range(len(flow.f) - 1, 0, -1):
        if net.parent[i] >= 0:
            flow.f[net.parent[i]] += flow.f[i]


@jit
def _cool(net: Forest, fluid: Fluid, flow: Flow, i: int, inlet_k: float) -> None:
    """Set the outlet temperature of edge `i`."""
    cp = mean_cp(fluid, inlet_k, flow.t_end[i])
    left = np.exp(-net.conductance_w_per_k[i] / (cp * abs(flow.f[i])))
    flow.t_end[i] = net.text_k[i] + (inlet_k - net.text_k[i]) * left


@jit
def _sources(net: Forest, fluid: Fluid, plant: Plant, flow: Flow, heat: FloatArray) -> None:
    """Add what consumers and the plant push into nodes to `heat` (W) and `flow.weight`."""
    for c in range(len(flow.m)):
        if flow.m[c] != 0.0:
            i = net.back[c] if flow.m[c] > 0.0 else net.supply[c]
            w = mean_cp(fluid, flow.t_out[c], flow.t[i]) * abs(flow.m[c])
            heat[i] += w * flow.t_out[c]
            flow.weight[i] += w
    if flow.f[0] > NO_FLOW_KG_PER_S:
        w = mean_cp(fluid, plant.t_supply_k, flow.t[0]) * flow.f[0]
        heat[0] += w * plant.t_supply_k
        flow.weight[0] += w
    elif flow.f[0] < -NO_FLOW_KG_PER_S:
        root = net.n_supply
        w = -mean_cp(fluid, plant.t_return_k, flow.t[root]) * flow.f[0]
        heat[root] += w * plant.t_return_k
        flow.weight[root] += w


@jit
def temperatures(net: Forest, fluid: Fluid, plant: Plant, flow: Flow) -> float:
    """Set upwind temperatures for given flows: one sweep up both trees, one down.

    Heat capacities are those of the temperatures found before, so that repeated calls converge.
    Returns the largest change of a node temperature, K.
    """
    heat = np.zeros(len(flow.t))
    for i in range(len(heat)):
        flow.weight[i] = 0.0
    _sources(net, fluid, plant, flow, heat)
    change = 0.0
    for i in range(len(flow.t) - 1, -1, -1):
        up = net.parent[i]
        if up >= 0 and flow.f[i] < -NO_FLOW_KG_PER_S:
            new = heat[i] / flow.weight[i]
            change = max(change, abs(new - flow.t[i]))
            flow.t[i] = new
            _cool(net, fluid, flow, i, new)
            w = -flow.f[i] * mean_cp(fluid, flow.t_end[i], flow.t[up])
            heat[up] += w * flow.t_end[i]
            flow.weight[up] += w
    for i in range(len(flow.t)):
        up = net.parent[i]
        if up >= 0 and flow.f[i] < -NO_FLOW_KG_PER_S:
            continue
        if up >= 0 and flow.f[i] > NO_FLOW_KG_PER_S:
            _cool(net, fluid, flow, i, flow.t[up])
            w = flow.f[i] * mean_cp(fluid, flow.t_end[i], flow.t[i])
            heat[i] += w * flow.t_end[i]
            flow.weight[i] += w
        else:
            flow.t_end[i] = plant.ambient_k
        new = heat[i] / flow.weight[i] if flow.weight[i] > 0.0 else plant.ambient_k
        change = max(change, abs(new - flow.t[i]))
        flow.t[i] = new
    return change


@jit
def mass_flows(net: Forest, fluid: Fluid, plant: Plant, q: FloatArray, flow: Flow) -> int:
    """Find every consumer's flow; returns the number of iterations, 0 if there were too many."""
    size, n = len(q), net.n_supply
    newton = Newton(np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size))
    sweep = Sweep(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n))
    for iteration in range(MAX_ITERATIONS):
        sum_flows(net, flow)
        change_k = temperatures(net, fluid, plant, flow)
        linearise_consumers(net, fluid, q, flow, newton)
        newton_step(net, fluid, flow, newton, sweep)
        damping = 1.0 if iteration < FULL_STEPS else 0.33 if iteration < THIRD_STEPS else 0.1
        largest = 0.0
        for c in range(size):
            if flow.m[c] != 0.0:
                new = limited(flow.m[c], damping * newton.dm[c], newton.slope[c], q[c])
                largest = max(largest, abs(new / flow.m[c] - 1.0))
                flow.m[c] = new
        if largest < FLOW_TOLERANCE and change_k < TEMPERATURE_TOLERANCE_K:
            return iteration + 1
        if not np.isfinite(largest):
            return 0
    return 0


@jit
def solve(net: Forest, fluid: Fluid, plant: Plant, q: FloatArray, t_out: FloatArray) -> Solution:
    """Solve every step.

    Args:
        net: the trees.
        fluid: property tables.
        plant: pump, heat source and options.
        q: heat drawn, W, negative where heat is fed in, shape (T, c).
        t_out: outlet temperature of each consumer, K, shape (T, c).
    """
    steps, size, n = q.shape[0], q.shape[1], len(net.parent)
    t, t_end, p = np.empty((steps, n)), np.empty((steps, n)), np.empty((steps, n))
    f, v = np.empty((steps, n)), np.zeros((steps, n))
    m, t_in = np.empty((steps, size)), np.empty((steps, size))
    iterations = np.zeros(steps, dtype=np.int64)
    for k in range(steps):
        flow = Flow(m[k], t_out[k], f[k], t[k], t_end[k], np.zeros(n))
        for i in range(n):
            flow.t[i] = plant.t_supply_k
            flow.t_end[i] = plant.t_supply_k
        first_guess(net, fluid, plant, q[k], flow)
        iterations[k] = mass_flows(net, fluid, plant, q[k], flow)
        pressures(net, fluid, plant, flow, p[k], v[k])
        for c in range(size):
            t_in[k, c] = t[k, net.supply[c] if m[k, c] >= 0.0 else net.back[c]]
    return Solution(t, t_end, p, f, v, m, t_in, iterations)
