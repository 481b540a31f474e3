"""`summary.json`: verdict, costs, price of physics, certificate, seconds, versions."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd

from cosim.api.session import Physics
from cosim.coupling import Cause, Coupled, Verification
from cosim.coupling.certificate import certificate
from cosim.coupling.outcome import Verdict
from cosim.market.account import charges
from cosim.market.tariffs import account_prices
from cosim.records import Baseline, Schedule
from cosim.records.names import party_of
from cosim.scenario import Scenario
from cosim.scenario.config import Bargaining
from cosim.settlement.players import Players

PACKAGES = ("cosim", "pandapower", "pandapipes", "pyomo", "highspy", "pandas", "numpy", "scipy")

Names = Mapping[str, Mapping[tuple[str, int], str]]
"""Per network: (table, index) -> element name."""


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
    causes: Iterable[Cause], names: Names, scenario: Scenario
) -> list[dict[str, Any]]:
    """Return causes as plain data, with names and time stamps."""
    index = scenario.time.index
    return [
        {
            "grid": cause.grid,
            "limit": cause.limit,
            "element": cause.element,
            "id": cause.id,
            "name": names[cause.grid].get((cause.element, cause.id), ""),
            "steps": [index[step].isoformat() for step in cause.steps],
            "worst_time": index[cause.worst_step].isoformat(),
            "amount": cause.amount,
            "unit": cause.unit,
            "least_relaxation": cause.least_relaxation,
            "without_participants": cause.without_participants,
        }
        for cause in causes
    ]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a run or a verification found.

    Attributes:
        verdict: see `Verdict`.
        cause: one sentence, empty if feasible.
        causes: limits that are missed.
        iterations: rounds of the loop, 0 without a market.
        verification: of the final schedule.
        mismatch: largest difference of losses per carrier.
    """

    verdict: Verdict
    cause: str
    causes: tuple[Cause, ...]
    iterations: int
    verification: Verification
    mismatch: Mapping[str, float]

    @classmethod
    def of(cls, coupled: Coupled) -> Finding:
        """Return what a loop found."""
        return cls(
            coupled.verdict,
            coupled.cause,
            coupled.causes,
            len(coupled.iterations),
            coupled.verification,
            coupled.mismatch,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run or a verification of any length came to.

    Attributes:
        verdict: see `Verdict`.
        cause: one sentence, empty if feasible.
        causes: limits that are missed.
        iterations: rounds of the loop, 0 without a market.
        certificate: see `certificate`.
    """

    verdict: Verdict
    cause: str
    causes: tuple[Cause, ...]
    iterations: int
    certificate: Mapping[str, Any]


def base_summary(scenario: Scenario, physics: Physics, finding: Finding) -> dict[str, Any]:
    """Return what every kind of run reports: verdict, causes, certificate, names, versions."""
    found = certificate(
        physics.networks,
        finding.verification,
        physics.names,
        finding.mismatch,
        scenario.config.coupling,
        scenario.input_hash,
    )
    outcome = Outcome(finding.verdict, finding.cause, finding.causes, finding.iterations, found)
    return summary_of(scenario, physics.names, outcome)


def summary_of(scenario: Scenario, names: Names, outcome: Outcome) -> dict[str, Any]:
    """Return the summary that goes with an outcome; see `base_summary`."""
    config = scenario.config
    return {
        "name": config.name,
        "description": config.description,
        "currency": config.currency,
        "verdict": outcome.verdict,
        "cause": outcome.cause,
        "causes": cause_entries(outcome.causes, names, scenario),
        "iterations": outcome.iterations,
        "steps": len(scenario.time),
        "step_minutes": config.time.step_minutes,
        "start": scenario.time.index[0].isoformat(),
        "networks": {name: network.kind for name, network in config.networks.items()},
        "certificate": dict(outcome.certificate),
        "participants": {name: p.role for name, p in config.participants.items()},
        "terminals": terminal_entries(scenario),
        "devices": device_entries(scenario),
        "versions": versions(),
        "notes": [],
    }


def costs(copper: Schedule, individual: Schedule | None, coupled: Coupled) -> dict[str, Any]:
    """Return the costs of the three dispatches, in all and by party.

    What a schedule costs that did not pass the checks is under `last` alone.
    """
    feasible = coupled.verdict == "feasible"
    entry: dict[str, Any] = {
        "copper_plate": copper.cost,
        "verified": coupled.schedule.cost if feasible else None,
        "last": coupled.schedule.cost,
        "individual": None if individual is None else individual.cost,
        "by_participant": {
            "copper_plate": _totals(copper),
            "verified": _totals(coupled.schedule) if feasible else None,
            "last": _totals(coupled.schedule),
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


def lower_bound(
    copper: Schedule, coupled: Coupled, scenario: Scenario, baselines: Mapping[str, Baseline]
) -> dict[str, Any]:
    """Return a proven lower bound on the network-constrained cost and the gap to it.

    The copper-plate market has no limits, and charges losses and pump electricity of background
    customers alone. With limits, participants may relieve the networks below that: the account
    then passes on at most the whole baseline. Any constrained schedule becomes one of the copper
    plate if the account buys what is relieved, so

        constrained cost >= dual bound of the copper plate - relief
        relief = step_h * sum over charges and t of baseline_kw[t] * price paid[t]

    The price is the one for buying, with CO2 tax: relief may replace purchases through the pool.
    Losses and pump power cannot be negative. Losses above the baseline are bought or taken from
    the pool; without them the account buys less or gives them away. That never costs anything as
    long as no price of a charged carrier is negative; where one is, nothing is proven.

    Returns:
        `cost`, null where nothing is proven; `gap` of the verified cost to it, null unless
        feasible; `copper_plate`, the dual bound, which holds if participants never relieve the
        networks below the baseline; `relief`; `method`.
    """
    relief = _relief(scenario, baselines)
    bound = copper.bound if math.isfinite(copper.bound) else None
    cost = None if bound is None or relief is None else bound - relief
    verified = coupled.schedule.cost if coupled.verdict == "feasible" else None
    gap = None if cost is None or verified is None else _share(verified - cost, verified)
    method = (
        "dual bound of the copper-plate market less the value of all losses and pump electricity "
        "of background customers, at the price of buying them"
    )
    if relief is None:
        method = "nothing is proven: a carrier that networks charge has negative prices"
    return {"cost": cost, "gap": gap, "copper_plate": bound, "relief": relief, "method": method}


def _relief(scenario: Scenario, baselines: Mapping[str, Baseline]) -> float | None:
    """Return what all baseline losses and pump electricity cost; None with negative prices."""
    prices = account_prices(scenario)
    total = 0.0
    for charge in charges(scenario, baselines):
        own = prices[charge.carrier]
        if (own.paid < 0.0).any() or (own.sell is not None and (own.sell < 0.0).any()):
            return None
        total += scenario.time.step_h * float(np.maximum(charge.baseline_kw, 0.0) @ own.paid)
    return total


def _share(difference: float, cost: float) -> float:
    return difference / max(abs(cost), 1e-9)


def settled_with(settings: Bargaining, allocation: pd.DataFrame | None) -> str:
    """Return the method that became payments; before a settlement, the one that was asked for."""
    if allocation is None:
        return settings.settle_with
    return str(allocation.loc[allocation["settled"], "method"].iloc[0])


def player_entries(players: Players) -> dict[str, list[str]]:
    """Return players with their participants."""
    return {name: list(players.groups.get(name, ())) for name in players.names}


def terminal_entries(scenario: Scenario) -> dict[str, dict[str, list[int]]]:
    """Return where participants are connected: network -> participant -> element indices."""
    found: dict[str, dict[str, list[int]]] = {name: {} for name in scenario.networks}
    for name, inputs in scenario.networks.items():
        for terminal in inputs.terminals:
            party, ids = party_of(terminal.name), [point.id for point in terminal.points]
            if party in scenario.config.participants:
                known = found[name].setdefault(party, [])
                known += [id_ for id_ in ids if id_ not in known]
    return found


def device_entries(scenario: Scenario) -> dict[str, dict[str, str]]:
    """Return what participants own: participant -> device -> type."""
    return {
        name: {device: spec.type for device, spec in participant.devices.items()}
        for name, participant in scenario.config.participants.items()
    }


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
