"""A year as LP, and thirty participants as MILP, as ratios measured in one process."""

from __future__ import annotations

from statistics import median
from time import process_time
from typing import Any

import numpy as np
import pytest

from cosim.market import Market
from cosim.scenario import Scenario
from tests.support.by_hand import town_by_hand
from tests.support.community import scenario, town

pytestmark = pytest.mark.benchmark

YEAR_H = 8760


def four_participants(hours: int) -> Scenario:
    """Return four participants at 1 h from January on, devices without binaries."""
    hour = np.arange(hours)
    day, season = hour % 24, np.cos(2 * np.pi * hour / YEAR_H)
    noise = 1.0 + 0.2 * np.random.default_rng(7).random((4, hours))
    sun = np.clip(np.sin((day - 6) / 12 * np.pi), 0.0, None) * (0.5 - 0.3 * season)
    evening = 0.5 + np.exp(-(((day - 19.0) / 2.5) ** 2))
    profiles: dict[str, Any] = {"sun": sun, "cop": 3.4 - 0.6 * season}
    participants = {}
    for k in range(4):
        profiles[f"electric{k}"] = 20.0 * (k + 1) * evening * noise[k]
        profiles[f"heat{k}"] = 30.0 * (k + 1) * (1.1 + season) * noise[k]
        limits = {"import_max_kw": 500.0, "export_max_kw": 500.0}
        participants[f"p{k}"] = {
            "connections": {"electricity": limits, "heat": limits, "gas": {}},
            "demand": {"electricity": f"electric{k}", "heat": f"heat{k}"},
            "devices": {
                "roof": {"type": "pv", "profile": "sun", "rated_kw": 60.0 * (k + 1)},
                "pump": {"type": "heat_pump", "electric_max_kw": 25.0, "cop": "cop"},
                "boiler": {"type": "boiler", "heat_max_kw": 300.0},
                "battery": {"type": "battery", "capacity_kwh": 50.0 * (k + 1)},
                "tank": {"type": "heat_storage", "capacity_kwh": 100.0},
                "shift": {"type": "shiftable_demand", "cost_per_kwh": 0.01},
            },
        }
    dear = np.where((day >= 7) & (day < 21), 0.32, 0.22) * noise[0]
    tariffs = {
        "electricity": {"buy": tuple(dear), "sell": 0.08, "co2_kg_per_kwh": 0.38},
        "heat": {"buy": 0.13, "sell": 0.03, "co2_kg_per_kwh": 0.2},
        "gas": {"buy": 0.075, "co2_kg_per_kwh": 0.2},
    }
    sharing = {"electricity": {"fee_per_kwh": 0.01}, "heat": {"fee_per_kwh": 0.005}}
    return scenario(
        participants, tariffs, steps=hours, profiles=profiles, sharing=sharing,
        carbon={"tax_per_t": 45.0},
    )  # fmt: skip


@pytest.mark.slow
def test_building_a_year_as_one_linear_program_takes_less_than_solving_it() -> None:
    case = four_participants(YEAR_H)
    start = process_time()
    market = Market(case, {})
    built = process_time()
    schedule = market.solve(frozenset(case.config.participants))
    build, solve = built - start, process_time() - built
    print(f"4 participants x {YEAR_H} h: building {build / solve:.2f} of solving")
    assert schedule.optimal
    assert not market.compiled.program.integer.any()
    assert build < solve


def compare(count: int, steps: int) -> tuple[float, float, float, float]:
    """Return CPU seconds and cost of cosim, building included, and of HiGHS alone, to 0.1 %."""
    case = town(
        count, steps, minutes=15, networks={}, solver={"mip_gap": 1e-3, "time_limit_s": 600}
    )
    solver = town_by_hand(case).solver(1e-3)
    start = process_time()
    solver.run()
    by_hand = process_time() - start
    start = process_time()
    schedule = Market(case, {}).solve(frozenset(case.config.participants))
    own = process_time() - start
    assert schedule.optimal
    return own, by_hand, schedule.cost, solver.getInfo().objective_function_value


def test_the_model_by_hand_is_the_same_model() -> None:
    case = town(6, 24, networks={}, solver={"mip_gap": 1e-7})
    solver = town_by_hand(case).solver(1e-7)
    solver.run()
    cost = Market(case, {}).solve(frozenset(case.config.participants)).cost
    assert cost == pytest.approx(solver.getInfo().objective_function_value, rel=1e-6)


@pytest.mark.slow
def test_thirty_participants_take_no_longer_than_highs_alone_and_half_of_it() -> None:
    runs = [compare(30, 96) for _ in range(3)]
    ratio = median(own / by_hand for own, by_hand, _, _ in runs)
    print(f"30 x 96 to 0.1 %, building included: {ratio:.2f} of HiGHS on arrays by hand")
    for _, _, cost, objective in runs:
        assert cost == pytest.approx(objective, rel=2e-3)
    assert ratio <= 1.5
