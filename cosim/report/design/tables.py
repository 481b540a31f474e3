"""The tables of a design report."""

from __future__ import annotations

import pandas as pd

from cosim.report import text
from cosim.report.data import Run
from cosim.report.design import words
from cosim.report.page import Cell, Table, Tone

MOST_REASONS = 8
TONES: dict[str, Tone] = {"feasible": "good", "infeasible": "bad", "unresolved": "open"}


def unit_table(run: Run, coalition: str) -> Table:
    """Return every unit and pipe of both designs, side by side."""
    units, pipes = run.tables.design_units, run.tables.design_pipes
    rows: list[list[Cell | str]] = []
    mine = units[units["coalition"] == coalition]
    for building in run.summary["design"]["buildings"]:
        own = mine[mine["building"] == building]
        for device in dict.fromkeys(own["device"]):
            part = own[own["device"] == device]
            was, now = (part[part["stage"] == s] for s in ("copper_plate", "verified"))
            rows.append(
                [text.title(building), _device(part), *_sizes(was, now), _cost(was), _cost(now)]
            )
    mine = pipes[(pipes["coalition"] == coalition)]
    for name in dict.fromkeys(mine["pipe"]):
        part = mine[mine["pipe"] == name]
        was, now = (part[part["stage"] == s] for s in ("copper_plate", "verified"))
        metres = f"{text.number(float(part['length_m'].iloc[0]), 0)}{text.NO_BREAK}m"
        route = f"{part['from'].iloc[0]} to {part['to'].iloc[0]}"
        sizes = _changed(_dn(was), _dn(now))
        rows.append([text.title(route), f"heat pipes, {metres}", *sizes, _cost(was), _cost(now)])
    year = f"{run.currency} a year"
    head = (
        "Where",
        "What",
        "Without networks",
        "Verified",
        f"Without, {year}",
        f"Verified, {year}",
    )
    caption = (
        "What is bought and laid, as the design problem wants it without networks and as it passes "
        "them; costs are annualised with the capital recovery factor."
    )
    return Table(head, rows, caption, frozenset({0, 1}))


def _device(part: pd.DataFrame) -> str:
    kind, device = str(part["kind"].iloc[0]), str(part["device"].iloc[0])
    name = words.kind(kind)
    return f"{name} {text.spoken(device)}" if kind == "chp" else name


def _sizes(was: pd.DataFrame, now: pd.DataFrame) -> tuple[Cell | str, Cell | str]:
    return _changed(_size(was), _size(now))


def _changed(was: str, now: str) -> tuple[Cell | str, Cell | str]:
    return was, Cell(now, strong=was != now)


def _size(part: pd.DataFrame) -> str:
    if part.empty:
        return text.DASH
    row = part.iloc[0]
    return words.size(int(row["count"]), float(row["size"]), str(row["unit"]))


def _dn(part: pd.DataFrame) -> str:
    if part.empty or not bool(part["laid"].iloc[0]):
        return "not laid"
    return f"DN{text.NO_BREAK}{int(part['dn'].iloc[0])}"


def _cost(part: pd.DataFrame) -> str:
    return text.DASH if part.empty else text.number(float(part["cost_per_year"].iloc[0]), 0)


def price_table(run: Run) -> Table:
    """Return the annual cost by component, without networks and as verified."""
    grand = "+".join(sorted(run.summary["design"]["buildings"]))
    table = run.tables.design_costs
    table = table[table["coalition"] == grand]
    parts = table.pivot_table(
        index="component", columns="stage", values="cost_per_year", aggfunc="sum"
    ).fillna(0.0)
    known = [c for c in words.COMPONENTS if c in parts.index]
    known += [str(c) for c in parts.index if c not in words.COMPONENTS]
    rows: list[list[Cell | str]] = []
    for name in known:
        was, now = (float(parts[stage][name]) for stage in ("copper_plate", "verified"))
        if max(abs(was), abs(now)) < 1.0:
            continue
        label = words.component(name)[0]
        rows.append(
            [label[:1].upper() + label[1:], text.number(was, 0), text.number(now, 0),
             text.number(now - was, 0, True)]
        )  # fmt: skip
    sums = parts.sum()
    was, now = float(sums["copper_plate"]), float(sums["verified"])
    rows.append(
        [Cell("Together", strong=True), Cell(text.number(was, 0), strong=True),
         Cell(text.number(now, 0), strong=True),
         Cell(text.number(now - was, 0, True), strong=True)]
    )  # fmt: skip
    head = (f"{run.currency} a year", "Without networks", "Verified", "Difference")
    return Table(head, rows, "What all buildings together pay a year.")


def scheme_table(run: Run) -> Table:
    """Return the four schemes: shares, fairness index, propensity to disrupt, stability."""
    table = run.tables.allocation
    buildings = list(run.summary["design"]["buildings"])
    advised = run.summary["design"]["recommendation"]["method"]
    rows: list[list[Cell | str]] = []
    for method in dict.fromkeys(table["method"]):
        part = table[table["method"] == method].set_index("player")
        strong = method == advised
        name = text.METHODS.get(method, text.title(method))
        rows.append(
            [
                Cell(f"{name} (recommended)" if strong else name, strong=strong),
                *[
                    Cell(text.number(float(part.loc[b, "value"]), 0), strong=strong)
                    for b in buildings
                ],
                text.number(float(part["fi"].iloc[0]), 3),
                *[text.number(float(part.loc[b, "propensity_to_disrupt"]), 2) for b in buildings],
                Cell("yes", "good") if part["in_core"].all() else Cell("no", "bad"),
            ]
        )
    head = (
        "Scheme",
        *[f"{text.title(b)}, {run.currency}" for b in buildings],
        "Fairness index",
        *[f"Disruption, {text.spoken(b)}" for b in buildings],
        "In the core",
    )
    caption = (
        "Saving per year for each building. Fairness index: spread of the power index, 0 is even. "
        "Propensity to disrupt: what a building's leaving costs the others over what it costs "
        "itself; the smaller, the less it can threaten."
    )
    return Table(head, rows, caption)


def day_table(run: Run) -> Table:
    """Return every day of the final design with its verdict, and a link to its report."""
    grand = "+".join(sorted(run.summary["design"]["buildings"]))
    table = run.tables.design_days
    rows: list[list[Cell | str]] = []
    for day in table[table["coalition"] == grand].to_dict("records"):
        name, verdict = str(day["day"]), str(day["verdict"])
        moment = pd.Timestamp(str(day["date"]))
        link = f"days/{name}/report.html"
        weight = float(day["weight_days"])
        rows.append(
            [
                Cell(text.spoken(name), link=link if (run.folder / link).is_file() else ""),
                f"{moment:%-d %B}",
                f"{weight:g}" if weight else "design day",
                Cell(verdict, TONES.get(verdict)),
                text.spoken(str(day["host"])) or text.DASH,
                text.number(float(day["cost"]), 0),
                f"{int(day['rounds'])}",
                _extreme(day["smallest_dp_bar"], "bar"),
                _extreme(day["lowest_supply_c"], "C"),
                _extreme(day["highest_speed_m_per_s"], "m/s"),
                _extreme(day["lowest_voltage_pu"], "pu"),
            ]
        )
    head = (
        "Day", "Date", "Days", "Verdict", "Pump at", f"Cost, {run.currency}", "Rounds",
        "Least dp", "Coldest supply", "Fastest pipe", "Lowest voltage",
    )  # fmt: skip
    caption = (
        "Each day is a run of its own: market and networks in turn until every check passes, the "
        "last word with pandapower and pandapipes."
    )
    return Table(head, rows, caption, frozenset({0, 1, 2, 3, 4}))


def _extreme(value: object, unit: str) -> str:
    return text.in_unit(None if value is None else float(str(value)), unit)


def attempt_table(run: Run) -> Table:
    """Return the designs that were tried, coalition by coalition."""
    order = list(run.summary["design"]["buildings"])
    rows: list[list[Cell | str]] = []
    for one in run.tables.design_attempts.to_dict("records"):
        verified, failed = float(one["verified_cost"]), int(one["days_failed"])
        rows.append(
            [
                words.coalition(str(one["coalition"]), order),
                f"{int(one['attempt'])}",
                text.number(float(one["design_cost"]), 0),
                text.number(verified, 0),
                Cell(f"{failed}", "bad") if failed else Cell("0", "good"),
                f"{int(one['missed']):,}",
                text.number(float(one["unserved_kwh"]), 0),
                f"{int(one['cuts'])}",
            ]
        )
    head = (
        "Together", "Design", "As designed", "As verified", "Days that fail",
        "Limits missed at first", "Unserved, kWh", "Cuts learnt",
    )  # fmt: skip
    caption = (
        f"Costs of all buildings, {run.currency} a year. Design 0 knows no network; limits missed "
        "are those of each day's first dispatch, before market and networks went in turn."
    )
    return Table(head, rows, caption, frozenset({0}))


def reasons(run: Run, coalition: str) -> list[str]:
    """Return what physics taught about a coalition's designs, in sentences."""
    table = run.tables.design_cuts
    found = list(dict.fromkeys(table[table["coalition"] == coalition]["reason"]))
    shown = [f"{reason[:1].upper()}{reason[1:]}." for reason in found[:MOST_REASONS]]
    if len(found) > len(shown):
        shown.append(f"And {len(found) - len(shown)} more; see design_cuts.parquet.")
    return shown
