"""The sections of a design report, in reading order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cosim.report import tables as common
from cosim.report import text
from cosim.report.allocation import allocation_figure, coalition_figure
from cosim.report.costs import participant_costs
from cosim.report.data import Run
from cosim.report.design import tables
from cosim.report.design.costs import cost_figure
from cosim.report.design.days import day_figure, pipe_figure
from cosim.report.design.energy import energy_figure
from cosim.report.design.layout import layout_figure
from cosim.report.page import Banner, Block, Section, Tile, Words, listed_table, picture
from cosim.report.verdict import banner, check_counts


def design_sections(run: Run) -> list[Section]:
    """Return every section of a run in design mode."""
    makers: Sequence[Callable[[Run], Section | None]] = (
        _layout, _physics, _energy, _coalitions, _shares, _days, _search, _certificate,
    )  # fmt: skip
    return [section for maker in makers if (section := maker(run)) is not None]


def _grand(run: Run) -> str:
    return "+".join(sorted(run.summary["design"]["buildings"]))


def _layout(run: Run) -> Section:
    design, grand = run.summary["design"], _grand(run)
    final = design["verified"]
    pipes = [f"{p['from']} to {p['to']} (DN{text.NO_BREAK}{p['dn']})" for p in final["pipes"]]
    laid = f"Heat pipes are laid from {text.listed(pipes, 6)}." if pipes else (
        "No heat pipe is laid: none pays for itself."
    )  # fmt: skip
    lead = f"{laid} Every building buys what the map shows."
    caption = (
        "Sites and candidate routes (dashed grey), laid pipes (red, as wide as their diameter, "
        "with the most heat that is planned to enter them), and what each building buys."
    )
    blocks: list[Block | str] = [
        *picture("layout", layout_figure(run, grand), caption),
        tables.unit_table(run, grand),
    ]
    return Section("design", "What to buy and which pipes to lay", lead, blocks)


def _physics(run: Run) -> Section:
    design = run.summary["design"]
    price, told = design["price_of_physics_per_year"], list(design["changes"])
    if price is None:
        lead = "The design did not pass the networks, so there is no price of physics."
    else:
        share = price / abs(design["copper_plate"]["cost_per_year"])
        lead = (
            f"The design that passes the networks costs {text.money(price, run.currency, True)} a "
            f"year ({text.percent(share, 2, True)}) against the copper-plate design."
        )
    if told:
        blocks: list[Block | str] = [Words(told, listed=True)]
    else:
        blocks = [Words(["Units and pipes are those of the copper-plate design."])]
    blocks.append(tables.price_table(run))
    why = tables.reasons(run, _grand(run))
    if why:
        blocks += ["What physics taught", Words(why, listed=True)]
    return Section("physics", "What physics changed", lead, blocks)


def _energy(run: Run) -> Section | None:
    caption = (
        "Energy of a year from what is bought (left) to what is used (right), height in "
        "proportion; grey ends are losses. Heat pumps and chillers move more heat than the "
        "electricity they take; stores are left out but for their losses."
    )
    blocks = picture("energy", energy_figure(run, _grand(run)), caption)
    if not blocks:
        return None
    lead = "Where the energy of a year comes from and where it goes, everyone together."
    return Section("energy", "Energy over a year", lead, blocks)


def _coalitions(run: Run) -> Section:
    costs = run.summary["design"]["coalitions"]
    order = list(run.summary["design"]["buildings"])
    grand = _grand(run)
    alone = sum(costs[name]["verified"] for name in order)
    saved = alone - costs[grand]["verified"]
    lead = (
        f"All {len(costs)} coalitions are designed, each with units and pipes of its own, and held "
        f"against the networks. Together, {text.listed([text.spoken(n) for n in order])} pay "
        f"{text.money(saved, run.currency)} ({text.percent(saved / alone)}) a year less than each "
        "alone."
    )
    caption = (
        "What each coalition pays a year in its verified design, by component; the mark is what "
        "its buildings pay when each is alone, so the distance to the bar is the saving."
    )
    blocks: list[Block | str] = [*picture("coalition_costs", cost_figure(run), caption)]
    blocks += picture(
        "coalitions", coalition_figure(run),
        "What each coalition saves a year, verified, and what its copper-plate design promises.",
    )  # fmt: skip
    return Section("coalitions", "What every coalition pays", lead, blocks)


def _shares(run: Run) -> Section | None:
    advice: dict[str, Any] = run.summary["design"]["recommendation"]
    if run.tables.allocation.empty:
        return None
    name = text.METHODS.get(advice["method"], text.title(advice["method"]))
    lead = f"Recommended: {name}. {advice['reason']}"
    blocks: list[Block | str] = [
        *picture(
            "allocation", allocation_figure(run),
            "Saving per year of each building under four schemes; the recommended one carries its "
            "numbers.",
        ),
        tables.scheme_table(run),
        *picture(
            "payments", participant_costs(run),
            "Cost of each building alone and together, its saving, and the payment that leads "
            "there.",
        ),
        *listed_table(common.payment_table(run)),
    ]  # fmt: skip
    return Section("shares", "Who gets what", lead, blocks)


def _days(run: Run) -> Section:
    table = run.tables.design_days
    mine = table[table["coalition"] == _grand(run)]
    bad = int((mine["verdict"] != "feasible").sum())
    end = "every one passes" if not bad else f"{bad} of them do not pass"
    typical = int((mine["weight_days"] > 0.0).sum())
    lead = (
        f"{typical} typical days stand for the year and {len(mine) - typical} design days for its "
        f"extremes; {end}."
    )
    blocks: list[Block | str] = [
        *picture(
            "days", day_figure(run),
            "What supplies all buildings together on each day, and their demand (line). Supply "
            "above the line covers losses, charges stores, drives heat pumps and chillers, or is "
            "fed in.",
        ),
        *picture(
            "pipes", pipe_figure(run),
            "Heat that each building gives to the pipes (above zero) and takes from them (below).",
        ),
        tables.day_table(run),
    ]  # fmt: skip
    return Section("days", "Typical days and design days", lead, blocks)


def _search(run: Run) -> Section:
    rounds = len(run.tables.design_attempts)
    lead = (
        f"{rounds} designs were made and run through their days; what physics refused came back as "
        "cuts on sizes, diameters and operation."
    )
    return Section("search", "How it was found", lead, [tables.attempt_table(run)])


def _certificate(run: Run) -> Section:
    checks, missed = check_counts(run)
    lead = f"{checks:,} checks were made on all days; {missed:,} of them are missed."
    blocks: list[Block | str] = [
        *listed_table(common.tight_table(run)),
        common.certificate_table(run),
    ]
    if run.summary["notes"]:
        blocks += ["Notes", Words(list(run.summary["notes"]), listed=True)]
    return Section("certificate", "Certificate", lead, blocks)


def design_banner(run: Run) -> Banner:
    """Return the verdict; what is not feasible says which design and why."""
    if run.feasible:
        return banner(run)
    word = "Not feasible" if run.summary["verdict"] == "infeasible" else "Unresolved"
    tone = "bad" if run.summary["verdict"] == "infeasible" else "open"
    sentence = str(run.summary["cause"])
    details = tables.reasons(run, _grand(run))
    advice = [
        "Widen the catalogue (larger pipes, larger units), allow more rounds with "
        "design.verify.iterations, or relax the limits in design.pipes.limits."
    ]
    return Banner("bad" if tone == "bad" else "open", word, sentence, details, advice)


def design_tiles(run: Run) -> list[Tile]:
    """Return the key figures; all money is per year."""
    design, costs = run.summary["design"], run.summary["costs"]
    verified = design["verified"]["cost_per_year"]
    alone = sum(design["coalitions"][name]["verified"] for name in design["buildings"])
    found = [
        Tile("Each building alone", text.money(alone, run.currency), "a year, verified"),
        Tile(
            "Together, without networks", text.money(costs["copper_plate"], run.currency),
            "a year, as the design problem promises",
        ),
    ]  # fmt: skip
    if verified is not None:
        saving = text.percent((alone - verified) / alone)
        found.append(
            Tile("Together, verified", text.money(verified, run.currency), f"{saving} below alone")
        )
        price = design["price_of_physics_per_year"]
        share = text.percent(price / abs(costs["copper_plate"]), 2, True)
        found.append(
            Tile("Price of physics", text.money(price, run.currency, True), f"{share} a year")
        )
    bound = run.summary.get("lower_bound") or {}
    if bound.get("gap") is not None:
        note = f"proven lower bound {text.money(bound['cost'], run.currency)}"
        found.append(Tile("At most above optimum", text.percent(bound["gap"], 2), note))
    return found


def design_facts(run: Run) -> list[str]:
    """Return what the run covers, for the line below the title."""
    design = run.summary["design"]
    days = design["typical_days"].values()
    typical = sum(1 for day in days if day["weight_days"])
    return [
        f"a year in {typical} typical days and {len(days) - typical} design days",
        text.listed([text.GRID_TITLES.get(k, k) for k in run.kinds.values()], 9).lower(),
        f"{len(design['buildings'])} buildings, {len(design['coalitions'])} coalitions",
    ]


__all__ = ["design_banner", "design_facts", "design_sections", "design_tiles"]
