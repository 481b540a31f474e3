"""The weather section: columns, units, time zones, and what is said when they are wrong."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from cosim.errors import ScenarioError
from cosim.market.devices import DEVICE_TYPES
from cosim.records import TimeAxis, Window
from cosim.scenario import load_scenario
from cosim.scenario.weather import WeatherSection, read_weather
from cosim.scenario.window import take_window
from tests.support import hamlet

SITE = {"latitude_deg": 38.9, "longitude_deg": 121.6}
QUARTERS = TimeAxis(
    pd.date_range("2024-06-01 01:00", periods=8, freq="15min", tz="Asia/Shanghai"), 0.25
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Hourly weather in local time without an offset, in other units and under other names."""
    table = pd.DataFrame(
        {
            "time": pd.date_range("2024-06-01", periods=26, freq="h"),
            "GHI": np.arange(26.0) * 10.0,
            "temp_k": 300.0,
            "station": "Dalian",
            "wind_speed_m_per_s": np.arange(26.0),
        }
    )
    table.to_csv(tmp_path / "weather.csv", index=False)
    return tmp_path / "weather.csv"


def read(path: Path, **fields: object) -> tuple[dict[str, np.ndarray], list[str]]:
    section = WeatherSection.model_validate(SITE | fields)
    found, problems = read_weather(section, path.parent, QUARTERS, {})
    return found, [str(problem) for problem in problems]


def test_columns_are_named_converted_or_constant(file):
    found, problems = read(
        file,
        file=file.name,
        timezone="Asia/Shanghai",
        columns={
            "ghi_w_per_m2": "GHI",
            "temperature_c": {"column": "temp_k", "offset": -273.15},
            "cloud_factor": 0.7,
        },
    )
    assert problems == []
    assert sorted(found) == [
        "weather.cloud_factor",
        "weather.ghi_w_per_m2",
        "weather.temperature_c",
        "weather.wind_speed_m_per_s",
    ]
    # the hours from 1 and from 2 o'clock, each for four quarters
    np.testing.assert_allclose(found["weather.ghi_w_per_m2"], [10.0] * 4 + [20.0] * 4)
    np.testing.assert_allclose(found["weather.wind_speed_m_per_s"], [1.0] * 4 + [2.0] * 4)
    np.testing.assert_allclose(found["weather.temperature_c"], 26.85)
    np.testing.assert_allclose(found["weather.cloud_factor"], 0.7)
    with pytest.raises(ValueError, match="read-only"):
        found["weather.cloud_factor"][0] = 1.0


def test_stamps_without_an_offset_are_utc_unless_a_zone_is_named(file):
    # 1 o'clock in Shanghai is 17 o'clock of the day before in UTC, before the file begins
    _, problems = read(file, file=file.name)
    assert problems == [
        "weather.csv: no value for 8 steps, the first 2024-06-01T01:00:00+08:00; expected values "
        "from 2024-06-01T01:00:00+08:00 for 8 steps; extend the file or move time.start"
    ]
    found, problems = read(file, file=file.name, timezone="Etc/GMT-7")
    assert problems == []
    np.testing.assert_allclose(found["weather.wind_speed_m_per_s"], [0.0] * 4 + [1.0] * 4)


def test_stamps_with_an_offset_keep_it(file):
    table = pd.read_csv(file)
    table["time"] = pd.date_range("2024-06-01", periods=26, freq="h", tz="Asia/Shanghai")
    table.to_csv(file, index=False)
    found, problems = read(file, file=file.name, timezone="Europe/Berlin")
    assert problems == []
    np.testing.assert_allclose(found["weather.wind_speed_m_per_s"], [1.0] * 4 + [2.0] * 4)


def test_local_times_that_exist_twice_are_refused(file):
    table = pd.read_csv(file)
    table["time"] = pd.date_range("2024-10-27", periods=26, freq="h")
    table.to_csv(file, index=False)
    _, problems = read(file, file=file.name, timezone="Europe/Berlin")
    assert len(problems) == 1
    assert problems[0].startswith("weather.csv: time: not a time stamp (")
    assert "2024-10-27 02:00:00" in problems[0]


def test_finer_weather_is_averaged(file):
    table = pd.DataFrame(
        {
            "time": pd.date_range("2024-06-01 01:00", periods=120, freq="min", tz="Asia/Shanghai"),
            "ghi_w_per_m2": np.arange(120.0),
        }
    )
    table.to_csv(file, index=False)
    found, _ = read(file, file=file.name)
    np.testing.assert_allclose(found["weather.ghi_w_per_m2"], 7.0 + 15.0 * np.arange(8))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"columns": {"ghi_w_per_m2": "G"}},
            "weather.columns.ghi_w_per_m2: unknown column 'G'; expected a column of weather.csv "
            "(GHI, temp_k, station, wind_speed_m_per_s); correct the name",
        ),
        (
            {"columns": {"temperature_c": "temp_k"}},
            "weather.columns.temperature_c: 300 at 2024-06-01T01:00:00+08:00 and 7 more steps; "
            "expected -90 to 60; correct the file, or give column, scale and offset for another "
            "unit",
        ),
        (
            {"columns": {"ghi_w_per_m2": {"column": "GHI", "offset": -15.0}}},
            "weather.columns.ghi_w_per_m2: -5 at 2024-06-01T01:00:00+08:00 and 3 more steps; "
            "expected 0 to 2000; correct the file, or give column, scale and offset for another "
            "unit",
        ),
        (
            {"columns": {"ghi_w_per_m2": "station"}},
            "weather.csv: columns that are not numbers: station; expected numbers only",
        ),
        (
            {"timezone": "Dalian"},
            "weather.timezone: 'Dalian'; expected an IANA time zone such as Europe/Berlin or "
            "Etc/GMT-1",
        ),
    ],
)
def test_wrong_columns_are_named(file, fields, expected):
    _, problems = read(file, **({"file": file.name, "timezone": "Asia/Shanghai"} | fields))
    assert expected in problems


def test_without_a_file_columns_are_profiles(file):
    section = WeatherSection.model_validate(SITE | {"columns": {"temperature_c": "air"}})
    air = np.arange(8.0)
    found, problems = read_weather(section, file.parent, QUARTERS, {"air": air})
    assert problems == []
    np.testing.assert_allclose(found["weather.temperature_c"], air)
    _, problems = read_weather(section, file.parent, QUARTERS, {"sun": air})
    assert [str(problem) for problem in problems] == [
        "weather.columns.temperature_c: unknown column 'air'; expected a column of the profile "
        "files (sun); correct the name"
    ]


def test_a_missing_file_is_one_problem(file):
    _, problems = read(file, file="none.csv", columns={"ghi_w_per_m2": "GHI"})
    assert len(problems) == 1
    assert problems[0].startswith("none.csv: no such file; expected a profile file at ")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"latitude_deg": 120.0}, "less than or equal to 90"),
        ({"columns": {"sunshine": 1.0}}, "ghi_w_per_m2"),
        ({"roughness_length_m": 12.0}, "roughness_length_m 12 is not below wind_height_m 10"),
    ],
)
def test_sections_that_cannot_be_are_refused(fields, words):
    with pytest.raises(ValidationError, match=words):
        WeatherSection.model_validate(SITE | fields)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hamlet.write(tmp_path_factory.mktemp("hamlet")).parent


def sunny(original, tmp_path, weather, device):
    """Load the hamlet with weather and a device more."""
    import shutil

    folder = tmp_path / "case"
    shutil.copytree(original, folder)
    config = copy.deepcopy(hamlet.config())
    if weather is not None:
        config["weather"] = weather
    name = next(iter(config["participants"]))
    config["participants"][name].setdefault("devices", {})["extra"] = device
    stamps = pd.date_range(hamlet.START, periods=40, freq="h")
    table = pd.DataFrame({"time": stamps, "temperature_c": np.arange(40.0)})
    table.to_csv(folder / "weather.csv", index=False)
    (folder / "scenario.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return name, folder


def test_weather_is_on_the_steps_of_the_scenario_and_of_its_windows(original, tmp_path):
    pump = {
        "type": "heat_pump",
        "electric_max_kw": 5.0,
        "source_temperature_c": "weather.temperature_c",
    }
    _, folder = sunny(original, tmp_path, SITE | {"file": "weather.csv"}, pump)
    scenario = load_scenario(folder, DEVICE_TYPES)
    assert scenario.weather is not None
    air = scenario.weather.series["temperature_c"]
    assert len(air) == len(scenario.time) == len(scenario.weather.time)
    np.testing.assert_allclose(scenario.series("weather.temperature_c"), air)
    window = take_window(scenario, Window(1, 2, 4, 4, 4, 8, carries=False))
    assert window.weather is not None
    np.testing.assert_allclose(window.weather.series["temperature_c"], air[4:])
    assert window.weather.time.index[0] == scenario.time.index[4]


def test_the_weather_file_is_part_of_the_input_hash(original, tmp_path):
    pump = {"type": "heat_pump", "electric_max_kw": 5.0, "cop": 3.0}
    _, folder = sunny(original, tmp_path, SITE | {"file": "weather.csv"}, pump)
    before = load_scenario(folder, DEVICE_TYPES).input_hash
    path = folder / "weather.csv"
    path.write_text(path.read_text().replace(",1.0", ",1.5"))
    assert load_scenario(folder, DEVICE_TYPES).input_hash != before
    assert len(before) == hashlib.sha256().digest_size * 2


def test_scenarios_without_weather_have_none(original):
    assert load_scenario(original, DEVICE_TYPES).weather is None


PV = {"type": "pv", "rated_kw": 5.0, "array": {"tilt_deg": 30.0, "azimuth_deg": 180.0}}


@pytest.mark.parametrize(
    ("weather", "device", "expected"),
    [
        (
            None,
            PV,
            "needs weather, and there is no weather section; expected ghi_w_per_m2 and "
            "temperature_c and wind_speed_m_per_s, or dni_w_per_m2 and dhi_w_per_m2 and "
            "temperature_c and wind_speed_m_per_s; add it",
        ),
        (
            SITE | {"file": "weather.csv"},
            {"type": "wind", "turbine": {"name": "V90/2000", "hub_height_m": 80.0}},
            "needs weather that is not there (there: temperature_c); expected wind_speed_m_per_s; "
            "add weather.file or weather.columns",
        ),
    ],
)
def test_devices_say_which_weather_they_miss(original, tmp_path, weather, device, expected):
    name, folder = sunny(original, tmp_path, weather, device)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(folder, DEVICE_TYPES)
    assert str(caught.value) == f"scenario.yaml: participants.{name}.devices.extra: {expected}"
