"""`summary.json`: verdict, costs, price of physics, certificate, seconds, versions."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from cosim.api.session import Physics
from cosim.coupling import Cause, Coupled
from cosim.coupling.certificate import certificate
from cosim.records import Schedule
from cosim.scenario import Scenario
from cosim.settlement.players import Players

PACKAGES = ("cosim", "pandapower", "pandapipes", "pyomo", "highspy", "pandas", "numpy", "scipy")


def versions() -> dict[str, str]:
    """Return the versions of everything that computes something."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def cause_entries(
    causes: Iterable[Cause], physics: Physics, scenario: Scenario
) -> list[dict[str, Any]]:
    """Return causes as plain data, with names and time stamps."""
    index = scenario.time.index
    return [
        {
            "grid": cause.grid,
            "limit": cause.limit,
            "element": cause.element,
            "id": cause.id,
            "name": physics.names[cause.grid].get((cause.element, cause.id), ""),
            "steps": [index[step].isoformat() for step in cause.steps],
            "worst_time": index[cause.worst_step].isoformat(),
            "amount": cause.amount,
            "unit": cause.unit,
            "least_relaxation": cause.least_relaxation,
            "without_participants": cause.without_participants,
        }
        for cause in causes
    ]


def base_summary(scenario: Scenario, physics: Physics, coupled: Coupled) -> dict[str, Any]:
    """Return what every kind of run reports: verdict, causes, certificate, names, versions."""
    config = scenario.config
    return {
        "name": config.name,
        "description": config.description,
        "currency": config.currency,
        "verdict": coupled.verdict,
        "cause": coupled.cause,
        "causes": cause_entries(coupled.causes, physics, scenario),
        "iterations": len(coupled.iterations),
        "steps": len(scenario.time),
        "step_minutes": config.time.step_minutes,
        "start": scenario.time.index[0].isoformat(),
        "networks": {name: network.kind for name, network in config.networks.items()},
        "certificate": certificate(
            physics.networks,
            coupled.verification,
            physics.names,
            coupled.mismatch,
            config.coupling,
            scenario.input_hash,
        ),
        "participants": {name: p.role for name, p in config.participants.items()},
        "versions": versions(),
        "notes": [],
    }


def costs(copper: Schedule, individual: Schedule | None, coupled: Coupled) -> dict[str, Any]:
    """Return the costs of the three dispatches, in all and by party."""
    entry: dict[str, Any] = {
        "copper_plate": copper.cost,
        "verified": coupled.schedule.cost if coupled.verdict == "feasible" else None,
        "last": coupled.schedule.cost,
        "individual": None if individual is None else individual.cost,
        "by_participant": {
            "copper_plate": _totals(copper),
            "verified": _totals(coupled.schedule),
        },
    }
    if individual is not None:
        entry["by_participant"]["individual"] = _totals(individual)
    return entry


def _totals(schedule: Schedule) -> dict[str, float]:
    return {str(name): float(value) for name, value in schedule.costs["total"].items()}


def price_of_physics(
    copper: Schedule, with_losses: float | None, coupled: Coupled
) -> dict[str, float | None]:
    """Return verified minus copper-plate cost, split into losses and congestion.

    Losses: what the dispatch costs more once losses and pump electricity are charged but no limit
    is enforced. Congestion: the rest, caused by limits.
    """
    if coupled.verdict != "feasible":
        return {"total": None, "losses": None, "congestion": None}
    total = coupled.schedule.cost - copper.cost
    losses = None if with_losses is None else with_losses - copper.cost
    return {
        "total": total,
        "losses": losses,
        "congestion": None if losses is None else total - losses,
    }


def lower_bound(copper: Schedule, coupled: Coupled) -> dict[str, Any]:
    """Return a proven lower bound on the network-constrained cost and the gap to it.

    The copper-plate problem is a relaxation of the constrained one (no limits, no losses above the
    background's), so the solver's bound on it holds for both.
    """
    bound = copper.bound
    scale = max(abs(coupled.schedule.cost), 1e-9)
    gap = (coupled.schedule.cost - bound) / scale if coupled.verdict == "feasible" else None
    return {
        "cost": bound,
        "gap": gap,
        "method": "dual bound of the copper-plate market, a relaxation of the constrained one",
    }


def player_entries(players: Players) -> dict[str, list[str]]:
    """Return players with their participants."""
    return {name: list(players.groups.get(name, ())) for name in players.names}


def add_notes(summary: dict[str, Any], notes: Iterable[str]) -> None:
    """Append notes that are not there yet."""
    for note in notes:
        if note not in summary["notes"]:
            summary["notes"].append(note)


def rounded_seconds(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return seconds per stage with their sum."""
    return {key: round(value, 3) for key, value in seconds.items()} | {
        "total": round(sum(seconds.values()), 3)
    }
