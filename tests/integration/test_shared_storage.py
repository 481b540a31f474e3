"""The example after Zhou 2025: its data, its schemes, the ordering of their costs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandapipes
import pandapower
import pandas as pd
import pytest

from cosim import api

ROOT = next(p for p in Path(__file__).parents if (p / "pyproject.toml").exists())
EXAMPLE = ROOT / "examples" / "shared_storage"
NETWORKS = ROOT / "networks" / "shared_storage"
FILES = ["scenario", "scheme_2", "scheme_3", "scheme_4", "scheme_5"]
MICROGRIDS = ["mg1", "mg2", "mg3"]


def script(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"shared_{file.parent.parent.name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", FILES)
def test_every_scheme_is_valid(name: str) -> None:
    assert "is valid: 4 participants" in api.check(EXAMPLE / f"{name}.yaml")


def test_schemes_2_to_5_are_what_the_script_makes_of_scheme_1() -> None:
    pytest.importorskip("demandlib")
    derive = script(EXAMPLE / "derive.py")
    scheme_1 = (EXAMPLE / "scenario.yaml").read_text()
    for number in derive.SCHEMES:
        made = derive.scheme_text(number, scheme_1)
        assert made == (EXAMPLE / f"scheme_{number}.yaml").read_text()
        assert f"name: shared_storage_{number}\n" in made
    with pytest.raises(ValueError, match="not exactly one line"):
        derive.scheme_text(5, scheme_1.replace("method: exact", "method: other"))


def test_profiles_are_what_the_script_makes() -> None:
    pytest.importorskip("demandlib")
    derive = script(EXAMPLE / "derive.py")
    table = pd.read_csv(EXAMPLE / "spring_day.csv", comment="#", index_col="time")
    year = derive.columns()
    assert list(year) == list(table.columns)
    first = 24 * (pd.Timestamp(derive.DAY).dayofyear - 1)
    for name, values in year.items():
        np.testing.assert_allclose(values[first : first + 24], table[name], atol=5.1e-5)
    for name in MICROGRIDS:
        assert np.mean(year[f"{name}_electric"]) == pytest.approx(1.0)
        assert np.mean(year[f"{name}_heat"]) == pytest.approx(1.0)


def test_the_tariff_has_its_hours() -> None:
    pytest.importorskip("demandlib")
    derive = script(EXAMPLE / "derive.py")
    at = derive.tariff(np.array([0, 6, 7, 10, 14, 15, 18, 21, 23]))
    assert at.tolist() == [0.4, 0.4, 0.75, 1.2, 1.2, 0.75, 1.2, 0.75, 0.4]


def test_networks_are_what_the_script_makes() -> None:
    derive = script(NETWORKS / "derive.py")
    net = pandapower.from_json(str(NETWORKS / "electric.json"))
    made = derive.electric_net()
    pd.testing.assert_frame_equal(made.line, net.line, check_dtype=False)
    assert set(made.bus["name"]) == set(net.bus["name"])
    assert int((~net.switch["closed"]).sum()) == len(derive.OPENED)
    heat = pandapipes.from_json(str(NETWORKS / "heat.json"))
    assert heat.heat_consumer["qext_w"].tolist() == [
        1e3 * kw for kw in derive.HEAT_LOAD_KW.values()
    ]


def test_costs_of_microgrids_and_operator_cancel_what_they_trade() -> None:
    schemes = script(EXAMPLE / "schemes.py")
    one = schemes.Outcome(
        verdict="feasible", microgrids={"mg1": 60.0, "mg2": 30.0, "mg3": 20.0}, others=1.0,
        profit=25.0, investment=10.0, revenue={"electricity": 24.0}, fees=3.0, own_costs=2.0,
        co2_kg=5.0, leader={}, inner={},
    )  # fmt: skip
    assert one.alliance == 111.0
    assert one.left == 15.0
    assert one.total == 86.0
    assert one.total_invested == 96.0
    assert schemes.saving(200.0, 150.0) == 25.0


def test_the_page_says_how_far_the_inner_game_ends_from_the_central_one() -> None:
    schemes = script(EXAMPLE / "schemes.py")
    prices = {"converged": True, "rounds": 29, "largest_difference": 0.0049}
    inner = {"converged": True, "rounds": 164, "cost": 99_990.0, "central_cost": 100_000.0,
             "relative_difference": -1e-4, "prices": prices}  # fmt: skip
    table = schemes.inner_table(inner)
    assert "| dispatch | yes | 164 | 99,990 | 100,000 | -0.010 % |" in table
    assert "| prices among them | yes | 29 |  |  | 0.005 at most for anybody |" in table
    assert "prices among" not in schemes.inner_table({**inner, "prices": None, "converged": False})


@pytest.mark.parametrize("name", FILES)
def test_only_scheme_1_solves_the_inner_game_twice(name: str) -> None:
    config = api.load(EXAMPLE / f"{name}.yaml").config
    assert config.bargaining.distributed.enabled == (name == "scenario")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, object]:
    schemes = script(EXAMPLE / "schemes.py")
    folder, found = tmp_path_factory.mktemp("runs"), {}
    for number, name in ((1, "scenario"), (2, "scheme_2"), (3, "scheme_3"), (5, "scheme_5")):
        api.run(EXAMPLE / f"{name}.yaml", folder / name, draw=False)
        found[number] = schemes.outcome(folder / name)
    return found


@pytest.mark.slow
def test_every_scheme_passes_and_the_operator_trades_all_carriers(outcomes) -> None:
    assert {one.verdict for one in outcomes.values()} == {"feasible"}
    first = outcomes[1]
    assert first.left > 0.0
    assert all(abs(money) > 1.0 for money in first.revenue.values())
    profit = first.leader["profit"]
    assert profit["nudged"] <= profit["optimistic"] + 1e-6 <= first.leader["bound"] + 1e-5
    assert profit["verified"] == pytest.approx(profit["optimistic"], rel=0.3)
    account = sum(first.revenue.values()) + first.fees - first.own_costs
    assert account == pytest.approx(first.profit, abs=0.01)


@pytest.mark.slow
def test_the_microgrids_find_the_same_answer_without_a_centre(outcomes) -> None:
    inner = outcomes[1].inner
    assert inner["converged"]
    assert abs(inner["relative_difference"]) < 5e-4
    assert inner["prices"]["converged"]
    assert inner["prices"]["largest_difference"] < 0.05


@pytest.mark.slow
def test_scheme_1_costs_least(outcomes) -> None:
    for other in (2, 3, 5):
        assert outcomes[1].total < outcomes[other].total
