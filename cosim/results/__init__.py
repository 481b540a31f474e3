"""The run folder: written as a whole, checked on the way in and out, exported and compared."""

from cosim.results.compare import compare_runs
from cosim.results.export import export_run
from cosim.results.parquet import quantities, read_quantity
from cosim.results.read import read_run, read_summary
from cosim.results.tables import RunTables
from cosim.results.write import write_run

__all__ = [
    "RunTables",
    "compare_runs",
    "export_run",
    "quantities",
    "read_quantity",
    "read_run",
    "read_summary",
    "write_run",
]
