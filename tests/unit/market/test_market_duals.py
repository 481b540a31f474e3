"""Marginal values against closed forms and against the cost of a slightly different demand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cosim.market import Market
from cosim.records import Cut, CutKey, LossLine, Schedule, read_only
from tests.support.community import scenario, town

STEPS = 3
FREE = {"electricity": {"fee_per_kwh": 0.0}, "heat": {"fee_per_kwh": 0.0}}


def three(demand: dict[str, Any], **sections: Any) -> Market:
    """A farm with a dear generator between two consumers, in an electric network."""
    link = {"connections": {"electricity": {}}}
    people = {
        "home": {**link, "demand": {"electricity": demand["home"]}},
        "farm": {
            **link,
            "demand": {"electricity": demand["farm"]},
            "devices": {
                "roof": {"type": "pv", "profile": (2.0, 30.0, 9.0), "curtailment_per_kwh": 0.01}
            },
        },
        "shop": {**link, "demand": {"electricity": demand["shop"]}},
    }
    tariffs = {"electricity": {"buy": (0.30, 0.25, 0.4), "sell": 0.08}}
    case = scenario(
        people, tariffs, steps=STEPS, minutes=30, networks={"grid": {"kind": "electric"}},
        sharing=FREE, **sections,
    )  # fmt: skip
    market = Market(case, {})
    names = ("home", "farm", "shop")
    coef = np.tile([-0.08, 0.03, -0.05], (STEPS, 1))
    steep = np.tile([-0.12, 0.06, -0.1], (STEPS, 1))
    steps, zeros = read_only(np.arange(STEPS), np.int64), read_only(np.zeros((STEPS, 3)))
    for number, (constant, slope) in enumerate(((0.1, coef), (-0.9, steep))):
        line = LossLine(
            "grid", "loss", number, steps, names, read_only(np.full(STEPS, constant)),
            read_only(slope), zeros, exact=False,
        )  # fmt: skip
        market.set_loss_lines([line])
    rows = [read_only([0.001, 0.003, 0.002])]
    market.add_cuts(
        [
            Cut(
                CutKey("grid", "voltage_max", "bus", 5, 1, 0),
                names,
                rows[0],
                rows[0] * 0,
                0.018,
                True,
            )
        ]
    )
    return market


BASE = {"home": (8.0, 7.0, 6.0), "farm": (1.0, 1.5, 2.0), "shop": (4.0, 5.0, 3.5)}


def prices(schedule: Schedule) -> np.ndarray:
    duals = schedule.duals
    assert duals is not None
    loss, congestion = duals.loss["grid"], duals.congestion["grid"]
    return duals.energy["electricity"][:, None] + loss + congestion


@pytest.mark.parametrize("name", ["home", "farm", "shop"])
@pytest.mark.parametrize("step", range(STEPS))
def test_nodal_prices_are_the_cost_of_one_more_kwh(name: str, step: int) -> None:
    everyone = frozenset(BASE)
    nodal = prices(three(BASE).solve(everyone, duals=True))
    column = list(BASE).index(name)
    amount, costs = 1e-3, []
    for change in (-amount, amount):
        demand = {who: list(series) for who, series in BASE.items()}
        demand[name][step] += change
        demand = {who: tuple(series) for who, series in demand.items()}
        costs.append(three(demand).solve(everyone).cost)
    per_kwh = (costs[1] - costs[0]) / (2 * amount * 0.5)
    assert nodal[step, column] == pytest.approx(per_kwh, abs=2e-4)


def test_the_cut_has_a_price_and_congestion_follows_its_coefficients() -> None:
    duals = three(BASE).solve(frozenset(BASE), duals=True).duals
    assert duals is not None
    ((_, dual),) = duals.cuts.items()
    assert dual < 0.0
    expected = dual / 0.5 * np.array([0.001, 0.003, 0.002])
    np.testing.assert_allclose(duals.congestion["grid"][1], expected, rtol=1e-9)
    np.testing.assert_allclose(duals.congestion["grid"][[0, 2]], 0.0)


def test_the_dual_of_a_cut_is_the_change_of_cost_per_unit_of_its_limit() -> None:
    market = three(BASE)
    first = market.solve(frozenset(BASE), duals=True)
    assert first.duals is not None
    ((key, dual),) = first.duals.cuts.items()
    old = market.cuts[0]
    market.add_cuts([Cut(key, old.terminals, old.coef_p, old.coef_q, old.rhs + 1e-5, outer=True)])
    changed = (market.solve(frozenset(BASE)).cost - first.cost) / 1e-5
    assert dual == pytest.approx(changed, rel=1e-3)


def test_the_pool_price_of_a_deficit_is_the_tariff_and_of_a_surplus_the_feed_in_price() -> None:
    link = {"connections": {"electricity": {}}}
    people = {
        "home": {**link, "demand": {"electricity": 5.0}},
        "farm": {**link, "devices": {"roof": {"type": "pv", "profile": (2.0, 9.0)}}},
    }
    tariffs = {"electricity": {"buy": 0.3, "sell": 0.08, "co2_kg_per_kwh": 0.5}}
    case = scenario(people, tariffs, steps=2, minutes=15, sharing=FREE, carbon={"tax_per_t": 40.0})
    duals = Market(case, {}).solve(frozenset(people), duals=True).duals
    assert duals is not None
    np.testing.assert_allclose(duals.energy["electricity"], [0.32, 0.08], atol=1e-9)


def test_where_nobody_shares_energy_has_the_utility_price() -> None:
    duals = three(BASE).solve(frozenset(), duals=True).duals
    assert duals is not None
    np.testing.assert_allclose(duals.energy["electricity"], [0.30, 0.25, 0.4])


def test_nodal_value_is_minus_the_dual_of_the_row_that_defines_the_injection() -> None:
    """Stationarity of the injection columns: definition, loss and cut duals add up to zero."""
    market = three(BASE)
    schedule = market.solve(frozenset(BASE), duals=True)
    bounds = market._bounds(frozenset(BASE), {})
    fixed = market._optimiser.with_binaries(bounds, market._extras(), schedule.solution, 60.0)
    assert fixed.row_dual is not None
    assert schedule.duals is not None
    defined = fixed.row_dual[market.compiled.layout.definitions["grid"]] / 0.5
    expected = schedule.duals.loss["grid"] + schedule.duals.congestion["grid"]
    np.testing.assert_allclose(-defined, expected, atol=1e-9)


def test_duals_exist_with_binaries() -> None:
    case = town(4, 6, solver={"mip_gap": 1e-6})
    duals = Market(case, {}).solve(frozenset(case.config.participants), duals=True).duals
    assert duals is not None
    assert duals.energy["heat"].shape == (6,)
    assert (duals.energy["electricity"] >= 0.08 - 1e-6).all()
