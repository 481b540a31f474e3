"""Pairs that must not both be positive: relaxed, checked, given binaries only where that fails."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cosim.market.compile import Compiled
from cosim.market.extras import Extra
from cosim.market.layout import TradeColumns
from cosim.market.tariffs import Prices
from cosim.records import read_only
from cosim.records.names import NETWORK
from cosim.records.time import FloatArray, IntArray

TOLERANCE_KW = 1e-3
"""Both sides above this count as simultaneous."""


@dataclass(frozen=True, slots=True)
class PairKey:
    """Binaries of one pair at some steps."""

    pair: Hashable
    steps: tuple[int, ...]


def failing_pairs(compiled: Compiled, x: FloatArray, known: Iterable[Extra] = ()) -> list[Extra]:
    """Return binaries for every pair, at the steps where both sides are positive at x.

    A pair that has some already moves from step to step (a store that gets rid of heat by its
    losses, say) and is given them at all other steps.

    Device pairs come from their ports. Buying and selling are a pair where the utility pays more
    than it charges; elsewhere doing both is never worth it and is netted in the schedule. Where
    participants have tariffs of their own, what is bought may not be passed on, nor what is taken
    be sold, at steps where that would pay; see `_rewarded`.

    `first`: a[t] <= a_max z[t]; `second`: b[t] <= b_max (1 - z[t]); z binary.
    """
    before: dict[Hashable, set[int]] = {}
    for extra in known:
        if isinstance(extra.key, PairKey):
            before.setdefault(extra.key.pair, set()).update(extra.key.steps)
    found = []
    for key, first, second in _pairs(compiled):
        a, b = first @ x[: first.shape[1]], second @ x[: second.shape[1]]
        steps = np.flatnonzero(np.minimum(a, b) > TOLERANCE_KW)
        if len(steps) and key in before:
            fresh = np.setdiff1d(np.arange(len(a)), list(before[key]))
            steps = fresh if len(fresh) else steps
        if len(steps):
            found.append(_binaries(compiled, key, first[steps], second[steps], steps))
    return found


def _pairs(compiled: Compiled) -> Iterator[tuple[Hashable, sparse.csr_array, sparse.csr_array]]:
    groups = compiled.exclusive
    for k, label in enumerate(groups.labels):
        begin, end = int(groups.starts[k]), int(groups.starts[k + 1])
        middle = (begin + end) // 2
        yield label, groups.matrix[begin:middle], groups.matrix[middle:end]
    n, layout = compiled.program.n, compiled.layout
    for (party, carrier), trade in layout.trades.items():
        if party == NETWORK:
            continue
        others = [
            one.prices
            for (name, of), one in layout.trades.items()
            if of == carrier and name not in (party, NETWORK)
        ]
        for word, steps, first, second in _rewarded(trade, others):
            if len(steps):
                key = (party, carrier, word) if word else (party, carrier)
                yield key, _pick(first[steps], n), _pick(second[steps], n)


def _rewarded(
    trade: TradeColumns, others: Sequence[Prices]
) -> Iterator[tuple[str, IntArray, IntArray, IntArray]]:
    """Yield what would pay at once at some steps: name, steps, columns in and columns out.

    `resale`: what others give is sold to the utility where it pays more than some other one pays;
    `passing_on`: what is bought is given to others where some other one pays or earns more.
    """
    own = trade.prices
    if own.sell is not None and len(trade.sell):
        yield "", np.flatnonzero(own.sell > own.paid), trade.buy, trade.sell
    if not len(trade.share_in) or not others:
        return
    if own.sell is not None and len(trade.sell):
        least = np.min([prices.paid for prices in others], axis=0)
        yield "resale", np.flatnonzero(own.sell > least), trade.share_in, trade.sell
    most = np.max(
        [p.paid if p.sell is None else np.maximum(p.paid, p.sell) for p in others], axis=0
    )
    yield "passing_on", np.flatnonzero(own.paid < most), trade.buy, trade.share_out


def _pick(columns: IntArray, n: int) -> sparse.csr_array:
    rows = np.arange(len(columns))
    return sparse.csr_array((np.ones(len(columns)), (rows, columns)), shape=(len(columns), n))


def _binaries(
    compiled: Compiled,
    key: Hashable,
    first: sparse.csr_array,
    second: sparse.csr_array,
    steps: IntArray,
) -> Extra:
    """Return binaries that let one of two flows be above 0 at each of the steps."""
    n, count = compiled.program.n, len(steps)
    most_a, most_b = _largest(compiled, first), _largest(compiled, second)
    starts, columns, values = [0], [], []
    for matrix, most, sign in ((first, most_a, -1.0), (second, most_b, 1.0)):
        for row in range(count):
            inside = slice(matrix.indptr[row], matrix.indptr[row + 1])
            columns += [*matrix.indices[inside], n + row]
            values += [*matrix.data[inside], sign * most[row]]
            starts.append(len(columns))
    return Extra(
        key=PairKey(key, tuple(int(step) for step in steps)),
        starts=read_only(starts, np.int64),
        columns=read_only(columns, np.int64),
        values=read_only(values),
        row_lb=read_only(np.full(2 * count, -np.inf)),
        row_ub=read_only(np.concatenate([np.zeros(count), most_b])),
        col_ub=read_only(np.ones(count)),
        col_cost=read_only(np.zeros(count)),
        integer=True,
    )


def _largest(compiled: Compiled, matrix: sparse.csr_array) -> FloatArray:
    """Return the largest value that each row can take within the columns' bounds."""
    positive, negative = matrix.maximum(0.0), matrix.minimum(0.0)
    bounds = compiled.program.bounds
    result: FloatArray = positive @ bounds.col_ub + negative @ bounds.col_lb
    return result
