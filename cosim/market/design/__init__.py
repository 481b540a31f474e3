"""Design mode: which units to buy and which heat pipes to lay, at the least annual cost."""

from cosim.market.design.economics import capital_recovery_factor, pipe_cost_per_year
from cosim.market.design.problem import DesignProblem, build_design_problem
from cosim.market.design.solve import solve_design
from cosim.market.design.unite import unite

__all__ = [
    "DesignProblem",
    "build_design_problem",
    "capital_recovery_factor",
    "pipe_cost_per_year",
    "solve_design",
    "unite",
]
