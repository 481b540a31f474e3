"""Followers with on/off decisions: patterns of binaries are added until no other is better."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cosim.errors import SolveError
from cosim.market.highs import Clock, Handle, Outcome, Status
from cosim.market.leader.conditions import Canonical, canonical
from cosim.market.leader.exact import CAP_ROUNDS, capped_notes, sampled_caps, suspect
from cosim.market.leader.kkt import SingleLevel, single_level
from cosim.market.leader.outcome import Record, conclude, relative_gap
from cosim.market.leader.problem import LeaderOutcome, LeaderProblem, LeaderSettings
from cosim.market.leader.reduce import reduced
from cosim.market.leader.respond import Responses
from cosim.market.leader.search import Best, climb
from cosim.market.leader.start import price_guesses
from cosim.records.time import FloatArray

ROUNDS = 200
"""Most rounds; every round adds a pattern that was not there."""


class Decomposition:
    """Column-and-constraint generation over the followers' patterns of binaries.

    The master is the game with followers that are best for their own binaries, and no dearer than
    any pattern known so far: a relaxation, whose bound is proven. The followers' true response to
    its prices gives a profit that is really there and, if it is better for a follower than what
    the master thought, a new pattern. With linear followers there is one pattern and one round.
    """

    def solve(self, problem: LeaderProblem, settings: LeaderSettings) -> LeaderOutcome:
        """Solve the game until the gap, the time limit, or until no pattern is missing.

        Raises:
            SolveError: if no prices were found at which the plant can deliver.
        """
        clock = Clock(settings.time_limit_s)
        small = reduced(problem)
        responses = Responses(small, settings.tolerance, settings.threads)
        followers = tuple(canonical(one) for one in small.followers)
        search = _Search(
            responses,
            followers,
            settings,
            clock,
            Record("decomposition", clock),
            sampled_caps(responses, followers, settings.seed),
            [[] for _ in followers],
        )
        search.look_around()
        notes = search.run()
        if search.best.prices is None:
            raise SolveError("no prices were found at which the plant can deliver", "no incumbent")
        return conclude(responses, search.best.prices, search.bound, search.record, settings, notes)


@dataclass(slots=True)
class _Search:
    responses: Responses
    followers: tuple[Canonical, ...]
    settings: LeaderSettings
    clock: Clock
    record: Record
    caps: list[FloatArray]
    patterns: list[list[FloatArray]]
    best: Best = field(default_factory=Best)
    bound: float = float("inf")

    def look_around(self) -> None:
        """Collect patterns and a first profit at some prices."""
        for prices in price_guesses(self.responses.game, self.settings.seed, 4):
            outcomes = self.responses.solve(prices)
            self._learn(outcomes)
            self.best.offer(self.responses, prices, None, outcomes)
        self.record.add(self.best.profit, self.bound)

    def run(self) -> list[str]:
        """Solve masters until the search is over; returns what there is to tell."""
        enlarged = 0
        for _ in range(ROUNDS):
            single = single_level(self.responses.game, self.followers, self.caps, self.patterns)
            if self.responses.game.linear:
                climb(single, self.followers, self.responses, self.best, self.clock, self.settings)
            point = self._master(single)
            if point is None:
                return [*self._told(), *capped_notes(single, sure=enlarged < CAP_ROUNDS)]
            if enlarged < CAP_ROUNDS and suspect(single, point, self.caps):
                enlarged += 1
                self.caps = [4.0 * cap for cap in self.caps]
                self.bound = float("inf")
                continue
            outcomes = self.responses.solve(point[single.prices])
            fresh = self._learn(outcomes)
            self.best.offer(self.responses, point[single.prices], None, outcomes)
            self.record.add(self.best.profit, self.bound)
            done = relative_gap(self.best.profit, self.bound) <= self.settings.gap
            if done or not fresh or self.clock.left <= 0.0:
                return [*self._told(), *capped_notes(single, sure=enlarged < CAP_ROUNDS)]
        return ["the search ended at its limit of rounds", *self._told()]

    def _master(self, single: SingleLevel) -> FloatArray | None:
        gap = 0.5 * self.settings.gap
        threads = self.settings.threads
        handle = Handle(single.program, integer=True, threads=threads, mip_gap=gap, restarts=True)
        if self.best.point is not None and len(self.best.point) == single.program.n:
            handle.offer(self.best.point)
        outcome = handle.run(self.clock.left)
        if outcome.status is Status.INFEASIBLE:
            raise SolveError("at no prices can the plant deliver a best response", "infeasible")
        self.bound = min(self.bound, -outcome.bound)
        self.record.add(self.best.profit, self.bound)
        return outcome.x

    def _learn(self, outcomes: tuple[Outcome, ...]) -> bool:
        """Keep patterns that are new; returns whether one was."""
        fresh = False
        for one, known, outcome in zip(self.followers, self.patterns, outcomes, strict=True):
            if not one.binary.any() or outcome.x is None:
                continue
            pattern = np.round(np.where(one.binary, outcome.x, 0.0))
            if not any(np.array_equal(pattern, other) for other in known):
                known.append(pattern)
                fresh = True
        return fresh

    def _told(self) -> list[str]:
        count = sum(len(known) for known in self.patterns)
        return [f"{count} patterns of on/off decisions were looked at"] if count else []
