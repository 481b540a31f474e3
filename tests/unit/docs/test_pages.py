"""The pages of `docs/` do what they say: their Python blocks run from top to bottom."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

import cosim
from tests.support import hamlet

DOCS = next(
    folder / "docs" for folder in Path(__file__).parents if (folder / "pyproject.toml").exists()
)
PAGES = (
    "games",
    "horizon",
    "method",
    "models",
    "run-folder",
    "settlement",
    "studies",
    "verification",
)
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page, info):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    return [m["code"] for m in FENCE.finditer(text) if m["info"].strip() == info]


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks_run_in_order(page, monkeypatch):
    module = ModuleType(f"page_{page.replace('-', '_')}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    found = blocks(page, "python")
    assert found
    for number, source in enumerate(found):
        exec(compile(source, f"{page}.md block {number}", "exec"), vars(module))


@pytest.mark.parametrize("page", PAGES)
def test_blocks_that_need_a_run_are_python(page):
    for number, source in enumerate(blocks(page, "python no-run")):
        compile(source, f"{page}.md no-run block {number}", "exec")


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is(page):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert text.count("\n```") % 2 == 0
    known = {"python", "python no-run", "text", "bash", "yaml"}
    assert {m["info"].strip() for m in FENCE.finditer(text)} <= known


@pytest.mark.parametrize("page", PAGES)
def test_files_and_pages_that_are_mentioned_exist(page):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:cosim|tests|docs|examples|networks)/[\w/.-]+?)`", text):
        assert (DOCS.parent / path).exists(), path
    for link in re.findall(r"\]\((?!https?:)([\w./-]+)(?:#[\w-]*)?\)", text):
        assert (DOCS / link).exists(), link


def connected_schedule(scenario):
    """Everybody draws 5 kW at every connection with a network, the plant nothing."""
    rows = [
        (time.isoformat(), name, carrier, 0.0 if name == "plant" else -5.0)
        for name, participant in scenario.config.participants.items()
        for carrier in participant.connections
        for time in scenario.time.index
    ]
    return pd.DataFrame(rows, columns=["time", "participant", "carrier", "p_kw"])


@pytest.mark.slow
def test_blocks_that_need_a_run_work_on_one(tmp_path, monkeypatch):
    scenario = cosim.load(hamlet.write(tmp_path / "hamlet"))
    file = tmp_path / "schedule.csv"
    connected_schedule(scenario).to_csv(file, index=False)
    monkeypatch.setattr("cosim.api.verification.write_report", lambda folder: folder)
    cosim.verify(scenario, file, tmp_path / "runs" / "street")
    monkeypatch.chdir(tmp_path)
    found = blocks("run-folder", "python no-run")
    assert len(found) == 3
    for number, source in enumerate(found):
        exec(compile(source, f"run-folder.md no-run block {number}", "exec"), {})
