"""The page of all fields is the one that the models' docstrings make."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from cosim.market.devices import DEVICE_TYPES

DOCS = next(
    folder / "docs" for folder in Path(__file__).parents if (folder / "pyproject.toml").exists()
)


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(reference: ModuleType) -> None:
    written = (DOCS / "scenario.md").read_text(encoding="utf-8")
    assert written == reference.page(), "run `python docs/reference.py`"


def test_every_device_and_what_it_is_made_of_has_a_section(reference: ModuleType) -> None:
    page = reference.page()
    for name, model in DEVICE_TYPES.items():
        assert page.count(f"## `type: {name}`\n") == 1
        for part in reference.nested(model):
            expected = 0 if part is reference.ProfileRef else 1
            assert page.count(f"## {part.__name__}\n") == expected
