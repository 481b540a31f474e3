"""Between which prices the leader may choose."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.leader import Leader, Side
from cosim.scenario.participants import Carrier

Keys = tuple[tuple[Carrier, Side], ...]
"""Carrier and side of every price series."""


def price_ranges(scenario: Scenario, leader: Leader, keys: Keys) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and highest price of every key and step, shape (keys * T,).

    With `method: fixed`, and where a side has no range, both are the fixed price.
    """
    low, high = [], []
    for carrier, side in keys:
        terms = leader.prices[carrier]
        between, fixed = terms.range_of(side), terms.fixed_of(side)
        if between is None or (leader.method == "fixed" and fixed is not None):
            assert fixed is not None
            low.append(scenario.series(fixed))
            high.append(scenario.series(fixed))
        else:
            low.append(scenario.series(between.min))
            high.append(scenario.series(between.max))
    return np.concatenate(low), np.concatenate(high)


def price_order(leader: Leader, keys: Keys, steps: int) -> tuple[sparse.csr_array, FloatArray]:
    """Return rows that keep what the leader pays below what it takes, fees on both sides included.

    price_buy - price_sell <= 2 fee at each step: nobody buys from the leader to sell to it. Given
    prices need no such rows.
    """
    at = {key: k for k, key in enumerate(keys)}
    rows, limits = [], []
    for carrier, terms in leader.prices.items():
        if leader.method == "fixed" or not (terms.has("buy") and terms.has("sell")):
            continue
        part = np.zeros((steps, len(keys) * steps))
        step = np.arange(steps)
        part[step, at[carrier, "buy"] * steps + step] = 1.0
        part[step, at[carrier, "sell"] * steps + step] = -1.0
        rows.append(part)
        limits.append(np.full(steps, 2.0 * terms.service_fee_per_kwh))
    if not rows:
        return sparse.csr_array((0, len(keys) * steps)), np.zeros(0)
    return sparse.csr_array(np.vstack(rows)), np.concatenate(limits)
