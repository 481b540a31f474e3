"""One chunk of a long verification: verified, checked and encoded, in any process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cosim.api.summary import Names
from cosim.coupling.causes import find_causes
from cosim.coupling.certificate import certificate, tight_checks
from cosim.coupling.certified import CertifiedNetworks, is_batch
from cosim.coupling.networks import Verification, idle, take_rows, take_steps
from cosim.coupling.outcome import Cause
from cosim.coupling.sampling import Comparison, Proposal, Rule, compare, propose, scales
from cosim.grids.base import Engine
from cosim.records import Injections, StepFailure
from cosim.records.time import IntArray
from cosim.results.encoded import piece_bytes
from cosim.results.schema import NETWORK_SERIES
from cosim.scenario import Scenario

FAILURES_KEPT = 5
"""Failed steps of a chunk that are named; all of them are counted."""
NOTHING = Verification({}, {}, (), ())


@dataclass(frozen=True, slots=True)
class Study:
    """What every chunk needs; handed to each worker once.

    Attributes:
        networks: the adapters, and which of them are left to the reference engine.
        names: of elements.
        scenario: settings and hash.
        engine: `reference` at all steps, or `fast` with a sample.
        peak_kw: highest throughput per network.
    """

    networks: CertifiedNetworks
    names: Names
    scenario: Scenario
    engine: Engine
    peak_kw: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive steps of a schedule."""

    number: int
    injections: Mapping[str, Injections]


@dataclass(frozen=True, slots=True)
class Found:
    """What a chunk came to.

    Attributes:
        number: of the chunk.
        certificate: of its steps.
        causes: everything that is missed, per element.
        failures: the first steps without a state.
        tight: see `tight_checks`.
        smallest: relative distance to the closest limit, negative if missed.
        injections: with the pump power that was found, per network.
        proposals: per network with a kernel, steps to re-run.
        solved: per network with a kernel, steps with a state.
        notes: per network.
        files: name in the run folder without suffix -> bytes of an Arrow file.
    """

    number: int
    certificate: Mapping[str, object]
    causes: tuple[Cause, ...]
    failures: tuple[tuple[str, StepFailure], ...]
    tight: pd.DataFrame
    smallest: float
    injections: Mapping[str, Injections]
    proposals: Mapping[str, list[Proposal]]
    solved: Mapping[str, IntArray]
    notes: Mapping[str, tuple[str, ...]]
    files: Mapping[str, bytes] = field(default_factory=dict)


def chunks_of(injections: Mapping[str, Injections], size: int) -> Iterator[Chunk]:
    """Yield consecutive steps of all networks, `size` in each chunk."""
    steps = max(len(entry.steps) for entry in injections.values())
    for number, first in enumerate(range(0, steps, size)):
        rows = np.arange(first, min(first + size, steps))
        yield Chunk(number, {name: take_steps(e, rows) for name, e in injections.items()})


def verify_chunk(study: Study, chunk: Chunk) -> Found:
    """Evaluate a chunk in every network and hold it against every limit."""
    networks = study.networks
    verification = networks.evaluate(chunk.injections, study.engine)
    states = verification.states
    kernels = [name for name, found in states.items() if is_batch(found)]
    config = study.scenario.config
    return Found(
        number=chunk.number,
        certificate=certificate(
            networks, verification, study.names, {}, config.coupling, study.scenario.input_hash
        ),
        causes=find_causes(
            networks, {}, verification, NOTHING, {}, config.coupling.margin, keep=None
        ),
        failures=verification.failures[:FAILURES_KEPT],
        tight=tight_checks(networks, verification, study.names),
        smallest=_smallest(verification),
        injections={name: found.injections for name, found in states.items()},
        proposals={
            name: propose(
                networks.grids[name],
                states[name],
                verification.checks[name],
                config.verification,
                study.peak_kw[name],
            )
            for name in kernels
        },
        solved={name: _solved(verification, name) for name in kernels},
        notes={name: found.notes for name, found in states.items()},
        files=_files(networks, verification),
    )


def missed_alone(study: Study, chunk: Chunk) -> dict[tuple[str, str, str, int], float]:
    """Return by how much background customers alone miss each limit, worst of the chunk."""
    entries = {
        name: take_steps(idle(study.networks.grids[name]), entry.steps)
        for name, entry in chunk.injections.items()
    }
    worst: dict[tuple[str, str, str, int], float] = {}
    for v in study.networks.evaluate(entries, "fast").violations:
        key = (v.grid, v.limit, v.element, v.id)
        worst[key] = max(worst.get(key, 0.0), v.amount)
    return worst


@dataclass(frozen=True, slots=True)
class Rerun:
    """Steps to evaluate again in the reference engines: injections, and who asks for which."""

    injections: Mapping[str, Injections]
    chosen: Mapping[str, Mapping[int, Rule]]


def rerun(study: Study, item: Rerun) -> list[tuple[dict[int, Rule], Comparison]]:
    """Evaluate some steps with kernels and reference and compare, network by network."""
    found = study.networks.evaluate(item.injections, "fast")
    results = []
    for name, wanted in item.chosen.items():
        states = found.states[name]
        rows = np.flatnonzero(np.isin(states.injections.steps, list(wanted)))
        if not len(rows) or not is_batch(states):
            continue
        fast = take_rows(states, rows)
        grid = study.networks.grids[name]
        comparison = compare(grid, fast, grid.verify(fast.injections, "reference"))
        rules = {int(step): wanted[int(step)] for step in fast.injections.steps}
        results.append((rules, comparison))
    return results


def _smallest(verification: Verification) -> float:
    """Return the smallest margin as a share of its limit's scale, -inf without a state."""
    if verification.failures:
        return -np.inf
    margins = [
        float(np.nanmin(item.margin / scales(item.limit)[None, :]))
        for checks in verification.checks.values()
        for item in checks
        if item.count
    ]
    return min(margins, default=np.inf)


def _solved(verification: Verification, name: str) -> IntArray:
    states = verification.states[name]
    lost = [failure.step for failure in states.failures]
    steps: IntArray = states.injections.steps[~np.isin(states.injections.steps, lost)]
    return steps


def _files(networks: CertifiedNetworks, verification: Verification) -> dict[str, bytes]:
    files = {}
    for name, grid in networks.grids.items():
        states = verification.states[name]
        for where, frame in (
            (f"setpoints/{name}", grid.setpoints_frame(states.injections)),
            (f"states/{name}", grid.states_frame(states)),
        ):
            files[where] = piece_bytes(frame, NETWORK_SERIES, f"{where}.parquet")
    return files
