"""Run the cases and put them beside the published savings.

Run it from the repository: python examples/dalian/table.py

Writes RESULTS.md in this folder; finished runs in runs/dalian_* are used again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

import cosim

HERE = Path(__file__).parent
CASES = {
    "case_1": "1: all sharing",
    "case_2": "2: nobody shares",
    "case_3_1": "3.1: second office",
    "case_3_2": "3.2: second commercial",
    "electricity_only": "only electricity shared",
}
PUBLISHED = {"case_1": (13.19, 16.36), "case_3_1": (7.26, 10.83), "case_3_2": (19.44, 23.35)}
"""Savings of cost and CO2 in percent, Zeng 2024, doi:10.3389/fenrg.2024.1470769. Not tuned to."""
METHODS = {"shapley": "Shapley", "nucleolus": "nucleolus", "nash_harsanyi": "N-H"}


def main() -> None:
    """Write the table and print it."""
    runs = {name: folder(name) for name in CASES}
    text = "\n\n".join([HEAD, savings(runs), allocations(runs)]) + "\n"
    (HERE / "RESULTS.md").write_text(text)
    print(text)


def folder(name: str) -> Path:
    """Return the run folder of a case, after running it if there is none."""
    found = Path("runs") / f"dalian_{name}"
    if not (found / "summary.json").is_file():
        file = "scenario.yaml" if name == "case_1" else f"{name}.yaml"
        cosim.run(HERE / file, found, workers=2)
    return found


def summary(run: Path) -> dict[str, Any]:
    """Return the summary of a run."""
    found: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return found


def savings(runs: dict[str, Path]) -> str:
    """Return cost, CO2 and what sharing saves of them, ours and as published."""
    lines = [
        "| case | verdict | alone, USD | copper plate, USD | verified, USD | cost saving, % | "
        "published, % | CO2 saving, % | published, % | shared heat / electricity, kWh |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, title in CASES.items():
        one = summary(runs[name])
        costs, co2 = one["costs"], one["co2_kg"]
        cost = percent(costs["individual"], costs["verified"])
        carbon = percent(co2["individual"]["total"], co2["last"]["total"])
        paper = PUBLISHED.get(name, ("", ""))
        heat, power = shared(runs[name], "heat"), shared(runs[name], "electricity")
        lines.append(
            f"| {title} | {one['verdict']} | {costs['individual']:,.0f} | "
            f"{costs['copper_plate']:,.0f} | {costs['verified']:,.0f} | {cost:.2f} | {paper[0]} | "
            f"{carbon:.2f} | {paper[1]} | {heat:,.0f} / {power:,.0f} |"
        )
    return "\n".join(lines)


def percent(before: float, after: float) -> float:
    """Return a saving in percent; never a negative zero."""
    return round(100.0 * (before - after) / before, 2) + 0.0


def shared(run: Path, carrier: str) -> float:
    """Return the energy that participants give to the pool, steps of one hour."""
    table = pd.read_parquet(run / "schedule.parquet")
    given = table[(table["quantity"] == "share_out_kw") & (table["carrier"] == carrier)]
    return float(given["value"].sum())


def allocations(runs: dict[str, Path]) -> str:
    """Return three allocations of case 1 with three fairness indices."""
    table = pd.read_parquet(runs["case_1"] / "allocation.parquet")
    players = list(dict.fromkeys(table["player"]))
    lines = [
        "Case 1, benefit by player in USD, with fairness of the gains:",
        "",
        f"| method | {' | '.join(players)} | in the core | FI | Jain | Gini |",
        "|---" * (len(players) + 5) + "|",
    ]
    for method, title in METHODS.items():
        part = table[table["method"] == method].set_index("player")
        if part.empty:
            continue
        values = " | ".join(f"{part['value'][name]:.2f}" for name in players)
        first = part.iloc[0]
        inside = "yes" if part["in_core"].all() else "no"
        lines.append(
            f"| {title} | {values} | {inside} | {first['fi']:.3f} | {first['jain']:.3f} | "
            f"{first['gini']:.3f} |"
        )
    return "\n".join(lines)


HEAD = """# Results beside the published ones

Made by `table.py`. Published savings are Zeng 2024's, for building loads, prices and equipment that
are not printed there; ours are for the substitutes in README.md and were not tuned to them."""


if __name__ == "__main__":
    main()
