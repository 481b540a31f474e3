"""The section about CO2: who emits how much, before and after sharing, and from what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosim.records.names import NETWORK
from cosim.report import text
from cosim.report.data import Run
from cosim.report.page import Cell, Section, Table

SOURCES: Mapping[str, str] = {
    "captured": "captured from flue gas",
    "methane": "from own methane",
}
"""Sources that are no carrier."""


def emission_section(run: Run) -> Section | None:
    """Return the section, None where nothing emits."""
    found: Mapping[str, Any] = run.summary.get("co2_kg") or {}
    last = found.get("last")
    if last is None:
        return None
    alone = found.get("individual")
    word = "verified" if run.feasible else "last"
    lead = f"The {word} dispatch emits {text.mass(last['total'])} of CO₂"
    if alone is not None and alone["total"]:
        change = last["total"] - alone["total"]
        share = text.percent(abs(change) / abs(alone["total"]))
        lead += f", {share} {'less' if change < 0 else 'more'} than everyone alone"
    tables = [_table(run, alone, last), _sources(alone, last)]
    return Section("emissions", "CO₂", f"{lead}.", tables)


def _table(run: Run, alone: Mapping[str, Any] | None, last: Mapping[str, Any]) -> Table:
    names = [name for name in [*run.participants, NETWORK] if name in last["by_participant"]]
    before = None if alone is None else alone["by_participant"]
    quota = _quotas(run)
    rows = []
    for name in names:
        row = _row(text.title(name), None if before is None else before[name],
                   last["by_participant"][name])  # fmt: skip
        if quota:
            row.append(text.mass(quota.get(name)))
        rows.append(row)
    caption = (
        "CO₂ over the horizon, counted where energy is bought, less what is captured; "
        "network stands for losses and pump electricity above those of the background."
    )
    head = ["Participant", "Alone", "Shared", "Difference"]
    return Table([*head, "Quota"] if quota else head, rows, caption)


def _sources(alone: Mapping[str, Any] | None, last: Mapping[str, Any]) -> Table:
    before = None if alone is None else alone["by_source"]
    rows = [
        _row(
            SOURCES.get(source, f"bought {source}"),
            None if before is None else before.get(source),
            kg,
        )
        for source, kg in last["by_source"].items()
    ]
    return Table(["Source", "Alone", "Shared", "Difference"], rows, "The same by source.")


def _quotas(run: Run) -> dict[str, float]:
    """Return what participants are given free of charge, in kg; empty without allowances."""
    table = run.tables.emissions
    if table.empty:
        return {}
    given = table[(table["case"] == "last") & (table["source"] == "quota")]
    pairs = zip(given["participant"], given["kg"], strict=True)
    return {str(name): float(kg) for name, kg in pairs if name != NETWORK}


def _row(name: str, before: float | None, after: float) -> list[Cell | str]:
    difference = None if before is None else after - before
    return [
        name,
        text.mass(before),
        Cell(text.mass(after), None, True),
        text.mass(difference, sign=True),
    ]
