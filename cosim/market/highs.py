"""HiGHS behind a handle that trusts no return code and keeps no surprise between solves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import highspy
import numpy as np

from cosim.errors import SolveError
from cosim.market.extras import Extra, places
from cosim.market.program import Bounds, Program
from cosim.records.time import FloatArray, IntArray

LARGE_ROWS = 20_000
"""Above this, interior point is the faster solver of a search's linear programs."""


class Status(Enum):
    """How a solve ended; anything but `OPTIMAL` has to be looked at."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    TIME_LIMIT = "time limit"
    UNKNOWN = "unknown"


_STATUS = {
    highspy.HighsModelStatus.kOptimal: Status.OPTIMAL,
    highspy.HighsModelStatus.kInfeasible: Status.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: Status.UNBOUNDED,
    highspy.HighsModelStatus.kTimeLimit: Status.TIME_LIMIT,
}
_SETTLED = (Status.OPTIMAL, Status.INFEASIBLE, Status.TIME_LIMIT)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a solve gave.

    Attributes:
        status: how it ended.
        x: column values, those of extras behind the model's; None without any usable point.
        objective: at x.
        bound: proven lower bound on the objective.
        row_dual: change of the objective per unit of a row's right side; None for integers.
    """

    status: Status
    x: FloatArray | None
    objective: float
    bound: float
    row_dual: FloatArray | None = None

    @property
    def gap(self) -> float:
        """Distance between objective and bound relative to the objective."""
        return max(self.objective - self.bound, 0.0) / max(abs(self.objective), 1e-9)


SPARED_WITH_A_START = ("mip_heuristic_run_feasibility_jump", "mip_heuristic_run_rins")
"""Searches for a first good point; with one at hand they took half of the time (tests/benchmarks,
coalitions)."""


REMEDIES: tuple[tuple[dict[str, object], dict[str, object]], ...] = (
    ({"presolve": "off"}, {"presolve": "choose"}),
    ({"simplex_scale_strategy": 0}, {"simplex_scale_strategy": 2}),
    ({"solver": "ipm"}, {"solver": "choose"}),
)
"""Where HiGHS ends without a verdict (infeasible by a little once its scaling is undone), what it
is told for another attempt from scratch, and what it is told afterwards."""


class Handle:
    """One HiGHS object that holds the compiled model and, behind it, the extras."""

    def __init__(
        self,
        program: Program,
        *,
        integer: bool,
        threads: int,
        mip_gap: float,
        restarts: bool = False,
    ) -> None:
        """Hand the arrays over.

        Args:
            program: the arrays.
            integer: keep binaries; otherwise the continuous relaxation.
            threads: for HiGHS.
            mip_gap: relative gap at which the search ends.
            restarts: presolve again where the search has fixed much at its root.
        """
        self.integer = integer
        self._n = program.n
        self._m = program.m
        self._loaded: list[Extra] = []
        self._highs = highspy.Highs()
        self._set("output_flag", False)
        self._set("threads", threads)
        self._set("mip_rel_gap", mip_gap)
        self._set("mip_allow_restart", restarts)
        if program.m > LARGE_ROWS:
            self._set("mip_lp_solver", "ipm")
        self._check(self._highs.passModel(_as_lp(program, integer)), "passModel")

    def tune(self, options: Mapping[str, object]) -> None:
        """Set options of HiGHS by their names; they stay for all later runs."""
        for option, value in options.items():
            self._set(option, value)

    def set_bounds(self, bounds: Bounds) -> None:
        """Replace all bounds of the compiled model's columns and rows."""
        columns = np.arange(self._n, dtype=np.int32)
        rows = np.arange(self._m, dtype=np.int32)
        h = self._highs
        self._check(
            h.changeColsBounds(self._n, columns, bounds.col_lb, bounds.col_ub), "changeColsBounds"
        )
        self._check(
            h.changeRowsBounds(self._m, rows, bounds.row_lb, bounds.row_ub), "changeRowsBounds"
        )

    def set_cost(self, cost: FloatArray) -> None:
        """Replace the cost of the compiled model's columns, shape (n,)."""
        columns = np.arange(self._n, dtype=np.int32)
        self._check(self._highs.changeColsCost(self._n, columns, cost), "changeColsCost")

    def fix(self, columns: IntArray, lb: FloatArray, ub: FloatArray) -> None:
        """Replace the bounds of some columns, those of extras included."""
        where = columns.astype(np.int32)
        self._check(self._highs.changeColsBounds(len(where), where, lb, ub), "changeColsBounds")

    def set_extras(self, extras: Sequence[Extra]) -> None:
        """Make the extras behind the model exactly these, in this order.

        What is there already stays; if something in between has gone, all are added again and the
        basis is carried over by key.
        """
        same = 0
        while same < min(len(extras), len(self._loaded)) and extras[same] is self._loaded[same]:
            same += 1
        if same == len(self._loaded):
            self._append(extras[same:])
            return
        statuses = self._statuses()
        h, m, n = self._highs, self._highs.getNumRow(), self._highs.getNumCol()
        gone_rows, gone_cols = np.arange(self._m, m), np.arange(self._n, n)
        if len(gone_rows):
            self._check(h.deleteRows(len(gone_rows), gone_rows.astype(np.int32)), "deleteRows")
        if len(gone_cols):
            self._check(h.deleteCols(len(gone_cols), gone_cols.astype(np.int32)), "deleteCols")
        self._loaded = []
        self._append(extras)
        if statuses is not None:
            self._restore(*statuses)

    def make_elastic(self, rows: IntArray, prices: FloatArray) -> None:
        """Open rows at a price each way and make everything else free.

        Adds a column that supplies and one that absorbs for every row, in this order, behind all
        columns that are there.

        Args:
            rows: which, shape (k,).
            prices: of each, shape (k,).
        """
        h = self._highs
        n, k = h.getNumCol(), len(rows)
        self._check(
            h.changeColsCost(n, np.arange(n, dtype=np.int32), np.zeros(n)), "changeColsCost"
        )
        where = np.concatenate([rows, rows]).astype(np.int32)
        values = np.repeat([1.0, -1.0], k)
        starts = np.arange(2 * k, dtype=np.int32)
        none, most = np.zeros(2 * k), np.full(2 * k, np.inf)
        added = h.addCols(2 * k, np.tile(prices, 2), none, most, 2 * k, starts, where, values)
        self._check(added, "addCols")

    def offer(self, x: FloatArray, *, spare: bool = True) -> None:
        """Give the integer search a point to start from.

        Args:
            x: column values.
            spare: the point is good; searches for a first one are left out.
        """
        for heuristic in SPARED_WITH_A_START:
            self._set(heuristic, not spare)
        solution = highspy.HighsSolution()
        solution.col_value = x.tolist()
        self._highs.setSolution(solution)

    def run(self, seconds: float) -> Outcome:
        """Solve within a time limit, again from scratch where that is not settled.

        Raises:
            SolveError: if HiGHS refuses the model, or ends without a verdict whatever it is told.
        """
        status = self._attempt(seconds)
        for remedy, usual in REMEDIES:
            if status in _SETTLED:
                break
            highspy.Highs.resetGlobalScheduler(True)
            self._check(self._highs.clearSolver(), "clearSolver")
            if status is Status.UNKNOWN:
                self.tune(remedy)
            status = self._attempt(seconds)
            self.tune(usual)
            if status is not Status.UNKNOWN:
                break
        if status is Status.UNKNOWN:
            word = self._highs.modelStatusToString(self._highs.getModelStatus())
            raise SolveError(f"HiGHS ended without a verdict: {word}", reason=word)
        return self._outcome(status)

    def search(self, seconds: float) -> Outcome | None:
        """Solve within a time limit where an answer helps but is not needed.

        Returns:
            As `run`; None where that would raise.
        """
        try:
            return self.run(seconds)
        except SolveError:
            return None

    def _attempt(self, seconds: float) -> Status:
        h = self._highs
        # HiGHS keeps its clock and its limit between solves.
        self._set("time_limit", h.getRunTime() + max(seconds, 0.1))
        if h.run() == highspy.HighsStatus.kError:
            return Status.UNKNOWN
        return _STATUS.get(h.getModelStatus(), Status.UNKNOWN)

    def _outcome(self, status: Status) -> Outcome:
        h = self._highs
        info = h.getInfo()
        usable = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        if not usable or status in (Status.INFEASIBLE, Status.UNBOUNDED):
            return Outcome(status, None, np.inf, -np.inf)
        solution = h.getSolution()
        objective = float(info.objective_function_value)
        searched = self.integer and info.mip_node_count >= 0  # not where nothing is integer
        if searched:
            x = np.array(solution.col_value)
            return Outcome(status, x, objective, float(info.mip_dual_bound))
        bound = objective if status is Status.OPTIMAL else -np.inf
        dual = np.array(solution.row_dual)
        return Outcome(status, np.array(solution.col_value), objective, bound, dual)

    def _append(self, extras: Sequence[Extra]) -> None:
        if not extras:
            return
        first = self._highs.getNumCol()
        self._append_columns(extras)
        starts, columns, entries = [], [], 0
        for extra in extras:
            own = extra.columns >= self._n
            starts.append(extra.starts[:-1] + entries)
            columns.append(np.where(own, extra.columns - self._n + first, extra.columns))
            first += len(extra.col_ub)
            entries += len(extra.columns)
        row_lb = np.concatenate([extra.row_lb for extra in extras])
        row_ub = np.concatenate([extra.row_ub for extra in extras])
        where = np.concatenate(columns).astype(np.int32)
        values = np.concatenate([extra.values for extra in extras])
        begin = np.concatenate(starts).astype(np.int32)
        added = self._highs.addRows(len(row_lb), row_lb, row_ub, entries, begin, where, values)
        self._check(added, "addRows")
        self._loaded.extend(extras)

    def _append_columns(self, extras: Sequence[Extra]) -> None:
        h, first = self._highs, self._highs.getNumCol()
        upper = np.concatenate([extra.col_ub for extra in extras])
        k = len(upper)
        if not k:
            return
        cost = np.concatenate([extra.col_cost for extra in extras])
        no_index, no_value = np.empty(0, np.int32), np.empty(0)
        starts = np.zeros(k, np.int32)
        added = h.addCols(k, cost, np.zeros(k), upper, 0, starts, no_index, no_value)
        self._check(added, "addCols")
        flags = np.concatenate([np.full(len(extra.col_ub), extra.integer) for extra in extras])
        if self.integer and flags.any():
            which = (first + np.flatnonzero(flags)).astype(np.int32)
            kinds = np.ones(len(which), np.uint8)
            self._check(h.changeColsIntegrality(len(which), which, kinds), "changeColsIntegrality")

    def _statuses(self) -> tuple[highspy.HighsBasis, list[Extra]] | None:
        if self.integer:
            return None
        basis = self._highs.getBasis()
        return (basis, list(self._loaded)) if basis.valid else None

    def _restore(self, old: highspy.HighsBasis, extras: list[Extra]) -> None:
        """Carry a basis over to the extras that are loaded now; HiGHS repairs what does not fit."""
        rows, columns = list(old.row_status), list(old.col_status)
        basic, lower = highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kLower
        before = places(extras, self._n, self._m)
        row_status, col_status = rows[: self._m], columns[: self._n]
        for extra in self._loaded:
            place = before.get(extra.key)
            if place is not None and place.fits(extra):
                row_status += rows[place.rows]
                col_status += columns[place.columns]
            else:
                row_status += [basic] * len(extra.row_lb)
                col_status += [lower] * len(extra.col_ub)
        basis = highspy.HighsBasis()
        basis.row_status, basis.col_status = row_status, col_status
        basis.valid, basis.alien = True, True
        self._highs.setBasis(basis)

    def _set(self, option: str, value: object) -> None:
        self._check(self._highs.setOptionValue(option, value), f"option {option} = {value}")

    @staticmethod
    def _check(status: highspy.HighsStatus, call: str) -> None:
        if status == highspy.HighsStatus.kError:
            raise SolveError(f"HiGHS refused {call}", reason="kError")


def _as_lp(program: Program, integer: bool) -> highspy.HighsLp:
    lp, bounds, matrix = highspy.HighsLp(), program.bounds, program.matrix
    lp.num_col_, lp.num_row_ = program.n, program.m
    lp.col_cost_, lp.offset_ = program.cost, program.offset
    lp.col_lower_, lp.col_upper_ = bounds.col_lb, bounds.col_ub
    lp.row_lower_, lp.row_upper_ = bounds.row_lb, bounds.row_ub
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data
    if integer and program.integer.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(flag)] for flag in program.integer]
    return lp


class Clock:
    """Seconds since its making, and what is left of a limit."""

    def __init__(self, limit_s: float) -> None:
        self._start = time.perf_counter()
        self._limit_s = limit_s

    @property
    def elapsed(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self._start

    @property
    def left(self) -> float:
        """Seconds until the limit, never below 0."""
        return max(self._limit_s - self.elapsed, 0.0)
