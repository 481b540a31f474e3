"""Tasks one after the other in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any


class Here:
    """Works in this process; nothing is started, nothing is copied."""

    workers = 1

    def map(
        self, function: Callable[..., Any], items: Iterable[Any], *, shared: Any = None
    ) -> Iterator[Any]:
        """Yield results one by one; see `Tasks.map`."""
        for item in items:
            yield function(item) if shared is None else function(shared, item)

    def __enter__(self) -> Here:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing."""
