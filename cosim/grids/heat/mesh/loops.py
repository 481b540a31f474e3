"""Flows in the loops of a water network: Newton's method on one step, with step control.

What falls along an edge from start to end, with absolute pressures:

    p_start - p_end = (lambda L/D + zeta) m|m| / (2 rho A^2) - rho g (h_start - h_end) - lift

Around a loop this sums to zero. The unknowns are the flows through the chords; the Jacobian is the
sum of slopes over the edges that two loops share, which is positive definite.

The Swamee-Jain formula has a pole near Re = 7, where it has no physical meaning. Loops are closed
with a law that is linear below Re = 30 and the formula above. Where an edge ends up there, the
formula itself is tried from this solution, because that is what pandapipes does.
"""

from __future__ import annotations

import numpy as np

from cosim.grids.heat.forest import COLEBROOK, NIKURADSE, SWAMEE_JAIN, jit
from cosim.grids.heat.hydraulics import GRAVITY_M_PER_S2, friction_factors
from cosim.grids.heat.mesh.arrays import Mesh, State
from cosim.records.time import FloatArray
from cosim.units import PA_PER_BAR, SECONDS_PER_HOUR

TOLERANCE_BAR = 1.0e-12
MAX_STEPS = 80
MIN_STEP = 2.0**-14
LINEAR_REYNOLDS = 30.0
"""Below this the Swamee-Jain formula is replaced by a linear law while loops are closed."""
NEGLIGIBLE_BAR = 1.0e-6
"""Gap of a loop by the formula itself that is left alone where its pole cannot be passed."""
LAMINAR_SHARE = 0.25
"""Slopes are not less than this share of the laminar one, so that they do not vanish at rest."""


@jit
def lift_of(net: Mesh, e: int, flow: float) -> tuple[float, float]:
    """Return what a booster pump lifts, bar, and its slope, bar s/kg; nothing for reversed flow."""
    if net.curve[e] < 0:
        return float(net.lift_bar[e]), 0.0
    if flow < 0.0:
        return 0.0, 0.0
    per_h = flow / net.rho_normal * SECONDS_PER_HOUR
    value, slope = 0.0, 0.0
    for k in range(net.curves.shape[1]):
        slope = slope * per_h + value
        value = value * per_h + net.curves[net.curve[e], k]
    if value <= 0.0:
        return 0.0, 0.0
    return value, slope * SECONDS_PER_HOUR / net.rho_normal


@jit
def friction_slope(net: Mesh, friction: int, e: int, re: float, lam: float) -> float:
    """Return Re d(lambda)/d(Re)."""
    if re <= 0.0 or lam <= 0.0:
        return 0.0
    if friction == NIKURADSE:
        return -64.0 / re
    rough = net.roughness_m[e] / net.diameter_m[e]
    if friction == COLEBROOK:
        root = 1.0 / np.sqrt(lam)
        part = 2.51 * root / re
        share = 2.0 * part / ((part + rough / 3.71) * np.log(10.0))
        return float(-2.0 * lam**1.5 * share / (1.0 + share / root))
    smooth = 5.74 / re**0.9
    inner = rough / 3.7 + smooth
    return float(0.45 * smooth / (np.log10(inner) ** 3 * inner * np.log(10.0)))


@jit
def fall(
    net: Mesh, friction: int, state: State, e: int, lam: float, exact: bool
) -> tuple[float, float]:
    """Return pressure that falls along an edge, bar, and its slope over the flow, bar s/kg.

    Args:
        net: the network.
        friction: which law.
        state: flows, densities and viscosities.
        e: the edge.
        lam: friction factor by the law.
        exact: take the law as it is, also where it has no meaning.
    """
    area = np.pi * net.diameter_m[e] ** 2 / 4.0
    rho, flow = state.rho[e], state.f[e]
    scale = 1.0 / (2.0 * PA_PER_BAR * rho * area**2)
    drag, slope = net.loss_coefficient[e], 2.0 * net.loss_coefficient[e]
    if net.length_m[e] > 0.0:
        ratio = net.length_m[e] / net.diameter_m[e]
        per_flow = net.diameter_m[e] / (state.eta[e] * area)
        re = abs(flow) * per_flow
        if friction == SWAMEE_JAIN and re < LINEAR_REYNOLDS and not exact:
            rough = net.roughness_m[e] / net.diameter_m[e]
            edge = 0.25 / np.log10(rough / 3.7 + 5.74 / LINEAR_REYNOLDS**0.9) ** 2
            slow = scale * ratio * edge * LINEAR_REYNOLDS / per_flow
            value = slow * flow + scale * drag * flow * abs(flow)
            slope = slow + scale * slope * abs(flow)
        else:
            drag += lam * ratio
            slope += (2.0 * lam + friction_slope(net, friction, e, re, lam)) * ratio
            value = scale * drag * flow * abs(flow)
            slope = scale * slope * abs(flow)
    else:
        value = scale * drag * flow * abs(flow)
        slope = scale * slope * abs(flow)
    lift, lift_slope = lift_of(net, e, flow)
    rise = net.height_m[net.start[e]] - net.height_m[net.end[e]]
    value -= rho * GRAVITY_M_PER_S2 * rise / PA_PER_BAR + lift
    return value, slope - lift_slope


@jit
def _least_slope(net: Mesh, state: State, e: int) -> float:
    """Share of the slope of laminar flow, so that no slope vanishes at rest, bar s/kg."""
    if net.length_m[e] == 0.0:
        return 0.0
    area = np.pi * net.diameter_m[e] ** 2 / 4.0
    share = LAMINAR_SHARE * 64.0 * state.eta[e] * area / net.diameter_m[e]
    ratio = net.length_m[e] / net.diameter_m[e]
    return float(share * ratio / (2.0 * PA_PER_BAR * state.rho[e] * area**2))


@jit
def friction_of_all(
    net: Mesh, friction: int, state: State, re: FloatArray, lam: FloatArray
) -> None:
    """Write Reynolds numbers and friction factors of every edge with a law and a length."""
    for e in range(net.n_law):
        re[e] = 0.0
        if net.length_m[e] > 0.0:
            area = np.pi * net.diameter_m[e] ** 2 / 4.0
            re[e] = abs(state.f[e]) * net.diameter_m[e] / (state.eta[e] * area)
    friction_factors(net, friction, re, lam)


@jit
def _evaluate(
    net: Mesh, friction: int, state: State, exact: bool, work: FloatArray, gap: FloatArray
) -> float:
    """Write every loop's gap, bar, and the slopes of its edges; returns the largest gap.

    `work` has shape (3, n_law): Reynolds numbers, friction factors, slopes.
    """
    re, lam, slope = work[0], work[1], work[2]
    if friction == COLEBROOK:  # pandapipes iterates it for all pipes together
        friction_of_all(net, friction, state, re, lam)
    gap[:] = 0.0
    for i in range(len(net.rows)):
        e = net.rows[i]
        if friction != COLEBROOK and net.length_m[e] > 0.0:
            lam[e] = _factor(net, friction, state, e)
        value, steep = fall(net, friction, state, e, lam[e], exact)
        slope[e] = max(steep, _least_slope(net, state, e))
        for k in range(net.row_ptr[i], net.row_ptr[i + 1]):
            gap[net.row_loop[k]] += net.row_sign[k] * value
    largest = 0.0
    for k in range(len(gap)):
        largest = max(largest, abs(gap[k])) if np.isfinite(gap[k]) else np.inf
    return largest


@jit
def _factor(net: Mesh, friction: int, state: State, e: int) -> float:
    """Friction factor of one edge, Nikuradse or Swamee-Jain."""
    area = np.pi * net.diameter_m[e] ** 2 / 4.0
    re = abs(state.f[e]) * net.diameter_m[e] / (state.eta[e] * area)
    rough = net.roughness_m[e] / net.diameter_m[e]
    if re <= 0.0:
        return 0.0
    if friction == SWAMEE_JAIN:
        return float(0.25 / np.log10(rough / 3.7 + 5.74 / re**0.9) ** 2)
    return float(1.0 / (2.0 * np.log10(rough / 3.71)) ** 2 + 64.0 / re)


@jit
def _push(net: Mesh, state: State, dx: FloatArray, size: float) -> None:
    """Move the flows around every loop."""
    for i in range(len(net.rows)):
        e = net.rows[i]
        for k in range(net.row_ptr[i], net.row_ptr[i + 1]):
            state.f[e] += size * net.row_sign[k] * dx[net.row_loop[k]]
    for k in range(len(dx)):
        state.x[k] += size * dx[k]


@jit
def _newton(net: Mesh, friction: int, state: State, exact: bool, steps: int) -> float:
    """Close the loops; returns the largest gap that is left, bar."""
    loops = len(net.chord)
    work, gap = np.zeros((3, net.n_law)), np.zeros(loops)
    jacobian = np.zeros((loops, loops))
    norm = _evaluate(net, friction, state, exact, work, gap)
    for _ in range(steps):
        if norm <= TOLERANCE_BAR or not np.isfinite(norm):
            break
        jacobian[:] = 0.0
        for i in range(len(net.rows)):
            slope = work[2, net.rows[i]]
            for a in range(net.row_ptr[i], net.row_ptr[i + 1]):
                for b in range(net.row_ptr[i], net.row_ptr[i + 1]):
                    sign = net.row_sign[a] * net.row_sign[b]
                    jacobian[net.row_loop[a], net.row_loop[b]] += sign * slope
        for k in range(loops):
            jacobian[k, k] += 1.0e-14
        dx = -np.ascontiguousarray(np.linalg.solve(jacobian, gap))
        size, before = 1.0, norm
        _push(net, state, dx, size)
        norm = _evaluate(net, friction, state, exact, work, gap)
        while not norm < before and size > MIN_STEP:
            size *= 0.5
            _push(net, state, dx, -size)
            norm = _evaluate(net, friction, state, exact, work, gap)
        if not norm < before:
            _push(net, state, dx, -size)
            norm = _evaluate(net, friction, state, exact, work, gap)
            break
    return norm


@jit
def close_loops(net: Mesh, friction: int, state: State) -> float:
    """Adjust the flows in loops until what falls around each is zero; returns the gap left, bar."""
    if len(net.chord) == 0:
        return 0.0
    return _newton(net, friction, state, False, MAX_STEPS)


@jit
def polish_loops(net: Mesh, friction: int, state: State) -> bool:
    """Close the loops with the friction law as it is; false if they cannot be.

    Only where the law differs from the one that `close_loops` takes: next to the pole of the
    Swamee-Jain formula. A gap of less than `NEGLIGIBLE_BAR` may stay.
    """
    loops = len(net.chord)
    if loops == 0 or friction != SWAMEE_JAIN:
        return True
    work, gap = np.zeros((3, net.n_law)), np.zeros(loops)
    before = _evaluate(net, friction, state, True, work, gap)
    if before <= 100.0 * TOLERANCE_BAR:
        return True
    x, f = state.x.copy(), state.f.copy()
    if _newton(net, friction, state, True, 20) <= 100.0 * TOLERANCE_BAR:
        return True
    state.x[:] = x
    state.f[:] = f
    return bool(before <= NEGLIGIBLE_BAR)
