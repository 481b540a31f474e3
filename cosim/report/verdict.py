"""The verdict in words, with what stands in the way and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosim.report import text
from cosim.report.data import Run
from cosim.report.page import Banner, Tile

MOST_CAUSES = 5
ADVICE: Mapping[str, str] = {
    "voltage_min": "Raise the transformer tap or reinforce the feeder, move load out of these "
    "hours, or connect less there.",
    "voltage_max": "Lower the transformer tap, let inverters absorb reactive power, store or "
    "curtail at these hours, or reinforce the feeder.",
    "line_loading_max": "Reinforce the cable or split the feeder, or give participants behind it "
    "something that can shift or store.",
    "trafo_loading_max": "Fit a larger transformer, or give participants behind it something that "
    "can shift or store.",
    "import_max": "Raise the contracted power, or add local supply or storage.",
    "export_max": "Raise the contracted feed-in, or add storage or flexible demand.",
    "differential_pressure_min": "Raise the pump's lift, enlarge the pipes on the way, or feed "
    "heat in nearer to these consumers.",
    "supply_temperature_min": "Raise the supply temperature, insulate better, or keep a minimum "
    "flow in the branch.",
    "supply_temperature_max": "Lower the supply temperature, insulate better, or keep a minimum "
    "flow in the branch.",
    "velocity_max": "Enlarge the pipe, or feed in on the other side of it.",
    "pressure_min": "Raise the supply pressure, enlarge the pipes on the way, or use less gas "
    "there at these hours.",
    "pressure_max": "Lower the supply pressure or the feed-in.",
    "producer_max": "Enlarge the plant, or let participants feed in more heat.",
    "pump_max": "Fit a larger pump, or shave the peak of the heat demand.",
    "return_temperature_max": "Lower the return temperature of the house stations.",
    "return_temperature_min": "Raise the return temperature of the stations, or let less water "
    "past them.",
    "feed_in_max": "Feed in less gas than is taken at every step.",
    "plant_heat_min": "Let participants feed in less heat, or store more of it.",
}
WATER_ADVICE: Mapping[str, str] = {
    "pressure_min": "Raise the pressure at the plant, enlarge the pipes on the way, or feed in "
    "less heat there at these hours.",
    "pressure_max": "Lower the pressure at the plant or the pump's lift.",
}


def banner(run: Run) -> Banner:
    """Return the verdict with causes and advice."""
    summary = run.summary
    checks, missed = check_counts(run)
    if summary["verdict"] == "feasible" and missed:
        sentence = (
            f"The run calls itself feasible, but its certificate counts {missed:,} "
            f"limit{'s' if missed != 1 else ''} as missed. Do not rely on it; run it again."
        )
        return Banner("bad", "Contradiction", sentence)
    if summary["verdict"] == "feasible":
        engines = text.listed(sorted(set(_engines(run))))
        by = f" by {engines}" if engines else ""
        sentence = (
            f"All {checks:,} checks pass in {_networks(run)}: every limit, at every element and "
            f"every step, verified{by}."
        )
        return Banner("good", "Feasible", sentence)
    details = [cause_text(run, cause) for cause in summary["causes"][:MOST_CAUSES]]
    left = len(summary["causes"]) - len(details)
    if left > 0:
        details.append(f"and {left} more; see the tightest checks below")
    if summary["verdict"] == "infeasible":
        return Banner("bad", "Not feasible", _why_not(run, missed), details, _advice(run))
    sentence = (
        f"The budget ran out before every check passed ({missed:,} of {checks:,} are still missed "
        "in the last dispatch). This is not a pass. "
    )
    sentence += "" if details else _capital(summary["cause"])
    more = (
        "Give the search more room: coupling.max_iterations, solver.time_limit_s or a smaller "
        "solver.mip_gap."
    )
    return Banner("open", "Unresolved", sentence.strip(), details, [more, *_advice(run)])


def _why_not(run: Run, missed: int) -> str:
    if not run.summary["causes"]:
        return _capital(run.summary["cause"] or "No schedule can keep every limit")
    count = f"{missed:,} check{'s' if missed != 1 else ''}"
    if run.summary.get("costs"):
        return f"No schedule of this community can keep every limit. The closest misses {count}."
    return f"This schedule misses {count}."


def _capital(sentence: str) -> str:
    whole = sentence[:1].upper() + sentence[1:]
    return whole if not whole or whole.endswith((".", "!", "?")) else f"{whole}."


def check_counts(run: Run) -> tuple[int, int]:
    """Return how many checks were made, and how many limits were missed."""
    entries = [e for grid in run.kinds for e in run.limits(grid).values()]
    failed = sum((run.summary["certificate"].get("failed_steps") or {}).values())
    checks = sum(int(entry["checks"]) for entry in entries)
    return checks, sum(int(entry["violations"]) for entry in entries) + int(failed)


def _engines(run: Run) -> list[str]:
    return list((run.summary["certificate"].get("engines") or {}).values())


def _networks(run: Run) -> str:
    names = [f"the {text.GRID_TITLES[kind].lower()} network" for kind in run.kinds.values()]
    return text.listed(names) or "no network"


def cause_text(run: Run, cause: Mapping[str, Any]) -> str:
    """Return one cause as a sentence."""
    unit, kind = str(cause["unit"]), run.kinds.get(cause["grid"], "")
    one, _ = text.ELEMENTS.get(cause["element"], (text.spoken(cause["element"]), ""))
    name = f" {text.shorten(cause['name'])}" if cause.get("name") else ""
    steps = cause["steps"]
    count = len(steps) if isinstance(steps, list) else int(steps)
    network = text.GRID_TITLES.get(kind, text.title(cause["grid"]))
    amount = text.in_unit(cause["amount"], unit)
    when = text.clock(cause["worst_time"], True)
    parts = [
        f"{network}, {one}{name} (index {cause['id']}): "
        f"{text.limit_name(cause['limit']).lower()} missed by {amount} at {when}, "
        f"at {count} step{'s' if count != 1 else ''} in all"
    ]
    relaxation = cause.get("least_relaxation")
    if relaxation:
        parts.append(f"the least relaxation that would do is {text.in_unit(relaxation, unit)}")
    alone = cause.get("without_participants")
    if alone:
        parts.append(f"background customers alone already miss it by {text.in_unit(alone, unit)}")
    return "; ".join(parts) + "."


def _advice(run: Run) -> list[str]:
    found: list[str] = []
    for cause in run.summary["causes"]:
        limit, kind = str(cause["limit"]), run.kinds.get(cause["grid"], "")
        hint = WATER_ADVICE.get(limit) if kind in ("heat", "cooling") else None
        hint = hint or ADVICE.get(limit)
        line = f"{text.limit_name(limit)}: {hint[:1].lower()}{hint[1:]}" if hint else ""
        if line and line not in found:
            found.append(line)
    return found


def tiles(run: Run) -> list[Tile]:
    """Return the key figures."""
    costs: Mapping[str, Any] = run.summary.get("costs") or {}
    price: Mapping[str, Any] = run.summary.get("price_of_physics") or {}
    bound: Mapping[str, Any] = run.summary.get("lower_bound") or {}
    found: list[Tile] = []

    def add(name: str, value: float | None, note: str, sign: bool = False) -> None:
        if value is not None:
            found.append(Tile(name, text.money(value, run.currency, sign), note))

    alone, verified, copper = (costs.get(key) for key in ("individual", "verified", "copper_plate"))
    add("Everyone alone", alone, "under the same networks, nothing shared")
    add("Shared, without networks", copper, "copper plate: what a market alone would promise")
    saving = None if alone is None or verified is None else alone - verified
    share = None if saving is None or not alone else saving / abs(alone)
    add("Shared, verified", verified, f"{text.percent(share)} below alone" if share else "")
    share = None if price.get("total") is None or not copper else price["total"] / abs(copper)
    note = f"{text.percent(share, sign=True)} on the copper plate" if share is not None else ""
    add("Price of physics", price.get("total"), note, sign=True)
    if bound.get("gap") is not None:
        note = f"proven lower bound {text.money(bound['cost'], run.currency)}"
        found.append(Tile("At most above optimum", text.percent(bound["gap"], 2), note))
    if not found:
        checks, missed = check_counts(run)
        found = [Tile("Checks", f"{checks:,}"), Tile("Limits missed", f"{missed:,}")]
    return found
