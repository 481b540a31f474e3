"""Resolve the names in a scenario against its network files: terminals and background."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cosim.errors import Problem
from cosim.records import Background, ElementSeries, NetworkInputs, Point, Terminal, TimeAxis, read_only
from cosim.records.time import FloatArray
from cosim.scenario.config import CARRIER_OF_KIND, ScenarioConfig
from cosim.scenario.network_file import find_ids
from cosim.scenario.participants import Connection
from cosim.scenario.problems import some

TABLE_OF_KIND = {"electric": "bus", "heat": "heat_consumer", "cooling": "heat_consumer", "gas": "junction"}
SIGN_OF_ELEMENT = {"load": -1.0, "sgen": 1.0, "heat_consumer": -1.0, "sink": -1.0, "source": 1.0}
ELEMENTS_OF_KIND = {
    "electric": ("load", "sgen"),
    "heat": ("heat_consumer",),
    "cooling": ("heat_consumer",),
    "gas": ("sink", "source"),
}
PUMP_PREFIX = "pump:"


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """A network of the scenario with its tables read."""

    name: str
    path: Path
    tables: Mapping[str, pd.DataFrame]


def resolve_network(
    config: ScenarioConfig,
    file: NetworkFile,
    folder: Path,
    time: TimeAxis,
    profiles: Mapping[str, FloatArray],
    problems: list[Problem],
) -> NetworkInputs:
    """Return the adapter's inputs; what cannot be resolved is added to `problems`."""
    settings = config.networks[file.name]
    terminals = _terminals(config, file, problems)
    taken = {point.id for terminal in terminals for point in terminal.points}
    background = _background(config, file, folder, time, profiles, taken, problems)
    return NetworkInputs(
        name=file.name,
        kind=settings.kind,
        file=file.path,
        time=time,
        terminals=tuple(terminals),
        background=background,
        settings=settings,
    )


def network_of(config: ScenarioConfig, carrier: str, connection: Connection) -> str | None:
    """Return the network that a connection belongs to, None where the carrier has none."""
    if connection.network is not None:
        return connection.network
    for name, network in config.networks.items():
        if CARRIER_OF_KIND[network.kind] == carrier:
            return name
    return None


def _terminals(config: ScenarioConfig, file: NetworkFile, problems: list[Problem]) -> list[Terminal]:
    kind = config.networks[file.name].kind
    carrier = CARRIER_OF_KIND[kind]
    found = []
    for name, participant in config.participants.items():
        connection = participant.connections.get(carrier)
        if connection is None or network_of(config, carrier, connection) != file.name:
            continue
        where = f"participants.{name}.connections.{carrier}"
        points = _points(connection, kind, file, where, problems)
        found.append(Terminal(name, points, connection.at_slack, connection.feed_temperature_c))
    if kind == "electric":
        found.extend(_pump_terminals(config, file, problems))
    return found


def _points(
    connection: Connection, kind: str, file: NetworkFile, where: str, problems: list[Problem]
) -> tuple[Point, ...]:
    if connection.at_slack:
        if kind not in ("heat", "cooling"):
            problems.append(
                Problem(f"{where}.at_slack", "true", "at_slack only for heat and cooling", "give at")
            )
        return ()
    if connection.at is None:
        problems.append(
            Problem(f"{where}.at", "missing", f"a {TABLE_OF_KIND[kind]} of {file.name}", "add at: index or name")
        )
        return ()
    if isinstance(connection.at, Mapping):
        weights = {key: float(weight) for key, weight in connection.at.items()}
    else:
        keys = connection.at if isinstance(connection.at, tuple) else (connection.at,)
        weights = {key: 1.0 for key in keys}
    total = sum(weights.values())
    points = []
    for key, weight in weights.items():
        id_ = _one_id(key, kind, file, where, problems)
        if id_ is not None:
            points.append(Point(id_, weight / total))
    return tuple(points)


def _one_id(
    key: int | str, kind: str, file: NetworkFile, where: str, problems: list[Problem]
) -> int | None:
    table_name = TABLE_OF_KIND[kind]
    table = file.tables.get(table_name, pd.DataFrame())
    ids = find_ids(table, key)
    if not ids and table_name == "heat_consumer" and "junction" in file.tables:
        junctions = find_ids(file.tables["junction"], key)
        ids = [int(i) for i in table.index[table["from_junction"].isin(junctions)]]
    if len(ids) == 1:
        return ids[0]
    found = f"{key!r} is not in the table {table_name}" if not ids else f"{key!r} names {len(ids)} of them"
    expected = f"an index or name in the table {table_name} of {file.path.name} ({len(table)} entries)"
    problems.append(Problem(f"{where}.at", found, expected, "use the index" if ids else "check the network file"))
    return None


def _pump_terminals(
    config: ScenarioConfig, file: NetworkFile, problems: list[Problem]
) -> list[Terminal]:
    found = []
    for name, network in config.networks.items():
        if network.kind not in ("heat", "cooling"):
            continue
        where = f"networks.{name}.pump_bus"
        bus = getattr(network, "pump_bus", None)
        if bus is not None:
            id_ = _one_id(bus, "electric", file, where, problems)
            points = () if id_ is None else (Point(id_, 1.0),)
        else:
            points = _plant_bus(config, name, network.kind, file, where, problems)
        if points:
            found.append(Terminal(f"{PUMP_PREFIX}{name}", points))
    return found


def _plant_bus(
    config: ScenarioConfig,
    network: str,
    kind: str,
    file: NetworkFile,
    where: str,
    problems: list[Problem],
) -> tuple[Point, ...]:
    carrier = CARRIER_OF_KIND[kind]
    for participant in config.participants.values():
        connection = participant.connections.get(carrier)
        if connection is None or not connection.at_slack:
            continue
        electric = participant.connections.get("electricity")
        if electric is not None and network_of(config, carrier, connection) == network:
            return _points(electric, "electric", file, where, [])
    problems.append(
        Problem(where, "missing, and no participant at the plant has an electric connection", "the bus that feeds the pump", "add pump_bus")
    )
    return ()


def _background(
    config: ScenarioConfig,
    file: NetworkFile,
    folder: Path,
    time: TimeAxis,
    profiles: Mapping[str, FloatArray],
    taken: set[int],
    problems: list[Problem],
) -> Background:
    settings: Any = config.networks[file.name]
    name = settings.background.table
    if name is None:
        return Background()
    path = folder / name
    if not path.is_file():
        problems.append(Problem(f"networks.{file.name}.background.table", f"no file {name}", "a CSV file"))
        return Background()
    table = pd.read_csv(path, comment="#")
    missing = [c for c in ("element", "id", "profile", "scale_kw") if c not in table.columns]
    if missing:
        problems.append(Problem(name, f"no column {', '.join(missing)}", "element, id, profile, scale_kw"))
        return Background()
    default = getattr(settings, "base_power_factor", 1.0)
    series = []
    for element, rows in table.groupby("element", sort=True):
        item = _element_series(str(element), rows, file, name, settings.kind, default, profiles, taken, problems)
        if item is not None:
            series.append(item)
    return Background(tuple(series))


def _element_series(
    element: str,
    rows: pd.DataFrame,
    file: NetworkFile,
    table_name: str,
    kind: str,
    default_factor: float,
    profiles: Mapping[str, FloatArray],
    taken: set[int],
    problems: list[Problem],
) -> ElementSeries | None:
    if element not in ELEMENTS_OF_KIND[kind]:
        expected = f"one of {', '.join(ELEMENTS_OF_KIND[kind])} in a {kind} network"
        problems.append(Problem(f"{table_name}: element", repr(element), expected))
        return None
    ids = _background_ids(element, rows, file, table_name, problems)
    unknown = sorted(set(rows["profile"]) - set(profiles))
    if unknown:
        problems.append(
            Problem(f"{table_name}: profile", f"unknown {some(unknown)}", "a column of the profile files")
        )
    if ids is None or unknown:
        return None
    if element == "heat_consumer" and taken & set(ids):
        both = sorted(taken & set(ids))
        problems.append(
            Problem(f"{table_name}: id", f"heat_consumer {some(both)} belongs to a participant", "background customers only", "remove the rows")
        )
        return None
    shapes = np.stack([profiles[p] for p in rows["profile"]], axis=1)
    p_kw = SIGN_OF_ELEMENT[element] * shapes * rows["scale_kw"].to_numpy(dtype=float)[None, :]
    q_kvar = np.zeros_like(p_kw)
    if kind == "electric":
        fallback = default_factor if element == "load" else 1.0
        given = rows["power_factor"] if "power_factor" in rows else pd.Series(np.nan, index=rows.index)
        factor = given.fillna(fallback).to_numpy(dtype=float)
        q_kvar = p_kw * np.tan(np.arccos(factor))[None, :]
    return ElementSeries(element, read_only(ids, np.int64), read_only(p_kw), read_only(q_kvar))


def _background_ids(
    element: str, rows: pd.DataFrame, file: NetworkFile, table_name: str, problems: list[Problem]
) -> list[int] | None:
    table = file.tables.get(element, pd.DataFrame())
    ids: list[int] = []
    bad: list[Any] = []
    for key in rows["id"]:
        found = find_ids(table, int(key) if isinstance(key, (int, np.integer)) else str(key))
        ids.extend(found[:1])
        if len(found) != 1:
            bad.append(key)
    if bad:
        problems.append(
            Problem(f"{table_name}: id", f"{element} {some(bad)}", f"an index or unique name in the table {element} of {file.path.name}")
        )
    if len(set(ids)) != len(ids):
        twice = sorted({i for i in ids if ids.count(i) > 1})
        problems.append(Problem(f"{table_name}: id", f"{element} {some(twice)} twice", "each element once"))
        return None
    return None if bad else ids
