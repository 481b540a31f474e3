"""One entrance to all methods of the leader-follower game; given prices need no method."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pandas as pd

from cosim.errors import Infeasible, SolveError, TimeLimit
from cosim.market.highs import Handle, Outcome, Status
from cosim.market.leader.problem import Follower, LeaderOutcome, LeaderProblem, LeaderSettings
from cosim.market.program import Bounds, Program
from cosim.records.time import FloatArray


def solve_leader(problem: LeaderProblem, settings: LeaderSettings) -> LeaderOutcome:
    """Return the outcome of the game by the method of the settings.

    Args:
        problem: the game.
        settings: with the method.

    Raises:
        Infeasible: if followers cannot meet their demand.
        TimeLimit: if time ran out before there was any answer.
    """
    return given_prices(problem, settings)


def given_prices(problem: LeaderProblem, settings: LeaderSettings) -> LeaderOutcome:
    """Return what followers answer to prices that are not chosen, and what it earns the leader.

    Followers may be indifferent or ask for more than the plant can deliver; what counts is the
    schedule of the market at these prices, in which delivery is a constraint. The profit is `nan`
    where the plant cannot deliver what they would like best.
    """
    began = time.perf_counter()
    prices = problem.price_lb
    found = [_answer(follower, prices, settings) for follower in problem.followers]
    answers = [one.x for one in found if one.x is not None]
    own = _delivery(problem, answers, settings)
    profit, notes = float("nan"), tuple[str, ...]()
    x = np.zeros(problem.leader.n) if own.x is None else own.x
    if own.x is None:
        notes = ("At the given prices followers would like more than the leader can deliver.",)
    else:
        pairs = zip(problem.followers, answers, strict=True)
        income = sum(float(one.income_at(prices) @ answer) for one, answer in pairs)
        profit = income - own.objective
    history = pd.DataFrame(
        {
            "method": ["fixed"],
            "iteration": [0],
            "seconds": [time.perf_counter() - began],
            "best": [profit],
            "bound": [float("nan")],
        }
    )
    return LeaderOutcome(
        prices=prices,
        x=x,
        responses=tuple(answers),
        profit_optimistic=profit,
        profit_pessimistic=profit,
        profit_nudged=profit,
        profit_simulated=profit,
        prices_nudged=prices,
        x_nudged=x,
        responses_nudged=tuple(answers),
        follower_costs=np.array([one.objective for one in found]),
        bound=float("inf"),
        gap=float("inf"),
        history=history,
        status="given",
        notes=notes,
    )


def _answer(follower: Follower, prices: FloatArray, settings: LeaderSettings) -> Outcome:
    """Return a follower's cheapest columns at prices."""
    program = replace(follower.program, cost=follower.cost_at(prices))
    found = _handle(program, settings).run(settings.time_limit_s)
    if found.status is Status.INFEASIBLE:
        raise Infeasible(f"{follower.name} cannot meet its demand", reason="follower")
    if found.status is Status.UNBOUNDED:
        raise SolveError(f"{follower.name} earns without limit", reason="unbounded")
    if found.x is None:
        raise TimeLimit(f"no answer of {follower.name} in time", reason=found.status.value)
    return found


def _delivery(
    problem: LeaderProblem, answers: list[FloatArray], settings: LeaderSettings
) -> Outcome:
    """Return the leader's cheapest operation for what its followers take and give."""
    leader = problem.leader
    taken = np.zeros(leader.m)
    for follower, answer in zip(problem.followers, answers, strict=True):
        taken += follower.to_leader @ answer
    bounds = leader.bounds
    shifted = Bounds(bounds.col_lb, bounds.col_ub, bounds.row_lb - taken, bounds.row_ub - taken)
    return _handle(replace(leader, bounds=shifted), settings).run(settings.time_limit_s)


def _handle(program: Program, settings: LeaderSettings) -> Handle:
    integer = bool(program.integer.any())
    return Handle(program, integer=integer, threads=settings.threads, mip_gap=settings.gap)
