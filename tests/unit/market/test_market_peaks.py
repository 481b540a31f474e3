"""Capacity and standing charges, and tariffs of one's own, against costs worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.market import Market
from cosim.records import Past, Schedule, Window
from cosim.scenario import Scenario
from tests.support.community import scenario
from tests.support.rolling import roll, with_windows

STEPS = 4
NO_FEE = {"electricity": {"fee_per_kwh": 0.0}}


def person(demand: Any = 0.0, sun: Any = None, **more: Any) -> dict[str, Any]:
    devices = dict(more.pop("devices", {}))
    if sun is not None:
        devices["roof"] = {"type": "pv", "profile": sun}
    found = {"connections": {"electricity": more}, "devices": devices}
    return found | ({"demand": {"electricity": demand}} if demand else {})


def tariff(peak: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"electricity": {"buy": 0.1, "peak": peak, **more}}


def solved(case: Scenario, members: set[str] | None = None) -> Schedule:
    return Market(case, {}).solve(frozenset(members or ()))


def peak_cost(schedule: Schedule, name: str = "home") -> float:
    return float(schedule.costs.loc[name, "peak_charge"])


def test_the_highest_import_of_the_horizon_is_paid() -> None:
    people = {"home": person((3.0, 9.0, 4.0, 1.0)), "shop": person(2.0)}
    schedule = solved(scenario(people, tariff({"price_per_kw": 10.0, "per": "horizon"})))
    assert peak_cost(schedule) == pytest.approx(90.0)
    assert peak_cost(schedule, "shop") == pytest.approx(20.0)
    assert schedule.costs.loc["home", "total"] == pytest.approx(90.0 + 1.7)


@pytest.mark.parametrize(
    ("per", "hours"), [("year", 366.0 * 24.0), ("month", 31.0 * 24.0), ("horizon", STEPS)]
)
def test_a_billing_period_is_paid_in_proportion_to_its_hours(per: str, hours: float) -> None:
    """The horizon is four hours of January 2024, a leap year."""
    people = {"home": person((3.0, 9.0, 4.0, 1.0))}
    schedule = solved(scenario(people, tariff({"price_per_kw": 100.0, "per": per})))
    assert peak_cost(schedule) == pytest.approx(900.0 * STEPS / hours)


def test_every_month_has_its_own_peak() -> None:
    index = pd.date_range("2024-01-31 22:00", periods=4, freq="1h", tz="Europe/Berlin")
    people = {"home": person((3.0, 9.0, 4.0, 1.0))}
    case = scenario(people, tariff({"price_per_kw": 100.0, "per": "month"}))
    case = replace(case, time=replace(case.time, index=index))
    expected = 900.0 * 2.0 / (31.0 * 24.0) + 400.0 * 2.0 / (29.0 * 24.0)
    assert peak_cost(solved(case)) == pytest.approx(expected)


def test_a_month_with_a_change_of_clocks_has_its_real_hours() -> None:
    index = pd.date_range("2024-03-31 00:00", periods=4, freq="1h", tz="Europe/Berlin")
    case = scenario({"home": person(5.0)}, tariff({"price_per_kw": 100.0, "per": "month"}))
    case = replace(case, time=replace(case.time, index=index))
    assert peak_cost(solved(case)) == pytest.approx(500.0 * 4.0 / (31.0 * 24.0 - 1.0))


@pytest.mark.parametrize(
    ("window", "highest"),
    [
        ({"hours": ((0.0, 1.0), (2.0, 4.0))}, 4.0),
        ({"hours": ((3.0, 24.0),)}, 1.0),
        ({"when": (1.0, 0.0, 0.0, 1.0)}, 3.0),
        ({"when": (1.0, 1.0, 0.0, 1.0), "hours": ((0.0, 1.0),)}, 3.0),
        ({"when": 0.0}, 0.0),
    ],
)
def test_the_peak_counts_at_given_times_only(window: dict[str, Any], highest: float) -> None:
    peak = {"price_per_kw": 10.0, "per": "horizon", **window}
    schedule = solved(scenario({"home": person((3.0, 9.0, 4.0, 1.0))}, tariff(peak)))
    assert peak_cost(schedule) == pytest.approx(10.0 * highest)


def test_a_battery_shaves_the_peak_as_far_as_that_pays() -> None:
    """Demand 0, 8, 0, 0: a lossless store of 3 kWh brings the peak to 5, charging at most 5."""
    store = {
        "type": "battery", "capacity_kwh": 3.0, "eta_charge": 1.0, "eta_discharge": 1.0,
        "self_discharge_per_h": 0.0, "initial": 0.0, "charge_max_per_h": 2.0,
        "discharge_max_per_h": 2.0, "energy_min": 0.0, "energy_max": 1.0,
    }  # fmt: skip
    people = {"home": person((0.0, 8.0, 0.0, 0.0), devices={"store": store})}
    case = scenario(people, tariff({"price_per_kw": 10.0, "per": "horizon"}))
    assert solved(case).cost == pytest.approx(50.0 + 0.8)


def test_shared_import_counts_at_the_one_who_draws_it() -> None:
    """Each pays on its own exchange with the grid: 6 of 9 kW come from the neighbour."""
    people = {"home": person(9.0), "farm": person(sun=6.0)}
    case = scenario(
        people, tariff({"price_per_kw": 10.0, "per": "horizon"}, sell=0.05), sharing=NO_FEE
    )
    together = solved(case, {"home", "farm"})
    assert peak_cost(together) == pytest.approx(90.0)
    assert peak_cost(together, "farm") == 0.0
    assert together.cost == pytest.approx(90.0 + STEPS * 3.0 * 0.1)


def test_frozen_outsiders_keep_their_peaks_and_costs_add_up() -> None:
    people = {
        "home": person((9.0, 2.0, 2.0, 2.0)),
        "farm": person(2.0, sun=6.0),
        "shop": person(3.0),
    }
    case = scenario(
        people, tariff({"price_per_kw": 10.0, "per": "horizon"}, sell=0.05), sharing=NO_FEE
    )
    market = Market(case, {})
    alone = market.solve(frozenset())
    frozen = {"shop": alone}
    pair = market.solve(frozenset({"home", "farm"}), frozen=frozen, start=alone)
    assert peak_cost(pair, "shop") == pytest.approx(30.0)
    assert pair.costs["total"].sum() == pytest.approx(pair.cost)
    # alone: home 90 + 1.5, farm -0.8, shop 30 + 1.2; together home buys 5 kW in the first hour only
    # and the farm sells 2 kW in the other three
    assert alone.cost == pytest.approx(121.9)
    assert pair.cost == pytest.approx(90.0 + 0.5 - 0.3 + 31.2)


def test_a_peak_of_the_look_ahead_is_not_charged_with_what_is_kept() -> None:
    people = {"home": person((3.0, 4.0, 9.0, 1.0))}
    case = scenario(people, tariff({"price_per_kw": 10.0, "per": "horizon"}))
    window = Window(number=0, count=2, first=0, keep=2, solve=4, horizon=4, carries=True)
    market = Market(replace(case, window=window), {})
    schedule = market.solve(frozenset())
    assert peak_cost(schedule) == pytest.approx(90.0)
    assert peak_cost(market.kept(schedule)) == pytest.approx(40.0)
    kept, last = market.carried(schedule)
    assert kept["home", "connections.electricity"] == {"peak_kw": pytest.approx(4.0)}
    assert last["home", "connections.electricity"] == {"peak_kw": pytest.approx(9.0)}


def test_windows_pay_for_one_peak_in_turn() -> None:
    demand = (3.0, 4.0, 2.0, 9.0, 5.0, 8.0, 10.0, 1.0)
    for per in ("horizon", "year", "month"):
        peak = {"price_per_kw": 100.0, "per": per}
        case = scenario({"home": person(demand)}, tariff(peak), steps=8)
        windows = list(roll(with_windows(case, 2, 2, "carry")))
        paid = [peak_cost(one.kept) for one in windows]
        assert sum(paid) == pytest.approx(peak_cost(solved(case)))
        assert np.array(paid) / paid[0] == pytest.approx([1.0, 5.0 / 4.0, 0.0, 1.0 / 4.0])


def test_a_new_month_forgets_the_peak_of_the_last_one() -> None:
    case = scenario({"home": person(5.0)}, tariff({"price_per_kw": 100.0, "per": "month"}))
    past = Past(now={("home", "connections.electricity"): {"peak_kw": 7.0}})
    window = Window(number=1, count=2, first=4, keep=4, solve=4, horizon=8, carries=True)
    share = 4.0 / (31.0 * 24.0)
    same = Market(replace(case, window=window), {}, past).solve(frozenset())
    assert peak_cost(same) == 0.0
    index = pd.date_range("2024-02-01", periods=4, freq="1h", tz="Europe/Berlin")
    fresh = replace(case, window=window, time=replace(case.time, index=index))
    share = 4.0 / (29.0 * 24.0)
    assert peak_cost(Market(fresh, {}, past).solve(frozenset())) == pytest.approx(500.0 * share)


def test_windows_side_by_side_pay_for_their_own_peak_and_share_of_the_time() -> None:
    demand = (3.0, 4.0, 2.0, 9.0)
    case = scenario({"home": person(demand)}, tariff({"price_per_kw": 100.0, "per": "horizon"}))
    windows = list(roll(with_windows(case, 2, 0, "cyclic")))
    assert [peak_cost(one.kept) for one in windows] == pytest.approx([200.0, 450.0])


def test_standing_charges_are_paid_by_the_day_and_never_by_the_network_account() -> None:
    people = {"home": person(1.0), "shop": person(1.0)}
    tariffs = {"electricity": {"buy": 0.1, "standing_per_day": 0.48}}
    case = scenario(people, tariffs, networks={"grid": {"kind": "electric"}})
    costs = solved(case).costs["standing_charge"]
    assert costs["home"] == costs["shop"] == pytest.approx(0.48 * STEPS / 24.0)
    assert costs["network"] == 0.0
    window = Window(number=0, count=2, first=0, keep=1, solve=4, horizon=8, carries=True)
    market = Market(replace(case, window=window), {})
    kept = market.kept(market.solve(frozenset()))
    assert kept.costs.loc["home", "standing_charge"] == pytest.approx(0.48 / 24.0)


def test_a_participant_may_have_a_tariff_of_its_own() -> None:
    own = {
        "buy": 0.4,
        "sell": 0.2,
        "co2_kg_per_kwh": 0.0,
        "peak": {"price_per_kw": 1.0, "per": "horizon"},
    }
    people = {"home": person(5.0), "farm": person(2.0, sun=(0.0, 6.0, 6.0, 0.0), tariff=own)}
    tariffs = {"electricity": {"buy": 0.3, "sell": 0.05, "co2_kg_per_kwh": 0.5}}
    costs = solved(scenario(people, tariffs, carbon={"tax_per_t": 100.0})).costs
    assert costs.loc["home", "electricity_purchase"] == pytest.approx(5.0 * STEPS * 0.3)
    assert costs.loc["home", "co2_tax"] == pytest.approx(5.0 * STEPS * 0.05)
    assert costs.loc["farm", "electricity_purchase"] == pytest.approx(4.0 * 0.4)
    assert costs.loc["farm", "electricity_sales"] == pytest.approx(-8.0 * 0.2)
    assert costs.loc["farm", "co2_tax"] == 0.0
    assert costs.loc["farm", "peak_charge"] == pytest.approx(2.0)
    assert costs.loc["home", "peak_charge"] == 0.0


def quantity(schedule: Schedule, name: str, what: str) -> np.ndarray:
    table = schedule.table[schedule.table["participant"] == name]
    return table.loc[table["quantity"] == what, "value"].to_numpy()


@pytest.mark.parametrize("form", ["pool", "bilateral"])
def test_nobody_sells_what_others_bought_cheaper(form: str) -> None:
    """The farm is paid 0.4 for feed-in, homes buy at 0.3: only its own 6 kW may be sold."""
    own = {"buy": 0.5, "sell": 0.4}
    people = {"home": person(5.0, import_max_kw=50.0)}
    people["farm"] = person(sun=6.0, tariff=own, import_max_kw=50.0, export_max_kw=50.0)
    sharing = {"electricity": {"form": form}}
    case = scenario(people, {"electricity": {"buy": 0.3}}, sharing=sharing)
    schedule = solved(case, {"home", "farm"})
    assert schedule.cost == pytest.approx(STEPS * (5.0 * 0.3 - 6.0 * 0.4))
    np.testing.assert_allclose(quantity(schedule, "farm", "sell_kw"), 6.0)


def test_nobody_buys_to_pass_it_on() -> None:
    """The works buys at 0.1 and has 2 kW of sun; only what it makes goes to the home."""
    people = {
        "home": person(5.0, import_max_kw=50.0),
        "works": person(1.0, sun=2.0, tariff={"buy": 0.1}, import_max_kw=50.0, export_max_kw=50.0),
    }
    case = scenario(people, {"electricity": {"buy": 0.3}}, sharing=NO_FEE)
    schedule = solved(case, {"home", "works"})
    # either its own use is bought and all sun passed on, which is not allowed, or 1 kW is given
    assert schedule.cost == pytest.approx(STEPS * 4.0 * 0.3)
    bought = quantity(schedule, "works", "buy_kw")
    given = quantity(schedule, "works", "share_out_kw")
    assert (np.minimum(bought, given) < 1e-6).all()
