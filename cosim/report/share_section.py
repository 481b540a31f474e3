"""The section about who gets what: coalitions, allocations, power, prices, bills."""

from __future__ import annotations

from typing import Any

from cosim.report import tables, text
from cosim.report.allocation import allocation_figure, coalition_figure
from cosim.report.bills import bill_figure, power_figure
from cosim.report.coalition_maps import excess_figure, lattice_figure
from cosim.report.costs import participant_costs
from cosim.report.data import Run
from cosim.report.negotiation import negotiation_figure
from cosim.report.page import Block, Section, Words, listed_table, picture
from cosim.report.peer_prices import peer_price_figure

CENT = 0.01
"""Differences of money below it are not told."""


def share_section(run: Run) -> Section | None:
    """Return the section, None without a settlement."""
    blocks = [*_benefit(run), *_coalitions(run), *_power(run), *_money(run), *_negotiation(run)]
    if not blocks:
        return None
    settled = str(run.summary.get("settle_with", ""))
    lead = f"Settled with: {text.METHODS.get(settled, text.title(settled))}. Payments sum to zero."
    return Section("shares", "Who gets what", lead, blocks)


def _benefit(run: Run) -> list[Block | str]:
    return [
        *picture(
            "allocation", allocation_figure(run),
            "The benefit of sharing by player and method; the settled one carries its numbers.",
        ),
        *listed_table(tables.method_table(run)),
    ]  # fmt: skip


def _coalitions(run: Run) -> list[Block | str]:
    found: list[Block | str] = [
        *picture(
            "lattice", lattice_figure(run),
            "Every coalition, by size from bottom to top; an orange frame marks a coalition that "
            "would gain by leaving the settled allocation.",
        ),
        *picture(
            "excesses", excess_figure(run),
            "What each coalition could gain by leaving the settled allocation (orange), or what it "
            "would lose (blue).",
        ),
        *picture(
            "coalitions", coalition_figure(run),
            "What each coalition of players would save if only it shared, under the same limits, "
            "and what it could save if there were no networks.",
        ),
        *listed_table(tables.taken_table(run)),
    ]  # fmt: skip
    words = core_words(run)
    return [*found, Words([words])] if words and found else found


def core_words(run: Run) -> str:
    """Return a sentence on whether a core exists without networks and under them."""
    core: dict[str, Any] = (run.summary.get("game") or {}).get("core") or {}
    plate = (core.get("copper_plate") or {}).get("exists")
    inside = (core.get("networks") or {}).get("exists")
    if plate is None or inside is None:
        return ""
    if plate and inside:
        return (
            "Without networks and under them there are allocations that no coalition would leave: "
            "the core survives."
        )
    epsilon = text.money(core["networks"]["least_core_epsilon"], run.currency)
    if plate:
        return (
            "Without networks there are allocations that no coalition would leave; under the "
            f"networks there are none: some coalition always gains at least {epsilon} by leaving."
        )
    if inside:
        return (
            "Without networks some coalition would always gain by leaving; under the networks "
            "there are allocations that none would leave."
        )
    return (
        "Neither without networks nor under them is there an allocation that no coalition would "
        f"leave; under the networks some coalition always gains at least {epsilon} by leaving."
    )


def _power(run: Run) -> list[Block | str]:
    return [
        *picture(
            "power", power_figure(run),
            "Bargaining power of each player by every rule, and the energy it gives and takes.",
        )
    ]  # fmt: skip


def _money(run: Run) -> list[Block | str]:
    return [
        *picture(
            "payments", participant_costs(run),
            "Cost of each party alone and after sharing, its saving, and the payment that leads "
            "there.",
        ),
        *listed_table(tables.payment_table(run)),
        *picture(
            "bills", bill_figure(run),
            "The bill of each party after sharing: what it pays and receives, by kind.",
        ),
        *picture(
            "peer_prices", peer_price_figure(run),
            "Price of shared energy for the pairs that exchange most, where energy flows; every "
            "price lies inside its bounds.",
        ),
    ]  # fmt: skip


def _negotiation(run: Run) -> list[Block | str]:
    found: dict[str, Any] = run.summary.get("distributed") or {}
    drawn = negotiation_figure(run)
    if not found or drawn is None:
        return []
    state = "agreed" if found["converged"] else "did not agree"
    prices = found.get("prices") or {}
    more = (
        f" Prices took {prices['rounds']} rounds and leave everybody within "
        f"{text.money(max(prices['largest_difference'], CENT), run.currency)} of the central "
        "bargain."
        if prices
        else ""
    )
    words = (
        f"Without a centre, exchanging only trades and prices, participants {state} after "
        f"{found['rounds']} rounds on a cost of {text.money(found['cost'], run.currency)}, "
        f"{text.percent(found['relative_difference'], 3, True)} against the central dispatch.{more}"
    )
    caption = "Residuals of the negotiation without a centre (ADMM), round by round."
    return [Words([words]), *picture("negotiation", drawn, caption)]
