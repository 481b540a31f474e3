"""Which coalitions have an excess that is settled already: a linear subspace and its complement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.games.game import Floats

ZERO = 1e-7
"""Component of a membership vector outside the span that counts as none."""


class Span:
    """Span of the membership vectors of settled coalitions, starting with the grand coalition.

    A coalition whose membership vector lies in the span has the same excess at every allocation
    that is left, so it plays no further part. Only the orthonormal basis of the complement is
    kept, as rows of `free`, and the independent coalitions themselves, as `settled`.
    """

    def __init__(self, players: int) -> None:
        self.free: Floats = np.eye(players)
        self.settled: list[int] = []
        self.add((1 << players) - 1)

    @property
    def rank(self) -> int:
        """Number of independent coalitions settled."""
        return len(self.settled)

    @property
    def complete(self) -> bool:
        """Whether a single allocation is left."""
        return len(self.free) == 0

    def holds(self, mask: int) -> bool:
        """Whether the coalition lies in the span."""
        return self._inside(self.free @ indicator(mask, self.free.shape[1]))

    def add(self, mask: int) -> bool:
        """Settle a coalition; False where it was in the span before."""
        part = self.free @ indicator(mask, self.free.shape[1])
        if self._inside(part):
            return False
        direction = (part / np.linalg.norm(part))[None, :]
        _, _, rotation = np.linalg.svd(direction, full_matrices=True)
        self.free = rotation[1:] @ self.free
        self.settled.append(mask)
        return True

    def single(self) -> NDArray[np.bool_]:
        """Players whose own share is settled."""
        return np.asarray((np.abs(self.free) <= ZERO).all(axis=0), dtype=np.bool_)

    def outside(self) -> NDArray[np.bool_]:
        """For every bit mask, whether the coalition lies outside the span."""
        outside = np.zeros(1 << self.free.shape[1], dtype=bool)
        for row in self.free:
            outside |= np.abs(subset_sums(row)) > ZERO
        return outside

    @staticmethod
    def _inside(part: Floats) -> bool:
        return bool((np.abs(part) <= ZERO).all())


def indicator(mask: int, players: int) -> Floats:
    """Membership vector of a coalition: 1.0 for members, 0.0 for the others."""
    return np.array([mask >> i & 1 for i in range(players)], dtype=float)


def subset_sums(x: Floats) -> Floats:
    """x(S), the sum of x over the members of S, for all 2^n bit masks."""
    sums = np.zeros(1)
    for share in x:
        sums = np.concatenate([sums, sums + share])
    return sums
