"""The example with three energy systems: its data, its run, its table of bargaining powers."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pandapipes
import pandas as pd
import pytest

from cosim import api

ROOT = next(p for p in Path(__file__).parents if (p / "pyproject.toml").exists())
EXAMPLE = ROOT / "examples" / "mies"
NETWORKS = ROOT / "networks" / "mies"
PLAYERS = ["park", "hospital", "housing"]


def script(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"mies_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_scenario_is_valid() -> None:
    assert "mies is valid: 3 participants" in api.check(EXAMPLE)


def test_profiles_are_what_the_script_makes() -> None:
    pytest.importorskip("demandlib")
    derive = script(EXAMPLE / "derive.py")
    table = pd.read_csv(EXAMPLE / "summer_day.csv", comment="#", index_col="time")
    year = derive.columns()
    assert list(year) == list(table.columns)
    first = 24 * (pd.Timestamp(derive.DAY).dayofyear - 1)
    for name, values in year.items():
        assert len(values) == 8760
        np.testing.assert_allclose(values[first : first + 24], table[name], atol=5.1e-5)
    for name in ("park_electric", "hospital_electric", "housing_electric", "hospital_heat"):
        assert np.mean(year[name]) == pytest.approx(1.0)


def test_cooling_follows_the_weather_in_hours_of_use() -> None:
    pytest.importorskip("demandlib")
    derive = script(EXAMPLE / "derive.py")
    air_c, hour = np.array([10.0, 24.0, 30.0, 30.0]), np.array([8, 12, 15, 22])
    # halfway between 18 and 30 C: half of what is not base
    cold = derive.WARMTH.over_peak(air_c, hour, 0.2, 6, 20)
    np.testing.assert_allclose(cold, [0.2, 0.6, 1.0, 0.2])


def test_chilled_water_is_colder_on_its_way_out_and_drawn_with_the_other_sign() -> None:
    net = pandapipes.from_json(str(NETWORKS / "cooling.json"))
    assert net.circ_pump_pressure["t_flow_k"].tolist() == [279.15]
    assert set(net.heat_consumer["treturn_k"]) == {285.15}
    assert (net.heat_consumer["qext_w"] < 0.0).all()
    assert set(PLAYERS) < set(net.heat_consumer["name"])


def test_benefits_of_a_game_by_hand() -> None:
    powers = script(EXAMPLE / "powers.py")
    values = powers.coalition_values(
        pd.DataFrame({"coalition": ["a", "b", "b+a"], "value": [10.0, 0.0, 110.0]})
    )
    power = pd.DataFrame(
        {
            "player": ["a", "b", "a", "b"],
            "rule": ["equal", "equal", "volume", "volume"],
            "weight": [0.5, 0.5, 0.2, 0.8],
        }
    )
    found = powers.benefits(values, power)
    assert found["equal"].to_dict() == {"a": 60.0, "b": 50.0}
    assert found["volume"].to_dict() == {"a": 30.0, "b": 80.0}
    assert powers.gain_by_leaving(values, found["volume"]) == pytest.approx(-20.0)


@pytest.mark.slow
def test_three_systems_share_three_carriers(tmp_path: Path) -> None:
    result = api.run(EXAMPLE, tmp_path / "run")
    folder, costs = result.folder, result.summary["costs"]
    assert result.verdict == "feasible"
    assert costs["copper_plate"] < costs["verified"] < costs["individual"]
    assert 0.03 < 1.0 - costs["verified"] / costs["individual"] < 0.3
    rounds = pd.read_parquet(folder / "iterations.parquet").filter(like="violations_")
    assert rounds.iloc[0].sum() > 0
    assert rounds.iloc[-1].sum() == 0
    _every_carrier_is_shared(pd.read_parquet(folder / "schedule.parquet"))
    assert pd.read_parquet(folder / "payments.parquet")["payment"].sum() == pytest.approx(
        0.0, abs=1e-6
    )
    _powers_agree_with_the_settlement(folder)


def _every_carrier_is_shared(schedule: pd.DataFrame) -> None:
    """What is given is taken, by participants or as losses, in each carrier."""
    kwh = schedule.groupby(["carrier", "quantity"], observed=True)["value"].sum()
    for carrier in ("electricity", "heat", "cooling"):
        given = kwh[carrier, "share_out_kw"]
        assert given > 500.0
        assert kwh[carrier, "share_in_kw"] == pytest.approx(given, rel=1e-6)


def _powers_agree_with_the_settlement(folder: Path) -> None:
    powers = script(EXAMPLE / "powers.py")
    values = powers.coalition_values(pd.read_parquet(folder / "coalitions.parquet"))
    found = powers.benefits(values, pd.read_parquet(folder / "bargaining_power.parquet"))
    assert list(found.columns) == ["equal", "volume", "exponential", "multi_factor"]
    saving = json.loads((folder / "summary.json").read_text())["costs"]
    together = saving["individual"] - saving["verified"]
    np.testing.assert_allclose(found.sum(), together, atol=1e-2)
    allocation = pd.read_parquet(folder / "allocation.parquet")
    for method, rule in (("asymmetric_nash", "multi_factor"), ("nash", "equal")):
        part = allocation[allocation["method"] == method].set_index("player")["value"]
        np.testing.assert_allclose(found[rule].loc[PLAYERS], part.loc[PLAYERS], atol=1e-2)
    assert "| multi_factor |" in powers.results(folder)
