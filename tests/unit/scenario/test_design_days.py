"""Typical days: real days, weights of a year, the energy of the year, peaks in design days."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.records import TimeAxis, read_only
from cosim.scenario import Scenario, ScenarioConfig
from cosim.scenario.typical_days import on_day, typical_days

HOURS = 8760


def year(method: str = "hierarchical", count: int = 4, **profiles: Any) -> Scenario:
    hour = np.arange(HOURS)
    rng = np.random.default_rng(7)
    season = np.cos(2 * np.pi * hour / HOURS)
    heat = np.clip(0.6 + 0.5 * season + 0.1 * np.repeat(rng.normal(size=365), 24), 0.05, None)
    heat[24 * 40 + 7] = 3.0
    power = 1.0 + 0.4 * np.sin(2 * np.pi * (hour % 24) / 24) * (hour // 24 % 7 < 5)
    power[24 * 200 + 15] = 4.0
    price = np.where((hour % 24 >= 8) & (hour % 24 < 21), 0.3, 0.12)
    columns = {"heat": heat, "power": power, "price": price, "unused": hour.astype(float)}
    raw = {
        "name": "year",
        "time": {"start": "2023-01-01T00:00:00+00:00", "steps": HOURS, "step_minutes": 60},
        "tariffs": {"electricity": {"buy": "price"}, "gas": {"buy": 0.05}},
        "participants": {
            "house": {
                "connections": {"electricity": {}, "gas": {}},
                "demand": {"heat": {"profile": "heat", "scale": 80.0}, "electricity": "power"},
            },
            "shop": {
                "connections": {"electricity": {}, "gas": {}},
                "demand": {"heat": 5.0, "electricity": [float(k) for k in hour]},
            },
        },
        "design": {
            "typical_days": {"count": count, "method": method, **profiles},
            "catalogue": {"boiler": {"cost_per_kw": 50, "life_years": 15}},
        },
    }
    config = ScenarioConfig.model_validate(raw, context={"design": True})
    index = pd.date_range("2023-01-01", periods=HOURS, freq="h", tz="UTC")
    resolved = {name: read_only(values) for name, values in columns.items()}
    return Scenario(config, Path("."), TimeAxis(index, 1.0), resolved, {}, "")


def test_days_stand_for_the_year() -> None:
    scenario = year()
    days = typical_days(scenario)
    typical = [day for day in days if not day.is_design_day]
    assert [day.name for day in typical] == ["day_1", "day_2", "day_3", "day_4"]
    assert sum(day.weight_days for day in days) == pytest.approx(365.0, abs=1e-9)
    assert [day.position for day in typical] == sorted(day.position for day in typical)
    for name in ("heat", "power"):
        clustered = sum(day.weight_days * day.profiles[name].sum() for day in days)
        assert clustered == pytest.approx(scenario.profiles[name].sum(), rel=1e-9)


def test_a_day_is_a_real_day_scaled() -> None:
    scenario = year()
    for day in typical_days(scenario):
        hours = slice(24 * day.position, 24 * day.position + 24)
        for name in ("heat", "power"):
            factor = day.profiles[name] / scenario.profiles[name][hours]
            assert np.ptp(factor) < 5e-2 if not day.is_design_day else np.allclose(factor, 1.0)
        for name in ("price", "unused"):
            assert np.array_equal(day.profiles[name], scenario.profiles[name][hours])


def test_design_days_hold_the_peaks() -> None:
    scenario = year()
    design = {day.name: day for day in typical_days(scenario) if day.is_design_day}
    # The shop's electricity rises through the year, so the highest hour is the last day's.
    assert set(design) == {"design_heat", "design_electricity"}
    assert design["design_heat"].position == 40
    assert design["design_heat"].profiles["heat"].max() == 3.0
    assert design["design_electricity"].position == 364
    assert all(day.weight_days == 0.0 for day in design.values())


def test_one_day_for_two_peaks_is_listed_once() -> None:
    scenario = year(design_days=["heat", "heat", "cooling"])
    names = [day.name for day in typical_days(scenario) if day.is_design_day]
    assert names == ["design_heat"]


def test_series_on_a_day() -> None:
    scenario = year()
    day = next(day for day in typical_days(scenario) if day.is_design_day)
    house, shop = (scenario.config.participants[name] for name in ("house", "shop"))
    assert np.array_equal(on_day(scenario, day, house.demand["heat"]), 80.0 * day.profiles["heat"])
    first = 24.0 * day.position
    assert np.array_equal(
        on_day(scenario, day, shop.demand["electricity"]), np.arange(first, first + 24)
    )
    assert np.array_equal(on_day(scenario, day, shop.demand["heat"]), np.full(24, 5.0))


def test_the_same_days_every_time() -> None:
    first, second = (typical_days(year(count=3)) for _ in range(2))
    assert [(d.name, d.position, d.weight_days) for d in first] == [
        (d.name, d.position, d.weight_days) for d in second
    ]


@pytest.mark.slow
def test_medoids_by_optimisation() -> None:
    days = typical_days(year("kmedoids", 2))
    assert sum(day.weight_days for day in days) == pytest.approx(365.0)
    assert len([day for day in days if not day.is_design_day]) == 2


def test_without_profiles_one_day_is_enough() -> None:
    scenario = year()
    config = scenario.config.model_copy(
        update={
            "participants": {
                "shop": scenario.config.participants["shop"].model_copy(
                    update={"demand": {"heat": 5.0}}
                )
            },
            "tariffs": {
                "electricity": scenario.config.tariffs["electricity"].model_copy(
                    update={"buy": 0.2}
                ),
                "gas": scenario.config.tariffs["gas"],
            },
        }
    )
    days = typical_days(Scenario(config, Path("."), scenario.time, scenario.profiles, {}, ""))
    assert [(day.position, day.weight_days) for day in days] == [(0, 365.0), (0, 0.0)]
