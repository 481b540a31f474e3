"""Find the cheapest point of the compiled model: relaxation first, integers where it has to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from cosim.market.extras import Extra
from cosim.market.highs import Clock, Handle, Outcome, Status
from cosim.market.program import Bounds, Program
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.config import SolverSection

Effort = Literal["fixed", "rounded", "proven"]
"""How hard to search for binaries: keep those of the start; take the best of the start's and of
rounded ones, and search the integer program briefly (`coalition_time_limit_s`) where that leaves a
gap; or search it to the gap asked for."""
INTEGRAL = 1e-6
"""How far from a whole number a binary of the relaxation may be to count as one."""


class Optimiser:
    """Two HiGHS handles over one program: the relaxation, and the integer program.

    The relaxation is kept warm between solves and gives the bound; its binaries (and those of a
    start) are rounded and the rest is optimised again. Only if that does not close the gap is the
    integer program searched, from the best point so far.
    """

    def __init__(self, program: Program, settings: SolverSection) -> None:
        """Hand the relaxation over; the integer program follows when it is needed."""
        self._program = program
        self._settings = settings
        self._relaxed = self._handle(integer=False)
        self._integer: Handle | None = None

    def _handle(self, *, integer: bool) -> Handle:
        settings = self._settings
        return Handle(
            self._program, integer=integer, threads=settings.threads, mip_gap=settings.mip_gap
        )

    def minimise(
        self,
        bounds: Bounds,
        extras: Sequence[Extra],
        start: FloatArray | None,
        effort: Effort = "proven",
    ) -> Outcome:
        """Solve within the time limit of the settings.

        Args:
            bounds: of columns and rows.
            extras: rows and columns behind them.
            start: column values of an earlier solution of the program, shape (n,).
            effort: see `Effort`.

        Returns:
            Optimal within the gap, infeasible, unbounded, or the best point when time ran out.
        """
        clock = Clock(self._settings.time_limit_s)
        relaxed = self._relaxed
        relaxed.set_bounds(bounds)
        relaxed.set_extras(extras)
        binaries = self._binaries(bounds, extras)
        if effort == "fixed" and start is not None and self._covers(binaries, start):
            kept = self._with_binaries(bounds, binaries, np.round(start[binaries]), clock)
            if kept.x is not None:
                status = Status.TIME_LIMIT if len(binaries) else kept.status
                return replace(kept, status=status, bound=-np.inf if len(binaries) else kept.bound)
        first = relaxed.run(clock.left)
        if first.x is None or first.status is not Status.OPTIMAL or not len(binaries):
            return first
        if np.abs(first.x[binaries] - np.round(first.x[binaries])).max() <= INTEGRAL:
            return first
        best: Outcome | None = None
        for values in self._candidates(first.x, binaries, start):
            found = self._with_binaries(bounds, binaries, values, clock)
            if found.x is not None and (best is None or found.objective < best.objective):
                best = replace(found, bound=first.bound)
            if best is not None and best.gap <= self._settings.mip_gap:
                return best
        if best is not None and effort != "proven":
            brief = min(self._settings.coalition_time_limit_s, clock.left)
            if effort == "fixed" or brief <= 0.0:
                return replace(best, status=Status.TIME_LIMIT)
            clock = Clock(brief)
        found = self._search(bounds, extras, best, first, clock)
        return self._whole(found, bounds, binaries)

    def with_binaries(
        self, bounds: Bounds, extras: Sequence[Extra], x: FloatArray, seconds: float
    ) -> Outcome:
        """Optimise again with every binary fixed at its value in x; the outcome has duals."""
        self._relaxed.set_bounds(bounds)
        self._relaxed.set_extras(extras)
        binaries = self._binaries(bounds, extras)
        return self._with_binaries(bounds, binaries, np.round(x[binaries]), Clock(seconds))

    def _binaries(self, bounds: Bounds, extras: Sequence[Extra]) -> IntArray:
        """Return the integer columns that are not fixed."""
        n = self._program.n
        open_ = self._program.integer & (bounds.col_ub > bounds.col_lb)
        found = [np.flatnonzero(open_)]
        for extra in extras:
            if extra.integer:
                found.append(np.arange(n, n + len(extra.col_ub)))
            n += len(extra.col_ub)
        return np.concatenate(found)

    def _with_binaries(
        self, bounds: Bounds, binaries: IntArray, values: FloatArray, clock: Clock
    ) -> Outcome:
        if not len(binaries):
            return self._relaxed.run(clock.left)
        n = self._program.n
        inside = binaries < n
        lb, ub = np.zeros(len(binaries)), np.ones(len(binaries))
        lb[inside], ub[inside] = bounds.col_lb[binaries[inside]], bounds.col_ub[binaries[inside]]
        self._relaxed.fix(binaries, values, values)
        try:
            return self._relaxed.run(clock.left)
        finally:
            self._relaxed.fix(binaries, lb, ub)

    @staticmethod
    def _covers(binaries: IntArray, start: FloatArray) -> bool:
        """Return whether a start has a value for every binary."""
        return not len(binaries) or bool(binaries.max() < len(start))

    @staticmethod
    def _candidates(
        x: FloatArray, binaries: IntArray, start: FloatArray | None
    ) -> list[FloatArray]:
        """Return binaries to try: those of the start, then those of the relaxation, rounded."""
        rounded: FloatArray = np.round(x[binaries])
        up: FloatArray = np.ceil(x[binaries] - INTEGRAL)
        found = [rounded] if (rounded == up).all() else [rounded, up]
        if start is not None:
            known = binaries < len(start)
            first = rounded.copy()
            first[known] = np.round(start[binaries[known]])
            found.insert(0, first)
        return found

    def _whole(self, found: Outcome, bounds: Bounds, binaries: IntArray) -> Outcome:
        """Optimise the rest again with the binaries of a search at whole numbers.

        A search leaves them whole within a tolerance, which a large upper bound multiplies: what a
        binary switches off would still run a little.
        """
        if found.x is None:
            return found
        clock = Clock(self._settings.time_limit_s)
        again = self._with_binaries(bounds, binaries, np.round(found.x[binaries]), clock)
        if again.x is None or again.status is not Status.OPTIMAL:
            return found
        return replace(found, x=again.x, objective=again.objective)

    def _search(
        self,
        bounds: Bounds,
        extras: Sequence[Extra],
        best: Outcome | None,
        relaxed: Outcome,
        clock: Clock,
    ) -> Outcome:
        if self._integer is None:
            self._integer = self._handle(integer=True)
        handle = self._integer
        handle.set_bounds(bounds)
        handle.set_extras(extras)
        if best is not None and best.x is not None:
            handle.offer(best.x)
        found = handle.run(clock.left)
        if found.status is Status.TIME_LIMIT:
            bound = max(found.bound, relaxed.bound)
            if best is not None and best.objective <= found.objective:
                return replace(best, status=Status.TIME_LIMIT, bound=bound)
            return replace(found, bound=bound)
        return found
