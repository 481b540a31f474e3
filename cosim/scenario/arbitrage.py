"""Prices at which energy would be bought only to be sold again, without any device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import numpy as np

from cosim.errors import Problem, ScenarioError
from cosim.records.time import FloatArray
from cosim.scenario.config import CARRIER_OF_KIND, ScenarioConfig, Tariff
from cosim.scenario.participants import Carrier
from cosim.scenario.scenario import resolve_series
from cosim.units import KG_PER_T


def arbitrage_problems(
    config: ScenarioConfig, profiles: Mapping[str, FloatArray], steps: int
) -> Iterator[Problem]:
    """Yield carriers whose feed-in price is above the purchase price where that has no end.

    One participant alone cannot buy and sell at the same step: the market sees to that. But where
    a carrier is shared, one could buy what another one sells; the fees and grid fees of sharing are
    all that is in the way. And a connection without limits in both directions has no bound to
    choose between them.
    """
    for carrier, tariff in config.tariffs.items():
        if tariff.sell is None or carrier == "gas":
            continue
        try:
            sell = resolve_series(tariff.sell, profiles, steps)
            paid = resolve_series(tariff.buy, profiles, steps) + _tax(config, tariff)
        except ScenarioError:
            continue  # said by the rules about series
        shared = _is_shared(config, carrier)
        if not shared and not _is_unlimited(config, carrier):
            continue
        costs = _sharing_cost(config, carrier) if shared else 0.0
        gain = sell - paid - costs
        first = np.flatnonzero(gain > 0.0)
        if len(first):
            yield _problem(config, carrier, sell, paid + costs, first, shared=shared)


def _tax(config: ScenarioConfig, tariff: Tariff) -> float:
    return config.carbon.tax_per_t / KG_PER_T * tariff.co2_kg_per_kwh


def _is_shared(config: ScenarioConfig, carrier: Carrier) -> bool:
    """True if two parties or more share the carrier; losses of networks are a party."""
    sharing = config.sharing.get(carrier)
    if sharing is None or sharing.form == "none":
        return False
    parties = sum(carrier in one.connections for one in config.participants.values())
    kinds = {network.kind for network in config.networks.values()}
    pumps = carrier == "electricity" and bool(kinds & {"heat", "cooling"})
    parties += pumps or carrier in {CARRIER_OF_KIND[kind] for kind in kinds}
    return parties > 1


def _is_unlimited(config: ScenarioConfig, carrier: Carrier) -> bool:
    own = [
        one.connections[carrier]
        for one in config.participants.values()
        if carrier in one.connections
    ]
    return any(np.isinf(c.import_max_kw) and np.isinf(c.export_max_kw) for c in own)


def _sharing_cost(config: ScenarioConfig, carrier: Carrier) -> float:
    """Return what the community pays to others for a kWh that is shared."""
    sharing, operator = config.sharing[carrier], config.system_operator
    fees = operator.cost_per_kwh if operator.player else 2.0 * sharing.fee_per_kwh
    return fees + sharing.grid_fee_per_kwh


def _problem(
    config: ScenarioConfig,
    carrier: Carrier,
    sell: FloatArray,
    paid: FloatArray,
    where: np.ndarray,
    *,
    shared: bool,
) -> Problem:
    first = int(where[0])
    start = config.time.start + timedelta(minutes=config.time.step_minutes * first)
    price = "the purchase price with CO2 tax" + (" and the fees of sharing" if shared else "")
    count = f"{len(where)} step{'s' if len(where) > 1 else ''}"
    way = "one participant would buy what another one sells" if shared else "no limit ends it"
    return Problem(
        f"tariffs.{carrier}.sell",
        f"above {price} at {count}, first {sell[first]:g} against {paid[first]:g} at "
        f"{start:%Y-%m-%d %H:%M}: {way}",
        "a feed-in price that is at most as high",
        f"lower it, raise buy or the fees, or set sharing.{carrier}.form: none"
        if shared
        else "lower it, raise buy, or give import_max_kw or export_max_kw",
    )
