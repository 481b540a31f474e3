"""One participant of the market: devices, trade, capacity charges, CO2, and its balances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyomo.environ as pyo

from cosim.errors import Problem, ScenarioError
from cosim.market.bilateral import partners_of
from cosim.market.carbon import add_carbon
from cosim.market.devices import DEVICES, Axes, Ports
from cosim.market.leader_trade import led_by
from cosim.market.parts import kept_hours
from cosim.market.party import Party
from cosim.market.peaks import add_peak, peak_parts
from cosim.market.tariffs import Prices, own_prices, tariff_of
from cosim.market.trade import Terms, add_trade, net_import, trade_costs
from cosim.records import Baseline, Past, read_only
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.config import Sharing
from cosim.scenario.networks import has_utility
from cosim.scenario.participants import CARRIERS, Carrier

HOURS_PER_DAY = 24.0
NOT_SHARED = Sharing(form="none")


def add_participant(
    scenario: Scenario,
    baselines: Mapping[str, Baseline],
    prices: Mapping[Carrier, Prices],
    sharers: Mapping[Carrier, tuple[str, ...]],
    name: str,
    block: pyo.Block,
    past: Past,
) -> Party:
    """Add one participant to its block, with one `balance` per carrier and step.

    sum of device flows + buy + share_in + led_in = demand + sell + share_out + led_out, in kW.

    Args:
        scenario: validated and resolved.
        baselines: per network, what background customers cause alone.
        prices: per carrier.
        sharers: everyone with a carrier, the network account included, for bilateral sharing.
        name: the participant.
        block: its own.
        past: what the windows before left.
    """
    steps = range(len(scenario.time))
    demand_kw = {
        c: scenario.series(value) for c, value in scenario.config.participants[name].demand.items()
    }
    background_kw = _background(scenario, baselines, name)
    connections = scenario.config.participants[name].connections
    terms = {c: terms_of(scenario, prices, sharers, name, c) for c in connections}
    gas = terms["gas"].prices.co2_kg_per_kwh if "gas" in terms else 0.0
    axes = Axes(
        steps,
        scenario.time.step_h,
        scenario.series,
        demand_kw,
        window=scenario.window,
        weather=scenario.weather,
        gas_co2_kg_per_kwh=gas,
    )
    devices = _devices(scenario, name, block, axes, past)
    carriers = _carriers(terms, demand_kw, background_kw, devices)
    _check_supply(name, background_kw, terms, devices)
    party = Party(name, block, terms, carriers, devices, {}, demand_kw, background_kw)
    for carrier in carriers:
        _add_balance(party, carrier, steps)
    for ports in devices.values():
        for component, money in ports.costs.items():
            party.add_cost(component, money)
    add_trade_costs(party, steps, scenario.time.step_h)
    _add_charges(party, scenario, past)
    add_carbon(party, scenario)
    return party


def add_trade_costs(party: Party, steps: range, step_h: float) -> None:
    """Enter what a party pays for trading into its costs."""
    for carrier, term in party.terms.items():
        block = party.block.component(carrier)
        for component, money in trade_costs(block, term, steps, step_h).items():
            party.add_cost(component, money)


def _devices(
    scenario: Scenario, name: str, block: pyo.Block, axes: Axes, past: Past
) -> dict[str, Ports]:
    """Build the participant's devices; those that take flue gas of others come last."""
    block.devices = pyo.Block()
    specs = scenario.config.participants[name].devices
    order = sorted(specs, key=lambda device: getattr(specs[device], "takes_flue_gas", False))
    found: dict[str, Ports] = {}
    for device in order:
        block.devices.add_component(device, pyo.Block())
        _, build = DEVICES[specs[device].type]
        own = replace(
            axes,
            initial=past.now.get((name, device), {}),
            origin=past.origin.get((name, device), {}),
            flue_gas={k: ports.co2["flue"] for k, ports in found.items() if "flue" in ports.co2},
        )
        found[device] = build(block.devices.component(device), specs[device], own)
    return {device: found[device] for device in specs}


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


def terms_of(
    scenario: Scenario,
    prices: Mapping[Carrier, Prices],
    sharers: Mapping[Carrier, tuple[str, ...]],
    name: str,
    carrier: Carrier,
) -> Terms:
    """Return how a participant trades a carrier; gas is never shared, nor does a leader share."""
    leads = name == scenario.config.leads
    connection = scenario.config.participants[name].connections[carrier]
    sharing = scenario.config.sharing.get(carrier, NOT_SHARED)
    form = "none" if carrier == "gas" or leads else sharing.form
    partners = partners_of(name, sharers[carrier], sharing) if form == "bilateral" else {}
    return Terms(
        carrier=carrier,
        prices=own_prices(scenario, prices, name, carrier),
        import_max_kw=connection.import_max_kw,
        export_max_kw=connection.export_max_kw,
        form=form,
        fee_per_kwh=sharing.fee_per_kwh,
        grid_fee_per_kwh=sharing.grid_fee_per_kwh,
        partners=partners,
        led=led_by(scenario.config, name, carrier),
        utility=connection.utility and has_utility(scenario.config.networks, carrier),
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
        """Return that all flows of a carrier meet what is due at step t, in kW."""
        supply = [flow(t) for flow in flows]
        if carrier in party.terms:
            supply += net_import(b, t)
        return pyo.quicksum(supply) == float(due_kw[t])

    block.balance = pyo.Constraint(
        steps, rule=balance, doc="supply and import equal demand and export"
    )


def _add_charges(party: Party, scenario: Scenario, past: Past) -> None:
    """Add capacity and standing charges, cost components `peak_charge`, `standing_charge`."""
    for carrier in party.terms:
        tariff = tariff_of(scenario, party.name, carrier)
        if tariff.standing_per_day > 0.0:
            days = kept_hours(scenario) / HOURS_PER_DAY
            party.add_cost("standing_charge", tariff.standing_per_day * days)
        if tariff.peak is None or tariff.peak.price_per_kw == 0.0:
            continue
        place = f"connections.{carrier}"
        parts = peak_parts(scenario, tariff.peak, past.now.get((party.name, place), {}))
        block = party.block.component(carrier)
        money, highest = add_peak(block, parts)
        party.add_cost("peak_charge", money)
        party.peaks[carrier] = parts
        party.carry[place, "peak_kw"] = highest
        party.dated.extend((block.rise[part.first], part.first) for part in parts)
