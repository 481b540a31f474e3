"""Figures and the self-contained HTML report of a finished run, read from disk only."""

from cosim.report.write import write_report

__all__ = ["write_report"]
