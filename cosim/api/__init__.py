"""The verbs of the command line as functions."""

from cosim.api.files import compare, export, init, report
from cosim.api.progress import Progress
from cosim.api.run import RunResult, run
from cosim.api.session import load
from cosim.api.verify import verify

__all__ = ["Progress", "RunResult", "compare", "export", "init", "load", "report", "run", "verify"]
