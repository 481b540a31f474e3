"""Read the element tables of a pandapower or pandapipes JSON file without importing either.

Their import takes seconds; validating a scenario and drawing a map need only the tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cosim.errors import Problem, ScenarioError


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """A network of the scenario with its tables read."""

    name: str
    path: Path
    tables: Mapping[str, pd.DataFrame]


def read_tables(path: Path) -> dict[str, pd.DataFrame]:
    """Return every element table of a network file by name, such as `bus` or `junction`.

    Args:
        path: file written by `pandapower.to_json` or `pandapipes.to_json`.

    Raises:
        ScenarioError: if the file is missing or is not such a file.
    """
    expected = "a network written by pandapower.to_json or pandapipes.to_json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problem = Problem(str(path), "no such file", expected, "check the path")
        raise ScenarioError([problem]) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError([Problem(str(path), f"not JSON ({error})", expected)]) from None
    body = data.get("_object", data) if isinstance(data, dict) else None
    if isinstance(body, str):
        body = json.loads(body)
    if not isinstance(body, Mapping):
        raise ScenarioError([Problem(str(path), "JSON without network tables", expected)])
    tables = {name: _table(entry) for name, entry in body.items() if _is_table(entry)}
    if "bus" not in tables and "junction" not in tables:
        raise ScenarioError([Problem(str(path), "neither a bus nor a junction table", expected)])
    return tables


def _is_table(entry: Any) -> bool:
    return isinstance(entry, Mapping) and entry.get("_class") == "DataFrame"


def _table(entry: Mapping[str, Any]) -> pd.DataFrame:
    raw = entry["_object"]
    content = json.loads(raw) if isinstance(raw, str) else raw
    return pd.DataFrame(content["data"], index=content["index"], columns=content["columns"])


def find_ids(table: pd.DataFrame, key: int | str) -> list[int]:
    """Return the table indices that `key` means: an index, or a name (may be ambiguous)."""
    if isinstance(key, int):
        return [key] if key in table.index else []
    if "name" in table.columns:
        found = table.index[table["name"].astype(str) == key]
        if len(found):
            return [int(i) for i in found]
    return [int(key)] if key.lstrip("-").isdigit() and int(key) in table.index else []


def element_names(tables: Mapping[str, pd.DataFrame]) -> dict[tuple[str, int], str]:
    """Return (table, index) -> name for every element that has one."""
    names: dict[tuple[str, int], str] = {}
    for table, frame in tables.items():
        if "name" in frame.columns and not table.startswith("res_"):
            for index, name in frame["name"].items():
                if isinstance(name, str) and name:
                    names[(table, int(str(index)))] = name
    return names
