"""The heat adapter against plain pandapipes on every network, over very different steps."""

from pathlib import Path

import pytest

from cosim.errors import GridError
from tests.reference.heat_networks import QUICK, SETTINGS, bundled, networks
from tests.support.heat_campaign import KINDS, Outcome, compare

NETWORKS = networks()
OPEN = sorted(set(bundled()) - {"schutterwald_heat"})
"""Networks without house stations and a plant: water runs in at one end and out at the other."""
LEAST_COMPARED = {"second producer of given flow": 3, "second producer with a lift": 2}
"""Between two producers many steps are doubtful and given to pandapipes."""
CLOSED = sorted(set(NETWORKS) - set(OPEN))


def check(outcome: Outcome) -> None:
    assert outcome.faults == []
    assert outcome.engine == "cosim batch", outcome.notes
    compared = outcome.steps - outcome.failed - outcome.open - outcome.taken_over
    assert compared >= LEAST_COMPARED.get(outcome.name, outcome.steps // 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLOSED)
def test_batch(name: str, tmp_path: Path) -> None:
    check(compare(name, NETWORKS[name](), tmp_path, SETTINGS.get(name)))


@pytest.mark.parametrize("name", QUICK)
def test_batch_over_a_few_steps(name: str, tmp_path: Path) -> None:
    rows = [KINDS.index(kind) for kind in ("no load at some", "one feeds in a third")]
    check(compare(name, NETWORKS[name](), tmp_path, SETTINGS.get(name), rows=rows))


@pytest.mark.parametrize("name", OPEN)
def test_what_is_no_circulation_network_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(GridError, match="no heat_consumer, expected at least one"):
        compare(name, NETWORKS[name](), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rings of both lines", "second producer of given flow"])
def test_reference_engine(name: str, tmp_path: Path) -> None:
    """What the reference engine reports is what plain pandapipes reports."""
    assert compare(name, NETWORKS[name](), tmp_path, SETTINGS.get(name), "reference").faults == []
