"""Tables that a run in design mode adds to its folder."""

from __future__ import annotations

from collections.abc import Mapping

from cosim.results.columns import Column, Table

_COALITION = Column("coalition", "text", "buildings joined with +")
_STAGE = Column("stage", "text", "copper_plate (no networks) or verified")

DESIGN_UNITS = Table(
    "Units of one kind that a coalition buys for a building.",
    (
        _COALITION,
        _STAGE,
        Column("building", "text", "as in the scenario"),
        Column("device", "text", "name in the building"),
        Column("kind", "text", "of the catalogue"),
        Column("count", "integer", "equal units"),
        Column("size", "number", "of one unit, in `unit`"),
        Column("unit", "text", "kW or kWh"),
        Column("cost_per_year", "number", "annualised price and fixed maintenance, currency"),
    ),
)
DESIGN_PIPES = Table(
    "A candidate route in the design of a coalition that could lay it.",
    (
        _COALITION,
        _STAGE,
        Column("pipe", "text", "name of the route"),
        Column("from", "text", "building"),
        Column("to", "text", "building"),
        Column("length_m", "number", "of the trench"),
        Column("dn", "integer", "nominal diameter, 0 where nothing is laid"),
        Column("laid", "flag", "whether pipes are laid"),
        Column("heat_peak_kw", "number", "most heat that is planned to enter it"),
        Column("cost_per_year", "number", "annualised, after the subsidy, currency"),
    ),
)
DESIGN_COSTS = Table(
    "One component of what a coalition pays a year.",
    (
        _COALITION,
        _STAGE,
        Column("component", "text", "investment_<kind>, fuel, electricity, pipes, ..."),
        Column("cost_per_year", "number", "currency, income is negative"),
    ),
)
DESIGN_ENERGY = Table(
    "Energy over a year from one place to another, as verified.",
    (
        _COALITION,
        Column("from", "text", "gas, grid, sun, ambient, or building:device"),
        Column("to", "text", "the same, or building:carrier, losses, feed_in"),
        Column("carrier", "text", "electricity, heat, cooling, gas"),
        Column("kwh_per_year", "number", "weighted sum over the typical days"),
    ),
)
DESIGN_DAYS = Table(
    "One typical or design day of a coalition's final design.",
    (
        _COALITION,
        Column("day", "text", "name"),
        Column("date", "text", "real day of the year that it is"),
        Column("weight_days", "number", "days it stands for, 0 for a design day"),
        Column("verdict", "text", "feasible, infeasible or unresolved"),
        Column("cause", "text", "empty if feasible"),
        Column("cost", "number", "of everyone on that day, currency"),
        Column("rounds", "integer", "of market and networks"),
        Column("host", "text", "building that holds the pressure, empty without pipes"),
        Column("unserved_kwh", "number", "demand that is not met"),
        Column("smallest_dp_bar", "number", "differential pressure at a station; may be missing"),
        Column("lowest_supply_c", "number", "supply temperature at a station; may be missing"),
        Column("highest_speed_m_per_s", "number", "in a heat pipe; may be missing"),
        Column("lowest_voltage_pu", "number", "in the electric network; may be missing"),
    ),
)
DESIGN_ATTEMPTS = Table(
    "One design of the search, in the order of the search.",
    (
        _COALITION,
        Column("attempt", "integer", "0 is the design without any cut"),
        Column("design_cost", "number", "of everyone as designed, currency per year"),
        Column("verified_cost", "number", "with its days as verified; missing where one fails"),
        Column("days_failed", "integer", "days that do not pass"),
        Column("missed", "integer", "limits missed by the first dispatch of all days"),
        Column("unserved_kwh", "number", "demand not met, all days"),
        Column("cuts", "integer", "learnt from it"),
    ),
)
DESIGN_CUTS = Table(
    "What physics taught about the designs of a coalition.",
    (
        _COALITION,
        Column("attempt", "integer", "design it was learnt from"),
        Column("kind", "text", "pipe_heat_max, pipe_dn_min, exchange_max or unit_min"),
        Column("element", "text", "route or building"),
        Column("value", "number", "kW, kWh or dn"),
        Column("dn", "integer", "size that it is about, 0 for all"),
        Column("day", "text", "empty for all"),
        Column("hour", "integer", "-1 for all"),
        Column("reason", "text", "one sentence"),
    ),
)

DESIGN_TABLES: Mapping[str, Table] = {
    "design_units": DESIGN_UNITS,
    "design_pipes": DESIGN_PIPES,
    "design_costs": DESIGN_COSTS,
    "design_energy": DESIGN_ENERGY,
    "design_days": DESIGN_DAYS,
    "design_attempts": DESIGN_ATTEMPTS,
    "design_cuts": DESIGN_CUTS,
}
"""Name of the file without `.parquet` -> table."""
