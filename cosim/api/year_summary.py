"""`summary.json` of a run in windows: the worst verdict, sums of costs, one certificate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cosim.api import summary as summaries
from cosim.api.emissions import emission_entry
from cosim.api.window_task import WindowOutcome
from cosim.api.window_worlds import ALONE, COPPER_PLATE, LOSSES, TOGETHER
from cosim.api.year_settlement import YearSettled, summed_costs, summed_emissions
from cosim.coupling.causes import CAUSES_KEPT
from cosim.coupling.merged import merged_certificates
from cosim.coupling.outcome import Verdict
from cosim.records import Window
from cosim.scenario import Scenario
from cosim.settlement.players import players_of

WORST_FIRST: tuple[Verdict, ...] = ("infeasible", "unresolved", "feasible")
NOTES_KEPT = 20
"""Different notes of windows that go into the summary; the rest is counted."""


def year_summary(
    scenario: Scenario,
    outcomes: Sequence[WindowOutcome],
    settled: YearSettled | None,
    network_files: Window,
) -> dict[str, Any]:
    """Return the summary of a whole horizon.

    Args:
        scenario: the whole horizon.
        outcomes: by window.
        settled: the settlement, None unless every window is feasible.
        network_files: the window whose profiles are in the network files.
    """
    config = scenario.config
    assert config.horizon is not None
    verdict = next(v for v in WORST_FIRST if any(o.verdict == v for o in outcomes))
    summary = dict(outcomes[0].summary)
    summary |= {
        "verdict": verdict,
        "cause": _cause(verdict, outcomes, scenario),
        "causes": _causes(outcomes),
        "iterations": sum(len(outcome.iterations) for outcome in outcomes),
        "steps": len(scenario.time),
        "start": scenario.time.index[0].isoformat(),
        "certificate": merged_certificates([o.summary["certificate"] for o in outcomes]),
        "horizon": {
            "windows": len(outcomes),
            "window_hours": config.horizon.window_hours,
            "look_ahead_hours": config.horizon.look_ahead_hours if config.horizon.carries else 0.0,
            "boundary": config.horizon.boundary,
            "network_files": network_files.number,
        },
        "costs": _costs(verdict, outcomes),
        "price_of_physics": _price_of_physics(verdict, outcomes),
        "co2_kg": emission_entry(summed_emissions(outcomes)),
        "lower_bound": {
            "cost": None,
            "gap": None,
            "copper_plate": None,
            "relief": None,
            "method": "nothing is proven for a horizon that is solved in windows",
        },
        "players": summaries.player_entries(players_of(config)),
        "settle_with": summaries.settled_with(
            config.bargaining, settled.shared.allocation if settled else None
        ),
        "notes": [],
        "seconds": summaries.rounded_seconds(_seconds(outcomes)),
    }
    summaries.add_notes(summary, _notes(outcomes))
    if settled is not None:
        summaries.add_notes(summary, settled.notes)
    return summary


def _cause(verdict: Verdict, outcomes: Sequence[WindowOutcome], scenario: Scenario) -> str:
    if verdict == "feasible":
        return ""
    bad = [outcome for outcome in outcomes if outcome.verdict == verdict]
    window = bad[0].window
    start = scenario.time.index[window.first].strftime("%Y-%m-%d %H:%M")
    text = f"window {window.number} from {start}: {bad[0].cause}"
    others = len(bad) - 1
    return f"{text}; {others} more windows are {verdict}" if others else text


def _causes(outcomes: Sequence[WindowOutcome]) -> list[dict[str, Any]]:
    """Return the causes of all windows, those of one element as one, most steps first."""
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for entry in (entry for outcome in outcomes for entry in outcome.summary["causes"]):
        key = tuple(entry[name] for name in ("grid", "limit", "element", "id"))
        known = merged.get(key)
        if known is None:
            merged[key] = dict(entry)
            continue
        steps = [*known["steps"], *entry["steps"]]
        needed = [
            e["least_relaxation"] for e in (known, entry) if e["least_relaxation"] is not None
        ]
        before = max(known["without_participants"], entry["without_participants"])
        worst = entry if entry["amount"] > known["amount"] else known
        merged[key] = worst | {
            "steps": steps,
            "least_relaxation": max((n for n in needed if n is not None), default=None),
            "without_participants": before,
        }
    return sorted(merged.values(), key=lambda entry: -len(entry["steps"]))[:CAUSES_KEPT]


def _costs(verdict: Verdict, outcomes: Sequence[WindowOutcome]) -> dict[str, Any]:
    totals = {
        world: {str(k): float(v) for k, v in summed_costs(outcomes, world)["total"].items()}
        for world in (COPPER_PLATE, TOGETHER, ALONE)
        if all(world in outcome.worlds for outcome in outcomes)
    }
    last = totals[TOGETHER]
    feasible = verdict == "feasible"
    by_participant: dict[str, Any] = {
        "copper_plate": totals[COPPER_PLATE],
        "verified": last if feasible else None,
        "last": last,
    }
    if ALONE in totals:
        by_participant["individual"] = totals[ALONE]
    return {
        "copper_plate": sum(totals[COPPER_PLATE].values()),
        "verified": sum(last.values()) if feasible else None,
        "last": sum(last.values()),
        "individual": sum(totals[ALONE].values()) if ALONE in totals else None,
        "by_participant": by_participant,
    }


def _price_of_physics(
    verdict: Verdict, outcomes: Sequence[WindowOutcome]
) -> dict[str, float | None]:
    """Return verified minus copper-plate cost; every dispatch follows its own path of states."""
    if verdict != "feasible":
        return {"total": None, "losses": None, "congestion": None}
    cost = {
        world: float(summed_costs(outcomes, world)["total"].sum())
        for world in (TOGETHER, COPPER_PLATE, LOSSES)
    }
    return {
        "total": cost[TOGETHER] - cost[COPPER_PLATE],
        "losses": cost[LOSSES] - cost[COPPER_PLATE],
        "congestion": cost[TOGETHER] - cost[LOSSES],
    }


def _notes(outcomes: Sequence[WindowOutcome]) -> Iterable[str]:
    found: dict[str, list[int]] = {}
    for outcome in outcomes:
        for note in outcome.notes:
            found.setdefault(note, []).append(outcome.window.number)
    for note, windows in list(found.items())[:NOTES_KEPT]:
        yield f"{note} (windows {', '.join(map(str, windows[:5]))}{_more(windows)})"
    if len(found) > NOTES_KEPT:
        yield f"{len(found) - NOTES_KEPT} more notes of windows are left out."


def _more(windows: Sequence[int]) -> str:
    return f" and {len(windows) - 5} more" if len(windows) > 5 else ""


def _seconds(outcomes: Sequence[WindowOutcome]) -> dict[str, float]:
    total: dict[str, float] = {}
    for outcome in outcomes:
        for stage, seconds in outcome.seconds.items():
            total[stage] = total.get(stage, 0.0) + seconds
    return total
