"""Every device is listed, documented and every constraint of it is tested."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any, get_args

import pyomo.environ as pyo
import pytest

from cosim.market.devices import DEVICE_TYPES, DEVICES
from cosim.scenario.participants import CARRIERS

HERE = Path(__file__).parent

FLUE_GAS = {"engine": [20.0] * 4, "boiler": [10.0] * 4}
DEMAND = {"electricity": [5.0] * 4, "heat": [5.0] * 4}
STORE = [
    {"capacity_kwh": 10},
    {"capacity_kwh": 10, "initial": 0.5, "degradation_per_kwh": 0.1},
]
TRACKED = {"ramp_max_kw_per_h": 5, "up_time_min_h": 2, "down_time_min_h": 2, "start_cost": 1}
COMBINED = [
    {"power_max_kw": 10},
    {
        "power_max_kw": 10,
        "eta_el_part": 0.3,
        "heat_dump_allowed": True,
        "maintenance_per_kwh": 0.01,
        **TRACKED,
    },
    {"power_max_kw": 10, "efficiency_curve": [[0.5, 0.3], [0.7, 0.31], [1.0, 0.35]]},
]
BOILERS = [{"heat_max_kw": 10}, {"heat_max_kw": 10, "eta_part": 0.85, "load_min": 0.2}]
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "absorption_chiller": [{"cooling_max_kw": 10, "load_min": 0.2}],
    "battery": STORE,
    "blended_boiler": BOILERS,
    "blended_turbine": COMBINED,
    "boiler": BOILERS,
    "carbon_capture": [
        {"units": ["engine"]},
        {"units": ["engine", "boiler"], "capture_max_kg_per_h": 20, "heat_kwh_per_kg": 1.0},
    ],
    "chp": COMBINED,
    "chp_extraction": [{"corners": [[2, 0], [10, 0], [8, 6]], **TRACKED}],
    "compression_chiller": [
        {"cooling_max_kw": 10, "outdoor_temperature_c": 30.0},
        {"electric_max_kw": 10, "eer": 3.0, "load_min": 0.2},
    ],
    "cooling_storage": STORE,
    "curtailable_demand": [{"cost_per_kwh": 1}],
    "electric_boiler": [{"electric_max_kw": 10}],
    "electrolyser": [
        {"electric_max_kw": 10},
        {"electric_max_kw": 10, "load_min": 0.2, **TRACKED},
        {"electric_max_kw": 10, "load_min": 0.2, "standby_share": 0.02, **TRACKED},
    ],
    "ev_fleet": [
        {"vehicles": 2, "stays": [{"arrival_h": 0, "departure_h": 2, "energy_kwh": 4}]},
        {
            "vehicles": 2,
            "stays": [{"arrival_h": 1, "departure_h": 3, "energy_kwh": 4}],
            "v2g": {"battery_kwh": 40, "degradation_per_kwh": 0.01},
        },
    ],
    "fuel_cell": [{"electric_max_kw": 10}, {"electric_max_kw": 10, "load_min": 0.2, **TRACKED}],
    "gas_storage": STORE,
    "heat_pump": [
        {"heat_max_kw": 10, "source_temperature_c": 5.0},
        {"heat_max_kw": 10, "cop": 3.0, "load_min": 0.2},
    ],
    "heat_storage": STORE,
    "hydrogen_storage": [*STORE, {"capacity_kwh": 10, "compressor_kwh_per_kwh": 0.05}],
    "methanation": [{"methane_max_kw": 10}],
    "pv": [{"profile": 1.0, "curtailment_per_kwh": 0.1}],
    "shiftable_demand": [{}],
    "wind": [{"profile": 1.0}],
}
"""Specs that together switch on every option of a device that brings constraints."""


def built(bench, device):
    return [
        bench(device, fields, demand=DEMAND, relax=relax, flue_gas_kg_per_h=FLUE_GAS)
        for fields in EXAMPLES[device]
        for relax in (True, False)
    ]


def constraints(bench, device):
    return {
        component.local_name: component
        for one in built(bench, device)
        for component in one.block.component_objects(pyo.Constraint)
    }


def covered():
    """Names in the `covers` marks of this folder's tests, read without importing them."""
    names = set()
    for file in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.covers":
                names.update(ast.literal_eval(argument) for argument in node.args)
    return names


def test_every_device_has_examples():
    assert EXAMPLES.keys() == DEVICES.keys() == DEVICE_TYPES.keys()


def test_every_constraint_of_every_device_is_tested(bench):
    found = {f"{device}.{name}" for device in DEVICES for name in constraints(bench, device)}
    assert found == covered()


def in_source(module):
    """Names of the constraints that a module adds."""
    names = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            target = node.targets[0]
            if ast.unparse(node.value.func) == "pyo.Constraint":
                assert isinstance(target, ast.Attribute)
                names.add(target.attr)
    return names


def device_modules(device):
    """The device's own module, and all that it takes specs and functions from."""
    own = inspect.getmodule(DEVICES[device][1])
    found, fresh = set(), {own}
    while fresh:
        found |= fresh
        parts = [part for module in fresh for part in vars(module).values()]
        used = {part if inspect.ismodule(part) else inspect.getmodule(part) for part in parts}
        inside = {one for one in used if one and one.__name__.startswith("cosim.market.devices.")}
        fresh = inside - found
    return own, found


@pytest.mark.parametrize("device", DEVICES)
def test_examples_reach_every_constraint_of_the_device_file(bench, device):
    own, modules = device_modules(device)
    found = constraints(bench, device).keys()
    assert in_source(own) <= found <= set().union(*map(in_source, modules))


def test_examples_reach_every_constraint_in_the_source(bench):
    modules = set().union(*(device_modules(device)[1] for device in DEVICES))
    found = set().union(*(constraints(bench, device).keys() for device in DEVICES))
    assert found == set().union(*map(in_source, modules))


@pytest.mark.parametrize("device", DEVICES)
def test_constraints_have_a_sentence_and_a_formula(bench, device):
    _, modules = device_modules(device)
    text = "".join(
        inspect.getdoc(part) or ""
        for module in modules
        for part in (module, *vars(module).values())
        if inspect.ismodule(part) or inspect.isfunction(part)
    )
    for name, component in constraints(bench, device).items():
        assert component.doc, f"{device}.{name} has no doc="
        assert f"`{name}`" in text, f"{device}.{name} is in no docstring"


@pytest.mark.parametrize("device", DEVICES)
def test_specs_say_what_they_are(device):
    spec_type = DEVICE_TYPES[device]
    assert spec_type.model_fields["type"].default == device
    assert get_args(spec_type.model_fields["type"].annotation) == (device,)
    assert set(spec_type.supplies) | set(spec_type.consumes) <= set(CARRIERS)
    for name, field in spec_type.model_fields.items():
        assert field.description or name == "type", f"{device}.{name} has no description"


@pytest.mark.parametrize("device", DEVICES)
def test_ports_are_linear_and_complete(bench, device):
    spec_type = DEVICE_TYPES[device]
    for one in built(bench, device):
        for t in one.axes.steps:
            for flow in [*one.ports.flows.values(), *one.ports.report.values()]:
                expression = flow(t)
                assert expression.polynomial_degree() in (0, 1)
        for cost in one.ports.costs.values():
            assert isinstance(cost, float) or cost.polynomial_degree() in (0, 1)
        assert {*spec_type.supplies, *spec_type.consumes} <= one.ports.flows.keys()
        assert {carrier for carrier, _ in one.ports.report} <= one.ports.flows.keys()
