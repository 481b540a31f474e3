"""The page about adding a device does what it says: its blocks run."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import pyomo.environ as pyo
import pytest
import yaml

from cosim.market.devices import DEVICE_TYPES, base
from cosim.scenario.participants import Participant

PAGE = next(
    folder / "docs" / "adding-a-device.md"
    for folder in Path(__file__).parents
    if (folder / "pyproject.toml").exists()
)


def blocks(language):
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def page(monkeypatch):
    """Run all Python blocks in one fresh module, as a reader would from top to bottom."""
    module = ModuleType("adding_a_device_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for number, source in enumerate(blocks("python")):
        exec(compile(source, f"{PAGE.name} block {number}", "exec"), vars(module))
    return module


def test_python_blocks_run_and_their_assertions_hold(page):
    assert len(blocks("python")) == 2
    assert page.cost == pytest.approx(0.45)


def test_scenario_block_is_valid_with_the_new_type(page):
    types = {**DEVICE_TYPES, "electric_heater": page.ElectricHeater}
    (fields,) = blocks("yaml")
    participant = Participant.model_validate(
        yaml.safe_load(fields), context={"device_types": types}
    )
    assert participant.devices["heater"].elements == 4


def test_the_example_keeps_the_rules_it_states(page):
    constraints = list(page.model.heater.component_objects(pyo.Constraint))
    assert {one.local_name for one in constraints} == {"staging", "heat_output"}
    for one in constraints:
        assert one.doc
        assert f"`{one.local_name}`" in inspect.getdoc(page.build)


def test_names_the_page_mentions_exist():
    text = PAGE.read_text(encoding="utf-8")
    root = PAGE.parents[1]
    for path in re.findall(r"`((?:cosim|tests)/[\w/]+(?:\.py|/))`", text):
        assert "electric_heater" in path or (root / path).exists(), path
    assert {"resolve", "energy_cost", "Axes", "Ports"} <= set(base.__all__)
