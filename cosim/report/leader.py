"""The section about a participant who sets prices for the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosim.report import text
from cosim.report.data import Run
from cosim.report.leader_balance import balance_figures
from cosim.report.leader_figures import (
    leader_price_figure,
    leader_trade_figure,
    peer_figure,
)
from cosim.report.leader_search import search_figure
from cosim.report.page import Block, Cell, Section, Table, Words, picture

METHODS: Mapping[str, str] = {
    "exact": "found by an exact search",
    "evolutionary": "found by an evolutionary search",
    "decomposition": "found by decomposition",
    "fixed": "given in the scenario",
}
PROFITS: Mapping[str, tuple[str, str]] = {
    "optimistic": (
        "Optimistic",
        "At these prices several answers cost the followers the same; here they choose the one "
        "that earns the operator most.",
    ),
    "pessimistic": (
        "Pessimistic",
        "The same prices, and among equally good answers the one that earns the operator least.",
    ),
    "nudged": (
        "Nudged",
        "Every price is moved a little so that the wanted answer is the followers' only best one; "
        "even then the answer is taken that earns least.",
    ),
    "simulated": (
        "Simulated",
        "The followers solve their own problem afresh at the nudged prices, and whatever answer "
        "comes back is taken.",
    ),
    "verified": (
        "Verified",
        "What remains in the dispatch that passed every check of the networks, losses included.",
    ),
}

NOT_DELIVERED = " The operator's plant could not deliver that answer."


def leader_section(run: Run) -> Section | None:
    """Return the section, None without a leader."""
    entry: Mapping[str, Any] = run.summary.get("leader") or {}
    if not entry:
        return None
    blocks: list[Block | str] = [*_prices(run), *_balances(run), *_search(run)]
    blocks += ["What the operator earns", profit_table(run, entry), account_table(run, entry)]
    if entry.get("notes"):
        blocks.append(Words(list(entry["notes"]), listed=True))
    return Section("leader", "The operator and its prices", _lead(run, entry), blocks)


def _lead(run: Run, entry: Mapping[str, Any]) -> str:
    name = text.spoken(str(entry["participant"]))
    way = "together" if entry["followers"] == "cooperating" else "each alone"
    words = (
        f"{text.title(name)} sets prices, the others answer {way}. Prices were "
        f"{METHODS.get(str(entry['method']), 'found')}"
    )
    gap = entry.get("gap")
    if entry["method"] == "exact" and gap is not None:
        words += (
            f"; without networks no others can earn more than {text.percent(gap, 2)} above them"
        )
    words += "."
    kept, invested = entry["profit"].get("verified"), entry.get("investment_per_horizon")
    if kept is not None:
        words += f" It earns {text.money(kept, run.currency)}"
        words += (
            f", {text.money(kept - invested, run.currency)} after what its devices cost to buy."
            if invested
            else "."
        )
    return words


def _prices(run: Run) -> list[Block | str]:
    return [
        *picture(
            "leader_prices", leader_price_figure(run),
            "Prices that the operator announced, inside the shaded ranges that it may choose from; "
            "thick where energy is traded at them, pale where nobody trades.",
        ),
        *picture(
            "leader_trades", leader_trade_figure(run),
            "What each follower takes from the operator (up) and gives it (down).",
        ),
        *picture(
            "leader_peers", peer_figure(run),
            "Left: energy that followers share among themselves. Right: the price that it is "
            "settled at, beside the two prices of the operator.",
        ),
    ]  # fmt: skip


def _balances(run: Run) -> list[Block | str]:
    found: list[Block | str] = []
    for name, drawn in balance_figures(run).items():
        caption = (
            f"{text.spoken(name)}: above the line what supplies it, below the line what uses the "
            "energy; both sides are equal at every step."
        )
        found += picture(f"balance_{name}", drawn, caption)
    return ["Balance of each participant", *found] if found else []


def _search(run: Run) -> list[Block | str]:
    caption = (
        "The operator's profit at the best prices known (blue) and what no prices can exceed "
        "(orange), as far as it was proven."
    )
    if len(run.tables.admm):
        caption += (
            " Right: the followers find their answer at the announced prices among themselves "
            "(ADMM); how far their proposals still miss each other."
        )
    drawn = picture("leader_search", search_figure(run), caption)
    return ["How the prices were found", *drawn] if drawn else []


def profit_table(run: Run, entry: Mapping[str, Any]) -> Table:
    """Return the operator's profit under every assumption about the followers' answer."""
    profit: Mapping[str, Any] = entry["profit"]
    rows: list[list[Cell | str]] = []
    for key, (title, words) in PROFITS.items():
        if entry["method"] == "fixed" and key != "verified":
            continue
        amount = profit.get(key)
        known = "" if amount is not None or key == "verified" else NOT_DELIVERED
        rows.append(
            [
                Cell(title, strong=key == "verified"),
                text.money(amount, run.currency),
                words + known,
            ]
        )
    bound = entry.get("bound")
    if bound is not None:
        words = "Proven without networks: no prices inside the bounds can earn more."
        rows.append(["Bound", text.money(bound, run.currency), words])
    caption = "Profit of the operator over the horizon, before investment."
    return Table(("Profit", "", "What it assumes"), rows, caption, frozenset({0, 2}))


def account_table(run: Run, entry: Mapping[str, Any]) -> Table:
    """Return the operator's account: trade per carrier, fees, own costs, investment."""

    def money(value: float | None) -> str:
        return text.money(value, run.currency, True)

    rows: list[list[Cell | str]] = []
    for carrier, sides in (entry.get("revenue") or {}).items():
        for side, word in (("sell", "sold to followers"), ("buy", "bought from followers")):
            if side in sides:
                rows.append([f"{text.title(carrier)} {word}", money(sides[side])])
    rows.append(["Service fees", money(entry.get("service_fees"))])
    own = entry.get("own_costs")
    rows.append(["Own costs: utilities, upkeep, CO₂", money(None if own is None else -own)])
    kept, invested = entry["profit"].get("verified"), entry.get("investment_per_horizon")
    rows.append([Cell("Profit, verified", strong=True), Cell(money(kept), strong=True)])
    if invested:
        rows.append(["Investment, share of the horizon", money(-invested)])
        if kept is not None:
            left = kept - invested
            tone = Cell(money(left), "bad" if left < 0.0 else "good", True)
            rows.append([Cell("Left after investment", strong=True), tone])
    caption = "The operator's account over the horizon: received (+) and paid (−)."
    return Table(("Item", "Amount"), rows, caption, frozenset({0}))
