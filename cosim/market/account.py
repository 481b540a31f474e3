"""The network account: who pays for losses and for the electricity of pumps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyomo.environ as pyo

from cosim.errors import Problem, ScenarioError
from cosim.market.bilateral import partners_of
from cosim.market.tariffs import Prices
from cosim.market.trade import Terms, add_trade, net_import
from cosim.records import Baseline, read_only
from cosim.records.names import NETWORK
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.config import CARRIER_OF_KIND, Sharing
from cosim.scenario.networks import charged_kinds, has_utility
from cosim.scenario.participants import Carrier

UNLIMITED_KW = float("inf")


@dataclass(frozen=True, slots=True)
class Charge:
    """One part of what the networks draw on the community's account.

    Attributes:
        grid: network it comes from.
        kind: `loss`, or `auxiliary` for pumps.
        carrier: carrier it is charged in.
        baseline_kw: what background customers cause alone, shape (T,).
    """

    grid: str
    kind: str
    carrier: Carrier
    baseline_kw: FloatArray


def charges(scenario: Scenario, baselines: Mapping[str, Baseline]) -> tuple[Charge, ...]:
    """Return the losses and pump powers that the networks of a scenario can cause.

    Electric, heat and cooling networks have losses; heat and cooling networks also pumps, charged
    in electricity, gas networks their compressors where a bus feeds them.
    """
    found = []
    for name, network in scenario.networks.items():
        base = baselines.get(name, _nothing(name, len(scenario.time)))
        kinds = charged_kinds(network.kind, network.settings)
        if "loss" in kinds:
            found.append(Charge(name, "loss", CARRIER_OF_KIND[network.kind], base.loss_kw))
        if "auxiliary" in kinds:
            found.append(Charge(name, "auxiliary", "electricity", base.auxiliary_kw))
    return tuple(found)


def _nothing(grid: str, steps: int) -> Baseline:
    zeros = read_only(np.zeros(steps))
    return Baseline(grid, zeros, zeros, zeros)


def account_terms(
    scenario: Scenario,
    prices: Mapping[Carrier, Prices],
    parts: tuple[Charge, ...],
    sharers: Mapping[Carrier, tuple[str, ...]],
) -> dict[Carrier, Terms]:
    """Return how the account trades every carrier that is charged to it.

    It buys at the utility's price, sells back at the feed-in price (or for nothing) where the
    participants relieve a network, and takes part in the pool. It only takes where energy would go
    through it past something: past the limits of links, or past the participants' quotas of CO2,
    of which it has none. It is never paid more than it pays, since it has no limit that would end
    buying to sell.

    Raises:
        ScenarioError: if a carrier that networks charge has no tariff.
    """
    carriers = dict.fromkeys(part.carrier for part in parts)
    missing = [carrier for carrier in carriers if carrier not in prices]
    if missing:
        raise ScenarioError(
            [
                Problem(
                    f"tariffs.{carrier}",
                    "missing",
                    f"a tariff, because networks charge {carrier} to the community",
                    "add the tariff",
                )
                for carrier in missing
            ]
        )
    terms = {}
    for carrier in carriers:
        sharing = scenario.config.sharing.get(carrier, Sharing(form="none"))
        bilateral = sharing.form == "bilateral"
        terms[carrier] = Terms(
            carrier=carrier,
            prices=_without_arbitrage(prices[carrier]),
            import_max_kw=UNLIMITED_KW,
            export_max_kw=UNLIMITED_KW,
            form=sharing.form,
            fee_per_kwh=sharing.fee_per_kwh,
            disposal=True,
            gives=not bilateral and scenario.config.carbon.trading is None,
            partners=partners_of(NETWORK, sharers[carrier], sharing) if bilateral else {},
            utility=has_utility(scenario.config.networks, carrier),
        )
    return terms


def _without_arbitrage(prices: Prices) -> Prices:
    """Return prices with a feed-in price of at most what is paid for a kWh, 0 where there is none.

    Nothing changes where no purchase price is below the feed-in price, or below 0 without one.
    """
    sell = np.zeros(len(prices.buy)) if prices.sell is None else prices.sell
    if (sell <= prices.paid).all():
        return prices
    return replace(prices, sell=read_only(np.minimum(sell, prices.paid)))


def add_account(
    block: pyo.Block, parts: tuple[Charge, ...], terms: Mapping[Carrier, Terms], steps: range
) -> None:
    """Add the network account to its block.

    One variable per charge and step, `grids.<grid>.loss` and `grids.<grid>.auxiliary`, at its
    baseline until the market gets loss lines for it. `balance` per carrier: buy[t] + share_in[t]
    - sell[t] - share_out[t] = sum over charges of (charge[t] - baseline[t]).
    """
    block.grids = pyo.Block()
    for part in parts:
        if block.grids.component(part.grid) is None:
            block.grids.add_component(part.grid, pyo.Block())
        base_kw = [float(value) for value in part.baseline_kw]
        variable = pyo.Var(steps, bounds=lambda _, t, base_kw=base_kw: (base_kw[t], base_kw[t]))
        block.grids.component(part.grid).add_component(part.kind, variable)
    for carrier, term in terms.items():
        block.add_component(carrier, pyo.Block())
        own = block.component(carrier)
        add_trade(own, term, steps)
        mine = [
            (block.grids.component(part.grid).component(part.kind), part.baseline_kw)
            for part in parts
            if part.carrier == carrier
        ]

        def balance(b: pyo.Block, t: int, mine: list[tuple[pyo.Var, FloatArray]] = mine) -> object:
            """Return that the account buys what is charged above the background, in kW."""
            charged = [variable[t] - float(base_kw[t]) for variable, base_kw in mine]
            return pyo.quicksum(net_import(b, t)) == pyo.quicksum(charged)

        own.balance = pyo.Constraint(
            steps, rule=balance, doc="the account covers losses and pumps beyond the baseline"
        )
