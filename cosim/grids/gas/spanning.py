"""Choose a spanning tree of a gas network: which branch every node hangs on.

A pressure control keeps the pressure behind it whatever happens before it, so its outlet is the
root of what hangs below, and the control itself the only way up. That needs an order: first
everything that external grids reach without passing through an outlet, then the outlets of controls
that were reached, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csgraph

from cosim.grids.gas.net import GasArrays
from cosim.records.time import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Spanning:
    """The tree by node.

    Attributes:
        order: nodes breadth first, distinct nodes with external grids first, shape (n,).
        sources: number of these.
        source_bar: absolute pressure of each, shape (sources,).
        above: node above every node of the order after the sources, shape (n - sources,).
        via: branch that leads there, shape (n - sources,).
        usable: branches that carry gas between nodes of the tree, shape (branches,).
        lost: controls that only their own outlet supplies; no tree has room for these.
    """

    order: IntArray
    sources: int
    source_bar: FloatArray
    above: IntArray
    via: IntArray
    usable: np.ndarray
    lost: IntArray


def span(arrays: GasArrays) -> Spanning:
    """Return the spanning tree of everything that an external grid supplies."""
    sources, source_bar = _sources(arrays)
    branch = arrays.branches
    usable = arrays.active[branch.from_node] & arrays.active[branch.to_node]
    control = np.isfinite(branch.target_bar)
    supplied = _reachable(arrays, sources, usable, control)
    usable &= supplied[branch.from_node] & supplied[branch.to_node]
    above, via, lost = _stages(arrays, sources, usable, control)
    order = _breadth_first(sources, above)
    source_bar = source_bar[np.searchsorted(sources, order[: sources.size])]
    below = order[sources.size :]
    return Spanning(order, sources.size, source_bar, above[below], via[below], usable, lost)


def _sources(arrays: GasArrays) -> tuple[IntArray, FloatArray]:
    """Return distinct source nodes with their absolute pressure; grids at one node share it."""
    usable = arrays.active[arrays.ext_nodes]
    nodes, position = np.unique(arrays.ext_nodes[usable], return_inverse=True)
    gauge = np.bincount(position, arrays.ext_p_bar[usable]) / np.bincount(position)
    return nodes, gauge + arrays.ambient_bar[nodes]


def _reachable(
    arrays: GasArrays, sources: IntArray, usable: np.ndarray, control: np.ndarray
) -> np.ndarray:
    """Return the nodes that gas can come to; controls let it pass in one direction only."""
    branch, count = arrays.branches, arrays.ambient_bar.size
    both = usable & ~control
    start = np.concatenate([branch.from_node[usable], branch.to_node[both]])
    end = np.concatenate([branch.to_node[usable], branch.from_node[both]])
    start = np.concatenate([start, np.full(sources.size, count)])
    end = np.concatenate([end, sources])
    graph = coo_matrix((np.ones(start.size), (start, end)), shape=(count + 1, count + 1))
    found = csgraph.breadth_first_order(graph.tocsr(), count, return_predecessors=False)
    reached = np.zeros(count + 1, dtype=bool)
    reached[found] = True
    return reached[:count]


def _stages(
    arrays: GasArrays, sources: IntArray, usable: np.ndarray, control: np.ndarray
) -> tuple[IntArray, IntArray, IntArray]:
    """Return node and branch above every node (-1 at sources), and controls without a place."""
    branch, count = arrays.branches, arrays.ambient_bar.size
    above, via = (np.full(count, -1, dtype=np.int64) for _ in range(2))
    waiting = np.flatnonzero(usable & control)
    closed = np.zeros(count, dtype=bool)
    closed[branch.to_node[waiting]] = True
    plain = np.flatnonzero(usable & ~control)
    reached = np.zeros(count, dtype=bool)
    roots = sources
    while roots.size:
        reached[roots] = True
        closed[roots] = False
        _grow(arrays, plain, roots, reached, closed, above, via)
        ready = waiting[reached[branch.from_node[waiting]]]
        waiting = np.setdiff1d(waiting, ready)
        roots = branch.to_node[ready]
        above[roots], via[roots] = branch.from_node[ready], ready
    return above, via, waiting


def _grow(
    arrays: GasArrays,
    plain: IntArray,
    roots: IntArray,
    reached: np.ndarray,
    closed: np.ndarray,
    above: IntArray,
    via: IntArray,
) -> None:
    """Add to the tree (in place) what the roots reach first."""
    branch, count = arrays.branches, arrays.ambient_bar.size
    free = ~reached & ~closed
    free[roots] = True
    chosen = plain[free[branch.from_node[plain]] & free[branch.to_node[plain]]]
    low = np.minimum(branch.from_node[chosen], branch.to_node[chosen])
    high = np.maximum(branch.from_node[chosen], branch.to_node[chosen])
    pairs, first = np.unique(low * count + high, return_index=True)
    start = np.concatenate([pairs // count, np.full(roots.size, count)])
    end = np.concatenate([pairs % count, roots])
    graph = coo_matrix((np.ones(start.size), (start, end)), shape=(count + 1, count + 1))
    order, parent = csgraph.breadth_first_order(graph.tocsr(), count, directed=False)
    new = order[1:].astype(np.int64)
    new = new[~reached[new]]
    key = np.minimum(parent[new], new) * count + np.maximum(parent[new], new)
    above[new] = parent[new]
    via[new] = chosen[first[np.searchsorted(pairs, key)]]
    reached[new] = True


def _breadth_first(sources: IntArray, above: IntArray) -> IntArray:
    """Return the nodes of the tree breadth first, siblings side by side."""
    count = above.size
    below = np.flatnonzero(above >= 0)
    start = np.concatenate([above[below], np.full(sources.size, count)])
    end = np.concatenate([below, sources])
    graph = coo_matrix((np.ones(start.size), (start, end)), shape=(count + 1, count + 1))
    order = csgraph.breadth_first_order(graph.tocsr(), count, return_predecessors=False)
    return np.asarray(order[1:], dtype=np.int64)
