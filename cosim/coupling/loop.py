"""The loop: solve the market, verify the networks, feed back, until the checks pass or cannot."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from cosim.coupling.balance import largest, mismatch
from cosim.coupling.causes import find_causes, sentence
from cosim.coupling.feeder import Feeder
from cosim.coupling.handle import Effort, MarketHandle
from cosim.coupling.networks import Networks, Verification
from cosim.coupling.outcome import Coupled, Iteration, LoopMemory, Verdict
from cosim.grids.base import Engine
from cosim.records import Baseline, Schedule
from cosim.records.time import FloatArray
from cosim.scenario.config import CouplingSection

Progress = Callable[[Iteration], None]
Remember = Callable[[LoopMemory], None]
STALLED = 0.02
"""Share by which the missed amount must still fall for the search to go on with unmet cuts."""
FREE_ROUNDS = 3
"""Times that a solution with free binaries may fall back into the search."""
PATIENCE = 3
"""Rounds without progress before the search is given up."""


@dataclass(frozen=True, slots=True)
class Case:
    """Who shares, and what is given.

    Attributes:
        members: participants who share.
        operator: whether the system operator takes part.
        frozen: participants who keep the values of a schedule.
        start: a schedule to start the solver from.
        effort: of the market in the first and the last round.
        between: of the rounds between; as a rule they keep the binaries of the round before.
    """

    members: frozenset[str]
    operator: bool = True
    frozen: Mapping[str, Schedule] = field(default_factory=dict)
    start: Schedule | None = None
    effort: Effort = "proven"
    between: Effort = "fixed"


@dataclass(frozen=True, slots=True)
class _Point:
    """A schedule with its verified state."""

    schedule: Schedule
    verification: Verification
    mismatch: Mapping[str, FloatArray]

    def good(self, tolerance: float) -> bool:
        return self.verification.passed and largest(self.mismatch) <= tolerance


class Loop:
    """One run of the loop over a market and its networks.

    Args:
        market: keeps its cuts and loss lines across runs.
        networks: the adapters.
        alone: the networks without participants.
        settings: budget, margins, tolerances.
        engine: `fast` kernels or the `reference` packages.
        progress: called after every round.
        remember: called after every round with all that is needed to go on later.
    """

    def __init__(
        self,
        market: MarketHandle,
        networks: Networks,
        alone: Verification,
        settings: CouplingSection,
        engine: Engine = "fast",
        progress: Progress | None = None,
        remember: Remember | None = None,
    ) -> None:
        self._market = market
        self._networks = networks
        self._alone = alone
        self._baselines: Mapping[str, Baseline] = networks.baselines(alone)
        self._settings = settings
        self._engine: Engine = engine
        self._progress = progress
        self._remember = remember
        self._feeder = Feeder(market, networks, alone, settings)
        self._history: list[Iteration] = []
        self._first: Schedule | None = None

    def run(self, case: Case, memory: LoopMemory | None = None) -> Coupled:
        """Run the loop to a verdict.

        Args:
            case: who shares.
            memory: of an interrupted loop over the same inputs, to go on from its last round.
        """
        first, point = self._begin(case, memory)
        point, verdict = self._settle(case, point)
        if verdict == "feasible":
            point = self._refresh(case, point)
        return self._outcome(first, point, verdict)

    def _outcome(self, first: _Point, point: _Point, verdict: Verdict) -> Coupled:
        unmet, margin = point.schedule.unmet, self._settings.margin
        causes = find_causes(
            self._networks, unmet, point.verification, self._alone, self._feeder.cuts(), margin
        )
        differences = {carrier: float(v.max()) for carrier, v in point.mismatch.items()}
        reason = sentence(causes, point.verification, point.schedule.time)
        if verdict == "unresolved" and not reason:
            reason = "market and physics still disagree on losses: " + ", ".join(
                f"{carrier} by {value:.2%}" for carrier, value in differences.items()
            )
        passed = verdict == "feasible"
        return Coupled(
            verdict=verdict,
            cause="" if passed else reason,
            causes=() if passed else causes,
            schedule=point.schedule,
            verification=point.verification,
            first_schedule=first.schedule,
            first_verification=first.verification,
            iterations=tuple(self._history),
            cuts=self._market.cuts,
            mismatch=differences,
        )

    def _begin(self, case: Case, memory: LoopMemory | None) -> tuple[_Point, _Point]:
        """Return the first dispatch and the point to go on from."""
        if memory is None:
            first = self._round(case, case.start, "search", case.effort)
            return first, first
        self._history = list(memory.iterations)
        self._first = memory.first
        self._feeder.restore(memory.cuts, memory.lines)
        verification = self._networks.verify(memory.first.injections, self._engine)
        return _Point(memory.first, verification, {}), self._round(case, memory.last, "search")

    def _round(
        self,
        case: Case,
        start: Schedule | None,
        phase: Literal["search", "refresh"],
        effort: Effort | None = None,
    ) -> _Point:
        began = clock.perf_counter()
        schedule = self._market.solve(
            case.members,
            operator=case.operator,
            frozen=case.frozen,
            start=start,
            effort=effort or case.between,
        )
        verification = self._networks.verify(schedule.injections, self._engine)
        differences = mismatch(self._networks, schedule, verification, self._baselines)
        entry = Iteration(
            number=len(self._history),
            phase=phase,
            cost=schedule.cost,
            violations={name: verification.count(name) for name in self._networks.grids},
            worst=_worst(verification),
            mismatch=largest(differences),
            cuts=len(self._market.cuts),
            seconds=clock.perf_counter() - began,
        )
        self._history.append(entry)
        self._first = self._first or schedule
        if self._progress is not None:
            self._progress(entry)
        if self._remember is not None:
            self._remember(self._memory(self._first, schedule))
        return _Point(schedule, verification, differences)

    def _settle(self, case: Case, point: _Point) -> tuple[_Point, Verdict]:
        """Search with binaries kept; the last word has a market that is free to choose them."""
        point, verdict = self._search(case, point)
        bound = float("-inf")
        for _ in range(FREE_ROUNDS):
            if point.schedule.optimal or verdict == "unresolved":
                return point, verdict
            if verdict == "infeasible":
                self._feeder.feed(point.verification, point.mismatch)
            better = self._round(case, point.schedule, "search", case.effort)
            if better.good(self._settings.balance_tolerance):
                return better, "feasible"
            if verdict == "infeasible" and better.schedule.unmet:
                return better, verdict
            bound = max(bound, better.schedule.bound)
            point, verdict = self._search(case, better)
        return _bounded(point, bound), verdict

    def _search(self, case: Case, point: _Point) -> tuple[_Point, Verdict]:
        stalled, last = 0, float("inf")
        while not point.good(self._settings.balance_tolerance):
            if self._feeder.hopeless(point.verification):
                return point, "infeasible"
            if len(self._history) > self._settings.max_iterations or self._frozen():
                return point, "unresolved"
            missed = sum(point.schedule.unmet.values())
            stuck = missed > last * (1.0 - STALLED) and _explained(point)
            stalled, last = (stalled + 1 if stuck else 0), missed or float("inf")
            if stalled >= PATIENCE:
                return point, "infeasible"
            self._renew_unmet(point)
            self._feeder.feed(point.verification, point.mismatch)
            point = self._round(case, point.schedule, "search")
        return point, "feasible"

    def _frozen(self) -> bool:
        """Return whether the last rounds were all the same: feedback changes nothing any more."""
        last = self._history[-PATIENCE - 1 :]
        same = {(entry.cost, entry.mismatch, tuple(entry.worst.items())) for entry in last}
        return len(last) > PATIENCE and len(same) == 1

    def _renew_unmet(self, point: _Point) -> None:
        """Drop conservative cuts that could not be met; they come back if they still matter."""
        cuts = self._feeder.cuts()
        self._feeder.drop(k for k in point.schedule.unmet if k in cuts and not cuts[k].outer)

    def _refresh(self, case: Case, best: _Point) -> _Point:
        """Linearise conservative cuts again at feasible points until the cost stops falling."""
        for _ in range(self._settings.max_refreshes):
            before, lines = self._market.cuts, self._market.loss_lines
            stale = tuple(cut.key for cut in before if not cut.outer)
            if not stale or len(self._history) > self._settings.max_iterations:
                return best
            self._feeder.drop(stale)
            self._feeder.refresh(best.verification, stale)
            point, verdict = self._search(case, self._round(case, best.schedule, "refresh"))
            gain = best.schedule.cost - point.schedule.cost
            if verdict != "feasible" or gain < 0.0:
                self._feeder.drop(cut.key for cut in self._market.cuts)
                self._market.add_cuts(before)
                self._market.set_loss_lines(lines)
                return best
            best = point
            if gain <= self._settings.refresh_tolerance * max(abs(best.schedule.cost), 1.0):
                return best
        return best

    def _memory(self, first: Schedule, last: Schedule) -> LoopMemory:
        lines = tuple(self._feeder.lines)
        return LoopMemory(tuple(self._history), self._market.cuts, lines, first, last)


def _bounded(point: _Point, bound: float) -> _Point:
    """Return a point whose binaries were kept with the bound of an earlier, free round.

    Rounds only add constraints, so what was proven of fewer holds.
    """
    schedule = point.schedule
    if schedule.bound >= bound:
        return point
    bound = min(bound, schedule.cost)
    gap = (schedule.cost - bound) / max(abs(schedule.cost), 1e-9)
    return replace(point, schedule=replace(schedule, bound=bound, gap=gap))


def _explained(point: _Point) -> bool:
    """Return whether the market itself says of every violated step that a cut cannot be met."""
    unmet = {(key.grid, key.step) for key in point.schedule.unmet}
    missed = {(v.grid, v.step) for v in point.verification.violations}
    return bool(missed) and missed <= unmet and not point.verification.failures


def _worst(verification: Verification) -> dict[str, float]:
    """Return the smallest margin per network and limit."""
    worst: dict[str, float] = {}
    for grid, checks in verification.checks.items():
        for item in checks:
            smallest = item.smallest()
            if smallest is not None:
                worst[f"{grid}_{item.limit.name}"] = smallest[0]
    return worst


__all__ = ["Case", "Loop", "MarketHandle", "Progress", "Remember"]
