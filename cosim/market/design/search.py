"""Search the cheapest point of a design program in three steps, each starting from the last.

1. Which units and pipes, with units free to run in fractions: few whole numbers, and a bound.
2. How whole units run, with that choice: the days fall apart, so this is quick.
3. Only if the two are further apart than the gap asked for: everything at once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cosim.market.design.program import CompiledDesign
from cosim.market.highs import Clock, Handle, Outcome, Status
from cosim.market.program import BoolArray, Program
from cosim.records.time import FloatArray

FIRST_SHARE = 0.5
"""Share of the time for the first step."""
SECOND_SHARE = 0.5
"""Share of what is left for the second."""
FINER = 0.25
"""The first two steps are searched to this share of the gap asked for."""

TUNED = {"mip_pscost_minreliable": 1, "mip_heuristic_effort": 0.02}
"""Little strong branching and few heuristics: a choice among few, each with a large linear program,
is found and proven in a third of the time (measured on the example with three buildings)."""


def search(
    compiled: CompiledDesign,
    start: FloatArray | None,
    gap: float,
    seconds: float,
    threads: int,
) -> Outcome:
    """Return the best point that was found and a proven bound.

    Args:
        compiled: the program.
        start: values of the whole numbers of a known design, shape (n,); others are not read.
        gap: relative, at which the search ends.
        seconds: in which it has to end.
        threads: for HiGHS.
    """
    clock = Clock(seconds)
    program = compiled.program
    whole = program.integer
    best = _with_fixed(program, whole, start, clock, gap, threads)
    choice = whole & ~compiled.running
    first = _run(
        replace(program, integer=choice), best, FINER * gap, FIRST_SHARE * clock.left, threads
    )
    if first.status in (Status.INFEASIBLE, Status.UNBOUNDED) or not compiled.running.any():
        return first
    if first.x is not None:
        share = SECOND_SHARE * clock.left
        found = _with_fixed(program, choice, first.x, Clock(share), FINER * gap, threads)
        best = _better(best, found)
    if best is not None:
        best = replace(best, bound=first.bound, status=Status.TIME_LIMIT)
        if best.gap <= gap:
            return replace(best, status=Status.OPTIMAL)
    last = _run(program, best, gap, clock.left, threads)
    bound = max(first.bound, last.bound)
    if best is None or last.objective <= best.objective:
        return replace(last, bound=bound)
    return replace(best, bound=bound, status=last.status)


def _run(
    program: Program, best: Outcome | None, gap: float, seconds: float, threads: int
) -> Outcome:
    handle = Handle(program, integer=True, threads=threads, mip_gap=gap)
    handle.tune(TUNED)
    if best is not None and best.x is not None:
        handle.offer(best.x)
    return handle.run(seconds)


def _with_fixed(
    program: Program,
    columns: BoolArray,
    values: FloatArray | None,
    clock: Clock,
    gap: float,
    threads: int,
) -> Outcome | None:
    """Return the best point with some columns fixed at whole numbers; None where there is none."""
    if values is None:
        return None
    fixed = np.round(values)
    bounds = replace(
        program.bounds,
        col_lb=np.where(columns, fixed, program.bounds.col_lb),
        col_ub=np.where(columns, fixed, program.bounds.col_ub),
    )
    handle = Handle(replace(program, bounds=bounds), integer=True, threads=threads, mip_gap=gap)
    found = handle.run(clock.left)
    return found if found.x is not None else None


def _better(one: Outcome | None, other: Outcome | None) -> Outcome | None:
    if one is None or other is None:
        return other if one is None else one
    return one if one.objective <= other.objective else other
