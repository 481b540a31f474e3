"""Any number of steps verified chunk by chunk, with bounded memory, here or elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from cosim.api.chunk_store import ChunkStore
from cosim.api.chunks import (
    Chunk,
    Found,
    Rerun,
    Study,
    chunks_of,
    missed_alone,
    rerun,
    verify_chunk,
)
from cosim.api.progress import Progress
from cosim.coupling.causes import ranked
from cosim.coupling.certified import CertifiedNetworks, Record
from cosim.coupling.confirm import final_sample
from cosim.coupling.merged import TightChecks, merged_causes, merged_certificates
from cosim.coupling.networks import take_steps
from cosim.coupling.outcome import Cause
from cosim.coupling.pieces import PIECE_STEPS, joined_notes
from cosim.coupling.sampling import Proposal, Rule, choose
from cosim.records import Injections, StepFailure
from cosim.records.time import IntArray
from cosim.tasks import Tasks, open_tasks


@dataclass(slots=True)
class Gathered:
    """What all chunks came to, collected as they finish.

    Attributes:
        chunks: number of chunks.
        certificates: of the chunks.
        causes: everything that is missed, by chunk.
        failures: the first steps without a state.
        tight: the tightest checks.
        hardest: the chunk that comes closest to a limit.
        proposals: per network, steps to re-run.
        solved: per network, steps with a state.
        notes: per network, by chunk.
    """

    chunks: int = 0
    certificates: list[Mapping[str, object]] = field(default_factory=list)
    causes: list[tuple[Cause, ...]] = field(default_factory=list)
    failures: list[tuple[str, StepFailure]] = field(default_factory=list)
    tight: TightChecks = field(default_factory=TightChecks)
    hardest: Found | None = None
    proposals: dict[str, list[Proposal]] = field(default_factory=dict)
    solved: dict[str, list[IntArray]] = field(default_factory=dict)
    notes: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)

    def add(self, found: Found) -> None:
        """Take in one more chunk, without its files."""
        self.chunks += 1
        self.certificates.append(found.certificate)
        self.causes.append(found.causes)
        self.failures.extend(found.failures[: 1 if self.failures else len(found.failures)])
        self.tight.add(found.tight)
        if self.hardest is None or found.smallest < self.hardest.smallest:
            self.hardest = found
        for name, proposals in found.proposals.items():
            self.proposals.setdefault(name, []).extend(proposals)
            self.solved.setdefault(name, []).append(found.solved[name])
        for name, notes in found.notes.items():
            self.notes.setdefault(name, []).append(notes)

    def certificate(self) -> dict[str, object]:
        """Return one certificate for all steps."""
        return merged_certificates(self.certificates)

    def network_notes(self) -> tuple[str, ...]:
        """Return what the adapters said, once each."""
        return tuple(
            f"{name}: {note}" for name, parts in self.notes.items() for note in joined_notes(parts)
        )


class LongVerification:
    """A schedule, held against every limit chunk by chunk.

    Args:
        study: networks and settings.
        injections: of the whole horizon.
        size: steps per chunk.
        store: finished chunks.
        tasks: where to work.
        told: receiver of progress.
    """

    def __init__(
        self,
        study: Study,
        injections: Mapping[str, Injections],
        size: int,
        store: ChunkStore,
        tasks: Tasks,
        told: Progress,
    ) -> None:
        self.study = study
        self.reruns: dict[str, int] = {}
        self._injections = injections
        self._size = size
        self._store = store
        self._tasks = tasks
        self._told = told

    @property
    def networks(self) -> CertifiedNetworks:
        """The adapters, and what was re-run of them."""
        return self.study.networks

    def run(self) -> Gathered:
        """Verify all chunks that are not finished; with a sample, re-run and compare.

        A network whose kernel fails is left to the reference engine, for all steps.
        """
        for name, reasons in self._store.handed_over().items():
            self.networks.hand_over(name, reasons)
        while True:
            gathered = self._all_chunks()
            lost = self._certify(gathered) if gathered.proposals else []
            if not lost:
                return gathered
            handed = {n: r.handed_over for n, r in self.networks.records.items() if r.handed_over}
            self._store.start_again(handed)
            # A new object, so that workers are handed the networks as they are now.
            self.study = replace(self.study)

    def causes(self, gathered: Gathered) -> tuple[Cause, ...]:
        """Return what is missed, worst first, and by how much without any participant."""
        kept = ranked(merged_causes(gathered.causes))
        if not kept:
            return ()
        before: dict[tuple[str, str, str, int], float] = {}
        for found in self._tasks.map(missed_alone, self._chunks(), shared=self.study):
            for key, amount in found.items():
                before[key] = max(before.get(key, 0.0), amount)
        return tuple(
            replace(c, without_participants=before.get((c.grid, c.limit, c.element, c.id), 0.0))
            for c in kept
        )

    def _chunks(self) -> Iterator[Chunk]:
        return chunks_of(self._injections, self._size)

    def _all_chunks(self) -> Gathered:
        gathered = Gathered()
        known = {chunk.number: self._store.load(chunk.number) for chunk in self._chunks()}
        open_ = {number for number, found in known.items() if found is None}
        # A single chunk stays here and hands its steps to the workers piece by piece.
        tasks = self._tasks if len(known) > 1 else open_tasks()
        missing = (chunk for chunk in self._chunks() if chunk.number in open_)
        fresh = iter(tasks.map(verify_chunk, missing, shared=self.study))
        for number, found in known.items():
            gathered.add(self._store.save(next(fresh)) if found is None else found)
            self._told.count(number + 1, len(known))
        return gathered

    def _certify(self, gathered: Gathered) -> list[str]:
        """Re-run steps of all chunks; return the networks whose kernels failed."""
        settings = final_sample(self.study.scenario.config.verification)
        rng = np.random.default_rng(settings.seed)
        chosen = {
            name: choose(
                gathered.proposals[name], np.concatenate(gathered.solved[name]), settings, rng
            )
            for name in gathered.proposals
        }
        self._told.stage("Re-running steps in pandapower and pandapipes")
        lost: dict[str, tuple[str, ...]] = {}
        self.reruns = {name: len(rules) for name, rules in chosen.items()}
        pieces = list(self._pieces(chosen))
        for done, results in enumerate(self._tasks.map(rerun, pieces, shared=self.study), 1):
            for rules, comparison in results:
                self.networks.records[comparison.grid].add(rules, comparison)
                if comparison.reasons:
                    lost.setdefault(comparison.grid, comparison.reasons)
            self._told.count(done, len(pieces))
        for name, reasons in lost.items():
            self.networks.hand_over(name, reasons)
        return list(lost)

    def _pieces(self, chosen: Mapping[str, Mapping[int, Rule]]) -> Iterator[Rerun]:
        steps = sorted({step for rules in chosen.values() for step in rules})
        for first in range(0, len(steps), PIECE_STEPS):
            rows = np.array(steps[first : first + PIECE_STEPS], dtype=np.int64)
            yield Rerun(
                {name: take_steps(entry, rows) for name, entry in self._injections.items()},
                chosen,
            )


def rerun_summary(long: LongVerification, gathered: Gathered, steps: int) -> dict[str, object]:
    """Return what was re-run, per network, as in `cosim.coupling.confirm.rerun_entries`."""
    return {
        name: _entry(record, steps, long.reruns.get(name) if name in gathered.proposals else None)
        for name, record in long.networks.records.items()
    }


def _entry(record: Record, steps: int, sampled: int | None) -> dict[str, object]:
    return {
        "steps": steps,
        "rerun": steps if sampled is None else sampled,
        "rule": "all" if sampled is None else "sample",
        "sampled": dict(record.steps),
        "rounds": min(record.rounds, 1),
        "worst": dict(record.worst),
        "handed_over": list(record.handed_over),
    }
