"""SimBench grids by code, where the package simbench is importable."""

from __future__ import annotations

import tempfile
from pathlib import Path

from cosim.errors import Problem, ScenarioError
from cosim.grids.imports import engine


def write_simbench_grid(code: str) -> Path:
    """Write a SimBench grid to a network file and return its path.

    Data: SimBench (Meinecke et al., doi 10.3390/en13123290), Open Database License.

    Args:
        code: such as `1-LV-rural1--0-sw`.

    Raises:
        ScenarioError: if simbench is not installed or does not know the code.
    """
    where = "simbench"
    try:
        pandapower = engine("pandapower")
        simbench = engine("simbench")
    except ImportError:
        problem = Problem(
            where,
            f"the package simbench is not installed (grid {code})",
            "an installed simbench or a network file",
            "pip install --no-deps simbench, or give file: a pandapower JSON",
        )
        raise ScenarioError([problem]) from None
    known = simbench.collect_all_simbench_codes()
    if code not in known:
        similar = [c for c in known if c[:6] == code[:6]][:5] or list(known[:5])
        expected = f"a SimBench code such as {', '.join(similar)}"
        problem = Problem(where, f"unknown code {code!r}", expected)
        raise ScenarioError([problem])
    target = Path(tempfile.gettempdir()) / f"cosim-{code}.json"
    if not target.exists():
        net = simbench.get_simbench_net(code)
        net.pop("profiles", None)
        net.pop("loadcases", None)
        partial = target.with_suffix(".part")
        pandapower.to_json(net, str(partial))
        partial.replace(target)
    return target
