"""The market layer: Pyomo models solved with HiGHS."""
