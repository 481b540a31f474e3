"""What followers do at given prices, and what that leaves to the leader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from cosim.errors import Infeasible, SolveError
from cosim.market.highs import Handle, Outcome, Status
from cosim.market.leader.problem import LeaderProblem
from cosim.market.leader.stack import Stack
from cosim.market.program import Bounds, Program
from cosim.records.time import FloatArray

FOLLOWER_GAP = 1e-7
"""Relative gap of a follower's own mixed-integer problem: its cost is a yardstick here."""
WORST_ROUNDS = 3
"""Times the leader's cost is linearised again in the search for the worst response."""

Responder = Callable[[FloatArray], tuple[FloatArray, ...]]
"""Prices to the responses of all followers, however found."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response of all followers and the leader's best use of it.

    Attributes:
        y: one array per follower.
        x: the leader's columns, None if it cannot deliver.
        profit: of the leader, nan if it cannot deliver.
    """

    y: tuple[FloatArray, ...]
    x: FloatArray | None
    profit: float

    @property
    def delivered(self) -> bool:
        """True if the leader's plant can do its part."""
        return self.x is not None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every reading of the followers' response to one vector of prices.

    Attributes:
        prices: shape (n_prices,).
        costs: what every follower pays in its best response, shape (followers,).
        simulated: the response a solver returns.
        optimistic: of the best responses that can be delivered, the leader's favourite; None if
            none can be delivered.
        pessimistic: of the best responses, the one that earns least; it may be undeliverable.
    """

    prices: FloatArray
    costs: FloatArray
    simulated: Reply
    optimistic: Reply | None
    pessimistic: Reply


class Responses:
    """The followers of a game, ready to be asked for their response again and again."""

    def __init__(self, game: LeaderProblem, tolerance: float, threads: int = 1) -> None:
        """Hand the followers over to the solver.

        Args:
            game: the game.
            tolerance: a response counts as best within this share of the follower's cost.
            threads: for the solver.
        """
        self.game = game
        self._tolerance = tolerance
        self._threads = threads
        self._handles = [
            Handle(one.program, integer=True, threads=threads, mip_gap=FOLLOWER_GAP)
            if one.program.integer.any()
            else Handle(one.program, integer=False, threads=threads, mip_gap=0.0)
            for one in game.followers
        ]
        self._plant = Handle(
            game.leader, integer=bool(game.leader.integer.any()), threads=threads, mip_gap=1e-7
        )

    def solve(self, prices: FloatArray, seconds: float = 1e9) -> tuple[Outcome, ...]:
        """Solve every follower alone at these prices.

        Raises:
            Infeasible: if a follower has no feasible response.
            SolveError: if a follower's problem has no bounded solution.
        """
        found = []
        for handle, one in zip(self._handles, self.game.followers, strict=True):
            handle.set_cost(one.cost_at(prices))
            outcome = handle.run(seconds)
            if outcome.status is Status.INFEASIBLE:
                raise Infeasible(f"follower {one.name} has no feasible schedule", "infeasible")
            if outcome.x is None:
                word = outcome.status.value
                raise SolveError(f"follower {one.name} has no best response: {word}", word)
            found.append(outcome)
        return tuple(found)

    def duals_of(self, k: int, prices: FloatArray, outcome: Outcome) -> FloatArray | None:
        """Return the row multipliers of a follower's response, its binaries fixed where it has any.

        Args:
            k: which follower.
            prices: shape (n_prices,).
            outcome: its solve at these prices.
        """
        one = self.game.followers[k]
        if outcome.row_dual is not None or outcome.x is None:
            return outcome.row_dual
        program, bounds = one.program, one.program.bounds
        value = np.round(outcome.x)
        low = np.where(program.integer, value, bounds.col_lb)
        high = np.where(program.integer, value, bounds.col_ub)
        fixed = Bounds(low, high, bounds.row_lb, bounds.row_ub)
        given = replace(program, bounds=fixed, cost=one.cost_at(prices))
        handle = Handle(given, integer=False, threads=self._threads, mip_gap=0.0)
        return handle.run(1e9).row_dual

    def costs_of(self, prices: FloatArray, y: tuple[FloatArray, ...]) -> FloatArray:
        """Return what some responses cost the followers at these prices, shape (followers,)."""
        pairs = zip(self.game.followers, y, strict=True)
        return np.array([one.cost_at(prices) @ part + one.program.offset for one, part in pairs])

    def income(self, prices: FloatArray, y: tuple[FloatArray, ...]) -> float:
        """Return payments and fees that the leader receives."""
        pairs = zip(self.game.followers, y, strict=True)
        return float(sum(one.income_at(prices) @ part for one, part in pairs))

    def reply(self, prices: FloatArray, y: tuple[FloatArray, ...]) -> Reply:
        """Return the leader's best use of given responses."""
        outcome = self._dispatch(y)
        if outcome.x is None:
            return Reply(y, None, np.nan)
        return Reply(y, outcome.x, self.income(prices, y) - outcome.objective)

    def evaluate(self, prices: FloatArray) -> Evaluation:
        """Solve all followers afresh and return every reading of their response."""
        outcomes = self.solve(prices)
        y = tuple(_array(one.x) for one in outcomes)
        costs = self.costs_of(prices, y)
        return Evaluation(
            prices=prices,
            costs=costs,
            simulated=self.reply(prices, y),
            optimistic=self.favourite(prices, costs),
            pessimistic=self.worst(prices, costs),
        )

    def favourite(self, prices: FloatArray, costs: FloatArray) -> Reply | None:
        """Return the best responses the leader likes most; None if none can be delivered."""
        outcome = self._choose(prices, costs, income=1.0, plant=True)
        if outcome.x is None:
            return None
        x, y = self._split(_array(outcome.x))
        exact = self.reply(prices, y)
        return exact if exact.delivered else Reply(y, x, -outcome.objective)

    def worst(self, prices: FloatArray, costs: FloatArray) -> Reply:
        """Return the best responses that earn the leader least.

        The leader's cost of a response is convex in it, so the worst one is searched for by
        linearising that cost at the last response found and starting again; with a plant of
        constant marginal cost, or none, the first is exact. Otherwise it is the least of those
        looked at.
        """
        slope = np.zeros(self.game.leader.m)
        least: Reply | None = None
        for _ in range(WORST_ROUNDS):
            outcome = self._choose(prices, costs, income=-1.0, plant=False, slope=slope)
            if outcome.x is None:
                break
            y = self._split(_array(outcome.x))[1]
            reply = self.reply(prices, y)
            if not reply.delivered:
                return reply
            if least is not None and reply.profit >= least.profit - 1e-9:
                break
            least = reply
            slope = self._marginal_cost(y)
            if not slope.any():
                break
        if least is None:
            raise SolveError("no response within the tolerance of the best", "tolerance")
        return least

    def least_delivered(self, prices: FloatArray, costs: FloatArray) -> Reply | None:
        """Return the best responses that pay least among those that can be delivered."""
        outcome = self._choose(prices, costs, income=-1.0, plant=True)
        if outcome.x is None:
            return None
        x, y = self._split(_array(outcome.x))
        exact = self.reply(prices, y)
        if exact.delivered:
            return exact
        return Reply(y, x, self.income(prices, y) - float(self.game.leader.cost @ x))

    def least_joint_cost(self) -> float:
        """Return a lower bound on the cost of leader and followers as one, offsets left out."""
        return self._run(self._joint(None, None, income=0.0, plant=True)).bound

    def welfare_prices(self) -> FloatArray:
        """Return what every trade is worth to the plant where leader and followers act as one.

        The prices are clipped to their bounds. Where the joint problem has integers, or is not
        feasible, they are the middle of the bounds.
        """
        game = self.game
        middle = 0.5 * (game.price_lb + game.price_ub)
        program = self._joint(None, None, income=0.0, plant=True)
        if program.integer.any():
            return middle
        outcome = self._run(program)
        if outcome.x is None or outcome.row_dual is None:
            return middle
        worth = outcome.row_dual[len(outcome.row_dual) - game.leader.m :]
        total, weight = np.zeros(game.n_prices), np.zeros(game.n_prices)
        for one in game.followers:
            entries = sparse.coo_array(one.priced)
            value = -np.asarray(one.to_leader.T @ worth)[entries.col] / entries.data
            np.add.at(total, entries.row, value)
            np.add.at(weight, entries.row, 1.0)
        found = np.where(weight > 0, total / np.maximum(weight, 1.0), middle)
        return np.clip(found, game.price_lb, game.price_ub)

    def rationed(self, prices: FloatArray) -> tuple[Reply, FloatArray]:
        """Return what followers choose where they can only have what the plant delivers.

        Returns:
            The responses of least total cost among those that can be delivered, and the cost of
            every follower.

        Raises:
            Infeasible: if nothing can be delivered at all.
        """
        program = self._joint(prices, None, income=0.0, plant=True)
        outcome = self._run(program)
        if outcome.x is None:
            raise Infeasible("the leader's plant can deliver no response at all", "infeasible")
        y = self._split(_array(outcome.x))[1]
        return self.reply(prices, y), self.costs_of(prices, y)

    def _dispatch(self, y: tuple[FloatArray, ...]) -> Outcome:
        bounds, game = self.game.leader.bounds, self.game
        moved = sum(
            (one.to_leader @ part for one, part in zip(game.followers, y, strict=True)),
            np.zeros(game.leader.m),
        )
        slack = 1e-7 * (1.0 + np.abs(moved))
        self._plant.set_bounds(
            Bounds(
                bounds.col_lb,
                bounds.col_ub,
                bounds.row_lb - moved - slack,
                bounds.row_ub - moved + slack,
            )
        )
        return self._plant.run(1e9)

    def _marginal_cost(self, y: tuple[FloatArray, ...]) -> FloatArray:
        outcome = self._dispatch(y)
        return np.zeros(self.game.leader.m) if outcome.row_dual is None else outcome.row_dual

    def _choose(
        self,
        prices: FloatArray,
        costs: FloatArray,
        income: float,
        plant: bool,
        slope: FloatArray | None = None,
    ) -> Outcome:
        return self._run(self._joint(prices, costs, income, plant, slope))

    def _run(self, program: Program) -> Outcome:
        integer = bool(program.integer.any())
        handle = Handle(program, integer=integer, threads=self._threads, mip_gap=1e-6)
        return handle.run(1e9)

    def _joint(
        self,
        prices: FloatArray | None,
        costs: FloatArray | None,
        income: float,
        plant: bool,
        slope: FloatArray | None = None,
    ) -> Program:
        """Return the program of all followers and, with `plant`, the leader.

        With costs given, they are limits and the leader's profit (income 1) or its negative
        (income -1, with the plant's marginal cost as `slope`) is maximised; without, the
        followers' cost is minimised. Without prices, the cost of all together is.
        """
        game, stack = self.game, Stack()
        own = game.leader
        x = stack.columns(
            own.bounds.col_lb,
            own.bounds.col_ub,
            own.cost * (1.0 if prices is None else max(income, 0.0)) if plant else None,
            own.integer if plant else None,
        )
        parts = [(x, own.matrix)]
        for k, one in enumerate(game.followers):
            cost = one.program.cost - one.fees if prices is None else one.cost_at(prices)
            wish = cost
            if prices is not None and costs is not None:
                wish = -income * one.income_at(prices)
            if slope is not None:
                wish = wish - income * np.asarray(one.to_leader.T @ slope)
            inner = one.program
            y = stack.columns(inner.bounds.col_lb, inner.bounds.col_ub, wish, inner.integer)
            stack.rows([(y, inner.matrix)], inner.bounds.row_lb, inner.bounds.row_ub)
            parts.append((y, one.to_leader))
            if costs is not None:
                limit = costs[k] - inner.offset + self._tolerance * max(1.0, abs(costs[k]))
                stack.rows([(y, sparse.csr_array(cost[None, :]))], -np.inf, limit)
        if plant:
            stack.rows(parts, own.bounds.row_lb, own.bounds.row_ub)
        return stack.program(own.offset * max(income, 0.0))

    def _split(self, columns: FloatArray) -> tuple[FloatArray, tuple[FloatArray, ...]]:
        ends = np.cumsum([self.game.leader.n, *(one.program.n for one in self.game.followers)])
        x, *y = np.split(columns, ends[:-1])
        return x, tuple(y)


def _array(x: FloatArray | None) -> FloatArray:
    if x is None:
        raise SolveError("a solve ended without a point", "none")
    return x
