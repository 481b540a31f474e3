"""Put the benefits under every rule of bargaining power beside each other.

Run it from the repository: python examples/mies/powers.py [RUN_FOLDER]

Reads the tables of a finished run (runs/mies if no folder is named, which is run first where it is
missing), prints the benefits and writes RESULTS.md in this folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

import cosim

HERE = Path(__file__).parent
RUN = Path("runs") / "mies"
OTHER_RULES = {"shapley": "Shapley", "nucleolus": "nucleolus"}
SOURCES = {"marginal_contribution": "v(N) - v(N without it), EUR", "co2_saved_kg": "CO2 saved, kg"}
CARRIERS = ("electricity", "heat", "cooling")


def main(folder: Path) -> None:
    """Write the table of a run and print it."""
    if folder == RUN and not (folder / "summary.json").is_file():
        cosim.run(HERE / "scenario.yaml", folder)
    text = results(folder)
    (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


def results(folder: Path) -> str:
    """Return the page about a finished run."""
    values = coalition_values(pd.read_parquet(folder / "coalitions.parquet"))
    power = pd.read_parquet(folder / "bargaining_power.parquet")
    allocation = pd.read_parquet(folder / "allocation.parquet")
    found = benefits(values, power).join(other_benefits(allocation))
    parts = [HEAD, savings(folder), benefit_table(found, values), source_table(power)]
    return "\n\n".join(parts) + "\n"


def coalition_values(coalitions: pd.DataFrame) -> dict[frozenset[str], float]:
    """Return v(S) under the networks, in currency."""
    members = coalitions["coalition"].astype(str).str.split("+")
    pairs = zip(members, coalitions["value"], strict=True)
    return {frozenset(names): float(value) for names, value in pairs}


def benefits(values: dict[frozenset[str], float], power: pd.DataFrame) -> pd.DataFrame:
    """Return x_i = v(i) + alpha_i * (v(N) - sum of v(j)) for each rule.

    Args:
        values: v(S) by players, in currency.
        power: the run's bargaining_power.parquet.

    Returns:
        Players by rules, in currency.
    """
    alpha = power.pivot(index="player", columns="rule", values="weight")
    alone = pd.Series({name: values.get(frozenset({name}), 0.0) for name in alpha.index})
    surplus = values[frozenset(alpha.index)] - float(alone.sum())
    rules = list(dict.fromkeys(power["rule"]))
    found: pd.DataFrame = alpha[rules].mul(surplus).add(alone, axis=0)
    return found.loc[list(dict.fromkeys(power["player"]))]


def other_benefits(allocation: pd.DataFrame) -> pd.DataFrame:
    """Return the benefits that need no bargaining power, players by method."""
    table = allocation.pivot(index="player", columns="method", values="value")
    return table[list(OTHER_RULES)].rename(columns=OTHER_RULES)


def gain_by_leaving(values: dict[frozenset[str], float], benefit: pd.Series) -> float:
    """Return what the worst-off coalition would gain by leaving; negative: nobody would leave."""
    everybody = len(benefit)
    return max(v - float(benefit[list(s)].sum()) for s, v in values.items() if len(s) < everybody)


def benefit_table(found: pd.DataFrame, values: dict[frozenset[str], float]) -> str:
    """Return benefits as a table, rules by players, with what leaving would bring."""
    lines = [
        "Benefit in EUR of the day:",
        "",
        f"| rule | {' | '.join(found.index)} | most that leaving would bring a coalition |",
        "|---" * (len(found.index) + 2) + "|",
    ]
    for rule, benefit in found.items():
        cells = " | ".join(f"{value:,.2f}" for value in benefit)
        lines.append(f"| {rule} | {cells} | {gain_by_leaving(values, benefit):,.2f} |")
    return "\n".join(lines)


def source_table(power: pd.DataFrame) -> str:
    """Return what the weights come from: energies given and taken, contribution, CO2."""
    one = power.drop_duplicates("player").set_index("player")
    titles = {
        f"{side}_{carrier}_kwh": f"{carrier} {verb}, kWh"
        for carrier in CARRIERS
        for side, verb in (("out", "given"), ("in", "taken"))
    } | SOURCES
    lines = [
        "What the weights come from:",
        "",
        f"| | {' | '.join(one.index)} |",
        "|---" * (len(one.index) + 1) + "|",
    ]
    for column, title in titles.items():
        if column in one:
            lines.append(f"| {title} | {' | '.join(f'{v:,.0f}' for v in one[column])} |")
    for rule, part in power.groupby("rule", sort=False, observed=True):
        weights = part.set_index("player")["weight"].loc[one.index]
        lines.append(f"| weight, {rule} | {' | '.join(f'{v:.3f}' for v in weights)} |")
    return "\n".join(lines)


def savings(folder: Path) -> str:
    """Return what the whole run saves."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    costs, co2 = summary["costs"], summary["co2_kg"]
    alone, together = costs["individual"], costs["verified"]
    carbon = 100.0 * (1.0 - co2["last"]["total"] / co2["individual"]["total"])
    return (
        f"Verdict {summary['verdict']}. Everyone alone {alone:,.0f} EUR, together without networks "
        f"{costs['copper_plate']:,.0f} EUR, together and verified {together:,.0f} EUR: a saving of "
        f"{100.0 * (1.0 - together / alone):.1f} % of cost and {carbon:.1f} % of CO2."
    )


HEAD = """# Who gets what, by rule of bargaining power

Made by `powers.py` from the tables of a run. Shapley and nucleolus need no bargaining power."""


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RUN)
