"""Networks whose batch kernels are never trusted alone.

Every verification with kernels is followed by a re-run of some steps in pandapower and pandapipes.
A network whose kernel differs by more than its gate is left to the reference engine for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cosim.coupling.networks import Networks, Verification, take_rows, take_steps
from cosim.coupling.pieces import PIECE_STEPS, Piece, evaluate, joined, pieces_of
from cosim.coupling.sampling import Comparison, Rule, choose, compare, propose, same_point
from cosim.grids.base import Engine, Grid
from cosim.records import GridStates, Injections
from cosim.records.time import FloatArray
from cosim.scenario.verification import VerificationSection
from cosim.tasks import Tasks, open_tasks


@dataclass(slots=True)
class Record:
    """What was re-run of one network so far.

    Attributes:
        rounds: verifications with the kernel that were followed by a re-run.
        steps: steps re-run, all rounds together, by the rule that asked for them.
        worst: largest difference per gated quantity.
        handed_over: why the reference engine took over; empty while the kernel is in use.
    """

    rounds: int = 0
    steps: dict[Rule, int] = field(default_factory=dict)
    worst: dict[str, float] = field(default_factory=dict)
    handed_over: tuple[str, ...] = ()

    def add(self, chosen: Mapping[int, Rule], comparison: Comparison) -> None:
        """Take note of one comparison."""
        self.rounds += 1
        for rule in chosen.values():
            self.steps[rule] = self.steps.get(rule, 0) + 1
        self.note(comparison)

    def note(self, comparison: Comparison) -> None:
        """Take note of differences."""
        for quantity, value in comparison.worst.items():
            self.worst[quantity] = max(value, self.worst.get(quantity, 0.0))


class CertifiedNetworks(Networks):
    """The adapters of a scenario, with the rule for when their kernels may be used.

    Args:
        grids: adapters by name.
        settings: what to re-run.
        tasks: where to work; this process if missing.

    Attributes:
        records: per network, what was re-run and what came of it.
    """

    def __init__(
        self,
        grids: Mapping[str, Grid],
        settings: VerificationSection,
        tasks: Tasks | None = None,
    ) -> None:
        super().__init__(grids)
        self.records: dict[str, Record] = {name: Record() for name in self.grids}
        self._settings = settings
        self._tasks = tasks or open_tasks()
        self._rounds = 0
        self._known: dict[tuple[str, int], FloatArray] = {}
        self._in_turn = False

    def __getstate__(self) -> dict[str, object]:
        """Travel to other processes without the workers of this one."""
        return {**self.__dict__, "_tasks": open_tasks()}

    def lightly(self) -> CertifiedNetworks:
        """Return the same networks, records and all, for loops beside the main one.

        Each round re-runs random steps of one network only, the networks in turn.
        """
        random_only = {"near_limit": 0.0, "worst_per_limit": 0, "odd_steps": 0}
        light = CertifiedNetworks(
            self.grids, self._settings.model_copy(update=random_only), self._tasks
        )
        light.records, light._known, light._in_turn = self.records, self._known, True
        return light

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know: which networks were left to the reference, and why."""
        return tuple(
            f"{name}: {'; '.join(record.handed_over)}; from then on the reference engine computed "
            "this network"
            for name, record in self.records.items()
            if record.handed_over
        )

    def verify(self, injections: Mapping[str, Injections], engine: Engine = "fast") -> Verification:
        """Evaluate every network; with kernels, re-run some steps and compare.

        Returns:
            States of the kernels that passed, of the reference for all others.
        """
        found = self.evaluate(injections, engine)
        if engine == "fast" and any(self.certify(found, self._settings)):
            return self.verify(injections, engine)
        return found

    def evaluate(
        self, injections: Mapping[str, Injections], engine: Engine = "fast"
    ) -> Verification:
        """Evaluate every network without any re-run; whoever calls this certifies the result."""
        return super().verify(injections, engine)

    def certify(self, found: Verification, settings: VerificationSection) -> list[str]:
        """Re-run steps of a verification with kernels; return the networks handed over for it."""
        self._rounds += 1
        kernels = [name for name, states in found.states.items() if is_batch(states)]
        if self._in_turn and kernels:
            kernels = [kernels[self._rounds % len(kernels)]]
        chosen = {name: self._choose(name, found.states[name], found, settings) for name in kernels}
        lost = []
        for name, reference in self._rerun(found, chosen).items():
            rows = np.array(list(chosen[name]), dtype=np.int64)
            fast = take_rows(found.states[name], rows)
            comparison = compare(self.grids[name], fast, reference)
            self.records[name].add(chosen[name], comparison)
            if comparison.reasons:
                self.hand_over(name, comparison.reasons)
                lost.append(name)
            else:
                self._remember(name, fast.injections)
        return lost

    def hand_over(self, name: str, reasons: tuple[str, ...]) -> None:
        """Leave a network to the reference engine for the rest of the run."""
        self.records[name].handed_over = reasons

    def rerun_steps(self, states: GridStates) -> int:
        """Return how many of these steps were re-run at this very point, in any round."""
        entry = states.injections
        return sum(self._is_known(states.grid, entry, row) for row in range(len(entry.steps)))

    def _states(self, name: str, entry: Injections, engine: Engine) -> GridStates:
        if self.records[name].handed_over:
            engine = "reference"
        if engine == "fast":
            return self.grids[name].verify(entry, engine)
        pieces = pieces_of(name, entry, engine, PIECE_STEPS)
        return joined(list(self._tasks.map(evaluate, pieces, shared=self.grids)), entry)

    def _choose(
        self, name: str, states: GridStates, found: Verification, settings: VerificationSection
    ) -> dict[int, Rule]:
        """Return the rows to re-run that were not re-run at the same point before."""
        rng = np.random.default_rng([settings.seed, self._rounds, list(self.grids).index(name)])
        steps = states.injections.steps
        proposals = propose(self.grids[name], states, found.checks[name], settings)
        lost = [failure.step for failure in states.failures]
        chosen = choose(proposals, steps[~np.isin(steps, lost)], settings, rng)
        return {
            row: chosen[int(step)]
            for row, step in enumerate(steps)
            if int(step) in chosen and not self._is_known(name, states.injections, row)
        }

    def _rerun(
        self, found: Verification, chosen: Mapping[str, Mapping[int, Rule]]
    ) -> dict[str, GridStates]:
        entries = {
            name: take_steps(found.states[name].injections, np.array(list(rows), dtype=np.int64))
            for name, rows in chosen.items()
            if rows
        }
        pieces: list[Piece] = [
            piece
            for name, entry in entries.items()
            for piece in pieces_of(name, entry, "reference", PIECE_STEPS)
        ]
        parts: dict[str, list[GridStates]] = {name: [] for name in entries}
        for states in self._tasks.map(evaluate, pieces, shared=self.grids):
            parts[states.grid].append(states)
        return {name: joined(parts[name], entry) for name, entry in entries.items()}

    def _is_known(self, name: str, entry: Injections, row: int) -> bool:
        before = self._known.get((name, int(entry.steps[row])))
        return before is not None and same_point(before, _point(entry, row))

    def _remember(self, name: str, entry: Injections) -> None:
        for row, step in enumerate(entry.steps):
            self._known[name, int(step)] = _point(entry, row)


def is_batch(states: GridStates) -> bool:
    """Return whether a batch kernel of cosim computed these states."""
    return states.engine.startswith("cosim")


def _point(entry: Injections, row: int) -> FloatArray:
    point: FloatArray = np.concatenate([entry.p_kw[row], entry.q_kvar[row]])
    return point
