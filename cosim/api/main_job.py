"""The main job: scenario -> market -> networks -> feedback -> settlement -> results -> report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cosim.api.checkpoint import Checkpoint
from cosim.api.designing.run import run_design
from cosim.api.leading.lead import lead
from cosim.api.progress import Progress, Silent
from cosim.api.run_tables import run_tables
from cosim.api.session import build_physics, load
from cosim.api.settle import Bench, settle
from cosim.api.stages import Job, conclude, solve_together
from cosim.api.stopwatch import Stopwatch
from cosim.api.windows import in_windows, run_windows
from cosim.coupling import Case
from cosim.coupling.outcome import Verdict
from cosim.errors import Problem, ScenarioError
from cosim.market import Market
from cosim.market.leader.from_market import followers_of
from cosim.report import write_report
from cosim.results import write_run
from cosim.scenario import Scenario
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
        with open_tasks(scheduler, workers) as tasks:
            summary = run_design(loaded, folder, watch, told, draw, tasks)
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


__all__ = ["RunResult", "design", "run"]
