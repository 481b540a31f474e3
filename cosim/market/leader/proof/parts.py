"""The game taken apart into its steps: a bound that is the sum of small exact problems.

Rows over several steps get multipliers (Lagrange), columns that steps share are copied into each of
them, and the copies' agreement gets multipliers too. What is left falls apart into one small
mixed-integer program a step. For any multipliers the sum of their optimal values bounds the
objective from below; those of the linear relaxation are taken. A step's value may then exceed its
least value only by the distance of that bound from the best known objective: what a column can be
under this limit is its range.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import sparse

from cosim.market.highs import Clock, Handle, Status
from cosim.market.leader.proof.root import Ranges
from cosim.market.leader.proof.side_by_side import side_by_side
from cosim.market.leader.proof.steps import NO_STEP, Steps, ends_of_rows
from cosim.market.program import BoolArray, Bounds, Program
from cosim.records.time import FloatArray, IntArray

ROUNDING = 1e-9
"""Weight that a column without an end may have from rounding."""
SHARE_OF_GAP = 0.1
"""Of the wanted gap, how much the inexact solution of all parts together may cost."""


@dataclass(frozen=True, slots=True)
class Part:
    """One step by itself.

    Attributes:
        columns: of the whole program: its own ones, then copies of shared ones.
        own: how many are its own.
        copied: number of each copy among the shared columns.
        program: rows of this step, cost of its own columns.
        links: its own columns in the rows over several steps, shape (linking rows, own).
    """

    columns: IntArray
    own: int
    copied: IntArray
    program: Program
    links: sparse.csr_array


@dataclass(frozen=True, slots=True)
class Multipliers:
    """What a unit costs: of linking rows, and of every part's copies."""

    links: FloatArray
    copies: tuple[FloatArray, ...]


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The linear relaxation: its point, shape (n,), and the multipliers it gives."""

    x: FloatArray
    multipliers: Multipliers


@dataclass(frozen=True, slots=True)
class Priced:
    """The parts' problems at some multipliers.

    Attributes:
        multipliers: which.
        bound: proven lower bound on the objective.
        least: proven least value of every part.
        empty: a part has no point at all.
    """

    multipliers: Multipliers
    bound: float
    least: FloatArray
    empty: bool


class Parts:
    """A program taken apart."""

    def __init__(self, program: Program, steps: Steps) -> None:
        """Take a program apart; rows that touch own columns of several steps are linking rows."""
        bounds = program.bounds
        self._program = program
        fixed = bounds.col_lb >= bounds.col_ub
        value = np.where(fixed, bounds.col_lb, 0.0)
        shared = np.asarray(steps.shared & ~fixed)
        self._shared = np.flatnonzero(shared)
        home = _home_of_rows(program.matrix, steps.label, shared | fixed)
        moved = program.matrix @ value
        linking = np.flatnonzero(home == _SEVERAL)
        self._rows = program.matrix[linking]
        self._low = (bounds.row_lb - moved)[linking]
        self._high = (bounds.row_ub - moved)[linking]
        self._offset = program.offset + float(program.cost @ value)
        self._shared_cost = program.cost[self._shared]
        self._shared_links = sparse.csr_array(self._rows[:, self._shared])
        free = Bounds(bounds.col_lb, bounds.col_ub, bounds.row_lb - moved, bounds.row_ub - moved)
        found = (
            self._part(replace(program, bounds=free), own, np.flatnonzero(home == step))
            for step, own in _own_columns(steps.label, shared | fixed)
        )
        self.parts = tuple(one for one in found if len(one.columns))

    def _part(self, program: Program, own: IntArray, rows: IntArray) -> Part:
        block = program.matrix[rows]
        copied = np.flatnonzero(abs(block[:, self._shared]).sum(axis=0) > 0.0)
        columns = np.concatenate([own, self._shared[copied]])
        bounds = program.bounds
        inner = Program(
            sparse.csr_array(block[:, columns]),
            Bounds(
                bounds.col_lb[columns],
                bounds.col_ub[columns],
                bounds.row_lb[rows],
                bounds.row_ub[rows],
            ),
            np.concatenate([program.cost[own], np.zeros(len(copied))]),
            0.0,
            program.integer[columns],
        )
        return Part(columns, len(own), copied, inner, sparse.csr_array(self._rows[:, own]))

    def relaxed(self, seconds: float) -> Relaxed | None:
        """Return the linear relaxation; None without an optimal point."""
        parts, shared = self.parts, len(self._shared)
        none = [sparse.csr_array((len(self._low), len(one.copied))) for one in parts]
        links = [
            block
            for one, empty in zip(parts, none, strict=True)
            for block in (one.links, empty)
        ]  # fmt: skip
        inside = sparse.block_diag([one.program.matrix for one in parts], format="csr")
        same = sparse.block_diag([_copies(one) for one in parts], format="csr")
        whose = sparse.vstack([_chosen(one.copied, shared) for one in parts], format="csr")
        matrix = sparse.block_array(
            [
                [inside, None],
                [sparse.hstack(links, format="csr"), self._shared_links],
                [same, -whose],
            ],
            format="csr",
        )
        bounds, equal = self._program.bounds, np.zeros(same.shape[0])
        inner_rows = [one.program.bounds for one in parts]
        row_low = [*(one.row_lb for one in inner_rows), self._low, equal]
        row_high = [*(one.row_ub for one in inner_rows), self._high, equal]
        low = [*(one.program.bounds.col_lb for one in parts), bounds.col_lb[self._shared]]
        high = [*(one.program.bounds.col_ub for one in parts), bounds.col_ub[self._shared]]
        cost = np.concatenate([*(one.program.cost for one in parts), self._shared_cost])
        split = Program(
            sparse.csr_array(matrix),
            Bounds(*map(np.concatenate, (low, high, row_low, row_high))),
            cost,
            self._offset,
            np.zeros(len(cost), dtype=bool),
        )
        outcome = Handle(split, integer=False, threads=1, mip_gap=0.0).search(seconds)
        if (
            outcome is None
            or outcome.status is not Status.OPTIMAL
            or outcome.x is None
            or outcome.row_dual is None
        ):
            return None
        inner = inside.shape[0]
        links_dual, copies = np.split(outcome.row_dual[inner:], [len(self._low)])
        where = np.cumsum([len(one.copied) for one in parts])[:-1]
        by = Multipliers(links_dual, tuple(np.split(copies, where)))
        return Relaxed(self._together(outcome.x), by)

    def price(self, by: Multipliers, gap: float, clock: Clock, until: float) -> Priced:
        """Solve every part at some multipliers.

        Args:
            by: the multipliers.
            gap: most that inexact solutions may cost in all.
            clock: of the whole solve.
            until: when to end, on the clock.
        """
        share = gap * SHARE_OF_GAP / len(self.parts)

        def solve(k: int) -> tuple[float, bool]:
            """Return the proven least value of a part, and whether it has no point."""
            program = replace(self.parts[k].program, cost=self._cost(k, by))
            handle = Handle(program, integer=bool(program.integer.any()), threads=1, mip_gap=0.0)
            handle.tune({"mip_abs_gap": share})
            found = handle.search(max(until - clock.elapsed, 0.1))
            if found is None:
                return -np.inf, False
            return found.bound, found.status is Status.INFEASIBLE

        found = side_by_side(partial(solve, k) for k in range(len(self.parts)))
        least = np.array([bound for bound, _ in found])
        empty = any(none for _, none in found)
        return Priced(by, self._constant(by) + float(least.sum()), least, empty)

    def ranges(
        self, priced: Priced, most: float, wanted: BoolArray, clock: Clock, until: float
    ) -> tuple[FloatArray, FloatArray, bool]:
        """Return the ranges of columns over points with an objective of at most `most`.

        Args:
            priced: bound and multipliers.
            most: largest objective of interest.
            wanted: columns to ask for, shape (n,).
            clock: of the whole solve.
            until: when to end, on the clock.

        Returns:
            Lower and upper ends, shape (n,) each, and whether nothing is left.
        """
        room = most - priced.bound

        def narrow(k: int) -> Ranges:
            """Return the ranges of a part's columns."""
            one = self.parts[k]
            program = replace(one.program, cost=self._cost(k, priced.multipliers))
            asked = Ranges(program, float(priced.least[k]) + room)
            asked.narrow(np.flatnonzero(wanted[one.columns]), max(until - clock.elapsed, 0.0))
            return asked

        low, high = self._program.bounds.col_lb.copy(), self._program.bounds.col_ub.copy()
        empty = False
        found = side_by_side(partial(narrow, k) for k in range(len(self.parts)))
        for one, asked in zip(self.parts, found, strict=True):
            empty |= asked.empty
            low[one.columns] = np.maximum(low[one.columns], asked.low)
            high[one.columns] = np.minimum(high[one.columns], asked.high)
        return np.minimum(low, high), np.maximum(low, high), empty

    def _cost(self, k: int, by: Multipliers) -> FloatArray:
        one = self.parts[k]
        cost = one.program.cost.copy()
        cost[: one.own] -= one.links.T @ by.links
        cost[one.own :] -= by.copies[k]
        return cost

    def _constant(self, by: Multipliers) -> float:
        """Return the least value of what is in no part: right sides and the shared columns."""
        bounds = self._program.bounds
        sides = np.where(by.links > 0.0, self._low, self._high)
        cost = self._shared_cost - self._shared_links.T @ by.links
        for one, dual in zip(self.parts, by.copies, strict=True):
            cost[one.copied] += dual
        ends = np.where(cost > 0.0, bounds.col_lb[self._shared], bounds.col_ub[self._shared])
        return self._offset + _product(by.links, sides) + _product(cost, ends)

    def _together(self, split: FloatArray) -> FloatArray:
        """Return the columns of the whole program from those of all parts and the shared ones."""
        bounds = self._program.bounds
        x = np.where(bounds.col_lb >= bounds.col_ub, bounds.col_lb, 0.0)
        start = 0
        for one in self.parts:
            x[one.columns[: one.own]] = split[start : start + one.own]
            start += len(one.columns)
        x[self._shared] = split[start:]
        return x


_SEVERAL = -2


def _own_columns(label: IntArray, apart: BoolArray) -> list[tuple[int, IntArray]]:
    own = np.where(apart, _SEVERAL, label)
    steps = {NO_STEP, *np.unique(own).tolist()} - {_SEVERAL}
    return [(step, np.flatnonzero(own == step)) for step in sorted(steps)]


def _home_of_rows(matrix: sparse.csr_array, label: IntArray, apart: BoolArray) -> IntArray:
    """Return the step of every row, `_SEVERAL` where its own columns have several."""
    low, high = ends_of_rows(sparse.coo_array(matrix), label, ~apart)
    home = np.where(low == high, low, _SEVERAL)
    return np.where(low > high, NO_STEP, home)


def _copies(one: Part) -> sparse.csr_array:
    k = len(one.copied)
    own = sparse.csr_array((k, one.own))
    return sparse.csr_array(sparse.hstack([own, sparse.eye_array(k, format="csr")], format="csr"))


def _chosen(columns: IntArray, of: int) -> sparse.csr_array:
    k = len(columns)
    return sparse.csr_array((np.ones(k), (np.arange(k), columns)), shape=(k, of))


def _product(weight: FloatArray, end: FloatArray) -> float:
    """Return the sum of products; where there is no end, rounding in the weight counts nothing."""
    nothing = np.isinf(end) & (np.abs(weight) <= ROUNDING)
    return float((np.where(nothing, 0.0, weight) * np.where(nothing, 0.0, end)).sum())
