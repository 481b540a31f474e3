"""The loop: solve the market, verify the networks, feed back, until the checks pass or cannot."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from cosim.coupling.balance import mismatch
from cosim.coupling.causes import find_causes, sentence
from cosim.coupling.feedback import Feedback, choose_targets, feed_back
from cosim.coupling.networks import Networks, Verification
from cosim.coupling.outcome import Coupled, Iteration, LoopMemory, Verdict
from cosim.coupling.recover import anchor_injections, failing_injections, step_back
from cosim.grids.base import Engine
from cosim.records import Baseline, Cut, CutKey, Injections, LossLine, Schedule, Target
from cosim.scenario.config import CouplingSection

Progress = Callable[[Iteration], None]
Remember = Callable[[LoopMemory], None]
STALLED = 0.02
"""Share by which the missed amount must still fall for the search to go on with unmet cuts."""
PATIENCE = 3
"""Rounds with unmet cuts and no progress before a limit is called impossible."""


class MarketHandle(Protocol):
    """What the loop needs of a market."""

    def solve(
        self,
        members: frozenset[str],
        *,
        operator: bool = True,
        frozen: Mapping[str, Schedule] | None = None,
        start: Schedule | None = None,
        duals: bool = False,
    ) -> Schedule:
        """Solve with the given participants sharing."""
        ...

    def add_cuts(self, cuts: tuple[Cut, ...]) -> None:
        """Keep these cuts from now on."""
        ...

    def drop_cuts(self, keys: tuple[CutKey, ...]) -> None:
        """Forget these cuts."""
        ...

    def set_loss_lines(self, lines: tuple[LossLine, ...]) -> None:
        """Add tangents, replace exact lines."""
        ...

    @property
    def cuts(self) -> Mapping[CutKey, Cut]:
        """Every cut that is kept."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """Who shares, and what is given.

    Attributes:
        members: participants who share.
        operator: whether the system operator takes part.
        frozen: participants who keep the values of a schedule.
        start: a schedule to start the solver from.
    """

    members: frozenset[str]
    operator: bool = True
    frozen: Mapping[str, Schedule] = field(default_factory=dict)
    start: Schedule | None = None


@dataclass(slots=True)
class _Point:
    """A schedule with its verified state."""

    schedule: Schedule
    verification: Verification
    mismatch: dict[str, float]

    def good(self, tolerance: float) -> bool:
        return self.verification.passed and max(self.mismatch.values(), default=0.0) <= tolerance


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
        self._lines: list[LossLine] = []
        self._first: Schedule | None = None
        self._history: list[Iteration] = []
        self._immovable: set[tuple[str, Target]] = set()
        self._solvable: dict[str, Injections] = {
            name: states.injections for name, states in alone.states.items() if not states.failures
        }

    def run(self, case: Case, memory: LoopMemory | None = None) -> Coupled:
        """Run the loop to a verdict.

        Args:
            case: who shares.
            memory: of an interrupted loop over the same inputs, to go on from its last round.
        """
        first, point = self._begin(case, memory)
        point, verdict = self._search(case, point)
        if verdict == "feasible":
            point = self._refresh(case, point)
        causes = find_causes(
            self._networks,
            point.schedule.unmet,
            point.verification,
            self._alone,
            self._market.cuts,
            self._settings.margin,
        )
        reason = (
            ""
            if verdict == "feasible"
            else sentence(causes, point.verification, point.schedule.time)
        )
        if verdict == "unresolved" and not reason:
            reason = "market and physics still disagree on losses: " + ", ".join(
                f"{carrier} by {value:.2%}" for carrier, value in point.mismatch.items()
            )
        return Coupled(
            verdict=verdict,
            cause=reason,
            causes=() if verdict == "feasible" else causes,
            schedule=point.schedule,
            verification=point.verification,
            first_schedule=first.schedule,
            first_verification=first.verification,
            iterations=tuple(self._history),
            cuts=tuple(self._market.cuts.values()),
            mismatch=point.mismatch,
        )

    def _begin(self, case: Case, memory: LoopMemory | None) -> tuple[_Point, _Point]:
        """Return the first dispatch and the point to go on from."""
        if memory is None:
            first = self._round(case, case.start, "search")
            return first, first
        self._history = list(memory.iterations)
        self._first, self._lines = memory.first, list(memory.lines)
        self._market.add_cuts(memory.cuts)
        self._market.set_loss_lines(memory.lines)
        verification = self._networks.verify(memory.first.injections, self._engine)
        return _Point(memory.first, verification, {}), self._round(case, memory.last, "search")

    def _round(
        self, case: Case, start: Schedule | None, phase: Literal["search", "refresh"]
    ) -> _Point:
        began = clock.perf_counter()
        schedule = self._market.solve(
            case.members, operator=case.operator, frozen=case.frozen, start=start
        )
        verification = self._networks.verify(schedule.injections, self._engine)
        differences = mismatch(self._networks, schedule, verification, self._baselines)
        worst: dict[str, float] = {}
        for checks in verification.checks.values():
            for item in checks:
                smallest = item.smallest()
                if smallest is not None:
                    worst[item.limit.name] = smallest[0]
        entry = Iteration(
            number=len(self._history),
            phase=phase,
            cost=schedule.cost,
            violations={name: verification.count(name) for name in self._networks.grids},
            worst=worst,
            mismatch=max(differences.values(), default=0.0),
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

    def _search(self, case: Case, point: _Point) -> tuple[_Point, Verdict]:
        stalled, last = 0, float("inf")
        while not point.good(self._settings.balance_tolerance):
            if self._only_immovable(point.verification):
                return point, "infeasible"
            if len(self._history) > self._settings.max_iterations:
                return point, "unresolved"
            missed = sum(point.schedule.unmet.values())
            stuck = missed > 0.0 and missed > last * (1.0 - STALLED) and self._explained(point)
            stalled, last = (stalled + 1 if stuck else 0), missed or float("inf")
            if stalled >= PATIENCE:
                return point, "infeasible"
            if self._frozen():
                return point, "unresolved"
            self._feed_back(point, fresh_conservative=missed > 0.0)
            point = self._round(case, point.schedule, "search")
        return point, "feasible"

    def _frozen(self) -> bool:
        """Return whether the last rounds were all the same: feedback changes nothing any more."""
        last = self._history[-PATIENCE - 1 :]
        same = {(entry.cost, entry.mismatch, tuple(entry.worst.items())) for entry in last}
        return len(last) > PATIENCE and len(same) == 1

    def _only_immovable(self, verification: Verification) -> bool:
        """Return whether violations remain and no participant can influence any of them."""
        if verification.failures or not verification.violations:
            return False
        places = {(g, t.limit, t.id, t.step) for g, t in self._immovable}
        return all((v.grid, v.limit, v.id, v.step) in places for v in verification.violations)

    def _explained(self, point: _Point) -> bool:
        """Return whether the market itself says of every violated step that a cut cannot be met."""
        unmet = {(key.grid, key.step) for key in point.schedule.unmet}
        return not point.verification.failures and all(
            (v.grid, v.step) in unmet for v in point.verification.violations
        )

    def _feed_back(self, point: _Point, fresh_conservative: bool) -> None:
        """Give the market cuts for every violation and new loss lines.

        Args:
            point: where to linearise.
            fresh_conservative: drop conservative cuts that the market could not meet, so that they
                are made anew here if they still matter.
        """
        if fresh_conservative:
            cuts = self._market.cuts
            stale = tuple(k for k in point.schedule.unmet if k in cuts and not cuts[k].outer)
            self._market.drop_cuts(stale)
        number = len(self._history)
        for name, grid in self._networks.grids.items():
            states = point.verification.states[name]
            found = [v for v in point.verification.violations if v.grid == name]
            self._keep(
                feed_back(grid, states, choose_targets(found), number, self._settings.margin), name
            )
            failing = failing_injections(grid, point.verification)
            if failing is not None:
                anchor = anchor_injections(grid, failing, self._solvable)
                recovered = step_back(grid, failing, anchor)
                if recovered is not None:
                    self._keep(feed_back(grid, *recovered, number, self._settings.margin), name)
            elif not found:
                self._solvable[name] = states.injections

    def _memory(self, first: Schedule, last: Schedule) -> LoopMemory:
        cuts, lines = tuple(self._market.cuts.values()), tuple(self._lines)
        return LoopMemory(tuple(self._history), cuts, lines, first, last)

    def _keep(self, feedback: Feedback, grid: str) -> None:
        self._market.add_cuts(feedback.cuts)
        self._market.set_loss_lines(feedback.lines)
        self._lines.extend(feedback.lines)
        self._immovable.update((grid, target) for target in feedback.immovable)

    def _refresh(self, case: Case, best: _Point) -> _Point:
        """Linearise conservative cuts again at feasible points until the cost stops falling."""
        for _ in range(self._settings.max_refreshes):
            stale = tuple(key for key, cut in self._market.cuts.items() if not cut.outer)
            if not stale or len(self._history) > self._settings.max_iterations:
                return best
            self._market.drop_cuts(stale)
            self._relinearise(best, stale)
            point, verdict = self._search(case, self._round(case, best.schedule, "refresh"))
            gain = best.schedule.cost - point.schedule.cost
            if verdict != "feasible" or gain < 0.0:
                return best
            scale = max(abs(best.schedule.cost), 1.0)
            best = point
            if gain <= self._settings.refresh_tolerance * scale:
                return best
        return best

    def _relinearise(self, point: _Point, keys: tuple[CutKey, ...]) -> None:
        number = len(self._history)
        for name, grid in self._networks.grids.items():
            quantity = {limit.name: limit.quantity for limit in grid.limits}
            places = sorted({(k.limit, k.element, k.id, k.step) for k in keys if k.grid == name})
            if not places:
                continue
            targets = tuple(
                Target(limit, element, quantity[limit], id_, step)
                for limit, element, id_, step in places
            )
            states = point.verification.states[name]
            self._keep(feed_back(grid, states, targets, number, self._settings.margin), name)


__all__ = ["Case", "Loop", "MarketHandle", "Progress"]
