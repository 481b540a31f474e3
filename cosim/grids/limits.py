"""Hold verified states against limits; the physical sanity gate comes before this.

Margins are signed distances to the bound in the limit's own unit: positive passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cosim.records import GridStates, Limit, Violation, read_only
from cosim.records.time import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """One limit held against every step and element.

    Attributes:
        limit: what was checked.
        steps: positions on the time axis, shape (T,).
        value: shape (T, n), NaN where the limit does not apply at that step.
        margin: signed distance to the bound, positive passes, shape (T, n).
    """

    limit: Limit
    steps: IntArray
    value: FloatArray
    margin: FloatArray

    @property
    def count(self) -> int:
        """Number of single checks made (elements times steps where the limit applied)."""
        return int(np.isfinite(self.margin).sum())

    @property
    def violated(self) -> np.ndarray:
        """Boolean, shape (T, n): outside the bound by more than the tolerance."""
        return np.less(
            self.margin,
            -self.limit.tolerance,
            where=np.isfinite(self.margin),
            out=np.zeros(self.margin.shape, dtype=bool),
        )

    def smallest(self) -> tuple[float, int, int] | None:
        """Return the smallest margin with its step and element id, None without any check."""
        if self.count == 0:
            return None
        row, column = np.unravel_index(int(np.nanargmin(self.margin)), self.margin.shape)
        return float(self.margin[row, column]), int(self.steps[row]), int(self.limit.ids[column])


def check(states: GridStates, limits: Iterable[Limit]) -> tuple[LimitCheck, ...]:
    """Hold every limit against the states.

    Args:
        states: verified states over T steps; a NaN value means that the limit does not apply
            there (a consumer without flow has no supply temperature to keep).
        limits: the adapter's limits.

    Returns:
        One check per limit, in the order given.

    Raises:
        GridError: if the states lack a quantity that a limit is about.
    """
    return tuple(_check_one(states, limit) for limit in limits)


def _check_one(states: GridStates, limit: Limit) -> LimitCheck:
    column = states.get(limit.element, limit.quantity)
    position = {int(id_): k for k, id_ in enumerate(column.ids)}
    value = column.values[:, [position[int(id_)] for id_ in limit.ids]]
    sign = 1.0 if limit.sense == "min" else -1.0
    return LimitCheck(
        limit=limit,
        steps=states.injections.steps,
        value=read_only(value),
        margin=read_only(sign * (value - limit.bound[None, :])),
    )


def violations(grid: str, checks: Iterable[LimitCheck]) -> tuple[Violation, ...]:
    """Return every violated (limit, element, step), the worst of each limit first."""
    found: list[Violation] = []
    for item in checks:
        limit = item.limit
        rows, columns = np.nonzero(item.violated)
        order = np.argsort(item.margin[rows, columns])
        for row, column in zip(rows[order], columns[order], strict=True):
            found.append(
                Violation(
                    grid=grid,
                    limit=limit.name,
                    element=limit.element,
                    quantity=limit.quantity,
                    id=int(limit.ids[column]),
                    step=int(item.steps[row]),
                    value=float(item.value[row, column]),
                    bound=float(limit.bound[column]),
                    sense=limit.sense,
                )
            )
    return tuple(found)
