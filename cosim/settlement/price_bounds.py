"""Between which prices participants trade: what either side could have from its utility."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cosim.records import read_only
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.bargaining import PriceBounds
from cosim.scenario.participants import Carrier
from cosim.settlement.trades import PairTrades
from cosim.units import KG_PER_T


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lowest, highest and reference price of every pair and step, per kWh, shape (T, n).

    The reference is the mid-market rate, the middle of the two bounds.
    """

    lower: FloatArray
    upper: FloatArray
    reference: FloatArray


def price_bounds(scenario: Scenario, trades: PairTrades) -> Bounds:
    """Return the bounds on the price of each pair and step.

    lower = feed-in price (0 without one) + management fee: below it the seller would rather feed
    in. upper = purchase price + CO2 price - grid fee - management fee: above it the buyer would
    rather buy from the utility. A carrier without a tariff needs `bargaining.prices.bounds`; else
    its upper bound is the lower one. Where fees leave no room (lower above upper: the trade happens
    for a reason other than its price, a network limit say), both are the middle of the two.

    Args:
        scenario: tariffs, fees, and bounds given by the user, which replace either side.
        trades: pairs, which name the carriers.
    """
    carriers: dict[str, tuple[FloatArray, FloatArray]] = {}
    for carrier in dict.fromkeys(trades.carrier):
        carriers[carrier] = _of_carrier(scenario, _as_carrier(carrier))
    steps = trades.kw.shape[0]
    lower, upper = np.zeros((steps, len(trades))), np.zeros((steps, len(trades)))
    for k, carrier in enumerate(trades.carrier):
        lower[:, k], upper[:, k] = carriers[carrier]
    crossed = lower > upper
    middle = 0.5 * (lower + upper)
    lower, upper = np.where(crossed, middle, lower), np.where(crossed, middle, upper)
    return Bounds(read_only(lower), read_only(upper), read_only(middle))


def _as_carrier(name: str) -> Carrier:
    return name  # type: ignore[return-value]


def _of_carrier(scenario: Scenario, carrier: Carrier) -> tuple[FloatArray, FloatArray]:
    config = scenario.config
    sharing = config.sharing.get(carrier)
    fee = sharing.fee_per_kwh if sharing is not None else 0.0
    grid_fee = sharing.grid_fee_per_kwh if sharing is not None else 0.0
    tariff = config.tariffs.get(carrier)
    given = config.bargaining.prices.bounds.get(carrier, PriceBounds())
    steps = len(scenario.time)
    if given.min is not None:
        lower = np.asarray(scenario.series(given.min))
    elif tariff is not None and tariff.sell is not None:
        lower = scenario.series(tariff.sell) + fee
    else:
        lower = np.full(steps, fee)
    if given.max is not None:
        upper = np.asarray(scenario.series(given.max))
    elif tariff is not None:
        carbon = config.carbon.tax_per_t / KG_PER_T * tariff.co2_kg_per_kwh
        upper = scenario.series(tariff.buy) + carbon - grid_fee - fee
    else:
        upper = lower
    return lower, upper


def spans(trades: PairTrades, bounds: Bounds) -> Mapping[str, FloatArray]:
    """Return the least, most and reference payment of each pair over the horizon, shape (n,)."""
    energy = trades.kw * trades.step_h
    return {
        "least": (energy * bounds.lower).sum(axis=0),
        "most": (energy * bounds.upper).sum(axis=0),
        "reference": (energy * bounds.reference).sum(axis=0),
    }
