"""Trade, fees, taxes and the network account against costs worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.market import Market
from cosim.records import Baseline, LossLine, Schedule, read_only
from tests.support.community import scenario

STEPS = 4
ELECTRICITY = {"electricity": {"buy": 0.30, "sell": 0.08}}
NO_FEE = {"electricity": {"fee_per_kwh": 0.0}}


def consumer(kw: float, **connection: Any) -> dict[str, Any]:
    return {"connections": {"electricity": connection}, "demand": {"electricity": kw}}


def producer(kw: float, **connection: Any) -> dict[str, Any]:
    plant = {"type": "pv", "profile": kw}
    return {"connections": {"electricity": connection}, "devices": {"roof": plant}}


def solved(case: Any, members: set[str], **options: Any) -> Schedule:
    return Market(case, {}).solve(frozenset(members), **options)


def value(schedule: Schedule, participant: str, device: str, quantity: str) -> np.ndarray:
    table = schedule.table
    mine = table[(table["participant"] == participant) & (table["device"] == device)]
    return mine.loc[mine["quantity"] == quantity, "value"].to_numpy()


def test_alone_a_consumer_pays_the_tariff() -> None:
    case = scenario({"home": consumer(10.0)}, {"electricity": {"buy": (0.1, 0.2, 0.3, 0.4)}})
    assert solved(case, set()).cost == pytest.approx(10.0 * (0.1 + 0.2 + 0.3 + 0.4))


def test_a_member_without_partners_takes_nothing_from_the_pool() -> None:
    people = {"home": consumer(10.0), "other": consumer(10.0)}
    case = scenario(people, ELECTRICITY, networks={}, sharing=NO_FEE)
    alone = solved(case, set())
    single = solved(case, {"home"})
    assert single.cost == pytest.approx(alone.cost) == pytest.approx(2 * 10.0 * 0.30 * STEPS)
    assert not value(single, "home", "trade", "share_in_kw").any()


def test_a_step_of_a_quarter_hour_costs_a_quarter() -> None:
    case = scenario({"home": consumer(10.0)}, {"electricity": {"buy": 0.4}}, minutes=15)
    assert solved(case, set()).cost == pytest.approx(10.0 * 0.4 * STEPS / 4)


def test_tax_is_on_what_is_bought_and_sales_earn_none_back() -> None:
    tariffs = {"electricity": {"buy": 0.3, "sell": 0.08, "co2_kg_per_kwh": 0.5}}
    people = {"home": consumer(10.0), "farm": producer(4.0)}
    costs = solved(scenario(people, tariffs, carbon={"tax_per_t": 100.0}), set()).costs
    assert costs.loc["home", "co2_tax"] == pytest.approx(10.0 * STEPS * 0.5 * 0.1)
    assert costs.loc["farm", "co2_tax"] == 0.0
    assert costs.loc["farm", "total"] == pytest.approx(-4.0 * STEPS * 0.08)


def test_gas_is_never_sold() -> None:
    gas = {"connections": {"gas": {}}, "demand": {"gas": 5.0}}
    case = scenario({"works": gas}, {"gas": {"buy": 0.08, "sell": 0.5}})
    schedule = solved(case, set())
    assert schedule.cost == pytest.approx(5.0 * STEPS * 0.08)
    assert "sell_kw" not in set(schedule.table["quantity"])


def sharing_case(**sections: Any) -> Any:
    people = {"home": consumer(10.0), "farm": producer(6.0), "shop": consumer(3.0)}
    return scenario(people, ELECTRICITY, **sections)


def test_members_share_what_they_have_and_pay_the_fee_on_both_sides() -> None:
    case = sharing_case(sharing={"electricity": {"fee_per_kwh": 0.02}})
    schedule = solved(case, {"home", "farm"})
    expected = STEPS * (4.0 * 0.3 + 6.0 * 2 * 0.02 + 3.0 * 0.3)
    assert schedule.cost == pytest.approx(expected)
    assert schedule.costs.loc["farm", "management_fee"] == pytest.approx(STEPS * 6.0 * 0.02)
    assert schedule.costs.loc["shop", "management_fee"] == 0.0
    np.testing.assert_allclose(value(schedule, "home", "trade", "share_in_kw"), 6.0)
    np.testing.assert_allclose(value(schedule, "shop", "trade", "share_in_kw"), 0.0)


def test_the_operator_outside_the_game_keeps_its_money_outside() -> None:
    schedule = solved(sharing_case(), {"home", "farm"})
    assert schedule.costs.loc["system_operator", "total"] == 0.0


def test_the_operator_as_a_player_earns_the_fee_and_has_its_own_cost() -> None:
    case = sharing_case(
        sharing={"electricity": {"fee_per_kwh": 0.02}},
        system_operator={"player": True, "cost_per_kwh": 0.005},
    )
    schedule = solved(case, {"home", "farm"})
    own = schedule.costs.loc["system_operator"]
    assert own["management_fee"] == pytest.approx(-STEPS * 6.0 * 2 * 0.02)
    assert own["operation"] == pytest.approx(STEPS * 6.0 * 0.005)
    assert schedule.cost == pytest.approx(STEPS * (4.0 * 0.3 + 6.0 * 0.005 + 3.0 * 0.3))


def test_a_fee_above_the_spread_ends_sharing() -> None:
    case = sharing_case(sharing={"electricity": {"fee_per_kwh": 0.12}})
    assert solved(case, {"home", "farm"}).cost == pytest.approx(solved(case, set()).cost)


def test_a_grid_fee_is_paid_by_who_receives() -> None:
    case = sharing_case(sharing={"electricity": {"grid_fee_per_kwh": 0.05}})
    costs = solved(case, {"home", "farm"}).costs
    assert costs.loc["home", "grid_fee"] == pytest.approx(STEPS * 6.0 * 0.05)
    assert costs.loc["farm", "grid_fee"] == 0.0


@pytest.mark.parametrize("without", [{"members": set()}, {"operator": False}])
def test_without_members_or_operator_nobody_shares(without: dict[str, Any]) -> None:
    options = {"members": {"home", "farm"}, **without}
    schedule = solved(sharing_case(), options.pop("members"), **options)
    assert schedule.cost == pytest.approx(STEPS * (13.0 * 0.3 - 6.0 * 0.08))
    assert schedule.members == frozenset()


def test_the_import_limit_holds_for_purchase_and_pool_together() -> None:
    people = {
        "home": {
            **consumer(10.0, import_max_kw=8.0),
            "devices": {"cut": {"type": "curtailable_demand", "share": 0.5, "cost_per_kwh": 1.0}},
        },
        "farm": producer(6.0, export_max_kw=5.0),
    }
    schedule = solved(scenario(people, ELECTRICITY, sharing=NO_FEE), {"home", "farm"})
    expected = STEPS * (2.0 * 1.0 + 3.0 * 0.3)
    assert schedule.cost == pytest.approx(expected)
    exported = value(schedule, "farm", "trade", "share_out_kw")
    np.testing.assert_allclose(exported, 5.0)


def test_frozen_participants_keep_their_schedule() -> None:
    market = Market(sharing_case(), {})
    alone = market.solve(frozenset())
    schedule = market.solve(frozenset({"home", "farm"}), frozen={"farm": alone})
    assert schedule.cost == pytest.approx(alone.cost)
    np.testing.assert_allclose(value(schedule, "farm", "trade", "sell_kw"), 6.0)


def line(
    grid: str, terminals: tuple[str, ...], constant: float, coef: list[float], **kind: Any
) -> LossLine:
    every = np.ones((STEPS, 1))
    return LossLine(
        grid=grid,
        kind=kind.get("kind", "loss"),
        iteration=kind.get("iteration", 0),
        steps=read_only(np.arange(STEPS), np.int64),
        terminals=terminals,
        constant_kw=read_only(constant * every[:, 0]),
        coef_p=read_only(every * np.array(coef)),
        coef_q=read_only(np.zeros((STEPS, len(coef)))),
        exact=kind.get("exact", False),
    )


def baseline(grid: str, drawn: float = 0.0, loss: float = 0.0, auxiliary: float = 0.0) -> Baseline:
    return Baseline(grid, *(read_only(np.full(STEPS, v)) for v in (drawn, loss, auxiliary)))


def electric_case(**sections: Any) -> Any:
    return sharing_case(networks={"grid": {"kind": "electric"}}, sharing=NO_FEE, **sections)


NAMES = ("home", "farm", "shop")


def test_without_loss_lines_the_network_is_a_copper_plate() -> None:
    market = Market(electric_case(), {"grid": baseline("grid", loss=7.0)})
    schedule = market.solve(frozenset(NAMES))
    assert schedule.cost == pytest.approx(STEPS * 7.0 * 0.3)
    np.testing.assert_allclose(schedule.network_demand_kw["electricity"], 0.0)


def test_losses_beyond_the_baseline_are_bought_by_the_network_account() -> None:
    market = Market(electric_case(), {"grid": baseline("grid", loss=2.0)})
    market.set_loss_lines([line("grid", NAMES, 2.5, [-0.1, 0.0, 0.0])])
    alone = market.solve(frozenset())
    assert alone.costs.loc["network", "total"] == pytest.approx(STEPS * (0.5 + 1.0) * 0.3)
    together = market.solve(frozenset(NAMES))
    assert together.cost == pytest.approx(STEPS * (7.0 + 1.5) * 0.3)
    np.testing.assert_allclose(together.network_demand_kw["electricity"], 1.5)


def test_losses_are_the_largest_of_the_tangents_and_exact_lines_replace() -> None:
    market = Market(electric_case(), {})
    market.set_loss_lines([line("grid", NAMES, 1.0, [0.0, 0.0, 0.0])])
    market.set_loss_lines([line("grid", NAMES, 3.0, [0.0, 0.0, 0.0], iteration=1)])
    market.set_loss_lines([line("grid", NAMES, 2.0, [0.0, 0.0, 0.0], iteration=2)])
    np.testing.assert_allclose(market.solve(frozenset()).network_demand_kw["electricity"], 3.0)
    market.set_loss_lines([line("grid", NAMES, 0.5, [0.0, 0.0, 0.0], iteration=3, exact=True)])
    assert len(market.loss_lines) == 1
    np.testing.assert_allclose(market.solve(frozenset()).network_demand_kw["electricity"], 0.5)


def test_relief_of_the_network_is_sold_at_the_feed_in_price() -> None:
    market = Market(electric_case(), {"grid": baseline("grid", loss=2.0)})
    market.set_loss_lines([line("grid", NAMES, 1.5, [0.0, 0.0, 0.0])])
    alone = market.solve(frozenset())
    assert alone.costs.loc["network", "total"] == pytest.approx(-STEPS * 0.5 * 0.08)


def test_losses_are_not_burnt_where_energy_has_a_negative_price() -> None:
    people = {"home": consumer(10.0)}
    tariffs = {"electricity": {"buy": -0.1, "sell": -0.2}}
    market = Market(scenario(people, tariffs, networks={"grid": {"kind": "electric"}}), {})
    market.set_loss_lines([line("grid", ("home",), 1.0, [0.0])])
    schedule = market.solve(frozenset())
    assert schedule.cost == pytest.approx(-STEPS * 11.0 * 0.1)


def heat_case() -> Any:
    heat = {"heat": {}, "electricity": {}}
    plant = {
        "connections": {**heat, "gas": {}},
        "devices": {"boiler": {"type": "boiler", "heat_max_kw": 100.0, "eta": 0.8}},
    }
    home = {"connections": heat, "demand": {"heat": 5.0}}
    tariffs = {"heat": {"buy": 0.5}, "electricity": {"buy": 0.3}, "gas": {"buy": 0.08}}
    networks = {
        "dh": {"kind": "heat", "supplies_background": "plant"},
        "grid": {"kind": "electric"},
    }
    free = {"heat": {"fee_per_kwh": 0.0}, "electricity": {"fee_per_kwh": 0.0}}
    return scenario({"plant": plant, "home": home}, tariffs, networks=networks, sharing=free)


def test_the_supplier_of_the_background_produces_its_demand_and_losses() -> None:
    market = Market(heat_case(), {"dh": baseline("dh", drawn=20.0, loss=3.0, auxiliary=0.4)})
    alone = market.solve(frozenset())
    assert alone.costs.loc["plant", "total"] == pytest.approx(STEPS * 23.0 / 0.8 * 0.08)
    assert alone.costs.loc["home", "total"] == pytest.approx(STEPS * 5.0 * 0.5)
    np.testing.assert_allclose(value(alone, "plant", "background", "demand_kw"), 23.0)
    together = market.solve(frozenset({"plant", "home"}))
    assert together.cost == pytest.approx(STEPS * 28.0 / 0.8 * 0.08)


def test_pump_power_is_charged_in_electricity_and_appears_at_its_terminal() -> None:
    market = Market(heat_case(), {"dh": baseline("dh", drawn=20.0, loss=3.0, auxiliary=0.4)})
    market.set_loss_lines(
        [
            line("dh", ("plant", "home"), 3.2, [0.0, 0.0], exact=True),
            line("dh", ("plant", "home"), 0.5, [0.0, -0.02], exact=True, kind="auxiliary"),
        ]
    )
    schedule = market.solve(frozenset({"plant", "home"}))
    np.testing.assert_allclose(schedule.network_demand_kw["electricity"], 0.2)
    np.testing.assert_allclose(schedule.network_demand_kw["heat"], 0.2)
    grid = schedule.injections["grid"]
    np.testing.assert_allclose(grid.p_kw[:, grid.terminals.index("pump:dh")], -0.6)
    expected = STEPS * (28.2 / 0.8 * 0.08 + 0.2 * 0.3)
    assert schedule.cost == pytest.approx(expected)


def test_reactive_power_follows_the_power_factor_of_the_demand() -> None:
    schedule = Market(electric_case(), {}).solve(frozenset())
    grid = schedule.injections["grid"]
    expected = -10.0 * np.tan(np.arccos(0.95))
    np.testing.assert_allclose(grid.q_kvar[:, grid.terminals.index("home")], expected)
    np.testing.assert_allclose(grid.q_kvar[:, grid.terminals.index("farm")], 0.0)


def test_injections_are_what_is_traded() -> None:
    grid = Market(electric_case(), {}).solve(frozenset(NAMES)).injections["grid"]
    assert grid.terminals == NAMES
    np.testing.assert_allclose(grid.p_kw[:, :3], np.tile([-10.0, 6.0, -3.0], (STEPS, 1)))


def test_the_long_table_has_the_columns_of_the_contract() -> None:
    schedule = Market(electric_case(), {}).solve(frozenset())
    columns = ["time", "participant", "device", "carrier", "quantity", "value"]
    assert list(schedule.table.columns) == columns
    assert isinstance(schedule.table["time"].dtype, pd.DatetimeTZDtype)
    assert len(schedule.table) % STEPS == 0
    assert not schedule.table.duplicated(columns[:5]).any()
