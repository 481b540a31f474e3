"""Resolve the names in a scenario against its network files: terminals and background."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pandas as pd

from cosim.errors import Problem
from cosim.records import NetworkInputs, Point, Terminal, TimeAxis
from cosim.records.names import HYDROGEN_PREFIX, PUMP_PREFIX
from cosim.records.time import FloatArray
from cosim.scenario.background import read_background
from cosim.scenario.config import CARRIER_OF_KIND, ScenarioConfig
from cosim.scenario.network_file import NetworkFile, find_ids
from cosim.scenario.networks import GasNetwork, charged_kinds
from cosim.scenario.participants import Connection

HYDROGEN: Literal["hydrogen"] = "hydrogen"
TABLE_OF_KIND = {
    "electric": "bus",
    "heat": "heat_consumer",
    "cooling": "heat_consumer",
    "gas": "junction",
}


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
    bypass = getattr(settings, "bypass", None)
    if bypass is not None and bypass.at != "all":
        for key in bypass.at:
            _one_id(key, settings.kind, file, f"networks.{file.name}.bypass", problems)
    taken = {point.id for terminal in terminals for point in terminal.points}
    background = read_background(
        settings, file, folder / (settings.background.table or ""), profiles, taken, problems
    )
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
    """Return the network that a connection belongs to, None where the carrier has none.

    Hydrogen that is fed in at a place belongs to the gas network, if that takes it.
    """
    if connection.network is not None:
        return connection.network
    for name, network in config.networks.items():
        if CARRIER_OF_KIND[network.kind] == carrier:
            return name
        feeds = carrier == HYDROGEN and connection.at is not None
        if feeds and isinstance(network, GasNetwork) and network.hydrogen is not None:
            return name
    return None


def _terminals(
    config: ScenarioConfig, file: NetworkFile, problems: list[Problem]
) -> list[Terminal]:
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
    if kind == "gas":
        found.extend(_hydrogen_terminals(config, file, problems))
    if kind == "electric":
        found.extend(_pump_terminals(config, file, problems))
    return found


def _hydrogen_terminals(
    config: ScenarioConfig, file: NetworkFile, problems: list[Problem]
) -> list[Terminal]:
    """Return the terminals at which participants feed hydrogen into a gas network."""
    found = []
    for name, participant in config.participants.items():
        connection = participant.connections.get(HYDROGEN)
        if connection is None or network_of(config, HYDROGEN, connection) != file.name:
            continue
        where = f"participants.{name}.connections.{HYDROGEN}"
        points = _points(connection, "gas", file, where, problems)
        found.append(Terminal(f"{HYDROGEN_PREFIX}{name}", points, carrier=HYDROGEN))
    return found


def _points(
    connection: Connection, kind: str, file: NetworkFile, where: str, problems: list[Problem]
) -> tuple[Point, ...]:
    if connection.at_slack:
        if kind not in ("heat", "cooling"):
            problems.append(
                Problem(
                    f"{where}.at_slack", "true", "at_slack only for heat and cooling", "give at"
                )
            )
        return ()
    if connection.at is None:
        problems.append(
            Problem(
                f"{where}.at",
                "missing",
                f"a {TABLE_OF_KIND[kind]} of {file.name}",
                "add at: index or name",
            )
        )
        return ()
    if isinstance(connection.at, Mapping):
        weights: dict[int | str, float] = {key: float(w) for key, w in connection.at.items()}
    else:
        keys = connection.at if isinstance(connection.at, tuple) else (connection.at,)
        weights = dict.fromkeys(keys, 1.0)
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
    found = (
        f"{key!r} is not in the table {table_name}"
        if not ids
        else f"{key!r} names {len(ids)} of them"
    )
    expected = (
        f"an index or name in the table {table_name} of {file.path.name} ({len(table)} entries)"
    )
    problems.append(
        Problem(
            f"{where}.at", found, expected, "use the index" if ids else "check the network file"
        )
    )
    return None


def _pump_terminals(
    config: ScenarioConfig, file: NetworkFile, problems: list[Problem]
) -> list[Terminal]:
    found = []
    for name, network in config.networks.items():
        if "auxiliary" not in charged_kinds(network.kind, network):
            continue
        where = f"networks.{name}.pump_bus"
        bus = getattr(network, "pump_bus", None)
        points: tuple[Point, ...]
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
        Problem(
            where,
            "missing, and no participant at the plant has an electric connection",
            "the bus that feeds the pump",
            "add pump_bus",
        )
    )
    return ()
