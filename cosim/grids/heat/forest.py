"""Plain arrays of a district-heat network whose supply and return lines are trees.

Nodes are numbered so that a parent comes before its children: the supply tree first, then the
return tree. Edge `i` is the pipe between node `i` and its parent; the two roots, where the
circulation pump sits, have none. `f[i]` is the flow towards node `i`.

Everything here is compiled by numba, with a cache on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

import numba

from cosim.records.time import FloatArray, IntArray

NO_FLOW_KG_PER_S = 1.0e-10
"""Below this pandapipes takes a branch as stagnant: its outlet is at ambient temperature."""
NIKURADSE, COLEBROOK, SWAMEE_JAIN = 0, 1, 2
FRICTION_LAWS = {"nikuradse": NIKURADSE, "colebrook": COLEBROOK, "swamee-jain": SWAMEE_JAIN}

_F = TypeVar("_F", bound=Callable[..., object])


def jit(function: _F) -> _F:
    """Compile a function with numba; the machine code is kept on disk."""
    return cast(_F, numba.njit(cache=True, error_model="numpy")(function))


class Forest(NamedTuple):
    """Supply and return tree with their pipes and consumers.

    Attributes:
        parent: node, -1 at the two roots, shape (n,).
        n_supply: nodes of the supply tree; the root of the return tree is node `n_supply`.
        forward: 1 where the pipe points from parent to child, else -1, shape (n,).
        conductance_w_per_k: U times mantle area of the pipe.
        text_k: temperature around the pipe.
        length_m: of the pipe.
        diameter_m: inner diameter.
        roughness_m: wall roughness.
        loss_coefficient: lumped losses zeta.
        height_m: of the node.
        ambient_bar: air pressure at the node.
        supply: node of the supply line that each consumer is joined to, shape (c,).
        back: node of the return line.
    """

    parent: IntArray
    n_supply: int
    forward: FloatArray
    conductance_w_per_k: FloatArray
    text_k: FloatArray
    length_m: FloatArray
    diameter_m: FloatArray
    roughness_m: FloatArray
    loss_coefficient: FloatArray
    height_m: FloatArray
    ambient_bar: FloatArray
    supply: IntArray
    back: IntArray


class Fluid(NamedTuple):
    """Tables over temperature in K: density, kg/m3; viscosity, Pa s; heat capacity, J/(kg K)."""

    rho_x: FloatArray
    rho_y: FloatArray
    eta_x: FloatArray
    eta_y: FloatArray
    cp_x: FloatArray
    cp_y: FloatArray


class Plant(NamedTuple):
    """Circulation pump with its heat source, and physical options.

    `sense` is 1 where customers draw heat from the supply line, -1 where they give heat to it
    (cooling): `q sense > 0` means water from supply to return. `t_return_k` is what the plant would
    cool water to if it had to run backwards, a state on paper.
    """

    t_supply_k: float
    p_supply_bar: float
    lift_bar: float
    ambient_k: float
    friction: int
    sense: float
    t_return_k: float


class Flow(NamedTuple):
    """State of one step while it is being solved.

    Attributes:
        m: flow of each consumer, kg/s from supply to return.
        t_out: temperature at each consumer's outlet, K.
        f: flow towards each node, kg/s; at the supply root the flow through the pump.
        t: temperature of each node, K.
        t_end: temperature at the outlet of each edge, K.
        weight: heat capacity of what flows into each node, W/K.
    """

    m: FloatArray
    t_out: FloatArray
    f: FloatArray
    t: FloatArray
    t_end: FloatArray
    weight: FloatArray


@jit
def table(x: float, xs: FloatArray, ys: FloatArray) -> float:
    """Interpolate linearly; beyond the ends the last segment goes on."""
    last = len(xs) - 1
    k = 1
    while k < last and xs[k] < x:
        k += 1
    return float(ys[k - 1] + (ys[k] - ys[k - 1]) * (x - xs[k - 1]) / (xs[k] - xs[k - 1]))


@jit
def mean_cp(fluid: Fluid, a_k: float, b_k: float) -> float:
    """Mean heat capacity of two temperatures, J/(kg K)."""
    return 0.5 * (table(a_k, fluid.cp_x, fluid.cp_y) + table(b_k, fluid.cp_x, fluid.cp_y))


@jit
def mean_density(fluid: Fluid, a_k: float, b_k: float) -> float:
    """Mean density of two temperatures, kg/m3."""
    return 0.5 * (table(a_k, fluid.rho_x, fluid.rho_y) + table(b_k, fluid.rho_x, fluid.rho_y))
