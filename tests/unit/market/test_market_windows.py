"""Windows of a long horizon: nothing is won or lost at a seam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from cosim.market import Market
from cosim.scenario import Scenario
from cosim.scenario.horizon import windows_of
from cosim.scenario.window import take_window
from tests.support.community import scenario
from tests.support.rolling import Solved, kept_table, roll, series, with_windows

STEPS = 48
KEPT_PER_H = 1.0 - 0.01
ETA = 0.9
HOURS = np.arange(STEPS)
PRICE = 0.25 + 0.1 * np.sin(HOURS / 24.0 * 2.0 * np.pi) + 0.05 * np.sin(HOURS / 5.0)
SUN = np.clip(np.sin((HOURS % 24 - 6.0) / 12.0 * np.pi), 0.0, None) * (1.0 + 0.3 * (HOURS >= 24))


def community(**battery: Any) -> Scenario:
    """Two homes, one with a battery of 20 kWh; prices and sun differ from day to day."""
    store = {
        "type": "battery", "capacity_kwh": 20.0, "eta_charge": ETA, "eta_discharge": ETA,
        "self_discharge_per_h": 1.0 - KEPT_PER_H, "degradation_per_kwh": 0.001, **battery,
    }  # fmt: skip
    people = {
        "home": {
            "connections": {"electricity": {}},
            "demand": {"electricity": (3.0 + np.cos(HOURS / 3.0)).tolist()},
            "devices": {
                "store": store,
                "roof": {"type": "pv", "profile": SUN.tolist(), "rated_kw": 8.0},
            },
        },
        "flat": {
            "connections": {"electricity": {}},
            "demand": {"electricity": 2.0},
            "devices": {"shift": {"type": "shiftable_demand", "share": 0.2, "window_h": 6}},
        },
    }
    tariffs = {"electricity": {"buy": PRICE.tolist(), "sell": 0.08}}
    return scenario(people, tariffs, steps=STEPS)


def one_shot(case: Scenario) -> float:
    return Market(case, {}).solve(frozenset(case.config.participants)).cost


def balance_error(table: Any, began_kwh: float) -> npt.NDArray[np.float64]:
    """Return the battery's energy that is unaccounted for, step by step over all seams, kWh."""
    content = series(table, "home", "store", "state_of_charge_kwh")
    before = np.concatenate([[began_kwh], content[:-1]])
    charged = series(table, "home", "store", "charging_kw")
    drawn = series(table, "home", "store", "discharging_kw")
    return np.abs(KEPT_PER_H * before + ETA * charged - drawn / ETA - content)


@pytest.mark.parametrize("battery", [{}, {"initial": 0.4}, {"initial": 0.4, "cyclic": False}])
def test_full_look_ahead_is_the_optimum_of_the_whole_horizon(battery: dict[str, Any]) -> None:
    case = community(**battery)
    windows = list(roll(with_windows(case, 6, STEPS - 6, "carry")))
    assert len(windows) == 8
    assert sum(one.kept.cost for one in windows) == pytest.approx(one_shot(case), abs=1e-6)


def test_a_short_look_ahead_costs_something_and_never_gains() -> None:
    case = community()
    best = one_shot(case)
    costs = [
        sum(one.kept.cost for one in roll(with_windows(case, 6, ahead, "carry")))
        for ahead in (0, 12, 42)
    ]
    assert costs[0] > costs[1] > costs[2] - 1e-9
    assert costs[2] == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("battery", [{}, {"initial": 0.4}])
def test_no_energy_appears_or_vanishes_at_the_seams(battery: dict[str, Any]) -> None:
    windows = list(roll(with_windows(community(**battery), 6, 12, "carry")))
    table = kept_table(windows)
    content = series(table, "home", "store", "state_of_charge_kwh")
    assert len(content) == STEPS
    # The year ends with what it began with, so the last content is the one before the first step.
    assert balance_error(table, began_kwh=content[-1]).max() < 1e-6
    if battery:
        assert content[-1] == pytest.approx(0.4 * 20.0)


def test_the_balance_finds_a_seam_that_forgets_what_was_stored() -> None:
    case = with_windows(community(initial=0.4), 6, 12, "carry")
    forgetful = list(roll(case))
    # A window that starts from the beginning of the horizon instead of the one before.
    window = windows_of(case.config)[3]
    market = Market(take_window(case, window), {})
    whole = market.solve(frozenset(case.config.participants))
    forgetful[3] = Solved(window, market, whole, market.kept(whole))
    table = kept_table(forgetful)
    content = series(table, "home", "store", "state_of_charge_kwh")
    assert balance_error(table, began_kwh=content[-1]).max() > 1e-3


def test_cyclic_windows_meet_at_the_content_that_the_first_one_chose() -> None:
    windows = list(roll(with_windows(community(), 12, 24, "cyclic")))
    assert {one.window.solve for one in windows} == {12}
    table = kept_table(windows)
    content = series(table, "home", "store", "state_of_charge_kwh")
    assert content[11::12] == pytest.approx(content[-1])
    assert balance_error(table, began_kwh=content[-1]).max() < 1e-6
    assert sum(one.kept.cost for one in windows) >= one_shot(community()) - 1e-9


def engine(dear: Sequence[int] = (5,), **fields: Any) -> Scenario:
    """A heat demand that wants the unit off at every seam, and heat from the grid at a price."""
    unit = {
        "type": "chp", "power_max_kw": 10.0, "load_min": 0.5, "eta_el_full": 0.4, "loss_share": 0.0,
        "heat_recovered_share": 1.0, "heat_dump_allowed": True, "initial_power_kw": 0.0, **fields,
    }  # fmt: skip
    # Electricity is dear for one hour, right before the seam at 6 h, and cheap for long after.
    dear = list(dear)
    buy = np.full(24, 0.05)
    buy[dear] = 2.0
    people = {
        "home": {
            "connections": {"electricity": {}, "gas": {}},
            "demand": {"electricity": 12.0},
            "devices": {"unit": unit},
        }
    }
    tariffs = {"electricity": {"buy": buy.tolist()}, "gas": {"buy": 0.08}}
    return scenario(people, tariffs, steps=24)


UNIT = ("home", "unit", "generation_kw")


def test_minimum_up_time_goes_over_the_seam() -> None:
    case = with_windows(engine(up_time_min_h=4.0), 6, 0, "carry")
    table = kept_table(list(roll(case)))
    online = series(table, "home", "unit", "online").round()
    # On at the dear hour, then three more that cost money: no window would choose them by itself.
    assert online.tolist() == [0.0] * 5 + [1.0] * 4 + [0.0] * 15


def test_minimum_down_time_goes_over_the_seam() -> None:
    fields = {"down_time_min_h": 5.0, "initial_power_kw": 10.0}
    case = with_windows(engine(**fields), 3, 0, "carry")
    table = kept_table(list(roll(case)))
    online = series(table, "home", "unit", "online").round()
    stops = np.flatnonzero(np.diff(np.concatenate([[1.0], online])) < 0)
    starts = np.flatnonzero(np.diff(np.concatenate([[1.0], online])) > 0)
    for stop in stops:
        later = starts[starts > stop]
        assert not len(later) or later[0] - stop >= 5


def test_ramps_go_over_the_seam() -> None:
    unit = engine(dear=range(2, 12), ramp_max_kw_per_h=2.0, load_min=0.1)
    power = series(kept_table(list(roll(with_windows(unit, 5, 0, "carry")))), *UNIT)
    assert np.abs(np.diff(np.concatenate([[0.0], power]))).max() <= 2.0 + 1e-6
    assert power.max() == pytest.approx(10.0)


def vehicles(**fields: Any) -> Scenario:
    """A van that is plugged in over midnight; the night is cheapest just before and after it."""
    van = {
        "type": "ev_fleet", "vehicles": 1, "charge_max_kw": 5.0, "eta_charge": 0.9,
        "repeat_h": 24, "stays": [{"arrival_h": 20, "departure_h": 30, "energy_kwh": 27.0}],
        **fields,
    }  # fmt: skip
    people = {
        "home": {
            "connections": {"electricity": {}},
            "demand": {"electricity": 1.0},
            "devices": {"van": van},
        }
    }
    buy = 0.3 - 0.1 * np.isin(np.arange(96) % 24, (22, 23, 0, 1, 2))
    return scenario(people, {"electricity": {"buy": buy.tolist()}}, steps=96)


def test_a_night_at_the_charging_point_goes_over_the_seam() -> None:
    case = with_windows(vehicles(), 24, 10, "carry")
    windows = list(roll(case))
    charge = series(kept_table(windows), "home", "van", "consumption_kw")
    nights = [charge[first : first + 10].sum() * 0.9 for first in (20, 44, 68)]
    assert nights == pytest.approx([27.0] * 3)
    # The last night goes on at the horizon's beginning: each part gets its share of the hours.
    assert charge[92:].sum() * 0.9 == pytest.approx(27.0 * 0.4)
    assert charge[:6].sum() * 0.9 == pytest.approx(27.0 * 0.6)
    assert sum(one.kept.cost for one in windows) == pytest.approx(one_shot(case), rel=1e-3)


def test_kept_costs_are_those_of_the_kept_steps() -> None:
    case = with_windows(community(), 6, 12, "carry")
    for one in roll(case):
        table = one.kept.table
        paid = 0.0
        first = one.window.first
        price = PRICE[first : first + one.window.keep]
        for name in ("home", "flat"):
            paid += float(price @ series(table, name, "trade", "buy_kw"))
            paid -= 0.08 * float(series(table, name, "trade", "sell_kw").sum())
        paid += 0.001 * float(series(table, "home", "store", "discharging_kw").sum())
        assert one.kept.cost == pytest.approx(paid, abs=1e-6)
        assert len(one.kept.injections) == 0
        assert one.kept.time.index[0] == case.time.index[first]
