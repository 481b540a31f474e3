"""Prices of external supply, resolved to arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cosim.records import read_only
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.participants import Carrier
from cosim.units import KG_PER_T


@dataclass(frozen=True, slots=True)
class Prices:
    """What one kWh costs and earns at the utility of one carrier.

    Attributes:
        buy: price of energy bought, without CO2 tax, shape (T,).
        sell: feed-in price, shape (T,); None where nothing can be sold.
        co2_tax: tax on the emissions of a bought kWh, shape (T,).
    """

    buy: FloatArray
    sell: FloatArray | None
    co2_tax: FloatArray

    @property
    def paid(self) -> FloatArray:
        """Price of a bought kWh with its CO2 tax, shape (T,)."""
        total: FloatArray = self.buy + self.co2_tax
        return total


def resolve_prices(scenario: Scenario) -> Mapping[Carrier, Prices]:
    """Return the prices of every carrier with a tariff.

    The CO2 tax is carbon.tax_per_t / 1000 * co2_kg_per_kwh per kWh bought; sales earn no credit.
    Gas is never sold.
    """
    per_kg = scenario.config.carbon.tax_per_t / KG_PER_T
    steps = len(scenario.time)
    found: dict[Carrier, Prices] = {}
    for carrier, tariff in scenario.config.tariffs.items():
        may_sell = tariff.sell is not None and carrier != "gas"
        found[carrier] = Prices(
            buy=scenario.series(tariff.buy),
            sell=scenario.series(tariff.sell) if may_sell and tariff.sell is not None else None,
            co2_tax=read_only([per_kg * tariff.co2_kg_per_kwh] * steps),
        )
    return found
