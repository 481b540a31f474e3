"""Successive linear programmes over excesses, with coalitions generated as they are needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from cosim.errors import GameError
from cosim.games.game import Floats, Game
from cosim.games.oracle import Blocking
from cosim.games.search import Search, search_for
from cosim.games.span import Span, indicator, subset_sums

TOLERANCE = 1e-9
"""Excess, relative to the size of the 0-normalised game, below which nothing is improved."""

_DUAL = 1e-6
_NOTHING = 1e-12
_ROUNDS = 2000


@dataclass(frozen=True, slots=True)
class Stage:
    """Optimum of one linear programme.

    Attributes:
        epsilon: largest excess over the coalitions that are not settled, 0-normalised units.
        x: an optimal allocation, 0-normalised units.
        binding: coalitions whose excess is epsilon at every optimal allocation.
        at_zero: players whose share is 0 at every optimal allocation (lower bound binds).
    """

    epsilon: float
    x: Floats
    binding: tuple[int, ...]
    at_zero: tuple[int, ...]


class Minimax:
    """Minimise the largest excess, settle what has no choice left, and go on.

    Works on the game w(S) = (v(S) - sum of v({i}) in S) / unit, in which every player alone
    has the value 0 and numbers are of the size of 1; allocations translate back by `shares`.

    Args:
        game: the game.
        lower: whether every player gets at least its stand-alone value (imputations only).
    """

    def __init__(self, game: Game, *, lower: bool) -> None:
        self.game = game
        self.alone = game.alone
        self.lower = lower
        self.search: Search = search_for(game)
        self.unit = _unit(game, self.alone)
        surplus = (game.total - float(self.alone.sum())) / self.unit
        self.total = max(surplus, 0.0) if lower else surplus
        self.span = Span(game.size)
        self.pool: dict[int, float] = {}
        self._rows = [np.ones(game.size)]
        self._sides = [self.total]
        self.lps = 0
        for i in range(game.size):
            self._pool(1 << i)
            self._pool(game.grand ^ (1 << i))

    @property
    def equalities(self) -> tuple[Floats, Floats]:
        """Rows and right-hand sides that settled coalitions impose on the shares."""
        return np.array(self._rows), np.array(self._sides)

    def shares(self, x: Floats) -> Floats:
        """Allocation in the unit of the game."""
        return np.asarray(
            self.alone + self.unit * np.where(np.abs(x) <= _NOTHING, 0.0, x), dtype=np.float64
        )

    def open_rows(self) -> tuple[Floats, Floats, list[int]]:
        """Membership, 0-normalised value and mask of pooled coalitions that are not settled."""
        masks = [mask for mask in self.pool if not self.span.holds(mask)]
        rows = np.array([indicator(mask, self.game.size) for mask in masks])
        return rows.reshape(-1, self.game.size), np.array([self.pool[m] for m in masks]), masks

    def generate(self, x: Floats, above: float) -> list[Blocking]:
        """Put coalitions with an excess above the bound at x into the pool; return the new ones."""
        found = self.search.worst(self.shares(x), self.span, self.unit * (above + TOLERANCE))
        new = [b for b in found if b.mask not in self.pool]
        for blocking in new:
            self._pool(blocking.mask)
        return new

    def stage(self) -> Stage:
        """Solve the current programme to the worst coalition there is."""
        for _ in range(_ROUNDS):
            solved = self._solve()
            if not self.generate(solved.x, solved.epsilon):
                return solved
        raise GameError(f"nucleolus: coalitions still violated after {_ROUNDS} rounds")

    def settle(self, stage: Stage, epsilon: float | None = None) -> None:
        """Fix the excess of the binding coalitions (at the stage's epsilon, or the one given)."""
        level = stage.epsilon if epsilon is None else epsilon
        before = self.span.rank
        for mask in stage.binding:
            self._settle(mask, self.pool[mask] - level)
        for i in stage.at_zero:
            self._settle(1 << i, 0.0)
        if self.span.rank == before:
            raise GameError("nucleolus: no coalition could be settled; the values are too noisy")

    def solution(self) -> Floats:
        """The one allocation that the settled coalitions leave, 0-normalised."""
        rows, sides = self.equalities
        return np.asarray(np.linalg.lstsq(rows, sides, rcond=None)[0], dtype=np.float64)

    def _pool(self, mask: int) -> None:
        if mask not in (0, self.game.grand):
            own = float(indicator(mask, self.game.size) @ self.alone)
            self.pool[mask] = (self.game.at(mask) - own) / self.unit

    def _settle(self, mask: int, side: float) -> None:
        if self.span.add(mask):
            self._rows.append(indicator(mask, self.game.size))
            self._sides.append(side)

    def _solve(self) -> Stage:
        """Solve min epsilon such that x(S) + epsilon >= w(S) on the pool and the settled rows."""
        n, (rows, worth, masks) = self.game.size, self.open_rows()
        fixed, sides = self.equalities
        decided = self.span.single()
        floor = [0.0 if self.lower and not decided[i] else None for i in range(n)]
        self.lps += 1
        answer = linprog(
            np.append(np.zeros(n), 1.0),
            A_ub=-np.column_stack([rows, np.ones(len(rows))]),
            b_ub=-worth,
            A_eq=np.column_stack([fixed, np.zeros(len(fixed))]),
            b_eq=sides,
            bounds=[*((low, None) for low in floor), (None, None)],
            method="highs-ds",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if answer.status != 0:
            raise GameError(f"linear programme over excesses: {answer.message}")
        binding = np.flatnonzero(-answer.ineqlin.marginals > _DUAL)
        at_zero = np.flatnonzero(answer.lower.marginals[:n] > _DUAL)
        return Stage(
            float(answer.x[n]),
            np.asarray(answer.x[:n], dtype=np.float64),
            tuple(masks[k] for k in binding),
            tuple(int(i) for i in at_zero),
        )


def _unit(game: Game, alone: Floats) -> float:
    """Largest 0-normalised value among the coalitions at hand; 1 where all are 0."""
    if game.complete:
        worth = game.table() - subset_sums(alone)
    else:
        surplus = game.total - float(alone.sum())
        worth = np.append(game.without - (alone.sum() - alone), surplus)
    size = float(np.abs(worth).max())
    return size if size > 0 else 1.0
