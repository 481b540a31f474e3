"""Spanning tree, loops and neighbours of a network given as edges between nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosim.records.time import IntArray


@dataclass(frozen=True, slots=True)
class SpanningTree:
    """Nodes that can be reached from a root, and how.

    Attributes:
        order: nodes, parents before children.
        parent: node, -1 at the root and where nothing leads, shape (n,).
        up: edge to the parent, -1 likewise, shape (n,).
    """

    order: list[int]
    parent: IntArray
    up: IntArray

    @property
    def reached(self) -> np.ndarray:
        """Boolean, shape (n,)."""
        found = np.zeros(len(self.parent), dtype=bool)
        found[self.order] = True
        return found

    def way(self, node: int) -> list[tuple[int, int]]:
        """Return (edge, node at its lower end) from a node up to the root."""
        steps = []
        while self.parent[node] >= 0:
            steps.append((int(self.up[node]), node))
            node = int(self.parent[node])
        return steps


def spanning_tree(n: int, start: Sequence[int], end: Sequence[int], root: int) -> SpanningTree:
    """Return the breadth-first tree of `n` nodes from `root`."""
    around: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for e, (a, b) in enumerate(zip(start, end, strict=True)):
        around[a].append((e, b))
        around[b].append((e, a))
    parent, up = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    seen, order = {root}, [root]
    for node in order:
        for e, other in around[node]:
            if other not in seen:
                seen.add(other)
                parent[other], up[other] = node, e
                order.append(other)
    return SpanningTree(order, parent, up)


@dataclass(frozen=True, slots=True)
class Loops:
    """Loops as compressed rows, once by loop and once by edge; see `Mesh`."""

    chord: IntArray
    loop_ptr: IntArray
    loop_edge: IntArray
    loop_sign: np.ndarray
    rows: IntArray
    row_ptr: IntArray
    row_loop: IntArray
    row_sign: np.ndarray


def find_loops(tree: SpanningTree, start: Sequence[int], end: Sequence[int]) -> Loops:
    """Return one loop per edge that the tree leaves out: along it, then back through the tree."""
    in_tree = set(tree.up.tolist())
    chords = [e for e in range(len(start)) if e not in in_tree]
    entries: list[list[tuple[int, float]]] = []
    by_edge: dict[int, list[tuple[int, float]]] = {}
    for k, e in enumerate(chords):
        back, away = dict(tree.way(end[e])), dict(tree.way(start[e]))
        loop = [(e, 1.0)]
        loop += [(o, 1.0 if start[o] == low else -1.0) for o, low in back.items() if o not in away]
        loop += [(o, 1.0 if end[o] == low else -1.0) for o, low in away.items() if o not in back]
        entries.append(loop)
        for edge, sign in loop:
            by_edge.setdefault(edge, []).append((k, sign))
    rows = sorted(by_edge)
    return Loops(
        np.array(chords, dtype=np.int64),
        *_compress(entries),
        np.array(rows, dtype=np.int64),
        *_compress([by_edge[e] for e in rows]),
    )


def _compress(lists: list[list[tuple[int, float]]]) -> tuple[IntArray, IntArray, np.ndarray]:
    sizes = [len(entries) for entries in lists]
    flat = [entry for entries in lists for entry in entries]
    return (
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.array([index for index, _ in flat], dtype=np.int64),
        np.array([sign for _, sign in flat], dtype=np.float64),
    )


def neighbours(n: int, start: Sequence[int], end: Sequence[int]) -> tuple[IntArray, IntArray]:
    """Return the edges at every node as compressed rows."""
    around: list[list[tuple[int, float]]] = [[] for _ in range(n)]
    for e, (a, b) in enumerate(zip(start, end, strict=True)):
        around[a].append((e, 0.0))
        around[b].append((e, 0.0))
    pointers, edges, _ = _compress(around)
    return pointers, edges
