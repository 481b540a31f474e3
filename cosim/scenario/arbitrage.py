"""Prices at which energy would be bought only to be sold again, without any device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from cosim.errors import Problem, ScenarioError
from cosim.records.time import FloatArray
from cosim.scenario.carriers import Carrier
from cosim.scenario.config import CARRIER_OF_KIND, ScenarioConfig
from cosim.scenario.networks import charged_kinds
from cosim.scenario.scenario import resolve_series
from cosim.scenario.tariffs import Tariff
from cosim.units import KG_PER_T


@dataclass(frozen=True, slots=True)
class _Trader:
    """Someone who trades a carrier with a utility.

    Attributes:
        name: of the participant; empty for the network account.
        where: field of its tariff.
        sell: feed-in price, shape (T,); -inf where nothing can be sold.
        paid: purchase price with CO2 tax, shape (T,).
        unlimited: no limit in either direction.
    """

    name: str
    where: str
    sell: FloatArray
    paid: FloatArray
    unlimited: bool


def arbitrage_problems(
    config: ScenarioConfig, profiles: Mapping[str, FloatArray], steps: int
) -> Iterator[Problem]:
    """Yield feed-in prices above a purchase price where nothing ends the trade.

    One participant alone cannot buy and sell at the same step: the market sees to that. But where
    a carrier is shared, one could buy what another one sells; the fees and grid fees of sharing are
    all that is in the way. And a connection without limits in both directions has no bound to
    choose between them.
    """
    for carrier in config.tariffs:
        if carrier == "gas":
            continue
        try:
            traders = _traders(config, carrier, profiles, steps)
        except ScenarioError:
            continue  # said by the rules about series
        sharing = config.sharing.get(carrier)
        if sharing is not None and sharing.form != "none":
            yield from _between(config, carrier, traders)
        yield from _paid_by_quota(config, carrier, traders)
        for one in traders:
            if one.unlimited and (one.sell > one.paid).any():
                yield _problem(config, one, one.paid, "", "no limit ends it", _LIMIT_IT)


_LIMIT_IT = "lower it, raise buy, or give import_max_kw or export_max_kw"


def _traders(
    config: ScenarioConfig, carrier: Carrier, profiles: Mapping[str, FloatArray], steps: int
) -> list[_Trader]:
    """Return the participants who trade a carrier, and the account of the networks' losses."""
    common, found = config.tariffs[carrier], []
    for name, participant in config.participants.items():
        connection = participant.connections.get(carrier)
        if connection is None:
            continue
        own = connection.tariff
        where = f"tariffs.{carrier}"
        if own is not None:
            where = f"participants.{name}.connections.{carrier}.tariff"
        sell, paid = _prices(config, common if own is None else own, profiles, steps)
        unlimited = np.isinf([connection.import_max_kw, connection.export_max_kw]).all()
        found.append(_Trader(name, where, sell, paid, bool(unlimited)))
    if _networks_charge(config, carrier):
        sell, paid = _prices(config, common, profiles, steps)
        capped = np.minimum(sell, paid)
        found.append(_Trader("", f"tariffs.{carrier}", capped, paid, unlimited=False))
    return found


def _prices(
    config: ScenarioConfig, tariff: Tariff, profiles: Mapping[str, FloatArray], steps: int
) -> tuple[FloatArray, FloatArray]:
    tax = config.carbon.tax_per_t / KG_PER_T * tariff.co2_kg_per_kwh
    paid = resolve_series(tariff.buy, profiles, steps) + tax
    if tariff.sell is None:
        return np.full(steps, -np.inf), paid
    return resolve_series(tariff.sell, profiles, steps), paid


def _networks_charge(config: ScenarioConfig, carrier: Carrier) -> bool:
    """True if losses or pumps of networks are bought in this carrier."""
    charged = {
        "electricity" if kind == "auxiliary" else CARRIER_OF_KIND[network.kind]
        for network in config.networks.values()
        for kind in charged_kinds(network.kind, network)
    }
    return carrier in charged


def _between(config: ScenarioConfig, carrier: Carrier, traders: list[_Trader]) -> Iterator[Problem]:
    """Yield the feed-in price of one that is above what another pays, sharing included."""
    sharing, operator = config.sharing[carrier], config.system_operator
    fees = operator.cost_per_kwh if operator.player else 2.0 * sharing.fee_per_kwh
    costs, named = fees + sharing.grid_fee_per_kwh, set()
    for position, seller in enumerate(traders):
        others = [one.paid for k, one in enumerate(traders) if k != position]
        if not others or seller.where in named:
            continue
        paid = np.min(others, axis=0) + costs
        if (seller.sell > paid).any():
            named.add(seller.where)
            yield _problem(
                config,
                seller,
                paid,
                " and the fees of sharing",
                "one participant would buy what another one sells",
                f"lower it, raise buy or the fees, or set sharing.{carrier}.form: none",
            )


def _paid_by_quota(
    config: ScenarioConfig, carrier: Carrier, traders: list[_Trader]
) -> Iterator[Problem]:
    """Yield quotas on bought energy that pay for buying what is sold again at once.

    That takes more allowances for a kWh than its emissions need, and they are worth more than what
    lies between the two prices.
    """
    trading = config.carbon.trading
    if trading is None:
        return
    steepest = max(
        1.0 + trading.intervals * trading.reward_growth,
        1.0 + (trading.intervals - 1) * trading.growth,
    )
    for one in traders:
        if not one.name:
            continue
        participant = config.participants[one.name]
        own, tariff = participant.carbon_quota, participant.connections[carrier].tariff
        given = (own or trading.quota).kg_per_kwh_bought.get(carrier, 0.0)
        needed = (tariff or config.tariffs[carrier]).co2_kg_per_kwh
        worth = (given - needed) * steepest * trading.price_per_t / KG_PER_T
        if worth > 0.0 and (one.sell > one.paid - worth).any():
            where = (
                "carbon.trading.quota" if own is None else f"participants.{one.name}.carbon_quota"
            )
            yield Problem(
                f"{where}.kg_per_kwh_bought.{carrier}",
                f"{given:g} kg for a kWh that emits {needed:g} kg: buying {carrier} to sell it "
                "again would pay",
                f"at most {needed:g}, or a feed-in price further below the purchase price",
                f"lower it, or lower {one.where}.sell",
            )
            if own is None:
                return


def _problem(
    config: ScenarioConfig, seller: _Trader, paid: FloatArray, more: str, way: str, advice: str
) -> Problem:
    where = np.flatnonzero(seller.sell > paid)
    first = int(where[0])
    start = config.time.start + timedelta(minutes=config.time.step_minutes * first)
    count = f"{len(where)} step{'s' if len(where) > 1 else ''}"
    return Problem(
        f"{seller.where}.sell",
        f"above the purchase price with CO2 tax{more} at {count}, first {seller.sell[first]:g} "
        f"against {paid[first]:g} at {start:%Y-%m-%d %H:%M}: {way}",
        "a feed-in price that is at most as high",
        advice,
    )
