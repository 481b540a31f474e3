"""The verbs of the command line as functions; each loads its slow packages only when it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cosim.api.files import compare, examples, export, init, report
    from cosim.api.main_job import RunResult, design, run
    from cosim.api.progress import Progress
    from cosim.api.session import load
    from cosim.api.validation import check
    from cosim.api.verification import verify

__all__ = [
    "Progress",
    "RunResult",
    "check",
    "compare",
    "design",
    "examples",
    "export",
    "init",
    "load",
    "report",
    "run",
    "verify",
]

_HOME = {
    "Progress": "progress",
    "RunResult": "main_job",
    "check": "validation",
    "compare": "files",
    "design": "main_job",
    "examples": "files",
    "export": "files",
    "init": "files",
    "load": "session",
    "report": "files",
    "run": "main_job",
    "verify": "verification",
}


def __getattr__(name: str) -> Any:
    """Return a verb, importing the module that it lives in."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
