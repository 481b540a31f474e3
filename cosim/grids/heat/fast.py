"""Solve many steps with the batch equations, whichever shape the network has.

Steps are doubtful where the equations have more than one solution, so that another solver may end
up elsewhere: loops with a pipe that all but stands still (the Swamee-Jain formula has a pole near
Re = 7), loops whose flow is driven by warm water rising rather than by pumps, and pipes that all
but stand still between two producers of different temperature. Loops that settle only slowly are
doubtful too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from cosim.grids.heat.batch import Solution, solve
from cosim.grids.heat.demand import Demand
from cosim.grids.heat.forest import NO_FLOW_KG_PER_S, SWAMEE_JAIN, Fluid
from cosim.grids.heat.hydraulics import GRAVITY_M_PER_S2
from cosim.grids.heat.mesh.arrays import Found, Mesh
from cosim.grids.heat.mesh.loops import LINEAR_REYNOLDS
from cosim.grids.heat.mesh.solve import PLAIN_AFTER, solve_mesh
from cosim.grids.heat.net import HeatNet
from cosim.records.time import FloatArray, IntArray
from cosim.units import PA_PER_BAR

NEARLY_AT_REST = 0.5
"""Heat conductance of a pipe over its heat capacity flow, above which it counts as that."""
BUOYANT = 0.1
"""Share of a loop's friction that rising warm water may drive before the step is doubtful."""
BUOYANT_BAR = 1e-6


@dataclass(frozen=True, slots=True)
class Fast:
    """States of T steps, NaN at elements that no open pipe joins to the plant.

    Attributes:
        t_k: temperature of junctions, K, shape (T, j).
        p_bar: gauge pressure of junctions, shape (T, j).
        flows: table -> flow from the first junction to the second, kg/s, shape (T, n).
        pipe_m_per_s: velocity in that direction, shape (T, p).
        m: consumers' flow from supply to return, kg/s, shape (T, c).
        t_in_k: temperature at the consumers' inlet, shape (T, c).
        plant_kg_per_s: flow through the plant, shape (T,).
        solved: shape (T,).
        at_rest: steps in which a pipe with flow cools most of the way to the ground, shape (T,).
        doubtful: shape (T,).
        found: state of a mesh, to begin from in another solution; None for trees.
    """

    t_k: FloatArray
    p_bar: FloatArray
    flows: Mapping[str, FloatArray]
    pipe_m_per_s: FloatArray
    m: FloatArray
    t_in_k: FloatArray
    plant_kg_per_s: FloatArray
    solved: np.ndarray
    at_rest: np.ndarray
    doubtful: np.ndarray
    found: Found | None

    def at(self, rows: IntArray) -> Fast:
        """Return some of the steps, without what another solution may begin from."""
        return Fast(
            t_k=self.t_k[rows],
            p_bar=self.p_bar[rows],
            flows={table: flow[rows] for table, flow in self.flows.items()},
            pipe_m_per_s=self.pipe_m_per_s[rows],
            m=self.m[rows],
            t_in_k=self.t_in_k[rows],
            plant_kg_per_s=self.plant_kg_per_s[rows],
            solved=self.solved[rows],
            at_rest=self.at_rest[rows],
            doubtful=self.doubtful[rows],
            found=None,
        )


def solve_fast(net: HeatNet, demand: Demand, start: Found | None = None) -> Fast:
    """Solve all steps with the batch equations; the network must be covered by them.

    Args:
        net: the network.
        demand: what consumers are asked to do.
        start: states of the same steps to begin from, for meshes.
    """
    q_w, t_out_k = (np.ascontiguousarray(a) for a in (demand.q_w, demand.t_out_k))
    if net.trees.forest is not None and net.trees.fluid is not None:
        solution = solve(net.trees.forest, net.trees.fluid, net.plant, q_w, t_out_k)
        return _from_trees(net, solution)
    return _from_mesh(net, q_w, t_out_k, start)


def _from_trees(net: HeatNet, solution: Solution) -> Fast:
    """Return what was found on trees, in the order of the network's tables."""
    forest, nodes, edges = net.trees.forest, net.trees.nodes, net.trees.edges
    assert forest is not None
    inner = np.flatnonzero(edges >= 0)
    steps, j = solution.t.shape
    t_k, p_bar = np.empty((steps, j)), np.empty((steps, j))
    t_k[:, nodes], p_bar[:, nodes] = solution.t, solution.p
    flow, speed = np.empty((steps, len(inner))), np.empty((steps, len(inner)))
    flow[:, edges[inner]] = solution.f[:, inner] * forest.forward[inner]
    speed[:, edges[inner]] = solution.v[:, inner]
    inlet = np.where(
        solution.f[:, inner] > 0.0, solution.t[:, forest.parent[inner]], solution.t[:, inner]
    )
    return Fast(
        t_k=t_k,
        p_bar=p_bar,
        flows={"pipe": flow, "circ_pump_pressure": solution.f[:, :1]},
        pipe_m_per_s=speed,
        m=solution.m,
        t_in_k=solution.t_in,
        plant_kg_per_s=solution.f[:, 0],
        solved=solution.iterations > 0,
        at_rest=_at_rest(
            solution.f[:, inner], inlet, solution.t_end[:, inner], forest.text_k[inner]
        ),
        doubtful=np.zeros(steps, dtype=bool),
        found=None,
    )


def _at_rest(
    flow: FloatArray, inlet_k: FloatArray, end_k: FloatArray, text_k: FloatArray
) -> np.ndarray:
    left = np.abs(end_k - text_k) / np.maximum(np.abs(inlet_k - text_k), 1e-6)
    moving = np.abs(flow) > NO_FLOW_KG_PER_S
    return np.asarray((moving & (left < np.exp(-NEARLY_AT_REST))).any(axis=1))


def _from_mesh(net: HeatNet, q_w: FloatArray, t_out_k: FloatArray, start: Found | None) -> Fast:
    """Solve a network of any shape; return what was found in the order of its tables."""
    mesh_net = net.mesh
    mesh, fluid = mesh_net.mesh, mesh_net.fluid
    assert mesh is not None
    assert fluid is not None
    some = mesh_net.consumers
    own_q, own_out = (np.ascontiguousarray(a[:, some]) for a in (q_w, t_out_k))
    given = _nothing() if start is None else start
    found = solve_mesh(mesh, fluid, net.plant, own_q, own_out, given, start is not None)
    spread = partial(_spread, found.f)
    flows = {table: spread(edge) for table, edge in mesh_net.edges.items()}
    m, t_in = np.full(q_w.shape, np.nan), np.full(q_w.shape, np.nan)
    m[:, some], t_in[:, some] = found.m, found.t_in
    law = slice(0, mesh.n_law)
    inlet = np.where(found.f > 0.0, found.t[:, mesh.start], found.t[:, mesh.end])
    warm = np.flatnonzero(mesh.conductance_w_per_k > 0.0)
    at_rest = _at_rest(found.f[:, warm], inlet[:, warm], found.t_end[:, warm], mesh.text_k[warm])
    several = len(mesh.chord) > 0 and np.isfinite(mesh.hot_k).sum() > 1
    plant = flows["circ_pump_pressure"][:, net.plant_at]
    return Fast(
        t_k=_spread(found.t, mesh_net.inner),
        p_bar=_spread(found.p, mesh_net.inner),
        flows=flows,
        pipe_m_per_s=_mean_speed(net, found),
        m=m,
        t_in_k=t_in,
        plant_kg_per_s=plant,
        solved=found.iterations > 0,
        at_rest=at_rest,
        doubtful=_doubtful(mesh, fluid, net.plant.friction, found, inlet[:, law])
        | (at_rest & several)
        | ((found.iterations > PLAIN_AFTER) & (len(mesh.chord) > 0)),
        found=found,
    )


def _nothing() -> Found:
    none = np.zeros((0, 1))
    return Found(none, none, none, none, none, none, none, none, np.zeros(0, dtype=np.int64))


def _spread(values: FloatArray, place: IntArray) -> FloatArray:
    """Return columns of `values` by position, NaN where the position is negative."""
    if not values.shape[1]:
        return np.full((len(values), len(place)), np.nan)
    return np.where(place >= 0, values[:, np.maximum(place, 0)], np.nan)


def _mean_speed(net: HeatNet, found: Found) -> FloatArray:
    """Return the mean velocity over the sections of every pipe."""
    first, parts = net.mesh.edges["pipe"], net.mesh.sections
    total = np.zeros((len(found.v), len(first)))
    for k in range(int(parts.max(initial=0))):
        total += np.where(parts > k, found.v[:, np.minimum(first + k, found.v.shape[1] - 1)], 0.0)
    return np.where(parts > 0, total / np.maximum(parts, 1), np.nan)


def _doubtful(
    mesh: Mesh, fluid: Fluid, friction: int, found: Found, inlet_k: FloatArray
) -> np.ndarray:
    """Return the steps whose loops may have another solution, shape (T,)."""
    rows = mesh.rows
    if not len(rows):
        return np.zeros(len(found.f), dtype=bool)
    a, b = mesh.start[rows], mesh.end[rows]
    warm, cold = inlet_k[:, rows], found.t_end[:, rows]
    rho = (
        np.interp(warm, fluid.rho_x, fluid.rho_y) + np.interp(cold, fluid.rho_x, fluid.rho_y)
    ) / 2
    weight = rho * (GRAVITY_M_PER_S2 * (mesh.height_m[a] - mesh.height_m[b]) / PA_PER_BAR)
    absolute = found.p + mesh.ambient_bar
    friction_bar = absolute[:, a] - absolute[:, b] + weight + mesh.lift_bar[rows]
    loops = np.zeros((len(mesh.chord), len(rows)))
    owner = np.repeat(np.arange(len(rows)), np.diff(mesh.row_ptr))
    loops[mesh.row_loop, owner] = mesh.row_sign
    driven = np.abs(weight @ loops.T)
    rubbed = np.abs(friction_bar) @ np.abs(loops).T
    doubt = (driven > BUOYANT_BAR) & (driven > BUOYANT * rubbed)
    if friction == SWAMEE_JAIN:
        eta = np.interp((warm + cold) / 2.0, fluid.eta_x, fluid.eta_y)
        reynolds = np.abs(found.f[:, rows]) * 4.0 / (np.pi * mesh.diameter_m[rows] * eta)
        moving = np.abs(found.f[:, rows]) > NO_FLOW_KG_PER_S
        pipes = mesh.length_m[rows] > 0.0
        slow = pipes & moving & (reynolds < LINEAR_REYNOLDS)
        return np.asarray(doubt.any(axis=1) | slow.any(axis=1))
    return np.asarray(doubt.any(axis=1))
