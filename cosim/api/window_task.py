"""One window of a long horizon: solved and verified in every world that the year asks for."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cosim.api import summary as summaries
from cosim.api.progress import Silent
from cosim.api.session import Physics, build_physics
from cosim.api.stopwatch import Stopwatch
from cosim.api.tables import iteration_frame
from cosim.api.window_parts import tightest, write_parts
from cosim.api.window_worlds import (
    ALONE,
    COPPER_PLATE,
    LOSSES,
    TOGETHER,
    Desk,
    World,
    coalition_worlds,
    world_of,
)
from cosim.coupling import Case, Coupled, Loop
from cosim.coupling.confirm import Confirmed, confirm
from cosim.coupling.kept import without_look_ahead
from cosim.coupling.outcome import Verdict
from cosim.errors import SolveError
from cosim.grids import Engine
from cosim.records import Injections, NetworkDuals, Past, Schedule, Window
from cosim.scenario import Scenario


@dataclass(frozen=True, slots=True)
class WindowTask:
    """What has to be solved, and where it goes.

    Attributes:
        scenario: the window's steps and its look-ahead.
        pasts: what the windows before left, by world; nothing where a world is not named.
        folder: for the window's tables; it appears when the window is finished.
        settles: whether coalitions are solved, too.
    """

    scenario: Scenario
    pasts: Mapping[str, Past]
    folder: Path
    settles: bool


@dataclass(frozen=True, slots=True)
class Marginal:
    """Injections per network, and the marginal values of the same steps."""

    injections: Mapping[str, Injections]
    duals: NetworkDuals


@dataclass(frozen=True, slots=True)
class WindowOutcome:
    """What a window comes to; its long tables are in its folder.

    Attributes:
        window: which one.
        verdict: on the steps that are kept.
        cause: one sentence, empty if feasible.
        summary: as of a short run of these steps.
        iterations: rounds, as in the run folder.
        worlds: costs and states by world.
        marginal: of the steps that are kept, by world: what was injected and what it was worth;
            of everyone alone only where losses are billed by it.
        smallest_margin: of all checks, see `tightest`.
        notes: what the reader should know.
        seconds: per stage.
    """

    window: Window
    verdict: Verdict
    cause: str
    summary: Mapping[str, Any]
    iterations: pd.DataFrame
    worlds: Mapping[str, World]
    marginal: Mapping[str, Marginal]
    smallest_margin: float
    notes: tuple[str, ...]
    seconds: Mapping[str, float]


OUTCOME_FILE = "outcome.pickle"
"""In a window's folder; only cosim writes it, and reads it back for the same inputs only."""


class _KeptLoop:
    """A loop whose results leave out the look-ahead; it remembers the whole result."""

    def __init__(self, loop: Loop, keep: Callable[[Coupled], Coupled]) -> None:
        self._loop = loop
        self._keep = keep
        self.whole: Coupled | None = None

    def run(self, case: Case) -> Coupled:
        """Run the loop, return the steps that are kept."""
        self.whole = self._loop.run(case)
        return self._keep(self.whole)


def solve_window(task: WindowTask) -> WindowOutcome:
    """Solve, verify and write one window.

    Raises:
        SolveError: naming the window, if participants cannot meet their demand at all.
    """
    try:
        outcome = _solve(task)
    except SolveError as error:
        start = task.scenario.time.index[0].isoformat()
        window = task.scenario.window
        number = 0 if window is None else window.number
        message = f"window {number} from {start}: {error}"
        raise type(error)(message, reason=error.reason) from error
    return outcome


def _solve(task: WindowTask) -> WindowOutcome:
    """Run market and networks of one window and write its part of the run folder."""
    watch = Stopwatch(Silent())
    scenario = task.scenario
    window = scenario.window
    assert window is not None
    with watch.stage("networks", ""):
        physics = build_physics(scenario)
    with watch.stage("market", ""):
        desk = Desk(scenario, physics, task.pasts)
        market = desk.market(TOGETHER)
    everyone = frozenset(scenario.config.participants)
    with watch.stage("loop", ""):
        confirmed, whole = _couple(desk, everyone)
    coupled = confirmed.coupled
    worlds = {TOGETHER: desk.world(market, whole.schedule, coupled.verdict == "feasible")}
    with watch.stage("prices", ""):
        priced = market.solve(everyone, start=whole.schedule, duals=True, effort="fixed")
        worlds[COPPER_PLATE] = _copper_plate(desk, whole, everyone)
    alone = None
    if task.settles and coupled.verdict == "feasible":
        with watch.stage("prices", ""):
            worlds[LOSSES] = _with_losses(desk, worlds[TOGETHER], everyone)
        with watch.stage("coalitions", ""):
            others, alone = coalition_worlds(desk)
            worlds |= others
    outcome = WindowOutcome(
        window=window,
        verdict=coupled.verdict,
        cause=coupled.cause,
        summary=_summary(scenario, physics, confirmed),
        iterations=iteration_frame(coupled.iterations, _kinds(scenario)),
        worlds=worlds,
        marginal=_marginal(coupled, market.kept(priced), alone),
        smallest_margin=tightest(coupled.verification),
        notes=confirmed.notes,
        seconds=dict(watch.seconds),
    )
    partial = task.folder.with_name(task.folder.name + ".part")
    write_parts(partial, scenario, physics, coupled, priced, alone)
    with (partial / OUTCOME_FILE).open("wb") as stream:
        pickle.dump(outcome, stream, protocol=pickle.HIGHEST_PROTOCOL)
    partial.replace(task.folder)
    return outcome


def _couple(desk: Desk, everyone: frozenset[str]) -> tuple[Confirmed, Coupled]:
    """Return the confirmed result of the steps that are kept, and the whole one behind it."""
    market, physics, scenario = desk.market(TOGETHER), desk.physics, desk.scenario
    loops: list[_KeptLoop] = []

    def keep(coupled: Coupled) -> Coupled:
        """Return an outcome without the steps of the look-ahead."""
        return without_look_ahead(
            coupled, market.kept, physics.networks, physics.alone, scenario.config.coupling
        )

    def make(engine: Engine) -> _KeptLoop:
        loops.append(_KeptLoop(physics.loop(market, scenario, engine), keep))
        return loops[-1]

    case = Case(members=everyone)
    confirmed = confirm(
        physics.networks, make("fast").run(case), case, make, scenario.config.verification
    )
    whole = loops[-1].whole
    assert whole is not None
    return confirmed, whole


def _copper_plate(desk: Desk, whole: Coupled, everyone: frozenset[str]) -> World:
    """Return the world without networks; its own states make it a path through all windows."""
    if desk.same_past(COPPER_PLATE, TOGETHER) and whole.first_schedule.solution is not None:
        return desk.world(desk.market(TOGETHER), whole.first_schedule, True)
    market = desk.market(COPPER_PLATE)
    return desk.world(market, market.solve(everyone), True)


def _with_losses(desk: Desk, together: World, everyone: frozenset[str]) -> World:
    """Return the world that pays for losses and pumps but knows no limits."""
    if desk.same_past(LOSSES, TOGETHER) and not desk.market(TOGETHER).cuts:
        return together
    market = desk.market(LOSSES)
    market.set_loss_lines(desk.market(TOGETHER).loss_lines)
    return desk.world(market, market.solve(everyone, effort="rounded"), True)


def _marginal(coupled: Coupled, priced: Schedule, alone: Schedule | None) -> dict[str, Marginal]:
    assert priced.duals is not None
    verified = {name: states.injections for name, states in coupled.verification.states.items()}
    found = {TOGETHER: Marginal(verified, priced.duals)}
    if alone is not None and alone.duals is not None:
        found[ALONE] = Marginal(alone.injections, alone.duals)
    return found


def _summary(scenario: Scenario, physics: Physics, confirmed: Confirmed) -> dict[str, Any]:
    coupled = confirmed.coupled
    summary = summaries.base_summary(scenario, physics, summaries.Finding.of(coupled))
    summary["certificate"]["reruns"] = dict(confirmed.reruns)
    return summary


def _kinds(scenario: Scenario) -> dict[str, str]:
    return {name: str(network.kind) for name, network in scenario.config.networks.items()}


__all__ = ["OUTCOME_FILE", "WindowOutcome", "WindowTask", "solve_window", "world_of"]
