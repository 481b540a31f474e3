"""Hydrogen carried along by the gas: ideal mixing at every node, upwind along every branch.

What leaves a node is what comes in: `w_n (sum of inflows) = sum over inflows of m w_upstream +
hydrogen fed in`. On a tree one sweep up and one down solve this for any directions of flow; what
chords carry is repeated until it stands still.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.grids.gas.tree import FlowTree
from cosim.records.time import FloatArray, IntArray

TOLERANCE = 1e-13
MAX_SWEEPS = 500
STILL_KG_PER_S = 1e-7
"""Inflow below which a node's gas stands still and its composition is not known; ten times what
pandapipes leaves open in a balance. It is 5 W."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Flows of a network at T steps, by row and rank of its tree.

    Attributes:
        mdot: along every row, kg/s, shape (b, T).
        edge_from: start rank of chords and flow controls, shape (e,).
        edge_to: their end rank, shape (e,).
        edge_mdot: along each of them, shape (e, T).
        inflow: all that comes into a node, shape (n, T).
    """

    mdot: FloatArray
    edge_from: IntArray
    edge_to: IntArray
    edge_mdot: FloatArray
    inflow: FloatArray

    @property
    def still(self) -> np.ndarray:
        """True where nothing comes in, shape (n, T)."""
        return np.asarray(self.inflow <= STILL_KG_PER_S)


def stream(
    tree: FlowTree,
    mdot: FloatArray,
    fed_in: FloatArray,
    controls: tuple[IntArray, IntArray, FloatArray],
) -> Stream:
    """Return the flows and what comes into every rank.

    Args:
        tree: of the network.
        mdot: along its rows, shape (b, T).
        fed_in: gas and hydrogen fed into every rank, external grids included, shape (n, T).
        controls: start and end rank of flow controls, and their flow, shape (f,) each.
    """
    rows = tree.parent.size
    count = controls[0].size
    fixed = np.broadcast_to(controls[2][:, None], (count, mdot.shape[1]))
    edge_from = np.concatenate([tree.row_from[rows:], controls[0]])
    edge_to = np.concatenate([tree.row_to[rows:], controls[1]])
    edge_mdot = np.concatenate([mdot[rows:], fixed])
    inflow = fed_in + arriving(tree, edge_from, edge_to, mdot, edge_mdot)
    return Stream(mdot, edge_from, edge_to, edge_mdot, inflow)


def arriving(
    tree: FlowTree,
    edge_from: IntArray,
    edge_to: IntArray,
    mdot: FloatArray,
    edge_mdot: FloatArray,
) -> FloatArray:
    """Return the sum of flows that arrive at every rank, shape (n, T)."""
    rows = tree.parent.size
    total = np.zeros((tree.nodes.size, *mdot.shape[1:]))
    total[tree.sources :] = np.maximum(mdot[:rows], 0.0)
    np.add.at(total, tree.parent, np.maximum(-mdot[:rows], 0.0))
    np.add.at(total, edge_to, np.maximum(edge_mdot, 0.0))
    np.add.at(total, edge_from, np.maximum(-edge_mdot, 0.0))
    return total


def mix(tree: FlowTree, flows: Stream, given: FloatArray) -> FloatArray:
    """Return x with `inflow x - sum over inflows of m x_upstream = given`, 0 in standing gas.

    Args:
        tree: of the network.
        flows: at T steps.
        given: right side by rank, shape (n, T) or (n, T, k).
    """
    extra = given.ndim - flows.inflow.ndim
    spread = (slice(None), slice(None), *(None,) * extra)
    still = flows.still
    share = np.where(still, 0.0, 1.0 / np.where(still, 1.0, flows.inflow))[spread]
    forward = np.maximum(flows.edge_mdot, 0.0)[spread]
    backward = np.maximum(-flows.edge_mdot, 0.0)[spread]
    x = np.zeros(given.shape)
    for _ in range(MAX_SWEEPS):
        total = given.copy()
        if flows.edge_from.size:
            np.add.at(total, flows.edge_to, forward * x[flows.edge_from])
            np.add.at(total, flows.edge_from, backward * x[flows.edge_to])
        new = _sweep(tree, flows.mdot, total, share, spread)
        change = float(np.max(np.abs(new - x), initial=0.0))
        x = new
        if not flows.edge_from.size or change <= TOLERANCE * max(1.0, float(np.abs(x).max())):
            break
    return x


def _sweep(
    tree: FlowTree,
    mdot: FloatArray,
    total: FloatArray,
    share: FloatArray,
    spread: tuple[slice | None, ...],
) -> FloatArray:
    """Carry `total` (changed in place) up and down the tree and return its share of the inflow."""
    rows, sources = tree.parent.size, tree.sources
    down = np.maximum(mdot[:rows], 0.0)[spread]
    up = np.maximum(-mdot[:rows], 0.0)[spread]
    for level, starts in zip(tree.levels[::-1], tree.starts[::-1], strict=True):
        below = slice(level.start + sources, level.stop + sources)
        carried = up[level] * total[below] * share[below]
        total[tree.parent[level][starts]] += np.add.reduceat(carried, starts, axis=0)
    x = np.empty(total.shape)
    x[:sources] = total[:sources] * share[:sources]
    for level in tree.levels:
        below = slice(level.start + sources, level.stop + sources)
        x[below] = (total[below] + down[level] * x[tree.parent[level]]) * share[below]
    return x
