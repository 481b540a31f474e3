"""Which step every column of the single program belongs to, and which columns several steps share.

Prices belong to steps; what trades at them does too, and so on along the short rows. Rows that
reach over many steps (a sum over the day) tie the steps together, and so do columns that stand in
rows of two steps (a storage level). The labels only decide how well the game falls apart: whatever
they are, what is concluded from the parts stays valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cosim.market.leader.conditions import Canonical
from cosim.market.leader.kkt import SingleLevel
from cosim.market.leader.places import FollowerColumns
from cosim.market.leader.problem import LeaderProblem
from cosim.market.program import BoolArray
from cosim.records.time import IntArray

NO_STEP = -1
"""Label of columns that belong to no step."""
FEWEST_STEPS = 6
"""Games of fewer steps are not taken apart."""
SHORT_FIRST = (3, 6, 12)
"""Rows of so many entries hand labels on first, in this order; then all that are short."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The step of every column of the single program.

    Attributes:
        label: `NO_STEP` where there is none, shape (n,).
        shared: columns that parts get copies of, shape (n,).
    """

    label: IntArray
    shared: BoolArray


def steps_of(
    game: LeaderProblem, followers: Sequence[Canonical], single: SingleLevel
) -> Steps | None:
    """Return the steps of a game's columns; None where its prices are not those of steps."""
    if game.price_step is None or len(np.unique(game.price_step)) < FEWEST_STEPS:
        return None
    most = len(np.unique(game.price_step)) - 1
    label = np.full(single.program.n, NO_STEP)
    label[single.prices] = game.price_step
    x, responses = _of_decisions(game, followers, most)
    label[single.x] = x
    spread = np.zeros(single.program.n, dtype=bool)
    for one, at, y in zip(followers, single.followers, responses, strict=True):
        rows, wide = _of_rows(one, y, most)
        _label_conditions(label, at, y, rows)
        spread[at.row_dual] = wide
    return Steps(label, spread | _astride(single, label, spread, most))


def _of_decisions(
    game: LeaderProblem, followers: Sequence[Canonical], most: int
) -> tuple[IntArray, list[IntArray]]:
    """Return the steps of the leader's columns and of every follower's."""
    assert game.price_step is not None
    n = [game.leader.n, *(one.n for one in followers)]
    label = np.full(sum(n), NO_STEP)
    ends = np.cumsum(n)
    for one, start in zip(followers, ends, strict=False):
        priced = sparse.coo_array(one.follower.priced)
        label[start + priced.col] = game.price_step[priced.row]
    plant = [game.leader.matrix, *(one.follower.to_leader for one in followers)]
    own = [[None] * len(n) for _ in followers]
    blocks: list[list[sparse.sparray | None]] = [list(plant), *own]
    for k, one in enumerate(followers):
        blocks[k + 1][k + 1] = one.matrix
    rows = sparse.csr_array(sparse.block_array(blocks, format="csr"))
    size = np.diff(rows.indptr)
    for longest in (*SHORT_FIRST, most):
        _hand_on(sparse.csr_array(rows[np.flatnonzero(size <= min(longest, most))]), label)
    x, *y = np.split(label, ends[:-1])
    return x, y


def _hand_on(rows: sparse.csr_array, label: IntArray) -> None:
    """Label the columns of rows whose labelled columns all agree, until nothing changes."""
    coo = sparse.coo_array(rows)
    while True:
        low, high = ends_of_rows(coo, label, label != NO_STEP)
        agreed = low == high
        open_ = agreed[coo.row] & (label[coo.col] == NO_STEP)
        if not open_.any():
            return
        found = np.full(len(label), np.iinfo(label.dtype).max)
        np.minimum.at(found, coo.col[open_], low[coo.row[open_]])
        at = coo.col[open_]
        label[at] = found[at]


def ends_of_rows(
    coo: sparse.coo_array, label: IntArray, counted: BoolArray
) -> tuple[IntArray, IntArray]:
    """Return the least and the greatest label of every row; least above greatest without any.

    Args:
        coo: the rows.
        label: of every column.
        counted: columns that are looked at, shape as `label`.
    """
    ends = np.iinfo(label.dtype)
    low, high = np.full(coo.shape[0], ends.max), np.full(coo.shape[0], ends.min)
    at = counted[coo.col] & (coo.data != 0.0)
    np.minimum.at(low, coo.row[at], label[coo.col[at]])
    np.maximum.at(high, coo.row[at], label[coo.col[at]])
    return low, high


def _of_rows(one: Canonical, y: IntArray, most: int) -> tuple[IntArray, BoolArray]:
    """Return the step of every row's multiplier, and whether the row reaches over many steps."""
    coo = sparse.coo_array(one.matrix)
    low, high = ends_of_rows(coo, y, y != NO_STEP)
    wide = (np.diff(one.matrix.indptr) > most) & (low < high)
    return np.where(wide | (low > high), NO_STEP, _commonest(coo, y)), wide


def _commonest(coo: sparse.coo_array, label: IntArray) -> IntArray:
    """Return the step that most of a row's columns have, the earliest of several."""
    known = label[coo.col] != NO_STEP
    steps = int(label.max(initial=0)) + 1
    count = sparse.csr_array(
        (np.ones(int(known.sum())), (coo.row[known], label[coo.col[known]])),
        shape=(coo.shape[0], steps),
    )
    return np.asarray(count.toarray().argmax(axis=1))


def _label_conditions(label: IntArray, at: FollowerColumns, y: IntArray, rows: IntArray) -> None:
    label[at.y], label[at.row_dual] = y, rows
    label[at.low_dual], label[at.high_dual] = y[at.low_at], y[at.high_at]
    label[at.low_switch], label[at.high_switch] = y[at.low_at], y[at.high_at]
    label[at.row_switch] = rows[at.row_at]
    label[at.product] = y[at.binary_at]


def _astride(single: SingleLevel, label: IntArray, spread: BoolArray, most: int) -> BoolArray:
    """Return the columns that a short row has from another step than most of its columns."""
    matrix = single.program.matrix
    coo = sparse.coo_array(matrix)
    used = np.where(spread, NO_STEP, label)
    low, high = ends_of_rows(coo, used, used != NO_STEP)
    home = _commonest(coo, used)
    split = (low < high) & (np.diff(matrix.indptr) <= most)
    away = split[coo.row] & (used[coo.col] != NO_STEP) & (used[coo.col] != home[coo.row])
    found = np.zeros(single.program.n, dtype=bool)
    found[coo.col[away]] = True
    return found & ~single.program.integer
