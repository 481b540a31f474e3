"""Design mode: all coalitions designed, verified day by day, compared, settled, written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from cosim.api.designing.coalitions import design_coalitions
from cosim.api.designing.days import DayResult
from cosim.api.designing.money import (
    LOSSES,
    CoalitionCost,
    coalition_costs,
    loss_shares,
    stand_alone_costs,
    verified_stage,
)
from cosim.api.designing.report import run_summary
from cosim.api.designing.search import Bench, Found, annual_cost, search_apart, search_together
from cosim.api.designing.settled import SettledDesign
from cosim.api.designing.shares import Shares, share_out, single_players
from cosim.api.designing.tables import (
    attempt_frame,
    cost_frame,
    cut_frame,
    day_frame,
    energy_frame,
    label,
    pipe_frame,
    unit_frame,
)
from cosim.api.progress import Progress
from cosim.api.run_tables import run_tables
from cosim.api.stages import Solved, conclude
from cosim.api.stopwatch import Stopwatch
from cosim.api.summary import rounded_seconds
from cosim.coupling.confirm import confirm
from cosim.market.design import build_design_problem
from cosim.records.design import Design
from cosim.records.names import NETWORK
from cosim.report import write_report
from cosim.results import RunTables, write_run
from cosim.results.schema import TABLES
from cosim.results.write import fill_run, new_run
from cosim.scenario import Scenario
from cosim.tasks import Tasks

DAYS = "days"
"""Folder of the verified days of everyone together, in the run folder."""


def run_design(
    base: Scenario,
    folder: Path,
    watch: Stopwatch,
    told: Progress,
    draw: bool,
    tasks: Tasks,
) -> dict[str, Any]:
    """Design every coalition, verify it, share the saving, and write the run folder.

    Args:
        base: with a `design` section.
        folder: the run folder.
        watch: takes the time.
        told: receiver of progress.
        draw: draw the reports of the days, too.
        tasks: where coalitions are designed before physics is asked.

    Returns:
        The summary.
    """
    with watch.stage("days", "Choosing typical days"):
        problem = build_design_problem(base)
    with TemporaryDirectory(prefix="cosim-design-") as scratch:
        bench = Bench(base, problem, Path(scratch), told)
        with watch.stage("copper_plate", "Designs of all coalitions without physics"):
            plate = design_coalitions(problem, single_players(base), tasks, told=told)
        with watch.stage("stand_alone", "Stand-alone designs of all buildings"):
            apart = _confirmed(search_apart(bench, plate))
        found = _coalitions(bench, apart, plate, watch)
        everyone = frozenset(problem.buildings)
        with watch.stage("reference", "Final days with pandapower and pandapipes"):
            solved = [_concluded(day) for day in found[everyone].days]
            found[everyone] = _with_days(found[everyone], [day for day, _ in solved])
        with watch.stage("allocation", "Costs of all coalitions and shares of the saving"):
            costs = coalition_costs(apart, found, tuple(problem.buildings))
            shares = _shares(base, apart, found[everyone], costs)
        settled = SettledDesign(base, problem, apart, found, costs, shares)
        with watch.stage("write", "Writing the run folder"):
            summary = _write(folder, settled, solved, watch, draw)
    return summary


def _coalitions(
    bench: Bench, apart: Found, plate: Mapping[frozenset[str], Design], watch: Stopwatch
) -> dict[frozenset[str], Found]:
    """Return the designs of all coalitions of two and more, small ones first.

    A coalition can always do what a part of it does: where the part's verified cost is lower, its
    design stands.
    """
    names = tuple(bench.problem.buildings)
    single = {design.members[0]: design for design in apart.plan.designs}
    found: dict[frozenset[str], Found] = {}
    for size in range(2, len(names) + 1):
        for group in combinations(names, size):
            members = frozenset(group)
            with watch.stage(f"design_{label(members)}", f"Designing {', '.join(group)} together"):
                others = tuple(single[name] for name in names if name not in members)
                parts = [one for known, one in found.items() if known < members]
                search = search_together(bench, others, plate[members])
                if members != frozenset(names):
                    search = _confirmed(search)
                found[members] = _better(search, [apart, *parts])
    return found


def _better(search: Found, parts: list[Found]) -> Found:
    """Return a part's design where it passes and costs less; what was tried stays on record."""
    best = min(
        (one for one in parts if one.verdict == "feasible"),
        key=lambda one: annual_cost(one.plan, one.days),
        default=None,
    )
    if best is None:
        return search
    cheaper = annual_cost(best.plan, best.days) < annual_cost(search.plan, search.days)
    if search.verdict == "feasible" and not cheaper:
        return search
    return replace(best, copper=search.copper, attempts=search.attempts)


def _confirmed(search: Found) -> Found:
    """Return a search whose days have been held against pandapower and pandapipes."""
    days = []
    for day in search.days:
        job, settings = day.job, day.job.scenario.config.verification
        confirmed = confirm(job.physics.networks, day.coupled, day.sharing, job.loop, settings)
        days.append(replace(day, coupled=confirmed.coupled))
    return _with_days(search, days)


def _concluded(day: DayResult) -> tuple[DayResult, Solved]:
    """Return a day as the reference engines found it, and all that its run folder needs."""
    solved = conclude(day.job, day.sharing, day.coupled)
    return replace(day, coupled=solved.coupled), solved


def _with_days(search: Found, days: list[DayResult]) -> Found:
    """Return a search with other results of its days, and the verdict that follows."""
    if search.verdict != "feasible" or all(day.feasible for day in days):
        return replace(search, days=tuple(days))
    bad = next(day for day in days if not day.feasible)
    cause = f"{bad.case.day.name} does not pass the reference engines: {bad.coupled.cause}"
    return replace(search, days=tuple(days), verdict="unresolved", cause=cause)


def _shares(
    base: Scenario, apart: Found, together: Found, costs: Mapping[frozenset[str], CoalitionCost]
) -> Shares:
    """Divide the saving of everyone; who bears what so far is told by devices, losses and pipes."""
    names = tuple(base.config.participants)
    owners = verified_stage(together.plan, together.days)
    shared = owners.of([NETWORK])
    own = owners.by_owner().reindex(list(names)).fillna(0.0)
    own += loss_shares(together.days, names) * float(shared.get(LOSSES, 0.0))
    own += float(shared.get("pipes", 0.0)) / len(names)
    return share_out(base, costs, stand_alone_costs(apart, names), own)


def _write(
    folder: Path,
    settled: SettledDesign,
    solved: list[tuple[DayResult, Solved]],
    watch: Stopwatch,
    draw: bool,
) -> dict[str, Any]:
    """Write the folder of the run with those of its days; return the summary."""
    days = {
        day.case.day.name: _typed(run_tables(day.job.scenario, day.job.physics, one, None, {}))
        for day, one in solved
    }
    apart, found, shares = settled.apart, settled.found, settled.shares
    summary = run_summary(settled, days)
    summary["seconds"] = rounded_seconds(watch.seconds)
    tables = RunTables(
        summary=summary,
        schedule=_joined(days, "schedule"),
        iterations=next(iter(days.values())).iterations.iloc[:0],
        checks=_joined(days, "checks"),
        allocation=shares.allocation,
        prices=_joined(days, "prices"),
        payments=shares.payments,
        coalitions=shares.coalitions,
        nodal_prices=_joined(days, "nodal_prices"),
        setpoints={},
        states={},
        networks={},
        copper_plate_states={},
        copper_plate_schedule=pd.DataFrame(),
        design_units=unit_frame(apart, found),
        design_pipes=pipe_frame(settled.problem, apart, found),
        design_costs=cost_frame(settled.costs),
        design_energy=pd.concat(
            [energy_frame(m, one.days) for m, one in found.items()], ignore_index=True
        ),
        design_days=day_frame(apart, found),
        design_attempts=attempt_frame(apart, found),
        design_cuts=cut_frame(apart, found),
    )
    with new_run(folder) as partial:
        fill_run(partial, tables)
        for name, one in days.items():
            write_run(partial / DAYS / name, one)
            if draw:
                write_report(partial / DAYS / name)
    return summary


def _typed(tables: RunTables) -> RunTables:
    """Return tables whose empty ones have the columns of the contract (days without networks)."""

    def filled(name: str) -> pd.DataFrame:
        """Return a table, with the columns of the contract where it has no rows."""
        frame: pd.DataFrame = getattr(tables, name)
        return TABLES[name].empty() if frame.empty else frame

    return replace(
        tables,
        checks=filled("checks"),
        prices=filled("prices"),
        nodal_prices=filled("nodal_prices"),
        iterations=filled("iterations"),
    )


def _joined(days: Mapping[str, RunTables], name: str) -> pd.DataFrame:
    """Return one table of all days, one after the other."""
    frames: list[pd.DataFrame] = [getattr(one, name) for one in days.values()]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]
