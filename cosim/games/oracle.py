"""Worst coalitions outside a span from an exact oracle that knows nothing of the span."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from cosim.errors import GameError
from cosim.games.game import Floats, Game
from cosim.games.span import Span, indicator

_BATCH = 48
_FIRST_NODES = 4
_MAX_NODES = 20_000
_MAX_TILTS = 60


@dataclass(frozen=True, slots=True)
class Blocking:
    """A coalition (bit mask) and its excess v(S) - x(S)."""

    mask: int
    excess: float


class OracleSearch:
    """Looks for the worst coalition outside the span in three ways, the quick ones first.

    1. Branching over a few nodes: usually the oracle's first answer is outside the span.
    2. Tilting: a coalition is outside the span where some null vector b of the settled
       coalitions has b(S) >= 1 or <= -1. The oracle at x - t b maximises e(S) + t b(S); less t
       that is an upper bound on e(S) over b(S) >= 1, and the best t is found on a line.
    3. Branching to the end, or to a limit, after which `exact` is False.
    """

    def __init__(self, game: Game) -> None:
        assert game.worst is not None
        self.exact = True
        self._game = game
        self._oracle = game.worst
        self._null: tuple[int, Floats] = (-1, np.zeros((0, game.size)))

    def worst(self, x: Floats, span: Span, above: float) -> list[Blocking]:
        """Coalitions outside the span with excess > above; empty where there is none.

        The first is the worst of all, unless it was tilting that found it.
        """
        found, done = self._branch(x, span, above, _FIRST_NODES * len(x))
        if done or found:
            return found
        found, done = self._tilt(x, span, above)
        if done or found:
            return found
        found, done = self._branch(x, span, above, _MAX_NODES)
        self.exact = self.exact and done
        return found

    def _branch(
        self, x: Floats, span: Span, above: float, limit: int
    ) -> tuple[list[Blocking], bool]:
        """Best-first branching; what was found, and whether it was searched to the end.

        The oracle's best coalition of a node bounds all of that node. Where the best one lies in
        the span, the node is divided by fixing players one after the other; players whose share
        is settled need no fixing, since they do not lead out of the span.
        """
        bits = [1 << int(i) for i in np.flatnonzero(~span.single())]
        seen: dict[int, float] = {}
        heap: list[tuple[float, int, int, int, int]] = []
        todo: Iterable[tuple[int, int, int]] = [(0, 0, 0)]
        nodes, done = 0, False
        while not done and nodes <= limit:
            for inside, outside, fixed in todo:
                nodes += 1
                mask, excess = self._ask(x, x, inside, outside)
                if excess > above:
                    seen[mask] = excess
                    heapq.heappush(heap, (-excess, mask, inside, outside, fixed))
            done = not heap or not span.holds(heap[0][1])
            if not done:
                _, mask, inside, outside, fixed = heapq.heappop(heap)
                todo = _divide(mask, inside, outside, fixed, bits)
        return _outside(seen, span), done

    def _tilt(self, x: Floats, span: Span, above: float) -> tuple[list[Blocking], bool]:
        """Try every null vector in both directions; stop at the first that shows a coalition."""
        if self._null[0] != span.rank:
            self._null = (span.rank, null_vectors(span.settled, len(x)))
        top, best = self._ask(x, x, 0, 0)
        done = True
        for vector in self._null[1]:
            for b in (vector, -vector):
                seen: dict[int, float] = {}
                bounded = self._bound(x, b, above, (top, best), seen)
                found = _outside(seen, span)
                if found:
                    return found, False
                done = done and bounded
        return [], done

    def _bound(
        self, x: Floats, b: Floats, above: float, top: tuple[int, float], seen: dict[int, float]
    ) -> bool:
        """Whether min over t >= 0 of max over S of e(S) + t (b(S) - 1) is at most `above`."""

        def line(mask: int, excess: float) -> tuple[float, float]:
            """Return e(S) and b(S) - 1, height and slope of a coalition's line over t."""
            return excess, float(indicator(mask, len(x)) @ b) - 1.0

        low, high = line(*top), None
        if low[1] >= 0:
            return low[0] <= above
        t = (low[0] - above) / -low[1]
        for _ in range(_MAX_TILTS):
            mask, excess = self._ask(x, x - t * b, 0, 0)
            if excess > above:
                seen[mask] = excess
            height, slope = line(mask, excess)
            if height + t * slope <= above:
                return True
            if slope >= 0:
                if high is not None and height + t * slope <= high[0] + t * high[1]:
                    return False
                high = height, slope
            else:
                low = height, slope
            t = 2 * t if high is None else (low[0] - high[0]) / (high[1] - low[1])
        return False

    def _ask(self, x: Floats, tilted: Floats, inside: int, outside: int) -> tuple[int, float]:
        """The oracle's coalition at the tilted shares, and its excess at the true ones."""
        game = self._game
        shares = dict(zip(game.players, tilted.tolist(), strict=True))
        mask = game.mask(self._oracle(shares, game.members(inside), game.members(outside)))
        if mask & inside != inside or mask & outside:
            raise GameError(
                f"oracle: answered {sorted(map(str, game.members(mask)))}; expected a coalition "
                f"with all of {sorted(map(str, game.members(inside)))} and nobody of "
                f"{sorted(map(str, game.members(outside)))}"
            )
        return mask, game.at(mask) - float(indicator(mask, len(x)) @ x)


def null_vectors(settled: list[int], players: int) -> Floats:
    """Integer vectors, as rows, that sum to 0 over every settled coalition and span all such.

    Exact elimination over fractions; a coalition lies outside the span of the settled ones
    exactly where one of the vectors sums to a whole number other than 0 over it.
    """
    rows: dict[int, list[Fraction]] = {}
    for mask in settled:
        row = [Fraction(mask >> i & 1) for i in range(players)]
        for pivot, other in rows.items():
            row = _less(row, row[pivot], other)
        lead = next((i for i, entry in enumerate(row) if entry), None)
        if lead is not None:
            row = [entry / row[lead] for entry in row]
            rows = {p: _less(other, other[lead], row) for p, other in rows.items()} | {lead: row}
    vectors = []
    for free in (i for i in range(players) if i not in rows):
        vector = [Fraction(int(i == free)) for i in range(players)]
        for pivot, row in rows.items():
            vector[pivot] = -row[free]
        factor = lcm(*(entry.denominator for entry in vector))
        vectors.append([float(entry * factor) for entry in vector])
    return np.array(vectors).reshape(-1, players)


def _less(row: list[Fraction], factor: Fraction, other: list[Fraction]) -> list[Fraction]:
    if not factor:
        return row
    return [a - factor * b if b else a for a, b in zip(row, other, strict=True)]


def _outside(seen: dict[int, float], span: Span) -> list[Blocking]:
    found = [Blocking(m, e) for m, e in seen.items() if not span.holds(m)]
    return sorted(found, key=lambda b: (-b.excess, b.mask))[:_BATCH]


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
