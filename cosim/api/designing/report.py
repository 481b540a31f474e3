"""`summary.json` of a design run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosim.api import summary as summaries
from cosim.api.designing.money import LOSSES, verified_stage
from cosim.api.designing.search import Found
from cosim.api.designing.settled import SettledDesign
from cosim.api.designing.tables import label
from cosim.coupling.merged import merged_certificates
from cosim.records.design import Design
from cosim.results import RunTables

NOTES_KEPT = 12


def run_summary(settled: SettledDesign, days: Mapping[str, RunTables]) -> dict[str, Any]:
    """Return the summary of a design run; costs are per year.

    Args:
        settled: designs, costs and shares of all coalitions.
        days: tables of the grand coalition's days.
    """
    base, apart = settled.base, settled.apart
    grand, own = settled.found[settled.everyone], settled.costs[settled.everyone]
    parts = [one.summary for one in days.values()]
    first = parts[0]
    verified = float(own.verified.sum()) if grand.verdict == "feasible" else None
    copper = float(own.copper.sum())
    total = None if verified is None else verified - copper
    losses = None if verified is None else float(own.verified.get(LOSSES, 0.0))
    summary = dict(first) | {
        "name": base.config.name,
        "description": base.config.description,
        "verdict": grand.verdict,
        "cause": grand.cause,
        "causes": [cause for part in parts for cause in part["causes"]],
        "iterations": len(grand.attempts),
        "steps": len(base.time),
        "start": base.time.index[0].isoformat(),
        "certificate": merged_certificates([part["certificate"] for part in parts])
        | {"input_hash": base.input_hash},
        "costs": {
            "copper_plate": copper,
            "verified": verified,
            "last": float(own.verified.sum()),
            "individual": _alone(apart),
            "by_participant": {"verified": _by_owner(grand), "individual": _by_owner(apart)},
        },
        "price_of_physics": {
            "total": total,
            "losses": losses,
            "congestion": None if total is None or losses is None else total - losses,
        },
        "lower_bound": _bound(grand, verified),
        "players": {name: [name] for name in settled.problem.buildings},
        "settle_with": settled.shares.recommendation["method"],
        "notes": [],
        "design": _design(settled),
    }
    summary.pop("co2_kg", None)
    summaries.add_notes(summary, _notes(settled, parts))
    return summary


def _alone(apart: Found) -> float:
    return verified_stage(apart.plan, apart.days).total


def _by_owner(one: Found) -> dict[str, float]:
    owners = verified_stage(one.plan, one.days).by_owner()
    return {str(name): float(value) for name, value in owners.items()}


def _bound(grand: Found, verified: float | None) -> dict[str, Any]:
    """Return the proven bound of the design problem without networks."""
    bound = float(grand.copper[0].bound_per_year)
    gap = None if verified is None else (verified - bound) / max(abs(verified), 1e-9)
    method = "dual bound of the design problem of all buildings together, without networks"
    return {"cost": bound, "gap": gap, "copper_plate": bound, "relief": None, "method": method}


def _design(settled: SettledDesign) -> dict[str, Any]:
    """Return the section `design`: both designs, their difference, fairness, coalitions."""
    problem, shares = settled.problem, settled.shares
    grand, own = settled.found[settled.everyone], settled.costs[settled.everyone]
    copper, final = grand.copper[0], grand.plan.designs
    passed = grand.verdict == "feasible"
    price = float(own.verified.sum()) - float(own.copper.sum())
    return {
        "buildings": list(problem.buildings),
        "sites": {n: {"x_m": s.x_m, "y_m": s.y_m} for n, s in problem.spec.sites.items()},
        "typical_days": {
            day.name: {
                "weight_days": day.weight_days,
                "date": f"{settled.base.time.index[24 * day.position]:%Y-%m-%d}",
            }
            for day in problem.days
        },
        "copper_plate": {
            **_content((copper,)), "cost_per_year": float(own.copper.sum()),
        },
        "verified": {
            **_content(final),
            "cost_per_year": float(own.verified.sum()) if passed else None,
        },
        "price_of_physics_per_year": price if passed else None,
        "price_of_physics_by_component": {
            str(name): float(own.verified.get(name, 0.0)) - float(own.copper.get(name, 0.0))
            for name in dict.fromkeys([*own.copper.index, *own.verified.index])
        },
        "changes": changes((copper,), final),
        "fairness": shares.fairness,
        "recommendation": shares.recommendation,
        "coalitions": {
            label(members): {
                "copper_plate": float(cost.copper.sum()),
                "verified": float(cost.verified.sum()),
                "feasible": cost.feasible,
            }
            for members, cost in settled.costs.items()
        },
    }  # fmt: skip


def _content(designs: tuple[Design, ...]) -> dict[str, Any]:
    return {
        "units": [
            {"building": u.building, "device": u.device, "kind": u.kind, "count": u.count,
             "size": u.size, "unit": u.unit}
            for design in designs
            for u in design.units
        ],
        "pipes": [
            {"name": p.name, "from": p.a, "to": p.b, "length_m": p.length_m, "dn": p.dn}
            for design in designs
            for p in design.pipes
        ],
    }  # fmt: skip


LEAST_CHANGE = 0.02
"""Share of a size below which a change is not told."""


def changes(before: tuple[Design, ...], after: tuple[Design, ...]) -> list[str]:
    """Return how the verified design differs from the copper-plate design, in sentences."""
    told = []
    old = {p.name: p for design in before for p in design.pipes}
    new = {p.name: p for design in after for p in design.pipes}
    for name in dict.fromkeys([*old, *new]):
        a, b = old.get(name), new.get(name)
        if a is None and b is not None:
            told.append(f"{name} is laid with DN {b.dn}; the copper-plate design lays nothing.")
        elif b is None and a is not None:
            told.append(f"{name} is not laid; the copper-plate design lays DN {a.dn}.")
        elif a is not None and b is not None and a.dn != b.dn:
            told.append(f"{name} is laid with DN {b.dn} in place of DN {a.dn}.")
    sizes = [
        {(u.building, u.device): (u.count * u.size, u.unit) for d in designs for u in d.units}
        for designs in (before, after)
    ]
    for key in dict.fromkeys([*sizes[0], *sizes[1]]):
        unit = (sizes[1].get(key) or sizes[0][key])[1]
        was, now = (one.get(key, (0.0, unit))[0] for one in sizes)
        if abs(now - was) > LEAST_CHANGE * max(was, now):
            what = key[1].replace("_", " ")
            told.append(f"{key[0]}: {what} has {now:,.0f} {unit} in place of {was:,.0f} {unit}.")
    return told


def _notes(settled: SettledDesign, parts: list[dict[str, Any]]) -> list[str]:
    """Return what did not pass, was not proven, or is noted by a day."""
    notes = list(settled.shares.notes)
    together = ((label(members), one) for members, one in settled.found.items())
    for who, one in (("nobody", settled.apart), *together):
        if one.verdict != "feasible":
            notes.append(f"Together: {who}. The design does not pass ({one.verdict}): {one.cause}")
        elif who != "nobody" and one.plan.together != frozenset(who.split("+")):
            part = label(one.plan.together) or "nobody"
            notes.append(
                f"{who}: no design of all of them that passes the networks is cheaper than that "
                f"with {part} together, which stands."
            )
        unproven = [design for design in one.copper if not design.proven]
        if unproven:
            gap = max(design.gap for design in unproven)
            notes.append(f"{who}: the search ended at its time limit with a gap of {gap:.2%}.")
    days = list(dict.fromkeys(note for part in parts for note in part["notes"]))
    return [*notes, *days[:NOTES_KEPT]]


__all__ = ["changes", "run_summary"]
