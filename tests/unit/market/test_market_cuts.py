"""Cuts hold, are replaced, dropped and priced; pairs exclude each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cosim.errors import SolveError
from cosim.market import Market
from cosim.market.exclusive import failing_pairs
from cosim.records import Cut, CutKey, Schedule, read_only
from tests.support.community import scenario

NAMES = ("home", "farm")


def key(step: int = 0, iteration: int = 0, limit: str = "voltage_max") -> CutKey:
    return CutKey("grid", limit, "bus", 3, step, iteration)


def cut(coef_p: list[float], rhs: float, at: CutKey, coef_q: list[float] | None = None) -> Cut:
    zeros = [0.0] * len(coef_p)
    return Cut(at, NAMES, read_only(coef_p), read_only(coef_q or zeros), rhs, outer=True)


def market(**home: Any) -> Market:
    connection = home.pop("connection", {})
    people = {
        "home": {
            "connections": {"electricity": connection},
            "demand": {"electricity": 10.0},
            **home,
        },
        "farm": {
            "connections": {"electricity": {}},
            "devices": {"roof": {"type": "pv", "profile": 6.0}},
        },
    }
    tariffs = {"electricity": {"buy": 0.3, "sell": 0.1}}
    return Market(scenario(people, tariffs, networks={"grid": {"kind": "electric"}}), {})


def exported(schedule: Schedule) -> np.ndarray:
    grid = schedule.injections["grid"]
    return grid.p_kw[:, grid.terminals.index("farm")]


def test_a_cut_holds_at_its_step_only() -> None:
    case = market()
    case.add_cuts([cut([0.0, 2e-4], 8e-4, key(step=2))])
    schedule = case.solve(frozenset())
    np.testing.assert_allclose(exported(schedule), [6.0, 6.0, 4.0, 6.0])
    assert schedule.unmet == {}
    assert schedule.cost == pytest.approx(4 * 10.0 * 0.3 - 22.0 * 0.1)


def test_a_cut_with_the_same_key_replaces_and_a_dropped_one_is_gone() -> None:
    case = market()
    case.add_cuts([cut([0.0, 1.0], 4.0, key()), cut([0.0, 1.0], 3.0, key(step=1))])
    case.add_cuts([cut([0.0, 1.0], 5.0, key())])
    assert len(case.cuts) == 2
    np.testing.assert_allclose(exported(case.solve(frozenset())), [5.0, 3.0, 6.0, 6.0])
    case.drop_cuts([key(step=1), key(step=3)])
    np.testing.assert_allclose(exported(case.solve(frozenset())), [5.0, 6.0, 6.0, 6.0])
    case.drop_cuts([key()])
    np.testing.assert_allclose(exported(case.solve(frozenset())), 6.0)


def test_a_cut_that_nobody_can_keep_is_reported_in_kw_and_not_paid_for() -> None:
    case = market()
    free = case.solve(frozenset()).cost
    case.add_cuts([cut([-1e-3, 0.0], 4e-3, key(step=1, limit="voltage_min"))])
    schedule = case.solve(frozenset())
    assert schedule.unmet == {key(step=1, limit="voltage_min"): pytest.approx(6.0)}
    assert schedule.cost == pytest.approx(free)


def test_free_reactive_power_keeps_a_cut_before_power_is_curtailed() -> None:
    case = market(connection={"reactive_max_kvar": 3.0})
    given = -10.0 * np.tan(np.arccos(0.95))
    case.add_cuts([cut([0.0, 1.0], given - 2.0 + 6.0, key(), coef_q=[1.0, 0.0])])
    schedule = case.solve(frozenset())
    np.testing.assert_allclose(exported(schedule), 6.0)
    grid = schedule.injections["grid"]
    np.testing.assert_allclose(grid.q_kvar[0, 0], given - 2.0)
    np.testing.assert_allclose(grid.q_kvar[1:, 0], given)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (CutKey("dh", "velocity_max", "pipe", 0, 0, 0), "network 'dh', step 0: not in this market"),
        (
            CutKey("grid", "voltage_max", "bus", 0, 9, 0),
            "network 'grid', step 9: not in this market",
        ),
    ],
)
def test_cuts_on_unknown_places_are_refused(wrong: CutKey, message: str) -> None:
    with pytest.raises(SolveError, match=message):
        market().add_cuts([cut([0.0, 1.0], 1.0, wrong)])


def test_a_cut_that_moves_nothing_is_refused() -> None:
    with pytest.raises(SolveError, match="no finite coefficient above zero"):
        market().add_cuts([cut([0.0, 0.0], 1.0, key())])


def test_an_unknown_terminal_is_named() -> None:
    wrong = Cut(key(), ("castle",), read_only([1.0]), read_only([0.0]), 1.0, outer=True)
    with pytest.raises(SolveError, match="unknown terminal 'castle'"):
        market().add_cuts([wrong])


def test_a_battery_does_not_burn_energy_that_is_paid_for() -> None:
    """At a negative price a relaxed battery charges and discharges at once; binaries forbid it."""
    battery = {"type": "battery", "capacity_kwh": 10.0, "eta_charge": 0.5, "eta_discharge": 0.5}
    home = {
        "connections": {"electricity": {}},
        "demand": {"electricity": 1.0},
        "devices": {"battery": battery},
    }
    case = Market(scenario({"home": home}, {"electricity": {"buy": -0.1}}, steps=1), {})
    assert case.solve(frozenset()).cost == pytest.approx(-0.1)


def test_a_battery_does_not_burn_at_another_hour_what_it_was_paid_to_take() -> None:
    """Bought at -0.1 in the first hour; forbidden hour by hour, the burning would move on.

    The other 23 hours use 0.1 kWh each, so 23 * 0.1 / (0.9 * 0.9) kWh are worth taking beforehand.
    """
    battery = {"type": "battery", "capacity_kwh": 15.0, "eta_charge": 0.9, "eta_discharge": 0.9}
    home = {
        "connections": {"electricity": {}},
        "demand": {"electricity": 0.1},
        "devices": {"battery": battery},
    }
    prices = (-0.1, *[0.2] * 23)
    case = Market(scenario({"home": home}, {"electricity": {"buy": prices}}, steps=24), {})
    assert case.solve(frozenset()).cost == pytest.approx(-0.1 * (0.1 + 2.3 / 0.81))


def test_a_pair_that_fails_a_second_time_gets_binaries_at_all_other_steps() -> None:
    battery = {"type": "battery", "capacity_kwh": 10.0}
    home = {"connections": {"electricity": {}}, "devices": {"battery": battery}}
    compiled = Market(scenario({"home": home}, {"electricity": {"buy": 0.1}}), {}).compiled
    sides = compiled.exclusive.matrix
    assert sides.shape[0] == 2 * 4

    def burning(step: int) -> np.ndarray:
        return np.asarray(sides[[step, 4 + step]].sum(axis=0)).ravel()

    first = failing_pairs(compiled, burning(1))
    assert [extra.key.steps for extra in first] == [(1,)]
    assert [extra.key.steps for extra in failing_pairs(compiled, burning(2), first)] == [(0, 2, 3)]
    assert not failing_pairs(compiled, 0.0 * burning(2), first)


def test_vehicles_do_not_burn_energy_that_is_paid_for_either() -> None:
    """2 kWh in the battery at half efficiency are 4 from the network, and no more than that."""
    fleet = {
        "type": "ev_fleet",
        "vehicles": 1,
        "eta_charge": 0.5,
        "stays": [{"arrival_h": 0, "departure_h": 1, "energy_kwh": 2}],
        "v2g": {"battery_kwh": 40, "eta_discharge": 0.5},
    }
    home = {
        "connections": {"electricity": {}},
        "demand": {"electricity": 1.0},
        "devices": {"fleet": fleet},
    }
    case = Market(scenario({"home": home}, {"electricity": {"buy": -0.1}}, steps=1), {})
    assert case.solve(frozenset()).cost == pytest.approx(-0.5)


def test_nobody_buys_and_sells_at_once_where_that_would_pay() -> None:
    people = {
        "farm": {
            "connections": {"electricity": {"import_max_kw": 50.0, "export_max_kw": 20.0}},
            "devices": {"roof": {"type": "pv", "profile": 6.0}},
        }
    }
    tariffs = {"electricity": {"buy": (0.1, 0.3), "sell": (0.2, 0.2)}}
    schedule = Market(scenario(people, tariffs, steps=2), {}).solve(frozenset())
    assert schedule.cost == pytest.approx(-2 * 6.0 * 0.2)


def test_what_frozen_participants_inject_counts_in_a_cut() -> None:
    case = market()
    alone = case.solve(frozenset())
    case.add_cuts([cut([-0.5, 1.0], 10.0, key(step=1))])
    schedule = case.solve(frozenset(), frozen={"home": alone})
    np.testing.assert_allclose(exported(schedule), [6.0, 5.0, 6.0, 6.0])
    other = case.solve(frozenset(), frozen={"farm": alone})
    assert other.unmet == {key(step=1): pytest.approx(1.0)}


def test_duals_of_cuts_come_with_pairs_and_frozen_participants() -> None:
    case = market()
    alone = case.solve(frozenset())
    case.add_cuts([cut([0.0, 1.0], 4.0, key(step=1))])
    schedule = case.solve(frozenset(), frozen={"home": alone}, duals=True)
    assert schedule.duals is not None
    assert schedule.duals.cuts[key(step=1)] == pytest.approx(-0.1)
