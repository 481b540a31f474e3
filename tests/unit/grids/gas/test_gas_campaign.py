"""The batch equations against plain pandapipes on every network there is, and who computes what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.gas_campaign import MODELS, Outcome, run
from tests.support.gas_zoo import CONSTRUCTED, FLUIDS, bundled, of_fluid, ours

REFERENCE = {
    "blower": "1 pump",
    "gas_strand_pump": "1 pump",
    "gas_versatility": "1 pump",
    "junction out of service": "1 pipe in service at a junction out of service",
    "station with remote sensor": "1 press_control of a junction elsewhere",
}
"""Networks that the batch leaves to pandapipes, and why."""
SMALL = [(name, make) for name, make in bundled() if "schutterwald" not in name]
TOWNS = [(name, make) for name, make in (*bundled(), *ours()) if "schutterwald" in name]


def check(outcome: Outcome) -> None:
    assert outcome.faults == []
    assert outcome.compared > outcome.open
    reason = REFERENCE.get(outcome.name)
    if reason is None:
        assert outcome.engine == "cosim batch"
    else:
        assert outcome.engine.startswith("pandapipes")
        assert (
            outcome.notes[0] == f"the batch does not cover {reason}: pandapipes computed all steps"
        )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", list(CONSTRUCTED))
def test_constructed_networks(name: str, model: str, tmp_path: Path) -> None:
    check(run(name, CONSTRUCTED[name](), model, tmp_path, kinds=4))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("name", "make"), SMALL, ids=[name for name, _ in SMALL])
def test_bundled_networks(name: str, make: Callable[[], Any], model: str, tmp_path: Path) -> None:
    check(run(name, make(), model, tmp_path, kinds=3))


@pytest.mark.parametrize("fluid", FLUIDS)
def test_fluids(fluid: str, tmp_path: Path) -> None:
    check(run(fluid, of_fluid(fluid), "colebrook", tmp_path, kinds=2))


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("name", "make"), TOWNS, ids=[name for name, _ in TOWNS])
def test_towns(name: str, make: Callable[[], Any], model: str, tmp_path: Path) -> None:
    check(run(name, make(), model, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", list(CONSTRUCTED))
def test_constructed_networks_at_all_loads(name: str, model: str, tmp_path: Path) -> None:
    check(run(name, CONSTRUCTED[name](), model, tmp_path))
