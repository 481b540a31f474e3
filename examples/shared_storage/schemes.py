"""Run the five schemes and put them beside each other and the published savings.

Run it from the repository: python examples/shared_storage/schemes.py

Writes RESULTS.md and figures/ in this folder; finished runs in runs/shared_storage_* are used
again.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import cosim
from cosim.report import style, text
from cosim.report.svg import svg

HERE = Path(__file__).parent
RUNS = Path("runs")
FIGURES = HERE / "figures"
SCHEMES = {
    1: "leader and followers, cooperation, all carriers",
    2: "as 1, battery only",
    3: "fixed prices, cooperation",
    4: "leader and followers, no cooperation",
    5: "fixed prices, no cooperation",
}
PUBLISHED = {2: 29.6, 3: 15.1, 5: 20.8}
"""Saving of scheme 1 against others in percent, Zhou 2025, doi:10.3389/fenrg.2025.1602891. Not
tuned to."""
FROM_REPORT = {
    "leader_prices": "Scheme 1: prices that the operator announced, inside what it may choose; "
    "thick where energy is traded at them.",
    "leader_trades": "Scheme 1: what each microgrid takes from the operator (up) and gives it "
    "(down).",
    "leader_peers": "Scheme 1: what the microgrids share, and the price that it is settled at.",
    "balance_mg2": "Scheme 1: electricity, heat and hydrogen of microgrid 2; above the line what "
    "supplies it, below the line what uses the energy.",
    "leader_search": "Scheme 1, convergence of both games. Blue and orange: the operator's search "
    "for prices, without networks and with what they refused. Green and purple: the "
    "microgrids answer the announced prices, exchanging only proposals of trade.",
    "negotiation": "Scheme 1, inner game: dispatch (left), then the prices that the microgrids pay "
    "each other (right), both without a centre.",
}
"""Figures of the report of scheme 1 that are shown in RESULTS.md, and what they show."""


@dataclass(frozen=True)
class Outcome:
    """What a scheme costs whom, in CNY over the day.

    Attributes:
        verdict: of the run.
        microgrids: cost of each microgrid, payments to the operator included.
        others: losses and pumps, and who runs the sharing.
        profit: of the operator, before investment.
        investment: of the operator, share of the day.
        revenue: of the operator by carrier, sold less bought.
        fees: service fees it receives.
        own_costs: of its plant.
        co2_kg: of everybody.
        leader: `leader` of the summary.
        inner: `distributed` of the summary, empty where the followers' game was not solved again.
    """

    verdict: str
    microgrids: dict[str, float]
    others: float
    profit: float
    investment: float
    revenue: dict[str, float]
    fees: float
    own_costs: float
    co2_kg: float
    leader: dict[str, Any]
    inner: dict[str, Any]

    @property
    def alliance(self) -> float:
        """Cost of all microgrids, what the networks and the sharing cost them included."""
        return sum(self.microgrids.values()) + self.others

    @property
    def left(self) -> float:
        """What the operator keeps after investment."""
        return self.profit - self.investment

    @property
    def total(self) -> float:
        """Cost of operation of microgrids and operator together: what they trade cancels."""
        return self.alliance - self.profit

    @property
    def total_invested(self) -> float:
        """The same with the operator's investment."""
        return self.alliance - self.left


def main() -> None:
    """Write the page with its figures and print it."""
    folders = {number: folder(number) for number in SCHEMES}
    outcomes = {number: outcome(path) for number, path in folders.items()}
    text_ = page(outcomes, figures(outcomes, folders[1]))
    (HERE / "RESULTS.md").write_text(text_, encoding="utf-8")
    print(text_)


def folder(number: int) -> Path:
    """Return the run folder of a scheme, after running it if there is none."""
    found = RUNS / f"shared_storage_{number}"
    if not (found / "summary.json").is_file():
        file = "scenario.yaml" if number == 1 else f"scheme_{number}.yaml"
        cosim.run(HERE / file, found)
    return found


def outcome(run: Path) -> Outcome:
    """Read a finished run."""
    summary: dict[str, Any] = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    leader = summary["leader"]
    costs = dict(summary["costs"]["by_participant"]["last"])
    profit = -costs.pop(leader["participant"])
    others = sum(costs.pop(name, 0.0) for name in ("network", "system_operator"))
    revenue = {c: sum(sides.values()) for c, sides in leader["revenue"].items()}
    return Outcome(
        verdict=summary["verdict"],
        microgrids=costs,
        others=others,
        profit=profit,
        investment=leader["investment_per_horizon"],
        revenue=revenue,
        fees=leader["service_fees"],
        own_costs=leader["own_costs"],
        co2_kg=summary["co2_kg"]["last"]["total"],
        leader=leader,
        inner=summary.get("distributed") or {},
    )


def saving(before: float, after: float) -> float:
    """Return a saving in percent; never a negative zero."""
    return round(100.0 * (before - after) / before, 2) + 0.0


def page(outcomes: dict[int, Outcome], drawn: list[tuple[str, str]]) -> str:
    """Return RESULTS.md."""
    parts = [HEAD, scheme_table(outcomes), saving_table(outcomes), profit_table(outcomes)]
    parts += [inner_table(one.inner) for one in outcomes.values() if one.inner]
    parts += [f"![{caption}](figures/{name}.svg)\n\n{caption}" for name, caption in drawn]
    return "\n\n".join(parts) + "\n"


def scheme_table(outcomes: dict[int, Outcome]) -> str:
    """Return costs and revenue per scheme."""
    names = list(outcomes[1].microgrids)
    head = ["scheme", "verdict", *names, "microgrids", "operator's trade", "fees", "own costs",
            "profit", "after investment", "all together", "with investment", "CO2, t"]  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for number, one in outcomes.items():
        values = [*one.microgrids.values(), one.alliance, sum(one.revenue.values()), one.fees,
                  -one.own_costs, one.profit, one.left, one.total, one.total_invested]  # fmt: skip
        cells = [f"{number}: {SCHEMES[number]}", one.verdict, *(f"{v:,.0f}" for v in values)]
        lines.append(f"| {' | '.join([*cells, f'{one.co2_kg / 1000.0:.1f}'])} |")
    return "\n".join(lines)


def saving_table(outcomes: dict[int, Outcome]) -> str:
    """Return what scheme 1 saves against the others, ours and as published."""
    lines = [
        "Scheme 1 against the others, saving in percent:",
        "",
        "| against scheme | all together | with investment | microgrids alone | published |",
        "|---|---|---|---|---|",
    ]
    first = outcomes[1]
    for number, one in outcomes.items():
        if number != 1:
            lines.append(
                f"| {number}: {SCHEMES[number]} | {saving(one.total, first.total):.2f} | "
                f"{saving(one.total_invested, first.total_invested):.2f} | "
                f"{saving(one.alliance, first.alliance):.2f} | {PUBLISHED.get(number, '')} |"
            )
    return "\n".join(lines)


def profit_table(outcomes: dict[int, Outcome]) -> str:
    """Return the operator's profit under every assumption about the answer to its prices."""
    kinds = ("optimistic", "pessimistic", "nudged", "simulated", "verified")
    head = ["scheme", *kinds, "bound", "gap, %", "priced again"]
    lines = [
        "Profit of the operator in CNY before investment, by what is assumed about the answer:",
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
    ]
    for number, one in outcomes.items():
        gap = one.leader["gap"]
        shown = kinds if one.leader["method"] != "fixed" else kinds[-1:]
        profit = {kind: one.leader["profit"].get(kind) for kind in shown}
        cells = [*(number_or_dash(profit.get(kind)) for kind in kinds),
                 number_or_dash(one.leader["bound"]),
                 "" if gap is None else f"{100.0 * gap:.2f}",
                 str(one.leader["repriced"])]  # fmt: skip
        lines.append(f"| {number} | {' | '.join(cells)} |")
    return "\n".join(lines)


def inner_table(inner: dict[str, Any]) -> str:
    """Return how the microgrids' own game went without a centre, and how far from with one."""
    head = ["scheme 1", "agreed", "rounds", "cost", "with a centre", "difference"]
    dispatch = ["dispatch", "yes" if inner["converged"] else "no", str(inner["rounds"]),
                f"{inner['cost']:,.0f}", f"{inner['central_cost']:,.0f}",
                f"{100.0 * inner['relative_difference']:.3f} %"]  # fmt: skip
    lines = [
        "The microgrids' answer to the announced prices, found among themselves (ADMM); CNY:",
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
        f"| {' | '.join(dispatch)} |",
    ]
    prices = inner.get("prices")
    if prices:
        cells = ["prices among them", "yes" if prices["converged"] else "no", str(prices["rounds"]),
                 "", "", f"{prices['largest_difference']:.3f} at most for anybody"]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def number_or_dash(value: float | None) -> str:
    """Return an amount of money, or nothing where there is none."""
    return "" if value is None else f"{value:,.0f}"


def figures(outcomes: dict[int, Outcome], first: Path) -> list[tuple[str, str]]:
    """Draw the comparison, take the others from the report; return names and captions."""
    shutil.rmtree(FIGURES, ignore_errors=True)
    FIGURES.mkdir()
    with style.look():
        (FIGURES / "schemes.svg").write_text(svg(scheme_figure(outcomes)), encoding="utf-8")
    found = [("schemes", "Costs of the microgrids (left) and account of the operator (right) in "
              "the five schemes.")]  # fmt: skip
    for name, caption in FROM_REPORT.items():
        drawn = first / "figures" / f"{name}.svg"
        if drawn.is_file():
            shutil.copy2(drawn, FIGURES / drawn.name)
            found.append((name, caption))
    return found


COLOURS = (style.BLUE, style.GOLD, style.GREEN)
INCOME = {"electricity": style.ORANGE, "heat": "#b03a48", "hydrogen": "#7cc4b5"}


def scheme_figure(outcomes: dict[int, Outcome]) -> Figure:
    """Return bars of costs per microgrid, and of the operator's account, per scheme."""
    figure = style.figure(3.2)
    left, right = figure.subplots(1, 2)
    at = np.arange(len(outcomes))
    base = np.zeros(len(outcomes))
    handles = []
    for name, colour in zip(outcomes[1].microgrids, COLOURS, strict=False):
        values = np.array([one.microgrids[name] for one in outcomes.values()])
        left.bar(at, values, 0.68, bottom=base, color=colour)
        handles.append(Patch(color=colour, label=f"cost of {name}"))
        base += values
    for x, one in zip(at, outcomes.values(), strict=True):
        left.annotate(f"{one.alliance:,.0f}", (x, sum(one.microgrids.values())), xytext=(0, 2),
                      textcoords="offset points", ha="center", fontsize=8.0)  # fmt: skip
    left.set_title("Microgrids, CNY")
    left.set_ylim(0.0, 1.1 * base.max())
    parts = {
        **{f"{carrier} traded": (np.array([o.revenue.get(carrier, 0.0) for o in outcomes.values()]),
           colour) for carrier, colour in INCOME.items()},
        "service fees": (np.array([o.fees for o in outcomes.values()]), style.PURPLE),
        "own costs (up: gas network buys hydrogen)": (
            np.array([-o.own_costs for o in outcomes.values()]), style.GREY),
        "investment": (np.array([-o.investment for o in outcomes.values()]), style.LIGHT),
    }  # fmt: skip
    up, down = np.zeros(len(outcomes)), np.zeros(len(outcomes))
    for label, (values, colour) in parts.items():
        right.bar(at, values.clip(min=0.0), 0.68, bottom=up, color=colour)
        right.bar(at, values.clip(max=0.0), 0.68, bottom=down, color=colour)
        up, down = up + values.clip(min=0.0), down + values.clip(max=0.0)
        handles.append(Patch(color=colour, label=label))
    left_over = [one.left for one in outcomes.values()]
    right.plot(at, left_over, "D", color=style.INK, markersize=5.0)
    right.axhline(0.0, color=style.INK, linewidth=0.7)
    right.set_title("Operator, CNY; the diamond is what is left")
    for axis in (left, right):
        axis.set_xticks(at, [f"scheme {number}" for number in outcomes])
        axis.tick_params(axis="x", length=0, labelcolor=style.INK)
        axis.yaxis.set_major_formatter(text.tick)
    figure.legend(handles=handles, loc="outside upper left", ncols=5, handlelength=1.2)
    return figure


HEAD = """# Five schemes beside each other

Made by `schemes.py`. All amounts are CNY for the day. `microgrids` is what the three microgrids
pay, networks' losses and payments to the operator included; `all together` is that less the
operator's profit, so what the two pay each other cancels; `with investment` adds the day's share
of the operator's devices. Published savings are Zhou 2025's, for capacities, tariffs and profiles
that are not printed there; ours are for the substitutes in README.md and were not tuned to them."""


if __name__ == "__main__":
    main()
