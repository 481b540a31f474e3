"""Tasks come back in order, the same wherever they are worked on, with their own exceptions."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cosim.errors import Infeasible, ScenarioError
from cosim.tasks import Tasks, open_tasks
from cosim.tasks.window import in_order
from tests.support.cluster import dask_cluster
from tests.support.work import break_at_three, cube, no_solution, process_id, weigh


@pytest.fixture(scope="module", params=["here", "processes", "cluster"])
def tasks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tasks]:
    if request.param == "cluster":
        with dask_cluster(tmp_path_factory.mktemp("dask")) as address, open_tasks(address) as found:
            yield found
    else:
        with open_tasks(workers=1 if request.param == "here" else 2) as found:
            yield found


@pytest.mark.xdist_group("dask")
class TestEveryPlace:
    def test_results_come_in_the_order_of_the_items(self, tasks: Tasks) -> None:
        assert list(tasks.map(cube, range(20))) == [n**3 for n in range(20)]

    def test_what_is_shared_reaches_every_task(self, tasks: Tasks) -> None:
        first, second = np.arange(10.0), np.arange(10.0) + 5.0
        for data in (first, second, first):
            expected = [float(v * np.sqrt(2.0)) for v in data]
            assert list(tasks.map(weigh, range(10), shared=data)) == expected

    def test_a_problem_of_the_input_comes_back_with_all_it_carries(self, tasks: Tasks) -> None:
        results = tasks.map(break_at_three, range(6))
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(
            ScenarioError, match=r"^here: three; expected anything else; leave it"
        ) as e:
            next(results)
        assert e.value.problems[0].advice == "leave it out"

    def test_solver_errors_keep_their_reason(self, tasks: Tasks) -> None:
        with pytest.raises(Infeasible, match="nothing fits") as caught:
            list(tasks.map(no_solution, [1]))
        assert caught.value.reason == "kInfeasible"

    def test_usable_again_after_an_error_and_after_stopping_early(self, tasks: Tasks) -> None:
        with pytest.raises(ScenarioError):
            list(tasks.map(break_at_three, range(6)))
        assert next(tasks.map(cube, range(100))) == 0
        assert list(tasks.map(cube, [2])) == [8]

    def test_numerical_libraries_of_workers_have_one_thread(self, tasks: Tasks) -> None:
        found = set(tasks.map(process_id, range(8)))
        own = {pid for pid, _ in found} == {os.getpid()}
        assert own == (tasks.workers == 1)
        assert own or {threads for _, threads in found} == {"1"}


class Ready:
    """A future that is done, and counts those that are waiting."""

    waiting = 0
    most = 0
    cancelled = 0

    def __init__(self, item: int) -> None:
        self.item = item
        Ready.waiting += 1
        Ready.most = max(Ready.most, Ready.waiting)

    def result(self) -> int:
        Ready.waiting -= 1
        return self.item

    def cancel(self) -> None:
        Ready.cancelled += 1


def test_few_tasks_wait_however_many_items_there_are() -> None:
    Ready.waiting = Ready.most = 0
    assert list(in_order(Ready, iter(range(1000)), 4)) == list(range(1000))
    assert Ready.most == 4


def test_a_caller_that_stops_takes_back_what_has_not_begun() -> None:
    Ready.waiting = Ready.cancelled = 0
    results = in_order(Ready, iter(range(1000)), 4)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert Ready.cancelled == 3


def test_no_scheduler_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cosim.tasks.cluster.PATIENCE_S", 0.5)
    with pytest.raises(ScenarioError) as caught:
        open_tasks("tcp://127.0.0.1:9")
    assert str(caught.value).startswith("tcp://127.0.0.1:9: no answer (")
    assert str(caught.value).endswith(
        "expected the address of a running Dask scheduler, such as tcp://127.0.0.1:8786; start one "
        "with `dask scheduler` and workers with `dask worker ADDRESS --nthreads 1`"
    )


def test_a_scheduler_without_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cosim.tasks.cluster.PATIENCE_S", 0.5)
    with dask_cluster(tmp_path, workers=0) as address, pytest.raises(ScenarioError) as caught:
        open_tasks(address)
    assert str(caught.value) == (
        f"{address}: the scheduler has no workers; expected at least one worker; start some with "
        f"`dask worker {address} --nthreads 1`"
    )


def test_dask_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ScenarioError) as caught:
        open_tasks("tcp://127.0.0.1:8786")
    assert str(caught.value) == (
        "scheduler: tcp://127.0.0.1:8786, but Dask is not installed (distributed is missing); "
        "expected Dask beside cosim; pip install 'cosim[dask]'"
    )


def test_no_workers_at_all_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"^workers: 0; expected a whole number from 1 on"):
        open_tasks(workers=0)
