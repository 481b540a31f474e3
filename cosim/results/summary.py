"""What `summary.json` holds, and the check of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cosim.errors import Problem
from cosim.results.schema import VERDICTS

REQUIRED: Mapping[str, tuple[type, ...]] = {
    "name": (str,),
    "description": (str,),
    "verdict": (str,),
    "cause": (str,),
    "causes": (list,),
    "iterations": (int,),
    "currency": (str,),
    "certificate": (dict,),
    "seconds": (dict,),
    "versions": (dict,),
    "participants": (dict,),
    "notes": (list,),
}
"""Keys that every summary has.

name, description, verdict (feasible, infeasible, unresolved), cause (one sentence, empty if
feasible), iterations (number of rounds), currency, seconds per stage, versions, participants
{name: role}, notes (list of sentences).

causes: list of {grid, limit, element, id, name, steps, worst_time, amount, unit, least_relaxation,
without_participants}, worst first.

certificate: {networks: {grid: {limit: {checks, violations, smallest_margin, unit, tolerance, sense,
element, id, name, time, value, bound, source}}}, engines {grid: text}, failed_steps {grid: number},
balance_mismatch {carrier: share}, tolerances, input_hash, states_hash}.
"""

OPTIONAL: Mapping[str, tuple[type, ...]] = {
    "costs": (dict,),
    "price_of_physics": (dict,),
    "lower_bound": (dict,),
    "players": (dict, list),
    "settle_with": (str,),
    "horizon": (dict,),
    "steps": (int,),
    "step_minutes": (int, float),
    "start": (str,),
    "networks": (dict,),
    "terminals": (dict,),
    "devices": (dict,),
    "co2_kg": (dict,),
    "leader": (dict,),
    "design": (dict,),
}
"""Keys of runs with a market, and of runs that say what they cover.

costs {copper_plate, verified, last, individual, by_participant {case: {party: cost}}}, where
`verified` is null unless the verdict is feasible. price_of_physics {total, losses, congestion}.
co2_kg {individual, copper_plate, last: {total, by_participant, by_source}}, where anything emits.
lower_bound {cost or null, gap, copper_plate,
relief, method}. players {name: participants}. settle_with: method of the payments.
horizon {windows, window_hours, look_ahead_hours, boundary, network_files} where windows are used;
steps, step_minutes, start of the horizon; networks {grid: kind}. For the report's maps and stacks:
terminals {grid: {participant: ids of buses, heat consumers or junctions, empty at the plant}} and
devices {participant: {device: type}}; without them names are looked at.

leader {participant, method, followers, profit {optimistic, pessimistic, nudged, simulated,
verified}, bound, gap, revenue {carrier: {sell, buy}}, service_fees, own_costs,
investment_per_horizon, repriced, notes}: who sets prices and what it earns, in currency.

design {buildings, sites {building: {x_m, y_m}}, typical_days, units, pipes, copper_plate {units,
pipes, cost_per_year}, verified {units, pipes, cost_per_year}, price_of_physics_per_year, changes
(sentences), fairness {method: {fi, jain, gini, disruption_spread, in_core}}, recommendation
{method, reason}, coalitions {coalition: {copper_plate, verified}}}; costs are then per year.
"""

COST_KEYS = ("copper_plate", "verified", "individual")
PRICE_KEYS = ("total", "losses", "congestion")


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: numpy scalars as numbers, NaN as null, times as ISO text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray, pd.Series)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def summary_problems(summary: Mapping[str, Any], where: str) -> list[Problem]:
    """Return everything that a summary gets wrong.

    Args:
        summary: plain data, see `plain`.
        where: file, for the messages.
    """
    found = [_missing(key, where) for key in REQUIRED if key not in summary]
    for key, kinds in {**REQUIRED, **OPTIONAL}.items():
        value = summary.get(key)
        if value is not None and not isinstance(value, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            text = f"{type(value).__name__} {value!r}"[:80]
            found.append(Problem(f"{where}: {key}", text, names, "correct the summary"))
    verdict = summary.get("verdict")
    if isinstance(verdict, str) and verdict not in VERDICTS:
        expected = f"one of {', '.join(VERDICTS)}"
        found.append(Problem(f"{where}: verdict", repr(verdict), expected, "correct the summary"))
    for key, wanted in (("costs", COST_KEYS), ("price_of_physics", PRICE_KEYS)):
        section = summary.get(key)
        if isinstance(section, Mapping):
            found += [_missing(f"{key}.{name}", where) for name in wanted if name not in section]
    certificate = summary.get("certificate")
    if isinstance(certificate, Mapping) and "networks" not in certificate:
        found.append(_missing("certificate.networks", where))
    return found


def _missing(key: str, where: str) -> Problem:
    advice = "run the scenario again with this version of cosim"
    return Problem(f"{where}: {key}", "no such key", "the key, null where unknown", advice)
