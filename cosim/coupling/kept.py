"""A window's result without its look-ahead: only the steps that are kept count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cosim.coupling.balance import largest, mismatch
from cosim.coupling.causes import find_causes, sentence
from cosim.coupling.networks import Networks, Verification, take_rows
from cosim.coupling.outcome import Coupled, Verdict
from cosim.grids.limits import check, violations
from cosim.records import Baseline, Schedule, read_only
from cosim.scenario.config import CouplingSection

KeepSchedule = Callable[[Schedule], Schedule]
"""Takes the look-ahead off a schedule."""


def without_look_ahead(
    coupled: Coupled,
    keep_schedule: KeepSchedule,
    networks: Networks,
    alone: Verification,
    settings: CouplingSection,
) -> Coupled:
    """Return the result for the steps that are kept, with a verdict of its own.

    What is missed in the look-ahead alone is for the next window to mend.

    Args:
        coupled: over all steps that were solved.
        keep_schedule: takes the look-ahead off a schedule.
        networks: the adapters.
        alone: the networks without participants, over all steps.
        settings: tolerances of the loop.
    """
    schedule = keep_schedule(coupled.schedule)
    keep = len(schedule.time)
    if keep == len(coupled.schedule.time):
        return coupled
    verification = first_steps_of(networks, coupled.verification, keep)
    baselines = {k: _first(base, keep) for k, base in networks.baselines(alone).items()}
    differences = mismatch(networks, schedule, verification, baselines)
    verdict = _verdict(coupled, schedule, verification, largest(differences), settings)
    passed = verdict == "feasible"
    causes = find_causes(
        networks,
        schedule.unmet,
        verification,
        alone,
        {cut.key: cut for cut in coupled.cuts},
        settings.margin,
    )
    reason = sentence(causes, verification, schedule.time) or coupled.cause
    return replace(
        coupled,
        verdict=verdict,
        cause="" if passed else reason,
        causes=() if passed else causes,
        schedule=schedule,
        verification=verification,
        first_schedule=keep_schedule(coupled.first_schedule),
        first_verification=first_steps_of(networks, coupled.first_verification, keep),
        mismatch={carrier: float(values.max()) for carrier, values in differences.items()},
    )


def first_steps_of(networks: Networks, verification: Verification, keep: int) -> Verification:
    """Return what a verification says about the steps before `keep`."""
    states = {
        name: take_rows(one, np.flatnonzero(one.injections.steps < keep))
        for name, one in verification.states.items()
    }
    checks = {name: check(states[name], grid.limits) for name, grid in networks.grids.items()}
    return Verification(
        states=states,
        checks=checks,
        violations=tuple(v for name, found in checks.items() for v in violations(name, found)),
        failures=tuple((n, f) for n, f in verification.failures if f.step < keep),
    )


def _verdict(
    coupled: Coupled,
    schedule: Schedule,
    verification: Verification,
    difference: float,
    settings: CouplingSection,
) -> Verdict:
    good = verification.passed and not schedule.unmet and difference <= settings.balance_tolerance
    return "feasible" if good else coupled.verdict


def _first(base: Baseline, keep: int) -> Baseline:
    return Baseline(
        grid=base.grid,
        drawn_kw=read_only(base.drawn_kw[:keep]),
        loss_kw=read_only(base.loss_kw[:keep]),
        auxiliary_kw=read_only(base.auxiliary_kw[:keep]),
    )
