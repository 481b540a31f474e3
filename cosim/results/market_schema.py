"""Tables about trade, emissions and a leader's prices, where a run's market has them."""

from __future__ import annotations

from cosim.results.columns import Column, Table

TRADES = Table(
    "A delivery under a bilateral contract at a step; carriers with `form: bilateral` only.",
    (
        Column("time", "time", "start of the step"),
        Column("carrier", "text", "electricity, heat, ..."),
        Column("from", "text", "participant who gives"),
        Column("to", "text", "participant who takes, or `network` for losses and pumps"),
        Column("kw", "number", "power delivered"),
    ),
    large=True,
)
EMISSIONS = Table(
    "CO2 of one participant, or of the network account, from one source over the horizon.",
    (
        Column("case", "text", "individual, copper_plate or last (as left in the networks)"),
        Column("participant", "text", "as in the scenario; `network` for losses and pumps"),
        Column(
            "source",
            "text",
            "carrier that is bought; captured (negative); methane, what own methane gives off; "
            "total; quota, what is given free of charge",
        ),
        Column("kg", "number", "CO2 in kg"),
    ),
)
LEADER_PRICES = Table(
    "A price that the leader announces to its followers at a step.",
    (
        Column("time", "time", "start of the step"),
        Column("carrier", "text", "electricity, heat, ..."),
        Column("side", "text", "buy: the leader pays it; sell: the followers pay it"),
        Column("price_per_kwh", "number", "as announced, currency per kWh"),
        Column("low_per_kwh", "number", "lowest price it may set, currency per kWh"),
        Column("high_per_kwh", "number", "highest price it may set, currency per kWh"),
    ),
)
LEADER_HISTORY = Table(
    "One step of the search for the leader's prices.",
    (
        Column("method", "text", "exact, evolutionary, decomposition or fixed"),
        Column("iteration", "integer", "0, 1, ... within one search"),
        Column("seconds", "number", "wall time since that search began"),
        Column(
            "best", "number", "leader's profit at the best prices so far, currency; may be missing"
        ),
        Column("bound", "number", "no prices give more, currency; missing where unknown"),
    ),
    open=True,
)
