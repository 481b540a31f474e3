"""Finding the coalitions with the largest excess: by table, by an exact oracle, or by trying."""

from __future__ import annotations

import heapq
from typing import Protocol

import numpy as np

from cosim.games.game import MAX_TABLE_PLAYERS, Floats, Game
from cosim.games.oracle import Blocking, OracleSearch
from cosim.games.span import ZERO as SPAN_ZERO
from cosim.games.span import Span, indicator, subset_sums

_BATCH = 48
_STARTS = 12
_LIKELY = 40
_PAIRED = 3
_SEED = 20250701


class Search(Protocol):
    """Finds coalitions outside a span whose excess at x lies above a bound.

    `exact` is True while an empty answer has been a proof that there is no such coalition.
    """

    exact: bool

    def worst(self, x: Floats, span: Span, above: float) -> list[Blocking]:
        """Coalitions with excess > above; empty where there is none, as far as is known."""
        ...


def search_for(game: Game) -> Search:
    """The fitting search: the table where it is small or known, else the oracle, else trying."""
    if game.worst is not None and not game.complete:
        return OracleSearch(game)
    return TableSearch(game) if game.size <= MAX_TABLE_PLAYERS else LocalSearch(game)


class TableSearch:
    """Looks at all coalitions."""

    exact = True

    def __init__(self, game: Game) -> None:
        self._values = game.table()
        self._rank = -1
        self._candidates = np.zeros(0, dtype=np.int64)

    def worst(self, x: Floats, span: Span, above: float) -> list[Blocking]:
        """Coalitions with excess > above, the worst first."""
        if span.rank != self._rank:
            self._rank = span.rank
            self._candidates = np.flatnonzero(span.outside())
        excess = (self._values - subset_sums(x))[self._candidates]
        found = np.flatnonzero(excess > above)
        if len(found) > _BATCH:
            found = found[np.argpartition(-excess[found], _BATCH)[:_BATCH]]
        found = found[np.argsort(-excess[found], kind="stable")]
        masks = self._candidates[found]
        return [Blocking(int(m), float(e)) for m, e in zip(masks, excess[found], strict=True)]


class LocalSearch:
    """Adds and drops single players from many starting coalitions; finds no proof.

    Only coalitions outside the span are visited. Where no start finds anything, the best local
    maxima are tried again with two players flipped at once.
    """

    exact = False

    def __init__(self, game: Game) -> None:
        self._game = game
        self._alone = game.alone
        self._rng = np.random.default_rng(_SEED)
        self._last: list[int] = []

    def worst(self, x: Floats, span: Span, above: float) -> list[Blocking]:
        """Coalitions with excess > above, the worst of those tried first."""
        tops: dict[int, float] = {}
        for start in [*self._last, *self._starts(x)]:
            top = self._climb(start, x, span)
            tops[top.mask] = top.excess
        if max(tops.values()) <= above:
            for mask in heapq.nlargest(_PAIRED, tops, key=lambda m: tops[m]):
                top = self._climb(self._flip_two(mask, x, span), x, span)
                tops[top.mask] = top.excess
        found = [Blocking(m, e) for m, e in tops.items() if e > above]
        found = sorted(found, key=lambda b: (-b.excess, b.mask))[:_BATCH]
        self._last = [b.mask for b in found[:_STARTS]] or self._last
        return found

    def _starts(self, x: Floats) -> list[int]:
        """Random coalitions, and the most promising ones of those that suggest themselves.

        These are single players, all but one, and the first k and all but the first k players
        in the order of their shares, of their stand-alone values and of their gains.
        """
        n, grand, rng = len(x), self._game.grand, self._rng
        random = (rng.random((_STARTS, n)) < rng.random((_STARTS, 1))).tolist()
        chosen = [sum(1 << i for i, member in enumerate(row) if member) for row in random]
        likely = {1 << i for i in range(n)} | {grand ^ (1 << i) for i in range(n)}
        for key in (x, self._alone, x - self._alone):
            first = 0
            for i in np.argsort(key, kind="stable")[:-1]:
                first |= 1 << int(i)
                likely |= {first, grand ^ first}
        worth = {mask: self._game.at(mask) - float(indicator(mask, n) @ x) for mask in likely}
        return chosen + heapq.nlargest(_LIKELY, sorted(worth), key=lambda mask: worth[mask])

    def _climb(self, mask: int, x: Floats, span: Span) -> Blocking:
        """Flip the player that gains most, outside the span, until none gains."""
        n = len(x)
        sign = 1.0 - 2.0 * indicator(mask, n)
        share = float((1.0 - sign) @ x) / 2
        part = span.free @ ((1.0 - sign) / 2)
        excess = -float("inf") if span.holds(mask) else self._game.at(mask) - share
        while True:
            values = np.array([self._game.at(mask ^ (1 << i)) for i in range(n)])
            worth = values - share - sign * x
            outside = (np.abs(part[:, None] + span.free * sign) > SPAN_ZERO).any(axis=0)
            worth[~outside] = -float("inf")
            top = int(np.argmax(worth))
            if worth[top] <= excess + 1e-12 * max(1.0, abs(share)):
                return Blocking(mask, excess)
            mask, excess = mask ^ (1 << top), float(worth[top])
            share += sign[top] * x[top]
            part = part + span.free[:, top] * sign[top]
            sign[top] = -sign[top]

    def _flip_two(self, mask: int, x: Floats, span: Span) -> int:
        """The best coalition outside the span that differs by two players."""
        n = len(x)
        best, top = -float("inf"), mask
        for i in range(n):
            for j in range(i):
                near = mask ^ (1 << i) ^ (1 << j)
                excess = self._game.at(near) - float(indicator(near, n) @ x)
                if excess > best and not span.holds(near):
                    best, top = excess, near
        return top
