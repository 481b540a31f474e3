"""The horizon section: how windows are cut, what has to fit, what a window sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim import api
from cosim.errors import ScenarioError
from cosim.market import Market
from cosim.market.devices import DEVICE_TYPES
from cosim.scenario import Scenario
from cosim.scenario.config import ScenarioConfig
from cosim.scenario.horizon import horizon_problems, windows_of
from cosim.scenario.window import take_window
from tests.support import long_hamlet
from tests.support.community import scenario
from tests.support.rolling import with_windows

STAY = {"arrival_h": 18, "departure_h": 30, "energy_kwh": 10}
VAN = {"type": "ev_fleet", "vehicles": 2, "stays": [STAY], "repeat_h": 24}
SHIFT = {"type": "shiftable_demand", "window_h": 24}


def config(steps: int, minutes: int = 60, devices: Any = None, **horizon: Any) -> ScenarioConfig:
    raw = {
        "name": "case",
        "time": {"start": "2024-01-15", "steps": steps, "step_minutes": minutes},
        "tariffs": {"electricity": {"buy": 0.3}},
        "participants": {
            "home": {
                "connections": {"electricity": {}},
                "demand": {"electricity": 1.0},
                "devices": devices or {},
            }
        },
    }
    if horizon:
        raw["horizon"] = horizon
    return ScenarioConfig.model_validate(raw, context={"device_types": DEVICE_TYPES})


def said(*args: Any, **kwargs: Any) -> list[str]:
    return [str(problem) for problem in horizon_problems(config(*args, **kwargs))]


def test_without_a_section_there_is_one_window() -> None:
    (window,) = windows_of(config(96, 15))
    assert (window.first, window.keep, window.solve, window.count) == (0, 96, 96, 1)
    assert window.closes


def test_windows_cover_every_step_once() -> None:
    windows = windows_of(config(100, window_hours=24, look_ahead_hours=12))
    assert [w.first for w in windows] == [0, 24, 48, 72, 96]
    assert [w.keep for w in windows] == [24, 24, 24, 24, 4]
    assert [w.solve for w in windows] == [36, 36, 36, 28, 4]
    assert [w.closes for w in windows] == [False, False, False, True, True]


def test_cyclic_windows_look_no_further() -> None:
    windows = windows_of(config(100, window_hours=24, look_ahead_hours=12, boundary="cyclic"))
    assert [w.solve for w in windows] == [24, 24, 24, 24, 4]
    assert all(w.closes and not w.carries for w in windows)


def test_quarter_hours() -> None:
    windows = windows_of(config(200, 15, window_hours=24, look_ahead_hours=0.5))
    assert [w.keep for w in windows] == [96, 96, 8]
    assert windows[0].solve == 98


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (
            {"window_hours": 10.5},
            "horizon.window_hours: 10.5 h; expected a whole number of steps of 1 h; give 10",
        ),
        (
            {"window_hours": 24, "look_ahead_hours": 0.25},
            "horizon.look_ahead_hours: 0.25 h; expected a whole number of steps of 1 h; give 1",
        ),
        (
            {"window_hours": 36, "devices": {"shift": SHIFT}},
            "participants.home.devices.shift.window_h: 24 h, which does not fit into windows of "
            "36 h; expected a whole number of times in horizon.window_hours; set "
            "horizon.window_hours to a multiple of 24",
        ),
        (
            {"window_hours": 24, "look_ahead_hours": 6, "devices": {"van": VAN}},
            "participants.home.devices.van.stays[0]: 12 h, longer than the look-ahead of 6 h; "
            "expected what a window begins to end within its look-ahead; set "
            "horizon.look_ahead_hours to 12 or more",
        ),
        (
            {"window_hours": 36, "boundary": "cyclic", "devices": {"van": VAN}},
            "participants.home.devices.van.repeat_h: 24 h, which does not fit into windows of "
            "36 h; expected a whole number of times in horizon.window_hours; set "
            "horizon.window_hours to a multiple of 24",
        ),
    ],
)
def test_what_does_not_fit_is_named(args: dict[str, Any], text: str) -> None:
    assert said(96, **args) == [text]


def test_what_fits_is_left_alone() -> None:
    devices = {"van": VAN, "shift": SHIFT}
    assert said(96, devices=devices, window_hours=48, look_ahead_hours=12) == []
    assert said(96, devices=devices, window_hours=48, boundary="cyclic") == []
    # One window is the whole horizon: nothing has to fit.
    assert said(30, devices=devices, window_hours=30) == []
    assert said(30, devices=devices) == []


def test_a_scenario_file_is_refused_with_its_name(tmp_path: Path) -> None:
    content = long_hamlet.config(window_hours=7.25)
    with pytest.raises(ScenarioError, match=r"scenario.yaml: horizon.window_hours: 7.25 h"):
        api.check(long_hamlet.write(tmp_path / "case", content))


def nightly(**fields: Any) -> Scenario:
    people = {
        "home": {
            "connections": {"electricity": {}},
            "demand": {"electricity": 1.0},
            "devices": {"van": {**VAN, **fields}},
        }
    }
    return scenario(people, {"electricity": {"buy": 0.3}}, steps=72)


def test_a_stay_that_does_not_repeat_must_not_cross_cyclic_windows() -> None:
    case = with_windows(nightly(repeat_h=None), 24, 0, "cyclic")
    with pytest.raises(ScenarioError, match=r"van.stays\[0\]: 18 h to 30 h of the horizon, across"):
        Market(take_window(case, windows_of(case.config)[0]), {})
    stay = {"arrival_h": 26, "departure_h": 30, "energy_kwh": 10}
    case = with_windows(nightly(repeat_h=None, stays=[stay]), 24, 0, "cyclic")
    charged = []
    for window in windows_of(case.config):
        schedule = Market(take_window(case, window), {}).solve(frozenset())
        rows = schedule.table[schedule.table["device"] == "van"]
        charged.append(float(rows["value"].sum()) * 0.9)
    assert charged == pytest.approx([0.0, 10.0, 0.0])


def test_a_window_sees_its_part(tmp_path: Path) -> None:
    content = long_hamlet.config(window_hours=12, look_ahead_hours=6)
    numbers = [float(k) for k in range(long_hamlet.STEPS)]
    content["participants"]["works"]["demand"]["electricity"] = numbers
    whole = api.load(long_hamlet.write(tmp_path / "case", content))
    part = take_window(whole, windows_of(whole.config)[1])
    assert part.window is not None
    assert part.time.index[0] == whole.time.index[12]
    assert len(part.time) == 18
    demand = part.config.participants["works"].demand["electricity"]
    assert part.series(demand).tolist() == numbers[12:30]
    np.testing.assert_array_equal(part.series("load"), whole.series("load")[12:30])
    mine = part.networks["electric"].background.series[0]
    all_ = whole.networks["electric"].background.series[0]
    np.testing.assert_array_equal(mine.p_kw, all_.p_kw[12:30])
    assert np.shares_memory(mine.p_kw, all_.p_kw)
    assert part.networks["electric"].time is part.time
