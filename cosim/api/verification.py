"""Check a schedule made elsewhere: no market, only the networks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cosim.api import summary as summaries
from cosim.api.main_job import RunResult
from cosim.api.progress import Progress, Silent
from cosim.api.schedule_file import read_schedule
from cosim.api.session import Physics, build_physics, load
from cosim.api.stopwatch import Stopwatch
from cosim.api.tables import network_frames
from cosim.coupling import Verification
from cosim.coupling.causes import find_causes, sentence
from cosim.coupling.certificate import tight_checks
from cosim.coupling.outcome import Verdict
from cosim.errors import Problem, ScenarioError
from cosim.report import write_report
from cosim.results import RunTables, write_run
from cosim.scenario import Scenario


def verify(
    scenario: Scenario | Path | str,
    schedule: Path | str,
    to: Path | str | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Hold a schedule against every limit of every network, in pandapower and pandapipes.

    Args:
        scenario: networks, background and limits; devices and tariffs play no part.
        schedule: CSV or Parquet, see `cosim.api.schedule_file.read_schedule`.
        to: the run folder; `runs/<name>-verify` if missing.
        progress: receiver of progress; silent if missing.

    Returns:
        The result with verdict `feasible` or `infeasible`: this schedule passes, or it does not.

    Raises:
        ScenarioError: if the scenario or the schedule is not usable.
    """
    watch = Stopwatch(progress or Silent())
    with watch.stage("load", "Reading scenario and schedule"):
        loaded = scenario if isinstance(scenario, Scenario) else load(scenario)
        if not loaded.networks:
            found = Problem(
                "networks", "none", "at least one network", "there is nothing to verify"
            )
            raise ScenarioError([found])
        injections, table = read_schedule(Path(schedule), loaded)
    with watch.stage("networks", "Building the networks and evaluating them without participants"):
        physics = build_physics(loaded)
    with watch.stage("reference", "Verification with pandapower and pandapipes"):
        verification = physics.networks.verify(injections, "reference")
    folder = Path(to) if to is not None else Path("runs") / f"{loaded.config.name}-verify"
    with watch.stage("write", "Writing the run folder"):
        tables = _tables(loaded, physics, verification, table, watch)
        write_run(folder, tables)
    with watch.stage("report", "Drawing the report"):
        report = write_report(folder)
    verdict: Verdict = "feasible" if verification.passed else "infeasible"
    return RunResult(folder, report, verdict, tables.summary["cause"], tables.summary)


def _tables(
    scenario: Scenario,
    physics: Physics,
    verification: Verification,
    table: pd.DataFrame,
    watch: Stopwatch,
) -> RunTables:
    config = scenario.config
    margin = config.coupling.margin
    causes = find_causes(physics.networks, {}, verification, physics.alone, {}, margin)
    setpoints, states, files = network_frames(physics.networks, verification)
    cause = "" if verification.passed else sentence(causes, verification, scenario.time)
    verdict: Verdict = "feasible" if verification.passed else "infeasible"
    finding = summaries.Finding(verdict, cause, causes, 0, verification, {})
    summary = summaries.base_summary(scenario, physics, finding) | {
        "description": f"Verification of a given schedule. {config.description}".strip(),
        "seconds": summaries.rounded_seconds(watch.seconds),
        "notes": ["A given schedule was verified; no market was solved."],
    }
    empty = pd.DataFrame()
    return RunTables(
        summary=summary,
        schedule=_as_schedule(table),
        iterations=empty,
        checks=tight_checks(physics.networks, verification, physics.names),
        allocation=empty,
        prices=empty,
        payments=empty,
        coalitions=empty,
        nodal_prices=empty,
        setpoints=setpoints,
        states=states,
        networks=files,
        copper_plate_states={},
        copper_plate_schedule=empty,
    )


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
