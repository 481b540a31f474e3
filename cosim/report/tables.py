"""The tables of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cosim.records.names import NETWORK
from cosim.report import text
from cosim.report.data import Run, core_was_tested
from cosim.report.measures import heat_loss_kwh, line_loss_kwh
from cosim.report.page import Cell, Table

TIGHT_PER_LIMIT = 3
LEFT_OF_CHECKS = frozenset({0, 1, 2, 3})


def tight_table(run: Run) -> Table | None:
    """Return the tightest checks: of each limit the elements that come closest."""
    table = run.tables.checks
    if table.empty:
        return None
    table = table.sort_values("margin").drop_duplicates(["grid", "limit", "element", "id"])
    rows = []
    for grid in run.kinds:
        for limit, entry in run.limits(grid).items():
            part = table[(table["grid"] == grid) & (table["limit"] == limit)]
            for check in part.head(TIGHT_PER_LIMIT).itertuples(index=False):
                rows.append(_tight_row(run, check, float(entry["tolerance"])))
    caption = (
        f"The {TIGHT_PER_LIMIT} elements closest to each limit, each at its tightest step; "
        "a margin within the tolerance of the certificate still passes. checks.parquet holds more."
    )
    head = ("Network", "Limit", "Element", "When", "Value", "Bound", "Margin")
    return Table(head, rows, caption, LEFT_OF_CHECKS)


def _tight_row(run: Run, check: Any, tolerance: float) -> list[Cell | str]:
    one, _ = text.ELEMENTS.get(check.element, (text.spoken(check.element), ""))
    name = text.shorten(check.name) if check.name else f"{one} {check.id}"
    missed = check.margin < -tolerance
    return [
        text.GRID_TITLES.get(run.kinds[check.grid], check.grid),
        text.limit_name(check.limit),
        name if not check.name else f"{name} ({one} {check.id})",
        text.clock(check.time, True),
        text.in_unit(check.value, check.unit),
        f"{check.bound:,g}{text.NO_BREAK}{text.unit_name(check.unit)}",
        Cell(text.in_unit(check.margin, check.unit), "bad" if missed else None, True),
    ]


def certificate_table(run: Run) -> Table:
    """Return every limit with its number of checks, smallest margin, tolerance and source."""
    rows: list[list[Cell | str]] = []
    for grid, kind in run.kinds.items():
        for limit, entry in run.limits(grid).items():
            missed = int(entry["violations"])
            unit = str(entry["unit"])
            rows.append(
                [
                    text.GRID_TITLES.get(kind, grid),
                    text.limit_name(limit),
                    f"{int(entry['checks']):,}",
                    Cell(f"{missed:,}", "bad" if missed else "good", bool(missed)),
                    text.in_unit(entry.get("smallest_margin"), unit),
                    f"{entry['tolerance']:.3g}{text.NO_BREAK}{text.unit_name(unit)}",
                    str(entry.get("source", "")),
                ]
            )
    head = (
        "Network",
        "Limit",
        "Checks",
        "Missed",
        "Smallest margin",
        "Tolerance",
        "Source of the limit",
    )
    caption = "Every limit that was checked at every element and step, by the engines named below."
    return Table(head, rows, caption, frozenset({0, 1, 6}))


def engine_table(run: Run) -> Table:
    """Return engines, balance, hashes and versions."""
    certificate: Mapping[str, Any] = run.summary["certificate"]
    rows: list[list[Cell | str]] = []
    failed = certificate.get("failed_steps") or {}
    for grid, engine in (certificate.get("engines") or {}).items():
        lost = failed.get(grid, 0)
        state = f"{engine}; {lost} steps without a physical state" if lost else str(engine)
        name = text.GRID_TITLES.get(run.kinds.get(grid, ""), grid)
        rows.append([f"Engine, {name.lower()}", Cell(state, "bad" if lost else None)])
    allowed = (certificate.get("tolerances") or {}).get("balance")
    for carrier, share in (certificate.get("balance_mismatch") or {}).items():
        within = f" (allowed {text.percent(allowed, 2)})" if allowed is not None else ""
        value = f"{text.percent(share, 3)} of throughput at the worst step{within}"
        rows.append([f"Losses of {carrier}, market against physics", value])
    margin = (certificate.get("tolerances") or {}).get("cut_margin")
    if margin is not None:
        rows.append(["Safety margin of the market's cuts", text.percent(margin, 2)])
    for key, name in (("input_hash", "Inputs, SHA-256"), ("states_hash", "States, SHA-256")):
        if certificate.get(key):
            rows.append([name, str(certificate[key])])
    versions = ", ".join(f"{name} {number}" for name, number in run.summary["versions"].items())
    rows.append(["Versions", versions])
    seconds = run.summary["seconds"]
    total = seconds.get("total", sum(seconds.values()))
    stages = ", ".join(
        f"{text.spoken(k)} {text.number(v, 1)} s" for k, v in seconds.items() if k != "total"
    )
    rows.append(["Wall time", f"{text.number(total, 1)} s ({stages})" if stages else f"{total} s"])
    return Table(("", ""), rows, "", frozenset({0, 1}))


def taken_table(run: Run) -> Table | None:
    """Return what the networks take from each player's Shapley value; None without both games."""
    players: Mapping[str, Any] = (run.summary.get("game") or {}).get("players") or {}
    if not players:
        return None
    rows: list[list[Cell | str]] = [
        [
            text.spoken(name),
            text.money(entry["copper_plate"], run.currency),
            text.money(entry["networks"], run.currency),
            Cell(text.money(entry["taken_away"], run.currency), None, True),
        ]
        for name, entry in players.items()
    ]
    head = ("Player", "Without networks", "Under the networks", "Taken away")
    caption = "Shapley value of each player in the game without networks and under them."
    return Table(head, rows, caption, frozenset({0}))


def payment_table(run: Run) -> Table | None:
    """Return what each party pays or receives; the payments sum to zero."""
    table = run.tables.payments
    if table.empty:
        return None
    optional = [
        (column, title)
        for column, title in (
            ("cost_without_payment", "Cost shared, before payment"),
            ("network_cost", "of that losses and pumps"),
        )
        if column in table.columns
    ]
    head = ["Party", "Player", "Cost alone", *(title for _, title in optional)]
    head += ["Payment", "Cost after", "Saving"]
    rows: list[list[Cell | str]] = []
    for _, row in table.iterrows():
        pays = float(row["payment"])
        cells: list[Cell | str] = [
            text.spoken(str(row["participant"])),
            text.spoken(str(row["player"])),
        ]
        cells.append(text.number(row["cost_before"]))
        cells += [text.number(row[column]) for column, _ in optional]
        cells.append(text.number(pays, sign=True))
        cells.append(Cell(text.number(row["cost_after"]), None, True))
        cells.append(text.number(row["cost_before"] - row["cost_after"], sign=True))
        rows.append(cells)
    columns = ["cost_before", *(column for column, _ in optional), "payment", "cost_after"]
    sums = table[columns].sum()
    total: list[Cell | str] = [Cell("All", None, True), ""]
    total += [
        Cell(text.number(sums[column], sign=column == "payment"), None, True) for column in columns
    ]
    total.append(Cell(text.number(sums["cost_before"] - sums["cost_after"], sign=True), None, True))
    rows.append(total)
    caption = f"All amounts in {run.currency}; a positive payment is paid, a negative one received."
    return Table(head, rows, caption, frozenset({0, 1}))


def method_table(run: Run) -> Table | None:
    """Return the allocation methods with core membership and fairness."""
    table = run.tables.allocation
    if table.empty:
        return None
    judged = core_was_tested(run)
    settled = str(run.summary.get("settle_with", ""))
    rows: list[list[Cell | str]] = []
    for method, part in table.groupby("method", sort=False):
        name = text.METHODS.get(str(method), text.title(str(method)))
        first = part.iloc[0]
        inside = bool(part["in_core"].all())
        core = (
            Cell("not known")
            if not judged
            else Cell("yes", "good")
            if inside
            else Cell("no", "bad")
        )
        blocking = str(first.get("blocking_coalition", "") or "") if judged and not inside else ""
        rows.append(
            [
                Cell(f"{name} (settled)" if method == settled else name, None, method == settled),
                core,
                " + ".join(map(text.spoken, blocking.split("+"))) if blocking else text.DASH,
                text.number(_number(first.get("jain")), 3),
                text.number(_number(first.get("gini")), 3),
                text.number(float(part["value"].sum())),
            ]
        )
    head = (
        "Method",
        "In the core",
        "Coalition that would rather leave",
        "Jain index",
        "Gini index",
        f"Sum, {run.currency}",
    )
    caption = "In the core no group of players would be better off by itself."
    return Table(head, rows, caption, frozenset({0, 1, 2}))


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def loss_table(run: Run) -> Table | None:
    """Return losses and pump electricity per network over the horizon, before and after."""
    rows: list[list[Cell | str]] = []
    for grid, kind in run.kinds.items():
        measure = line_loss_kwh if kind == "electric" else heat_loss_kwh
        if kind != "gas":
            before, after = measure(run, grid, "copper_plate"), measure(run, grid, "verified")
            what = "lines and transformers" if kind == "electric" else "heat through the pipe walls"
            if after is not None:
                rows.append(_loss_row(kind, grid, what, before, after))
        pumped = _charged(run, grid, "auxiliary_kw")
        if pumped is not None:
            rows.append(_loss_row(kind, grid, "electricity of pumps", None, pumped))
    if not rows:
        return None
    case = "Verified" if run.feasible else "Last dispatch"
    head: tuple[str, ...] = ("Network", "Loss", "Without networks", case, "Difference")
    caption = (
        "Energy over the horizon, background customers included; without networks is what the "
        "copper-plate dispatch would lose in the real network."
    )
    if not any(run.has(grid, "copper_plate") for grid in run.kinds):
        rows = [[*row[:2], row[3]] for row in rows]
        head, caption = (*head[:2], head[3]), "Energy over the horizon, background included."
    return Table(head, rows, caption, frozenset({0, 1}))


def _loss_row(
    kind: str, grid: str, what: str, before: float | None, after: float
) -> list[Cell | str]:
    difference = None if before is None else after - before
    return [
        text.GRID_TITLES.get(kind, grid),
        what,
        text.energy(before),
        Cell(text.energy(after), None, True),
        text.energy(difference, sign=True),
    ]


def _charged(run: Run, grid: str, quantity: str) -> float | None:
    table = run.tables.schedule
    rows = table[
        (table["participant"] == NETWORK)
        & (table["device"] == grid)
        & (table["quantity"] == quantity)
    ]
    return None if rows.empty else float(rows["value"].sum()) * run.step_h
