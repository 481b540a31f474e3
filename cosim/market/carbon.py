"""The CO2 account of each party: what it emits, what is captured and used, tax and allowances.

CO2 is counted once, where energy is bought (the tariff's `co2_kg_per_kwh`); see
`cosim.market.devices.base.Co2` for what devices add to it.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo
from pyomo.repn import generate_standard_repn

from cosim.errors import Problem, ScenarioError
from cosim.market.carbon_ladder import add_ladder, ladder_of
from cosim.market.devices.base import Co2, Flow
from cosim.market.parts import parts_of, share_of_horizon
from cosim.market.party import Party, TradedCo2
from cosim.scenario import Scenario
from cosim.scenario.config import CarbonTrading, Quota
from cosim.units import KG_PER_T


def add_sources(party: Party) -> None:
    """Enter what a party emits into its account, per source in kg/h.

    A source per carrier: co2_kg_per_kwh * buy[t]. `captured`: sum over devices of captured[t], 0
    or negative. `methane`: - sum of used[t], the CO2 that own methane gives off when it is burnt.
    """
    for carrier, terms in party.terms.items():
        factor = terms.prices.co2_kg_per_kwh
        if factor > 0.0:
            party.co2[carrier] = _bought(party.block.component(carrier).buy, factor)
    captured, used = _flows(party, "captured"), _flows(party, "used")
    if captured:
        party.co2["captured"] = lambda t: pyo.quicksum(flow(t) for flow in captured)
    if used:
        party.co2["methane"] = lambda t: -pyo.quicksum(flow(t) for flow in used)


def add_carbon(party: Party, scenario: Scenario) -> None:
    """Add a participant's CO2 account: its sources, balance, tax and allowances.

    `co2_balance`: sum over capture units of offered[t] + sum over methanation units of used[t] = 0.
    The tax on what is bought is in `trade_costs`; here comes that on `methane` less `captured`.
    """
    add_sources(party)
    steps, step_h = range(len(scenario.time)), scenario.time.step_h
    party.block.carbon = pyo.Block()
    between = [*_flows(party, "offered"), *_flows(party, "used")]
    if between:
        party.block.carbon.co2_balance = pyo.Constraint(
            steps,
            rule=lambda _, t: pyo.quicksum(flow(t) for flow in between) == 0.0,
            doc="CO2 that is used comes from the participant's capture units",
        )
    tax_per_kg = scenario.config.carbon.tax_per_t / KG_PER_T
    for source in ("captured", "methane"):
        if source in party.co2 and tax_per_kg > 0.0:
            flow = party.co2[source]
            money = pyo.quicksum(tax_per_kg * step_h * flow(t) for t in steps)
            party.add_cost("co2_tax", money)
    if scenario.config.carbon.trading is not None:
        _add_trading(party, scenario, scenario.config.carbon.trading)


def _bought(buy: pyo.Var, kg_per_kwh: float) -> Flow:
    return lambda t: kg_per_kwh * buy[t]


def _flows(party: Party, name: Co2) -> list[Flow]:
    return [ports.co2[name] for ports in party.devices.values() if name in ports.co2]


def _add_trading(party: Party, scenario: Scenario, trading: CarbonTrading) -> None:
    """Add what emissions above or below the quota cost, cost component `co2_trading`.

    Settled over the horizon. A window settles its part of the horizon, and its look-ahead apart
    from what is kept: interval and fixed quota are divided by steps.
    """
    step_h, first_part = scenario.time.step_h, parts_of(scenario)[0]
    own = scenario.config.participants[party.name].carbon_quota
    quota = trading.quota if own is None else own
    for part in parts_of(scenario):
        share = share_of_horizon(scenario, part)
        ladder = ladder_of(trading, share)
        if part == first_part:
            given_kg = _quota_kg(party, quota, part, share, step_h)
            party.quota_kg.append(given_kg)
        elif ladder.is_line:
            # A constant of the look-ahead would be left over once that is taken out.
            given_kg = _quota_kg(party, _chosen(quota), part, share, step_h)
        else:
            given_kg = _quota_kg(party, quota, part, share, step_h)
        emitted = [step_h * flow(t) for flow in party.co2.values() for t in part]
        e_t = (pyo.quicksum(emitted) - given_kg) / KG_PER_T
        if ladder.is_line:
            party.add_cost("co2_trading", trading.price_per_t * e_t)
            continue
        block = pyo.Block()
        party.block.carbon.add_component(f"ladder_{part.start}", block)
        cost = add_ladder(block, ladder, e_t, _range_of(party.name, e_t, ladder.is_convex))
        party.add_cost("co2_trading", cost)
        party.ladders.append(TradedCo2(part.start, ladder, e_t, block))
        for variable in block.component_data_objects(pyo.Var):
            party.dated.append((variable, part.start))


def _chosen(quota: Quota) -> Quota:
    """Return the parts of a quota that depend on what is done."""
    return quota.model_copy(update={"kg": 0.0, "kg_per_kwh_demand": {}})


def _quota_kg(party: Party, quota: Quota, part: range, share: float, step_h: float) -> Any:
    """Return a party's allowances for some steps in kg: a number or a linear expression."""
    total: Any = quota.kg * share
    for carrier, factor in quota.kg_per_kwh_demand.items():
        if carrier in party.demand_kw:
            total += factor * step_h * float(party.demand_kw[carrier][list(part)].sum())
    for carrier, factor in quota.kg_per_kwh_bought.items():
        if carrier in party.terms:
            buy = party.block.component(carrier).buy
            total += pyo.quicksum(factor * step_h * buy[t] for t in part)
    for carrier, factor in quota.kg_per_kwh_output.items():
        for ports in party.devices.values():
            output = ports.report.get((carrier, "generation_kw"))
            if output is not None and "flue" in ports.co2:
                total += pyo.quicksum(factor * step_h * output(t) for t in part)
    return total


def _range_of(name: str, expression: Any, open_: bool) -> tuple[float, float]:
    """Return the smallest and largest value of an expression within its variables' bounds.

    Args:
        name: of the participant.
        expression: its emissions.
        open_: infinite where there is none, in place of an error.

    Raises:
        ScenarioError: if there is none.
    """
    form = generate_standard_repn(expression, quadratic=False)
    low = high = float(form.constant)
    for factor, variable in zip(form.linear_coefs, form.linear_vars, strict=True):
        ends = [factor * end for end in variable.bounds if end is not None]
        if len(ends) < 2 or max(map(abs, ends)) == float("inf"):
            if open_:
                return -float("inf"), float("inf")
            problem = Problem(
                f"participants.{name}",
                f"emissions without a bound ({variable.name})",
                "finite limits where carbon.trading has a price that grows",
                "give import_max_kw of its connections",
            )
            raise ScenarioError([problem])
        low, high = low + min(ends), high + max(ends)
    return low, high
