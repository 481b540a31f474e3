"""The market layer: Pyomo models solved with HiGHS."""

from cosim.market.market import Market

__all__ = ["Market"]
