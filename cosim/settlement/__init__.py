"""Coalition values, allocation of the benefit, and the money that follows from it."""

from cosim.settlement.allocation import allocation_table, game_of
from cosim.settlement.coalitions import (
    CoalitionValue,
    coalition_table,
    coalition_values,
    cost_inside,
    has_no_value,
    single_coalitions,
    system_cost,
    two_coalitions,
)
from cosim.settlement.payments import bill, payments
from cosim.settlement.players import Players, players_of
from cosim.settlement.power import bargaining_power

__all__ = [
    "CoalitionValue",
    "Players",
    "allocation_table",
    "bargaining_power",
    "bill",
    "coalition_table",
    "coalition_values",
    "cost_inside",
    "game_of",
    "has_no_value",
    "payments",
    "players_of",
    "single_coalitions",
    "system_cost",
    "two_coalitions",
]
