"""The arrays are the Pyomo model: another interface finds the same cost."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest

from cosim.errors import Infeasible, ScenarioError
from cosim.market import Market
from cosim.market.compile import compile_model
from cosim.market.model import build_model
from cosim.records import Baseline, read_only
from tests.support.community import scenario, town


@pytest.mark.parametrize("seed", range(3))
def test_pyomo_s_own_solver_interface_finds_the_same_cost(seed: int) -> None:
    case = town(4, 8, seed=seed, solver={"mip_gap": 1e-7})
    market = Market(case, {})
    schedule = market.solve(frozenset(case.config.participants))
    assert market.model is not None
    model = market.model.model
    solver = pyo.SolverFactory("appsi_highs")
    solver.options["mip_rel_gap"] = 1e-7
    solver.solve(model)
    tie = pyo.value(model.tie_break)
    assert schedule.cost == pytest.approx(pyo.value(model.total_cost) - tie, rel=1e-6)


def test_rows_and_columns_belong_to_their_party() -> None:
    case = town(3, 4)
    compiled = compile_model(build_model(case, {}), case)
    layout, matrix = compiled.layout, compiled.program.matrix.tocoo()
    owner = layout.row_owner[matrix.row]
    inside = owner >= 0
    np.testing.assert_array_equal(owner[inside], layout.column_owner[matrix.col[inside]])
    linking = np.concatenate(list(layout.pools.values()))
    np.testing.assert_array_equal(np.sort(linking), np.flatnonzero(layout.row_owner == -1))


def test_blocks_are_named_as_in_the_scenario_file() -> None:
    model = build_model(town(2, 4), {}).model
    block = model.participants.component("p1").devices.component("pump")
    assert block.name == "participants.p1.devices.pump"
    for constraint in model.component_objects(pyo.Constraint):
        assert constraint.doc, constraint.name


def test_a_demand_beyond_a_device_without_any_connection_is_named() -> None:
    home = {
        "connections": {"electricity": {}},
        "demand": {"heat": 3.0},
        "devices": {"boiler": {"type": "electric_boiler", "electric_max_kw": 1.0}},
    }
    case = scenario({"home": home}, {"electricity": {"buy": 0.3}}, steps=2)
    with pytest.raises(Infeasible, match=r"home lacks up to 2\.02 kW of heat"):
        Market(case, {}).solve(frozenset())


def test_networks_need_a_tariff_for_what_they_charge() -> None:
    home = {"connections": {"heat": {}}, "demand": {"heat": 3.0}}
    case = scenario(
        {"home": home}, {"heat": {"buy": 0.1}}, steps=2, networks={"dh": {"kind": "heat"}}
    )
    with pytest.raises(ScenarioError, match=r"tariffs\.electricity: missing"):
        Market(case, {})


def test_a_supplier_without_any_heat_is_refused() -> None:
    home = {"connections": {"electricity": {}}, "demand": {"electricity": 3.0}}
    tariffs = {"heat": {"buy": 0.1}, "electricity": {"buy": 0.3}}
    networks = {"dh": {"kind": "heat", "supplies_background": "home"}}
    case = scenario({"home": home}, tariffs, steps=2, networks=networks)
    zeros = read_only([0.0, 0.0])
    with pytest.raises(ScenarioError, match="home: supplies background customers without any heat"):
        Market(case, {"dh": Baseline("dh", zeros, zeros, zeros)})
