"""A seeded evolutionary search over prices, with the followers' game inside."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.core.evaluator import Evaluator
from pymoo.core.population import Population
from pymoo.core.problem import ElementwiseProblem
from pymoo.core.repair import Repair

from cosim.errors import SolveError
from cosim.market.highs import Clock
from cosim.market.leader.outcome import Record, conclude
from cosim.market.leader.problem import LeaderOutcome, LeaderProblem, LeaderSettings
from cosim.market.leader.respond import Responder, Responses
from cosim.market.leader.start import price_guesses
from cosim.records.time import FloatArray

PROJECTIONS = 20
"""Rounds in which rows on prices are repaired one after the other."""


@dataclass(slots=True)
class Evolutionary:
    """A genetic algorithm on real-valued prices; labelled heuristic, it proves nothing.

    Attributes:
        responder: how responses are found during the search; by default each follower is solved
            centrally and ties are scored as the settings say. The final prices always get a fresh
            solve of every follower.
    """

    responder: Responder | None = None

    def solve(self, problem: LeaderProblem, settings: LeaderSettings) -> LeaderOutcome:
        """Search until the generations or the time are used up.

        Raises:
            SolveError: if no prices were found at which the plant can deliver a best response.
        """
        clock = Clock(settings.time_limit_s)
        record = Record("evolutionary", clock)
        responses = Responses(problem, settings.tolerance, settings.threads)
        score = _Score(responses, settings, clock, self.responder)
        _evolve(score, record, settings)
        if score.prices is None:
            raise SolveError("the search found no prices at which the plant can deliver", "search")
        notes = [_assumption(self.responder, settings)]
        if clock.left <= 0.0:
            notes.append("the search ended at its time limit")
        return conclude(
            responses, score.prices, np.inf, record, settings, tuple(notes), proven=False
        )


def _assumption(responder: Responder | None, settings: LeaderSettings) -> str:
    if responder is not None:
        return "prices were scored by the response of the inner game as it came"
    words = {
        "pessimistic": "prices were scored by the best response that earns the leader least",
        "optimistic": "prices were scored by the best response that earns the leader most",
        "simulated": "prices were scored by whatever best response the solver returned",
    }
    return words[settings.ties]


@dataclass(slots=True)
class _Score:
    """Profit of prices under the assumed response, with a memory of the best."""

    responses: Responses
    settings: LeaderSettings
    clock: Clock
    responder: Responder | None
    best: float = -np.inf
    prices: FloatArray | None = None
    worst_seen: float = field(default=0.0)

    def __call__(self, prices: FloatArray) -> tuple[float, float]:
        """Return the profit and, where nothing can be delivered, what rationing costs."""
        profit = self._profit(prices)
        if profit is None:
            outcomes = self.responses.solve(prices)
            wished = sum(one.objective for one in outcomes)
            rationed, costs = self.responses.rationed(prices)
            return rationed.profit, float(max(costs.sum() - wished, 1e-6))
        if profit > self.best and self.responses.game.allows(prices, 1e-7):
            self.best, self.prices = profit, prices.copy()
        return profit, 0.0

    def _profit(self, prices: FloatArray) -> float | None:
        responses, ties = self.responses, self.settings.ties
        if self.responder is not None:
            reply = responses.reply(prices, self.responder(prices))
            return reply.profit if reply.delivered else None
        outcomes = responses.solve(prices)
        y = tuple(np.asarray(one.x) for one in outcomes)
        costs = responses.costs_of(prices, y)
        if ties == "simulated":
            reply = responses.reply(prices, y)
            return reply.profit if reply.delivered else None
        chosen = (
            responses.favourite(prices, costs)
            if ties == "optimistic"
            else responses.least_delivered(prices, costs)
        )
        return None if chosen is None else chosen.profit


class _Prices(ElementwiseProblem):  # type: ignore[misc]
    """Prices as pymoo wants them: minimise the negative profit, rows and delivery as limits."""

    def __init__(self, score: _Score) -> None:
        game = score.responses.game
        self._score = score
        super().__init__(
            n_var=game.n_prices,
            n_obj=1,
            n_ieq_constr=1 + len(game.price_row_ub),
            xl=game.price_lb,
            xu=game.price_ub,
        )

    def _evaluate(self, x: FloatArray, out: dict[str, object], *_: object, **__: object) -> None:
        if self._score.clock.left <= 0.0:
            out["F"], out["G"] = 0.0, np.full(self.n_ieq_constr, 1e30)
            return
        game = self._score.responses.game
        profit, short = self._score(x)
        out["F"] = -profit
        out["G"] = np.concatenate([[short], game.price_rows @ x - game.price_row_ub - 1e-9])


class _Rows(Repair):  # type: ignore[misc]
    """Moves prices back into their rows, one row after the other."""

    def _do(self, problem: _Prices, X: FloatArray, **_: object) -> FloatArray:
        game = problem._score.responses.game
        return np.array([repaired(game, x) for x in X])


def repaired(game: LeaderProblem, prices: FloatArray) -> FloatArray:
    """Return prices inside their bounds and, as far as a few projections reach, their rows."""
    inside = np.clip(prices, game.price_lb, game.price_ub)
    norms = np.asarray((game.price_rows**2).sum(axis=1)).ravel()
    for _ in range(PROJECTIONS):
        excess = game.price_rows @ inside - game.price_row_ub
        if (excess <= 1e-10).all():
            break
        share = np.where(norms > 0, np.maximum(excess, 0.0) / np.maximum(norms, 1e-12), 0.0)
        inside = np.clip(inside - game.price_rows.T @ share, game.price_lb, game.price_ub)
    return inside


def _evolve(score: _Score, record: Record, settings: LeaderSettings) -> None:
    game = score.responses.game
    rng = np.random.default_rng(settings.seed)
    starts = [
        *settings.starts,
        *price_guesses(game, settings.seed, 0),
        score.responses.welfare_prices(),
    ]
    width = game.price_ub - game.price_lb
    while len(starts) < settings.population:
        starts.append(game.price_lb + width * rng.random(game.n_prices))
    first = np.array([repaired(game, one) for one in starts[: settings.population]])
    problem = _Prices(score)
    population = Population.new("X", first)
    Evaluator().eval(problem, population)
    record.add(score.best, np.inf)
    algorithm = GA(pop_size=settings.population, sampling=population, repair=_Rows())
    algorithm.setup(problem, termination=("n_gen", settings.generations), seed=settings.seed)
    while algorithm.has_next() and score.clock.left > 0.0:
        algorithm.next()
        record.add(score.best, np.inf)
