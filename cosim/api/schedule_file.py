"""Read a schedule made by anyone: by cosim, by another optimiser, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from cosim.errors import Problem, ScenarioError
from cosim.records import Injections, NetworkInputs, read_only
from cosim.records.names import carrier_at, party_of
from cosim.records.time import FloatArray
from cosim.scenario import Scenario
from cosim.scenario.config import CARRIER_OF_KIND
from cosim.scenario.problems import some

EXPECTED = (
    "columns time, participant, carrier, p_kw (and q_kvar if wanted), one row per step, "
    "or a schedule.parquet of a cosim run"
)


def read_schedule(path: Path, scenario: Scenario) -> tuple[dict[str, Injections], pd.DataFrame]:
    """Return injections per network from a schedule file, and the table as it was given.

    Two layouts are read. Wide: one row per (time, participant, carrier) with `p_kw`, positive
    into the network, and optionally `q_kvar`. Long: the layout of `schedule.parquet` in a run
    folder, of which the rows with device `connection` count. Without reactive power, inflexible
    electric demand draws it at the connection's power factor.

    Args:
        path: CSV or Parquet.
        scenario: tells participants, steps and networks.

    Raises:
        ScenarioError: with everything that is wrong with the file.
    """
    table = _read(path)
    long = {"quantity", "value", "device"} <= set(table.columns)
    needed = ["time", "participant", "carrier"] + ([] if long else ["p_kw"])
    missing = [column for column in needed if column not in table.columns]
    if missing:
        raise ScenarioError([Problem(path.name, f"no column {', '.join(missing)}", EXPECTED)])
    wide = _from_long(table) if long else table
    problems: list[Problem] = []
    wide = _checked(wide, path.name, scenario, problems)
    injections = {
        name: _injections(wide, inputs, path.name, scenario, problems)
        for name, inputs in scenario.networks.items()
    }
    if problems:
        raise ScenarioError(problems)
    return injections, table


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ScenarioError([Problem(str(path), "no such file", EXPECTED, "check --schedule")])
    try:
        return (
            pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, comment="#")
        )
    except (ValueError, OSError) as error:
        problem = Problem(path.name, f"not readable ({error})", "CSV or Parquet with " + EXPECTED)
        raise ScenarioError([problem]) from None


def _from_long(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[(table["device"] == "connection") & table["quantity"].isin(["p_kw", "q_kvar"])]
    keys = ["time", "participant", "carrier"]
    pivot = rows.astype({"quantity": str}).pivot_table(
        index=keys, columns="quantity", values="value", aggfunc="sum", observed=True
    )
    return pivot.reset_index()


def _checked(
    wide: pd.DataFrame, file: str, scenario: Scenario, problems: list[Problem]
) -> pd.DataFrame:
    """Return the table with time stamps and numbers; unknown names and texts become problems."""
    try:
        stamps = pd.to_datetime(wide["time"], utc=True)
    except (ValueError, TypeError) as error:
        problem = Problem(f"{file}: time", f"not a time stamp ({error})", "ISO 8601 with an offset")
        raise ScenarioError([problem]) from None
    wide = wide.assign(time=stamps, participant=wide["participant"].astype(str))
    unknown = sorted(set(wide["participant"]) - set(scenario.config.participants))
    unknown = [name for name in unknown if name != "network" and ":" not in name]
    if unknown:
        known = some(list(scenario.config.participants))
        problems.append(
            Problem(f"{file}: participant", f"unknown {some(unknown)}", f"one of {known}")
        )
    for column in ("p_kw", "q_kvar"):
        if column not in wide:
            continue
        numbers = pd.to_numeric(wide[column], errors="coerce")
        bad = wide.index[numbers.isna() & (column == "p_kw" or wide[column].notna())]
        if len(bad):
            problems.append(
                Problem(f"{file}: {column}", f"no number in rows {some(list(bad + 2))}", "a number")
            )
        wide = wide.assign(**{column: numbers})
    return wide


def _injections(
    wide: pd.DataFrame,
    inputs: NetworkInputs,
    file: str,
    scenario: Scenario,
    problems: list[Problem],
) -> Injections:
    """Return injections of a network's terminals; what is missing becomes a problem."""
    network_carrier = CARRIER_OF_KIND[inputs.kind]
    steps = len(scenario.time)
    names = tuple(terminal.name for terminal in inputs.terminals)
    p_kw, q_kvar = np.zeros((steps, len(names))), np.zeros((steps, len(names)))
    groups = wide.groupby(["participant", "carrier"], observed=True)
    by_name: Mapping[tuple[str, str], pd.DataFrame] = {(str(a), str(b)): v for (a, b), v in groups}
    for k, terminal in enumerate(names):
        name, carrier = party_of(terminal), carrier_at(terminal, network_carrier)
        if name not in scenario.config.participants:
            continue
        rows = by_name.get((name, carrier))
        if rows is None:
            problems.append(
                Problem(
                    file,
                    f"no {carrier} rows of {name}",
                    "a value for every step",
                    "add rows; 0 is a value",
                )
            )
            continue
        p_kw[:, k] = _column(rows, "p_kw", f"{file}: {name} {carrier}", scenario, problems)
        if carrier == "electricity":
            given = "q_kvar" in rows and rows["q_kvar"].notna().any()
            q_kvar[:, k] = (
                _column(rows, "q_kvar", f"{file}: {name} {carrier}", scenario, problems)
                if given
                else _demand_kvar(name, scenario)
            )
    return Injections(
        inputs.name,
        read_only(np.arange(steps), np.int64),
        names,
        read_only(p_kw),
        read_only(q_kvar),
    )


def _column(
    rows: pd.DataFrame, column: str, where: str, scenario: Scenario, problems: list[Problem]
) -> FloatArray:
    twice = rows["time"].duplicated()
    if twice.any():
        stamp = rows["time"][twice].iloc[0].isoformat()
        problems.append(Problem(where, f"{stamp} twice", "each step once"))
        return np.zeros(len(scenario.time))
    axis = scenario.time.index.tz_convert("UTC")
    values = rows.set_index("time")[column].reindex(axis)
    if values.isna().any():
        first = scenario.time.index[int(np.flatnonzero(values.isna())[0])].isoformat()
        problems.append(
            Problem(
                where,
                f"no {column} for {int(values.isna().sum())} steps, the first {first}",
                "a value for every step",
            )
        )
    return np.asarray(values.fillna(0.0), dtype=np.float64)


def _demand_kvar(name: str, scenario: Scenario) -> FloatArray:
    participant = scenario.config.participants[name]
    factor = participant.connections["electricity"].power_factor
    demand = scenario.series(participant.demand.get("electricity", 0.0))
    return np.asarray(-np.tan(np.arccos(factor)) * demand, dtype=np.float64)
