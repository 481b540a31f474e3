"""A smaller game with the same answer: what in a follower's problem is only bookkeeping goes.

Every step leaves the set of costs that a follower can choose from, and what it pays and trades at
each price, exactly as it was, for all prices at once; only columns get fewer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from cosim.market.leader.problem import Follower, LeaderProblem
from cosim.market.program import Bounds, Program

MOST_PASSES = 30
"""Of all rules over all columns and rows."""
MOST_FILL = 40
"""Entries that leaving out one column may write at most."""
PIVOT = 1e-2
"""Least size of a pivot against the largest entry of its row."""
ZERO = 1e-11
"""Entries below this share of a row's largest are rounding."""
DIGITS = 11
"""Significant digits in which parallel columns agree."""

Line = dict[int, float]


def reduced(game: LeaderProblem) -> LeaderProblem:
    """Return the game with every follower's problem made smaller; prices and plant stay."""
    return replace(game, followers=tuple(_Table.of(one).reduce() for one in game.followers))


@dataclass(slots=True)
class _Table:
    """A follower's problem as lines that can be taken out one by one.

    Attributes:
        source: where it comes from.
        rows: entries by column; None once gone.
        columns: rows in which a column stands; None once gone.
        other: per column what is outside of its rows, by key: 0 cost, 1 fee, then prices and rows
            of the leader.
    """

    source: Follower
    rows: list[Line | None]
    columns: list[set[int] | None]
    other: list[Line]
    low: list[float]
    high: list[float]
    row_low: list[float]
    row_high: list[float]
    offset: float

    @classmethod
    def of(cls, one: Follower) -> _Table:
        """Copy a follower's problem."""
        program, bounds = one.program, one.program.bounds
        extra = sparse.csc_array(
            sparse.vstack([program.cost[None, :], one.fees[None, :], one.priced, one.to_leader])
        )
        matrix, by_column = program.matrix.tocsr(), program.matrix.tocsc()
        return cls(
            one,
            [_line(matrix, i) for i in range(program.m)],
            [set(_line(by_column, j)) for j in range(program.n)],
            [_line(extra, j) for j in range(program.n)],
            bounds.col_lb.tolist(),
            bounds.col_ub.tolist(),
            bounds.row_lb.tolist(),
            bounds.row_ub.tolist(),
            program.offset,
        )

    def reduce(self) -> Follower:
        """Apply all rules until none does anything."""
        for _ in range(MOST_PASSES):
            changed = self._short_rows()
            changed += sum(self._fixed(j) for j in range(len(self.columns)))
            changed += sum(self._left_out(j) for j in range(len(self.columns)))
            changed += self._parallel()
            if not changed:
                break
        return self._follower()

    def _short_rows(self) -> int:
        """Rows of one entry are bounds; rows without any, or that cannot bind, are nothing."""
        gone = 0
        for i, row in enumerate(self.rows):
            if row is None:
                continue
            least, most = self._activity(row)
            slack = (
                1e-9 * (1.0 + max(abs(v) for v in (least, most) if np.isfinite(v) or v == 0.0))
                if np.isfinite(least) or np.isfinite(most)
                else 0.0
            )
            idle = least >= self.row_low[i] - slack and most <= self.row_high[i] + slack
            if len(row) == 1 and not idle:
                ((j, value),) = row.items()
                if self.source.program.integer[j]:
                    continue
                ends = sorted((self.row_low[i] / value, self.row_high[i] / value))
                self.low[j], self.high[j] = max(self.low[j], ends[0]), min(self.high[j], ends[1])
                if self.low[j] > self.high[j]:
                    self.low[j] = self.high[j] = 0.5 * (self.low[j] + self.high[j])
            elif row and not idle:
                continue
            self._drop_row(i)
            gone += 1
        return gone

    def _fixed(self, j: int) -> int:
        """A fixed column moves to the right sides."""
        value = self.low[j]
        if self.columns[j] is None or value != self.high[j]:
            return 0
        if value != 0.0 and set(self.other[j]) - {0}:
            return 0
        self._shift(j, value)
        return 1

    def _left_out(self, j: int) -> int:
        """A column without bounds of its own is put in terms of the others of an equation."""
        rows = self.columns[j]
        if rows is None or self.source.program.integer[j]:
            return 0
        for i in sorted(rows, key=lambda k: len(self.rows[k] or ())):
            row = self.rows[i]
            assert row is not None
            if self.row_low[i] != self.row_high[i] or len(row) < 2:
                continue
            if abs(row[j]) < PIVOT * max(map(abs, row.values())):
                continue
            if (len(row) - 1) * (len(rows) - 1 + len(self.other[j])) > MOST_FILL:
                continue
            if self.row_low[i] != 0.0 and set(self.other[j]) - {0}:
                continue
            if self._free(j, i) or self._handed_over(j, i):
                self._substitute(j, i)
                return 1
        return 0

    def _free(self, j: int, i: int) -> bool:
        """True if the row and the bounds of its other columns keep column j inside its bounds."""
        row = self.rows[i]
        assert row is not None
        least, most = self._activity({k: v for k, v in row.items() if k != j})
        ends = sorted(((self.row_low[i] - most) / row[j], (self.row_high[i] - least) / row[j]))
        slack = [1e-9 * (1.0 + abs(end)) if np.isfinite(end) else 0.0 for end in ends]
        return ends[0] >= self.low[j] - slack[0] and ends[1] <= self.high[j] + slack[1]

    def _handed_over(self, j: int, i: int) -> bool:
        """In an equation of two columns, the bounds of one are bounds of the other."""
        row = self.rows[i]
        assert row is not None
        if len(row) != 2:
            return False
        (k,) = set(row) - {j}
        if self.source.program.integer[k]:
            return False
        right = self.row_low[i]
        ends = sorted((right - row[j] * end) / row[k] for end in (self.low[j], self.high[j]))
        self.low[k], self.high[k] = max(self.low[k], ends[0]), min(self.high[k], ends[1])
        if self.low[k] > self.high[k]:
            self.low[k] = self.high[k] = 0.5 * (self.low[k] + self.high[k])
        return True

    def _substitute(self, j: int, i: int) -> None:
        """Put y_j = (b - the rest) / a everywhere, and take row and column out."""
        row, rows = self.rows[i], self.columns[j]
        assert row is not None
        assert rows is not None
        pivot, right = row[j], self.row_low[i]
        rest = {k: -v / pivot for k, v in row.items() if k != j}
        self.offset += self.other[j].get(0, 0.0) * right / pivot
        for k, share in rest.items():
            _add(self.other[k], self.other[j], share)
        for r in sorted(rows - {i}):
            line = self.rows[r]
            assert line is not None
            weight = line.pop(j)
            self.row_low[r] -= weight * right / pivot
            self.row_high[r] -= weight * right / pivot
            before = set(line)
            _add(line, rest, weight)
            for k in before ^ set(line):
                members = self.columns[k]
                assert members is not None
                (members.add if k in line else members.discard)(r)
        self.columns[j] = None
        del row[j]
        self._drop_row(i)

    def _parallel(self) -> int:
        """Columns that do the same at the same cost are one column."""
        found: dict[tuple[object, ...], tuple[int, float]] = {}
        gone = 0
        for j, rows in enumerate(self.columns):
            if rows is None or not rows or self.source.program.integer[j]:
                continue
            lines = sorted((i, (self.rows[i] or {})[j]) for i in rows)
            scale = lines[0][1]
            same = tuple((i, _rounded(v / scale)) for i, v in lines)
            also = tuple((k, _rounded(v / scale)) for k, v in sorted(self.other[j].items()))
            first, first_scale = found.setdefault((same, also), (j, scale))
            ratio = scale / first_scale
            if first == j or ratio <= 0:
                continue
            self.low[first] += ratio * self.low[j]
            self.high[first] += ratio * self.high[j]
            for i in rows:
                (self.rows[i] or {}).pop(j)
            self.columns[j] = None
            gone += 1
        return gone

    def _shift(self, j: int, value: float) -> None:
        self.offset += self.other[j].get(0, 0.0) * value
        for i in self.columns[j] or ():
            row = self.rows[i]
            assert row is not None
            weight = row.pop(j)
            self.row_low[i] -= weight * value
            self.row_high[i] -= weight * value
        self.columns[j] = None

    def _drop_row(self, i: int) -> None:
        for j in self.rows[i] or ():
            (self.columns[j] or set()).discard(i)
        self.rows[i] = None

    def _activity(self, row: Line) -> tuple[float, float]:
        least = most = 0.0
        for j, value in row.items():
            ends = sorted((value * self.low[j], value * self.high[j]))
            least, most = least + ends[0], most + ends[1]
        return least, most

    def _follower(self) -> Follower:
        one, m = self.source, self.source.to_leader.shape[0]
        keep = [j for j, rows in enumerate(self.columns) if rows is not None]
        place = {j: k for k, j in enumerate(keep)}
        kept_rows = [i for i, row in enumerate(self.rows) if row is not None]
        matrix = _matrix(
            [{place[j]: v for j, v in (self.rows[i] or {}).items()} for i in kept_rows], len(keep)
        )
        n_prices = one.priced.shape[0]
        extra = _matrix([self.other[j] for j in keep], 2 + n_prices + m).T.tocsr()
        bounds = Bounds(
            np.array([self.low[j] for j in keep]),
            np.array([self.high[j] for j in keep]),
            np.array([self.row_low[i] for i in kept_rows]),
            np.array([self.row_high[i] for i in kept_rows]),
        )
        return Follower(
            name=one.name,
            program=Program(
                matrix,
                bounds,
                extra[[0]].toarray().ravel(),
                self.offset,
                one.program.integer[keep],
            ),
            priced=sparse.csr_array(extra[2 : 2 + n_prices]),
            fees=extra[[1]].toarray().ravel(),
            to_leader=sparse.csr_array(extra[2 + n_prices :]),
        )


def _line(matrix: sparse.sparray, k: int) -> Line:
    where = slice(matrix.indptr[k], matrix.indptr[k + 1])
    pairs = zip(matrix.indices[where].tolist(), matrix.data[where].tolist(), strict=True)
    return {at: value for at, value in pairs if value != 0.0}


def _add(line: Line, other: Line, share: float) -> None:
    """Add a multiple of another line; what cancels is gone."""
    for k, value in other.items():
        old = line.get(k, 0.0)
        new = old + share * value
        if abs(new) <= ZERO * max(abs(old), abs(share * value)):
            line.pop(k, None)
        else:
            line[k] = new


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _matrix(lines: list[Line], width: int) -> sparse.csr_array:
    where = [(i, j, v) for i, line in enumerate(lines) for j, v in line.items()]
    rows, columns, values = zip(*where, strict=True) if where else ((), (), ())
    shape = (len(lines), width)
    data = (np.array(values, dtype=float), (np.array(rows, int), np.array(columns, int)))
    return sparse.csr_array(sparse.coo_array(data, shape=shape))
