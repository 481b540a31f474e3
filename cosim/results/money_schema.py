"""Tables about money that a run folder holds where its settlement has them."""

from __future__ import annotations

from cosim.results.columns import Column, Table

P2P_PRICES = Table(
    "Price that one party pays another for shared energy at a step, where energy flows.",
    (
        Column("time", "time", "start of the step"),
        Column("carrier", "text", "electricity, heat, ..."),
        Column("seller", "text", "participant"),
        Column("buyer", "text", "participant, or `network` for losses and pumps"),
        Column("kw", "number", "power delivered from seller to buyer"),
        Column("price", "number", "currency per kWh"),
        Column("lower_bound", "number", "currency per kWh"),
        Column("upper_bound", "number", "currency per kWh"),
    ),
    large=True,
)
ACCOUNTS = Table(
    "One payment over the horizon; nothing is paid without somebody receiving it.",
    (
        Column("payer", "text", "participant, network, system_operator, utility:<carrier>, ..."),
        Column("payee", "text", "the same; `upkeep` is nobody in particular"),
        Column("item", "text", "such as electricity_purchase, shared_heat, losses_and_pumps"),
        Column("amount", "number", "currency, positive"),
    ),
)
BARGAINING_POWER = Table(
    "What bargaining power comes from, by player and rule.",
    (
        Column("player", "text", "as in the scenario"),
        Column("rule", "text", "equal, volume, exponential, multi_factor or given"),
        Column("weight", "number", "bargaining power, sums to 1 for each rule"),
        Column("chosen", "flag", "the rule of the scenario"),
    ),
    open=True,
)
ADMM = Table(
    "One round of the negotiation without a centre.",
    (
        Column("round", "integer", "0, 1, ... within the phase's problem"),
        Column("phase", "text", "relaxed, integers fixed, or prices"),
        Column("primal_residual", "number", "mismatch between parties, share of what is exchanged"),
        Column("dual_residual", "number", "change from round to round, share"),
        Column("penalty", "number", "of the round"),
        Column("cost", "number", "of all parties, currency; missing for prices"),
    ),
)
