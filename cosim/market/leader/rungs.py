"""Ladders of CO2 prices without binaries, where emissions cannot reach their concave side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cosim.market.compile import Compiled
from cosim.market.highs import Handle, Status
from cosim.market.layout import LadderColumns
from cosim.market.program import BoolArray, Bounds, Program
from cosim.records.time import FloatArray, IntArray

SECONDS = 30.0
"""Time for each bound on emissions."""
ROUNDING_T = 1e-9
"""Emissions this far below the quota are none."""


def without_needless_binaries(compiled: Compiled, part: Program, columns: IntArray) -> Program:
    """Return a part of a market without the binaries of ladders that do not need them.

    Above the quota the cost of emissions is convex, so a minimum fills intervals in their order by
    itself; the binaries guard the rewards below it. Where the least emissions that the part can
    have are not below the quota, `below` is fixed at 0 and the binaries above are relaxed.

    Args:
        compiled: the market.
        part: some columns and rows of it.
        columns: which columns, ascending.
    """
    bounds, integer = part.bounds, part.integer.copy()
    col_ub = bounds.col_ub.copy()
    for k, ladder in enumerate(compiled.layout.ladders):
        above_used = _inside(ladder.above_used, columns)
        if above_used is None or not part.integer[above_used].any():
            continue
        row = compiled.traded.matrix[[k]]
        emitted = _spread(np.asarray(row.todense()).ravel(), columns)
        if _least(part, emitted) + float(compiled.traded.constant[k]) < -ROUNDING_T:
            continue
        below = _both(ladder, columns)
        col_ub[below] = 0.0
        integer[below], integer[above_used] = False, False
    held: BoolArray = integer
    return replace(
        part,
        bounds=Bounds(bounds.col_lb, col_ub, bounds.row_lb, bounds.row_ub),
        integer=held,
    )


def _inside(which: IntArray, columns: IntArray) -> IntArray | None:
    """Return the positions of columns in a part, None where it does not hold them."""
    at = np.searchsorted(columns, which)
    if not len(which) or at.max() >= len(columns) or not np.array_equal(columns[at], which):
        return None
    return at


def _both(ladder: LadderColumns, columns: IntArray) -> IntArray:
    return np.searchsorted(columns, np.concatenate([ladder.below, ladder.below_used]))


def _spread(values: FloatArray, columns: IntArray) -> FloatArray:
    """Return values of the market's columns for those of a part; 0 for columns of extras."""
    wide = np.zeros(len(columns))
    known = columns < len(values)
    wide[known] = values[columns[known]]
    return wide


def _least(part: Program, emitted: FloatArray) -> float:
    """Return a lower bound on a linear function over the relaxed part."""
    plain = replace(part, cost=emitted, offset=0.0)
    found = Handle(plain, integer=False, threads=1, mip_gap=1e-4).run(SECONDS)
    return found.objective if found.status is Status.OPTIMAL else -np.inf
