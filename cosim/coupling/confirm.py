"""Final word to the reference engines, whatever fast kernels ran before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from cosim.coupling.certificate import GATES, disagreement
from cosim.coupling.loop import Case
from cosim.coupling.networks import Networks, Verification
from cosim.coupling.outcome import Coupled
from cosim.grids.base import Engine


class Runs(Protocol):
    """What comes to a result about a case: a loop, or a loop whose look-ahead is left out."""

    def run(self, case: Case) -> Coupled:
        """Return the result."""
        ...


MakeLoop = Callable[[Engine], Runs]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A result whose states come from pandapower and pandapipes themselves.

    Attributes:
        coupled: the loop's result, its verification from the reference engines.
        differences: per network, largest difference between kernel and reference by quantity.
        notes: what the user should know about the engines.
        engine: to go on with: `reference` once a kernel has missed its gate.
    """

    coupled: Coupled
    differences: dict[str, dict[str, float]]
    notes: tuple[str, ...]
    engine: Engine


def confirm(networks: Networks, coupled: Coupled, case: Case, make_loop: MakeLoop) -> Confirmed:
    """Verify the final schedule with the reference engines; redo the loop with them if it fails.

    A kernel that differs from its reference by more than its gate, or comes to another result, is
    not used again in this run: the loop goes on with the reference engines.

    Args:
        networks: the adapters.
        coupled: result of a loop with fast kernels.
        case: what that loop solved.
        make_loop: returns a loop with the given engine over the same market and cuts.
    """
    reference = networks.verify(coupled.schedule.injections, "reference")
    differences = _differences(networks, coupled.verification, reference)
    notes = [f"{name}: {note}" for name, s in reference.states.items() for note in s.notes]
    beyond = [
        f"{name}: {quantity} of the batch kernel is {value:.2g} off its reference"
        for name, found in differences.items()
        for quantity, value in found.items()
        if value > GATES[quantity]
    ]
    contradicted = coupled.verification.passed != reference.passed
    if beyond or contradicted:
        notes += [*beyond, "the loop went on with the reference engines"]
        again = make_loop("reference").run(replace(case, start=coupled.schedule))
        return Confirmed(_continued(coupled, again), differences, tuple(notes), "reference")
    return Confirmed(replace(coupled, verification=reference), differences, tuple(notes), "fast")


def _differences(
    networks: Networks, fast: Verification, reference: Verification
) -> dict[str, dict[str, float]]:
    return {
        name: disagreement(fast.states[name], reference.states[name]) for name in networks.grids
    }


def _continued(first: Coupled, again: Coupled) -> Coupled:
    """Return the second result with the history and the copper plate of the first."""
    offset = len(first.iterations)
    later = tuple(replace(entry, number=entry.number + offset) for entry in again.iterations)
    return replace(
        again,
        first_schedule=first.first_schedule,
        first_verification=first.first_verification,
        iterations=(*first.iterations, *later),
    )
