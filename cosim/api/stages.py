"""Stages of a run: the loop, its confirmation by the reference engines, prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cosim.api.checkpoint import Checkpoint
from cosim.api.progress import Progress
from cosim.api.session import Physics
from cosim.api.stopwatch import Stopwatch
from cosim.coupling import Case, Coupled, Loop
from cosim.coupling.confirm import confirm
from cosim.coupling.loop import Remember
from cosim.coupling.trust import TRUST_REGION
from cosim.grids import Engine
from cosim.market import Market
from cosim.records import Schedule
from cosim.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Solved:
    """What the market and the networks agreed on.

    Attributes:
        coupled: the loop's result, confirmed by the reference engines.
        copper: the first dispatch, without networks.
        with_losses: cost with losses but without limits; None where that was not solved.
        priced: the schedule with marginal values.
        notes: what the reader should know.
        reruns: of the reference engines.
    """

    coupled: Coupled
    copper: Schedule
    with_losses: float | None
    priced: Schedule
    notes: tuple[str, ...]
    reruns: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Job:
    """What the stages of a run work with.

    Attributes:
        scenario: loaded.
        physics: its networks.
        market: of its participants.
        watch: takes the time.
        told: receiver of progress.
        members: who shares; everybody if missing.
    """

    scenario: Scenario
    physics: Physics
    market: Market
    watch: Stopwatch
    told: Progress
    members: frozenset[str] | None = None

    def loop(self, engine: Engine, remember: Remember | None = None) -> Loop:
        """Return a loop over market and networks."""
        return self.physics.loop(self.market, self.scenario, engine, self.told.iteration, remember)


def solve_together(job: Job, checkpoint: Checkpoint | None = None) -> Solved:
    """Run the loop for those who share, confirm it with the reference engines, and price it.

    Args:
        job: what to work with.
        checkpoint: of an interrupted run, and where this one leaves its own; none if missing.
    """
    everyone = frozenset(job.scenario.config.participants if job.members is None else job.members)
    case = Case(members=everyone)
    memory = None if checkpoint is None else checkpoint.load()
    remember = None if checkpoint is None else checkpoint.save
    resumed = (
        ()
        if memory is None
        else (f"The run was resumed after round {len(memory.iterations) - 1}.",)
    )
    with job.watch.stage("loop", "Market and networks in turn"):
        coupled = job.loop("fast", remember).run(case, memory)
    return conclude(job, case, coupled, resumed)


def conclude(job: Job, case: Case, coupled: Coupled, notes: tuple[str, ...] = ()) -> Solved:
    """Confirm a loop's result with the reference engines, and price it.

    Args:
        job: what the loop worked with.
        case: what it solved.
        coupled: its result with fast kernels.
        notes: to put first.
    """
    with job.watch.stage("reference", "Final verification with pandapower and pandapipes"):
        settings = job.scenario.config.verification
        confirmed = confirm(job.physics.networks, coupled, case, job.loop, settings)
        coupled = confirmed.coupled
    with job.watch.stage("prices", "Prices and the price of physics"):
        priced, with_losses = _prices(job.market, coupled, case.members)
    told = (*notes, *confirmed.notes)
    return Solved(coupled, coupled.first_schedule, with_losses, priced, told, confirmed.reruns)


def _prices(
    market: Market, coupled: Coupled, everyone: frozenset[str]
) -> tuple[Schedule, float | None]:
    """Return the schedule with marginal prices, and the cost with losses but without limits.

    A dispatch that was held in place so that its losses agree stays held: that is no limit.
    """
    cuts = tuple(cut for cut in market.cuts if cut.key.limit != TRUST_REGION)
    priced = market.solve(everyone, start=coupled.schedule, duals=True, effort="fixed")
    if coupled.verdict != "feasible":
        return priced, None
    market.drop_cuts([cut.key for cut in cuts])
    with_losses = market.solve(everyone, start=coupled.first_schedule, effort="rounded").cost
    market.add_cuts(cuts)
    return priced, with_losses
