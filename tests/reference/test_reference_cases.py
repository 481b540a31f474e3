"""Every case folder, through both engines of the adapter it belongs to."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from cosim.records import Injections, read_only
from tests.reference import cases


@pytest.mark.parametrize("engine", ["fast", "reference"])
@pytest.mark.parametrize("case", cases.names())
def test_case(case: str, engine: Literal["fast", "reference"], tmp_path: Path) -> None:
    grid = cases.adapter(case, tmp_path)
    nothing = read_only(np.zeros((1, 0)))
    idle = Injections(grid.inputs.name, read_only([0], np.int64), (), nothing, nothing)
    states = grid.verify(idle, engine)
    assert states.failures == ()
    assert (states.engine == "cosim batch") == (engine == "fast"), states.notes
    expected, tolerance = cases.read(case, "expected"), cases.read(case, "tolerance")
    assert set(expected) == set(tolerance)
    found = {what: cases.value(states, what) for what in expected}
    off = {w: (found[w], v) for w, v in expected.items() if abs(found[w] - v) > tolerance[w]}
    assert off == {}, "what: (found, expected)"


@pytest.mark.parametrize("case", cases.names())
def test_every_case_says_where_it_comes_from(case: str) -> None:
    text = (cases.CASES / case / "README.md").read_text(encoding="utf-8")
    assert "Source" in text
