"""What the loop between market and networks ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cosim.coupling.networks import Verification
from cosim.records import Cut, LossLine, Schedule

Verdict = Literal["feasible", "infeasible", "unresolved"]


@dataclass(frozen=True, slots=True)
class Iteration:
    """One round: solve the market, verify the networks.

    Attributes:
        number: 0 is the first dispatch, before any feedback.
        phase: `search` until a first feasible point, `refresh` after it.
        cost: market cost in currency.
        violations: number per network.
        worst: smallest margin per `<network>_<limit>` (negative = violated), in the limit's unit.
        mismatch: largest difference of losses between market and physics, share of throughput.
        cuts: number of cuts in the market.
        seconds: wall time of the round.
    """

    number: int
    phase: Literal["search", "refresh"]
    cost: float
    violations: Mapping[str, int]
    worst: Mapping[str, float]
    mismatch: float
    cuts: int
    seconds: float


@dataclass(frozen=True, slots=True)
class LoopMemory:
    """Everything that a loop needs to go on where it stopped.

    Attributes:
        iterations: finished rounds.
        cuts: kept in the market.
        lines: loss lines given to the market, in order.
        first: dispatch before any feedback.
        last: newest dispatch.
    """

    iterations: tuple[Iteration, ...]
    cuts: tuple[Cut, ...]
    lines: tuple[LossLine, ...]
    first: Schedule
    last: Schedule


@dataclass(frozen=True, slots=True)
class Cause:
    """A limit that no schedule can keep, or that was not kept when the budget ran out.

    Attributes:
        grid: network name.
        limit: limit name.
        element: table.
        id: table index.
        steps: positions on the time axis.
        worst_step: where it is missed most.
        amount: by how much there, in `unit`, as verified.
        least_relaxation: smallest widening of the bound that the market would need, in `unit`; None
            where the market has no say: no cut of the element is missed by more than its margin,
            or no market is involved.
        unit: of the limit.
        without_participants: amount by which it is missed with background customers alone.
    """

    grid: str
    limit: str
    element: str
    id: int
    steps: tuple[int, ...]
    worst_step: int
    amount: float
    least_relaxation: float | None
    unit: str
    without_participants: float


@dataclass(frozen=True, slots=True)
class Coupled:
    """Result of the loop.

    Attributes:
        verdict: feasible only if every check of `verification` passes.
        cause: one sentence, empty if feasible.
        causes: what stands in the way, worst first.
        schedule: the last or, if feasible, the cheapest verified schedule.
        verification: of that schedule.
        first_schedule: dispatch before any feedback (copper plate).
        first_verification: its state in the networks.
        iterations: one entry per round.
        cuts: kept at the end.
        mismatch: largest loss mismatch per carrier, share of throughput.
    """

    verdict: Verdict
    cause: str
    causes: tuple[Cause, ...]
    schedule: Schedule
    verification: Verification
    first_schedule: Schedule
    first_verification: Verification
    iterations: tuple[Iteration, ...]
    cuts: tuple[Cut, ...]
    mismatch: Mapping[str, float]
