"""Followers with on/off decisions: patterns of binaries are added until no other is better."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cosim.errors import SolveError
from cosim.market.highs import Clock, Handle, Outcome, Status
from cosim.market.leader.conditions import Canonical, canonical
from cosim.market.leader.exact import (
    CAP_ROUNDS,
    WORTH_OFFERING,
    capped_notes,
    sampled_caps,
    suspect,
)
from cosim.market.leader.kkt import SingleLevel, single_level
from cosim.market.leader.outcome import Record, conclude, relative_gap
from cosim.market.leader.problem import LeaderOutcome, LeaderProblem, LeaderSettings
from cosim.market.leader.reduce import reduced
from cosim.market.leader.respond import Responses
from cosim.market.leader.search import Best, Climber, first_prices
from cosim.market.leader.start import price_guesses
from cosim.records.time import FloatArray

SAMPLES = 40
"""Random prices at which responses are collected before the first round."""
LOOK_UNTIL = 0.75
"""Share of the time that is left when no more of them are."""
ROUND_SHARE = 0.3
"""Share of the time left that a round may take; a bound is proven at any stop."""
ROUNDS = 200
"""Most rounds; every round adds a pattern that was not there."""


def joint_bound(responses: Responses) -> float:
    """Return what followers pay at most, less the least cost of all together; inf if not known.

    A follower never pays more in the end than its best response costs at the dearest prices.
    """
    game = responses.game
    sides = [(one.priced > 0).sum(axis=1) * (one.priced < 0).sum(axis=1) for one in game.followers]
    if any(np.asarray(side).any() for side in sides):
        return float("inf")
    side = sum((one.priced.sum(axis=1) for one in game.followers), np.zeros(game.n_prices))
    dearest = np.where(np.asarray(side) >= 0.0, game.price_ub, game.price_lb)
    most = sum(one.objective for one in responses.solve(dearest))
    offset = game.leader.offset + sum(one.program.offset for one in game.followers)
    return float(most - responses.least_joint_cost() - offset)


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
            [[] for _ in followers],
            joint_bound(responses),
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
    seen: list[list[FloatArray]]
    ceiling: float
    best: Best = field(default_factory=Best)
    bound: float = field(init=False)
    settled: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        self.bound = self.ceiling

    def look_around(self) -> None:
        """Collect patterns and a first profit at some prices."""
        count = 0 if self.responses.game.linear else SAMPLES
        for prices in price_guesses(self.responses.game, self.settings.seed, count):
            if self.clock.left < LOOK_UNTIL * self.settings.time_limit_s:
                break
            outcomes = self.responses.solve(prices)
            self._learn(outcomes)
            self.best.offer(self.responses, prices, None, outcomes)
        self.record.add(self.best.profit, self.bound)

    def run(self) -> list[str]:
        """Solve masters until the search is over; returns what there is to tell."""
        enlarged = 0
        for _ in range(ROUNDS):
            single = single_level(
                self.responses.game, self.followers, self.caps, self.patterns, self.seen
            )
            truncated = not self.responses.game.linear and self.settled
            climber = Climber(single, self.followers, self.responses, self.best, self.clock)
            first_prices(single, climber, self.responses, self.best, self.clock, self.settings)
            point = self._master(single, ROUND_SHARE if truncated else 1.0)
            if point is None and truncated and self.clock.left > 0.0:
                self.settled = False
                continue
            if point is None:
                return [*self._told(), *capped_notes(single, sure=enlarged < CAP_ROUNDS)]
            if enlarged < CAP_ROUNDS and suspect(single, point, self.caps):
                enlarged += 1
                self.caps = [4.0 * cap for cap in self.caps]
                self.bound = self.ceiling
                continue
            outcomes = self.responses.solve(point[single.prices])
            fresh = self._learn(outcomes)
            self.best.offer(self.responses, point[single.prices], None, outcomes)
            self.record.add(self.best.profit, self.bound)
            self.settled = fresh
            done = relative_gap(self.best.profit, self.bound) <= self.settings.gap
            if done or self.clock.left <= 0.0 or not (fresh or truncated):
                return [*self._told(), *capped_notes(single, sure=enlarged < CAP_ROUNDS)]
        return ["the search ended at its limit of rounds", *self._told()]

    def _master(self, single: SingleLevel, share: float) -> FloatArray | None:
        gap = 0.5 * self.settings.gap
        threads = self.settings.threads
        handle = Handle(single.program, integer=True, threads=threads, mip_gap=gap, restarts=True)
        point = self.best.point
        near = relative_gap(self.best.profit, self.bound) < WORTH_OFFERING
        if point is not None and len(point) == single.program.n and near:
            handle.offer(point, spare=False)
        outcome = handle.run(share * self.clock.left)
        if outcome.status is Status.INFEASIBLE:
            raise SolveError("at no prices can the plant deliver a best response", "infeasible")
        self.bound = min(self.bound, -outcome.bound)
        self.record.add(self.best.profit, self.bound)
        return outcome.x

    def _learn(self, outcomes: tuple[Outcome, ...]) -> bool:
        """Keep patterns that are new; returns whether one was."""
        fresh = False
        for k, (one, known, outcome) in enumerate(
            zip(self.followers, self.patterns, outcomes, strict=True)
        ):
            if not one.binary.any() or outcome.x is None:
                continue
            self.seen[k].append(outcome.x)
            pattern: FloatArray = np.where(one.binary, np.rint(outcome.x), 0.0)
            if not any(np.array_equal(pattern, other) for other in known):
                known.append(pattern)
                fresh = True
        return fresh

    def _told(self) -> list[str]:
        count = sum(len(known) for known in self.patterns)
        return [f"{count} patterns of on/off decisions were looked at"] if count else []
