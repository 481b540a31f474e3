"""The page: complete where the run is, shorter where it is not, and sufficient to itself."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from cosim.errors import ResultsError
from cosim.report import write_report
from cosim.report.data import open_run
from cosim.report.verdict import banner, tiles
from cosim.results import RunTables, write_run
from tests.support import run_folder

pytestmark = pytest.mark.xdist_group("report_page")  # one process, so that its fixtures run once

ALL_SECTIONS = [
    "price", "limits", "changes", "networks", "dispatch", "losses", "search", "tight", "shares",
    "prices", "certificate", "participants",
]  # fmt: skip
CAUSE = {
    "grid": "electric", "limit": "voltage_min", "element": "bus", "id": 5, "name": "LV4",
    "steps": ["2016-01-19T18:00:00+01:00", "2016-01-19T19:00:00+01:00"],
    "worst_time": "2016-01-19T19:00:00+01:00", "amount": 0.0123, "unit": "pu",
    "least_relaxation": 0.01, "without_participants": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> RunTables:
    return run_folder.hamlet_run(steps=8)


@pytest.fixture(scope="module")
def folder(tables: RunTables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("runs") / "hamlet", tables)
    write_report(folder)
    return folder


def anchors(page: str) -> list[str]:
    return re.findall(r'<section id="(\w+)"', page)


def words(page: str) -> str:
    """Return the page's text without tags and pictures."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", body)).replace("\u00a0", " ")


def test_a_whole_run_has_every_section(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    assert anchors(page) == ALL_SECTIONS
    assert "Feasible" in words(page)
    assert "1,972.40 EUR" in words(page)


def test_the_page_needs_nothing_else(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert links
    assert all(link.startswith(("data:image/svg+xml;base64,", "#")) for link in links)
    assert "<script" not in page
    assert "url(" not in page


def test_every_figure_is_a_file_and_well_formed(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    files = sorted((folder / "figures").glob("*.svg"))
    assert len(files) == page.count("<img ")
    for file in files:
        assert ElementTree.parse(file).getroot().tag.endswith("svg")


def test_a_report_can_be_drawn_again_with_the_same_figures(folder: Path) -> None:
    before = {f.name: f.read_text() for f in (folder / "figures").glob("*.svg")}
    assert write_report(folder) == folder / "report.html"
    assert {f.name: f.read_text() for f in (folder / "figures").glob("*.svg")} == before
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize(
    ("verdict", "word"), [("infeasible", "Not feasible"), ("unresolved", "Unresolved")]
)
def test_without_a_feasible_dispatch(
    tables: RunTables, tmp_path: Path, verdict: str, word: str
) -> None:
    own = replace(tables, summary=json.loads(json.dumps(tables.summary)))
    failed = run_folder.without_settlement(own, verdict, "electric: voltage is too low")
    failed.summary["causes"] = [CAUSE]
    failed.summary["certificate"]["networks"]["electric"]["voltage_min"]["violations"] = 2
    folder = write_run(tmp_path / "run", failed)
    page = words(write_report(folder).read_text())
    assert word in page
    assert (
        "bus LV4 (index 5): lowest voltage missed by 0.0123 pu at 19 Jan 19:00, at 2 steps" in page
    )
    assert "the least relaxation that would do is 0.0100 pu" in page
    assert "Lowest voltage: raise the transformer tap" in page
    assert "no price of physics" in page
    assert "shares" not in anchors((folder / "report.html").read_text())
    assert ("not a pass" in page) == (verdict == "unresolved")


def test_a_run_that_contradicts_itself_is_not_called_feasible(
    tables: RunTables, tmp_path: Path
) -> None:
    summary = json.loads(json.dumps(tables.summary))
    summary["certificate"]["networks"]["heat"]["velocity_max"]["violations"] = 1
    run = open_run(write_run(tmp_path / "run", replace(tables, summary=summary)))
    assert banner(run).tone == "bad"
    assert "1 limit as missed" in banner(run).sentence


def test_electricity_only(tables: RunTables, tmp_path: Path) -> None:
    def only(frames: dict) -> dict:
        return {"electric": frames["electric"]}

    summary = json.loads(json.dumps(tables.summary))
    summary["networks"] = only(summary["networks"])
    summary["certificate"]["networks"] = only(summary["certificate"]["networks"])
    summary["certificate"]["failed_steps"] = {}
    bare = replace(
        tables, summary=summary, states=only(tables.states), setpoints=only(tables.setpoints),
        networks=only(tables.networks), copper_plate_states=only(tables.copper_plate_states),
        coalitions=tables.coalitions.tail(1),
        checks=tables.checks[tables.checks["grid"] == "electric"],
    )  # fmt: skip
    page = words(write_report(write_run(tmp_path / "run", bare)).read_text())
    assert "District heat" not in page
    assert "Gas" not in page
    assert "not known" in page  # core membership needs the values of all coalitions


def test_a_schedule_that_was_only_verified(tables: RunTables, tmp_path: Path) -> None:
    kept = ("costs", "price_of_physics", "lower_bound", "players", "settle_with")
    summary = {k: v for k, v in tables.summary.items() if k not in kept}
    schedule = tables.schedule[tables.schedule["quantity"] == "p_kw"]
    nothing = pd.DataFrame()
    given = RunTables(
        summary=summary, schedule=schedule, iterations=nothing, checks=tables.checks,
        allocation=nothing, prices=nothing, payments=nothing, coalitions=nothing,
        nodal_prices=nothing, setpoints=tables.setpoints, states=tables.states,
        networks=tables.networks, copper_plate_states={}, copper_plate_schedule=nothing,
    )  # fmt: skip
    folder = write_run(tmp_path / "run", given)
    page = write_report(folder).read_text()
    assert anchors(page) == [
        "limits", "networks", "dispatch", "losses", "tight", "certificate", "participants",
    ]  # fmt: skip
    assert "Before" not in words(page)
    assert "Without networks" not in words(page)
    assert [tile.name for tile in tiles(open_run(folder))] == ["Checks", "Limits missed"]


def test_names_are_escaped(tables: RunTables, tmp_path: Path) -> None:
    summary = {**tables.summary, "description": "<b>bold & dangerous</b>"}
    page = write_report(write_run(tmp_path / "run", replace(tables, summary=summary))).read_text()
    assert "<b>" not in page
    assert "&lt;b&gt;bold &amp; dangerous" in page


def test_what_is_no_run_has_no_report(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="expected a finished run"):
        write_report(tmp_path)
