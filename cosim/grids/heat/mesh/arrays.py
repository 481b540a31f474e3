"""Plain arrays of a water network of any shape, as the compiled equations see it.

Two kinds of edges: the first `n_law` obey a law of pressure (pipes, valves, heat exchangers,
circulation pumps with a lift, booster pumps); the flow through the others is given (flow controls,
circulation pumps with a mass flow, bypasses of consumers). A spanning tree over the first kind
carries mass balance and pressures; every edge of that kind that is left over, a chord, closes a
loop. `f[e]` is the flow from `start` to `end`.
"""

from __future__ import annotations

from typing import NamedTuple

from cosim.records.time import FloatArray, IntArray


class Mesh(NamedTuple):
    """Network of `n` nodes, `E` edges, `L` loops and `c` consumers.

    Attributes:
        n_law: number of edges with a law of pressure; they come first.
        start: node that an edge begins at, shape (E,).
        end: node that it ends at, shape (E,).
        conductance_w_per_k: U times mantle area, shape (E,).
        text_k: temperature around the edge, shape (E,).
        length_m: shape (E,).
        diameter_m: inner diameter, shape (E,).
        roughness_m: shape (E,).
        loss_coefficient: lumped losses zeta, shape (E,).
        lift_bar: pressure added on the way, shape (E,).
        curve: row of `curves` of a booster pump, -1 for other edges, shape (E,).
        hot_k: temperature at the outlet of a producer, NaN for other edges, shape (E,).
        q_w: heat drawn on the way, shape (E,).
        given_kg_per_s: flow of edges whose flow is given, shape (E,).
        held_bar: gauge pressure kept at `end` by a pressure control, NaN elsewhere, shape (E,).
        curves: coefficients of lift in bar over flow in m3/h, highest power first, shape (k, d).
        rho_normal: density that booster pumps reckon with, kg/m3.
        height_m: shape (n,).
        ambient_bar: air pressure, shape (n,).
        order: nodes, parents before children; the first is the root, at the plant's outlet.
        parent: node, -1 at the root, shape (n,).
        up: edge to the parent, -1 at the root, shape (n,).
        chord: edge that closes each loop, shape (L,).
        loop_ptr: loop k has the entries `loop_ptr[k]:loop_ptr[k + 1]`, shape (L + 1,).
        loop_edge: edges around the loops; the chord of each comes first.
        loop_sign: 1 where the edge points along the loop (as its chord does), else -1.
        rows: edges that lie on any loop, shape (r,).
        row_ptr: the same by edge: `rows[i]` has the entries `row_ptr[i]:row_ptr[i + 1]`.
        row_loop: loop.
        row_sign: sign.
        near_ptr: node i has the edges `near[near_ptr[i]:near_ptr[i + 1]]`, shape (n + 1,).
        near: edges.
        supply: node that each consumer takes water from, shape (c,).
        back: node it returns it to, shape (c,).
        bypass: edge beside the consumer, -1 where there is none, shape (c,).
        least_kg_per_s: flow that consumer and bypass have together at least, shape (c,).
    """

    n_law: int
    start: IntArray
    end: IntArray
    conductance_w_per_k: FloatArray
    text_k: FloatArray
    length_m: FloatArray
    diameter_m: FloatArray
    roughness_m: FloatArray
    loss_coefficient: FloatArray
    lift_bar: FloatArray
    curve: IntArray
    hot_k: FloatArray
    q_w: FloatArray
    given_kg_per_s: FloatArray
    held_bar: FloatArray
    curves: FloatArray
    rho_normal: float
    height_m: FloatArray
    ambient_bar: FloatArray
    order: IntArray
    parent: IntArray
    up: IntArray
    chord: IntArray
    loop_ptr: IntArray
    loop_edge: IntArray
    loop_sign: FloatArray
    rows: IntArray
    row_ptr: IntArray
    row_loop: IntArray
    row_sign: FloatArray
    near_ptr: IntArray
    near: IntArray
    supply: IntArray
    back: IntArray
    bypass: IntArray
    least_kg_per_s: FloatArray


class State(NamedTuple):
    """One step while it is being solved.

    Attributes:
        m: flow of each consumer, kg/s from supply to return, shape (c,).
        t_out: temperature at its outlet, K, shape (c,).
        x: flow through each chord, kg/s, shape (L,).
        f: flow through each edge, kg/s, shape (E,).
        t: temperature of each node, K, shape (n,).
        t_end: temperature at the outlet of each edge, K, shape (E,).
        cp: heat capacity at `t`, J/(kg K), shape (n,).
        cp_end: heat capacity at `t_end`, shape (E,).
        heat: what consumers and producers push into each node, W, shape (n,).
        weight: the heat capacity flow of that, W/K, shape (n,).
        rho: mean density along each edge, kg/m3, shape (E,).
        eta: viscosity at its mean temperature, Pa s, shape (E,).
    """

    m: FloatArray
    t_out: FloatArray
    x: FloatArray
    f: FloatArray
    t: FloatArray
    t_end: FloatArray
    cp: FloatArray
    cp_end: FloatArray
    heat: FloatArray
    weight: FloatArray
    rho: FloatArray
    eta: FloatArray


class Found(NamedTuple):
    """State of every step, first axis T; nodes, edges and consumers as in `Mesh`.

    Attributes:
        t: node temperature, K.
        t_end: temperature at the outlet of the edge, K.
        p: node gauge pressure, bar.
        f: flow through the edge, kg/s.
        v: velocity along it, m/s; 0 for edges without a diameter.
        x: flow through the chords, kg/s.
        m: consumers' flow, kg/s.
        t_in: temperature at the consumers' inlet, K.
        iterations: 0 where the step was not solved, shape (T,).
    """

    t: FloatArray
    t_end: FloatArray
    p: FloatArray
    f: FloatArray
    v: FloatArray
    x: FloatArray
    m: FloatArray
    t_in: FloatArray
    iterations: IntArray
