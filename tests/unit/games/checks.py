"""Independent verification of solutions: optimality conditions checked by other programmes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from cosim.games import Game

Floats = NDArray[np.float64]


def memberships(game: Game) -> Floats:
    masks = np.arange(1, game.grand)
    return (masks[:, None] >> np.arange(game.size) & 1).astype(float)


def is_nucleolus(game: Game, x: Floats, *, imputations: bool, tolerance: float) -> bool:
    """Kohlberg's criterion: at every level the coalitions with at least that excess balance.

    The collection balances when 1_N is a combination of its membership vectors with weights
    above 0, to which the players held at their stand-alone value may add weights of at least 0.
    """
    rows = memberships(game)
    excess = game.table()[1 : game.grand] - rows @ x
    held = np.eye(game.size)[np.abs(x - game.alone) <= tolerance] if imputations else None
    level = np.sort(excess)[::-1]
    starts = level[np.append(True, np.diff(level) < -tolerance)]
    for start in starts:
        chosen = rows[excess >= start - tolerance]
        if not balances(chosen, held):
            return False
        if np.linalg.matrix_rank(np.vstack([chosen, np.ones(game.size)])) == game.size:
            return True
    return True


def balances(chosen: Floats, held: Floats | None) -> bool:
    """max t such that chosen.T w + held.T u = 1, w >= t, u >= 0 is above 0."""
    n, extra = chosen.shape[1], np.zeros((0, chosen.shape[1])) if held is None else held
    columns = np.vstack([chosen, extra]).T
    count = len(chosen)
    cost = np.append(np.zeros(columns.shape[1]), -1.0)
    floor = np.column_stack([-np.eye(count), np.zeros((count, len(extra))), np.ones(count)])
    answer = linprog(
        cost,
        A_ub=floor,
        b_ub=np.zeros(count),
        A_eq=np.column_stack([columns, np.zeros(n)]),
        b_eq=np.ones(n),
        bounds=[(0, None)] * columns.shape[1] + [(None, 1)],
    )
    return bool(answer.status == 0 and -answer.fun > 1e-9)


def least_excess(game: Game) -> float:
    """Epsilon of the least core from one programme over all coalitions."""
    rows, n = memberships(game), game.size
    answer = linprog(
        np.append(np.zeros(n), 1.0),
        A_ub=-np.column_stack([rows, np.ones(len(rows))]),
        b_ub=-game.table()[1 : game.grand],
        A_eq=np.append(np.ones(n), 0.0)[None, :],
        b_eq=[game.total],
        bounds=[(None, None)] * (n + 1),
    )
    return float(answer.fun)


def nash_gap(game: Game, x: Floats, weights: Floats) -> float:
    """How much the linearised product can still grow within the core, 0 at the optimum.

    The weighted sum of logarithms is concave, so x is optimal over the core exactly where
    sum of weights * (y - x) / (x - v(i)) is at most 0 for every y in the core.
    """
    slope = weights / weights.sum() / (x - game.alone)
    answer = linprog(
        -slope,
        A_ub=-memberships(game),
        b_ub=-game.table()[1 : game.grand],
        A_eq=np.ones((1, game.size)),
        b_eq=[game.total],
        bounds=[(None, None)] * game.size,
    )
    return float(-answer.fun - slope @ x)
