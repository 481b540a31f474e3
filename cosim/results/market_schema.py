"""Tables about trade and emissions that a run folder holds where its market has them."""

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
