"""Design and physics in turn, until every day of an arrangement passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cosim.api.designing.days import Arrangement, DayResult, run_day
from cosim.api.designing.feedback import design_cuts, role_cuts
from cosim.api.progress import Progress
from cosim.coupling.outcome import Verdict
from cosim.errors import Infeasible
from cosim.market.design import DesignProblem, solve_design
from cosim.records.design import Design, DesignCut
from cosim.scenario import Scenario

STRICTER = 1e-3
"""A cut counts as new where it is this share stricter than what is known."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One design of the search.

    Attributes:
        number: 0 for the copper-plate design.
        design_cost: what the design problem says, all buildings, currency per year.
        verified_cost: what its days came to; None where one of them did not pass.
        missed: limits missed by the first dispatch of all days.
        unserved_kwh: demand not met on all days, weights left out.
        cuts: what it taught.
        days_failed: names of days that did not pass.
    """

    number: int
    design_cost: float
    verified_cost: float | None
    missed: int
    unserved_kwh: float
    cuts: tuple[DesignCut, ...]
    days_failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The end of a search.

    Attributes:
        plan: the best arrangement that passed, else the last one.
        days: its days.
        copper: designs without any cut, of those who were designed.
        attempts: all that was tried.
        verdict: feasible; infeasible where no design keeps the cuts; else unresolved.
        cause: one sentence, empty if feasible.
    """

    plan: Arrangement
    days: tuple[DayResult, ...]
    copper: tuple[Design, ...]
    attempts: tuple[Attempt, ...]
    verdict: Verdict
    cause: str


@dataclass(frozen=True, slots=True)
class Bench:
    """What a search works with.

    Attributes:
        base: the scenario in design mode.
        problem: built from it.
        folder: for the days' files.
        told: receiver of progress.
    """

    base: Scenario
    problem: DesignProblem
    folder: Path
    told: Progress

    @property
    def rounds(self) -> int:
        """Designs that are tried."""
        return self.problem.spec.verify.iterations


@dataclass(slots=True)
class _Known:
    """Cuts that were learnt, the strictest of each key."""

    cuts: dict[object, DesignCut] = field(default_factory=dict)

    def learn(self, cuts: Sequence[DesignCut]) -> list[DesignCut]:
        """Keep what is new or stricter, and return it."""
        fresh = []
        for cut in cuts:
            old = self.cuts.get(cut.key)
            if old is None or _stricter(cut, old):
                self.cuts[cut.key] = cut
                fresh.append(cut)
        return fresh


def _stricter(cut: DesignCut, old: DesignCut) -> bool:
    least = STRICTER * max(abs(old.value), 1.0)
    if cut.kind in ("unit_min", "pipe_dn_min"):
        return cut.value > old.value + least
    return cut.value < old.value - least


def annual_cost(plan: Arrangement, days: Sequence[DayResult]) -> float:
    """Return what an arrangement costs a year with its days as the loop left them."""
    run = sum(one.case.day.weight_days * one.coupled.schedule.cost for one in days)
    return plan.fixed_per_year + float(run)


def search_together(bench: Bench, others: tuple[Design, ...], first: Design) -> Found:
    """Search the design of a coalition; the others keep their stand-alone designs.

    Args:
        bench: what to work with.
        others: verified designs of everybody else.
        first: the coalition's design without physics.
    """
    members = frozenset(first.members)

    def design(cuts: tuple[DesignCut, ...], before: tuple[Design, ...]) -> tuple[Design, ...]:
        """Return the design of the coalition under the cuts; the known one at first."""
        return (solve_design(bench.problem, members, cuts, before[0]),) if before else (first,)

    return _search(bench, members, others, design)


def search_apart(bench: Bench, first: Mapping[frozenset[str], Design]) -> Found:
    """Search the stand-alone designs of all buildings; their days are run side by side.

    Args:
        bench: what to work with.
        first: the buildings' designs without physics.
    """

    def design(cuts: tuple[DesignCut, ...], before: tuple[Design, ...]) -> tuple[Design, ...]:
        """Return the design of every building; solved again only where its cuts have changed."""
        found = []
        for k, name in enumerate(bench.problem.buildings):
            own = tuple(cut for cut in cuts if cut.element == name)
            last = before[k] if before else first[frozenset({name})]
            same = own == last.cuts
            found.append(last if same else solve_design(bench.problem, [name], own, last))
        return tuple(found)

    return _search(bench, frozenset(), (), design)


DesignBuildings = Callable[[tuple[DesignCut, ...], tuple[Design, ...]], tuple[Design, ...]]


def _search(
    bench: Bench, together: frozenset[str], others: tuple[Design, ...], design: DesignBuildings
) -> Found:
    """Design, run all days, learn cuts, until nothing is new or nothing can be cheaper."""
    known, attempts = _Known(), list[Attempt]()
    best: tuple[float, Arrangement, tuple[DayResult, ...]] | None = None
    designs = copper = design((), ())
    cause = ""
    verdict: Verdict = "unresolved"
    while True:
        plan = Arrangement(together, (*designs, *others))
        number = len(attempts)
        days = _run_days(bench, plan, f"{number}")
        cost, passed = annual_cost(plan, days), all(day.feasible for day in days)
        learnt = _relevant(bench, plan, days, number, others)
        if not number and plan.pipes:
            learnt = [cut for cut in learnt if cut.kind != "unit_min"]
            learnt += role_cuts(plan, bench.problem.days, tuple(bench.problem.buildings))
        fresh = known.learn(learnt)
        attempts.append(_attempt(number, plan, days, cost if passed else None, fresh))
        if passed and (best is None or cost < best[0]):
            best = (cost, plan, days)
        if not fresh or len(attempts) >= bench.rounds:
            break
        try:
            designs = design(tuple(known.cuts.values()), designs)
        except Infeasible as error:
            cause, verdict = f"{error} {_because(fresh)}", "infeasible"
            break
        lowest = sum(one.bound_per_year for one in (*designs, *others))
        if best is not None and lowest >= best[0]:
            break
    if best is not None:
        return Found(best[1], best[2], copper, tuple(attempts), "feasible", "")
    return Found(plan, days, copper, tuple(attempts), verdict, cause or _why(days))


def _run_days(bench: Bench, plan: Arrangement, name: str) -> tuple[DayResult, ...]:
    who = "-".join(sorted(plan.together)) or "alone"
    found = []
    for number, day in enumerate(bench.problem.days):
        folder = bench.folder / who / name / day.name
        found.append(run_day(bench.base, plan, day, folder))
        bench.told.count(number + 1, len(bench.problem.days))
    return tuple(found)


def _relevant(
    bench: Bench,
    plan: Arrangement,
    days: Sequence[DayResult],
    number: int,
    others: Sequence[Design],
) -> list[DesignCut]:
    """Return cuts on those who are designed now."""
    outside = {name for design in others for name in design.members}
    cuts = design_cuts(bench.base, plan, days, number)
    return [cut for cut in cuts if cut.element not in outside]


def _attempt(
    number: int,
    plan: Arrangement,
    days: Sequence[DayResult],
    cost: float | None,
    fresh: Sequence[DesignCut],
) -> Attempt:
    parts = [part for day in days for part in (*day.before, day)]
    return Attempt(
        number=number,
        design_cost=sum(design.cost_per_year for design in plan.designs),
        verified_cost=cost,
        missed=sum(len(part.coupled.first_verification.violations) for part in parts),
        unserved_kwh=float(sum(part.unserved["kw"].sum() for part in parts)),
        cuts=tuple(fresh),
        days_failed=tuple(day.case.day.name for day in days if not day.feasible),
    )


def _because(cuts: Sequence[DesignCut]) -> str:
    reasons = list(dict.fromkeys(cut.reason for cut in cuts))
    return f"Physics asked for it: {'; '.join(reasons[:3])}."


def _why(days: Sequence[DayResult]) -> str:
    """Return why the last design does not pass."""
    bad = [day for day in days if not day.feasible]
    said: Mapping[str, str] = {
        day.case.day.name: day.coupled.cause or "demand is not met" for day in bad
    }
    name, first = next(iter(said.items()))
    return f"{len(bad)} of {len(days)} days do not pass; {name}: {first}"
