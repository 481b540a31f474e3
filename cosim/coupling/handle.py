"""What the loop needs of a market."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from cosim.records import Cut, CutKey, LossLine, Schedule

Effort = Literal["fixed", "rounded", "proven"]
"""How hard a market searches for binaries: keep the start's, round a relaxation, or prove."""


class MarketHandle(Protocol):
    """What the loop needs of a market."""

    def solve(
        self,
        members: frozenset[str],
        *,
        operator: bool = True,
        frozen: Mapping[str, Schedule] | None = None,
        start: Schedule | None = None,
        duals: bool = False,
        effort: Effort = "proven",
    ) -> Schedule:
        """Solve with the given participants sharing."""
        ...

    def add_cuts(self, cuts: tuple[Cut, ...]) -> None:
        """Keep these cuts from now on."""
        ...

    def drop_cuts(self, keys: tuple[CutKey, ...]) -> None:
        """Forget these cuts."""
        ...

    def set_loss_lines(self, lines: tuple[LossLine, ...]) -> None:
        """Add tangents, replace exact lines."""
        ...

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Every cut that is kept."""
        ...

    @property
    def loss_lines(self) -> tuple[LossLine, ...]:
        """Every loss line that is kept."""
        ...
