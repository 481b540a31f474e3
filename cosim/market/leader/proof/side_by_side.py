"""Several solves at once: the solver leaves the interpreter free while it runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def processors() -> int:
    """Return how many solves run at once."""
    return os.cpu_count() or 1


def side_by_side(work: Callable[[int], T], number: int) -> list[T]:
    """Return work(0), ..., work(number - 1), in this order."""
    with ThreadPoolExecutor(processors()) as pool:
        return list(pool.map(work, range(number)))
