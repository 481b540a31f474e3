"""Coalitions through the loop: side by side, and remembered if a run is interrupted."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from cosim.api.session import Physics
from cosim.coupling import Case, Coupled, Verification
from cosim.grids import Engine
from cosim.market import Market
from cosim.records import Cut, CutKey
from cosim.scenario import Scenario
from cosim.scenario.config import CouplingSection
from cosim.tasks import Tasks

COALITION_BALANCE = 5e-3
"""Loss mismatch accepted for coalition values, share of throughput; the run itself keeps to the
scenario's tolerance."""


def coalition_settings(scenario: Scenario) -> CouplingSection:
    """Return the loop's settings for coalitions: to a first feasible point, no refreshes."""
    return scenario.config.coupling.model_copy(
        update={"max_refreshes": 0, "balance_tolerance": COALITION_BALANCE}
    )


@dataclass(frozen=True, slots=True)
class _Shared:
    """What every coalition starts from."""

    scenario: Scenario
    physics: Physics
    market: Market
    engine: Engine


class CoalitionRuns:
    """Runs the loop for coalitions.

    Each starts from the market as it is now, with cuts that hold everywhere and the loss lines,
    plus the cuts of this kind that smaller coalitions have found; so results do not depend on
    which process solves what.

    Args:
        scenario: for the settings.
        physics: the networks.
        market: with cuts and loss lines; it is left as it is.
        engine: of the networks.
        tasks: where to work.
        memory: keeps finished coalitions.
    """

    def __init__(
        self,
        scenario: Scenario,
        physics: Physics,
        market: Market,
        engine: Engine,
        tasks: Tasks,
        memory: CoalitionMemory,
    ) -> None:
        plain = market.clone()
        plain.drop_cuts([cut.key for cut in plain.cuts if not cut.outer])
        self._shared = _Shared(scenario, physics, plain, engine)
        self._tasks = tasks
        self._memory = memory
        self._known: dict[CutKey, Cut] = {cut.key: cut for cut in plain.cuts}
        self._fresh: dict[CutKey, Cut] = {}

    def __call__(self, cases: Sequence[Case]) -> Iterator[Coupled]:
        """Yield the results of cases that do not depend on each other, in their order."""
        cuts = tuple(self._fresh.values())
        known = {case.members: self._memory.load(case) for case in cases}
        open_ = [case for case in cases if known[case.members] is None]
        items = [(case, cuts) for case in open_]
        fresh = iter(self._tasks.map(_solve, items, shared=self._shared)) if items else iter(())
        for case in cases:
            found = known[case.members]
            if found is None:
                found = next(fresh)
                self._memory.save(case, found)
            for cut in found.cuts:
                if cut.outer and cut.key not in self._known:
                    self._fresh[cut.key] = cut
            yield found


def _solve(shared: _Shared, item: tuple[Case, tuple[Cut, ...]]) -> Coupled:
    case, cuts = item
    market = shared.market.clone()
    market.add_cuts(cuts)
    settings = coalition_settings(shared.scenario)
    loop = shared.physics.loop(market, shared.scenario, shared.engine, settings=settings)
    return slim(loop.run(case), table=not case.members)


def slim(coupled: Coupled, table: bool) -> Coupled:
    """Return a result without states: costs, verdict, cuts and the solver's values.

    Args:
        coupled: a result of the loop.
        table: keep the schedule's table too.
    """
    nothing = Verification({}, {}, (), ())
    kept = coupled.schedule.table if table else coupled.schedule.table.iloc[:0]
    schedule = replace(coupled.schedule, table=kept, duals=None)
    return replace(
        coupled,
        schedule=schedule,
        verification=nothing,
        first_schedule=schedule,
        first_verification=nothing,
    )


class CoalitionMemory:
    """Finished coalitions, kept beside the run folder until the run is complete.

    Args:
        folder: where to keep them; None remembers nothing.
        key: of the inputs and of the loop's result that coalitions start from.
    """

    def __init__(self, folder: Path | None, key: str) -> None:
        self._folder = folder
        self._key = key

    def _file(self, case: Case) -> Path | None:
        if self._folder is None:
            return None
        text = "+".join(sorted(case.members)) + f"|{case.operator}|{self._key}"
        return self._folder / f"{sha256(text.encode()).hexdigest()[:32]}.pickle"

    def load(self, case: Case) -> Coupled | None:
        """Return a coalition that was finished before, None if there is none."""
        file = self._file(case)
        if file is None or not file.is_file():
            return None
        try:
            with file.open("rb") as stream:
                found = pickle.load(stream)
        except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ValueError, TypeError):
            return None
        return found if isinstance(found, Coupled) else None

    def save(self, case: Case, found: Coupled) -> None:
        """Keep a finished coalition; the file appears when it is complete."""
        file = self._file(case)
        if file is None:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".part")
        with partial.open("wb") as stream:
            pickle.dump(found, stream)
        partial.replace(file)
