"""Several solves at once: the solver leaves the interpreter free while it runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def processors() -> int:
    """Return how many solves run at once."""
    return os.cpu_count() or 1


def side_by_side(jobs: Iterable[Callable[[], T]]) -> list[T]:
    """Return what the jobs return, in their order."""
    with ThreadPoolExecutor(processors()) as pool:
        return [job.result() for job in [pool.submit(job) for job in jobs]]
