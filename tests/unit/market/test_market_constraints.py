"""Every constraint of the market outside its devices is held against an answer found by hand."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pyomo.environ as pyo

import cosim.market
from cosim.market.model import build_model
from tests.support.community import scenario

HERE = Path(__file__).parent
ROOM = Path(cosim.market.__file__).parent
HELD = {
    "balance": ("trade", "test_alone_a_consumer_pays_the_tariff"),
    "pool": ("trade", "test_members_share_what_they_have_and_pay_the_fee_on_both_sides"),
    "import_limit": ("trade", "test_the_import_limit_holds_for_purchase_and_pool_together"),
    "export_limit": ("trade", "test_the_import_limit_holds_for_purchase_and_pool_together"),
    "injection_definition": ("trade", "test_injections_are_what_is_traded"),
    "pump_definition": (
        "trade",
        "test_pump_power_is_charged_in_electricity_and_appears_at_its_terminal",
    ),
    "reactive_definition": (
        "cuts",
        "test_free_reactive_power_keeps_a_cut_before_power_is_curtailed",
    ),
    "inverter_triangle": (
        "reactive",
        "test_the_triangle_follows_what_is_generated_up_to_the_box",
    ),
    "inverter_circle": (
        "reactive",
        "test_the_circle_leaves_at_full_power_nothing_and_without_power_everything",
    ),
    "apparent_limit": (
        "reactive",
        "test_contracted_apparent_power_is_kept_by_compensation_where_there_is_some",
    ),
    "delivered": ("leader", "test_two_followers_and_a_battery_by_hand"),
    "received": ("leader", "test_two_followers_and_a_battery_by_hand"),
    "peak_limit": ("peaks", "test_the_highest_import_of_the_horizon_is_paid"),
    "links": ("bilateral", "test_a_limit_holds_per_link_and_the_default_for_all_others"),
    "contracts_given": ("bilateral", "test_contracts_make_up_the_net_positions"),
    "contracts_taken": ("bilateral", "test_contracts_make_up_the_net_positions"),
    "co2_balance": ("carbon", "test_methane_needs_captured_co2"),
    **dict.fromkeys(
        (
            "position",
            "above_ceiling",
            "above_floor",
            "below_ceiling",
            "below_floor",
            "one_side",
        ),
        ("carbon", "test_the_known_values_stand_against_pressure_from_both_sides"),
    ),
}
"""Constraint -> the file test_market_<first>.py and the test that a wrong formula would fail."""


WITH_CARRIERS = ("pool", "links", "delivered", "received")
"""Blocks whose constraints are named after carriers."""


def everything() -> pyo.ConcreteModel:
    """Return a model with every constraint that the market knows."""
    limits = {"import_max_kw": 100.0, "export_max_kw": 100.0}
    grid = {"reactive_max_kvar": 5.0, "inverter_max_kva": 20.0, "apparent_max_kva": 90.0}
    grid |= {"inverter_power_factor_min": 0.9}
    capture = {"type": "carbon_capture", "units": ["boiler"]}
    people: dict[str, Any] = {
        name: {
            "connections": {
                "electricity": {**limits, **grid},
                "heat": limits,
                "gas": limits,
                "hydrogen": limits,
            },
            "demand": {"heat": 5.0},
            "devices": {
                "boiler": {"type": "boiler", "heat_max_kw": 10.0},
                "roof": {"type": "pv", "profile": 3.0},
                "wash": capture,
                "reactor": {"type": "methanation", "methane_max_kw": 2.0},
            },
        }
        for name in ("a", "b")
    }
    people["c"] = {"connections": {"electricity": limits}}
    prices = {"electricity": {"buy": {"min": 0.1, "max": 0.2}, "sell": {"min": 0.1, "max": 0.3}}}
    tariffs: dict[str, Any] = {
        carrier: {"buy": 0.2, "sell": 0.1, "co2_kg_per_kwh": 0.2}
        for carrier in ("electricity", "heat", "gas", "hydrogen")
    }
    tariffs["electricity"]["peak"] = {"price_per_kw": 1.0}
    case = scenario(
        people,
        tariffs,
        sharing={"electricity": {"form": "bilateral"}, "heat": {"form": "pool"}},
        carbon={"trading": {"price_per_t": 10.0, "growth": 0.1, "reward_growth": 0.1}},
        leader={"participant": "c", "prices": prices},
        networks={"grid": {"kind": "electric"}, "dh": {"kind": "heat"}},
    )
    return build_model(case, {}).model


def name_of(constraint: Any) -> str:
    parent = constraint.parent_block().local_name
    return parent if parent in WITH_CARRIERS else constraint.local_name


def test_every_constraint_of_the_market_is_tested_and_says_what_it_is() -> None:
    found = {
        name_of(one): one
        for one in everything().component_objects(pyo.Constraint)
        if ".devices." not in one.name
    }
    assert found.keys() == HELD.keys()
    assert all(one.doc for one in found.values())


def test_the_model_above_reaches_every_constraint_in_the_source() -> None:
    names = set()
    for file in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                target = node.targets[0]
                if ast.unparse(node.value.func) == "pyo.Constraint":
                    assert isinstance(target, ast.Attribute)
                    names.add(target.attr)
    assert names <= HELD.keys()


def test_the_tests_exist() -> None:
    for file, test in HELD.values():
        tree = ast.parse((HERE / f"test_market_{file}.py").read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, test
