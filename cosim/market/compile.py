"""From the Pyomo model to arrays: one standard-form matrix, and where everything is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC

from cosim.market.layout import Functionals, Layout, TradeColumns
from cosim.market.linear import Columns, Entries, all_constraints, standard_rows
from cosim.market.model import MarketModel
from cosim.market.party import Party
from cosim.market.places import contract_columns, ladder_columns, peak_columns
from cosim.market.program import Bounds, Program
from cosim.market.rows import row_groups, row_owner
from cosim.records import read_only
from cosim.records.names import NETWORK, OPERATOR, PUMP_PREFIX, party_of
from cosim.records.time import IntArray
from cosim.scenario import Scenario
from cosim.scenario.config import CARRIER_OF_KIND
from cosim.scenario.participants import CARRIERS, Carrier


@dataclass(frozen=True, slots=True)
class Compiled:
    """The market's program, and how to read it.

    Attributes:
        program: the arrays.
        layout: where parties, trades, terminals, pools and losses are.
        money: cost components, labelled (party, component).
        report: device quantities, labelled (party, device, carrier, quantity), T rows each.
        exclusive: pairs that must not both be positive, labelled (party, device, pair), 2 T rows.
        carry: what devices hand on, labelled (party, device, name): after the last step that is
            kept and after the last one, 2 rows each.
        co2: emissions over all steps in kg, labelled (party, source), 1 row each.
        quota: allowances for the steps that are kept in kg, labelled (party,), 1 row each.
        traded: emissions above the quota in t, labelled (party, first step), 1 row per ladder.
    """

    program: Program
    layout: Layout
    money: Functionals
    report: Functionals
    exclusive: Functionals
    carry: Functionals
    co2: Functionals
    quota: Functionals
    traded: Functionals


def compile_model(market: MarketModel, scenario: Scenario) -> Compiled:
    """Compile the Pyomo model once, with the garbage collector paused.

    Raises:
        Infeasible: if a balance cannot hold whatever anyone does.
    """
    with PauseGC():
        return _compile(market, scenario)


def _compile(market: MarketModel, scenario: Scenario) -> Compiled:
    """Return the matrices of the market, and what is where in them."""
    variables, owner, step = _labelled_variables(market, len(scenario.time))
    columns = {id(variable): k for k, variable in enumerate(variables)}
    matrix, row_lb, row_ub, rows = standard_rows(all_constraints(market.model), columns)
    steps = len(scenario.time)
    layout = _layout(market, scenario, columns, rows, (owner, step), matrix.shape[0])
    money = _money(market, columns)
    tie = _functionals([("", ("tie_break",), [market.model.tie_break.expr])], columns)
    total = np.asarray(money.matrix.sum(axis=0) + tie.matrix.sum(axis=0)).ravel()
    bounds = np.array([variable.bounds for variable in variables], dtype=float)
    program = Program(
        matrix=matrix,
        bounds=Bounds(
            read_only(np.where(np.isnan(bounds[:, 0]), -np.inf, bounds[:, 0])),
            read_only(np.where(np.isnan(bounds[:, 1]), np.inf, bounds[:, 1])),
            row_lb,
            row_ub,
        ),
        cost=read_only(total),
        offset=float(money.constant.sum() + tie.constant.sum()),
        integer=read_only([not variable.is_continuous() for variable in variables], bool),
    )
    return Compiled(
        program=program,
        layout=layout,
        money=money,
        report=_functionals(_reports(market, steps), columns),
        exclusive=_functionals(_pairs(market, steps), columns),
        carry=_functionals(_carried(market, scenario), columns),
        co2=_functionals(_emissions(market, scenario), columns),
        quota=_functionals(_quotas(market), columns),
        traded=_functionals(_traded(market), columns),
    )


def variables_of(market: MarketModel, steps: int) -> list[Any]:
    """Return the Pyomo variables in the order of the columns."""
    return _labelled_variables(market, steps)[0]


def _labelled_variables(market: MarketModel, steps: int) -> tuple[list[Any], IntArray, IntArray]:
    """Return all variables, party by party, the number of the party that owns each, and its step.

    A variable belongs to a step where its component is indexed over all of them or its party says
    so; -1 elsewhere.
    """
    variables: list[Any] = []
    owner: list[int] = []
    step: list[int] = []
    dated = {id(one): first for party in market.parties.values() for one, first in party.dated}
    for number, party in enumerate(market.parties.values()):
        for component in party.block.component_objects(pyo.Var, descend_into=True):
            variables.extend(component.values())
            step.extend(_steps_of(component, steps))
        owner.extend([number] * (len(variables) - len(owner)))
    step = [dated.get(id(one), known) for one, known in zip(variables, step, strict=True)]
    return variables, read_only(owner, np.int64), read_only(step, np.int64)


def _steps_of(component: Any, steps: int) -> list[int]:
    """Return the step of every member of a component, -1 where it is not indexed by steps."""
    if not component.is_indexed():
        return [-1]
    subsets = list(component.index_set().subsets())
    place = next((k for k, one in enumerate(subsets) if len(one) == steps), None)
    if place is None:
        return [-1] * len(component)
    if len(subsets) == 1:
        return [int(key) for key in component]
    return [int(key[place]) for key in component]


def _layout(
    market: MarketModel,
    scenario: Scenario,
    columns: Columns,
    rows: Mapping[int, int],
    column_labels: tuple[IntArray, IntArray],
    n_rows: int,
) -> Layout:
    """Return where everything of the market is: columns, rows, owners, constants."""
    trades, balances = _trades(market, columns, rows)
    p_columns, q_columns, definitions = _terminals(market, scenario, columns, rows)
    grids = market.model.component(NETWORK).grids
    return Layout(
        parties=tuple(market.parties),
        steps=len(scenario.time),
        step_h=scenario.time.step_h,
        column_owner=column_labels[0],
        column_step=column_labels[1],
        row_owner=row_owner(market, rows, n_rows),
        trades=trades,
        balances=balances,
        pools={c: _at(market.model.pool.component(c), rows) for c in market.pooled},
        carriers={k: CARRIER_OF_KIND[net.kind] for k, net in scenario.networks.items()},
        terminals={k: tuple(t.name for t in net.terminals) for k, net in scenario.networks.items()},
        p_columns=p_columns,
        q_columns=q_columns,
        definitions=definitions,
        charged={
            (part.grid, part.kind): _at(grids.component(part.grid).component(part.kind), columns)
            for part in market.charges
        },
        charges=market.charges,
        demand_kw={
            (name, carrier): value
            for name, party in market.parties.items()
            for carrier, value in party.demand_kw.items()
        },
        background_kw={
            (name, carrier): value
            for name, party in market.parties.items()
            for carrier, value in party.background_kw.items()
        },
        prices=market.prices,
        constraints=row_groups(market, rows, len(scenario.time)),
        contracts=contract_columns(market, columns, rows, len(scenario.time)),
        peaks=peak_columns(market, columns),
        ladders=ladder_columns(market, columns),
        leader=scenario.config.leads,
        delivered=_leader_rows(market, "delivered", rows),
        received=_leader_rows(market, "received", rows),
    )


def _leader_rows(
    market: MarketModel, name: str, rows: Mapping[int, int]
) -> dict[Carrier, IntArray]:
    """Return the rows of the leader's trade per carrier; none without a leader."""
    block = market.model.component(name)
    if block is None:
        return {}
    found = {carrier: block.component(carrier) for carrier in CARRIERS}
    return {carrier: _at(one, rows) for carrier, one in found.items() if one is not None}


def _trades(
    market: MarketModel, columns: Columns, rows: Mapping[int, int]
) -> tuple[dict[tuple[str, Carrier], TradeColumns], dict[tuple[str, Carrier], IntArray]]:
    """Return the columns of every trade and the rows of every balance."""
    trades: dict[tuple[str, Carrier], TradeColumns] = {}
    balances: dict[tuple[str, Carrier], IntArray] = {}
    for name, party in market.parties.items():
        for carrier in party.carriers:
            block = party.block.component(carrier)
            balances[name, carrier] = _at(block.balance, rows)
            if carrier in party.terms:
                trades[name, carrier] = TradeColumns(
                    buy=_at(block.buy, columns),
                    sell=_at(block.sell, columns),
                    share_in=_at(block.share_in, columns),
                    share_out=_at(block.share_out, columns),
                    led_in=_at(block.led_in, columns),
                    led_out=_at(block.led_out, columns),
                    prices=party.terms[carrier].prices,
                )
    return trades, balances


def _terminals(
    market: MarketModel, scenario: Scenario, columns: Columns, rows: Mapping[int, int]
) -> tuple[dict[str, IntArray], dict[str, IntArray], dict[str, IntArray]]:
    """Return columns of p and q, and rows that define p, per network, shape (T, n); -1 = none."""
    p_columns, q_columns, definitions = {}, {}, {}
    grids = market.model.component(NETWORK).grids
    for name, network in scenario.networks.items():
        shape = (len(scenario.time), len(network.terminals))
        p, q, defined = (np.full(shape, -1, dtype=np.int64) for _ in range(3))
        for k, terminal in enumerate(network.terminals):
            if terminal.name.startswith(PUMP_PREFIX):
                block = grids.component(terminal.name.removeprefix(PUMP_PREFIX))
                p[:, k] = _at(block.pump_injection, columns)
                defined[:, k] = _at(block.pump_definition, rows)
                continue
            carrier = terminal.carrier or CARRIER_OF_KIND[network.kind]
            block = market.parties[party_of(terminal.name)].block.component(carrier)
            p[:, k] = _at(block.injection, columns)
            defined[:, k] = _at(block.injection_definition, rows)
            if network.kind == "electric":
                q[:, k] = _at(block.reactive, columns)
        p_columns[name], q_columns[name] = read_only(p, np.int64), read_only(q, np.int64)
        definitions[name] = read_only(defined, np.int64)
    return p_columns, q_columns, definitions


def _at(component: Any, position: Mapping[int, int]) -> IntArray:
    """Return the positions of an indexed component's members; empty where it has none."""
    return read_only([position[id(item)] for item in component.values()], np.int64)


Labelled = tuple[str, tuple[str, ...], list[Any]]
"""Owner, rest of the label, one linear expression per row."""


def _money(market: MarketModel, columns: Columns) -> Functionals:
    parts: list[Labelled] = [
        (name, (component,), [pyo.quicksum(items)])
        for name, party in market.parties.items()
        for component, items in party.costs.items()
    ]
    parts += [(OPERATOR, (name,), [money]) for name, money in market.operator_costs.items()]
    return _functionals(parts, columns)


def _reports(market: MarketModel, steps: int) -> Iterable[Labelled]:
    for device, ports, party in _devices(market):
        for (carrier, quantity), flow in ports.report.items():
            yield party.name, (device, carrier, quantity), [flow(t) for t in range(steps)]


def _pairs(market: MarketModel, steps: int) -> Iterable[Labelled]:
    for device, ports, party in _devices(market):
        for pair, flows in ports.exclusive.items():
            yield party.name, (device, pair), [flow(t) for flow in flows for t in range(steps)]


def _carried(market: MarketModel, scenario: Scenario) -> Iterable[Labelled]:
    window, last = scenario.window, len(scenario.time) - 1
    if window is None or window.count == 1:
        return
    for device, ports, party in _devices(market):
        for name, flow in ports.carry.items():
            yield party.name, (device, name), [flow(window.keep - 1), flow(last)]
    for party in market.parties.values():
        for (place, name), flow in party.carry.items():
            yield party.name, (place, name), [flow(window.keep - 1), flow(last)]


def _emissions(market: MarketModel, scenario: Scenario) -> Iterable[Labelled]:
    steps, step_h = range(len(scenario.time)), scenario.time.step_h
    for party in market.parties.values():
        for source, flow in party.co2.items():
            yield party.name, (source,), [pyo.quicksum(step_h * flow(t) for t in steps)]


def _quotas(market: MarketModel) -> Iterable[Labelled]:
    for party in market.parties.values():
        if party.quota_kg:
            yield party.name, (), [sum(party.quota_kg)]


def _traded(market: MarketModel) -> Iterable[Labelled]:
    for party in market.parties.values():
        for one in party.ladders:
            yield party.name, (str(one.first),), [one.e_t]


def _devices(market: MarketModel) -> Iterable[tuple[str, Any, Party]]:
    for party in market.parties.values():
        for device, ports in party.devices.items():
            yield device, ports, party


def _functionals(parts: Iterable[Labelled], columns: Columns) -> Functionals:
    labels: list[tuple[str, ...]] = []
    starts: list[int] = [0]
    constants: list[float] = []
    entries = Entries(columns)
    for owner, label, expressions in parts:
        labels.append((owner, *label))
        constants.extend([entries.add(expression) for expression in expressions])
        starts.append(len(constants))
    return Functionals(
        tuple(labels), read_only(starts, np.int64), entries.matrix(), read_only(constants)
    )
