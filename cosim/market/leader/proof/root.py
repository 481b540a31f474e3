"""The root of a mixed-integer search, with the cuts it found, as a linear program to ask things."""

from __future__ import annotations

from dataclasses import dataclass, replace

import highspy
import numpy as np
from scipy import sparse

from cosim.errors import SolveError
from cosim.market.highs import Handle
from cosim.market.program import Bounds, Program
from cosim.records.time import FloatArray, IntArray

OPEN = 1e30
"""A side of a cut beyond this is none."""
PRIMAL_SIMPLEX = 4
"""After a change of the objective alone the last point stays feasible."""
ROUNDING = 1e-6
"""An extreme value is moved outwards by this share of its size,"""
ROUNDING_OF_RANGE = 1e-4
"""and by this share of the range so far."""
ENDS = 0.02
"""A column that was seen this close to an end of its range, as a share of it, is not asked for."""


@dataclass(frozen=True, slots=True)
class Rooted:
    """What the root of the search gave.

    Attributes:
        cut: the program with the cuts of the root as rows; None without any.
        bound: proven lower bound on the objective.
        x: a point, None without one.
        empty: no point keeps the program.
    """

    cut: Program | None
    bound: float
    x: FloatArray | None
    empty: bool


class Root(Handle):
    """One look at the root of a search, without presolve, so that cuts are in our columns."""

    def __init__(self, program: Program, *, threads: int, mip_gap: float) -> None:
        """Hand the arrays over."""
        super().__init__(program, integer=True, threads=threads, mip_gap=mip_gap)
        self._program = program
        self.tune({"presolve": "off", "mip_max_nodes": 1, "mip_heuristic_effort": 0.0})

    def look(self, seconds: float) -> Rooted:
        """Solve the root within a time limit."""
        found: list[sparse.csr_array] = []
        sides: list[tuple[FloatArray, FloatArray]] = []

        def take(_type: object, _text: str, out: object, _in: object, _data: object) -> None:
            """Keep the cuts that the search has at its root."""
            number = int(out.cutpool_num_cut)  # type: ignore[attr-defined]
            start, index, value, low, high = (
                np.array(getattr(out, f"cutpool_{name}"))
                for name in ("start", "index", "value", "lower", "upper")
            )
            shape = (number, self._program.n)
            found.append(sparse.csr_array((value, index, start[: number + 1]), shape=shape))
            sides.append((low, high))

        h = self._highs
        h.setCallback(take, None)
        h.startCallback(highspy.cb.HighsCallbackType.kCallbackMipGetCutPool)
        self._set("time_limit", h.getRunTime() + max(seconds, 0.1))
        h.run()
        h.stopCallback(highspy.cb.HighsCallbackType.kCallbackMipGetCutPool)
        info = h.getInfo()
        bound = float(info.mip_dual_bound)
        usable = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        empty = h.getModelStatus() == highspy.HighsModelStatus.kInfeasible
        cut = _with_rows(self._program, found[-1], *sides[-1]) if found else None
        x = np.array(h.getSolution().col_value) if usable else None
        return Rooted(cut, bound, x, empty)


def _with_rows(
    program: Program, rows: sparse.csr_array, low: FloatArray, high: FloatArray
) -> Program:
    low, high = np.where(low < -OPEN, -np.inf, low), np.where(high > OPEN, np.inf, high)
    bounds = program.bounds
    return replace(
        program,
        matrix=sparse.csr_array(sparse.vstack([program.matrix, rows], format="csr")),
        bounds=Bounds(
            bounds.col_lb,
            bounds.col_ub,
            np.concatenate([bounds.row_lb, low]),
            np.concatenate([bounds.row_ub, high]),
        ),
    )


class Ranges(Handle):
    """The ranges of columns over the points of a relaxation that cost no more than a limit."""

    def __init__(self, program: Program, limit: float) -> None:
        """Hand over the relaxation, with cost @ x + offset <= limit as a row."""
        room = ROUNDING * (1.0 + abs(limit))
        row = sparse.csr_array(program.cost[None, :])
        worth = _with_rows(
            program, row, np.array([-np.inf]), np.array([limit - program.offset + room])
        )
        self._program = replace(worth, cost=np.zeros(program.n), offset=0.0)
        super().__init__(self._program, integer=False, threads=1, mip_gap=0.0)
        self.low, self.high = program.bounds.col_lb.copy(), program.bounds.col_ub.copy()
        self.empty = False
        self.tune({"simplex_strategy": PRIMAL_SIMPLEX})

    def narrow(self, columns: IntArray, seconds: float) -> None:
        """Narrow `low` and `high` of some columns, one end after the other."""
        h = self._highs
        stop = h.getRunTime() + seconds
        point = self._solve(seconds)
        if self.empty or point is None:
            return
        least, most = point.copy(), point.copy()
        for sign in (1.0, -1.0):
            for j in columns.tolist():
                if self.empty or self._near_end(j, sign, least[j], most[j]):
                    continue
                left = stop - h.getRunTime()
                if left <= 0.0:
                    return
                h.changeColCost(j, sign)
                point = self._solve(left)
                h.changeColCost(j, 0.0)
                if point is None:
                    continue
                least, most = np.minimum(least, point), np.maximum(most, point)
                self._take(j, sign, float(point[j]))

    def _near_end(self, j: int, sign: float, least: float, most: float) -> bool:
        width = self.high[j] - self.low[j]
        if not np.isfinite(width):
            return False
        seen = least - self.low[j] if sign > 0 else self.high[j] - most
        return bool(seen <= ENDS * width)

    def _take(self, j: int, sign: float, value: float) -> None:
        width = self.high[j] - self.low[j]
        room = ROUNDING * (1.0 + abs(value))
        room += ROUNDING_OF_RANGE * (width if np.isfinite(width) else abs(value))
        if sign > 0:
            self.low[j] = min(max(self.low[j], value - room), self.high[j])
        else:
            self.high[j] = max(min(self.high[j], value + room), self.low[j])
        self._highs.changeColBounds(j, self.low[j], self.high[j])

    def _solve(self, seconds: float) -> FloatArray | None:
        """Return an optimal point, None without a verdict."""
        h = self._highs
        self._set("time_limit", h.getRunTime() + max(seconds, 0.1))
        if h.run() == highspy.HighsStatus.kError:
            raise SolveError("HiGHS refused a relaxation", reason="kError")
        status = h.getModelStatus()
        if status == highspy.HighsModelStatus.kOptimal:
            return np.array(h.getSolution().col_value)
        h.clearSolver()
        if status == highspy.HighsModelStatus.kInfeasible:
            h.run()
            self.empty = h.getModelStatus() == highspy.HighsModelStatus.kInfeasible
        return None
