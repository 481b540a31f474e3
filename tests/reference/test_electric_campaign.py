"""The electric adapter against plain pandapower on every network, over very different steps."""

import inspect
from pathlib import Path
from typing import Any

import pandapower as pp
import pandapower.networks as pn
import pytest

from cosim.errors import GridError
from tests.reference.electric_networks import BUNDLED, LARGE, QUICK, networks
from tests.support.campaign import TOLERANCE_MVA, run, scaled
from tests.support.zoo import ZOO

NETWORKS = networks()
UNSYMMETRICAL = "ieee_european_lv_asymmetric"
TESTED = sorted(set(NETWORKS) - {UNSYMMETRICAL})
NEEDS_ARGUMENTS = {"create_dickert_lv_feeders"}


def marked(name: str) -> Any:
    quick = name in QUICK or name.startswith("element: ") or name == "our street"
    return name if quick else pytest.param(name, marks=pytest.mark.slow)


def network(name: str) -> Any:
    """Return a network, or skip it where plain pandapower does not solve it."""
    net = NETWORKS[name]()
    try:
        pp.runpp(net, tolerance_mva=TOLERANCE_MVA)
    except pp.LoadflowNotConverged:
        pytest.skip("plain pandapower does not solve it as it is")
    return net


@pytest.mark.parametrize("name", [marked(name) for name in TESTED])
def test_batch(name: str, tmp_path: Path) -> None:
    outcome = run(name, network(name), tmp_path)
    assert outcome.faults == []
    assert outcome.failed + outcome.better < outcome.steps
    if name == "element: facts":
        assert outcome.engine.startswith("pandapower")
        assert "svc: 1" in outcome.notes[0]
    else:
        assert outcome.engine == "cosim batch", outcome.notes


@pytest.mark.parametrize("name", ["dc line", "weighted slacks", "wards", "village", "switches"])
def test_reference_engine(name: str, tmp_path: Path) -> None:
    """What the reference engine reports is what plain pandapower reports."""
    assert run(name, ZOO[name](), tmp_path, "reference").faults == []


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.7, 0.3])
@pytest.mark.parametrize("name", [n for n in TESTED if n in BUNDLED and n not in LARGE])
def test_batch_with_machines_at_part_load(name: str, share: float, tmp_path: Path) -> None:
    """Generators keep their power while customers change; here both start from less."""
    net = network(name)
    if not len(net.gen):
        pytest.skip("no generators")
    less = scaled(net, share)
    try:
        pp.runpp(less, tolerance_mva=TOLERANCE_MVA)
    except pp.LoadflowNotConverged:
        pytest.skip("plain pandapower does not solve it at part load")
    assert run(name, less, tmp_path).faults == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in TESTED if n not in LARGE])
def test_reference_engine_everywhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 1e-8 MVA pandapower itself leaves up to 1.2e-7 pu and 1e-5 of small currents open."""
    net = network(name)
    monkeypatch.setattr("cosim.grids.electric.model.TOLERANCE_MVA", tightest(net))
    assert run(name, net, tmp_path, "reference").faults == []


def tightest(net: Any) -> float:
    """Return the tightest tolerance that double precision allows on this network, MVA."""
    highest_kv = float(net.bus["vn_kv"].max())
    for tolerance in (1e-10, 1e-9) if highest_kv > 60.0 else (1e-11, 1e-10, 1e-9):
        try:
            pp.runpp(net, tolerance_mva=tolerance)
        except pp.LoadflowNotConverged:
            continue
        return tolerance
    return TOLERANCE_MVA


def test_unsymmetrical_loads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GridError, match="asymmetric_load: 55 in service, but the power flow is"):
        run(UNSYMMETRICAL, NETWORKS[UNSYMMETRICAL](), tmp_path)


def test_no_bundled_network_is_forgotten() -> None:
    """Functions of the module that belong to it and need no argument make networks."""
    found = {
        name
        for name, function in inspect.getmembers(pn, inspect.isfunction)
        if function.__module__.startswith("pandapower.networks") and not name.startswith("_")
    }
    assert found - {"pp_elements", "sorted_from_json"} - NEEDS_ARGUMENTS == set(BUNDLED)
