"""Final word to the reference engines, whatever fast kernels ran before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from cosim.coupling.certified import CertifiedNetworks, is_batch
from cosim.coupling.loop import Case
from cosim.coupling.networks import Verification
from cosim.coupling.outcome import Coupled
from cosim.coupling.sampling import compare
from cosim.grids.base import Engine
from cosim.scenario.verification import VerificationSection


class Runs(Protocol):
    """What comes to a result about a case: a loop, or one that leaves out a look-ahead."""

    def run(self, case: Case) -> Coupled:
        """Return the result."""
        ...


MakeLoop = Callable[[Engine], Runs]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A result whose states have been held against pandapower and pandapipes.

    Attributes:
        coupled: the loop's result; with `final: all` its verification is the reference engines'.
        notes: what the user should know about the engines.
        reruns: see `rerun_entries`.
    """

    coupled: Coupled
    notes: tuple[str, ...]
    reruns: Mapping[str, object]


def confirm(
    networks: CertifiedNetworks,
    coupled: Coupled,
    case: Case,
    make_loop: MakeLoop,
    settings: VerificationSection,
) -> Confirmed:
    """Verify the final schedule with the reference engines; redo the loop where a kernel fails.

    A network whose kernel misses a gate, or comes to another verdict at any step, is left to the
    reference engine, and the loop goes on. `final: sample` re-runs steps by rule instead of all.

    Args:
        networks: the adapters.
        coupled: result of a loop with fast kernels.
        case: what that loop solved.
        make_loop: returns a loop with the given engine over the same market and cuts.
        settings: whether all steps are re-run.
    """
    went_on = False
    while True:
        reference = None
        if settings.final == "all":
            reference = networks.verify(coupled.schedule.injections, "reference")
            lost = _compare_all(networks, coupled.verification, reference)
        else:
            lost = networks.certify(coupled.verification, final_sample(settings))
        if not lost:
            break
        went_on = True
        again = make_loop("fast").run(replace(case, start=coupled.schedule))
        coupled = _continued(coupled, again)
    if reference is not None:
        coupled = replace(coupled, verification=reference)
    states = coupled.verification.states
    notes = [f"{name}: {note}" for name, s in states.items() for note in s.notes]
    if went_on:
        notes.append("the loop went on with the reference engines")
    reruns = rerun_entries(networks, coupled.verification)
    return Confirmed(coupled, (*networks.notes, *notes), reruns)


def final_sample(settings: VerificationSection) -> VerificationSection:
    """Return the settings of a final verification by sample."""
    return settings.model_copy(update={"sample_steps": settings.final_sample_steps})


def rerun_entries(networks: CertifiedNetworks, final: Verification) -> dict[str, object]:
    """Return, per network, what was re-run in the reference engine and what came of it.

    Args:
        networks: with their records.
        final: the verification that counts.

    Returns:
        Plain data: `steps` of the final dispatch, how many of them were `rerun`, by which `rule`;
        `sampled` steps of all rounds by rule, `rounds`, `worst` difference per quantity,
        `handed_over` reasons.
    """
    entries: dict[str, object] = {}
    for name, record in networks.records.items():
        states = final.states[name]
        steps = len(states.injections.steps)
        by_sample = is_batch(states)
        entries[name] = {
            "steps": steps,
            "rerun": networks.rerun_steps(states) if by_sample else steps,
            "rule": "sample" if by_sample else "all",
            "sampled": dict(record.steps),
            "rounds": record.rounds,
            "worst": dict(record.worst),
            "handed_over": list(record.handed_over),
        }
    return entries


def _compare_all(
    networks: CertifiedNetworks, fast: Verification, reference: Verification
) -> list[str]:
    """Compare every step of every kernel; return the networks handed over for it."""
    lost = []
    for name, grid in networks.grids.items():
        if not is_batch(fast.states[name]):
            continue
        comparison = compare(grid, fast.states[name], reference.states[name])
        networks.records[name].note(comparison)
        if comparison.reasons:
            networks.hand_over(name, comparison.reasons)
            lost.append(name)
    return lost


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
