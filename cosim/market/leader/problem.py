"""The leader-follower game as arrays: what the leader sets, what the followers solve."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import pandas as pd
from scipy import sparse

from cosim.errors import Problem, ScenarioError
from cosim.market.program import Program
from cosim.records.time import FloatArray, IntArray

Method = Literal["exact", "evolutionary", "decomposition", "fixed"]
Ties = Literal["pessimistic", "optimistic", "simulated"]


@dataclass(frozen=True, slots=True)
class Follower:
    """min (cost + priced' p) @ y over the rows, bounds and integers of a program.

    Attributes:
        name: for messages.
        program: columns y, shape (n,); `cost` holds everything but the payments at prices p.
        priced: S, shape (n_prices, n); positive where the follower pays the price, negative where
            it is paid, per unit of a column (step length included).
        fees: income of the leader per unit of a column, already part of `program.cost`, shape (n,).
        to_leader: how the columns enter the rows of the leader, shape (leader rows, n).
    """

    name: str
    program: Program
    priced: sparse.csr_array
    fees: FloatArray
    to_leader: sparse.csr_array

    def cost_at(self, prices: FloatArray) -> FloatArray:
        """Return the cost per column with the payments at these prices, shape (n,)."""
        return np.asarray(self.program.cost + self.priced.T @ prices)

    def income_at(self, prices: FloatArray) -> FloatArray:
        """Return what the leader earns per unit of every column, shape (n,)."""
        return np.asarray(self.fees + self.priced.T @ prices)


@dataclass(frozen=True, slots=True)
class LeaderProblem:
    """max sum_k (p' S_k + fees_k) y_k - cost @ x over prices, with y_k a best response to them.

    Attributes:
        leader: columns x; its rows hold A x + sum_k to_leader_k y_k; cost is the leader's own.
        followers: one if they cooperate, several if each is alone.
        price_lb: shape (n_prices,), currency per unit.
        price_ub: shape (n_prices,).
        price_rows: G in G p <= g, shape (m, n_prices), may have no rows.
        price_row_ub: g, shape (m,).
        price_step: step of every price, counted from 0, shape (n_prices,); None where prices are
            not those of steps. The exact method takes the game apart by it.
    """

    leader: Program
    followers: tuple[Follower, ...]
    price_lb: FloatArray
    price_ub: FloatArray
    price_rows: sparse.csr_array
    price_row_ub: FloatArray
    price_step: IntArray | None = None

    def __post_init__(self) -> None:
        problems = _problems(self)
        if problems:
            raise ScenarioError(problems)

    @property
    def n_prices(self) -> int:
        """Number of prices."""
        return len(self.price_lb)

    @property
    def linear(self) -> bool:
        """True if no follower has integers."""
        return not any(bool(one.program.integer.any()) for one in self.followers)

    def allows(self, prices: FloatArray, tolerance: float = 1e-9) -> bool:
        """Return True if prices keep their bounds and rows."""
        inside = (prices >= self.price_lb - tolerance) & (prices <= self.price_ub + tolerance)
        rows = self.price_rows @ prices <= self.price_row_ub + tolerance
        return bool(inside.all() and rows.all())


@dataclass(frozen=True, slots=True)
class LeaderSettings:
    """How the game is solved.

    Attributes:
        method: which of the methods.
        gap: relative gap at which a proof ends.
        time_limit_s: seconds of wall time for the whole solve.
        nudge: every price is moved by this to make the wanted response the only best one.
        ties: response assumed by the search among equally good ones.
        tolerance: a response counts as best within this share of the follower's cost.
        seed: of the search.
        population: of the search.
        generations: of the search.
        threads: of HiGHS.
        starts: prices that are good as far as is known, shape (n_prices,) each, such as those of a
            game before this one.
    """

    method: Method = "exact"
    gap: float = 1e-3
    time_limit_s: float = 60.0
    nudge: float = 1e-4
    ties: Ties = "pessimistic"
    tolerance: float = 1e-8
    seed: int = 1
    population: int = 32
    generations: int = 60
    threads: int = 1
    starts: tuple[FloatArray, ...] = ()


HISTORY = ("method", "iteration", "seconds", "best", "bound")


@dataclass(frozen=True, slots=True)
class LeaderOutcome:
    """Prices, the response they are meant for, and what they earn under every reading of it.

    Profits are those of a fresh solve of every follower at the prices. `nan` means that the plant
    could not deliver that response.

    Attributes:
        prices: shape (n_prices,).
        x: the leader's columns with the wanted response.
        responses: the wanted response of every follower at `prices`.
        profit_optimistic: among equally good responses the followers take the leader's favourite.
        profit_pessimistic: they take the one that earns it least.
        profit_nudged: pessimistic profit at `prices_nudged`.
        profit_simulated: profit with the response a solver happens to return at `prices_nudged`.
        prices_nudged: shape (n_prices,).
        x_nudged: the leader's columns at the nudged prices.
        responses_nudged: every follower's response at the nudged prices.
        follower_costs: what the followers pay in the end at `prices`, shape (followers,).
        bound: proven upper bound on the optimistic profit, inf without a proof.
        gap: relative to `profit_optimistic`.
        history: columns method, iteration, seconds, best, bound.
        status: `optimal`, `time limit` or `heuristic`.
        notes: assumptions and warnings, for the reader.
        offers: most that the leader trades at every price, in units of a price's trade, where it
            has to limit that: then profits at the nudged prices are those within the offers, shape
            (n_prices,); None where no limit is needed.
    """

    prices: FloatArray
    x: FloatArray
    responses: tuple[FloatArray, ...]
    profit_optimistic: float
    profit_pessimistic: float
    profit_nudged: float
    profit_simulated: float
    prices_nudged: FloatArray
    x_nudged: FloatArray
    responses_nudged: tuple[FloatArray, ...]
    follower_costs: FloatArray
    bound: float
    gap: float
    history: pd.DataFrame
    status: str
    notes: tuple[str, ...] = field(default=())
    offers: FloatArray | None = None


class LeaderMethod(Protocol):
    """One way to solve the game."""

    def solve(self, problem: LeaderProblem, settings: LeaderSettings) -> LeaderOutcome:
        """Return prices with their profits and, where there is one, a proven bound."""
        ...


def no_price_rows(n_prices: int) -> tuple[sparse.csr_array, FloatArray]:
    """Return G and g of a game without rows on prices."""
    return sparse.csr_array((0, n_prices)), np.zeros(0)


def _problems(game: LeaderProblem) -> list[Problem]:
    found: list[Problem] = []
    n, m = game.n_prices, game.leader.m
    shapes: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
    shapes += [("price_ub", game.price_ub.shape, (n,))]
    if game.price_step is not None:
        shapes += [("price_step", game.price_step.shape, (n,))]
    shapes += [("price_rows", game.price_rows.shape, (len(game.price_row_ub), n))]
    for one in game.followers:
        wide = one.program.n
        shapes += [(f"{one.name}.priced", one.priced.shape, (n, wide))]
        shapes += [(f"{one.name}.fees", one.fees.shape, (wide,))]
        shapes += [(f"{one.name}.to_leader", one.to_leader.shape, (m, wide))]
    for where, shape, wanted in shapes:
        if tuple(shape) != wanted:
            found.append(Problem(f"leader game: {where}", f"shape {shape}", f"shape {wanted}"))
    if found:
        return found
    if not (np.isfinite(game.price_lb).all() and np.isfinite(game.price_ub).all()):
        expected = "finite price bounds"
        found.append(Problem("leader.prices", "a price without a bound", expected))
    crossed = np.flatnonzero(game.price_lb > game.price_ub)
    if len(crossed):
        k = int(crossed[0])
        text = f"price {k}: min {game.price_lb[k]:g} above max {game.price_ub[k]:g}"
        found.append(
            Problem(f"leader.prices ({len(crossed)} prices)", text, "min <= max", "swap the bounds")
        )
    if not game.followers:
        found.append(Problem("leader.followers", "nobody to trade with", "at least one follower"))
    return found
