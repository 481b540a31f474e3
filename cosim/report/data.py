"""A run folder as the report sees it: tables, and network quantities as matrices on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from cosim.results import RunTables, quantities, read_quantity, read_run
from cosim.scenario.network_file import read_tables

Case = Literal["copper_plate", "verified"]
CASES: tuple[Case, ...] = ("copper_plate", "verified")
FOLDERS: Mapping[Case, str] = {"copper_plate": "copper_plate/states", "verified": "states"}


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    Attributes:
        folder: where it lies.
        tables: the run folder's tables.
        step_h: length of a step.
        kinds: network -> electric, heat, cooling or gas, in a fixed order.
        measures: what was read already, see `cosim.report.measures`.
    """

    folder: Path
    tables: RunTables
    step_h: float
    kinds: Mapping[str, str]
    measures: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    _nets: dict[str, dict[str, pd.DataFrame]] = field(default_factory=dict)
    _known: dict[Path, set[tuple[str, str]]] = field(default_factory=dict)

    @property
    def summary(self) -> dict[str, Any]:
        """Content of `summary.json`."""
        return self.tables.summary

    @property
    def currency(self) -> str:
        """Currency of every amount."""
        return str(self.summary["currency"])

    @property
    def feasible(self) -> bool:
        """Whether every check passed."""
        return bool(self.summary["verdict"] == "feasible")

    @property
    def steps(self) -> pd.DatetimeIndex:
        """Start of every step."""
        stamps = self.tables.schedule["time"].drop_duplicates().sort_values()
        return pd.DatetimeIndex(stamps)

    @property
    def participants(self) -> list[str]:
        """Names in the scenario's order."""
        return list(self.summary["participants"])

    def limits(self, grid: str) -> dict[str, dict[str, Any]]:
        """Return the certificate's entries of one network that have any check."""
        entries = self.summary["certificate"]["networks"].get(grid, {})
        return {name: entry for name, entry in entries.items() if entry.get("checks")}

    def net(self, grid: str) -> dict[str, pd.DataFrame]:
        """Return the element tables of one network, read once."""
        if grid not in self._nets:
            path = self.folder / "networks" / f"{grid}.json"
            self._nets[grid] = read_tables(path) if path.is_file() else {}
        return self._nets[grid]

    def has(self, grid: str, case: Case) -> bool:
        """Return whether there are states of this case."""
        return (self.folder / FOLDERS[case] / f"{grid}.parquet").is_file()

    def states(self, grid: str, case: Case, element: str, quantity: str) -> pd.DataFrame | None:
        """Return one result column as time x id, None if the run has none."""
        path = self.folder / FOLDERS[case] / f"{grid}.parquet"
        if not path.is_file():
            return None
        if path not in self._known:
            self._known[path] = quantities(path)
        if (element, quantity) not in self._known[path]:
            return None
        return read_quantity(path, element, quantity)


def core_was_tested(run: Run) -> bool:
    """Return whether the run holds allocations that were held against every coalition."""
    table = run.tables.allocation
    if "core_tested" in table.columns:
        return bool(len(table)) and bool(table["core_tested"].all())
    return len(run.tables.coalitions) > 1


def open_run(folder: Path) -> Run:
    """Read a finished run.

    Raises:
        ResultsError: if the folder is not one.
    """
    tables = read_run(folder)
    kinds = tables.summary.get("networks") or _kinds(tables)
    order = ("electric", "heat", "cooling", "gas")
    ranked = sorted(kinds, key=lambda name: (order.index(kinds[name]), name))
    return Run(folder, tables, _step_h(tables), {name: str(kinds[name]) for name in ranked})


def _kinds(tables: RunTables) -> dict[str, str]:
    """Tell a network's kind by what was checked in it (for folders that do not say)."""
    found = {}
    for name, limits in tables.summary["certificate"]["networks"].items():
        elements = {entry.get("element") for entry in limits.values()}
        heat = "heat_consumer" in elements or "circ_pump_pressure" in elements
        found[name] = "electric" if "bus" in elements else "heat" if heat else "gas"
    return found


def _step_h(tables: RunTables) -> float:
    minutes = tables.summary.get("step_minutes")
    if minutes:
        return float(minutes) / 60.0
    times = tables.schedule["time"].drop_duplicates().sort_values()
    steps = np.diff(times.to_numpy(dtype="datetime64[s]").astype(float))
    return float(np.median(steps)) / 3600.0 if len(steps) else 1.0
