"""`cosim study`: read the file, work through its tasks, write one table and a summary."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from cosim import api
from cosim.api.progress import Progress, Silent
from cosim.errors import Problem, ScenarioError
from cosim.studies.evaluate import Plan, finished, work
from cosim.studies.page import write_page
from cosim.studies.points import Point, points_of
from cosim.studies.spec import StudySpec, load_spec
from cosim.tasks import Tasks, open_tasks

TABLE_FILE = "study.parquet"


@dataclass(frozen=True, slots=True)
class StudyResult:
    """A finished study.

    Attributes:
        folder: with `study.parquet`, `study.md`, `study.html` and the folder of every task.
        table: one row per task.
        page: the HTML summary.
    """

    folder: Path
    table: pd.DataFrame
    page: Path

    @property
    def failed(self) -> int:
        """Number of tasks that ended with an error."""
        return int((self.table["verdict"] == "error").sum())

    def text(self) -> str:
        """Return the end of a study for people: tasks, how they ended, where the table is."""
        counts = ", ".join(
            f"{n} {name}" for name, n in self.table["verdict"].value_counts().items()
        )
        lines = ["", f"{len(self.table)} tasks: {counts}"]
        errors = [text for text in self.table["error"].dropna().unique() if text]
        lines += [f"Error: {text}" for text in errors[:5]]
        if "hosting_capacity" in self.table:
            found = self.table["hosting_capacity"].dropna()
            if len(found):
                low, high = found.min(), found.max()
                span = f"{low:,.2f}" if low == high else f"{low:,.2f} to {high:,.2f}"
                lines.append(f"Hosting capacity: {span}")
        lines += [f"Table: {self.folder / TABLE_FILE}", f"Summary: {self.page}"]
        return "\n".join(lines)


def study(
    file: Path | str,
    to: Path | str | None = None,
    progress: Progress | None = None,
    *,
    workers: int = 1,
    scheduler: str | None = None,
) -> StudyResult:
    """Work through a study; tasks that an earlier call has finished are not done again.

    Args:
        file: a study file, see `cosim.studies.spec.StudySpec`, or a folder with `study.yaml`.
        to: the study's folder; `runs/<name>` if missing.
        progress: receiver of progress; silent if missing.
        workers: processes on this machine.
        scheduler: address of a Dask scheduler instead; its workers need the same files.

    Returns:
        The table with one row per task. A task that fails has the verdict `error` and its message.

    Raises:
        ScenarioError: if the study file or its base scenario is not usable.
    """
    told = progress or Silent()
    told.stage("Reading the study")
    spec, path = load_spec(Path(file))
    folder = (Path(to) if to is not None else Path("runs") / spec.name).resolve()
    plan = _plan(spec, path, folder)
    points = points_of(spec)
    folder.mkdir(parents=True, exist_ok=True)
    with open_tasks(scheduler, workers) as tasks:
        told.stage(f"{len(points)} tasks")
        rows = []
        for row in _rows(plan, points, tasks):
            rows.append(row)
            told.count(len(rows), len(points))
    told.stage("Writing the table")
    table = _table(points, rows)
    table.to_parquet(folder / TABLE_FILE, index=False)
    return StudyResult(folder, table, write_page(folder, spec, table))


def _plan(spec: StudySpec, path: Path, folder: Path) -> Plan:
    """Return what the tasks share, after checking that the base scenario is usable."""
    base = (path.parent / spec.base).resolve()
    first = points_of(spec)[0]
    changes = dict(first.changes)
    if spec.hosting_capacity is not None:
        changes[spec.hosting_capacity.field] = spec.hosting_capacity.high
    _check_fields(base, changes)
    schedule = None
    digest = hashlib.sha256(api.load(base).input_hash.encode())
    if spec.schedule is not None:
        schedule = (path.parent / spec.schedule).resolve()
        if not schedule.is_file():
            where = f"{path.name}: schedule"
            raise ScenarioError([Problem(where, f"no file {spec.schedule}", "a schedule file")])
        digest.update(schedule.read_bytes())
    how = (spec.action, spec.hosting_capacity and spec.hosting_capacity.model_dump_json())
    key = f"{digest.hexdigest()}-{how}-{version('cosim')}"
    return Plan(base, spec.action, schedule, spec.hosting_capacity, folder, key)


def _check_fields(base: Path, changes: dict[str, Any]) -> None:
    """Refuse a study whose fields the scenario does not have, before anything is computed."""
    api.load(base, changes)


def _rows(plan: Plan, points: list[Point], tasks: Tasks) -> Iterator[dict[str, Any]]:
    known = {point.number: finished(plan, point) for point in points}
    missing = [point for point in points if known[point.number] is None]
    fresh = tasks.map(work, missing, shared=plan)
    for point in points:
        row = known[point.number]
        yield next(fresh) if row is None else row


def _table(points: list[Point], rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return one row per task: number, sample, what was varied, what came of it."""
    found = []
    for point, row in zip(points, rows, strict=True):
        sample = {} if point.sample is None else {"sample": point.sample}
        found.append({"task": point.number, **sample, **_plain(point), **row})
    frame = pd.DataFrame(found)
    for name in frame.columns:
        if frame[name].dtype == object:
            numbers = pd.to_numeric(frame[name], errors="coerce")
            keep = (
                name in ("verdict", "error", "cause")
                or numbers.notna().sum() < frame[name].notna().sum()
            )
            frame[name] = frame[name].astype("string") if keep else numbers
    return frame


def _plain(point: Point) -> dict[str, Any]:
    """Return what was varied as cells of a table: anything that is no scalar as text."""
    return {
        field: value if isinstance(value, (bool, int, float, str)) else str(value)
        for field, value in point.varied.items()
    }
