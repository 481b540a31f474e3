"""Where participants meet the networks: active and reactive power of every terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyomo.environ as pyo

from cosim.market.devices import Ports
from cosim.market.reactive import add_reactive, reactive_variables
from cosim.market.trade import net_import
from cosim.records.names import PUMP_PREFIX, party_of
from cosim.scenario import Scenario
from cosim.scenario.config import CARRIER_OF_KIND

REACTIVE_PER_KVARH = 1e-3
"""Tie-break on free reactive power, currency per kvarh; shortens the tail of the coupling."""
LOSS_PER_KWH = 1e-4
"""Tie-break on losses and pump power, currency per kWh."""


def add_injections(
    model: pyo.ConcreteModel,
    scenario: Scenario,
    blocks: Mapping[str, pyo.Block],
    devices: Mapping[str, Mapping[str, Ports]],
) -> None:
    """Add the power of every terminal, in kW and positive into the network.

    `injection_definition`: injection[t] = sell[t] + share_out[t] + led_out[t] - buy[t] -
    share_in[t] - led_in[t], one per participant and network, in the participant's carrier block;
    for pump terminals `pump_definition`: pump_injection[t] = -auxiliary[t]. In the electric network
    also reactive power, see `reactive.add_reactive`. Of hydrogen, what is sold is fed into the gas
    network: injection[t] = sell[t]; what is bought, shared or traded with a leader goes other ways.

    Args:
        model: with the networks' charges.
        scenario: with the terminals.
        blocks: participant -> its block.
        devices: participant -> what its devices gave back, by name.
    """
    steps = range(len(scenario.time))
    for network in scenario.networks.values():
        carrier = CARRIER_OF_KIND[network.kind]
        for terminal in network.terminals:
            if terminal.name.startswith(PUMP_PREFIX):
                grid = terminal.name.removeprefix(PUMP_PREFIX)
                _add_pump(model.network.grids.component(grid), steps)
            elif terminal.carrier is not None:
                _add_feed(blocks[party_of(terminal.name)].component(terminal.carrier), steps)
            else:
                block = blocks[terminal.name].component(carrier)
                _add_injection(block, steps)
                if network.kind == "electric":
                    add_reactive(block, scenario, terminal.name, devices[terminal.name])


def _add_injection(block: pyo.Block, steps: range) -> None:
    block.injection = pyo.Var(steps)
    block.injection_definition = pyo.Constraint(
        steps,
        rule=lambda b, t: b.injection[t] + pyo.quicksum(net_import(b, t)) == 0.0,
        doc="what a participant exports is injected at its terminal",
    )


def _add_feed(block: pyo.Block, steps: range) -> None:
    block.injection = pyo.Var(steps, within=pyo.NonNegativeReals)
    block.injection_definition = pyo.Constraint(
        steps,
        rule=lambda b, t: b.injection[t] - b.sell[t] == 0.0,
        doc="hydrogen that is sold is fed into the gas network",
    )


def _add_pump(block: pyo.Block, steps: range) -> None:
    block.pump_injection = pyo.Var(steps)
    block.pump_definition = pyo.Constraint(
        steps,
        rule=lambda b, t: b.pump_injection[t] + b.auxiliary[t] == 0.0,
        doc="the pump's electricity is load at its bus",
    )


def tie_break(model: pyo.ConcreteModel, scenario: Scenario) -> Any:
    """Return the price of choices that cost nothing: |free reactive power|, losses and pumps.

    Without it a solver may burn losses instead of curtailing, and swing reactive power at will.
    It is part of the objective, not of any cost.
    """
    steps, step_h = range(len(scenario.time)), scenario.time.step_h
    terms = []
    for block in model.component_data_objects(pyo.Block, active=True):
        for variable in reactive_variables(block):
            terms += [REACTIVE_PER_KVARH * step_h * variable[t] for t in steps]
    for block in model.network.grids.component_data_objects(pyo.Block, descend_into=False):
        for variable in block.component_objects(pyo.Var, descend_into=False):
            if variable.local_name != "pump_injection":
                terms += [LOSS_PER_KWH * step_h * variable[t] for t in steps]
    return pyo.quicksum(terms) if terms else 0.0
