"""Where the parts of a follower's optimality conditions sit among the columns."""

from __future__ import annotations

from dataclasses import dataclass

from cosim.records.time import IntArray


@dataclass(frozen=True, slots=True)
class FollowerColumns:
    """Where a follower's part sits among the columns of the single program.

    Attributes:
        y: its own columns, n.
        row_dual: multipliers of its rows, m.
        low_dual: multipliers of lower bounds that need one; of the columns `low_at`.
        high_dual: the same for upper bounds, of the columns `high_at`.
        product: value of a binary times its reduced cost, of the columns `binary_at`.
        row_switch: 1 where the row may have a multiplier, of the rows `row_at`.
        low_switch: as `low_dual`.
        high_switch: as `high_dual`.
    """

    y: slice
    row_dual: slice
    low_dual: slice
    high_dual: slice
    product: slice
    row_switch: slice
    low_switch: slice
    high_switch: slice
    row_at: IntArray
    low_at: IntArray
    high_at: IntArray
    binary_at: IntArray
