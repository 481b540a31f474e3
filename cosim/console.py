"""What the command line shows: progress on a terminal, plain lines elsewhere, results as text."""

from __future__ import annotations

import atexit
import io
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from cosim.api import Progress, RunResult
    from cosim.coupling import Iteration


class Lines:
    """Progress as one line per stage and per round, with elapsed seconds.

    On a terminal a progress bar also shows what is going on between the lines.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.perf_counter()
        self._stage_began = self._began
        self._bar = _bar(console) if console.is_terminal else None
        self._task = None if self._bar is None else self._bar.add_task("", total=None, left="")
        if self._bar is not None:
            self._bar.start()
            atexit.register(self._bar.stop)

    def stage(self, name: str) -> None:
        """Print the stage that begins."""
        self._stage_began = time.perf_counter()
        self._console.print(f"{self._elapsed()}  {name}", highlight=False)
        if self._bar is not None and self._task is not None:
            self._bar.reset(self._task, description=name, total=None, left="")

    def iteration(self, entry: Iteration) -> None:
        """Print one round of the loop."""
        missed = ", ".join(f"{name} {number}" for name, number in entry.violations.items())
        kind = "copper plate" if entry.number == 0 else entry.phase
        self._console.print(
            f"{'':8}  round {entry.number:>2} ({kind}): cost {entry.cost:,.2f}, "
            f"limits missed: {missed}; {entry.cuts} cuts, {entry.seconds:.1f} s",
            highlight=False,
        )

    def count(self, done: int, total: int) -> None:
        """Show counted work on a terminal, with the time that is left at this pace."""
        if self._bar is not None and self._task is not None:
            spent_s = time.perf_counter() - self._stage_began
            left = duration(spent_s / done * (total - done)) if done else "some time"
            text = f"{done} of {total}, about {left} left"
            self._bar.update(self._task, completed=done, total=total, left=text)

    def _elapsed(self) -> str:
        return f"{time.perf_counter() - self._began:6.1f} s"


def _bar(console: Console) -> Bar:
    """Return a line that shows what is going on, and how far it is."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[left]}"),
    )
    return Bar(*columns, console=console, transient=True)


def duration(seconds: float) -> str:
    """Return seconds as people say them."""
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    minutes = seconds / 60.0
    return f"{minutes:.0f} min" if minutes < 90.0 else f"{minutes / 60.0:.1f} h"


def console_progress(quiet: bool) -> Progress | None:
    """Return progress for the command line, None if nothing shall be printed."""
    return None if quiet else Lines(Console(file=sys.stderr, soft_wrap=True))


def result_text(result: RunResult) -> str:
    """Return the end of a run for people: verdict, costs, report."""
    summary = result.summary
    lines = ["", f"Verdict: {result.verdict}"]
    if result.cause:
        lines.append(f"Cause:   {result.cause}")
    costs = summary.get("costs")
    currency = summary["currency"]
    if costs:
        for key, text in (
            ("individual", "Everyone alone"),
            ("copper_plate", "Shared, copper plate"),
            ("verified", "Shared, verified"),
        ):
            if costs.get(key) is not None:
                lines.append(f"{text + ':':23}{costs[key]:>14,.2f} {currency}")
        price = summary["price_of_physics"]
        if price.get("total") is not None:
            lines.append(
                f"{'Price of physics:':23}{price['total']:>14,.2f} {currency} "
                f"(losses {price['losses']:,.2f}, congestion {price['congestion']:,.2f})"
            )
    for name, limits in summary["certificate"]["networks"].items():
        checks = sum(entry["checks"] for entry in limits.values())
        missed = sum(entry["violations"] for entry in limits.values())
        lines.append(f"{name + ':':23}{checks:>14,} checks, {missed} missed")
    for name, entry in summary["certificate"].get("reruns", {}).items():
        if entry["handed_over"]:
            reasons = "; ".join(entry["handed_over"])
            lines.append(f"{name + ':':23}left to the reference engine: {reasons}")
    lines += [f"Run folder: {result.folder}", f"Report: {result.report.resolve()}"]
    return "\n".join(lines)


def frame_text(frame: pd.DataFrame) -> str:
    """Return a frame as a table for people."""
    table = Table(show_edge=False)
    table.add_column(str(frame.index.name or ""))
    for column in frame.columns:
        table.add_column(str(column), justify="right")
    for name, row in frame.iterrows():
        table.add_row(str(name), *[_cell(value) for value in row])
    width = max(100, 24 * (len(frame.columns) + 1))
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text().rstrip()


def _cell(value: object) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
