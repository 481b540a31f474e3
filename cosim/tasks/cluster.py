"""Tasks on a Dask cluster: `dask scheduler` on one machine, `dask worker` on many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from types import TracebackType
from typing import Any

from cosim.errors import Problem, ScenarioError, TaskError
from cosim.tasks.window import AHEAD, in_order

PATIENCE_S = 15.0
"""How long a scheduler may take to answer, and a cluster to have its first worker."""
ALONE = threading.Lock()
"""Held by the task of a worker process: solvers and network packages are not made for threads."""


class Cluster:
    """Works on a running Dask cluster.

    Args:
        address: of the scheduler.

    Raises:
        ScenarioError: if it does not answer, has no workers, or Dask is not installed.
    """

    def __init__(self, address: str) -> None:
        self._client = _connect(address)
        try:
            _check_workers(self._client, address)
        except BaseException:
            self._client.close()
            raise
        self._shared: Any = None
        self._future: Any = None

    @property
    def workers(self) -> int:
        """Number of worker processes at this moment."""
        return max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))

    def map(
        self, function: Callable[..., Any], items: Iterable[Any], *, shared: Any = None
    ) -> Iterator[Any]:
        """Yield results in order; see `Tasks.map`."""
        from distributed.scheduler import KilledWorker

        common = () if shared is None else (self._scatter(shared),)

        def submit(item: Any) -> Any:
            return self._client.submit(_alone, function, *common, item, pure=False)

        try:
            yield from in_order(submit, items, AHEAD * self.workers)
        except KilledWorker as error:
            raise TaskError(
                "a task took several Dask workers down with it, usually for want of memory; "
                "use smaller chunks or give each worker a higher --memory-limit"
            ) from error

    def _scatter(self, shared: Any) -> Any:
        """Bring what is shared to every worker, once."""
        if self._shared is not shared:
            self._future = self._client.scatter([shared], broadcast=True, hash=False)[0]
            self._shared = shared
        return self._future

    def __enter__(self) -> Cluster:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the cluster; it goes on running."""
        self._future, self._shared = None, None
        self._client.close()


def _alone(function: Callable[..., Any], *arguments: Any) -> Any:
    with ALONE:
        return function(*arguments)


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise ScenarioError(
            [
                Problem(
                    "scheduler",
                    f"{address}, but Dask is not installed ({error.name} is missing)",
                    "Dask beside cosim",
                    "pip install 'cosim[dask]'",
                )
            ]
        ) from None
    try:
        return Client(address, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _problem(
            address,
            f"no answer ({reason})",
            "the address of a running Dask scheduler, such as tcp://127.0.0.1:8786",
            "start one with `dask scheduler` and workers with `dask worker ADDRESS --nthreads 1`",
        ) from None


def _check_workers(client: Any, address: str) -> None:
    """Refuse a cluster that cannot work: no workers, or workers with another cosim."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE_S)
    except TimeoutError:
        raise _problem(
            address,
            "the scheduler has no workers",
            "at least one worker",
            f"start some with `dask worker {address} --nthreads 1`",
        ) from None
    own = version("cosim")
    for worker, found in client.run(_version, on_error="return").items():
        if found != own:
            other = found if isinstance(found, str) else f"no cosim ({found})"
            advice = "install the same version on every machine"
            raise _problem(f"{address}: worker {worker}", other, f"cosim {own}", advice)


def _version() -> str:
    return version("cosim")


def _problem(where: str, found: str, expected: str, advice: str) -> ScenarioError:
    return ScenarioError([Problem(where, found, expected, advice)])
