"""A year of verification: what two processes gain, and what it costs against the plain loop.

Efficiency is counted in CPU seconds, not on the clock: what the chunks take one after the other in
this process, over twice what the busier of the two workers takes (or half of everything, the
collecting process included, where that is more). Waiting for a core counts for nothing, but busy
cores also make each other slower, so the test is skipped where the load average says that more
than half a core is already taken.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
import pandas as pd
import pytest

from cosim import api
from cosim.api.chunk_store import ChunkStore
from cosim.api.chunks import Chunk, Found, Study, chunks_of, verify_chunk
from cosim.api.schedule_file import read_schedule
from cosim.api.verification import study_of
from cosim.grids.base import Grid
from cosim.records import Injections
from cosim.tasks import open_tasks
from tests.support import district

pytestmark = pytest.mark.benchmark
CHUNK, CHUNKS = 672, 4
PLAIN_EVERY = 96


class Case:
    """The district with some weeks of a schedule."""

    def __init__(self, folder: Path, steps: int) -> None:
        self.scenario_file, self.schedule = district.write(folder, steps)
        self.scenario = api.load(self.scenario_file)
        self.injections, _ = read_schedule(self.schedule, self.scenario)
        self.study: Study = study_of(self.scenario, self.injections, "sample")

    def chunks(self) -> Iterator[Chunk]:
        return chunks_of(self.injections, CHUNK)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("district"), CHUNK * CHUNKS)


def timed(study: Study, chunk: Chunk) -> tuple[int, float, Found]:
    """Verify a chunk; a task that says which process took how many CPU seconds."""
    began = process_time()
    found = verify_chunk(study, chunk)
    return os.getpid(), process_time() - began, found


def test_two_processes_do_nearly_twice_as_much(case: Case, tmp_path: Path) -> None:
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    if cores < 2 or load > 0.5:
        pytest.skip(f"{cores} cores, load {load:.1f}: busy cores slow each other down")
    store = ChunkStore(tmp_path / "run", "key")
    store.begin()
    first = next(case.chunks())
    timed(case.study, first)
    alone = sum(timed(case.study, chunk)[1] for chunk in case.chunks())
    workers: dict[int, float] = {}
    with open_tasks(workers=2) as tasks:
        list(tasks.map(timed, [first] * 4, shared=case.study))
        began = process_time()
        for process, seconds, found in tasks.map(timed, case.chunks(), shared=case.study):
            workers[process] = workers.get(process, 0.0) + seconds
            store.save(found)
        collecting = process_time() - began
    assert len(workers) == 2
    needed = max(*workers.values(), (sum(workers.values()) + collecting) / 2.0)
    efficiency = alone / (2.0 * needed)
    print(f"verification in chunks, two processes: parallel efficiency {efficiency:.2f}")
    assert efficiency >= 0.8


def test_a_year_of_verification_against_the_plain_loop(case: Case, tmp_path: Path) -> None:
    verify_chunk(case.study, next(case.chunks()))  # compiles once
    began = process_time()
    result = api.verify(
        case.scenario, case.schedule, tmp_path / "run", reference="sample", draw=False
    )
    weeks = process_time() - began
    assert result.verdict == "feasible"
    plain = sum(
        plain_seconds_per_step(grid, name, case.injections[name])
        for name, grid in case.study.networks.grids.items()
    )
    ratio = plain * CHUNK * CHUNKS / weeks
    year = district.YEAR / (CHUNK * CHUNKS)
    print(
        f"100-bus LV, 50 heat consumers, 50 gas junctions, a year at 15 min: {weeks * year:.0f} "
        f"CPU seconds with checks, re-runs and all tables written, {ratio:.0f} times faster than "
        "plain loops of power and pipe flows alone"
    )
    assert ratio >= 10.0


def plain_seconds_per_step(grid: Grid, name: str, entry: Injections) -> float:
    """Return the CPU seconds of one step as a user of the plain packages would run it."""
    import pandapipes
    import pandapower

    rows = np.arange(0, len(entry.steps), PLAIN_EVERY)
    part = Injections(
        entry.grid, entry.steps[rows], entry.terminals, entry.p_kw[rows], entry.q_kvar[rows]
    )
    module = pandapower if name == "electric" else pandapipes
    net = module.from_json_string(grid.network_json(part))
    frame = grid.setpoints_frame(part).astype({"element": str, "quantity": str})
    tables = {
        key: block.pivot(index="time", columns="id", values="value")
        for key, block in frame.groupby(["element", "quantity"], observed=True)
    }
    spent = []
    for stamp in pd.unique(frame["time"]):
        began = process_time()
        for (table, column), values in tables.items():
            net[table].loc[values.columns, column] = values.loc[stamp].to_numpy()
        if name == "electric":
            pandapower.runpp(net)
        else:
            pandapipes.pipeflow(net)
        spent.append(process_time() - began)
    return median(spent)
