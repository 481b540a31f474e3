"""What is loaded late leaves pandas and matplotlib as they were."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import io, sys, warnings
import numpy as np
import pandas as pd
import matplotlib
matplotlib.use("Agg")
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

def options():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = io.StringIO()
        out, sys.stdout = sys.stdout, text
        pd.describe_option()
        sys.stdout = out
        return text.getvalue()

pen, before = RendererBase.__dict__["new_gc"], options()
from cosim.grids.imports import engine
for name in {names!r}:
    assert engine(name) is sys.modules[name]
assert RendererBase.__dict__["new_gc"] is pen
assert options() == before
figure = Figure()
figure.add_subplot().scatter(np.arange(3), np.arange(3))
figure.savefig(io.BytesIO(), format="svg")
print("unchanged")
"""


@pytest.mark.parametrize("names", [["pandapower"], ["pandapipes", "pandapower.control"]])
def test_importing_an_engine_changes_nothing_else(names: list[str]) -> None:
    script = SCRIPT.replace("{names!r}", repr(names))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "unchanged\n", done.stderr


def test_the_grids_import_them_in_no_other_way() -> None:
    folder = Path(__file__).parents[3] / "cosim" / "grids"
    lines = [
        f"{path.name}: {line.strip()}"
        for path in sorted(folder.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith(("import pandap", "from pandap"))
    ]
    assert lines == []
