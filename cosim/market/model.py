"""The Pyomo model of a scenario: participants with their devices, the pool, the network account.

The model holds every participant and every way to trade; who takes part, cuts and loss lines are
bounds and rows of the compiled model (`cosim.market.compile`), so it is built once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC

from cosim.market.account import Charge, account_terms, add_account, charges
from cosim.market.bilateral import add_links
from cosim.market.bilateral import tie_break as contract_tie_break
from cosim.market.carbon import add_sources
from cosim.market.leader_trade import add_leader
from cosim.market.participant import add_participant, add_trade_costs
from cosim.market.party import Party
from cosim.market.tariffs import Prices, account_prices, resolve_prices
from cosim.market.terminals import add_injections, tie_break
from cosim.records import Baseline, Past
from cosim.records.names import NETWORK
from cosim.scenario import Scenario
from cosim.scenario.participants import CARRIERS, Carrier


@dataclass(frozen=True, slots=True)
class MarketModel:
    """The Pyomo model and what is needed to read it.

    Attributes:
        model: the Pyomo model, with an objective.
        parties: participants in the order of the scenario, then the network account.
        charges: losses and pumps.
        prices: per carrier.
        operator_costs: the system operator's components; empty unless it is a player.
        pooled: carriers that are shared through a pool.
        contracts: carriers that are shared by contracts -> party -> its block of that carrier.
    """

    model: pyo.ConcreteModel
    parties: Mapping[str, Party]
    charges: tuple[Charge, ...]
    prices: Mapping[Carrier, Prices]
    operator_costs: Mapping[str, Any]
    pooled: tuple[Carrier, ...]
    contracts: Mapping[Carrier, Mapping[str, pyo.Block]] = field(default_factory=dict)


def build_model(
    scenario: Scenario, baselines: Mapping[str, Baseline], past: Past | None = None
) -> MarketModel:
    """Build the Pyomo model of a scenario.

    Args:
        scenario: validated and resolved.
        baselines: per network, what background customers cause alone; zero where missing.
        past: what the windows before left; nothing if missing.

    Raises:
        ScenarioError: for series or devices that do not fit.
    """
    with PauseGC():
        return _build(scenario, baselines, past or Past())


def _build(scenario: Scenario, baselines: Mapping[str, Baseline], past: Past) -> MarketModel:
    steps, step_h = range(len(scenario.time)), scenario.time.step_h
    prices, parts = resolve_prices(scenario), charges(scenario, baselines)
    sharers = _sharers(scenario, parts)
    model = pyo.ConcreteModel(name=scenario.config.name)
    model.participants = pyo.Block()
    parties: dict[str, Party] = {}
    for name in scenario.config.participants:
        model.participants.add_component(name, pyo.Block())
        block = model.participants.component(name)
        parties[name] = add_participant(scenario, baselines, prices, sharers, name, block, past)
    model.add_component(NETWORK, pyo.Block())
    terms = account_terms(scenario, account_prices(scenario), parts, sharers)
    add_account(model.component(NETWORK), parts, terms, steps)
    parties[NETWORK] = Party(NETWORK, model.component(NETWORK), terms, tuple(terms))
    add_trade_costs(parties[NETWORK], steps, step_h)
    add_sources(parties[NETWORK])
    pooled = _add_pools(model, parties, steps)
    contracts = _contracts(parties)
    add_links(model, contracts, steps)
    add_leader(model, parties, scenario.config.leads, steps, step_h)
    people = {name: party for name, party in parties.items() if name != NETWORK}
    devices = {name: party.devices for name, party in people.items()}
    add_injections(model, scenario, {name: party.block for name, party in people.items()}, devices)
    operator = _operator_costs(scenario, parties, (*pooled, *contracts), steps)
    own = [sum(items) for party in parties.values() for items in party.costs.values()]
    blocks = [block for parties_of in contracts.values() for block in parties_of.values()]
    tie = tie_break(model, scenario) + contract_tie_break(blocks, steps, step_h)
    model.tie_break = pyo.Expression(expr=tie)
    money = [*own, *operator.values(), model.tie_break.expr]
    model.total_cost = pyo.Objective(expr=pyo.quicksum(money))
    return MarketModel(model, parties, parts, prices, operator, pooled, contracts)


def _sharers(scenario: Scenario, parts: tuple[Charge, ...]) -> dict[Carrier, tuple[str, ...]]:
    """Return everyone who may share a carrier, the network account last where it is charged in it.

    A leader shares nothing.
    """
    charged = {part.carrier for part in parts}
    config = scenario.config
    return {
        carrier: (
            *(n for n in config.followers if carrier in config.participants[n].connections),
            *((NETWORK,) if carrier in charged else ()),
        )
        for carrier in CARRIERS
    }


def _contracts(parties: Mapping[str, Party]) -> dict[Carrier, dict[str, pyo.Block]]:
    """Return carrier -> party -> its carrier block, where the carrier is shared by contracts."""
    found: dict[Carrier, dict[str, pyo.Block]] = {}
    for name, party in parties.items():
        for carrier, term in party.terms.items():
            if term.form == "bilateral":
                found.setdefault(carrier, {})[name] = party.block.component(carrier)
    return found


def _add_pools(
    model: pyo.ConcreteModel, parties: Mapping[str, Party], steps: range
) -> tuple[Carrier, ...]:
    """Add `pool.<carrier>`: sum over all parties of (share_out - share_in) = 0 at each step."""
    model.pool = pyo.Block()
    sharing = {
        carrier: [p.block.component(carrier) for p in parties.values() if _pools(p, carrier)]
        for carrier in CARRIERS
    }
    pooled = tuple(carrier for carrier, blocks in sharing.items() if blocks)
    for carrier in pooled:

        def pool(_: pyo.Block, t: int, carrier: Carrier = carrier) -> object:
            blocks = sharing[carrier]
            return pyo.quicksum(b.share_out[t] - b.share_in[t] for b in blocks) == 0.0

        model.pool.add_component(
            carrier, pyo.Constraint(steps, rule=pool, doc="what is given is what is taken")
        )
    return pooled


def _pools(party: Party, carrier: Carrier) -> bool:
    return carrier in party.terms and party.terms[carrier].form == "pool"


def _operator_costs(
    scenario: Scenario, parties: Mapping[str, Party], shared: tuple[Carrier, ...], steps: range
) -> dict[str, Any]:
    """Return the operator's fee income (negative) and its running cost per kWh shared.

    Nothing unless the operator is a player: its money is then outside the community, and the fee
    is an outflow.
    """
    operator, step_h = scenario.config.system_operator, scenario.time.step_h
    if not operator.player:
        return {}
    running = [
        operator.cost_per_kwh * step_h * party.block.component(carrier).share_out[t]
        for carrier in shared
        for party in parties.values()
        if carrier in party.terms and party.terms[carrier].shared
        for t in steps
    ]
    fees = [-item for p in parties.values() for item in p.costs.get("management_fee", [])]
    return {"management_fee": sum(fees), "operation": pyo.quicksum(running)}
