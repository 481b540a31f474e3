"""Pressures and velocities along the trees of a district-heat network, as pandapipes 0.16 has them.

For a pipe from i to j with absolute pressures: `p_i - p_j + rho g (h_i - h_j) =
(lambda L/D + zeta) m|m| / (2 rho A^2)`, with the mean density of inlet and outlet, the viscosity
of their mean temperature and `lambda` by one of three laws:

- nikuradse: `64/Re + 1/(2 lg(k/(3.71 D)))^2` (the laminar term is always included)
- swamee-jain: `0.25 / lg(k/(3.7 D) + 5.74/Re^0.9)^2`
- colebrook: `1/sqrt(lambda) = -2 lg(2.51/(Re sqrt(lambda)) + k/(3.71 D))` by Newton's method
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from cosim.grids.heat.forest import (
    COLEBROOK,
    NIKURADSE,
    NO_FLOW_KG_PER_S,
    SWAMEE_JAIN,
    Flow,
    Fluid,
    Forest,
    Plant,
    jit,
    mean_density,
    table,
)
from cosim.records.time import FloatArray
from cosim.units import PA_PER_BAR

GRAVITY_M_PER_S2 = 9.81
"""As in pandapipes 0.16."""
COLEBROOK_STEP = 1.0e-4
"""Pandapipes stops its Colebrook iteration when no pipe changes by more than this."""
COLEBROOK_MAX_ITERATIONS = 100


class Pipes(Protocol):
    """What friction depends on, one value per edge."""

    @property
    def length_m(self) -> FloatArray:
        """Length."""
        ...

    @property
    def diameter_m(self) -> FloatArray:
        """Inner diameter."""
        ...

    @property
    def roughness_m(self) -> FloatArray:
        """Wall roughness."""
        ...


@jit
def friction_factors(net: Pipes, friction: int, re: FloatArray, lam: FloatArray) -> None:
    """Write the Darcy friction factor of every edge with flow into `lam`."""
    for i in range(len(re)):
        rough = net.roughness_m[i] / net.diameter_m[i]
        lam[i] = 0.0
        if re[i] > 0.0 and friction == SWAMEE_JAIN:
            lam[i] = 0.25 / np.log10(rough / 3.7 + 5.74 / re[i] ** 0.9) ** 2
        elif re[i] > 0.0:
            lam[i] = 1.0 / (2.0 * np.log10(rough / 3.71)) ** 2
            if friction == NIKURADSE:
                lam[i] += 64.0 / re[i]
    if friction == COLEBROOK:
        _colebrook(net, re, lam)


@jit
def _colebrook(net: Pipes, re: FloatArray, lam: FloatArray) -> None:
    """Iterate all pipes together from the rough-pipe value, as many times as pandapipes does."""
    for _ in range(COLEBROOK_MAX_ITERATIONS):
        largest = 0.0
        for i in range(len(re)):
            if re[i] <= 1.0e-8 or net.length_m[i] <= 1.0e-11:
                continue
            root = 1.0 / np.sqrt(lam[i])
            inner = 2.51 * root / re[i] + net.roughness_m[i] / (3.71 * net.diameter_m[i])
            value = root + 2.0 * np.log10(inner)
            slope = -0.5 * root**3 - 2.51 / re[i] * root**3 / (np.log(10.0) * inner)
            lam[i] -= value / slope
            largest = max(largest, abs(value / slope))
        if largest < COLEBROOK_STEP:
            return


@jit
def pressures(
    net: Forest, fluid: Fluid, plant: Plant, flow: Flow, p: FloatArray, v: FloatArray
) -> None:
    """Write gauge pressures of the nodes, bar, and velocities along the pipes, m/s.

    A velocity is positive from the pipe's `from_junction` to its `to_junction`.
    """
    n = len(flow.f)
    rho, lam = np.ones(n), np.zeros(n)
    _properties(net, fluid, plant, flow, rho, v, lam)
    root = net.n_supply
    pump_rho = mean_density(fluid, flow.t[root], plant.t_supply_k)
    rise = net.height_m[root] - net.height_m[0]
    p[0] = plant.p_supply_bar
    p[root] = p[0] + net.ambient_bar[0] - net.ambient_bar[root] - plant.lift_bar
    p[root] -= pump_rho * GRAVITY_M_PER_S2 * rise / PA_PER_BAR
    for i in range(n):
        up = net.parent[i]
        if up < 0:
            continue
        area = np.pi * net.diameter_m[i] ** 2 / 4.0
        drag = lam[i] * net.length_m[i] / net.diameter_m[i] + net.loss_coefficient[i]
        fall = net.height_m[up] - net.height_m[i]
        p[i] = p[up] + net.ambient_bar[up] - net.ambient_bar[i]
        p[i] += rho[i] * GRAVITY_M_PER_S2 * fall / PA_PER_BAR
        p[i] -= flow.f[i] * abs(flow.f[i]) * drag / (2.0 * PA_PER_BAR * rho[i] * area**2)


@jit
def _properties(
    net: Forest,
    fluid: Fluid,
    plant: Plant,
    flow: Flow,
    rho: FloatArray,
    v: FloatArray,
    lam: FloatArray,
) -> None:
    re = np.zeros(len(rho))
    for i in range(len(rho)):
        up = net.parent[i]
        if up < 0:
            continue
        downwards = flow.f[i] > 0.0
        if abs(flow.f[i]) <= NO_FLOW_KG_PER_S:
            downwards = net.forward[i] > 0.0
        inlet_k = flow.t[up] if downwards else flow.t[i]
        rho[i] = mean_density(fluid, inlet_k, flow.t_end[i])
        eta = table(0.5 * (inlet_k + flow.t_end[i]), fluid.eta_x, fluid.eta_y)
        area = np.pi * net.diameter_m[i] ** 2 / 4.0
        re[i] = abs(flow.f[i]) * net.diameter_m[i] / (eta * area)
        v[i] = net.forward[i] * flow.f[i] / (rho[i] * area)
    friction_factors(net, plant.friction, re, lam)
