"""Prices of external supply, resolved to arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cosim.records import read_only
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.config import Tariff
from cosim.scenario.participants import Carrier
from cosim.units import KG_PER_T


@dataclass(frozen=True, slots=True)
class Prices:
    """What one kWh costs and earns at the utility of one carrier.

    Attributes:
        buy: price of energy bought, without CO2 tax, shape (T,).
        sell: feed-in price, shape (T,); None where nothing can be sold.
        co2_tax: tax on the emissions of a bought kWh, shape (T,).
        co2_kg_per_kwh: emissions of a bought kWh.
    """

    buy: FloatArray
    sell: FloatArray | None
    co2_tax: FloatArray
    co2_kg_per_kwh: float = 0.0

    @property
    def paid(self) -> FloatArray:
        """Price of a bought kWh with its CO2 tax, shape (T,)."""
        total: FloatArray = self.buy + self.co2_tax
        return total


def resolve_prices(scenario: Scenario) -> Mapping[Carrier, Prices]:
    """Return the prices of every carrier with a tariff, for whoever has none of its own.

    The CO2 tax is carbon.tax_per_t / 1000 * co2_kg_per_kwh per kWh bought; sales earn no credit.
    Gas is never sold.
    """
    per_t = scenario.config.carbon.tax_per_t
    tariffs = scenario.config.tariffs.items()
    return {carrier: prices_of(scenario, carrier, tariff, per_t) for carrier, tariff in tariffs}


def account_prices(scenario: Scenario) -> Mapping[Carrier, Prices]:
    """Return the prices of the network account.

    It has no quota: where allowances are traded, it buys them for every kg at the price of the
    first interval, on top of the tax.
    """
    carbon = scenario.config.carbon
    per_t = carbon.tax_per_t + (carbon.trading.price_per_t if carbon.trading is not None else 0.0)
    tariffs = scenario.config.tariffs.items()
    return {carrier: prices_of(scenario, carrier, tariff, per_t) for carrier, tariff in tariffs}


def own_prices(
    scenario: Scenario, prices: Mapping[Carrier, Prices], name: str, carrier: Carrier
) -> Prices:
    """Return the prices of one participant: its own tariff, or the carrier's."""
    own = scenario.config.participants[name].connections[carrier].tariff
    if own is None:
        return prices[carrier]
    return prices_of(scenario, carrier, own, scenario.config.carbon.tax_per_t)


def tariff_of(scenario: Scenario, name: str, carrier: Carrier) -> Tariff:
    """Return the tariff of one participant for a carrier that it is connected to."""
    own = scenario.config.participants[name].connections[carrier].tariff
    return scenario.config.tariffs[carrier] if own is None else own


def prices_of(scenario: Scenario, carrier: Carrier, tariff: Tariff, co2_per_t: float) -> Prices:
    """Return a tariff as arrays, with a price on CO2 in currency per t."""
    may_sell = tariff.sell is not None and carrier != "gas"
    per_kwh = co2_per_t / KG_PER_T * tariff.co2_kg_per_kwh
    return Prices(
        buy=scenario.series(tariff.buy),
        sell=scenario.series(tariff.sell) if may_sell and tariff.sell is not None else None,
        co2_tax=read_only([per_kwh] * len(scenario.time)),
        co2_kg_per_kwh=tariff.co2_kg_per_kwh,
    )
