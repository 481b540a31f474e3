"""Seconds per stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from cosim.api.progress import Progress


class Stopwatch:
    """Collects wall seconds per stage and reports each stage as it begins."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, key: str, text: str) -> Iterator[None]:
        """Time a stage under `key`; `text` is what people see."""
        self._progress.stage(text)
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[key] = self.seconds.get(key, 0.0) + time.perf_counter() - began
