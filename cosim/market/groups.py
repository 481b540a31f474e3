"""Parties that nothing links can be optimised one after the other, and once for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cosim.market.compile import Compiled
from cosim.market.extras import Extra, places
from cosim.market.highs import Outcome, Status
from cosim.market.optimise import Effort, Optimiser
from cosim.market.program import Bounds, part_of
from cosim.records import read_only
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.config import SolverSection


@dataclass(frozen=True, slots=True)
class Group:
    """Parties that have to be optimised together.

    Attributes:
        parties: their numbers.
        extras: positions of the extras that touch them.
    """

    parties: tuple[int, ...]
    extras: tuple[int, ...]


def linked_groups(compiled: Compiled, bounds: Bounds, extras: Sequence[Extra]) -> list[Group]:
    """Return the parties that are not fixed, grouped by what links them.

    Open share variables of a carrier link their parties through the pool, open contracts theirs,
    trade with a leader its followers; an extra links the parties of its open columns.
    """
    owner, count = compiled.layout.column_owner, len(compiled.layout.parties)
    is_open = bounds.col_ub > bounds.col_lb
    leader = np.arange(count)
    contracts = [one.rows.ravel() for one in compiled.layout.contracts.values()]
    for rows in [*compiled.layout.pools.values(), *contracts, *compiled.layout.leader_links]:
        entries = compiled.program.matrix[rows].indices
        _join(leader, owner[entries[is_open[entries]]])
    touched = []
    for extra in extras:
        base = extra.columns[extra.columns < compiled.program.n]
        touched.append(np.unique(owner[base[is_open[base]]]))
        _join(leader, touched[-1])
    active = np.unique(owner[is_open])
    found: dict[int, list[int]] = {}
    for party in active:
        found.setdefault(int(leader[party]), []).append(int(party))
    mine: dict[int, list[int]] = {}
    for position, parties in enumerate(touched):
        first = int(leader[parties[0]]) if len(parties) else next(iter(found))
        mine.setdefault(first, []).append(position)
    return [Group(tuple(parties), tuple(mine.get(key, ()))) for key, parties in found.items()]


def _join(leader: IntArray, parties: IntArray) -> None:
    groups = np.unique(leader[parties])
    if len(groups) > 1:
        leader[np.isin(leader, groups)] = groups[0]


class GroupSolver:
    """Optimises groups one by one and remembers parties that stand alone."""

    def __init__(self, compiled: Compiled, settings: SolverSection) -> None:
        """Keep what is needed to cut the program into parts."""
        self._compiled = compiled
        self._settings = settings
        self._alone: dict[int, Outcome] = {}

    def minimise(
        self,
        groups: Sequence[Group],
        bounds: Bounds,
        extras: Sequence[Extra],
        start: FloatArray | None,
        effort: Effort = "proven",
    ) -> Outcome:
        """Solve every group and put the results together.

        Returns:
            As `Optimiser.minimise`, without duals; the first group without a solution decides.
        """
        program = self._compiled.program
        located = places(extras, program.n, program.m)
        total = program.n + sum(len(extra.col_ub) for extra in extras)
        x = np.zeros(total)
        x[: program.n] = np.where(bounds.col_lb == bounds.col_ub, bounds.col_lb, 0.0)
        objective = bound = program.offset + float(program.cost @ x[: program.n])
        status = Status.OPTIMAL
        for group in groups:
            columns = self._columns(group)
            own = [extras[k] for k in group.extras]
            found = self._solve(group, columns, bounds, own, start, effort)
            if found.x is None:
                return found
            if found.status is not Status.OPTIMAL:
                status = found.status
            constant = float(program.cost[columns] @ x[columns])
            objective += found.objective - constant
            bound += found.bound - constant
            x[columns] = found.x[: len(columns)]
            first = len(columns)
            for extra in own:
                slots = located[extra.key].columns
                x[slots] = found.x[first : first + len(extra.col_ub)]
                first += len(extra.col_ub)
        return Outcome(status, x, objective, bound)

    def _columns(self, group: Group) -> IntArray:
        mine = np.isin(self._compiled.layout.column_owner, group.parties)
        return read_only(np.flatnonzero(mine), np.int64)

    def _rows(self, group: Group, columns: IntArray, bounds: Bounds) -> IntArray:
        """Return the group's own rows, and those that link its open columns to others.

        A member without partners is a group of its own, and its pool still has to sum to zero.
        """
        owner = self._compiled.layout.row_owner
        is_open = columns[bounds.col_ub[columns] > bounds.col_lb[columns]]
        links = np.flatnonzero(owner == -1)
        touching = np.diff(self._compiled.program.matrix[links][:, is_open].tocsr().indptr) > 0
        own = np.flatnonzero(np.isin(owner, group.parties))
        return read_only(np.sort(np.concatenate([own, links[touching]])), np.int64)

    def _solve(
        self,
        group: Group,
        columns: IntArray,
        bounds: Bounds,
        extras: Sequence[Extra],
        start: FloatArray | None,
        effort: Effort,
    ) -> Outcome:
        alone = group.parties[0] if len(group.parties) == 1 and not extras else None
        if alone is not None and alone in self._alone:
            return self._alone[alone]
        rows = self._rows(group, columns, bounds)
        part = part_of(self._compiled.program, bounds, columns, rows)
        moved = [_moved(extra, self._compiled.program.n, columns, bounds) for extra in extras]
        first = None if start is None else start[columns]
        deep = effort if alone is None else "proven"
        found = Optimiser(part, self._settings).minimise(part.bounds, moved, first, deep)
        if alone is not None and found.status is Status.OPTIMAL:
            self._alone[alone] = found
        return found


def _moved(extra: Extra, n: int, columns: IntArray, bounds: Bounds) -> Extra:
    """Return an extra in the numbering of a part; entries of fixed columns go to the bounds."""
    position = np.full(n, -1, dtype=np.int64)
    position[columns] = np.arange(len(columns))
    base = extra.columns < n
    where = extra.columns.copy()
    where[base] = position[extra.columns[base]]
    where[~base] += len(columns) - n
    outside = where < 0
    fixed = np.zeros(len(where))
    fixed[outside] = extra.values[outside] * bounds.col_lb[extra.columns[outside]]
    row = np.repeat(np.arange(len(extra.row_lb)), np.diff(extra.starts))
    count = len(extra.row_lb)
    shift = np.bincount(row, weights=fixed, minlength=count)
    kept = np.bincount(row[~outside], minlength=count)
    return replace(
        extra,
        starts=read_only(np.concatenate([[0], np.cumsum(kept)]), np.int64),
        columns=read_only(where[~outside], np.int64),
        values=read_only(extra.values[~outside]),
        row_lb=read_only(extra.row_lb - shift),
        row_ub=read_only(extra.row_ub - shift),
    )
