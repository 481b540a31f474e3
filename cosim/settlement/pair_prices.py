"""Prices per pair and step that add up to the payment of the pair."""

from __future__ import annotations

import numpy as np

from cosim.records import read_only
from cosim.records.time import FloatArray
from cosim.settlement.price_bounds import Bounds
from cosim.settlement.trades import PairTrades

HALVINGS = 200
"""Bisection steps; the interval is then far below the resolution of a float."""


def pair_prices(trades: PairTrades, bounds: Bounds, payment: FloatArray) -> FloatArray:
    """Return the price of every pair and step, per kWh, shape (T, n).

    price = clip(reference + shift, lower, upper) with one shift per pair, which makes sum of
    energy * price equal the payment. Among all prices that add up to it, these have the smallest
    energy-weighted squared distance from the reference.

    Args:
        trades: pairs with their energy.
        bounds: of every pair and step.
        payment: of every pair, between its least and its most, shape (n,).

    Source: first-order conditions of the quadratic programme, as for a projection onto a box with
        one equality (Brucker 1984, doi:10.1016/0167-6377(84)90010-5).
    """
    energy = trades.kw * trades.step_h
    low = (bounds.lower - bounds.reference).min(axis=0, initial=0.0)
    high = (bounds.upper - bounds.reference).max(axis=0, initial=0.0)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        paid = (energy * _clipped(bounds, middle)).sum(axis=0)
        low, high = np.where(paid < payment, middle, low), np.where(paid < payment, high, middle)
    price = _clipped(bounds, 0.5 * (low + high))
    return read_only(price)


def _clipped(bounds: Bounds, shift: FloatArray) -> FloatArray:
    clipped: FloatArray = np.clip(bounds.reference + shift, bounds.lower, bounds.upper)
    return clipped
