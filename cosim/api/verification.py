"""Check a schedule made elsewhere: no market, only the networks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from cosim.api import summary as summaries
from cosim.api.chunk_store import ChunkStore, Join, join
from cosim.api.chunks import Study
from cosim.api.long_verification import Gathered, LongVerification, rerun_summary
from cosim.api.main_job import RunResult
from cosim.api.progress import Progress, Silent
from cosim.api.schedule_file import read_schedule
from cosim.api.session import build_networks, load, names_of
from cosim.api.stopwatch import Stopwatch
from cosim.coupling.causes import sentence
from cosim.coupling.networks import Verification
from cosim.coupling.outcome import Cause, Verdict
from cosim.coupling.sampling import drawn_kw
from cosim.errors import Problem, ScenarioError
from cosim.records import Injections
from cosim.report import write_report
from cosim.results.parquet import write_table
from cosim.results.schema import TABLES
from cosim.results.write import new_run, refuse_foreign, write_network, write_summary
from cosim.scenario import Scenario
from cosim.tasks import Tasks, open_tasks

Reference = Literal["all", "sample"]
CHUNK_STEPS: Mapping[Reference, int] = {"all": 96, "sample": 672}
"""Steps per chunk where the scenario does not say."""


def verify(
    scenario: Scenario | Path | str,
    schedule: Path | str,
    to: Path | str | None = None,
    progress: Progress | None = None,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    reference: Reference | None = None,
    draw: bool = True,
) -> RunResult:
    """Hold a schedule against every limit of every network.

    Steps are worked on in chunks, so memory does not grow with their number; an interrupted
    verification goes on from its last finished chunk. The result does not depend on where the
    chunks are worked on.

    Args:
        scenario: networks, background and limits; devices and tariffs play no part.
        schedule: CSV or Parquet, see `cosim.api.schedule_file.read_schedule`.
        to: the run folder; `runs/<name>-verify` if missing.
        progress: receiver of progress; silent if missing.
        workers: processes on this machine.
        scheduler: address of a Dask scheduler that works on the chunks instead.
        reference: `all` steps in pandapower and pandapipes, or all in batch kernels and a
            `sample` there; `verification.final` of the scenario if missing.
        draw: draw the report, too.

    Returns:
        The result with verdict `feasible` or `infeasible`: this schedule passes, or it does not.

    Raises:
        ScenarioError: if the scenario or the schedule is not usable.
    """
    told = progress or Silent()
    watch = Stopwatch(told)
    with watch.stage("load", "Reading scenario and schedule"):
        loaded = scenario if isinstance(scenario, Scenario) else load(scenario)
        injections, table = _inputs(loaded, Path(schedule))
    folder = Path(to) if to is not None else Path("runs") / f"{loaded.config.name}-verify"
    refuse_foreign(folder)
    how = reference or loaded.config.verification.final
    with open_tasks(scheduler, workers) as tasks:
        with watch.stage("networks", "Building the networks"):
            study = study_of(loaded, injections, how, tasks)
        store = ChunkStore(folder, _key(loaded, Path(schedule), how))
        size = loaded.config.verification.chunk_steps or CHUNK_STEPS[how]
        long = LongVerification(study, injections, size, store, tasks, told)
        with watch.stage("reference", _plan(how, store.begin())):
            gathered = long.run()
            causes = long.causes(gathered)
    with watch.stage("write", "Writing the run folder"):
        summary = _summary(loaded, long, gathered, causes, watch)
        _write(folder, store, long, gathered, table, summary, workers)
    store.clear()
    with watch.stage("report", "Drawing the report"):
        report = write_report(folder) if draw else folder
    return RunResult(folder, report, summary["verdict"], summary["cause"], summary)


def _inputs(scenario: Scenario, schedule: Path) -> tuple[dict[str, Injections], pd.DataFrame]:
    if not scenario.networks:
        found = Problem("networks", "none", "at least one network", "there is nothing to verify")
        raise ScenarioError([found])
    return read_schedule(schedule, scenario)


def study_of(
    scenario: Scenario,
    injections: Mapping[str, Injections],
    how: Reference,
    tasks: Tasks | None = None,
) -> Study:
    """Return what all chunks share.

    Args:
        scenario: networks, background, limits.
        injections: of the whole horizon.
        how: all steps in the reference engines, or a sample.
        tasks: where the reference engines work on a single chunk.
    """
    networks = build_networks(scenario, tasks)
    return Study(
        networks=networks,
        names=names_of(scenario),
        scenario=scenario,
        engine="reference" if how == "all" else "fast",
        peak_kw={
            name: float(drawn_kw(grid, injections[name]).max(initial=0.0))
            for name, grid in networks.grids.items()
        },
    )


def _key(scenario: Scenario, schedule: Path, how: Reference) -> str:
    digest = hashlib.sha256(schedule.read_bytes())
    return f"{scenario.input_hash}-{digest.hexdigest()}-{how}-{version('cosim')}"


def _plan(how: Reference, known: int) -> str:
    text = "Verification with pandapower and pandapipes"
    if how == "sample":
        text = "Verification with batch kernels"
    return f"{text}; {known} chunks finished by an earlier run" if known else text


def _summary(
    scenario: Scenario,
    long: LongVerification,
    gathered: Gathered,
    causes: tuple[Cause, ...],
    watch: Stopwatch,
) -> dict[str, Any]:
    certificate = gathered.certificate()
    certificate["reruns"] = rerun_summary(long, gathered, len(scenario.time))
    passed = not causes and not gathered.failures
    verdict: Verdict = "feasible" if passed else "infeasible"
    found = Verification({}, {}, (), tuple(gathered.failures))
    cause = "" if passed else sentence(causes, found, scenario.time)
    outcome = summaries.Outcome(verdict, cause, causes, 0, certificate)
    summary = summaries.summary_of(scenario, long.study.names, outcome)
    summary |= {
        "description": f"Verification of a given schedule. {scenario.config.description}".strip(),
        "seconds": summaries.rounded_seconds(watch.seconds),
        "notes": ["A given schedule was verified; no market was solved."],
    }
    notes = [*long.networks.notes, *gathered.network_notes()]
    summaries.add_notes(summary, notes + _about_files(scenario, gathered))
    return summary


def _about_files(scenario: Scenario, gathered: Gathered) -> list[str]:
    """Say which steps the network files carry, where it is not all of them."""
    if gathered.chunks < 2 or gathered.hardest is None:
        return []
    steps = next(iter(gathered.hardest.injections.values())).steps
    first, last = (scenario.time.index[int(k)].strftime("%Y-%m-%d %H:%M") for k in steps[[0, -1]])
    return [
        f"The files in networks/ carry the profiles of {len(steps)} steps from {first} to {last}, "
        "which come closest to a limit; setpoints/ and states/ hold all steps."
    ]


def _write(
    folder: Path,
    store: ChunkStore,
    long: LongVerification,
    gathered: Gathered,
    table: pd.DataFrame,
    summary: Mapping[str, Any],
    workers: int,
) -> None:
    assert gathered.hardest is not None
    frames = {"schedule": _as_schedule(table), "checks": gathered.tight.frame()}
    with new_run(folder) as partial:
        for name, kind in TABLES.items():
            frame = frames.get(name, pd.DataFrame())
            write_table(partial / f"{name}.parquet", frame, kind, f"{name}.parquet")
        for name, grid in long.networks.grids.items():
            write_network(partial, name, grid.network_json(gathered.hardest.injections[name]))
        joins = [
            Join(store.root, gathered.chunks, partial, f"{sub}/{name}")
            for name in long.networks.grids
            for sub in ("states", "setpoints")
        ]
        with open_tasks(workers=workers) as tasks:
            for _ in tasks.map(join, joins):
                pass
        write_summary(partial, summary)


def _as_schedule(table: pd.DataFrame) -> pd.DataFrame:
    """Return a given table in the columns of `schedule.parquet`."""
    if "quantity" in table.columns:
        return table
    keys = ["time", "participant", "carrier"]
    columns = [c for c in ("p_kw", "q_kvar") if c in table.columns]
    long = table.melt(id_vars=keys, value_vars=columns, var_name="quantity", value_name="value")
    long = long.dropna(subset="value").assign(device="connection")
    long["time"] = pd.to_datetime(long["time"], utc=True)
    return long[["time", "participant", "device", "carrier", "quantity", "value"]]
