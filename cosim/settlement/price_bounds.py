"""Between which prices participants trade: what either side could have from its utility."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cosim.records import read_only
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.bargaining import PriceBounds
from cosim.scenario.config import Tariff
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
    steps = trades.kw.shape[0]
    lower, upper = np.zeros((steps, len(trades))), np.zeros((steps, len(trades)))
    known: dict[tuple[str, str], FloatArray] = {}
    for k, name in enumerate(trades.carrier):
        carrier, seller, buyer = _as_carrier(name), trades.seller[k], trades.buyer[k]
        for key, bound in (((name, f"sell {seller}"), _lower), ((name, f"buy {buyer}"), _upper)):
            if key not in known:
                party = key[1].split(" ", 1)[1]
                known[key] = bound(scenario, carrier, party)
        lower[:, k], upper[:, k] = known[name, f"sell {seller}"], known[name, f"buy {buyer}"]
    crossed = lower > upper
    middle = 0.5 * (lower + upper)
    lower, upper = np.where(crossed, middle, lower), np.where(crossed, middle, upper)
    return Bounds(read_only(lower), read_only(upper), read_only(middle))


def _as_carrier(name: str) -> Carrier:
    return name  # type: ignore[return-value]


def _lower(scenario: Scenario, carrier: Carrier, seller: str) -> FloatArray:
    given = scenario.config.bargaining.prices.bounds.get(carrier, PriceBounds()).min
    if given is not None:
        return scenario.series(given)
    fee, _ = _fees(scenario, carrier)
    tariff = _tariff(scenario, carrier, seller)
    if tariff is None or tariff.sell is None or carrier == "gas":
        return np.full(len(scenario.time), fee)
    bound: FloatArray = scenario.series(tariff.sell) + fee
    return bound


def _upper(scenario: Scenario, carrier: Carrier, buyer: str) -> FloatArray:
    given = scenario.config.bargaining.prices.bounds.get(carrier, PriceBounds()).max
    if given is not None:
        return scenario.series(given)
    fee, grid_fee = _fees(scenario, carrier)
    tariff = _tariff(scenario, carrier, buyer)
    if tariff is None:
        return np.full(len(scenario.time), fee)
    carbon = scenario.config.carbon.tax_per_t / KG_PER_T * tariff.co2_kg_per_kwh
    bound: FloatArray = scenario.series(tariff.buy) + carbon - grid_fee - fee
    return bound


def _fees(scenario: Scenario, carrier: Carrier) -> tuple[float, float]:
    sharing = scenario.config.sharing.get(carrier)
    return (0.0, 0.0) if sharing is None else (sharing.fee_per_kwh, sharing.grid_fee_per_kwh)


def _tariff(scenario: Scenario, carrier: Carrier, party: str) -> Tariff | None:
    """Return a party's own tariff, else that of the carrier; None where there is none."""
    participant = scenario.config.participants.get(party)
    if participant is not None and carrier in participant.connections:
        own = participant.connections[carrier].tariff
        if own is not None:
            return own
    return scenario.config.tariffs.get(carrier)


def spans(trades: PairTrades, bounds: Bounds) -> Mapping[str, FloatArray]:
    """Return the least, most and reference payment of each pair over the horizon, shape (n,)."""
    energy = trades.kw * trades.step_h
    return {
        "least": (energy * bounds.lower).sum(axis=0),
        "most": (energy * bounds.upper).sum(axis=0),
        "reference": (energy * bounds.reference).sum(axis=0),
    }
