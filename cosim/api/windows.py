"""A long horizon in windows: one after the other or side by side, resumed where it stopped."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cosim.api.progress import Progress
from cosim.api.window_task import OUTCOME_FILE, WindowOutcome, WindowTask, solve_window
from cosim.api.year import write_year
from cosim.records import Past, Window
from cosim.scenario import Scenario
from cosim.scenario.horizon import windows_of
from cosim.scenario.window import take_window
from cosim.tasks import Tasks

KEY_FILE = "inputs"


def in_windows(scenario: Scenario) -> bool:
    """Return whether a scenario's horizon takes more than one window."""
    return len(windows_of(scenario.config)) > 1


def run_windows(scenario: Scenario, folder: Path, told: Progress, tasks: Tasks) -> dict[str, Any]:
    """Solve a scenario window by window, write its run folder and return its summary.

    Args:
        scenario: with a `horizon` section.
        folder: the run folder.
        told: receiver of progress.
        tasks: where windows that are independent are solved.

    Raises:
        SolveError: if participants cannot meet their demand in a window, whatever the networks.
    """
    store = WindowStore(folder, f"{scenario.input_hash}-{version('cosim')}")
    known = store.begin()
    windows = windows_of(scenario.config)
    told.stage(_plan(windows, known))
    solve = _in_turn if windows[0].carries else _side_by_side
    outcomes = []
    for outcome in solve(scenario, windows, store, tasks):
        outcomes.append(outcome)
        told.count(len(outcomes), len(windows))
    told.stage("Joining the windows, settlement")
    parts = [store.folder(window) for window in windows]
    summary = write_year(scenario, folder, outcomes, parts)
    store.clear()
    return summary


class WindowStore:
    """Finished windows, kept beside the run folder until the run is complete.

    Outcomes are pickles that only cosim writes; they are read only if they belong to the same
    inputs and the same version of cosim.

    Args:
        folder: the run folder to be.
        key: hash of all inputs plus the version.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._root = folder.with_name(f".{folder.name}.windows")
        self._key = key

    def begin(self) -> int:
        """Return how many windows an interrupted run has finished; forget those of other inputs."""
        file = self._root / KEY_FILE
        if not file.is_file() or file.read_text(encoding="utf-8") != self._key:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root.mkdir(parents=True)
            file.write_text(self._key, encoding="utf-8")
        return len(list(self._root.glob(f"*/{OUTCOME_FILE}")))

    def folder(self, window: Window) -> Path:
        """Return where a window's tables are, or will be."""
        return self._root / f"{window.number:05}"

    def load(self, window: Window) -> WindowOutcome | None:
        """Return a finished window, None if there is none."""
        try:
            with (self.folder(window) / OUTCOME_FILE).open("rb") as stream:
                outcome = pickle.load(stream)
        except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ValueError, TypeError):
            shutil.rmtree(self.folder(window), ignore_errors=True)
            return None
        return outcome if isinstance(outcome, WindowOutcome) else None

    def clear(self) -> None:
        """Forget: the run is complete."""
        shutil.rmtree(self._root, ignore_errors=True)


def _plan(windows: tuple[Window, ...], known: int) -> str:
    text = f"Market and networks in {len(windows)} windows"
    if known:
        text += f", {known} of them finished by an earlier run"
    return text


def _in_turn(
    scenario: Scenario, windows: tuple[Window, ...], store: WindowStore, tasks: Tasks
) -> Iterator[WindowOutcome]:
    """Yield windows that hand on their states; settlement ends with the first that fails."""
    pasts: Mapping[str, Past] = {}
    settles = True
    for window in windows:
        outcome = store.load(window)
        if outcome is None:
            task = WindowTask(take_window(scenario, window), pasts, store.folder(window), settles)
            outcome = solve_window(task)
        pasts = _next(pasts, outcome)
        settles = settles and outcome.verdict == "feasible"
        yield outcome


def _side_by_side(
    scenario: Scenario, windows: tuple[Window, ...], store: WindowStore, tasks: Tasks
) -> Iterator[WindowOutcome]:
    """Yield windows that return to where they began; the first says where that is."""
    first = store.load(windows[0])
    if first is None:
        task = WindowTask(take_window(scenario, windows[0]), {}, store.folder(windows[0]), True)
        first = solve_window(task)
    yield first
    pasts = _next({}, first)
    settles = first.verdict == "feasible"
    missing = [window for window in windows[1:] if store.load(window) is None]
    work = (
        WindowTask(take_window(scenario, window), pasts, store.folder(window), settles)
        for window in missing
    )
    fresh = tasks.map(solve_window, work)
    for window in windows[1:]:
        known = store.load(window) if window not in missing else None
        yield next(fresh) if known is None else known


def _next(pasts: Mapping[str, Past], outcome: WindowOutcome) -> dict[str, Past]:
    """Return what the window behind this one starts from, by world."""
    carries, begins = outcome.window.carries, outcome.window.number == 0
    return {
        name: Past(
            now=world.now if carries else {},
            origin=world.last if begins else pasts[name].origin,
        )
        for name, world in outcome.worlds.items()
    }
