"""Better prices a few steps at a time: all switches stay but those of a window of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosim.market.highs import Clock, Handle
from cosim.market.leader.conditions import Canonical
from cosim.market.leader.kkt import SingleLevel
from cosim.market.leader.proof.side_by_side import processors, side_by_side
from cosim.market.leader.proof.steps import NO_STEP, Steps
from cosim.market.leader.respond import Responses
from cosim.market.leader.search import Best, neighbourhood
from cosim.market.leader.start import point_at_prices
from cosim.market.program import Bounds
from cosim.records.time import FloatArray, IntArray

WIDTH = 4
"""Steps of a window,"""
STRIDE = 2
"""and from one to the next."""
WINDOW_S = 1.5
"""Most seconds of a window."""
WORTHWHILE = 1e-6
"""Share of the profit from which on a better one is taken as the new start."""


@dataclass(frozen=True, slots=True)
class Windows:
    """A program whose switches are looked at again, window by window.

    Attributes:
        single: the game as one program.
        followers: in canonical form.
        steps: of the program's columns.
        responses: to try prices.
        best: where to start; better prices are taken over.
    """

    single: SingleLevel
    followers: tuple[Canonical, ...]
    steps: Steps
    responses: Responses
    best: Best

    def look(self, clock: Clock, until: float) -> None:
        """Look through all windows once, as many at a time as there are processors.

        Args:
            clock: of the whole solve.
            until: when to end, on the clock.
        """
        if self.best.prices is None:
            return
        program, at_once = self.single.program, processors()
        handles = [Handle(program, integer=True, threads=1, mip_gap=1e-4) for _ in range(at_once)]
        point = self._point()
        for group in self._groups(at_once):
            if point is None or clock.elapsed >= until:
                return
            inside = [_Window(self, handles[k], point, first) for k, first in enumerate(group)]
            before = self.best.profit
            for x in side_by_side(window.solve for window in inside):
                if x is not None:
                    self.best.offer(self.responses, x[self.single.prices], None)
            if self.best.profit > before + WORTHWHILE * abs(before):
                point = self._point()

    def _point(self) -> FloatArray | None:
        assert self.best.prices is not None
        return point_at_prices(self.single, self.followers, self.best.prices)

    @property
    def number(self) -> int:
        """How many steps there are."""
        return int(self.steps.label.max(initial=0)) + 1

    def _groups(self, at_once: int) -> Sequence[IntArray]:
        """Return the first steps of windows that are looked at together, far from each other."""
        first = np.arange(0, self.number, STRIDE)
        rows = -(-len(first) // at_once)
        return [first[k::rows] for k in range(rows)]


@dataclass(frozen=True, slots=True)
class _Window:
    all: Windows
    handle: Handle
    point: FloatArray
    first: int

    def solve(self) -> FloatArray | None:
        """Return the best point found with the other steps' switches as they are."""
        single, program = self.all.single, self.all.single.program
        window = (self.first + np.arange(WIDTH)) % self.all.number
        near = neighbourhood(single, self.all.followers, self.point)
        free = program.integer & np.isin(self.all.steps.label, [*window, NO_STEP])
        bounds = program.bounds
        self.handle.set_bounds(
            Bounds(
                np.where(free, bounds.col_lb, near.col_lb),
                np.where(free, bounds.col_ub, near.col_ub),
                near.row_lb,
                near.row_ub,
            )
        )
        self.handle.offer(self.point)
        found = self.handle.search(WINDOW_S)
        return None if found is None else found.x
