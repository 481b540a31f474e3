"""What every way of working through tasks promises, and the choice between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Protocol

from cosim.errors import Problem, ScenarioError
from cosim.tasks.here import Here


class Tasks(Protocol):
    """Somewhere to work through tasks; a context manager."""

    @property
    def workers(self) -> int:
        """Number of tasks that are worked on at once."""
        ...

    def map(
        self, function: Callable[..., Any], items: Iterable[Any], *, shared: Any = None
    ) -> Iterator[Any]:
        """Yield `function(shared, item)` for every item, in the order of the items.

        Args:
            function: top-level, so that other processes can import it; called as `function(item)`
                where nothing is shared.
            items: taken one by one as there is room; at most a few wait or are worked on.
            shared: what every task needs, handed to each worker once.

        Raises:
            Exception: whatever a task raised, once its turn has come.
        """
        ...

    def __enter__(self) -> Tasks:
        """Return itself."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the workers."""
        ...


def open_tasks(scheduler: str | None = None, workers: int = 1) -> Tasks:
    """Return a place to work through tasks.

    Args:
        scheduler: address of a running Dask scheduler, such as `tcp://127.0.0.1:8786`.
        workers: processes on this machine, where no scheduler is given; 1 works in this process.

    Raises:
        ScenarioError: if there is no such scheduler, it has no workers, or Dask is missing.
    """
    if workers < 1:
        found = Problem("workers", str(workers), "a whole number from 1 on", "1 starts no process")
        raise ScenarioError([found])
    if scheduler is not None:
        from cosim.tasks.cluster import Cluster

        return Cluster(scheduler)
    if workers > 1:
        from cosim.tasks.processes import Processes

        return Processes(workers)
    return Here()
