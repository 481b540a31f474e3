"""The main job: scenario -> market -> networks -> feedback -> settlement -> results -> report."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from cosim.api import summary as summaries
from cosim.api.checkpoint import Checkpoint
from cosim.api.emissions import emission_entry, emission_frame
from cosim.api.leader import Led, lead
from cosim.api.leader_summary import leader_entry, leader_tables
from cosim.api.progress import Progress, Silent
from cosim.api.session import Physics, build_physics, load
from cosim.api.settle import Bench, Settled, settle
from cosim.api.stopwatch import Stopwatch
from cosim.api.tables import iteration_frame, network_frames, nodal_frame, price_frame, state_frames
from cosim.api.windows import in_windows, run_windows
from cosim.coupling import Case, Coupled, Loop
from cosim.coupling.certificate import tight_checks
from cosim.coupling.confirm import confirm
from cosim.coupling.loop import Remember
from cosim.coupling.outcome import Verdict
from cosim.coupling.trust import TRUST_REGION
from cosim.errors import Problem, ScenarioError
from cosim.grids import Engine
from cosim.market import Market
from cosim.market.leader.from_market import followers_of
from cosim.records import Schedule
from cosim.report import write_report
from cosim.results import RunTables, write_run
from cosim.scenario import Scenario
from cosim.scenario.config import CARRIER_OF_KIND
from cosim.settlement.players import players_of
from cosim.tasks import Tasks, open_tasks


@dataclass(frozen=True, slots=True)
class RunResult:
    """A finished run.

    Attributes:
        folder: the run folder.
        report: the HTML report in it.
        verdict: feasible, infeasible or unresolved.
        cause: one sentence, empty if feasible.
        summary: content of `summary.json`.
    """

    folder: Path
    report: Path
    verdict: Verdict
    cause: str
    summary: dict[str, Any]


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


def run(
    scenario: Scenario | Path | str,
    to: Path | str | None = None,
    progress: Progress | None = None,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    draw: bool = True,
) -> RunResult:
    """Run a scenario and write its run folder with the report.

    Args:
        scenario: a loaded scenario, a scenario file, or a folder with `scenario.yaml`.
        to: the run folder; `runs/<name>` if missing. An earlier run there is replaced as a whole.
        progress: receiver of progress; silent if missing.
        workers: processes for coalitions, and for windows that are independent of each other.
        scheduler: address of a Dask scheduler that works on them instead.
        draw: draw the report, too.

    Raises:
        ScenarioError: if the scenario is not usable.
        Infeasible: if participants cannot meet their demand even without networks.
    """
    watch = Stopwatch(progress or Silent())
    told = progress or Silent()
    with watch.stage("load", "Reading the scenario"):
        loaded = scenario if isinstance(scenario, Scenario) else load(scenario)
    folder = Path(to) if to is not None else Path("runs") / loaded.config.name
    if loaded.config.design is not None:
        # imported here because it works with stages of this module
        designing = importlib.import_module("cosim.api.design_run")
        with open_tasks(scheduler, workers) as tasks:
            summary = designing.run_design(loaded, folder, watch, told, draw, tasks)
    elif in_windows(loaded):
        with open_tasks(scheduler, workers) as tasks:
            summary = run_windows(loaded, folder, told, tasks)
    else:
        with open_tasks(scheduler, workers) as tasks:
            summary = _run_at_once(loaded, folder, watch, told, tasks)
    with watch.stage("report", "Drawing the report"):
        report = write_report(folder) if draw else folder
    return RunResult(folder, report, summary["verdict"], summary["cause"], summary)


def design(
    scenario: Scenario | Path | str,
    to: Path | str | None = None,
    progress: Progress | None = None,
    *,
    draw: bool = True,
) -> RunResult:
    """Run a scenario in design mode; `run` does the same where there is a `design` section.

    Args:
        scenario: a loaded scenario, a scenario file, or a folder with `scenario.yaml`.
        to: the run folder; `runs/<name>` if missing.
        progress: receiver of progress; silent if missing.
        draw: draw the reports, too.

    Raises:
        ScenarioError: if the scenario is not usable or has no `design` section.
    """
    loaded = scenario if isinstance(scenario, Scenario) else load(scenario)
    if loaded.config.design is None:
        advice = "add design: with a catalogue, or use `cosim run`"
        raise ScenarioError([Problem("design", "missing", "what may be bought and laid", advice)])
    return run(loaded, to, progress, draw=draw)


def _run_at_once(
    loaded: Scenario, folder: Path, watch: Stopwatch, told: Progress, tasks: Tasks
) -> dict[str, Any]:
    """Write the run folder of a horizon that is one market; return its summary."""
    with watch.stage("networks", "Building the networks and evaluating them without participants"):
        physics = build_physics(loaded, tasks)
    with watch.stage("market", "Building the market"):
        market = Market(loaded, physics.baselines)
    checkpoint = Checkpoint(folder, f"{loaded.input_hash}-{version('cosim')}")
    job, led = Job(loaded, physics, market, watch, told), None
    if loaded.config.leader is None:
        solved = solve_together(job, checkpoint)
    else:
        led = lead(loaded, physics, market, watch, told)
        job = replace(job, market=led.last.market)
        solved = conclude(job, Case(members=followers_of(loaded.config)), led.last.coupled)
    settled = None
    if solved.coupled.verdict == "feasible":
        bench = Bench(loaded, physics, job.market, "fast", tasks, checkpoint.folder)
        settled = settle(bench, solved.coupled, solved.copper, solved.priced, watch, told)
    with watch.stage("write", "Writing the run folder"):
        tables = run_tables(loaded, physics, solved, settled, watch.seconds, led)
        write_run(folder, tables)
    checkpoint.clear()
    return tables.summary


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


def run_tables(
    scenario: Scenario,
    physics: Physics,
    solved: Solved,
    settled: Settled | None,
    seconds: dict[str, float],
    led: Led | None = None,
) -> RunTables:
    """Return the tables of a run folder; without a settlement those of money stay empty."""
    coupled = solved.coupled
    announced, searched = leader_tables(scenario, led)
    kinds = {name: str(network.kind) for name, network in scenario.config.networks.items()}
    carriers = {name: str(CARRIER_OF_KIND[kind]) for name, kind in kinds.items()}
    setpoints, states, files = network_frames(physics.networks, coupled.verification)
    return RunTables(
        summary=_summary(scenario, physics, solved, settled, seconds, led),
        schedule=coupled.schedule.table,
        iterations=iteration_frame(coupled.iterations, kinds),
        checks=tight_checks(physics.networks, coupled.verification, physics.names),
        allocation=settled.shared.allocation if settled else pd.DataFrame(),
        prices=price_frame(scenario, solved.priced),
        payments=settled.shared.payments if settled else pd.DataFrame(),
        coalitions=settled.coalitions if settled else pd.DataFrame(),
        nodal_prices=nodal_frame(solved.priced, carriers),
        setpoints=setpoints,
        states=states,
        networks=files,
        copper_plate_states=state_frames(physics.networks, coupled.first_verification),
        copper_plate_schedule=coupled.first_schedule.table,
        trades=coupled.schedule.bilateral,
        emissions=emission_frame(_emissions(solved, settled)),
        p2p_prices=settled.shared.p2p_prices if settled else pd.DataFrame(),
        accounts=settled.shared.accounts if settled else pd.DataFrame(),
        bargaining_power=settled.shared.bargaining_power if settled else pd.DataFrame(),
        admm=settled.negotiated.history if settled and settled.negotiated else pd.DataFrame(),
        leader_prices=announced,
        leader_history=searched,
    )


def _emissions(solved: Solved, settled: Settled | None) -> dict[str, pd.DataFrame]:
    alone = {} if settled is None else {"individual": settled.alone.schedule.co2_kg}
    last = solved.coupled.schedule.co2_kg
    return alone | {"copper_plate": solved.copper.co2_kg, "last": last}


def _summary(
    scenario: Scenario,
    physics: Physics,
    solved: Solved,
    settled: Settled | None,
    seconds: dict[str, float],
    led: Led | None,
) -> dict[str, Any]:
    coupled = solved.coupled
    summary = summaries.base_summary(scenario, physics, summaries.Finding.of(coupled))
    summary["certificate"]["reruns"] = dict(solved.reruns)
    summaries.add_notes(summary, physics.networks.notes)
    individual = settled.alone.schedule if settled else None
    summary["costs"] = summaries.costs(solved.copper, individual, coupled)
    emitted = emission_entry(_emissions(solved, settled))
    if emitted:
        summary["co2_kg"] = emitted
    summary["price_of_physics"] = summaries.price_of_physics(
        solved.copper, solved.with_losses, coupled
    )
    summary["lower_bound"] = summaries.lower_bound(
        solved.copper, coupled, scenario, physics.baselines
    )
    summary["players"] = summaries.player_entries(players_of(scenario.config))
    summary["settle_with"] = summaries.settled_with(
        scenario.config.bargaining, settled.shared.allocation if settled else None
    )
    summaries.add_notes(summary, solved.notes)
    if settled is not None:
        summaries.add_notes(summary, settled.notes)
        if settled.game:
            summary["game"] = settled.game
        if settled.negotiated is not None:
            summary["distributed"] = settled.negotiated.summary
    if led is not None:
        summary["leader"] = leader_entry(scenario, led, coupled)
    summary["seconds"] = summaries.rounded_seconds(seconds)
    return summary


__all__ = ["Job", "RunResult", "Solved", "conclude", "run", "run_tables", "solve_together"]
