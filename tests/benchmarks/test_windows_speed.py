"""Windows of a long horizon: what building costs beside solving, and two processes beside one."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median
from time import process_time

import pytest

from cosim.api import load
from cosim.api.window_task import WindowTask, solve_window
from cosim.records import Past
from cosim.scenario import Scenario
from cosim.scenario.horizon import HorizonSection, windows_of
from cosim.scenario.window import take_window
from cosim.tasks import open_tasks
from tests.support.rolling import roll

pytestmark = pytest.mark.benchmark

YEAR = Path(__file__).parents[2] / "examples" / "year"


def year(**horizon: object) -> Scenario:
    found = load(YEAR)
    section = HorizonSection.model_validate(horizon) if horizon else found.config.horizon
    return replace(found, config=found.config.model_copy(update={"horizon": section}))


def test_building_a_window_takes_less_than_a_round_of_the_loop_over_it() -> None:
    """One cooperative solve is the least that a window needs; the loop solves five to ten times."""
    shares = []
    for one in islice(roll(year()), 8):
        built = one.market.seconds["build"]
        shares.append(built / one.whole.seconds["solve"])
    print(f"building a week: {median(shares):.2f} of its first solve")
    assert median(shares) < 1.0


def timed(task: WindowTask) -> tuple[int, float]:
    """Solve a window; return the process and its CPU seconds."""
    began = process_time()
    solve_window(task)
    return os.getpid(), process_time() - began


@pytest.mark.slow
def test_two_processes_share_the_windows(tmp_path: Path) -> None:
    """Efficiency as the CPU time of one process over twice that of the busier of two."""
    cores, load_now = os.cpu_count() or 1, os.getloadavg()[0]
    if cores < 2 or load_now > 0.5:
        pytest.skip(f"{cores} cores, load {load_now:.1f}: busy cores slow each other down")
    scenario = year(window_hours=24, boundary="cyclic")
    windows = windows_of(scenario.config)[:12]

    def tasks_in(folder: str) -> list[WindowTask]:
        return [
            WindowTask(
                take_window(scenario, window),
                {"together": Past()},
                tmp_path / folder / f"{window.number}",
                settles=False,
            )
            for window in windows
        ]

    timed(tasks_in("first")[0])
    alone = sum(timed(task)[1] for task in tasks_in("alone"))
    workers: dict[int, float] = {}
    with open_tasks(workers=2) as tasks:
        list(tasks.map(timed, tasks_in("warm")[:4]))
        for process, seconds in tasks.map(timed, tasks_in("together")):
            workers[process] = workers.get(process, 0.0) + seconds
    efficiency = alone / (2.0 * max(workers.values()))
    print(f"{len(windows)} windows, two processes: parallel efficiency {efficiency:.2f}")
    assert efficiency >= 0.8
