"""Steady flow of many steps at once on a network of any shape.

The equations are those of `cosim.grids.heat.batch`. What is searched for are the consumers' mass
flows: for given ones the loops are closed by Newton's method, temperatures follow in the order of
flow, and every consumer says which flow it would need at the inlet temperature it gets,

    g = q / (cp (t_in - t_out)).

The fixed point m = g is found on ln m and the flows through the chords. If all flows upstream of a
consumer rise together, its inlet temperature rises, and it needs less: d ln g = -r d ln m with
`r = (t_in - t_ground) ln((t_supply - t_ground)/(t_in - t_ground)) / (t_in - t_out)`; dividing by
1 + r takes most of that out, and Anderson's method the rest.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cosim.grids.heat.forest import NO_FLOW_KG_PER_S, Fluid, Plant, jit, mean_cp, table
from cosim.grids.heat.mesh.anderson import WINDOW, mix
from cosim.grids.heat.mesh.arrays import Found, Mesh, State
from cosim.grids.heat.mesh.loops import close_loops, fall, friction_of_all, polish_loops
from cosim.grids.heat.mesh.sweep import order_of_flow, properties, sum_flows, temperatures
from cosim.records.time import FloatArray, IntArray

FLOW_TOLERANCE = 1.0e-10
"""Relative change of a mass flow in the last iteration."""
TEMPERATURE_TOLERANCE_K = 1.0e-8
GAP_TOLERANCE_BAR = 1.0e-9
MAX_ITERATIONS = 250
PLAIN_AFTER = 100
"""From this iteration on: damped steps without Anderson's method."""
LARGEST_RISE, LARGEST_FALL = 1.6, 0.9
"""Largest step of ln m (a factor of five up, of two and a half down)."""
RESTART = 2.0
"""Growth of the residual at which the past is forgotten."""
SMALLEST_FLOW_KG_PER_S = 1.0e-3
BUOYANT_ITERATIONS, BUOYANT_RESIDUAL = 40, 0.01
"""So long loops with rising pipes go half way only, unless they have nearly settled."""
COLD_RISE = 0.4
"""Step of ln m where the inlet is no better than the outlet: half as much water again."""
FEEDER_GUESS_J_PER_KG = 4190.0 * 30.0
LEAST_DISTANCE_K = 1.0e-6


@jit
def first_guess(net: Mesh, fluid: Fluid, plant: Plant, q: FloatArray, state: State) -> None:
    """Set mass flows as if everybody shared the losses of all pipes by what they draw."""
    drawn, lost = 0.0, 0.0
    for c in range(len(q)):
        if q[c] * plant.sense > 0.0:
            drawn += abs(q[c])
    for e in range(net.n_law):
        lost += 0.5 * abs(net.conductance_w_per_k[e] * (plant.t_supply_k - net.text_k[e]))
    for c in range(len(q)):
        state.m[c] = 0.0
        span = abs(plant.t_supply_k - state.t_out[c])
        if q[c] * plant.sense > 0.0 and span > 0.0:
            cp = mean_cp(fluid, plant.t_supply_k, state.t_out[c])
            state.m[c] = abs(q[c]) * (1.0 + lost / drawn) / (cp * span)
        elif q[c] * plant.sense < 0.0:
            state.m[c] = -abs(q[c]) / FEEDER_GUESS_J_PER_KG


@jit
def start_cold(net: Mesh, fluid: Fluid, plant: Plant, state: State) -> None:
    """Set every temperature to that of the supply and the loops at rest."""
    cp = table(plant.t_supply_k, fluid.cp_x, fluid.cp_y)
    state.t[:] = plant.t_supply_k
    state.t_end[:] = plant.t_supply_k
    state.cp[:] = cp
    state.cp_end[:] = cp
    state.x[:] = 0.0


@jit
def wanted_step(
    net: Mesh, fluid: Fluid, plant: Plant, q: FloatArray, state: State, c: int
) -> float:
    """How far ln |m| of a consumer is from what it needs, divided by 1 + r."""
    m = state.m[c]
    t_in = state.t[net.supply[c] if m > 0.0 else net.back[c]]
    span = t_in - state.t_out[c]
    if span * q[c] <= 0.0:
        return COLD_RISE
    need = q[c] / (mean_cp(fluid, t_in, state.t_out[c]) * span)
    held = net.bypass[c] >= 0 and m < net.least_kg_per_s[c]
    if m < 0.0 or held:
        return float(np.log(need / abs(m)))
    above = (t_in - plant.ambient_k) * plant.sense
    from_plant = (plant.t_supply_k - plant.ambient_k) * plant.sense
    answer = 0.0
    if above > LEAST_DISTANCE_K and from_plant > above:
        answer = above * np.log(from_plant / above) / abs(span)
    return float(np.log(need / abs(m)) / (1.0 + answer))


class Work(NamedTuple):
    """Room for one step; `u` and `step` hold ln |m| of the consumers, then x over `scale`.

    Attributes:
        drawn: see `sum_flows`, shape (n,).
        waiting: see `order_of_flow`, shape (n,).
        order: nodes in the order of flow, shape (n,).
        signs: direction of every edge's flow, shape (E,).
        u: where the iteration is, shape (c + L,).
        step: where it wants to go from there, shape (c + L,).
        past_u: the last iterates, shape (WINDOW + 1, c + L).
        past_g: their steps.
    """

    drawn: FloatArray
    waiting: IntArray
    order: IntArray
    signs: FloatArray
    u: FloatArray
    step: FloatArray
    past_u: FloatArray
    past_g: FloatArray


@jit
def solve_step(net: Mesh, fluid: Fluid, plant: Plant, q: FloatArray, state: State) -> int:
    """Find every flow and temperature of a step; returns the iterations needed, 0 if too many."""
    n, size = len(net.order), len(q) + len(net.chord)
    work = Work(
        np.zeros(n),
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        np.full(len(net.start), 9.0),
        np.zeros(size),
        np.zeros(size),
        np.zeros((WINDOW + 1, size)),
        np.zeros((WINDOW + 1, size)),
    )
    count, before, exact = 0, np.inf, False
    buoyant = rises(net)
    close(net, fluid, plant, state, work, False)
    for iteration in range(MAX_ITERATIONS):
        if turned(state.f, work.signs):
            order_of_flow(net, state.f, work.waiting, work.order)
        change_k = temperatures(net, fluid, plant, state, work.order)
        scale = max(abs(state.f[net.up[net.order[1]]]), SMALLEST_FLOW_KG_PER_S)
        consumer_steps(net, fluid, plant, q, state, work)
        damping = 1.0 if iteration < PLAIN_AFTER else 0.5 if iteration < 1.5 * PLAIN_AFTER else 0.15
        move_consumers(state, damping, work.step)
        gap = loop_steps(net, fluid, plant, state, work, scale, exact)
        largest = np.max(np.abs(work.step)) if size > 0 else 0.0
        if not np.isfinite(largest + gap):
            return 0
        if (
            largest < FLOW_TOLERANCE
            and change_k < TEMPERATURE_TOLERANCE_K
            and gap < GAP_TOLERANCE_BAR
        ):
            if exact:
                return iteration + 1
            exact = True
            continue
        buoyant = buoyant and iteration < BUOYANT_ITERATIONS and largest > BUOYANT_RESIDUAL
        if buoyant or damping < 1.0:
            half_way(net, state, work, scale, min(damping, 0.5))
            count = 0
        else:
            count = 1 if largest > RESTART * before else count + 1
            mixed(net, state, work, scale, count)
        before = largest
    return 0


@jit
def close(net: Mesh, fluid: Fluid, plant: Plant, state: State, work: Work, exact: bool) -> float:
    """Set flows from the consumers' and close the loops; returns the gap left, inf if impossible.

    `exact` asks for the friction law as it is, see `polish_loops`.
    """
    sum_flows(net, state, work.drawn)
    properties(net, fluid, state)
    gap = close_loops(net, plant.friction, state)
    if exact and not polish_loops(net, plant.friction, state):
        return np.inf
    return gap


@jit
def consumer_steps(
    net: Mesh, fluid: Fluid, plant: Plant, q: FloatArray, state: State, work: Work
) -> None:
    """Write where every consumer is and where it wants to go."""
    for c in range(len(q)):
        work.u[c], work.step[c] = 0.0, 0.0
        if state.m[c] != 0.0:
            work.u[c] = np.log(abs(state.m[c]))
            work.step[c] = wanted_step(net, fluid, plant, q, state, c)


@jit
def loop_steps(
    net: Mesh, fluid: Fluid, plant: Plant, state: State, work: Work, scale: float, exact: bool
) -> float:
    """Close the loops again and write how far the chords moved; returns the gap left, bar."""
    size = len(state.m)
    work.u[size:] = state.x / scale
    gap = close(net, fluid, plant, state, work, exact)
    work.step[size:] = state.x / scale - work.u[size:]
    return gap


@jit
def move_consumers(state: State, damping: float, step: FloatArray) -> None:
    """Let every consumer follow its step."""
    for c in range(len(state.m)):
        if state.m[c] != 0.0:
            state.m[c] *= np.exp(min(max(damping * step[c], -LARGEST_FALL), LARGEST_RISE))


@jit
def half_way(net: Mesh, state: State, work: Work, scale: float, share: float) -> None:
    """Let the chords go only a share of their way.

    Warm water rising in a loop can have several balances; small steps stay with a stable one.
    """
    size = len(state.m)
    state.x[:] = (work.u[size:] + share * work.step[size:]) * scale
    sum_flows(net, state, work.drawn)


@jit
def mixed(net: Mesh, state: State, work: Work, scale: float, count: int) -> None:
    """Continue from the combination of the last `count` iterates."""
    size = len(state.m)
    place = (count - 1) % work.past_u.shape[0]
    work.past_u[place] = work.u
    work.past_g[place] = work.step
    if not mix(work.past_u, work.past_g, count, work.step):
        return
    for c in range(size):
        if state.m[c] != 0.0:
            move = min(max(work.step[c], -LARGEST_FALL), LARGEST_RISE)
            state.m[c] = np.copysign(np.exp(work.u[c] + move), state.m[c])
    state.x[:] = (work.u[size:] + work.step[size:]) * scale
    sum_flows(net, state, work.drawn)


@jit
def rises(net: Mesh) -> bool:
    """Whether any loop has pipes that rise or fall."""
    found = False
    for e in net.rows:
        found = found or net.height_m[net.start[e]] != net.height_m[net.end[e]]
    return found


@jit
def turned(f: FloatArray, signs: FloatArray) -> bool:
    """Whether any flow has turned around, begun or ended; `signs` remembers."""
    found = False
    for e in range(len(f)):
        sign = 0.0 if abs(f[e]) <= NO_FLOW_KG_PER_S else np.copysign(1.0, f[e])
        if sign != signs[e]:
            signs[e] = sign
            found = True
    return found


@jit
def pressures(
    net: Mesh, fluid: Fluid, plant: Plant, state: State, p: FloatArray, v: FloatArray
) -> None:
    """Write gauge pressures of the nodes, bar, and velocities along the edges, m/s."""
    re, lam = np.zeros(net.n_law), np.zeros(net.n_law)
    properties(net, fluid, state)
    friction_of_all(net, plant.friction, state, re, lam)
    p[net.order[0]] = plant.p_supply_bar
    for k in range(1, len(net.order)):
        node = net.order[k]
        e, other = net.up[node], net.parent[node]
        drop, _ = fall(net, plant.friction, state, e, lam[e], True)
        sign = -1.0 if net.end[e] == node else 1.0
        p[node] = p[other] + net.ambient_bar[other] - net.ambient_bar[node] + sign * drop
        if not np.isnan(net.held_bar[e]) and net.end[e] == node:
            p[node] = net.held_bar[e]
    for e in range(net.n_law):
        if net.diameter_m[e] > 0.0:
            area = np.pi * net.diameter_m[e] ** 2 / 4.0
            v[e] = state.f[e] / (state.rho[e] * area)


@jit
def solve_mesh(
    net: Mesh,
    fluid: Fluid,
    plant: Plant,
    q: FloatArray,
    t_out: FloatArray,
    start: Found,
    warm: bool,
) -> Found:
    """Solve every step.

    Args:
        net: the network.
        fluid: property tables.
        plant: plant and options.
        q: heat drawn, W, negative where heat is fed in, shape (T, c).
        t_out: outlet temperature of each consumer, K, shape (T, c).
        start: states to begin from, one per step; read where `warm`.
        warm: begin from `start`.
    """
    steps, size = q.shape
    n, edges, loops = len(net.order), len(net.start), len(net.chord)
    t, p = np.empty((steps, n)), np.zeros((steps, n))
    t_end, f, v = np.empty((steps, edges)), np.zeros((steps, edges)), np.zeros((steps, edges))
    x, m, t_in = np.zeros((steps, loops)), np.empty((steps, size)), np.empty((steps, size))
    iterations = np.zeros(steps, dtype=np.int64)
    cp, cp_end = np.empty(n), np.empty(edges)
    heat, weight = np.zeros(n), np.zeros(n)
    rho, eta = np.ones(edges), np.ones(edges)
    for k in range(steps):
        state = State(
            m[k], t_out[k], x[k], f[k], t[k], t_end[k], cp, cp_end, heat, weight, rho, eta
        )
        start_cold(net, fluid, plant, state)
        first_guess(net, fluid, plant, q[k], state)
        if warm and start.iterations[k] > 0:
            _restart(fluid, state, start, k)
        iterations[k] = solve_step(net, fluid, plant, q[k], state)
        pressures(net, fluid, plant, state, p[k], v[k])
        for c in range(size):
            t_in[k, c] = t[k, net.supply[c] if m[k, c] >= 0.0 else net.back[c]]
    return Found(t, t_end, p, f, v, x, m, t_in, iterations)


@jit
def _restart(fluid: Fluid, state: State, start: Found, k: int) -> None:
    """Begin from a known state; consumers that draw or feed in only now keep their guess."""
    for c in range(len(state.m)):
        if start.m[k, c] * state.m[c] > 0.0:
            state.m[c] = start.m[k, c]
    state.x[:] = start.x[k]
    state.t[:] = start.t[k]
    state.t_end[:] = start.t_end[k]
    for i in range(len(state.t)):
        state.cp[i] = table(state.t[i], fluid.cp_x, fluid.cp_y)
    for e in range(len(state.t_end)):
        state.cp_end[e] = table(state.t_end[e], fluid.cp_x, fluid.cp_y)
