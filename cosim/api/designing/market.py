"""The market of a designed day as the loop uses it: binaries stay free, losses are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cosim.api.session import Physics
from cosim.coupling.handle import Effort
from cosim.market import Market
from cosim.records import Cut, CutKey, GridStates, LossLine, Schedule, read_only


@dataclass(frozen=True, slots=True)
class FreeMarket:
    """A market whose binaries are free in every round.

    A day of a few buildings is solved in a moment, and units that are just large enough leave
    little room: with on/off states of a round whose losses were wrong, the next one would leave
    demand unserved. Implements `cosim.coupling.handle.MarketHandle`.

    Attributes:
        market: what is solved.
    """

    market: Market

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
        return self.market.solve(
            members,
            operator=operator,
            frozen=frozen,
            start=start,
            duals=duals,
            effort="proven" if effort == "fixed" else effort,
        )

    def add_cuts(self, cuts: tuple[Cut, ...]) -> None:
        """Keep these cuts from now on."""
        self.market.add_cuts(cuts)

    def drop_cuts(self, keys: tuple[CutKey, ...]) -> None:
        """Forget these cuts."""
        self.market.drop_cuts(keys)

    def set_loss_lines(self, lines: tuple[LossLine, ...]) -> None:
        """Add tangents, replace exact lines."""
        self.market.set_loss_lines(lines)

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Every cut that is kept."""
        return self.market.cuts

    @property
    def loss_lines(self) -> tuple[LossLine, ...]:
        """Every loss line that is kept."""
        return self.market.loss_lines


def warm_lines(physics: Physics, grid: str) -> tuple[LossLine, ...]:
    """Return losses and pump electricity of a network that nobody uses, as a first guess.

    Args:
        physics: the networks, evaluated without participants.
        grid: the network of the laid pipes.
    """
    states = physics.alone.states[grid]
    if states.failures:
        return ()
    return tuple(
        _constant(states, kind, values)
        for kind, values in (("loss", states.loss_kw), ("auxiliary", states.auxiliary_kw))
    )


def _constant(states: GridStates, kind: str, values: np.ndarray) -> LossLine:
    entry = states.injections
    nothing = read_only(np.zeros(entry.p_kw.shape))
    return LossLine(
        grid=states.grid,
        kind="loss" if kind == "loss" else "auxiliary",
        iteration=0,
        steps=entry.steps,
        terminals=entry.terminals,
        constant_kw=values,
        coef_p=nothing,
        coef_q=nothing,
        exact=True,
    )
