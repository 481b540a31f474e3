"""Find the cheapest design of a coalition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from pyomo.common.gc_manager import PauseGC

from cosim.errors import Infeasible, SolveError, TimeLimit
from cosim.market.design.model import Apart, DesignModel, build_model
from cosim.market.design.problem import DesignProblem
from cosim.market.design.program import CompiledDesign, compile_design
from cosim.market.design.read import read_design
from cosim.market.design.search import search
from cosim.market.highs import Clock, Handle, Outcome, Status
from cosim.records.design import Design, DesignCut
from cosim.records.time import FloatArray
from cosim.scenario.design_catalogue import StorageOffer
from cosim.scenario.typical_days import HOURS_PER_DAY

AT_ONCE_KW = 1e-3
"""Charging and discharging at once above this is forbidden and the search repeated."""


def solve_design(
    problem: DesignProblem,
    members: Iterable[str],
    cuts: Sequence[DesignCut] = (),
    start: Design | None = None,
) -> Design:
    """Return the cheapest design of a coalition, within the gap of the `design` section.

    Args:
        problem: see `build_design_problem`.
        members: buildings; any order.
        cuts: what physics taught.
        start: an earlier design, of these members or of some of them; the search begins there and
            its result is never worse where the start is still possible.

    Raises:
        Infeasible: if nothing that may be bought serves all days.
        TimeLimit: if time ran out before any design was found.
    """
    wanted = frozenset(members)
    unknown = sorted(wanted - set(problem.buildings))
    if unknown or not wanted:
        raise SolveError(f"design of {', '.join(unknown) or 'nobody'}: no such building")
    ordered = tuple(name for name in problem.buildings if name in wanted)
    clock = Clock(problem.spec.solver.time_limit_s)
    apart: frozenset[Apart] = frozenset()
    begin: Mapping[str, float] = start.solution if start is not None else {}
    while True:
        with PauseGC():
            model = build_model(problem, ordered, cuts, apart)
            compiled = compile_design(model)
        found = _search(problem, compiled, begin, clock, ordered)
        polished = _polished(problem, compiled, found)
        for variable, value in zip(compiled.variables, polished, strict=True):
            variable.set_value(value, skip_validation=True)
        more = _forbidden(problem, _at_once(model), apart) - apart
        if not more:
            break
        apart |= more
        begin = _decisions(compiled, polished)
    design = read_design(problem, model, ordered, cuts)
    proven = found.status is Status.OPTIMAL or design.cost_per_year <= _allowed(problem, found)
    return replace(
        design,
        bound_per_year=min(found.bound, design.cost_per_year),
        seconds=clock.elapsed,
        proven=proven,
        solution=_decisions(compiled, polished),
    )


def _allowed(problem: DesignProblem, found: Outcome) -> float:
    """Return the highest cost within the gap asked for."""
    return found.bound + problem.spec.solver.gap * abs(found.bound)


def _search(
    problem: DesignProblem,
    compiled: CompiledDesign,
    begin: Mapping[str, float],
    clock: Clock,
    members: Sequence[str],
) -> Outcome:
    """Return the best design found in the time left; raise where there is none."""
    start: FloatArray | None = None
    if begin:
        start = np.array([begin.get(name, 0.0) for name in compiled.names])
    seconds = max(clock.left, 1.0)
    found = search(compiled, start, problem.spec.solver.gap, seconds, problem.threads)
    who = ", ".join(members)
    if found.x is not None:
        return found
    if found.status is Status.TIME_LIMIT:
        raise TimeLimit(
            f"no design for {who} within {seconds:.0f} s; "
            "raise design.solver.time_limit_s or design.solver.gap",
            reason=found.status.value,
        )
    raise Infeasible(
        f"no design for {who} serves every hour of the typical and design days; give the "
        "catalogue larger units (max_kw, count_max) or connections a higher import_max_kw",
        reason=found.status.value,
    )


def _polished(problem: DesignProblem, compiled: CompiledDesign, found: Outcome) -> FloatArray:
    """Return the design with the design days run as cheaply as it can.

    They do not count in the cost, so the search leaves their operation open. Whole numbers and
    sizes stay.
    """
    assert found.x is not None
    program, x = compiled.program, found.x[: compiled.program.n]
    if not compiled.unweighted.any():
        return x
    fixed = program.integer | np.array([_is_size(name) for name in compiled.names])
    values = np.where(program.integer, np.round(x), x)
    bounds = replace(
        program.bounds,
        col_lb=np.where(fixed, values, program.bounds.col_lb),
        col_ub=np.where(fixed, values, program.bounds.col_ub),
    )
    both = replace(program, cost=program.cost + compiled.unweighted, bounds=bounds)
    handle = Handle(both, integer=False, threads=problem.threads, mip_gap=1e-6)
    outcome = handle.run(problem.spec.solver.time_limit_s)
    return x if outcome.x is None else outcome.x


def _is_size(name: str) -> bool:
    return ".size[" in name


def _decisions(compiled: CompiledDesign, x: FloatArray) -> dict[str, float]:
    """Return the whole numbers of a solution by name, those that are not 0."""
    where = np.flatnonzero(compiled.program.integer)
    values = np.round(x[where])
    return {compiled.names[k]: float(v) for k, v in zip(where, values, strict=True) if v != 0.0}


def _forbidden(
    problem: DesignProblem, seen: frozenset[Apart], apart: frozenset[Apart]
) -> frozenset[Apart]:
    """Return where a storage may not do both: on the days where it did, then on all days.

    Forbidden at an hour only, it would do so in the next one.
    """
    known = {(building, kind) for building, kind, _ in apart}
    found = set()
    for building, kind, step in seen:
        first = step - step % HOURS_PER_DAY
        every = (building, kind) in known
        steps = range(problem.steps) if every else range(first, first + HOURS_PER_DAY)
        found |= {(building, kind, k) for k in steps}
    return frozenset(found)


def _at_once(design: DesignModel) -> frozenset[Apart]:
    """Return where storages charge and discharge at once."""
    found = set()
    for name, plant in design.plants.items():
        for kind, offer in plant.building.offers.items():
            if not isinstance(offer, StorageOffer):
                continue
            block = plant.block.component(f"unit_{kind}")
            for k in plant.steps:
                if min(block.charge[k].value, block.discharge[k].value) > AT_ONCE_KW:
                    found.add((name, kind, k))
    return frozenset(found)
