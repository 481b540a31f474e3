"""Bargaining over payments without a centre: each pair agrees on its payment, and on nothing else.

max sum weight_i log(gain_i) with gain_i = offset_i + received_i - disagreement_i. Each participant
keeps its own idea of the payments to and from its partners; consensus ADMM makes the two ideas of a
pair equal. A participant's own problem has a closed form up to one number, found by bisection:

    z_k = clip(near_k + sign_k * tau, least_k, most_k),   tau = weight / (penalty * gain(z))

Source: Boyd et al. (2011), doi:10.1561/2200000016, section 7.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cosim.errors import SettlementError
from cosim.records.time import FloatArray, IntArray
from cosim.settlement.pair_payments import Money

HALVINGS = 100
BALANCE, STEP = 3.0, 2.0


@dataclass(frozen=True, slots=True)
class Agreed:
    """Where the pairs ended.

    Attributes:
        converged: both residuals are within the tolerance.
        payment: of each pair, shape (n,).
        received: by account, shape (m,).
        history: round, primal_residual, dual_residual (shares of all money), penalty.
    """

    converged: bool
    payment: FloatArray
    received: FloatArray
    history: pd.DataFrame


class _Party:
    """One account with its own idea of its payments."""

    def __init__(self, money: Money, i: int, least_received: float, weight: float) -> None:
        self.pairs: IntArray = np.flatnonzero(money.matrix[i])
        self._sign = money.matrix[i, self.pairs]
        self._least, self._most = money.least[self.pairs], money.most[self.pairs]
        self._base = float(money.offset[i]) - least_received
        self._weight = weight
        best = np.where(self._sign > 0.0, self._most, self._least)
        if self._base + float(self._sign @ best) <= 0.0:
            raise SettlementError(f"{money.accounts[i]} gains nothing at any price inside bounds")

    def answer(self, near: FloatArray, penalty: float) -> FloatArray:
        """Return its idea of the payments of its pairs, close to what the others think."""
        low, high = 0.0, 1.0
        while self._excess(near, high, penalty) < 0.0:
            high *= 2.0
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            if self._excess(near, middle, penalty) < 0.0:
                low = middle
            else:
                high = middle
        return self._at(near, high)

    def _at(self, near: FloatArray, tau: float) -> FloatArray:
        clipped: FloatArray = np.clip(near + self._sign * tau, self._least, self._most)
        return clipped

    def _excess(self, near: FloatArray, tau: float, penalty: float) -> float:
        """Return tau * penalty * gain - weight, which rises with tau."""
        gain = self._base + float(self._sign @ self._at(near, tau))
        return tau * penalty * gain - self._weight if gain > 0.0 else -1.0


ROUND = ("round", "primal_residual", "dual_residual", "penalty")


def _balancing(primal: float, dual: float) -> float:
    """Return what the penalty is multiplied by, so that neither residual runs ahead."""
    if primal > BALANCE * dual:
        return STEP
    return 1.0 / STEP if dual > BALANCE * primal else 1.0


def negotiate_payments(
    money: Money,
    disagreement: FloatArray,
    weights: FloatArray,
    tolerance: float = 1e-6,
    max_rounds: int = 2000,
) -> Agreed:
    """Return the log-Nash payments that participants find by themselves.

    Args:
        money: accounts, pairs and bounds.
        disagreement: what each must receive not to be worse off than alone, shape (m,).
        weights: bargaining power, shape (m,), positive.
        tolerance: of both residuals, as a share of all money between pairs.
        max_rounds: then it stops, not converged.

    Raises:
        SettlementError: if somebody gains nothing whatever the prices are.
    """
    parties = [
        _Party(money, i, float(disagreement[i]), float(weights[i]))
        for i in range(len(money.accounts))
    ]
    size = max(float(np.abs(money.reference).sum()), 1e-9)
    mean = money.reference.copy()
    duals = [np.zeros(len(party.pairs)) for party in parties]
    penalty = float(weights.mean()) / (size / max(len(mean), 1)) ** 2
    count = np.zeros(len(mean))
    for party in parties:
        count[party.pairs] += 1.0
    rows: list[dict[str, float]] = []
    for number in range(max_rounds):
        ideas = [
            party.answer(mean[party.pairs] - dual, penalty)
            for party, dual in zip(parties, duals, strict=True)
        ]
        total = np.zeros(len(mean))
        for party, idea, dual in zip(parties, ideas, duals, strict=True):
            total[party.pairs] += idea + dual
        old, mean = mean, total / np.maximum(count, 1.0)
        gaps = [idea - mean[p.pairs] for p, idea in zip(parties, ideas, strict=True)]
        duals = [dual + gap for dual, gap in zip(duals, gaps, strict=True)]
        primal = float(np.sqrt(sum(float(gap @ gap) for gap in gaps))) / size
        dual_residual = float(np.linalg.norm(mean - old)) / size
        rows.append(dict(zip(ROUND, (number, primal, dual_residual, penalty), strict=True)))
        if max(primal, dual_residual) <= tolerance:
            break
        factor = _balancing(primal, dual_residual)
        penalty *= factor
        duals = [dual / factor for dual in duals]
    payment = np.clip(mean, money.least, money.most)
    return Agreed(
        converged=max(rows[-1]["primal_residual"], rows[-1]["dual_residual"]) <= tolerance,
        payment=payment,
        received=money.offset + money.matrix @ payment,
        history=pd.DataFrame(rows),
    )
