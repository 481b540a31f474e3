"""Tasks in processes of this machine: the loky executor that joblib comes with."""

from __future__ import annotations

import functools
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from cosim.errors import TaskError
from cosim.tasks.window import AHEAD, in_order

ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}
"""Workers share the cores; threads of theirs would only get in each other's way."""


class Processes:
    """Works in processes, started when the first task comes and ended with the context.

    Args:
        workers: number of processes.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._executor: Any = None
        self._folder: Path | None = None
        self._shared: Any = None
        self._files = 0

    @property
    def workers(self) -> int:
        """Number of processes."""
        return self._workers

    def map(
        self, function: Callable[..., Any], items: Iterable[Any], *, shared: Any = None
    ) -> Iterator[Any]:
        """Yield results in order; see `Tasks.map`."""
        from concurrent.futures.process import BrokenProcessPool

        executor = self._open()
        file = None if shared is None else self._hand_over(shared)

        def submit(item: Any) -> Any:
            if file is None:
                return executor.submit(function, item)
            return executor.submit(_with_shared, function, file, item)

        try:
            yield from in_order(submit, items, AHEAD * self._workers)
        except BrokenProcessPool as error:
            self._close(kill=True)
            raise TaskError(
                "a worker process ended without a result, usually for want of memory; "
                "use fewer workers or smaller chunks"
            ) from error

    def _open(self) -> Any:
        if self._executor is None:
            from joblib.externals.loky import ProcessPoolExecutor

            self._executor = ProcessPoolExecutor(max_workers=self._workers, env=ONE_THREAD)
        return self._executor

    def _hand_over(self, shared: Any) -> str:
        """Write what is shared to a file that every worker reads once."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="cosim-tasks-"))
        if self._shared is not shared:
            self._files += 1
            with self._file().open("wb") as stream:
                pickle.dump(shared, stream, protocol=pickle.HIGHEST_PROTOCOL)
            self._shared = shared
        return str(self._file())

    def _file(self) -> Path:
        assert self._folder is not None
        return self._folder / f"shared-{self._files}.pickle"

    def __enter__(self) -> Processes:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the processes, at once where something went wrong."""
        self._close(kill=kind is not None)

    def _close(self, kill: bool) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=kill)
            self._executor = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder, self._shared = None, None


def _with_shared(function: Callable[..., Any], file: str, item: Any) -> Any:
    return function(_read(file), item)


@functools.lru_cache(maxsize=1)
def _read(file: str) -> Any:
    """Return what is shared; a worker process reads it once."""
    with Path(file).open("rb") as stream:
        return pickle.load(stream)
