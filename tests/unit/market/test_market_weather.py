"""Devices that follow the weather, in a market: whole horizon, windows, real files."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from cosim.market import Market
from cosim.market.devices import DEVICE_TYPES
from cosim.records import Schedule, Window
from cosim.scenario import Scenario, load_scenario
from cosim.scenario.window import take_window
from tests.support import hamlet
from tests.support.community import scenario

SITE = {"latitude_deg": 38.9, "longitude_deg": 121.6, "roughness_length_m": 0.1}
ARRAY = {"tilt_deg": 30.0, "azimuth_deg": 180.0, "irradiance": "clear_sky"}
STEPS = 24
HOURS = np.arange(STEPS)
WEATHER = {
    "weather.temperature_c": 20.0 + 10.0 * np.sin((HOURS - 9) / 12.0 * np.pi),
    "weather.wind_speed_m_per_s": 2.0 + HOURS / 3.0,
}


def summer() -> Scenario:
    """A house with cooling from two kinds of chillers, a roof, a turbine and a heat pump."""
    devices: dict[str, Any] = {
        "roof": {"type": "pv", "rated_kw": 40.0, "array": ARRAY},
        "mill": {"type": "wind", "turbine": {"name": "E48/800", "hub_height_m": 50.0}},
        "cold": {
            "type": "compression_chiller",
            "cooling_max_kw": 60.0,
            "outdoor_temperature_c": "weather.temperature_c",
        },
        "sorption": {"type": "absorption_chiller", "cooling_max_kw": 20.0},
        "pump": {
            "type": "heat_pump",
            "heat_max_kw": 30.0,
            "source_temperature_c": "weather.temperature_c",
            "cop_lift": [6.08, -0.09, 0.0005],
        },
        "tank": {"type": "cooling_storage", "capacity_kwh": 40.0, "initial": 0.5},
    }
    people = {
        "house": {
            "connections": {"electricity": {}},
            "demand": {"electricity": 5.0, "heat": 10.0, "cooling": 30.0},
            "devices": devices,
        }
    }
    tariffs = {"electricity": {"buy": 0.3, "sell": 0.05}}
    return scenario(people, tariffs, steps=STEPS, profiles=WEATHER, weather=SITE)


def flow(schedule: Schedule, device: str, carrier: str, quantity: str) -> np.ndarray:
    table = schedule.table
    rows = (table["device"] == device) & (table["carrier"] == carrier)
    return table.loc[rows & (table["quantity"] == quantity), "value"].to_numpy()


@pytest.fixture(scope="module")
def whole() -> Schedule:
    return Market(summer(), {}).solve(frozenset())


def test_cooling_is_covered_and_every_machine_keeps_its_performance(whole: Schedule) -> None:
    made = flow(whole, "cold", "cooling", "generation_kw")
    sorption = flow(whole, "sorption", "cooling", "generation_kw")
    tank = flow(whole, "tank", "cooling", "discharging_kw")
    tank = tank - flow(whole, "tank", "cooling", "charging_kw")
    np.testing.assert_allclose(made + sorption + tank, 30.0, atol=1e-6)
    air = WEATHER["weather.temperature_c"]
    lift = np.maximum(air - 6.0, 1e-9)
    eer = np.minimum(10.0, 0.35 * 279.15 / lift)
    used = flow(whole, "cold", "electricity", "consumption_kw")
    np.testing.assert_allclose(made, eer * used, atol=1e-6)
    heat = flow(whole, "pump", "heat", "generation_kw")
    drawn = flow(whole, "pump", "electricity", "consumption_kw")
    over = 55.0 - air
    np.testing.assert_allclose(heat, (6.08 - 0.09 * over + 0.0005 * over**2) * drawn, atol=1e-6)
    np.testing.assert_allclose(
        heat, 10.0 + flow(whole, "sorption", "heat", "consumption_kw"), atol=1e-6
    )


def test_sun_and_wind_are_where_the_time_stamps_say(whole: Schedule) -> None:
    sun = flow(whole, "roof", "electricity", "generation_kw")
    # 121.6 degrees east are 7.1 h before the meridian of Berlin's time: noon is near 5 o'clock,
    # between the middles of the steps from 4 and from 5 o'clock
    assert HOURS[sun.argmax()] in (4, 5)
    assert np.all(sun[10:20] == 0.0)
    mill = flow(whole, "mill", "electricity", "generation_kw")
    assert np.all(np.diff(mill) >= -1e-6)
    assert mill[-1] == pytest.approx(800.0, rel=0.05)


def test_windows_have_the_weather_of_their_own_steps(whole: Schedule) -> None:
    case = summer()
    found = []
    for number in range(3):
        window = Window(number, 3, 8 * number, 8, 8, STEPS, carries=False)
        found.append(Market(take_window(case, window), {}).solve(frozenset()))
    for device in ("roof", "mill"):
        parts = [flow(one, device, "electricity", "generation_kw") for one in found]
        np.testing.assert_allclose(
            np.concatenate(parts), flow(whole, device, "electricity", "generation_kw"), atol=1e-6
        )


def test_a_scenario_file_with_weather_is_solved(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    shutil.copytree(hamlet.write(tmp_path / "hamlet").parent, folder)
    config = copy.deepcopy(hamlet.config())
    stamps = pd.date_range("2016-01-19", periods=24, freq="h")
    table = {"time": stamps, "GHI": np.where((stamps.hour > 8) & (stamps.hour < 16), 300.0, 0.0)}
    pd.DataFrame(table).to_csv(folder / "weather.csv", index=False)
    config["weather"] = {
        "latitude_deg": 48.0,
        "longitude_deg": 7.8,
        "file": "weather.csv",
        "timezone": "Europe/Berlin",
        "columns": {"ghi_w_per_m2": "GHI", "temperature_c": 2.0, "wind_speed_m_per_s": 3.0},
    }
    name = next(n for n, p in config["participants"].items() if "electricity" in p["connections"])
    array = {"tilt_deg": 20.0, "azimuth_deg": 180.0}
    roof = {"type": "pv", "rated_kw": 10.0, "array": array}
    config["participants"][name].setdefault("devices", {})["extra"] = roof
    (folder / "scenario.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    schedule = Market(load_scenario(folder, DEVICE_TYPES), {}).solve(frozenset())
    sun = flow(schedule, "extra", "electricity", "generation_kw")
    light = schedule.time.index.hour > 8
    assert np.all(sun[~light] == 0.0)
    assert np.all(sun[light] > 1.0)
