"""A sliding window over futures: results in order, few in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

AHEAD = 2
"""Tasks in flight per worker: one that is worked on and one that waits."""


class Future(Protocol):
    """What joblib's and Dask's futures have in common."""

    def result(self) -> Any:
        """Wait for the task; raises what the task raised."""
        ...

    def cancel(self) -> Any:
        """Take the task back if it has not begun."""
        ...


def in_order(
    submit: Callable[[Any], Future], items: Iterable[Any], in_flight: int
) -> Iterator[Any]:
    """Yield the results of `submit(item)` in the order of the items.

    An item is only taken when fewer than `in_flight` tasks wait for being worked on or collected.
    Where the caller stops, or a task fails, those that have not begun are taken back.
    """
    waiting: deque[Future] = deque()
    try:
        for item in items:
            waiting.append(submit(item))
            if len(waiting) >= in_flight:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
