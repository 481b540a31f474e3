"""A Dask cluster as users start it: `dask scheduler` and `dask worker` on free ports."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


@contextmanager
def dask_cluster(folder: Path, workers: int = 2) -> Iterator[str]:
    """Start a scheduler and worker processes with Dask's own command line; yield the address."""
    file = folder / "scheduler.json"
    local = ["--host", "127.0.0.1"]
    where = ["--port", "0", "--scheduler-file", str(file)]
    started = [_dask(folder, "scheduler", *local, *where, "--no-dashboard")]
    try:
        address = _address(file, started[0])
        started += [
            _dask(folder, "worker", address, *local, "--nthreads", "1", "--no-dashboard")
            for _ in range(workers)
        ]
        _wait_for(address, workers)
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=20)


def _dask(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)}
    with (folder / f"{arguments[0]}-{time.monotonic_ns()}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
        )


def _address(file: Path, scheduler: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        if scheduler.poll() is not None:
            break
        try:
            return str(json.loads(file.read_text())["address"])
        except (OSError, ValueError, KeyError):
            time.sleep(0.1)
    logs = "\n".join(log.read_text() for log in file.parent.glob("scheduler-*.log"))
    raise RuntimeError(f"dask scheduler did not start\n{logs}")


def _wait_for(address: str, workers: int) -> None:
    from distributed import Client

    if not workers:
        return
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)
