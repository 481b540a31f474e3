"""Random scenarios with every device: balances, money, carbon, and a second way to the optimum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyomo.repn import generate_standard_repn

from cosim.market import Market
from cosim.market.devices import DEVICES
from cosim.records import Schedule
from cosim.scenario import Scenario
from cosim.scenario.config import Sharing
from tests.support.random_scenarios import CARRIERS, device, scenarios

SIGNS = {
    "buy_kw": 1, "sell_kw": -1, "share_in_kw": 1, "share_out_kw": -1, "demand_kw": -1,
    "generation_kw": 1, "consumption_kw": -1, "charging_kw": -1, "discharging_kw": 1,
    "shifted_kw": -1, "cut_kw": 1,
    "curtailed_kw": 0, "dumped_kw": 0,
}  # fmt: skip
"""What a quantity in kW of the schedule does to its participant's balance."""
CLOSES = 1e-6
"""Relative to the throughput."""


def members_of(case: Scenario, data: st.DataObject) -> frozenset[str]:
    names = sorted(case.config.participants)
    return frozenset(data.draw(st.sampled_from([names, names[:2], [], names[1:]])))


def power(table: pd.DataFrame, quantity: str) -> Any:
    """Return one quantity per participant, carrier and time; 0 where there is none."""
    mine = table[table["quantity"] == quantity]
    return mine.groupby(["participant", "carrier", "time"])["value"].sum()


def check_balances(schedule: Schedule) -> None:
    table = schedule.table[schedule.table["quantity"].str.endswith("_kw")]
    table = table[table["device"] != "connection"]
    sign = table["quantity"].map(SIGNS)
    assert sign.notna().all(), f"no sign for {set(table.loc[sign.isna(), 'quantity'])}"
    keys = ["participant", "carrier", "time"]
    signed = table.assign(value=table["value"] * sign).groupby(keys)["value"].sum()
    through = table.assign(value=table["value"].abs() * sign.abs()).groupby(keys)["value"].sum()
    open_ = signed[signed.abs() > CLOSES * np.maximum(through, 1.0)]
    assert open_.empty, open_


def check_pools(schedule: Schedule, members: frozenset[str]) -> None:
    given_kw, taken_kw = power(schedule.table, "share_out_kw"), power(schedule.table, "share_in_kw")
    for level in (given_kw, taken_kw):
        outside = level[~level.index.get_level_values("participant").isin(members)]
        assert outside.abs().max() <= 1e-9 or outside.empty
    given_kw, taken_kw = (s.groupby(["carrier", "time"]).sum() for s in (given_kw, taken_kw))
    np.testing.assert_allclose(given_kw, taken_kw, rtol=CLOSES, atol=CLOSES)


def trade(case: Scenario, schedule: Schedule, name: str, carrier: str) -> dict[str, Any]:
    """Return one participant's trade of one carrier by quantity, shape (T,) each."""
    at = pd.MultiIndex.from_product([[name], [carrier], case.time.index])
    return {
        quantity: power(schedule.table, f"{quantity}_kw").reindex(at).fillna(0.0).to_numpy()
        for quantity in ("buy", "sell", "share_in", "share_out")
    }


def check_money(case: Scenario, schedule: Schedule) -> None:
    """Trade's money again from powers and the file's prices; fees stay in the community."""
    step_h = case.time.step_h
    days = len(case.time) * step_h / 24.0
    for name in case.config.participants:
        found = dict.fromkeys(["peak_charge", "standing_charge", "management_fee", "grid_fee"], 0.0)
        for carrier in CARRIERS:
            tariff = case.config.tariffs[carrier]
            sharing = case.config.sharing.get(carrier, Sharing(form="none"))
            kw = trade(case, schedule, name, carrier)
            found[f"{carrier}_purchase"] = step_h * float(kw["buy"] @ np.array(tariff.buy))
            if tariff.sell is not None:
                found[f"{carrier}_sales"] = -step_h * float(kw["sell"] @ np.array(tariff.sell))
            shared_kw = kw["share_in"] + kw["share_out"]
            found["management_fee"] += sharing.fee_per_kwh * step_h * float(shared_kw.sum())
            found["grid_fee"] += sharing.grid_fee_per_kwh * step_h * float(kw["share_in"].sum())
            assert sharing.form != "none" or not shared_kw.any()
            if tariff.peak is not None:
                drawn = kw["buy"] + kw["share_in"] - kw["sell"] - kw["share_out"]
                found["peak_charge"] += tariff.peak.price_per_kw * max(drawn.max(), 0.0)
                found["standing_charge"] += tariff.standing_per_day * days
        for component, money in found.items():
            known = schedule.costs.get(component, {name: 0.0})[name]
            assert known == pytest.approx(money, abs=2e-6), component
    if case.config.system_operator.player and "management_fee" in schedule.costs:
        assert schedule.costs["management_fee"].sum() == pytest.approx(0.0, abs=1e-9)
    assert schedule.costs["total"].sum() == pytest.approx(schedule.cost, abs=1e-9)


def ladder_cost(trading: Any, above_t: float) -> float:
    """Walk from the quota to the emissions, interval by interval."""
    cost, rest, k = 0.0, abs(above_t), 0
    while rest > 0.0:
        part = rest if k == trading.intervals - 1 else min(rest, trading.interval_t)
        if above_t > 0.0:
            cost += part * trading.price_per_t * (1.0 + k * trading.growth)
        else:
            cost -= part * trading.price_per_t * (1.0 + (k + 1) * trading.reward_growth)
        rest, k = rest - part, k + 1
    return cost


def check_carbon(case: Scenario, schedule: Schedule) -> None:
    """Emissions, tax and allowances again from powers bought and from what devices report."""
    step_h, carbon, table = case.time.step_h, case.config.carbon, schedule.table
    for name, participant in case.config.participants.items():
        bought = {c: step_h * trade(case, schedule, name, c)["buy"].sum() for c in CARRIERS}
        emitted = sum(case.config.tariffs[c].co2_kg_per_kwh * kwh for c, kwh in bought.items())
        mine = table[(table["participant"] == name) & (table["device"] != "trade")]
        by_device = {q: step_h * float(v.sum()) for q, v in mine.groupby("quantity")["value"]}
        emitted -= by_device.get("captured_co2_kg_per_h", 0.0)
        emitted += by_device.get("used_co2_kg_per_h", 0.0)
        close = 1e-6 * max(emitted, 1.0)
        assert schedule.co2_kg.loc[name, "total"] == pytest.approx(emitted, abs=close)
        tax = schedule.costs.get("co2_tax", {name: 0.0})[name]
        assert tax == pytest.approx(carbon.tax_per_t / 1000.0 * emitted, abs=1e-5)
        if carbon.trading is not None:
            quota = carbon.trading.quota
            given_kg = quota.kg + quota.kg_per_kwh_bought["heat"] * bought["heat"]
            demand = step_h * float(np.sum(participant.demand["electricity"]))
            given_kg += quota.kg_per_kwh_demand["electricity"] * demand
            expected = ladder_cost(carbon.trading, (emitted - given_kg) / 1000.0)
            assert schedule.costs.loc[name, "co2_trading"] == pytest.approx(expected, abs=1e-5)


def check_nothing_is_wasted(schedule: Schedule) -> None:
    """No storage charges and discharges at once, nobody buys and sells at once."""
    keys = ["participant", "device", "carrier", "time"]
    table = schedule.table.set_index(["quantity", *keys])["value"]
    for first, second in (("charging_kw", "discharging_kw"), ("buy_kw", "sell_kw")):
        if first in table.index and second in table.index:
            a = table.loc[first]
            both = np.minimum(a, table.loc[second].reindex(a.index).fillna(0.0))
            assert both.max() <= 1e-3


def gross(case: Scenario, schedule: Schedule) -> float:
    """Return the sum of all money that moves, whichever way; errors are measured by it."""
    return float(schedule.costs.drop(columns="total").abs().to_numpy().sum()) + 1.0


def add_pairs(market: Market) -> None:
    """Give every pair that must not be positive at once its binaries, at every step."""
    assert market.model is not None
    model, steps = market.model.model, range(market.compiled.layout.steps)
    model.pairs = pyo.ConstraintList()
    pairs = [
        (flow[0](t), flow[1](t))
        for party in market.model.parties.values()
        for ports in party.devices.values()
        for flow in ports.exclusive.values()
        for t in steps
    ]
    pairs += [
        (party.block.component(carrier).buy[t], party.block.component(carrier).sell[t])
        for party in market.model.parties.values()
        for carrier in party.terms
        for t in party.block.component(carrier).sell
    ]
    model.either = pyo.Var(range(len(pairs)), domain=pyo.Binary)
    for k, (first, second) in enumerate(pairs):
        model.pairs.add(first <= most(first) * model.either[k])
        model.pairs.add(second <= most(second) * (1 - model.either[k]))


def most(expression: Any) -> float:
    """Return the largest value of a linear expression within the bounds of its variables."""
    form = generate_standard_repn(expression)
    parts = zip(form.linear_coefs, form.linear_vars, strict=True)
    return float(form.constant) + sum(c * (v.ub if c > 0 else v.lb) for c, v in parts)


def second_path(market: Market, members: frozenset[str], folder: Path) -> float:
    """Write the Pyomo model to an LP file and let HiGHS read and solve it."""
    assert market.model is not None
    add_pairs(market)
    for name, party in market.model.parties.items():
        for carrier in party.terms:
            block = party.block.component(carrier)
            for variable in [*block.share_in.values(), *block.share_out.values()]:
                if name not in members:
                    variable.fix(0.0)
    file = folder / "market.lp"
    market.model.model.write(str(file))
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", 1e-9)
    solver.setOptionValue("threads", 1)
    assert solver.readModel(str(file)) == highspy.HighsStatus.kOk
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getInfo().objective_function_value)


def check(case: Scenario, data: st.DataObject, folder: Path) -> None:
    members = members_of(case, data)
    market = Market(case, {})
    schedule = market.solve(members)
    check_balances(schedule)
    check_pools(schedule, members)
    check_money(case, schedule)
    check_carbon(case, schedule)
    check_nothing_is_wasted(schedule)
    again = second_path(market, members, folder)
    contracts = 1e-5 * case.time.step_h * float(schedule.bilateral["kw"].sum())
    tolerance = CLOSES * gross(case, schedule) + 2.0 * contracts
    assert schedule.cost == pytest.approx(again, abs=tolerance)


shared = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
}


@settings(max_examples=25, **shared)
@given(case=scenarios(), data=st.data())
def test_random_scenarios_close_and_agree(
    case: Scenario, data: st.DataObject, tmp_path_factory: Any
) -> None:
    check(case, data, tmp_path_factory.mktemp("lp"))


@pytest.mark.slow
@settings(max_examples=200, **shared)
@given(case=scenarios(), data=st.data())
def test_two_hundred_random_scenarios_close_and_agree(
    case: Scenario, data: st.DataObject, tmp_path_factory: Any
) -> None:
    check(case, data, tmp_path_factory.mktemp("lp"))


@pytest.mark.parametrize("kind", DEVICES)
def test_every_device_can_be_drawn(kind: str) -> None:
    spec_type, _ = DEVICES[kind]

    @settings(max_examples=5, **shared)
    @given(device(kind))
    def draw(fields: dict[str, Any]) -> None:
        spec_type.model_validate(fields)

    draw()
