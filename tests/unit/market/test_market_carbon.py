"""The CO2 account: known ladder values, tax, quotas, capture and methanation, all by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.errors import ScenarioError
from cosim.market import Market
from cosim.market.carbon_ladder import add_ladder, ladder_of
from cosim.records import Schedule, Window
from cosim.scenario import Scenario
from cosim.scenario.config import CarbonTrading
from tests.support.community import scenario

STEPS = 4
ZHOU = {"price_per_t": 250.0, "interval_t": 2.0, "growth": 0.25, "reward_growth": 0.2}
KNOWN = dict(
    zip(
        range(-6, 7),
        (-2100, -1700, -1300, -950, -600, -300, 0, 250, 500, 812.5, 1125, 1500, 1875),
        strict=True,
    )
)
"""Cost of e = -6..6 t; from the slopes by hand, see docs/models.md."""


def solved(case: Scenario, members: frozenset[str] = frozenset(), **options: Any) -> Schedule:
    return Market(case, {}).solve(members, **options)


def home(demand_kw: float, **more: Any) -> dict[str, Any]:
    return {
        "connections": {"electricity": {"import_max_kw": 20_000.0}},
        "demand": {"electricity": demand_kw},
        **more,
    }


def traded(emitted_t: float, quota_t: float, **trading: Any) -> Schedule:
    """Return the schedule of one participant whose emissions are given."""
    tariffs = {"electricity": {"buy": 0.0, "co2_kg_per_kwh": 0.5}}
    people = {"home": home(emitted_t * 1000.0 / 0.5 / STEPS)}
    carbon = {"trading": {**ZHOU, "quota": {"kg": quota_t * 1000.0}, **trading}}
    return solved(scenario(people, tariffs, carbon=carbon))


@pytest.mark.parametrize(("e_t", "cost"), KNOWN.items())
def test_the_market_finds_the_known_values_of_the_ladder(e_t: int, cost: float) -> None:
    schedule = traded(6.0 + e_t, 6.0)
    assert schedule.costs.loc["home", "co2_trading"] == pytest.approx(cost, abs=1e-6)
    assert schedule.cost == pytest.approx(cost, abs=1e-6)
    assert schedule.co2_kg.loc["home", "total"] == pytest.approx(1000.0 * (6.0 + e_t))
    assert schedule.co2_kg.loc["home", "quota"] == pytest.approx(6000.0)


def at_ends(trading: CarbonTrading, e_t: float) -> list[float]:
    """Return the lowest and the highest cost that the ladder's constraints allow at e."""
    found = []
    for sense in (pyo.minimize, pyo.maximize):
        model = pyo.ConcreteModel()
        model.e = pyo.Var(bounds=(e_t, e_t))
        model.ladder = pyo.Block()
        cost = add_ladder(model.ladder, ladder_of(trading, 1.0), model.e, (-40.0, 40.0))
        model.cost = pyo.Objective(expr=cost, sense=sense)
        solver = pyo.SolverFactory("appsi_highs")
        solver.highs_options = {"mip_rel_gap": 0.0, "mip_abs_gap": 0.0}
        solver.solve(model)
        found.append(float(pyo.value(model.cost)))
    return found


@pytest.mark.parametrize(("e_t", "cost"), KNOWN.items())
def test_the_known_values_stand_against_pressure_from_both_sides(e_t: int, cost: float) -> None:
    assert at_ends(CarbonTrading(**ZHOU), float(e_t)) == pytest.approx([cost, cost], abs=1e-4)


ladders = st.builds(
    CarbonTrading,
    price_per_t=st.floats(1.0, 500.0),
    interval_t=st.floats(0.1, 5.0),
    growth=st.floats(0.0, 1.0),
    reward_growth=st.floats(0.0, 1.0),
    intervals=st.integers(1, 5),
)


@settings(max_examples=100, deadline=None)
@given(ladders, st.floats(-30.0, 30.0))
def test_a_ladder_is_continuous_rises_and_has_its_slopes(trading: CarbonTrading, e: float) -> None:
    ladder, step = ladder_of(trading, 1.0), 1e-6
    slope = (ladder.cost(e + step) - ladder.cost(e)) / step
    prices = [*ladder.buy_per_t, *ladder.reward_per_t]
    assert min(prices) * (1.0 - 1e-3) <= slope <= max(prices) * (1.0 + 1e-3)
    assert ladder.cost(0.0) == 0.0
    for k in range(-trading.intervals, trading.intervals + 1):
        edge = k * trading.interval_t
        sides = ladder.cost(edge - 1e-9), ladder.cost(edge + 1e-9)
        assert sides[0] == pytest.approx(sides[1], abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(ladders, st.floats(-30.0, 30.0))
def test_the_constraints_leave_exactly_the_ladder(trading: CarbonTrading, e: float) -> None:
    """Where no price falls as emissions rise, the cheapest order is: that end is the ladder."""
    ladder = ladder_of(trading, 1.0)
    close = 1e-5 * trading.price_per_t * 30.0
    ends = at_ends(trading, e)[: 1 if ladder.is_convex else 2]
    assert ends == pytest.approx([ladder.cost(e)] * len(ends), abs=close)


@pytest.mark.parametrize(("e_t", "cost"), [(-4.0, 0.0), (0.0, 0.0), (3.0, 812.5), (6.0, 1875.0)])
def test_without_rewards_only_what_is_above_the_quota_counts(e_t: float, cost: float) -> None:
    schedule = traded(6.0 + e_t, 6.0, rewards=False)
    assert schedule.costs.loc["home", "co2_trading"] == pytest.approx(cost, abs=1e-6)


def test_a_rising_price_without_rewards_needs_no_binaries() -> None:
    case = scenario(
        {"home": home(1.0)},
        {"electricity": {"buy": 0.1, "co2_kg_per_kwh": 0.5}},
        carbon={"trading": {**ZHOU, "rewards": False}},
    )
    assert not Market(case, {}).compiled.program.integer.any()


def test_a_flat_price_needs_no_binaries() -> None:
    flat = {"growth": 0.0, "reward_growth": 0.0}
    for emitted_t, cost in ((3.0, -750.0), (9.0, 750.0)):
        assert traded(emitted_t, 6.0, **flat).cost == pytest.approx(cost)
    case = scenario(
        {"home": home(1.0)},
        {"electricity": {"buy": 0.1, "co2_kg_per_kwh": 0.5}},
        carbon={"trading": {**ZHOU, **flat}},
    )
    assert not Market(case, {}).compiled.program.integer.any()


def test_number_of_intervals_is_a_parameter() -> None:
    # one price per side: 250 above, 300 below
    assert traded(12.0, 6.0, intervals=1).cost == pytest.approx(1500.0)
    assert traded(0.0, 6.0, intervals=1).cost == pytest.approx(-1800.0)
    # five: 2 t each at 250, 312.5, 375, 437.5, and 500 for the rest
    assert traded(16.0, 6.0, intervals=5).cost == pytest.approx(
        2.0 * (250 + 312.5 + 375 + 437.5 + 500)
    )


def test_the_reward_is_worth_a_dearer_fuel_only_where_it_is_high_enough() -> None:
    """Heat 1000 kW from gas (0.2 kg/kWh, free) or from electricity at 0.05 without emissions.

    Emissions by gas are 0.8 t in four hours; the quota is 4.4 t. Below it rewards are 300, 350, 400
    per t for 2 t each: from e = -3.6 by gas to -4.4 by electricity earns 0.4 * 350 + 0.4 * 400 =
    300 and costs 4000 * 0.05 = 200.
    """
    people = {
        "works": {
            "connections": {"gas": {"import_max_kw": 2000.0}, "electricity": {}},
            "demand": {"heat": 1000.0},
            "devices": {
                "boiler": {"type": "boiler", "heat_max_kw": 1000.0, "eta": 1.0},
                "rod": {"type": "electric_boiler", "electric_max_kw": 1000.0, "eta": 1.0},
            },
        }
    }
    tariffs = {"gas": {"buy": 0.0, "co2_kg_per_kwh": 0.2}, "electricity": {"buy": 0.05}}
    carbon = {"trading": {**ZHOU, "quota": {"kg": 4400.0}}}
    schedule = solved(scenario(people, tariffs, carbon=carbon))
    assert schedule.cost == pytest.approx(200.0 - (600.0 + 700.0 + 0.4 * 400.0))
    assert schedule.co2_kg.loc["works", "total"] == pytest.approx(0.0)
    dear = {**tariffs, "electricity": {"buy": 0.08}}
    schedule = solved(scenario(people, dear, carbon=carbon))
    assert schedule.cost == pytest.approx(-(600.0 + 1.6 * 350.0))
    assert schedule.co2_kg.loc["works", "total"] == pytest.approx(800.0)


def works(**devices: Any) -> dict[str, Any]:
    """Return a participant that needs 80 kW of heat from 100 kW of gas, 20 kg/h of CO2."""
    limits = {"import_max_kw": 500.0}
    return {
        "connections": {"gas": limits, "electricity": limits, "hydrogen": limits},
        "demand": {"heat": 80.0},
        "devices": {
            "boiler": {
                "type": "boiler", "heat_max_kw": 100.0, "eta": 0.8, "flue_co2_kg_per_kwh": 0.2,
            },
            **devices,
        },
    }  # fmt: skip


WORKS_TARIFFS = {
    "gas": {"buy": 0.05, "co2_kg_per_kwh": 0.2},
    "electricity": {"buy": 0.10, "co2_kg_per_kwh": 0.4},
    "hydrogen": {"buy": 0.02},
}
CAPTURE = {
    "type": "carbon_capture",
    "units": ["boiler"],
    "electricity_kwh_per_kg": 0.25,
    "storage_cost_per_kg": 0.01,
}
METHANE = {"type": "methanation", "methane_max_kw": 50.0, "eta": 0.8}
PER_KWH = 2.743 / 13.9


def test_capture_lowers_the_tax_and_costs_electricity_with_its_own_emissions() -> None:
    """A kg is worth 0.1 of tax; it costs 0.25 kWh at 0.1 + 0.4 * 0.1, and 0.01 of storage."""
    case = scenario({"works": works(wash=CAPTURE)}, WORKS_TARIFFS, carbon={"tax_per_t": 100.0})
    schedule = solved(case)
    per_h = 100.0 * 0.05 + 20.0 * 0.1 - 18.0 * 0.1 + 4.5 * (0.1 + 0.04) + 18.0 * 0.01
    assert schedule.cost == pytest.approx(STEPS * per_h)
    co2 = schedule.co2_kg.loc["works"] / STEPS
    assert co2[["gas", "electricity", "captured"]].tolist() == pytest.approx([20.0, 1.8, -18.0])
    assert co2["total"] == pytest.approx(3.8)
    assert schedule.costs.loc["works", "co2_tax"] == pytest.approx(STEPS * 0.38)
    assert schedule.costs.loc["works", "co2_storage"] == pytest.approx(STEPS * 0.18)


def test_capture_is_left_out_where_it_is_dearer_than_the_tax() -> None:
    case = scenario({"works": works(wash=CAPTURE)}, WORKS_TARIFFS, carbon={"tax_per_t": 30.0})
    assert solved(case).cost == pytest.approx(STEPS * (5.0 + 20.0 * 0.03))


def test_nothing_is_captured_that_was_never_counted() -> None:
    """Flue gas of 0.2 kg/kWh, but only 0.05 counted at the purchase: 0.9 * 0.05 is the most."""
    tariffs = {**WORKS_TARIFFS, "gas": {"buy": 0.05, "co2_kg_per_kwh": 0.05}}
    case = scenario({"works": works(wash=CAPTURE)}, tariffs, carbon={"tax_per_t": 1000.0})
    co2 = solved(case).co2_kg.loc["works"] / STEPS
    assert co2["captured"] == pytest.approx(-4.5)


def test_methane_replaces_gas_and_its_carbon_goes_round() -> None:
    """20 kW of methane from 25 kW of hydrogen at 0.02; CO2 of it is captured, used, and burnt.

    The tax makes all 18 kg/h worth capturing; methane saves 0.05 per kWh of gas bought for 0.025
    of hydrogen, with 0.2 kg bought less and PER_KWH given off again.
    """
    small = {**METHANE, "methane_max_kw": 20.0}
    people = {"works": works(wash=CAPTURE, reactor=small)}
    schedule = solved(scenario(people, WORKS_TARIFFS, carbon={"tax_per_t": 100.0}))
    used = 20.0 * PER_KWH
    emitted = 80.0 * 0.2 + 1.8 - 18.0 + used
    co2 = schedule.co2_kg.loc["works"] / STEPS
    assert co2["methane"] == pytest.approx(used)
    assert co2["total"] == pytest.approx(emitted)
    per_h = 80.0 * 0.05 + 25.0 * 0.02 + 4.5 * 0.1 + 0.01 * (18.0 - used) + 0.1 * emitted
    assert schedule.cost == pytest.approx(STEPS * per_h)


def test_methane_needs_captured_co2() -> None:
    people = {"works": works(wash={**CAPTURE, "capture_max_kg_per_h": 1.0}, reactor=METHANE)}
    schedule = solved(scenario(people, WORKS_TARIFFS))
    table = schedule.table[schedule.table["quantity"] == "generation_kw"]
    made = table.loc[table["device"] == "reactor", "value"].to_numpy()
    np.testing.assert_allclose(made, 1.0 / PER_KWH)


def test_quotas_add_up_per_demand_output_and_purchase() -> None:
    quota = {
        "kg": 10.0,
        "kg_per_kwh_demand": {"heat": 0.1, "electricity": 5.0},
        "kg_per_kwh_output": {"heat": 0.02},
        "kg_per_kwh_bought": {"electricity": 0.3},
    }
    rod = {"type": "electric_boiler", "electric_max_kw": 30.0, "eta": 1.0}
    people = {"works": {**works(rod=rod), "carbon_quota": quota}}
    tariffs = {**WORKS_TARIFFS, "electricity": {"buy": -1.0, "co2_kg_per_kwh": 0.4}}
    trading = {"price_per_t": 50.0, "quota": {"kg": 1e6}}
    schedule = solved(scenario(people, tariffs, carbon={"trading": trading}))
    # 30 kW from the rod, 50 kW from the boiler, which alone burns gas
    given_kg = 10.0 + STEPS * (0.1 * 80.0 + 0.02 * 50.0 + 0.3 * 30.0)
    emitted_kg = STEPS * (50.0 / 0.8 * 0.2 + 30.0 * 0.4)
    assert schedule.co2_kg.loc["works", "quota"] == pytest.approx(given_kg)
    expected = 0.05 * (emitted_kg - given_kg)
    assert schedule.costs.loc["works", "co2_trading"] == pytest.approx(expected)


def test_money_of_tax_and_allowances_leaves_the_community_and_shared_energy_has_none() -> None:
    """Emissions stay where energy is bought: sharing moves none, and tax and allowances add up."""
    people = {"home": home(10.0), "shop": home(4.0), "farm": home(0.0)}
    people["farm"]["devices"] = {"roof": {"type": "pv", "profile": 6.0}}
    tariffs = {"electricity": {"buy": 0.3, "sell": 0.05, "co2_kg_per_kwh": 0.5}}
    carbon = {"tax_per_t": 20.0, "trading": {**ZHOU, "interval_t": 0.005, "quota": {"kg": 2.0}}}
    case = scenario(people, tariffs, carbon=carbon, solver={"mip_gap": 1e-7})
    schedule = solved(case, frozenset(people))
    assert schedule.co2_kg["total"].sum() == pytest.approx(STEPS * 8.0 * 0.5)
    assert schedule.costs["co2_tax"].sum() == pytest.approx(0.02 * STEPS * 8.0 * 0.5)
    ladder = ladder_of(case.config.carbon.trading, 1.0)
    for name in people:
        e_t = (schedule.co2_kg.loc[name, "total"] - 2.0) / 1000.0
        cost = schedule.costs.loc[name, "co2_trading"]
        assert cost == pytest.approx(ladder.cost(e_t), abs=1e-9)
    assert schedule.costs["total"].sum() == pytest.approx(schedule.cost)


def test_outsiders_keep_their_allowances() -> None:
    people = {"home": home(10.0), "farm": home(0.0), "shop": home(4.0)}
    people["farm"]["devices"] = {"roof": {"type": "pv", "profile": 6.0}}
    tariffs = {"electricity": {"buy": 0.3, "sell": 0.05, "co2_kg_per_kwh": 0.5}}
    carbon = {"trading": {**ZHOU, "interval_t": 0.005, "quota": {"kg": 12.0}}}
    market = Market(scenario(people, tariffs, carbon=carbon), {})
    alone = market.solve(frozenset())
    frozen = {"shop": alone}
    both = market.solve(frozenset({"home", "farm"}), frozen=frozen, start=alone)
    assert both.costs.loc["shop", "total"] == pytest.approx(alone.costs.loc["shop", "total"])
    assert both.co2_kg.loc["shop", "total"] == pytest.approx(alone.co2_kg.loc["shop", "total"])
    assert both.co2_kg.loc["home", "total"] == pytest.approx(STEPS * 4.0 * 0.5)


def test_a_window_settles_its_share_of_the_horizon_apart_from_its_look_ahead() -> None:
    """Half of the horizon is kept and half looked ahead to: each has half of interval and quota."""
    tariffs = {"electricity": {"buy": 0.0, "co2_kg_per_kwh": 0.5}}
    carbon = {"trading": {**ZHOU, "quota": {"kg": 6000.0}}}
    people = {"home": home(0.0)}
    people["home"]["demand"] = {"electricity": (4000.0, 4000.0, 2000.0, 2000.0)}
    case = scenario(people, tariffs, carbon=carbon)
    window = Window(number=0, count=2, first=0, keep=2, solve=4, horizon=4, carries=True)
    market = Market(replace(case, window=window), {})
    schedule = market.solve(frozenset())
    kept = market.kept(schedule)
    # kept: 4 t against 3 t: 1 t of the first interval (1 t long); ahead: 2 t, 1 t below
    assert kept.cost == pytest.approx(250.0)
    assert schedule.cost == pytest.approx(250.0 - 300.0)
    assert kept.co2_kg.loc["home", "total"] == pytest.approx(4000.0)
    assert kept.co2_kg.loc["home", "quota"] == pytest.approx(3000.0)


def test_a_growing_price_needs_bounded_emissions() -> None:
    people = {"home": home(1.0)}
    people["home"]["connections"] = {"electricity": {"import_max_kw": float("inf")}}
    tariffs = {"electricity": {"buy": 0.1, "co2_kg_per_kwh": 0.5}}
    case = scenario(people, tariffs, carbon={"trading": ZHOU})
    with pytest.raises(ScenarioError, match=r"emissions without a bound .*give import_max_kw"):
        Market(case, {})


def test_nothing_goes_past_the_quotas_through_the_network_account() -> None:
    """The account pays 250 per t whatever it buys; at rewards of 300 and more that would pay."""
    people = {"home": home(10.0), "shop": home(4.0)}
    tariffs = {"electricity": {"buy": 0.3, "sell": 0.05, "co2_kg_per_kwh": 0.5}}
    carbon = {"trading": {**ZHOU, "interval_t": 0.005, "quota": {"kg": 30.0}}}
    networks = {"grid": {"kind": "electric"}}
    case = scenario(people, tariffs, carbon=carbon, networks=networks, solver={"mip_gap": 1e-7})
    together = solved(case, frozenset(people))
    assert together.co2_kg.loc["network", "total"] == pytest.approx(0.0)
    assert together.co2_kg["total"].sum() == pytest.approx(STEPS * 14.0 * 0.5)
