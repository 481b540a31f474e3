"""Batch equations for water networks with loops, valves, pumps and several producers."""
