"""Load a scenario: read, validate, resolve; all problems are reported at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import yaml
from pydantic import ValidationError

from cosim.errors import Problem, ScenarioError
from cosim.records import NetworkInputs, TimeAxis
from cosim.scenario.changes import with_changes
from cosim.scenario.config import ScenarioConfig, TimeSection
from cosim.scenario.network_file import NetworkFile, read_tables
from cosim.scenario.participants import DeviceSpec
from cosim.scenario.problems import from_validation
from cosim.scenario.profiles import read_profiles
from cosim.scenario.resolve import resolve_network
from cosim.scenario.rules import check_rules
from cosim.scenario.scenario import Scenario
from cosim.scenario.weather import read_weather, weather_problems

SCENARIO_FILE = "scenario.yaml"
SimbenchSource = Callable[[str], Path]
"""SimBench code -> network file (given by the layer that may import simbench)."""


def load_scenario(
    path: Path,
    device_types: Mapping[str, type[DeviceSpec]],
    simbench_source: SimbenchSource | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Scenario:
    """Load and validate a scenario.

    Args:
        path: a scenario file, or a folder with `scenario.yaml` in it.
        device_types: device type name -> specification.
        simbench_source: writes a SimBench grid to a file; grids by code are refused without it.
        changes: dotted fields -> values that take the place of those in the file.

    Returns:
        The frozen scenario with every series and connection resolved.

    Raises:
        ScenarioError: with every problem that was found.
    """
    file = path / SCENARIO_FILE if path.is_dir() else path
    raw = with_changes(read_yaml(file), changes or {}, file.name)
    try:
        context = {"device_types": device_types, "design": _is_design(raw)}
        config = ScenarioConfig.model_validate(raw, context=context)
    except ValidationError as error:
        raise ScenarioError(from_validation(error, file.name, raw)) from None
    scenario = _resolve(config, file, simbench_source)
    if not changes:
        return scenario
    return replace(scenario, input_hash=_changed_hash(scenario, changes))


def _is_design(raw: Any) -> bool:
    """Return whether a file is for design mode, where devices that supply are yet to be bought."""
    return isinstance(raw, Mapping) and raw.get("design") is not None


def _resolve(
    config: ScenarioConfig, file: Path, simbench_source: SimbenchSource | None
) -> Scenario:
    folder = file.parent
    time = _time_axis(config.time, file.name)
    profiles, unreadable = read_profiles(config.profiles, folder, time)
    weather, bad_weather = read_weather(config.weather, folder, time, profiles)
    profiles |= weather
    problems = [_in_file(file, p) for p in bad_weather]
    if not bad_weather:
        problems += [_in_file(file, p) for p in weather_problems(config, weather)]
    problems += [_in_file(file, p) for p in check_rules(config, profiles, len(time))]
    networks: dict[str, NetworkInputs] = {}
    for name in config.networks:
        source = _network_file(config, name, folder, simbench_source, problems)
        if source is not None:
            found: list[Problem] = []
            networks[name] = resolve_network(config, source, folder, time, profiles, found)
            problems += [_in_file(file, p) for p in found]
    if unreadable:
        problems = [*unreadable, *(p for p in problems if not _about_profiles(p))]
    if problems:
        raise ScenarioError(problems)
    return Scenario(config, folder, time, profiles, networks, _hash(config, file, networks))


def _about_profiles(problem: Problem) -> bool:
    """Return whether a problem only follows from a profile file that could not be read."""
    return problem.found.startswith("unknown profile") or problem.where.endswith(": profile")


def _in_file(file: Path, problem: Problem) -> Problem:
    """Name the scenario file unless the problem already names another one."""
    if ".csv" in problem.where or ".parquet" in problem.where:
        return problem
    return Problem(f"{file.name}: {problem.where}", problem.found, problem.expected, problem.advice)


class _UniqueKeys(yaml.SafeLoader):
    """YAML loader that refuses a key given twice instead of dropping the first."""


def _mapping(loader: _UniqueKeys, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=deep)
        if key in seen:
            raise yaml.MarkedYAMLError(
                problem=f"the key {key!r} is given twice", problem_mark=key_node.start_mark
            )
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(file: Path) -> dict[str, Any]:
    """Return the sections of a YAML file.

    Raises:
        ScenarioError: if it is missing, is no YAML, gives a key twice, or has no sections.
    """
    if not file.is_file():
        advice = "give a scenario file or its folder; `cosim init` makes one to start from"
        raise ScenarioError([Problem(str(file), "no such file", "a scenario file", advice)])
    try:
        raw = yaml.load(file.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file.name}: line {mark.line + 1}" if mark else file.name
        found = getattr(error, "problem", None) or "not YAML"
        raise ScenarioError(
            [Problem(place, str(found), "valid YAML", "correct the line")]
        ) from None
    except UnicodeDecodeError:
        raise ScenarioError([Problem(file.name, "not UTF-8 text", "a YAML file")]) from None
    if not isinstance(raw, dict):
        raise ScenarioError(
            [
                Problem(
                    file.name, f"a {type(raw).__name__}", "sections such as time and participants"
                )
            ]
        )
    return raw


def _time_axis(section: TimeSection, file: str) -> TimeAxis:
    try:
        zone = ZoneInfo(section.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        problem = Problem(
            f"{file}: time.timezone",
            repr(section.timezone),
            "an IANA time zone such as Europe/Berlin",
        )
        raise ScenarioError([problem]) from None
    start = pd.Timestamp(section.start)
    start = start.tz_localize(zone) if start.tzinfo is None else start.tz_convert(zone)
    index = pd.date_range(start, periods=section.steps, freq=f"{section.step_minutes}min")
    return TimeAxis(index, section.step_minutes / 60.0)


def _network_file(
    config: ScenarioConfig,
    name: str,
    folder: Path,
    simbench_source: SimbenchSource | None,
    problems: list[Problem],
) -> NetworkFile | None:
    settings = config.networks[name]
    code = getattr(settings, "simbench", None)
    where = f"networks.{name}"
    if (settings.file is None) == (code is None):
        problems.append(
            Problem(where, "both file and simbench, or neither", "one of file and simbench")
        )
        return None
    try:
        if settings.file is not None:
            path = folder / settings.file
        elif simbench_source is not None:
            path = simbench_source(str(code))
        else:
            problems.append(
                Problem(f"{where}.simbench", repr(code), "file", "SimBench is not available here")
            )
            return None
        return NetworkFile(name, path, read_tables(path))
    except ScenarioError as error:
        problems.extend(
            Problem(f"{where}: {p.where}", p.found, p.expected, p.advice) for p in error.problems
        )
        return None


def _hash(config: ScenarioConfig, file: Path, networks: Mapping[str, NetworkInputs]) -> str:
    """Return a SHA-256 over the scenario, its profiles, networks and background tables."""
    digest = hashlib.sha256(file.read_bytes())
    tables = [n.background.table for n in config.networks.values() if n.background.table]
    if config.weather is not None and config.weather.file is not None:
        tables.append(config.weather.file)
    for path in [file.parent / p for p in (*config.profiles, *tables)] + [
        n.file for n in networks.values()
    ]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _changed_hash(scenario: Scenario, changes: Mapping[str, Any]) -> str:
    """Return a hash over the files and the changes."""
    text = json.dumps(changes, sort_keys=True, default=str)
    return hashlib.sha256(f"{scenario.input_hash}{text}".encode()).hexdigest()
