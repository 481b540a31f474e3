"""One task of a study, worked on in any process: a row of results, whatever happens."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cosim import api
from cosim.api.session import build_networks
from cosim.coupling.certified import CertifiedNetworks
from cosim.coupling.networks import Verification
from cosim.coupling.sampling import scales
from cosim.errors import CosimError, Problem, ScenarioError
from cosim.market import Market
from cosim.scenario import Scenario
from cosim.studies.points import Point
from cosim.studies.spec import Action, HostingCapacity

ROW_FILE = "row.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """What all tasks of a study share.

    Attributes:
        base: the scenario's file or folder.
        action: what is done with each variant.
        schedule: for `verify`.
        hosting: the search that each task makes instead, None for one evaluation.
        folder: of the study; each task has its own in `tasks/`.
        key: of everything that is the same for all tasks.
    """

    base: Path
    action: Action
    schedule: Path | None
    hosting: HostingCapacity | None
    folder: Path
    key: str

    def task_folder(self, point: Point) -> Path:
        """Return where a task's results are, or will be; the same changes have the same folder."""
        text = json.dumps(point.changes, sort_keys=True, default=str)
        return self.folder / "tasks" / hashlib.sha256(text.encode()).hexdigest()[:12]


def finished(plan: Plan, point: Point) -> dict[str, Any] | None:
    """Return the row of a task that an earlier study has finished, None if there is none."""
    try:
        content = json.loads((plan.task_folder(point) / ROW_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(content, dict) and content.get("key") == _key(plan, point)
    return dict(content["row"]) if known else None


def work(plan: Plan, point: Point) -> dict[str, Any]:
    """Return the row of one task; an error is part of it."""
    began = time.perf_counter()
    row: dict[str, Any] = {"verdict": "error", "error": ""}
    try:
        row |= _evaluated(plan, point)
    except CosimError as error:
        row["error"] = f"{type(error).__name__}: {error}"
    except Exception as error:
        row["error"] = f"fault of cosim: {type(error).__name__}: {error}"
    row["seconds"] = round(time.perf_counter() - began, 3)
    folder = plan.task_folder(point)
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"key": _key(plan, point), "row": row}, indent=2)
    (folder / ROW_FILE).write_text(content, encoding="utf-8")
    return row


def _key(plan: Plan, point: Point) -> str:
    return f"{plan.key}-{json.dumps(point.changes, sort_keys=True, default=str)}"


def _evaluated(plan: Plan, point: Point) -> dict[str, Any]:
    if plan.hosting is None:
        return _once(plan, point.changes, plan.task_folder(point))
    return _search(plan, plan.hosting, point)


def _once(plan: Plan, changes: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    scenario = api.load(plan.base, changes)
    if plan.action == "dispatch":
        return _dispatched(scenario)
    if plan.action == "verify":
        assert plan.schedule is not None
        result = api.verify(scenario, plan.schedule, folder / "run", draw=False)
    else:
        result = api.run(scenario, folder / "run", draw=False)
    return _row_of(result.summary)


def _row_of(summary: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"verdict": summary["verdict"], "cause": summary["cause"]}
    row["iterations"] = summary["iterations"]
    for name in ("individual", "copper_plate", "verified"):
        row[f"cost_{name}"] = (summary.get("costs") or {}).get(name)
    row["price_of_physics"] = (summary.get("price_of_physics") or {}).get("total")
    limits = [
        (f"{grid}_{limit}", entry)
        for grid, entries in summary["certificate"]["networks"].items()
        for limit, entry in entries.items()
    ]
    row["violations"] = sum(entry["violations"] for _, entry in limits)
    row |= {f"margin_{name}": entry.get("smallest_margin") for name, entry in limits}
    return row


def _dispatched(scenario: Scenario) -> dict[str, Any]:
    """Return the row of the dispatch that nobody has asked the networks about.

    Raises:
        ScenarioError: with a leader, whose prices come from the whole game.
    """
    if scenario.config.leader is not None:
        found = "a leader, in a study with action: dispatch"
        advice = "set action: run in the study, or remove leader"
        raise ScenarioError([Problem("leader", found, "action: run", advice)])
    networks = build_networks(scenario)
    baselines = networks.baselines(networks.without_participants())
    schedule = Market(scenario, baselines).solve(frozenset(scenario.config.participants))
    verification = networks.verify(schedule.injections)
    row = {
        "verdict": "feasible" if verification.passed else "infeasible",
        "cause": "" if verification.passed else _first(verification),
        "iterations": 1,
        "cost_copper_plate": schedule.cost,
        "violations": len(verification.violations) + len(verification.failures),
    }
    return row | _margins(networks, verification)


def _margins(networks: CertifiedNetworks, verification: Verification) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in networks.grids:
        for item in verification.checks[name]:
            smallest = item.smallest()
            found[f"margin_{name}_{item.limit.name}"] = None if smallest is None else smallest[0]
    return found


def _first(verification: Verification) -> str:
    """Name the limit that is missed most, as a share of its scale."""
    if verification.failures:
        grid, failure = verification.failures[0]
        return f"{grid} has no physical state: {failure.reason}"
    worst, name = np.inf, ""
    for grid, checks in verification.checks.items():
        for item in checks:
            margin = np.where(item.violated, item.margin, np.inf) / scales(item.limit)[None, :]
            if margin.size and margin.min() < worst:
                worst, name = float(margin.min()), f"{grid}: {item.limit.name}"
    return f"{name} is missed at {len({v.step for v in verification.violations})} steps"


def _search(plan: Plan, hosting: HostingCapacity, point: Point) -> dict[str, Any]:
    """Bisect the largest value of a field with which every check passes.

    The bounds are tried first; what passes at the upper one, or not even at the lower one, is
    said as it is.
    """
    folder = plan.task_folder(point)
    tried: list[tuple[float, bool]] = []
    action: Action = "run" if hosting.with_market else "dispatch"
    single = Plan(plan.base, action, None, None, plan.folder, plan.key)

    def row_at(value: float) -> dict[str, Any]:
        """Run with the searched field at a value; return the row and note whether it passed."""
        chosen = round(value) if hosting.integer else value
        row = _once(single, {**point.changes, hosting.field: chosen}, folder)
        tried.append((float(chosen), row["verdict"] == "feasible"))
        return row

    low_row, high_row = row_at(hosting.low), None
    low, high = float(hosting.low), float(hosting.high)
    if low_row["verdict"] != "feasible":
        return low_row | _bracket(None, low, tried)
    high_row = row_at(high)
    if high_row["verdict"] == "feasible":
        return high_row | _bracket(high, None, tried)
    while high - low > hosting.tolerance:
        middle = (low + high) / 2.0
        if hosting.integer:
            middle = float(np.floor(middle))
        row = row_at(middle)
        if row["verdict"] == "feasible":
            low, low_row = middle, row
        else:
            high, high_row = middle, row
    return low_row | {"cause": high_row["cause"]} | _bracket(low, high, tried)


def _bracket(
    low: float | None, high: float | None, tried: list[tuple[float, bool]]
) -> dict[str, Any]:
    """Return the largest value that passes, the smallest that does not, and how they were found."""
    return {"hosting_capacity": low, "fails_at": high, "evaluations": len(tried)}
