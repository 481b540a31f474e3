"""The Pyomo model of a scenario: participants with their devices, the pool, the network account.

The model holds every participant and every way to trade; who takes part, cuts and loss lines are
bounds and rows of the compiled model (`cosim.market.compile`), so it is built once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC

from cosim.errors import Problem, ScenarioError
from cosim.market.account import Charge, account_terms, add_account, charges
from cosim.market.devices import DEVICES, Axes, Ports
from cosim.market.tariffs import Prices, resolve_prices
from cosim.market.terminals import add_injections, tie_break
from cosim.market.trade import Terms, add_trade, net_import, trade_costs
from cosim.records import Baseline, Past, read_only
from cosim.records.names import NETWORK
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.participants import CARRIERS, Carrier, Participant


@dataclass(frozen=True, slots=True)
class Party:
    """A participant, or the network account, in the Pyomo model.

    Attributes:
        name: as in the cost table.
        block: its Pyomo block, with one sub-block per carrier.
        terms: how it trades, per carrier that it is connected to.
        carriers: every carrier with a balance.
        devices: what its devices gave back, by name.
        costs: cost component -> linear expressions to be added up.
        demand_kw: inflexible demand per carrier, shape (T,).
        background_kw: demand of background customers that this party supplies, shape (T,).
    """

    name: str
    block: pyo.Block
    terms: Mapping[Carrier, Terms]
    carriers: tuple[Carrier, ...]
    devices: Mapping[str, Ports] = field(default_factory=dict)
    costs: dict[str, list[Any]] = field(default_factory=dict)
    demand_kw: Mapping[Carrier, FloatArray] = field(default_factory=dict)
    background_kw: Mapping[Carrier, FloatArray] = field(default_factory=dict)

    def add_cost(self, component: str, expression: Any) -> None:
        """Add an expression to one of the party's cost components."""
        self.costs.setdefault(component, []).append(expression)


@dataclass(frozen=True, slots=True)
class MarketModel:
    """The Pyomo model and what is needed to read it.

    Attributes:
        model: the Pyomo model, with an objective.
        parties: participants in the order of the scenario, then the network account.
        charges: losses and pumps.
        prices: per carrier.
        operator_costs: the system operator's components; empty unless it is a player.
        pooled: carriers that are shared.
    """

    model: pyo.ConcreteModel
    parties: Mapping[str, Party]
    charges: tuple[Charge, ...]
    prices: Mapping[Carrier, Prices]
    operator_costs: Mapping[str, Any]
    pooled: tuple[Carrier, ...]


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
    prices = resolve_prices(scenario)
    model = pyo.ConcreteModel(name=scenario.config.name)
    model.participants = pyo.Block()
    parties: dict[str, Party] = {}
    for name in scenario.config.participants:
        model.participants.add_component(name, pyo.Block())
        block = model.participants.component(name)
        parties[name] = _participant(scenario, baselines, prices, name, block, past)
    parts = charges(scenario, baselines)
    model.add_component(NETWORK, pyo.Block())
    terms = account_terms(scenario, prices, parts)
    add_account(model.component(NETWORK), parts, terms, steps)
    parties[NETWORK] = Party(NETWORK, model.component(NETWORK), terms, tuple(terms))
    for party in parties.values():
        for carrier, term in party.terms.items():
            block = party.block.component(carrier)
            for component, money in trade_costs(block, term, steps, step_h).items():
                party.add_cost(component, money)
    pooled = _add_pools(model, parties, steps)
    add_injections(model, scenario, {n: p.block for n, p in parties.items() if n != NETWORK})
    operator = _operator_costs(scenario, parties, pooled, steps)
    own = [sum(items) for party in parties.values() for items in party.costs.values()]
    model.tie_break = pyo.Expression(expr=tie_break(model, scenario))
    money = [*own, *operator.values(), model.tie_break.expr]
    model.total_cost = pyo.Objective(expr=pyo.quicksum(money))
    return MarketModel(model, parties, parts, prices, operator, pooled)


def _participant(
    scenario: Scenario,
    baselines: Mapping[str, Baseline],
    prices: Mapping[Carrier, Prices],
    name: str,
    block: pyo.Block,
    past: Past,
) -> Party:
    """Add one participant: its devices, trade and one `balance` per carrier and step.

    sum of device flows + buy + share_in = demand + sell + share_out, in kW.
    """
    participant = scenario.config.participants[name]
    steps = range(len(scenario.time))
    demand_kw = {c: scenario.series(value) for c, value in participant.demand.items()}
    background_kw = _background(scenario, baselines, name)
    axes = Axes(steps, scenario.time.step_h, scenario.series, demand_kw, window=scenario.window)
    block.devices = pyo.Block()
    devices: dict[str, Ports] = {}
    for device, spec in participant.devices.items():
        block.devices.add_component(device, pyo.Block())
        _, build = DEVICES[spec.type]
        own = replace(
            axes,
            weather=scenario.weather,
            initial=past.now.get((name, device), {}),
            origin=past.origin.get((name, device), {}),
        )
        devices[device] = build(block.devices.component(device), spec, own)
    terms = {c: _terms(scenario, prices, participant, c) for c in participant.connections}
    carriers = _carriers(terms, demand_kw, background_kw, devices)
    _check_supply(name, background_kw, terms, devices)
    party = Party(name, block, terms, carriers, devices, {}, demand_kw, background_kw)
    for carrier in carriers:
        _add_balance(party, carrier, steps)
    for ports in devices.values():
        for component, money in ports.costs.items():
            party.add_cost(component, money)
    return party


def _background(
    scenario: Scenario, baselines: Mapping[str, Baseline], name: str
) -> dict[Carrier, FloatArray]:
    """Return the heat that a participant owes background customers, losses included."""
    found: dict[Carrier, FloatArray] = {}
    for grid, network in scenario.config.networks.items():
        if getattr(network, "supplies_background", None) == name and grid in baselines:
            carrier: Carrier = "cooling" if network.kind == "cooling" else "heat"
            found[carrier] = read_only(baselines[grid].drawn_kw + baselines[grid].loss_kw)
    return found


def _terms(
    scenario: Scenario,
    prices: Mapping[Carrier, Prices],
    participant: Participant,
    carrier: Carrier,
) -> Terms:
    connection = participant.connections[carrier]
    sharing = scenario.config.sharing.get(carrier)
    return Terms(
        carrier=carrier,
        prices=prices[carrier],
        import_max_kw=connection.import_max_kw,
        export_max_kw=connection.export_max_kw,
        pooled=sharing is not None and sharing.form == "pool" and carrier != "gas",
        fee_per_kwh=sharing.fee_per_kwh if sharing is not None else 0.0,
        grid_fee_per_kwh=sharing.grid_fee_per_kwh if sharing is not None else 0.0,
    )


def _carriers(
    terms: Mapping[Carrier, Terms],
    demand_kw: Mapping[Carrier, FloatArray],
    background_kw: Mapping[Carrier, FloatArray],
    devices: Mapping[str, Ports],
) -> tuple[Carrier, ...]:
    touched = {*terms, *demand_kw, *background_kw}
    touched.update(carrier for ports in devices.values() for carrier in ports.flows)
    return tuple(carrier for carrier in CARRIERS if carrier in touched)


def _check_supply(
    name: str,
    background_kw: Mapping[Carrier, FloatArray],
    terms: Mapping[Carrier, Terms],
    devices: Mapping[str, Ports],
) -> None:
    """Refuse a supplier of background customers that can neither buy nor produce.

    Raises:
        ScenarioError: naming the participant and the carrier.
    """
    for carrier in background_kw:
        if carrier not in terms and not any(carrier in ports.flows for ports in devices.values()):
            raise ScenarioError(
                [
                    Problem(
                        f"participants.{name}",
                        f"supplies background customers without any {carrier}",
                        f"a connection or a device for {carrier}",
                        f"add connections.{carrier} or change supplies_background",
                    )
                ]
            )


def _add_balance(party: Party, carrier: Carrier, steps: range) -> None:
    party.block.add_component(carrier, pyo.Block())
    block = party.block.component(carrier)
    if carrier in party.terms:
        add_trade(block, party.terms[carrier], steps)
    flows = [ports.flows[carrier] for ports in party.devices.values() if carrier in ports.flows]
    zeros = np.zeros(len(steps))
    due_kw = party.demand_kw.get(carrier, zeros) + party.background_kw.get(carrier, zeros)

    def balance(b: pyo.Block, t: int) -> object:
        supply = [flow(t) for flow in flows]
        if carrier in party.terms:
            supply += net_import(b, t)
        return pyo.quicksum(supply) == float(due_kw[t])

    block.balance = pyo.Constraint(
        steps, rule=balance, doc="supply and import equal demand and export"
    )


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
    return carrier in party.terms and party.terms[carrier].pooled


def _operator_costs(
    scenario: Scenario, parties: Mapping[str, Party], pooled: tuple[Carrier, ...], steps: range
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
        for carrier in pooled
        for party in parties.values()
        if _pools(party, carrier)
        for t in steps
    ]
    fees = [-item for p in parties.values() for item in p.costs.get("management_fee", [])]
    return {"management_fee": sum(fees), "operation": pyo.quicksum(running)}
