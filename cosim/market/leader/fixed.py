"""Prices that are given: nothing to optimise, only the followers' response to look at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cosim.errors import Problem, ScenarioError
from cosim.market.highs import Clock
from cosim.market.leader.outcome import Record, conclude
from cosim.market.leader.problem import LeaderOutcome, LeaderProblem, LeaderSettings
from cosim.market.leader.respond import Responses


class Fixed:
    """The followers' response to prices whose bounds leave no choice."""

    def solve(self, problem: LeaderProblem, settings: LeaderSettings) -> LeaderOutcome:
        """Evaluate the prices.

        Raises:
            ScenarioError: if a price has any choice left.
        """
        open_ = np.flatnonzero(problem.price_ub > problem.price_lb)
        if len(open_):
            where = f"leader.prices: {len(open_)} of {problem.n_prices} prices"
            raise ScenarioError(
                [Problem(where, "min below max", "min = max", "give fixed prices or a method")]
            )
        record = Record("fixed", Clock(settings.time_limit_s))
        responses = Responses(problem, settings.tolerance, settings.threads)
        prices = problem.price_lb.copy()
        notes = ("prices are given",)
        outcome = conclude(responses, prices, np.inf, record, settings, notes, proven=False)
        record.add(outcome.profit_optimistic, np.inf)
        return replace(outcome, history=record.frame())
