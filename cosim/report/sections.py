"""The sections of the report, in reading order; what a run lacks is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cosim.report import tables, text
from cosim.report.changes import change_figure, changes
from cosim.report.checks import limit_calendar
from cosim.report.costs import cost_figure
from cosim.report.data import CASES, Run
from cosim.report.dispatch import dispatch_figures
from cosim.report.emissions import emission_section
from cosim.report.horizon import grain, is_long
from cosim.report.iterations import iteration_figure
from cosim.report.leader import leader_section
from cosim.report.maps import Map, network_maps
from cosim.report.page import Block, Section, Words, picture
from cosim.report.prices import nodal_figure, price_figure
from cosim.report.series import network_series
from cosim.report.share_section import share_section
from cosim.report.verdict import check_counts
from cosim.report.year import duration_figure, hour_calendar, window_figure


def sections(run: Run) -> list[Section]:
    """Return every section that the run has something for."""
    makers: Sequence[Callable[[Run], Section | None]] = (
        _costs, leader_section, _limits, _changes, _networks, _dispatch, _durations, _losses,
        emission_section, _search, _tight, share_section, _prices, _certificate,
    )  # fmt: skip
    return [section for maker in makers if (section := maker(run)) is not None]


def _costs(run: Run) -> Section | None:
    costs: Mapping[str, Any] = run.summary.get("costs") or {}
    price: Mapping[str, Any] = run.summary.get("price_of_physics") or {}
    if not costs:
        return None
    total = price.get("total")
    if total is None:
        lead = (
            "No dispatch passed every check, so there is no price of physics: "
            f"the market alone would cost {text.money(costs.get('copper_plate'), run.currency)}."
        )
        return Section("price", "Price of physics", lead)
    saving = None if costs.get("individual") is None else costs["individual"] - costs["verified"]
    lead = (
        f"Once the networks have their say, sharing costs {text.money(total, run.currency)} more "
        f"than a market without networks would promise: "
        f"{text.money(price.get('losses'), run.currency)} for losses and pump electricity, "
        f"{text.money(price.get('congestion'), run.currency)} because limits keep cheaper "
        "energy from flowing."
    )
    if saving is not None:
        word = "still saves" if saving > 0 else "loses"
        lead += (
            f" Sharing {word} {text.money(abs(saving), run.currency)} against everyone alone "
            "in the same networks."
        )
    caption = (
        "Left: what the community pays in three dispatches; right: the step from the copper plate "
        "to the verified dispatch in its parts."
    )
    return Section("price", "Price of physics", lead, picture("costs", cost_figure(run), caption))


def _limits(run: Run) -> Section | None:
    drawn = limit_calendar(run)
    if drawn is None:
        return None
    caption = (
        "Each strip is one limit, coloured by the room that is left at its worst element: orange "
        "where the limit is missed, dark where it is nearly reached."
    )
    if sum((run.summary["certificate"].get("failed_steps") or {}).values()):
        caption += " Black steps have no physical state at all."
    if run.tables.iterations.empty:
        lead = "When each limit comes close in the verified schedule."
    else:
        first = run.tables.iterations.iloc[0]
        columns = [c for c in run.tables.iterations.columns if str(c).startswith("violations_")]
        missed = int(first[columns].sum())
        lead = (
            f"The dispatch of a market without networks would miss {missed:,} limits "
            "(counted per element and step)." if missed else
            "Even the dispatch of a market without networks keeps every limit."
        )  # fmt: skip
    blocks = picture("limits", drawn, caption + _by(run, "the tightest step"))
    by_hour = (
        "Every day from left to right, its hours from top to bottom: the room that is left at the "
        "tightest limit of the network."
    )
    blocks += picture("hours", hour_calendar(run), by_hour)
    return Section("limits", "When limits bind", lead, blocks)


def _changes(run: Run) -> Section | None:
    if run.tables.copper_plate_schedule.empty:
        return None
    table = changes(run)
    if table.empty:
        lead = "No device runs differently because of the networks."
        return Section("changes", "What the networks changed", lead)
    most = table.iloc[0]
    participant, device, _ = table.index[0]
    lead = (
        f"{len(table)} devices run differently. The largest change is {text.spoken(participant)}, "
        f"{text.spoken(device)}: {text.energy(most['more_kwh'])} more and "
        f"{text.energy(most['less_kwh'])} less over the horizon."
    )
    caption = (
        "Devices that the networks made run otherwise, the most changed first: orange where they "
        "do more than in the copper-plate dispatch, blue where they do less."
    )
    return Section(
        "changes", "What the networks changed", lead,
        picture("changes", change_figure(run, table), caption),
    )  # fmt: skip


def _networks(run: Run) -> Section | None:
    blocks: list[Block | str] = []
    for grid, kind in run.kinds.items():
        own: list[Block | str] = []
        for k, drawn in enumerate(network_maps(run, grid)):
            own += picture(f"map_{grid}_{k + 1}", drawn.figure, _map_caption(drawn))
        caption = (
            "The worst element at every step against its limit; the shaded side is not allowed."
        ) + _by(run, "the worst step")
        own += picture(f"series_{grid}", network_series(run, grid), caption)
        if own:
            blocks += [text.GRID_TITLES.get(kind, text.title(grid)), *own]
    if not blocks:
        return None
    lead = (
        "Every element is coloured by its worst value over the horizon: darker means closer to the "
        "limit, orange means the limit is missed."
    )
    return Section("networks", "The networks", lead, blocks)


def _map_caption(drawn: Map) -> str:
    shown = {m.limit: m for measures in drawn.panels.values() for m in measures}
    names = text.listed([text.limit_name(name).lower() for name in shown])
    before, after = (
        sum(int(m.missed(m.by_element.dropna()).sum()) for m in drawn.panels.get(case, ()))
        for case in CASES
    )
    end = "orange elements miss the limit" if after else "no element misses the limit"
    end += " any more" if before and not after else ""
    return f"{names[:1].upper()}{names[1:]}: {end}; the ring marks the element closest to it."


def _dispatch(run: Run) -> Section | None:
    found = dispatch_figures(run)
    if not found:
        return None
    blocks: list[Block | str] = []
    for carrier, drawn in found.items():
        caption = (
            f"{text.title(carrier)}: above the line what supplies a participant, below the line "
            "what uses the energy. Pool: from or to the other participants; utility: bought or "
            "sold outside. Each panel has its own scale."
        ) + _by(run, "the mean")
        blocks += picture(f"dispatch_{carrier}", drawn, caption)
    which = "verified" if run.feasible else "last"
    return Section(
        "dispatch", "Dispatch", f"Who supplies and uses what in the {which} dispatch.", blocks
    )


def _by(run: Run, what: str) -> str:
    """Return what one point stands for, where it is no single step."""
    return f" One point is {what} of a {grain(run)}." if is_long(run) else ""


def _durations(run: Run) -> Section | None:
    caption = (
        "Every curve holds all steps, the largest first: how many hours a year the power or the "
        "loading is at least this high."
    )
    blocks = picture("durations", duration_figure(run), caption)
    if not blocks:
        return None
    lead = "How often power and loading are high."
    return Section("durations", "Duration curves", lead, blocks)


def _losses(run: Run) -> Section | None:
    found = tables.loss_table(run)
    if found is None:
        return None
    lead = "Nobody's energy disappears: losses and pump electricity are on the bill."
    return Section("losses", "Losses and pump electricity", lead, [found])


def _search(run: Run) -> Section | None:
    if len(run.tables.windows):
        return _windows(run)
    drawn = iteration_figure(run)
    if drawn is None:
        return None
    rounds = len(run.tables.iterations)
    checks, missed = check_counts(run)
    end = "every check passed" if not missed else f"{missed:,} of {checks:,} checks were missed"
    lead = f"After {rounds} round{'s' if rounds != 1 else ''} of market and networks {end}."
    caption = (
        "Limits missed in the networks, cost of the market and its error in the losses, round by "
        "round; round 0 is the dispatch without networks."
    )
    return Section("search", "How it was found", lead, picture("iterations", drawn, caption))


def _windows(run: Run) -> Section:
    table = run.tables.windows
    bad = int((table["verdict"] != "feasible").sum())
    rounds = int(table["iterations"].sum())
    end = "every one is feasible" if not bad else f"{bad} of them are not feasible"
    lead = f"{len(table)} windows, {rounds} rounds of market and networks: {end}."
    caption = "What each window costs in three dispatches, and how many rounds it took."
    blocks = picture("windows", window_figure(run), caption)
    return Section("search", "How it was found", lead, blocks)


def _tight(run: Run) -> Section | None:
    found = tables.tight_table(run)
    if found is None:
        return None
    lead = "Where the next kilowatt would hurt first."
    return Section("tight", "Tightest checks", lead, [found])


def _prices(run: Run) -> Section | None:
    blocks: list[Block | str] = []
    blocks += picture(
        "prices", price_figure(run),
        "What one more kWh is worth in the pool, beside the utility's tariffs for buying and "
        "feeding in (without CO₂ tax).",
    )  # fmt: skip
    for grid, kind in run.kinds.items():
        blocks += picture(
            f"nodal_{grid}", nodal_figure(run, grid),
            f"{text.GRID_TITLES.get(kind, grid)}: what losses and limits add to (orange) or take "
            "from (blue) the price of one more kWh fed in at each connection.",
        )  # fmt: skip
    if not blocks:
        return None
    lead = "Marginal prices of the verified dispatch, with on/off decisions held fixed."
    if not run.feasible:
        lead = "Marginal values of the last dispatch, which was not accepted: no market prices."
    return Section("prices", "Prices", lead, blocks)


def _certificate(run: Run) -> Section:
    checks, missed = check_counts(run)
    lead = f"{checks:,} checks were made; {missed:,} of them are missed."
    blocks: list[Block | str] = [tables.certificate_table(run), tables.engine_table(run)]
    if run.summary["notes"]:
        blocks += ["Notes", Words(list(run.summary["notes"]), listed=True)]
    return Section("certificate", "Certificate", lead, blocks)
