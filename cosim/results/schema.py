"""The run folder as a contract: every file, its columns, their kinds, and the keys of the summary.

Quantities carry their unit in their name (`p_kw`, `vm_pu`, `p_bar`); money is in the currency of
the summary, prices per kWh. Time stamps carry a time zone and label a step by its start.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from pandas.api import types

from cosim.errors import Problem
from cosim.results.columns import WHAT, Column, Kind, Table
from cosim.results.design_schema import DESIGN_TABLES
from cosim.results.market_schema import EMISSIONS, LEADER_HISTORY, LEADER_PRICES, TRADES
from cosim.results.money_schema import ACCOUNTS, ADMM, BARGAINING_POWER, P2P_PRICES

_TIME = Column("time", "time", "start of the step")
_VALUE = Column("value", "number", "in the unit that the quantity's name carries")

SCHEDULE = Table(
    "One quantity of one device or connection of a participant at one step.",
    (
        _TIME,
        Column("participant", "text", "as in the scenario"),
        Column(
            "device", "text", "as in the scenario; `connection` and `demand` for what is no device"
        ),
        Column("carrier", "text", "electricity, heat, cooling, hydrogen, gas"),
        Column("quantity", "text", "such as generation_kw, p_kw (positive = into the network)"),
        _VALUE,
    ),
    large=True,
)
NETWORK_SERIES = Table(
    "One value of one network element at one step.",
    (
        _TIME,
        Column("element", "text", "table of pandapower or pandapipes, without res_"),
        Column("id", "integer", "index in that table"),
        Column("quantity", "text", "column of that table"),
        _VALUE,
    ),
    large=True,
)
ITERATIONS = Table(
    "One round of market and networks; round 0 is the copper-plate dispatch as verified.",
    (
        Column("iteration", "integer", "0, 1, ..."),
        Column("phase", "text", "search until a first feasible point, refresh after it"),
        Column("cost", "number", "of the market, currency"),
        Column(
            "violations_electric", "integer", "limits missed, element by element and step by step"
        ),
        Column("violations_heat", "integer", "the same, heat and cooling"),
        Column("violations_gas", "integer", "the same"),
        Column("mismatch", "number", "of losses, market against physics, share", optional=True),
        Column("cuts", "integer", "kept in the market"),
        Column("seconds", "number", "wall time of the round"),
    ),
    open=True,
)
CHECKS = Table(
    "One tight check: a limit of an element at a step; counts of the rest are in the certificate.",
    (
        Column("grid", "text", "network"),
        Column("limit", "text", "such as voltage_min"),
        Column("element", "text", "table"),
        Column("id", "integer", "index in that table"),
        Column("name", "text", "of the element, may be empty"),
        _TIME,
        Column("value", "number", "as verified, in `unit`"),
        Column("bound", "number", "in `unit`"),
        Column("margin", "number", "distance to the bound in `unit`, negative = missed"),
        Column("unit", "text", "of the limit"),
    ),
)
ALLOCATION = Table(
    "The share of one player by one method, with diagnostics.",
    (
        Column("player", "text", "as in the scenario"),
        Column("method", "text", "such as shapley, nash"),
        Column("value", "number", "benefit of the player, currency"),
        Column("stand_alone_cost", "number", "cost without sharing, currency"),
        Column("in_core", "flag", "no coalition does better by itself"),
    ),
    open=True,
)
PRICES = Table(
    "A price of a carrier at a step, per kWh.",
    (
        _TIME,
        Column("carrier", "text", "electricity, heat, ..."),
        Column("price_kind", "text", "pool, buy or sell"),
        Column("value", "number", "currency per kWh"),
    ),
)
PAYMENTS = Table(
    "What a party pays (positive) or receives (negative); the sum is zero.",
    (
        Column("participant", "text", "party"),
        Column("player", "text", "it belongs to"),
        Column("cost_before", "number", "without sharing, currency"),
        Column("cost_after", "number", "with sharing and payment, currency"),
        Column("payment", "number", "currency, positive = pays"),
    ),
    open=True,
)
COALITIONS = Table(
    "A coalition with its cost and value under the networks.",
    (
        Column("coalition", "text", "players joined with +"),
        Column("size", "integer", "number of players"),
        Column("cost", "number", "of everyone when the coalition shares, currency"),
        Column("stand_alone_cost", "number", "of everyone when nobody shares, currency"),
        Column("value", "number", "what sharing saves, currency"),
        Column("copper_plate_value", "number", "the same without networks; may be missing"),
        Column("verified", "flag", "its schedule passes every network check"),
        Column("gap", "number", "relative optimality gap"),
    ),
    open=True,
)
NODAL_PRICES = Table(
    "Value of one more kWh at a terminal, per kWh.",
    (
        _TIME,
        Column("grid", "text", "network"),
        Column("terminal", "text", "participant or pump:<network>"),
        Column("energy", "number", "pool price"),
        Column("loss", "number", "part for losses and pump electricity"),
        Column("congestion", "number", "part for limits"),
        Column("total", "number", "sum"),
    ),
)
WINDOWS = Table(
    "One window of a long horizon; the table is there only where windows are used.",
    (
        Column("window", "integer", "0, 1, ..."),
        _TIME,
        Column("steps", "integer", "kept, from the start on"),
        Column("look_ahead_steps", "integer", "solved behind them and left to the next window"),
        Column("verdict", "text", "feasible, infeasible or unresolved"),
        Column("cause", "text", "one sentence, empty if feasible"),
        Column("iterations", "integer", "rounds of market and networks"),
        Column("cost_individual", "number", "nobody shares, currency; may be missing"),
        Column("cost_copper_plate", "number", "shared, without networks, currency"),
        Column("cost_with_losses", "number", "with losses but no limits; may be missing"),
        Column("cost", "number", "shared, as it passed or was left in the networks, currency"),
        Column(
            "smallest_margin",
            "number",
            "of all checks, as a share of what the quantity can vary over",
        ),
        Column("seconds", "number", "wall time"),
    ),
)

TABLES: Mapping[str, Table] = {
    "schedule": SCHEDULE,
    "iterations": ITERATIONS,
    "checks": CHECKS,
    "allocation": ALLOCATION,
    "prices": PRICES,
    "payments": PAYMENTS,
    "coalitions": COALITIONS,
    "nodal_prices": NODAL_PRICES,
}
"""Name of the file without `.parquet` -> table. `setpoints/<grid>` and `states/<grid>` hold
`NETWORK_SERIES`; so does `copper_plate/states/<grid>`. `copper_plate/schedule` is a schedule."""

OPTIONAL_TABLES: Mapping[str, Table] = {
    "windows": WINDOWS,
    "trades": TRADES,
    "emissions": EMISSIONS,
    "p2p_prices": P2P_PRICES,
    "accounts": ACCOUNTS,
    "admm": ADMM,
    "bargaining_power": BARGAINING_POWER,
    "leader_prices": LEADER_PRICES,
    "leader_history": LEADER_HISTORY,
    **DESIGN_TABLES,
}
"""The same, for tables that are written only where they hold rows."""

VERDICTS = ("feasible", "infeasible", "unresolved")


def problems_of(frame: pd.DataFrame, table: Table, where: str) -> list[Problem]:
    """Return everything that a frame gets wrong.

    Args:
        frame: to be written, or as read.
        table: what it should be.
        where: file, for the messages.
    """
    found: list[Problem] = []
    known = {column.name: column for column in table.columns}
    for column in table.columns:
        if column.name not in frame.columns:
            if not column.optional:
                found.append(_missing(column, frame, where))
        elif not _fits(frame[column.name], column.kind):
            found.append(_misfit(frame[column.name], column, where))
    extra = [str(name) for name in frame.columns if name not in known]
    if extra and not table.open:
        advice = "rename or drop them"
        text = f"unexpected columns {', '.join(extra[:5])}"
        found.append(Problem(where, text, f"only {', '.join(known)}", advice))
    return found


def _missing(column: Column, frame: pd.DataFrame, where: str) -> Problem:
    there = ", ".join(str(name) for name in frame.columns) or "none"
    return Problem(
        f"{where}: {column.name}",
        f"no such column (there are {there})",
        f"{WHAT[column.kind]}: {column.about}",
        "add the column, or run the scenario again with this version of cosim",
    )


def _misfit(series: pd.Series, column: Column, where: str) -> Problem:
    return Problem(
        f"{where}: {column.name}",
        f"values of type {series.dtype}",
        f"{WHAT[column.kind]}: {column.about}",
        "convert the column before it is written",
    )


def _fits(series: pd.Series, kind: Kind) -> bool:
    if kind == "time":
        return isinstance(series.dtype, pd.DatetimeTZDtype)
    if kind == "flag":
        return bool(types.is_bool_dtype(series.dtype))
    if kind == "integer":
        return bool(types.is_integer_dtype(series.dtype))
    if kind == "number":
        return bool(types.is_numeric_dtype(series.dtype)) and not types.is_bool_dtype(series.dtype)
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.cat.categories.to_series()
    if not (types.is_object_dtype(series.dtype) or types.is_string_dtype(series.dtype)):
        return bool(len(series) == 0)
    return bool(series.map(lambda value: isinstance(value, str)).all())
