"""Import pandapower and pandapipes late, and undo what their import changes elsewhere.

Both import matplotlib code that replaces `RendererBase.new_gc` for the whole process (SVG output
of a scatter then fails with "'str' object has no attribute 'name'"), and pandapower switches off
pandas' warning about chained assignment.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import pandas as pd

CHANGED_OPTION = "mode.chained_assignment"


def engine(name: str) -> Any:
    """Return a module of pandapower or pandapipes; everything else stays as it was.

    Args:
        name: full name, such as `pandapipes` or `pandapower.control`.
    """
    if name in sys.modules:
        return sys.modules[name]
    from matplotlib.backend_bases import RendererBase

    new_gc = RendererBase.__dict__["new_gc"]
    with pd.option_context(CHANGED_OPTION, pd.get_option(CHANGED_OPTION)):
        try:
            return importlib.import_module(name)
        finally:
            RendererBase.new_gc = new_gc  # type: ignore[method-assign]
