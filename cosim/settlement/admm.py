"""The cooperative problem without a centre: agents exchange trades and prices, nothing else.

Exchange form of the alternating direction method of multipliers with adaptive penalty:

    y_i <- argmin f_i(y_i) + price @ y_i + penalty/2 |y_i - near_i|^2               each agent
    mismatch <- (sum y_i - due) / number of agents in the row
    price <- price + penalty * relaxation * mismatch
    near_i <- relaxation * (y_i - mismatch) + (1 - relaxation) * near_i

Source: Boyd et al. (2011), doi:10.1561/2200000016, sections 3.4.1, 3.4.3 and 7.3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cosim.market.agents import Split
from cosim.records.time import FloatArray
from cosim.settlement.proximal import Proximal

BALANCE = 10.0
"""Residuals that differ by more than this factor change the penalty."""
RELAXATION = 1.6
"""Over-relaxation; 1.5 to 1.8 is usual."""
STEP = 2.0
"""Factor by which the penalty changes."""
ADAPTIVE_ROUNDS = 400
"""The penalty stays after this many rounds, which convergence asks for."""
CHOICES = 3
"""Times that agents choose their integers, each time at the prices that the last choice led to."""
PAUSE = 4
"""Rounds between two changes of the penalty, so that residuals settle before they are judged."""

ChooseIntegers = Callable[[Proximal, FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class AdmmSettings:
    """How to iterate.

    Attributes:
        tolerance: of both residuals, as a share of the energy that is exchanged.
        max_rounds: then it stops, not converged.
        penalty: to start with, currency per kW squared.
    """

    tolerance: float = 1e-4
    max_rounds: int = 500
    penalty: float = 1e-3


@dataclass(frozen=True, slots=True)
class AdmmResult:
    """Where the agents ended.

    Attributes:
        converged: both residuals are within the tolerance.
        cost: that all agents pay, in currency; tie-breaks and prices of broken limits are not.
        x: column values of the whole program, shape (n,).
        price: of each linking row, shape (l,).
        history: round, phase, primal_residual, dual_residual (shares), penalty, cost.
    """

    converged: bool
    cost: float
    x: FloatArray
    price: FloatArray
    history: pd.DataFrame


class Admm:
    """One negotiation over a split market.

    Args:
        split: agents and what links them.
        settings: see `AdmmSettings`.
    """

    def __init__(self, split: Split, settings: AdmmSettings) -> None:
        self._split = split
        self._settings = settings
        self._agents = [Proximal(agent) for agent in split.agents]
        shape = len(split.due)
        self._count = np.zeros(shape)
        for agent in self._agents:
            self._count[agent.rows] += 1.0
        self._offers = [np.zeros(len(agent.rows)) for agent in self._agents]
        start = self._mismatch()
        self._near = [-start[agent.rows] for agent in self._agents]
        self._price = np.zeros(shape)
        self._penalty = settings.penalty
        self._rows: list[dict[str, object]] = []

    def run(self, choose: ChooseIntegers | None = None) -> AdmmResult:
        """Negotiate: first with integers relaxed, then with those that each agent chooses.

        Args:
            choose: returns an agent's own column values with whole numbers, given the agent, its
                prices and the contribution that the relaxed negotiation ended with; where it is
                missing integers stay relaxed.
        """
        converged = self._negotiate("relaxed")
        owners = [agent for agent in self._agents if agent.agent.program.integer.any()]
        if choose is None or not owners:
            return self._result(converged)
        best: AdmmResult | None = None
        chosen: list[FloatArray] = []
        for _ in range(CHOICES):
            before, chosen = chosen, self._choose(owners, choose)
            if before and all(np.array_equal(*pair) for pair in zip(before, chosen, strict=True)):
                break
            found = self._result(self._negotiate("integers fixed"))
            if best is None or (found.converged, -found.cost) > (best.converged, -best.cost):
                best = found
        assert best is not None
        return replace(best, history=pd.DataFrame(self._rows))

    def _choose(self, owners: Sequence[Proximal], choose: ChooseIntegers) -> list[FloatArray]:
        """Let agents choose whole numbers at the present prices and keep them; return them."""
        offers = {id(agent): offer for agent, offer in zip(self._agents, self._offers, strict=True)}
        chosen = []
        for agent in owners:
            values = choose(agent, self._price[agent.rows], offers[id(agent)])
            agent.fix_integers(values)
            chosen.append(np.round(values[agent.agent.program.integer]))
        return chosen

    def _negotiate(self, phase: str) -> bool:
        for number in range(self._settings.max_rounds):
            primal, dual = self._round()
            self._rows.append(
                {
                    "round": len(self._rows),
                    "phase": phase,
                    "primal_residual": primal,
                    "dual_residual": dual,
                    "penalty": self._penalty,
                    "cost": self._cost(),
                }
            )
            if max(primal, dual) <= self._settings.tolerance:
                return True
            if number < ADAPTIVE_ROUNDS and number % PAUSE == PAUSE - 1:
                self._adapt(primal, dual)
        return False

    def _round(self) -> tuple[float, float]:
        """Let every agent answer once; return primal and dual residual as shares."""
        self._offers = [
            agent.answer(self._price[agent.rows], near, self._penalty)
            for agent, near in zip(self._agents, self._near, strict=True)
        ]
        mismatch = self._mismatch()
        self._price = self._price + self._penalty * RELAXATION * mismatch
        before = self._near
        self._near = [
            RELAXATION * (offer - mismatch[agent.rows]) + (1.0 - RELAXATION) * near
            for agent, offer, near in zip(self._agents, self._offers, before, strict=True)
        ]
        moved = [new - old for new, old in zip(self._near, before, strict=True)]
        size = max(_norm(self._offers), 1e-9)
        value = max(_norm([self._price[agent.rows] for agent in self._agents]), 1e-9)
        primal = float(np.linalg.norm(mismatch * self._count)) / size
        return primal, self._penalty * _norm(moved) / value

    def _mismatch(self) -> FloatArray:
        total = -self._split.due.copy()
        for agent, offer in zip(self._agents, self._offers, strict=True):
            total[agent.rows] += offer
        shares: FloatArray = total / np.maximum(self._count, 1.0)
        return shares

    def _adapt(self, primal: float, dual: float) -> None:
        if primal > BALANCE * dual:
            self._penalty *= STEP
        elif dual > BALANCE * primal:
            self._penalty /= STEP

    def _cost(self) -> float:
        """Return what everyone pays together: their objectives less what is in no account."""
        split, own = self._split, []
        for one in self._agents:
            columns = one.agent.columns
            paid = one.agent.program.cost[: len(columns)] - split.ties[columns]
            own.append(float(paid @ one.x[: len(columns)]))
        return split.offset + sum(own)

    def _result(self, converged: bool) -> AdmmResult:
        x = np.zeros(self._split.n)
        for agent in self._agents:
            columns = agent.agent.columns
            x[columns] = agent.x[: len(columns)]
        return AdmmResult(converged, self._cost(), x, self._price, pd.DataFrame(self._rows))


def _norm(parts: Sequence[FloatArray]) -> float:
    return float(np.sqrt(sum(float(part @ part) for part in parts)))
