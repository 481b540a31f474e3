"""cosim: can this energy sharing physically happen, what does it cost, and who gets what?

The verbs of the command line are functions here: `cosim.run`, `cosim.design`, `cosim.check`,
`cosim.verify`, `cosim.report`, `cosim.compare`, `cosim.study`, `cosim.init`, `cosim.export`, and
`cosim.load`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cosim.api import (
        RunResult,
        check,
        compare,
        design,
        examples,
        export,
        init,
        load,
        report,
        run,
        verify,
    )
    from cosim.studies import StudyResult, study

__all__ = [
    "RunResult",
    "StudyResult",
    "check",
    "compare",
    "design",
    "examples",
    "export",
    "init",
    "load",
    "report",
    "run",
    "study",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Return a verb when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("StudyResult", "study"):
        from cosim import studies

        return getattr(studies, name)
    from cosim import api

    return getattr(api, name)
