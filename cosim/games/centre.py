"""The point of a polytope where a weighted sum of logarithms of shares is largest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.games.game import Floats

_MU_END = 1e-15
_MU_FACTOR = 0.15
_NEWTON = 40
_TO_BOUNDARY = 0.995
_ARMIJO = 1e-4
_SMALLEST_STEP = 1e-12


@dataclass(frozen=True, slots=True)
class LogProblem:
    """max sum of weights * log(x) over x = start + directions @ u with rows @ x >= sides.

    Attributes:
        weights: one per player; a player with weight 0 takes no part in the sum.
        start: an allocation with x > 0 where the weight is above 0, and rows @ x > sides.
        directions: orthonormal columns, the directions in which the allocation may move.
        rows: one inequality per row.
        sides: right-hand sides of the inequalities.
    """

    weights: Floats
    start: Floats
    directions: Floats
    rows: Floats
    sides: Floats

    def merit(self, x: Floats, mu: float) -> float:
        """Objective, to be minimised, with the logarithmic barrier of the inequalities."""
        part = self.weights > 0
        slack = self.rows @ x - self.sides
        if (x[part] <= 0).any() or (slack <= 0).any():
            return float("inf")
        return float(-self.weights[part] @ np.log(x[part]) - mu * np.log(slack).sum())


def log_centre(problem: LogProblem) -> Floats:
    """Solve the problem by a primal-dual interior-point method from its strictly feasible start.

    The objective is strictly concave in the shares with a weight, and its logarithms keep these
    positive by themselves, so only the inequalities need a barrier.
    """
    x = problem.start.copy()
    slack = problem.rows @ x - problem.sides
    mu = 1.0
    price = mu / slack
    while True:
        for _ in range(_NEWTON):
            x, price, moved = _newton(problem, x, price, mu)
            if moved <= 1e-13:
                break
        if mu <= _MU_END:
            return x
        mu *= _MU_FACTOR


def _newton(
    problem: LogProblem, x: Floats, price: Floats, mu: float
) -> tuple[Floats, Floats, float]:
    """One damped Newton step; returns the new point, prices of the rows and the decrement."""
    part = problem.weights > 0
    slope, curve = np.zeros_like(x), np.zeros_like(x)
    slope[part] = -problem.weights[part] / x[part]
    curve[part] = problem.weights[part] / x[part] ** 2
    slack = problem.rows @ x - problem.sides
    moves = problem.rows @ problem.directions
    gradient = problem.directions.T @ slope - moves.T @ (mu / slack)
    hessian = problem.directions.T @ (curve[:, None] * problem.directions)
    hessian += moves.T @ ((price / slack)[:, None] * moves)
    step_u = np.linalg.lstsq(hessian, -gradient, rcond=1e-16)[0]
    step, slack_step = problem.directions @ step_u, moves @ step_u
    price_step = mu / slack - price - price / slack * slack_step
    length = min(_room(slack, slack_step), _room(x[part], step[part]))
    decrease = float(gradient @ step_u)
    length = _backtrack(problem, x, mu, step, length, decrease)
    price = price + _room(price, price_step) * price_step
    moved = length * float(np.abs(step).max(initial=0.0))
    return x + length * step, price, moved


def _room(value: Floats, step: Floats) -> float:
    """Longest step up to 1 that keeps positive values positive."""
    shrinking = step < 0
    if not shrinking.any():
        return 1.0
    return float(min(1.0, _TO_BOUNDARY * (-value[shrinking] / step[shrinking]).min()))


def _backtrack(
    problem: LogProblem, x: Floats, mu: float, step: Floats, length: float, decrease: float
) -> float:
    """Shorten the step until the merit falls enough; 0 where rounding leaves no progress."""
    now = problem.merit(x, mu)
    while problem.merit(x + length * step, mu) > now + _ARMIJO * length * decrease:
        length /= 2
        if length < _SMALLEST_STEP:
            return 0.0
    return length
