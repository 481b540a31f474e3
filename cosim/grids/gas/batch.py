"""Solve the gas pipe equations of a network for many steps at once.

Squared pressures fall along the tree by `D = W Z(p_m) - H(p)`, with W = c f m|m| fixed by the
flow, Z the compressibility and H the weight of the gas column. Flows in a tree follow from the
withdrawals alone; loop flows solve `loops' D = head`, a strictly monotone system with a damped
Newton iteration. Z and H depend weakly on pressure and are repeated until pressures stand still.

The method is the classical loop formulation (Osiadacz, Simulation and Analysis of Gas Networks,
1987, chapter 5); the equation of a pipe is that of pandapipes 0.16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.grids.gas.loops import balance_loops, pole_of, squared_drag
from cosim.grids.gas.net import GasArrays
from cosim.grids.gas.tree import FlowTree, build_tree
from cosim.records.time import FloatArray, IntArray

TOLERANCE_BAR = 1e-11
MAX_SWEEPS = 100
POLISH_BAR = 1e-6
"""Movement of pressures from which loops are solved with the friction law's last detail."""
FLOOR_BAR = 1e-3
"""Pressure at which a step is given up: what is asked for cannot be delivered."""
PILOT_STEPS = 8
"""Number of steps from which the mean step is solved first, as a start for the loops of all."""
PILOT_MAX_SHARE = 10.0
SMALLEST_FLOW = 1e-12
CHUNK_VALUES = 400_000
"""Nodes times steps worked on at once, so that arrays stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Solution by node and branch of `GasArrays`; NaN where there is no supply or no solution.

    Attributes:
        p_abs_bar: shape (nodes, T).
        mdot_kg_per_s: along each branch's own direction, shape (branches, T).
        source_kg_per_s: delivered by every external grid, shape (grids, T).
        solved: shape (T,).
        exhausted: node where the pressure runs out first, -1 if it does not, shape (T,).
        pole: branch whose drop is an artefact of the friction formula, -1 for none, shape (T,).
    """

    p_abs_bar: FloatArray
    mdot_kg_per_s: FloatArray
    source_kg_per_s: FloatArray
    solved: np.ndarray
    exhausted: IntArray
    pole: IntArray

    def steps(self, chosen: IntArray) -> BatchResult:
        """Return some of the steps."""
        return BatchResult(
            self.p_abs_bar[:, chosen],
            self.mdot_kg_per_s[:, chosen],
            self.source_kg_per_s[:, chosen],
            self.solved[chosen],
            self.exhausted[chosen],
            self.pole[chosen],
        )


class GasBatch:
    """The batch solver of one network; holds only what never changes."""

    def __init__(self, arrays: GasArrays) -> None:
        self.arrays = arrays
        self.tree: FlowTree = build_tree(arrays)
        self._has_lift = bool(np.any(self.tree.data.lift != 0.0))
        self.fixed = self._flow_controls()

    @property
    def lost(self) -> tuple[str, ...]:
        """Why the equations have no tree for this network, nothing if they have one."""
        count = self.tree.spanning.lost.size
        return (f"{count} press_control that only its own outlet supplies",) if count else ()

    @property
    def supplied(self) -> np.ndarray:
        """True for every node that an external grid reaches, shape (nodes,)."""
        found = np.zeros(self.arrays.ambient_bar.size, dtype=bool)
        found[self.tree.nodes] = True
        return found

    @property
    def junction_rank(self) -> IntArray:
        """Rank of every junction in the tree, -1 where no external grid reaches it, shape (j,)."""
        rank = np.full(self.arrays.ambient_bar.size, -1, dtype=np.int64)
        rank[self.tree.nodes] = np.arange(self.tree.nodes.size)
        return rank[: self.arrays.junction_ids.size]

    @property
    def controls(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Start and end rank of flow controls that work, and their flow in kg/s, shape (f,)."""
        devices = self.arrays.devices
        rank = np.full(self.arrays.ambient_bar.size, -1, dtype=np.int64)
        rank[self.tree.nodes] = np.arange(self.tree.nodes.size)
        start, end = rank[devices.flow_from], rank[devices.flow_to]
        alive = (start >= 0) & (end >= 0)
        return start[alive], end[alive], devices.flow_kg_per_s[alive]

    def on_nodes(self, junctions: FloatArray) -> FloatArray:
        """Extend values by junction with zeros for all other nodes."""
        nodes = np.zeros((self.arrays.ambient_bar.size, *junctions.shape[1:]))
        nodes[: junctions.shape[0]] = junctions
        return nodes

    def row_flows(self, injection: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return flows along the tree's rows, and injections by rank with flow controls in.

        Args:
            injection: mass flow into every node, kg/s, shape (nodes, T).
        """
        into = injection[self.tree.nodes] + self.fixed[self.tree.nodes, None]
        if not self.tree.chords:
            return self.tree.flows(into), into
        return solve_rows(self.tree, self.arrays, into, self._has_lift).mdot, into

    def _flow_controls(self) -> FloatArray:
        """Return what flow controls between supplied nodes put into every node, kg/s."""
        start, end, flow = self.controls
        fixed = np.zeros(self.arrays.ambient_bar.size)
        np.add.at(fixed, self.tree.nodes[start], -flow)
        np.add.at(fixed, self.tree.nodes[end], flow)
        return fixed

    def solve(self, injection: FloatArray) -> BatchResult:
        """Return pressures and flows.

        Args:
            injection: mass flow into every node, kg/s, shape (nodes, T).
        """
        steps = injection.shape[1]
        width = max(1, CHUNK_VALUES // max(1, self.tree.nodes.size))
        parts = [
            self._solve_chunk(injection[:, begin : begin + width])
            for begin in range(0, max(steps, 1), width)
        ]
        return BatchResult(
            p_abs_bar=np.concatenate([p.p_abs_bar for p in parts], axis=1),
            mdot_kg_per_s=np.concatenate([p.mdot_kg_per_s for p in parts], axis=1),
            source_kg_per_s=np.concatenate([p.source_kg_per_s for p in parts], axis=1),
            solved=np.concatenate([p.solved for p in parts]),
            exhausted=np.concatenate([p.exhausted for p in parts]),
            pole=np.concatenate([p.pole for p in parts]),
        )

    def _solve_chunk(self, injection: FloatArray) -> BatchResult:
        tree = self.tree
        ranked = injection[tree.nodes] + self.fixed[tree.nodes, None]
        state = solve_rows(tree, self.arrays, ranked, self._has_lift)
        arrays, steps = self.arrays, injection.shape[1]
        p_abs = np.full((arrays.ambient_bar.size, steps), np.nan)
        mdot = np.full((arrays.branches.from_node.size, steps), np.nan)
        p_abs[tree.nodes] = np.where(state.solved, state.p_abs_bar, np.nan)
        signed = np.where(tree.flipped[:, None], -state.mdot, state.mdot)
        mdot[tree.branches] = np.where(state.solved, signed, np.nan)
        delivered = np.where(state.solved, tree.source_flow(state.mdot, ranked), np.nan)
        return BatchResult(
            p_abs_bar=p_abs,
            mdot_kg_per_s=mdot,
            source_kg_per_s=self._per_grid(delivered),
            solved=state.solved,
            exhausted=np.where(state.lowest >= 0, tree.nodes[state.lowest], -1),
            pole=np.where(state.pole >= 0, tree.branches[state.pole], -1)
            if tree.branches.size
            else state.pole,
        )

    def _per_grid(self, delivered: FloatArray) -> FloatArray:
        """Share a source among its external grids."""
        arrays = self.arrays
        position = {int(n): k for k, n in enumerate(self.tree.nodes[: self.tree.sources])}
        result = np.full((arrays.ext_ids.size, delivered.shape[1]), np.nan)
        for k, node in enumerate(arrays.ext_nodes):
            if int(node) in position:
                result[k] = delivered[position[int(node)]] / np.sum(arrays.ext_nodes == node)
        return result


@dataclass(frozen=True, slots=True)
class RowState:
    """Solution by rank and row of a `FlowTree`.

    Attributes:
        p_abs_bar: shape (ranks, T).
        mdot: along the row's direction, shape (rows, T).
        solved: shape (T,).
        lowest: rank where the pressure is used up, -1 where it is not, shape (T,).
        pole: row whose drop is an artefact, see `pole_of`, shape (T,).
    """

    p_abs_bar: FloatArray
    mdot: FloatArray
    solved: np.ndarray
    lowest: IntArray
    pole: IntArray


def solve_rows(
    tree: FlowTree, arrays: GasArrays, injection: FloatArray, has_lift: bool
) -> RowState:
    """Return pressures and flows by rank and row for injections by rank, shape (n, T)."""
    mdot = tree.flows(injection)
    if tree.chords and injection.shape[1] > PILOT_STEPS:
        _start_loops(tree, arrays, injection, has_lift, mdot)
    drag, _ = squared_drag(tree.data, arrays.friction_model, mdot)
    steps = injection.shape[1]
    top = np.broadcast_to(tree.source_bar[:, None] ** 2, (tree.sources, steps))
    gain = None
    p_abs = np.full((tree.nodes.size, steps), float(tree.source_bar.max(initial=FLOOR_BAR)))
    balanced = np.ones(steps, dtype=bool)
    squared, change = p_abs**2, np.full(steps, np.inf)
    polish = False
    for _ in range(MAX_SWEEPS):
        z, head = _gas_state(tree, arrays, p_abs, mdot, has_lift)
        if tree.chords:
            push = head if tree.passive else head + _compression(tree, p_abs, mdot)
            balanced = balance_loops(tree, arrays.friction_model, mdot, drag, z, push, polish)
        drop = drag * z
        drop -= head
        if not tree.passive:
            gain = tree.gains(mdot)
            drop = np.where(tree.kept > 0.0, -tree.kept, drop)
        squared = tree.hand_down(top, drop, gain)
        new = np.sqrt(np.maximum(squared, FLOOR_BAR**2))
        change = np.max(np.abs(new - p_abs), axis=0)
        p_abs = new
        moving = np.isfinite(change) & (change >= TOLERANCE_BAR)
        if polish and not moving.any():
            break
        polish = bool(np.all(change[moving] < POLISH_BAR))
    used_up = squared.min(axis=0) <= FLOOR_BAR**2
    lowest = np.where(used_up, np.argmin(squared, axis=0), -1)
    pole = pole_of(tree, arrays.friction_model, mdot, drag)
    return RowState(p_abs, mdot, balanced & (change < TOLERANCE_BAR) & ~used_up, lowest, pole)


def _start_loops(
    tree: FlowTree,
    arrays: GasArrays,
    injection: FloatArray,
    has_lift: bool,
    mdot: FloatArray,
) -> None:
    """Start loop flows (in place) from those of the mean step, scaled by each step's throughput."""
    mean = injection.mean(axis=1, keepdims=True)
    pilot = solve_rows(tree, arrays, mean, has_lift)
    if not pilot.solved.all():
        return
    share = np.abs(injection).sum(axis=0) / max(float(np.abs(mean).sum()), SMALLEST_FLOW)
    flow = pilot.mdot[-tree.chords :] * np.minimum(share, PILOT_MAX_SHARE)
    mdot[tree.loop_rows] += tree.loops @ flow


def mean_pressure(p_from: FloatArray, p_to: FloatArray) -> FloatArray:
    """Return 2/3 (a^3 - b^3)/(a^2 - b^2), in a form without cancellation."""
    total = p_from + p_to
    return np.asarray(2.0 / 3.0 * (total - p_from * p_to / total), dtype=np.float64)


def _compression(tree: FlowTree, p_abs: FloatArray, mdot: FloatArray) -> FloatArray:
    """Return by how much compressors raise the squared pressure, shape (rows, T)."""
    raised = np.zeros(mdot.shape)
    rows = tree.compressors
    raised[rows] = (tree.gains(mdot)[rows] - 1.0) * p_abs[tree.row_from[rows]] ** 2
    return raised


def _gas_state(
    tree: FlowTree, arrays: GasArrays, p_abs: FloatArray, mdot: FloatArray, has_lift: bool
) -> tuple[FloatArray, FloatArray | float]:
    """Return Z(p_m) and H = (r p_i + p_j) rho g dh of every row, r the ratio of a compressor."""
    p_from, p_to = p_abs[tree.row_from], p_abs[tree.row_to]
    z = arrays.z0 + arrays.z1 * mean_pressure(p_from, p_to)
    if not has_lift:
        return z, 0.0
    data = tree.data
    density = 0.5 * (
        data.density_from * p_from / (arrays.z0 + arrays.z1 * p_from)
        + data.density_to * p_to / (arrays.z0 + arrays.z1 * p_to)
    )
    lifted = p_from if tree.passive else np.sqrt(tree.gains(mdot)) * p_from
    return z, (lifted + p_to) * density * data.lift
