"""Sharing by contracts: links, limits, fees, the network account and coalitions, by hand."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.market import Market
from cosim.market.groups import linked_groups
from cosim.records import Baseline, LossLine, Schedule, read_only
from cosim.scenario import Scenario
from tests.support.community import scenario, town

STEPS = 4
TARIFF = {"electricity": {"buy": 0.30, "sell": 0.08}}
NAMES = ("home", "farm", "shop")


def community(sharing: dict[str, Any], **sections: Any) -> Scenario:
    """The farm has 6 kW to spare, the home needs 10, the shop 3."""
    people = {
        "home": {"connections": {"electricity": {}}, "demand": {"electricity": 10.0}},
        "farm": {
            "connections": {"electricity": {}},
            "devices": {"roof": {"type": "pv", "profile": 6.0}},
        },
        "shop": {"connections": {"electricity": {}}, "demand": {"electricity": 3.0}},
    }
    shared = {"electricity": {"form": "bilateral", **sharing}}
    return scenario(people, TARIFF, sharing=shared, **sections)


def solved(case: Scenario, members: tuple[str, ...] = NAMES, **options: Any) -> Schedule:
    return Market(case, {}).solve(frozenset(members), **options)


def energy(schedule: Schedule) -> dict[tuple[str, str], float]:
    """Return mean power per contract."""
    table = schedule.bilateral
    return (table.groupby(["from", "to"])["kw"].sum() / STEPS).to_dict()


def position(schedule: Schedule, name: str, quantity: str) -> np.ndarray:
    table = schedule.table
    mine = (table["participant"] == name) & (table["device"] == "trade")
    return table.loc[mine & (table["quantity"] == quantity), "value"].to_numpy()


def test_contracts_make_up_the_net_positions() -> None:
    schedule = solved(community({}))
    assert schedule.cost == pytest.approx(STEPS * 7.0 * 0.3)
    found = energy(schedule)
    assert set(found) <= {("farm", "home"), ("farm", "shop")}
    assert sum(found.values()) == pytest.approx(6.0)
    for name in ("home", "shop"):
        taken = position(schedule, name, "share_in_kw").mean()
        assert taken == pytest.approx(found.get(("farm", name), 0.0))
    assert list(schedule.bilateral.columns) == ["time", "carrier", "from", "to", "kw"]
    assert isinstance(schedule.bilateral["time"].dtype, pd.DatetimeTZDtype)


def test_a_limit_holds_per_link_and_the_default_for_all_others() -> None:
    links = [{"between": ["home", "farm"], "max_kw": 2.0}, {"between": ["farm", "shop"]}]
    schedule = solved(community({"links": links, "link_max_kw": 1.5}))
    assert energy(schedule) == pytest.approx({("farm", "home"): 2.0, ("farm", "shop"): 1.5})
    assert schedule.cost == pytest.approx(STEPS * (9.5 * 0.3 - 2.5 * 0.08))
    everyone = solved(community({"link_max_kw": 1.5}))
    assert energy(everyone) == pytest.approx({("farm", "home"): 1.5, ("farm", "shop"): 1.5})


def test_without_a_link_there_is_no_contract_but_a_third_may_pass_it_on() -> None:
    only = solved(community({"links": [{"between": ["farm", "shop"]}]}))
    assert energy(only) == pytest.approx({("farm", "shop"): 3.0})
    chain = [{"between": ["farm", "shop"]}, {"between": ["shop", "home"]}]
    through = solved(community({"links": chain, "fee_per_kwh": 0.01}))
    assert energy(through) == pytest.approx({("farm", "shop"): 6.0, ("shop", "home"): 3.0})
    # both ends of each of the 9 kWh per hour pay the fee
    assert through.costs["management_fee"].sum() == pytest.approx(STEPS * 2 * 9.0 * 0.01)


def test_fees_are_on_contracts_and_paid_to_the_operator() -> None:
    case = community(
        {"fee_per_kwh": 0.02, "grid_fee_per_kwh": 0.01},
        system_operator={"player": True, "cost_per_kwh": 0.005},
    )
    costs = solved(case).costs
    assert costs["management_fee"].sum() == pytest.approx(0.0, abs=1e-9)
    assert costs.loc["farm", "management_fee"] == pytest.approx(STEPS * 6.0 * 0.02)
    assert costs.loc["system_operator", "operation"] == pytest.approx(STEPS * 6.0 * 0.005)
    assert costs["grid_fee"].sum() == pytest.approx(STEPS * 6.0 * 0.01)
    assert costs.loc["farm", "grid_fee"] == 0.0


@pytest.mark.parametrize("options", [{"members": ()}, {"operator": False}])
def test_without_members_or_operator_there_are_no_contracts(options: dict[str, Any]) -> None:
    schedule = solved(community({}), **options)
    assert schedule.cost == pytest.approx(STEPS * (13.0 * 0.3 - 6.0 * 0.08))
    assert schedule.bilateral.empty
    assert list(schedule.bilateral.columns) == ["time", "carrier", "from", "to", "kw"]


def test_outsiders_have_no_contracts_and_keep_their_schedule() -> None:
    market = Market(community({}), {})
    alone = market.solve(frozenset())
    pair = market.solve(frozenset({"farm", "shop"}), frozen={"home": alone}, start=alone)
    assert energy(pair) == pytest.approx({("farm", "shop"): 3.0})
    np.testing.assert_allclose(position(pair, "home", "buy_kw"), 10.0)
    assert pair.costs["total"].sum() == pytest.approx(pair.cost)
    copied = pickle.loads(pickle.dumps(market))
    again = copied.solve(frozenset({"farm", "shop"}), frozen={"home": alone})
    assert again.cost == pytest.approx(pair.cost)


def test_open_contracts_link_their_parties() -> None:
    market = Market(community({}), {})
    for members, groups in ((NAMES, 1), (("farm", "shop"), 2), ((), 3)):
        bounds = market._bounds(frozenset(members), {})
        assert len(linked_groups(market.compiled, bounds, [])) == groups


def test_the_network_account_has_contracts_with_everyone() -> None:
    """Losses of 2 kW are covered by the farm's surplus, whatever links participants have."""
    case = community(
        {"links": [{"between": ["farm", "shop"], "max_kw": 3.0}]},
        networks={"grid": {"kind": "electric"}},
    )
    market = Market(case, {"grid": Baseline("grid", *(read_only(np.zeros(STEPS)),) * 3)})
    zeros = read_only(np.zeros((STEPS, 1)))
    steps = read_only(np.arange(STEPS), np.int64)
    constant = read_only(np.full(STEPS, 2.0))
    market.set_loss_lines(
        [LossLine("grid", "loss", 0, steps, ("home",), constant, zeros, zeros, False)]
    )
    schedule = market.solve(frozenset(NAMES), duals=True)
    expected = {("farm", "shop"): 3.0, ("farm", "network"): 2.0}
    assert energy(schedule) == pytest.approx(expected)
    assert schedule.cost == pytest.approx(STEPS * (10.0 * 0.3 - 1.0 * 0.08))
    assert schedule.costs.loc["network", "total"] == pytest.approx(0.0)
    assert schedule.duals is not None
    # all that is left over is sold; so one more kWh is worth the feed-in price to the account
    price = schedule.duals.energy["electricity"]
    assert ((price >= 0.08 - 1e-3) & (price <= 0.3 + 1e-3)).all()


def test_every_carrier_chooses_its_form() -> None:
    limits = {"import_max_kw": 100.0}
    carriers = ("electricity", "heat", "cooling", "hydrogen")
    connections = dict.fromkeys(carriers, limits)
    people = {
        name: {"connections": connections, "demand": dict.fromkeys(carriers, kw)}
        for name, kw in (("a", 1.0), ("b", 2.0))
    }
    people["a"]["devices"] = {
        "roof": {"type": "pv", "profile": 50.0},
        "rod": {"type": "electric_boiler", "electric_max_kw": 3.0, "eta": 1.0},
        "cell": {"type": "electrolyser", "electric_max_kw": 10.0, "eta": 0.5},
    }
    forms = {"electricity": "none", "heat": "bilateral", "hydrogen": "pool", "cooling": "bilateral"}
    tariffs = {c: {"buy": 1.0, "sell": 0.0} for c in carriers}
    case = scenario(people, tariffs, sharing={c: {"form": form} for c, form in forms.items()})
    schedule = solved(case, ("a", "b"))
    # heat and hydrogen of both are made by a, electricity of b and all cooling are bought
    assert schedule.cost == pytest.approx(STEPS * (2.0 + 3.0))
    assert set(schedule.bilateral["carrier"]) == {"heat"}
    assert energy(schedule) == pytest.approx({("a", "b"): 2.0})


@settings(max_examples=8, deadline=None)
@given(st.integers(2, 5), st.integers(0, 1000), st.floats(0.0, 50.0))
def test_unlimited_contracts_are_a_pool_and_limits_never_help(
    count: int, seed: int, limit_kw: float
) -> None:
    """Position by position: P_ij + P_ji = 0, |P_ij| within the limit, sums are what is shared."""

    def run(**form: Any) -> Schedule:
        sharing = {"electricity": {"fee_per_kwh": 0.01, **form}, "heat": {"form": "none"}}
        case = town(count, 6, seed=seed, sharing=sharing, solver={"mip_gap": 1e-6})
        return Market(case, {}).solve(frozenset(case.config.participants))

    pool, free = run(), run(form="bilateral")
    tight = run(form="bilateral", link_max_kw=limit_kw)
    assert free.cost == pytest.approx(pool.cost, rel=3e-6)
    assert tight.cost >= free.cost - 3e-6 * abs(free.cost)
    table = tight.bilateral
    between = table[(table["from"] != "network") & (table["to"] != "network")]
    assert (between["kw"] <= limit_kw + 1e-6).all()
    pairs = {tuple(row) for row in table[["time", "from", "to"]].itertuples(index=False)}
    assert not any((time, j, i) in pairs for time, i, j in pairs)
    shared = tight.table[tight.table["quantity"].isin(["share_out_kw", "share_in_kw"])]
    for quantity, side in (("share_out_kw", "from"), ("share_in_kw", "to")):
        positions = shared[shared["quantity"] == quantity].groupby("participant")["value"].sum()
        contracts = table.groupby(side)["kw"].sum().reindex(positions.index, fill_value=0.0)
        np.testing.assert_allclose(positions, contracts, atol=1e-5)
