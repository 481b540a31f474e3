"""Order a pipe network as a spanning tree with chords, for sweeps over many steps at once.

Nodes are ranked breadth first from the external grids. Row r of the tree branches leads from its
parent down to node `sources + r`, so that flows are summed upwards and pressures handed downwards
level by level, each level being one slice. A chord closes a loop: its flow runs along the chord
and back through the tree. Flows in loops are the only unknowns of the flow balance.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix

from cosim.grids.gas.net import Branches, GasArrays
from cosim.grids.gas.spanning import Spanning, span
from cosim.records.time import FloatArray, IntArray

BACKWARDS_KG_PER_S = 1e-12
"""Flow against its direction that closes a compressor's lift; less is rounding."""


@dataclass(frozen=True, slots=True)
class FlowTree:
    """Spanning tree of the supplied part of a network.

    Attributes:
        nodes: node of every rank, the sources first, shape (n,).
        sources: number of distinct nodes with an external grid.
        source_bar: absolute pressure of each source, shape (sources,).
        parent: rank above every tree branch, shape (n - sources,).
        levels: slices of tree rows that share their depth, from the top.
        starts: per level, first row of every group of siblings (relative to the level).
        branches: branch of every row, tree rows first, then chords, shape (b,).
        flipped: true where the row runs against the branch's own direction, shape (b,).
        row_from: rank at the start of every row, shape (b,).
        row_to: rank at the end, shape (b,).
        loop_rows: rows that lie on any loop, shape (m,).
        loops: part of each loop's flow in each of these rows, -1, 0 or 1, shape (m, loops).
        drops: part of each row's drop of squared pressure around each loop; the same as `loops`
            down to the outlets of pressure controls, where a path of pressures ends.
        loop_head: difference of squared pressures between the ends of those paths, bar^2,
            shape (loops,).
        pairs: product of `drops` and `loops` for every pair of loops, shape (loops^2, m): times
            the slopes of the rows it is the matrix of the loop equations.
        gain: factor on the squared pressure at the start of every row, shape (b, 1): the squared
            ratio of a compressor (one over it against its direction), 0 for a pressure control.
        kept: squared pressure that a control keeps, 0 for other rows, bar^2, shape (b, 1).
        compressors: rows of compressors.
        data: branch constants in row order and direction.
        spanning: the tree by node.
    """

    nodes: IntArray
    sources: int
    source_bar: FloatArray
    parent: IntArray
    levels: tuple[slice, ...]
    starts: tuple[IntArray, ...]
    branches: IntArray
    flipped: np.ndarray
    row_from: IntArray
    row_to: IntArray
    loop_rows: IntArray
    loops: FloatArray
    drops: FloatArray
    loop_head: FloatArray
    pairs: csr_matrix
    gain: FloatArray
    kept: FloatArray
    compressors: IntArray
    data: Branches
    spanning: Spanning

    @property
    def chords(self) -> int:
        """Number of independent loops."""
        return int(self.loops.shape[1])

    def flows(self, injection: FloatArray) -> FloatArray:
        """Return the flow in every row without any loop flow, kg/s.

        Args:
            injection: mass flow into every ranked node, shape (n, T).
        """
        below = -injection[self.sources :]
        for level, starts in zip(self.levels[:0:-1], self.starts[:0:-1], strict=True):
            above = self.parent[level][starts] - self.sources
            below[above] += np.add.reduceat(below[level], starts, axis=0)
        return np.concatenate([below, np.zeros((self.chords, injection.shape[1]))])

    @property
    def passive(self) -> bool:
        """True if there is no compressor and no pressure control."""
        return bool((self.gain == 1.0).all())

    def gains(self, mdot: FloatArray) -> FloatArray:
        """Return the factor on the squared pressure of every row, shape (b, T) or (b, 1).

        A compressor that gas flows back through is open (pandapipes sets its lift to zero).
        """
        if not self.compressors.size:
            return self.gain
        gain = np.repeat(self.gain, mdot.shape[1], axis=1)
        rows = self.compressors
        own = np.where(self.flipped[rows, None], -mdot[rows], mdot[rows])
        gain[rows] = np.where(own < -BACKWARDS_KG_PER_S, 1.0, gain[rows])
        return gain

    def hand_down(
        self, top: FloatArray, drop: FloatArray, gain: FloatArray | None = None
    ) -> FloatArray:
        """Return a potential at every rank: `top` at the sources, `gain x - drop` after a row."""
        values = np.empty((self.nodes.size, drop.shape[1]))
        values[: self.sources] = top
        for level in self.levels:
            below = slice(level.start + self.sources, level.stop + self.sources)
            if gain is None:
                np.subtract(values[self.parent[level]], drop[level], out=values[below])
            else:
                values[below] = gain[level] * values[self.parent[level]] - drop[level]
        return values

    def source_flow(self, mdot: FloatArray, injection: FloatArray) -> FloatArray:
        """Return what every source delivers into the network, kg/s, shape (sources, T)."""
        flow = -injection[: self.sources]
        for ends, sign in ((self.row_from, 1.0), (self.row_to, -1.0)):
            rows = np.flatnonzero(ends < self.sources)
            np.add.at(flow, ends[rows], sign * mdot[rows])
        return flow


def build_tree(arrays: GasArrays) -> FlowTree:
    """Return the spanning tree of everything that an external grid supplies."""
    spanning = span(arrays)
    order, via, count = spanning.order, spanning.via, spanning.sources
    rank = np.full(arrays.ambient_bar.size, -1, dtype=np.int64)
    rank[order] = np.arange(order.size)
    branch = arrays.branches
    inside = spanning.usable & ~np.isfinite(branch.target_bar)
    inside &= (rank[branch.from_node] >= 0) & (rank[branch.to_node] >= 0)
    inside[via] = False
    rows = np.concatenate([via, np.flatnonzero(inside)])
    flipped = np.zeros(rows.size, dtype=bool)
    flipped[: via.size] = branch.from_node[via] != spanning.above
    parent = rank[spanning.above]
    row_from, row_to = _row_ends(branch, rows, flipped, rank)
    levels, starts = _levels(parent, count)
    data = _in_row_order(branch, rows, flipped)
    kept = np.where(np.isfinite(data.target_bar), data.target_bar, 0.0) ** 2
    root, root_squared = _roots(parent, spanning.source_bar, kept[: parent.size, 0])
    start, end = row_from[via.size :], row_to[via.size :]
    loops = _loops(parent, np.arange(order.size) < count, count, start, end)
    drops = _loops(parent, root == np.arange(order.size), count, start, end)
    used = np.flatnonzero(np.any(loops != 0.0, axis=1))
    return FlowTree(
        nodes=order,
        sources=count,
        source_bar=spanning.source_bar,
        parent=parent,
        levels=levels,
        starts=starts,
        branches=rows,
        flipped=flipped,
        row_from=row_from,
        row_to=row_to,
        loop_rows=used,
        loops=loops[used],
        drops=drops[used],
        pairs=_pairs(drops[used], loops[used]),
        loop_head=root_squared[root[start]] - root_squared[root[end]],
        gain=np.where(np.isfinite(data.target_bar), 0.0, data.ratio**2),
        kept=kept,
        compressors=np.flatnonzero(data.ratio[:, 0] != 1.0),
        data=data,
        spanning=spanning,
    )


def _row_ends(
    branch: Branches, rows: IntArray, flipped: np.ndarray, rank: IntArray
) -> tuple[IntArray, IntArray]:
    start, end = rank[branch.from_node[rows]], rank[branch.to_node[rows]]
    return np.where(flipped, end, start), np.where(flipped, start, end)


def _levels(parent: IntArray, sources: int) -> tuple[tuple[slice, ...], tuple[IntArray, ...]]:
    """Return slices of rows of equal depth and where siblings begin; siblings are adjacent."""
    depth = np.zeros(parent.size, dtype=np.int64)
    for row, above in enumerate(parent):
        depth[row] = 0 if above < sources else depth[above - sources] + 1
    edges = np.searchsorted(depth, np.arange(depth[-1] + 2)) if parent.size else np.zeros(1, int)
    levels, starts = [], []
    for begin, stop in pairwise(edges):
        levels.append(slice(int(begin), int(stop)))
        siblings = parent[begin:stop]
        starts.append(np.flatnonzero(np.r_[True, siblings[1:] != siblings[:-1]]))
    return tuple(levels), tuple(starts)


def _loops(
    parent: IntArray, top: np.ndarray, sources: int, start: IntArray, end: IntArray
) -> FloatArray:
    """Return how each chord closes through the rows up to the top ranks, shape (rows, chords)."""
    loops = np.zeros((parent.size + start.size, start.size))
    for chord, (a, b) in enumerate(zip(start, end, strict=True)):
        loops[parent.size + chord, chord] = 1.0
        for end_node, sign in ((int(a), 1.0), (int(b), -1.0)):
            node = end_node
            while not top[node]:
                loops[node - sources, chord] += sign
                node = int(parent[node - sources])
    return loops


def _pairs(drops: FloatArray, loops: FloatArray) -> csr_matrix:
    """Return what every row contributes to every pair of loops, shape (loops^2, rows)."""
    count, entries = loops.shape[1], []
    for row, (drop, path) in enumerate(zip(drops, loops, strict=True)):
        one, other = np.flatnonzero(drop), np.flatnonzero(path)
        place = (one[:, None] * count + other[None, :]).ravel()
        entries.append((place, np.full(place.size, row), np.outer(drop[one], path[other]).ravel()))
    if not entries:
        return csr_matrix((count * count, 0))
    where, rows, values = (np.concatenate(part) for part in zip(*entries, strict=True))
    return csr_matrix((values, (where, rows)), shape=(count * count, loops.shape[0]))


def _roots(
    parent: IntArray, source_bar: FloatArray, kept: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return the rank whose pressure is given that every rank hangs on, and its square."""
    sources = source_bar.size
    root = np.arange(sources + parent.size)
    squared = np.concatenate([source_bar**2, kept])
    for row, above in enumerate(parent):
        if kept[row] == 0.0:
            root[sources + row] = root[above]
    return root, squared


def _in_row_order(branch: Branches, rows: IntArray, flipped: np.ndarray) -> Branches:
    """Return the branch constants by row; a flipped row has its ends exchanged."""

    def pick(values: FloatArray, opposite: FloatArray | None = None) -> FloatArray:
        """Return values by row, shape (rows, 1); flipped rows take them from `opposite`."""
        other = values if opposite is None else opposite
        return np.where(flipped, other[rows], values[rows])[:, None]

    return Branches(
        from_node=np.where(flipped, branch.to_node[rows], branch.from_node[rows]),
        to_node=np.where(flipped, branch.from_node[rows], branch.to_node[rows]),
        diameter_m=pick(branch.diameter_m),
        length_m=pick(branch.length_m),
        roughness_m=pick(branch.roughness_m),
        loss_coefficient=pick(branch.loss_coefficient),
        area_m2=pick(branch.area_m2),
        viscosity_pa_s=pick(branch.viscosity_pa_s),
        drag=pick(branch.drag),
        density_from=pick(branch.density_from, branch.density_to),
        density_to=pick(branch.density_to, branch.density_from),
        lift=pick(branch.lift, -branch.lift),
        speed_from=pick(branch.speed_from, branch.speed_to),
        speed_to=pick(branch.speed_to, branch.speed_from),
        speed_mean=pick(branch.speed_mean),
        ratio=pick(branch.ratio, 1.0 / branch.ratio),
        target_bar=pick(branch.target_bar),
    )
