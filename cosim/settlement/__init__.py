"""Coalition values, allocation of the benefit, and the money that follows from it."""

from cosim.settlement.accounts import account_table
from cosim.settlement.allocation import allocation_table, game_of, settled_instead
from cosim.settlement.coalitions import (
    CoalitionValue,
    coalition_table,
    coalition_values,
    cost_inside,
    has_no_value,
    single_coalitions,
    system_cost,
)
from cosim.settlement.copper import copper_plate_values
from cosim.settlement.distributed import Negotiated, solve_distributed
from cosim.settlement.evidence import Evidence, carbon_saved_kg, marginal_contributions
from cosim.settlement.game_report import game_summary
from cosim.settlement.money import Money, settle_money
from cosim.settlement.payments import bill, payments
from cosim.settlement.peer import price_table
from cosim.settlement.players import Players, players_of
from cosim.settlement.power import bargaining_power, power_table

__all__ = [
    "CoalitionValue",
    "Evidence",
    "Money",
    "Negotiated",
    "Players",
    "account_table",
    "allocation_table",
    "bargaining_power",
    "bill",
    "carbon_saved_kg",
    "coalition_table",
    "coalition_values",
    "copper_plate_values",
    "cost_inside",
    "game_of",
    "game_summary",
    "has_no_value",
    "marginal_contributions",
    "payments",
    "players_of",
    "power_table",
    "price_table",
    "settle_money",
    "settled_instead",
    "single_coalitions",
    "solve_distributed",
    "system_cost",
]
