"""Rows and columns that come and go behind the compiled model: cuts, loss lines, binaries."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from cosim.errors import SolveError
from cosim.market.layout import Layout
from cosim.records import Cut, LossLine, read_only
from cosim.records.time import FloatArray, IntArray

NEGLIGIBLE = 1e-9
"""Coefficients below this share of a row's largest are left out."""


def _none() -> FloatArray:
    return read_only([])


@dataclass(frozen=True, slots=True, eq=False)
class Extra:
    """A few rows with their own new columns.

    Attributes:
        key: what it is; unique among the extras of a model.
        starts: first entry of each row and the number of entries, shape (m + 1,).
        columns: column per entry; the compiled model's n columns come first, n + k is the k-th new
            column of this extra.
        values: coefficient per entry.
        row_lb: shape (m,).
        row_ub: shape (m,).
        col_ub: upper bound of each new column (the lower one is 0), shape (k,).
        col_cost: shape (k,).
        integer: the new columns are binaries.
    """

    key: Hashable
    starts: IntArray
    columns: IntArray
    values: FloatArray
    row_lb: FloatArray
    row_ub: FloatArray
    col_ub: FloatArray = field(default_factory=_none)
    col_cost: FloatArray = field(default_factory=_none)
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Rows and columns of an extra behind the compiled model."""

    rows: slice
    columns: slice

    def fits(self, extra: Extra) -> bool:
        """True if the extra has as many rows and columns."""
        rows, columns = self.rows.stop - self.rows.start, self.columns.stop - self.columns.start
        return bool(rows == len(extra.row_lb) and columns == len(extra.col_ub))


def places(extras: Sequence[Extra], n: int, m: int) -> dict[Hashable, Place]:
    """Return where each extra is, if they are loaded in this order behind n columns, m rows."""
    found: dict[Hashable, Place] = {}
    for extra in extras:
        rows, columns = len(extra.row_lb), len(extra.col_ub)
        found[extra.key] = Place(slice(m, m + rows), slice(n, n + columns))
        m, n = m + rows, n + columns
    return found


def cut_extra(cut: Cut, layout: Layout, n: int, unmet_price_per_kwh: float) -> Extra:
    """Return a cut as one row: (coef_p @ p + coef_q @ q) / scale - slack <= rhs / scale.

    scale is the largest coefficient, so the slack is in kW at the strongest terminal, priced at
    `unmet_price_per_kwh`.

    Args:
        cut: the inequality on the injections of one step.
        layout: where the injections are.
        n: number of columns of the compiled model.
        unmet_price_per_kwh: price of the slack.

    Raises:
        SolveError: if it names a network, step or terminal that does not exist, or moves nothing.
    """
    columns, values = _cut_entries(cut, layout)
    largest = float(np.abs(values).max(initial=0.0))
    if not (0.0 < largest < np.inf and np.isfinite(cut.rhs)):
        raise SolveError(f"cut {cut.key}: no finite coefficient above zero; leave it out")
    keep = np.abs(values) > NEGLIGIBLE * largest
    return Extra(
        key=cut.key,
        starts=read_only([0, keep.sum() + 1], np.int64),
        columns=read_only([*columns[keep], n], np.int64),
        values=read_only([*(values[keep] / largest), -1.0]),
        row_lb=read_only([-np.inf]),
        row_ub=read_only([cut.rhs / largest]),
        col_ub=read_only([np.inf]),
        col_cost=read_only([unmet_price_per_kwh * layout.step_h]),
    )


def cut_scale(cut: Cut, layout: Layout) -> float:
    """Return the largest coefficient of a cut, in the limit's unit per kW or kvar."""
    return float(np.abs(_cut_entries(cut, layout)[1]).max(initial=0.0))


def _cut_entries(cut: Cut, layout: Layout) -> tuple[IntArray, FloatArray]:
    return _entries(layout, cut.key.grid, cut.key.step, cut.terminals, cut.coef_p, cut.coef_q)


@dataclass(frozen=True, slots=True)
class LineKey:
    """One loss line; with `exact` there is one per network and kind."""

    grid: str
    kind: str
    iteration: int


def line_extra(line: LossLine, layout: Layout, equal: np.ndarray) -> Extra:
    """Return a loss line as one row per step: charge[t] - coef @ injections[t] >= constant[t].

    Args:
        line: the linear function.
        layout: where the injections are.
        equal: steps of the line at which it holds with equality, shape (T,), boolean.

    Raises:
        SolveError: if it names a network, step or terminal that does not exist.
    """
    charged = layout.charged.get((line.grid, line.kind))
    if charged is None:
        raise SolveError(f"loss line: network {line.grid!r} has no {line.kind} account")
    starts, columns, values = [0], [], []
    for row, step in enumerate(line.steps):
        where, what = _entries(
            layout, line.grid, int(step), line.terminals, line.coef_p[row], line.coef_q[row]
        )
        keep = np.abs(what) > NEGLIGIBLE
        columns += [int(charged[step]), *where[keep]]
        values += [1.0, *(-what[keep])]
        starts.append(len(columns))
    return Extra(
        key=LineKey(line.grid, line.kind, line.iteration),
        starts=read_only(starts, np.int64),
        columns=read_only(columns, np.int64),
        values=read_only(values),
        row_lb=read_only(line.constant_kw),
        row_ub=read_only(np.where(equal, line.constant_kw, np.inf)),
    )


def _entries(
    layout: Layout,
    grid: str,
    step: int,
    terminals: tuple[str, ...],
    coef_p: FloatArray,
    coef_q: FloatArray,
) -> tuple[IntArray, FloatArray]:
    """Return columns and coefficients of p, then of q where it exists."""
    known = layout.terminals.get(grid)
    if known is None or not 0 <= step < layout.steps:
        raise SolveError(f"network {grid!r}, step {step}: not in this market")
    missing = sorted(set(terminals) - set(known))
    if missing:
        raise SolveError(f"network {grid!r}: unknown terminal {missing[0]!r}; known {known}")
    order = np.array([known.index(name) for name in terminals], dtype=np.int64)
    p, q = layout.p_columns[grid][step, order], layout.q_columns[grid][step, order]
    has_q = q >= 0
    columns = np.concatenate([p, q[has_q]])
    return columns, np.concatenate([np.asarray(coef_p, float), np.asarray(coef_q, float)[has_q]])


__all__ = ["Extra", "LineKey", "Place", "cut_extra", "cut_scale", "line_extra", "places"]
