"""CO2 in the report: who, from what, against everyone alone; nothing where nothing emits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cosim.api.emissions import emission_entry, emission_frame
from cosim.report.data import open_run
from cosim.report.emissions import emission_section
from cosim.report.page import Cell, Table
from cosim.results import RunTables, read_run, write_run
from tests.support import run_folder


@pytest.fixture(scope="module")
def tables() -> RunTables:
    return run_folder.hamlet_run(steps=4)


def co2(electricity: float, gas: float, captured: float) -> pd.DataFrame:
    """Return emissions of the first participant; everybody else has none."""
    index = pd.Index(["school", "network"], name="participant")
    table = pd.DataFrame(
        {"electricity": [electricity, 50.0], "gas": [gas, 0.0], "captured": [captured, 0.0]},
        index=index,
    )
    table["total"] = table.sum(axis=1)
    table["quota"] = [4000.0, 0.0]
    return table


CASES = {"individual": co2(12_000.0, 8_000.0, 0.0), "last": co2(9_000.0, 8_000.0, -1_500.0)}


def plain(table: Any) -> list[list[str]]:
    assert isinstance(table, Table)
    rows = [[cell.text if isinstance(cell, Cell) else cell for cell in row] for row in table.rows]
    return [[text.replace("\u00a0", " ") for text in row] for row in rows]


def test_the_frame_and_the_entry_hold_the_same_sums() -> None:
    frame, entry = emission_frame(CASES), emission_entry(CASES)
    assert list(frame.columns) == ["case", "participant", "source", "kg"]
    for case, found in entry.items():
        mine = frame[(frame["case"] == case) & (frame["source"] == "total")]
        assert mine["kg"].sum() == pytest.approx(found["total"])
        assert sum(found["by_participant"].values()) == pytest.approx(found["total"])
        assert sum(found["by_source"].values()) == pytest.approx(found["total"])
    assert entry["last"]["by_source"] == {"electricity": 9050.0, "gas": 8000.0, "captured": -1500.0}


def test_nothing_is_written_where_nothing_emits() -> None:
    nothing = pd.DataFrame({"total": [0.0]}, index=pd.Index(["school"], name="participant"))
    assert emission_frame({"last": nothing, "individual": pd.DataFrame()}).empty
    assert emission_entry({"last": nothing, "individual": pd.DataFrame()}) == {}


def test_the_report_compares_with_everyone_alone(tables: RunTables, tmp_path: Path) -> None:
    people = {"school": "", **tables.summary["participants"]}
    summary = {**tables.summary, "co2_kg": emission_entry(CASES), "participants": people}
    folder = write_run(
        tmp_path / "run", replace(tables, summary=summary, emissions=emission_frame(CASES))
    )
    assert len(read_run(folder).emissions) == len(emission_frame(CASES))
    section = emission_section(open_run(folder))
    assert section is not None
    assert "22.4% less than everyone alone" in section.lead.replace("\u00a0", "")
    by_participant, by_source = section.blocks
    assert plain(by_participant) == [
        ["School", "20.00 t", "15.50 t", "\u22124,500 kg", "4,000 kg"],
        ["Network", "50.00 kg", "50.00 kg", "0.000 kg", "\u2013"],
    ]
    assert plain(by_source)[2] == [
        "captured from flue gas",
        "0.000 kg",
        "\u22121,500 kg",
        "\u22121,500 kg",
    ]


def test_a_run_without_emissions_has_no_section(tables: RunTables, tmp_path: Path) -> None:
    summary = {k: v for k, v in tables.summary.items() if k != "co2_kg"}
    folder = write_run(tmp_path / "run", replace(tables, summary=summary))
    assert emission_section(open_run(folder)) is None
