"""How a run tells what it is doing; the command line prints it, libraries ignore it."""

from __future__ import annotations

from typing import Protocol

from cosim.coupling import Iteration


class Progress(Protocol):
    """Receiver of progress."""

    def stage(self, name: str) -> None:
        """Take note that a stage begins."""
        ...

    def iteration(self, entry: Iteration) -> None:
        """Take note of a finished round of the loop."""
        ...

    def count(self, done: int, total: int) -> None:
        """Take note of counted work inside the stage."""
        ...


class Silent:
    """Progress that nobody looks at."""

    def stage(self, name: str) -> None:
        """Ignore."""

    def iteration(self, entry: Iteration) -> None:
        """Ignore."""

    def count(self, done: int, total: int) -> None:
        """Ignore."""
