"""Finding the coalitions with the largest excess: by table, by an exact oracle, or by trying."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cosim.errors import GameError
from cosim.games.game import MAX_TABLE_PLAYERS, Floats, Game
from cosim.games.span import Span, indicator, subset_sums

_BATCH = 48
_MAX_NODES = 20_000
_STARTS = 12
_SEED = 20250701


@dataclass(frozen=True, slots=True)
class Blocking:
    """A coalition (bit mask) and its excess v(S) - x(S)."""

    mask: int
    excess: float


class Search(Protocol):
    """Finds coalitions outside a span whose excess at x lies above a bound.

    `exact` is True while the worst coalition is known to be among those found.
    """

    exact: bool

    def worst(self, x: Floats, span: Span, above: float) -> list[Blocking]:
        """Coalitions with excess > above, the worst first; empty where there is none."""
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


class OracleSearch:
    """Best-first branching over the game's oracle.

    The oracle's best coalition of a node is a bound for all coalitions of that node. Where the
    best one lies in the span, the node is divided by fixing players one after the other, those
    with an unsettled share first; a node that can only hold coalitions of the span is dropped.
    """

    def __init__(self, game: Game) -> None:
        assert game.worst is not None
        self.exact = True
        self._game = game
        self._oracle = game.worst

    def worst(self, x: Floats, span: Span, above: float) -> list[Blocking]:
        """Coalitions with excess > above, the worst first."""
        shares = dict(zip(self._game.players, x.tolist(), strict=True))
        undecided = np.flatnonzero(~span.single())
        seen: dict[int, float] = {}
        heap: list[tuple[float, int, int, int, int]] = []
        nodes = 0
        todo: Iterable[tuple[int, int, int]] = [(0, 0, 0)]
        while True:
            for inside, outside, fixed in todo:
                nodes += 1
                mask = self._ask(shares, inside, outside)
                excess = self._game.at(mask) - float(indicator(mask, len(x)) @ x)
                if excess > above:
                    seen[mask] = excess
                    heapq.heappush(heap, (-excess, mask, inside, outside, fixed))
            if nodes > _MAX_NODES:
                self.exact = False
            if not heap or not self.exact or not span.holds(heap[0][1]):
                break
            _, mask, inside, outside, fixed = heapq.heappop(heap)
            todo = _divide(mask, inside, outside, fixed, [1 << int(i) for i in undecided])
        found = [Blocking(m, e) for m, e in seen.items() if not span.holds(m)]
        return sorted(found, key=lambda b: (-b.excess, b.mask))[:_BATCH]

    def _ask(self, shares: dict[object, float], inside: int, outside: int) -> int:
        game = self._game
        mask = game.mask(self._oracle(shares, game.members(inside), game.members(outside)))
        if mask & inside != inside or mask & outside:
            raise GameError(
                f"oracle: answered {sorted(map(str, game.members(mask)))}; expected a coalition "
                f"with all of {sorted(map(str, game.members(inside)))} and nobody of "
                f"{sorted(map(str, game.members(outside)))}"
            )
        return mask


def _divide(
    mask: int, inside: int, outside: int, fixed: int, bits: list[int]
) -> Iterator[tuple[int, int, int]]:
    """Divide a node, without its best coalition, into nodes (inside, outside, players fixed)."""
    for position in range(fixed, len(bits)):
        bit = bits[position]
        if mask & bit:
            yield inside, outside | bit, position + 1
            inside |= bit
        else:
            yield inside | bit, outside, position + 1
            outside |= bit


class LocalSearch:
    """Adds and drops single players from many starting coalitions; finds no proof."""

    exact = False

    def __init__(self, game: Game) -> None:
        self._game = game
        self._rng = np.random.default_rng(_SEED)
        self._last: list[int] = []

    def worst(self, x: Floats, span: Span, above: float) -> list[Blocking]:
        """Coalitions with excess > above, the worst of those tried first."""
        game, n = self._game, self._game.size
        random = (self._rng.random((_STARTS, n)) < 0.5).tolist()
        starts = [sum(1 << i for i, member in enumerate(row) if member) for row in random]
        starts += [1 << i for i in range(n)] + [game.grand ^ (1 << i) for i in range(n)]
        best: dict[int, float] = {}
        for start in [*self._last, *self._rng.permutation(np.array(starts, dtype=object))]:
            mask, excess = self._climb(int(start), x)
            for near in [mask, *(mask ^ (1 << i) for i in range(n))]:
                worth = excess if near == mask else self._excess(near, x)
                if worth > above and not span.holds(near):
                    best[near] = worth
                    break
        found = [Blocking(m, e) for m, e in best.items()]
        found = sorted(found, key=lambda b: (-b.excess, b.mask))[:_BATCH]
        self._last = [b.mask for b in found[:_STARTS]] or self._last
        return found

    def _excess(self, mask: int, x: Floats) -> float:
        return self._game.at(mask) - float(indicator(mask, len(x)) @ x)

    def _climb(self, mask: int, x: Floats) -> tuple[int, float]:
        """Flip the player that gains most until none gains."""
        excess = self._excess(mask, x)
        while True:
            near = [mask ^ (1 << i) for i in range(len(x))]
            worth = [self._excess(m, x) for m in near]
            top = int(np.argmax(worth))
            if worth[top] <= excess + 1e-12 * max(1.0, abs(excess)):
                return mask, excess
            mask, excess = near[top], worth[top]
