"""One Newton step for the consumers' mass flows, eliminated along the supply tree."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cosim.grids.heat.forest import NO_FLOW_KG_PER_S, Flow, Fluid, Forest, jit, mean_cp
from cosim.records.time import FloatArray

SMALLEST_SLOPE_J_PER_KG = 1.0
"""Keeps Newton's step finite where a consumer's inlet is at its outlet temperature."""


class Newton(NamedTuple):
    """Linearised consumers `slope dm + pull dt_in = gap`, and the step `dm`, shape (c,)."""

    slope: FloatArray
    pull: FloatArray
    gap: FloatArray
    dm: FloatArray


class Sweep(NamedTuple):
    """Elimination on the supply tree, shape (n_supply,).

    The flow into the subtree of a node changes by `a + b dt` with the node's temperature, which
    changes by `d + e dt_parent`; `s` collects what reaches the node from below, in W.
    """

    a: FloatArray
    b: FloatArray
    s: FloatArray
    d: FloatArray
    e: FloatArray


@jit
def linearise_consumers(
    net: Forest, fluid: Fluid, q: FloatArray, flow: Flow, newton: Newton
) -> None:
    """Fill in the consumers' equations.

    Those that feed in have no `pull`: their inlet, a return temperature, is taken as found.
    """
    for c in range(len(q)):
        m = flow.m[c]
        i = net.supply[c] if m >= 0.0 else net.back[c]
        cp = mean_cp(fluid, flow.t[i], flow.t_out[c])
        slope = np.copysign(1.0, m) * cp * (flow.t[i] - flow.t_out[c])
        newton.gap[c] = q[c] - slope * m
        newton.pull[c] = cp * m if m > 0.0 else 0.0
        if abs(slope) < SMALLEST_SLOPE_J_PER_KG:
            slope = np.copysign(SMALLEST_SLOPE_J_PER_KG, slope)
        newton.slope[c] = slope


@jit
def newton_step(net: Forest, fluid: Fluid, flow: Flow, newton: Newton, sweep: Sweep) -> None:
    """Solve the linearised supply tree for the change of every consumer's flow.

    Eliminates from the leaves to the root. Hotter water means less flow (b <= 0) and more flow
    means hotter water, so that no pivot vanishes near a solution.
    """
    for i in range(net.n_supply):
        for vector in sweep:
            vector[i] = 0.0
    for c in range(len(flow.m)):
        i = net.supply[c]
        newton.dm[c] = 0.0
        if flow.m[c] > 0.0:
            sweep.a[i] += newton.gap[c] / newton.slope[c]
            sweep.b[i] -= newton.pull[c] / newton.slope[c]
        elif flow.m[c] < 0.0:
            newton.dm[c] = newton.gap[c] / newton.slope[c]
            sweep.a[i] += newton.dm[c]
    for i in range(net.n_supply - 1, 0, -1):
        if flow.weight[i] == 0.0:
            sweep.a[net.parent[i]] += sweep.a[i]
        else:
            _eliminate(net, fluid, flow, sweep, i)
    sweep.d[0] = sweep.s[0] / flow.weight[0] if flow.weight[0] > 0.0 else 0.0
    for i in range(1, net.n_supply):
        sweep.d[i] += sweep.e[i] * sweep.d[net.parent[i]]
    for c in range(len(flow.m)):
        if flow.m[c] > 0.0:
            warmer = newton.pull[c] * sweep.d[net.supply[c]]
            newton.dm[c] = (newton.gap[c] - warmer) / newton.slope[c]


@jit
def _eliminate(net: Forest, fluid: Fluid, flow: Flow, sweep: Sweep, i: int) -> None:
    """Express node `i` by its parent and hand its subtree's flow (and heat) upwards."""
    up, size = net.parent[i], abs(flow.f[i])
    a, b, s, d, e = sweep
    if size <= NO_FLOW_KG_PER_S:
        d[i] = s[i] / flow.weight[i]
        a[up] += a[i] + b[i] * d[i]
        return
    down = flow.f[i] > 0.0
    inlet_k = flow.t[up] if down else flow.t[i]
    end_k = flow.t_end[i]
    x = net.conductance_w_per_k[i] / (mean_cp(fluid, inlet_k, end_k) * size)
    left = np.exp(-x)
    warmer = (inlet_k - net.text_k[i]) * left * x / size
    if down:
        w = mean_cp(fluid, end_k, flow.t[i])
        k = w * (size * warmer + end_k - flow.t[i])
        pivot = flow.weight[i] - k * b[i]
        d[i] = (s[i] + k * a[i]) / pivot
        e[i] = w * size * left / pivot
        a[up] += a[i] + b[i] * d[i]
        b[up] += b[i] * e[i]
    else:
        w = mean_cp(fluid, end_k, flow.t[up])
        d[i] = s[i] / flow.weight[i]
        df = a[i] + b[i] * d[i]
        a[up] += df
        s[up] += w * (size * (left * d[i] - warmer * df) - (end_k - flow.t[up]) * df)


@jit
def limited(m: float, dm: float, slope: float, q: float) -> float:
    """A step that keeps the direction of flow; where the inlet is too cold, more flow."""
    if m > 0.0 and slope * q <= 0.0 and dm <= 0.0:
        return 1.5 * m
    return m + min(max(dm, -0.6 * abs(m)), 4.0 * abs(m))
