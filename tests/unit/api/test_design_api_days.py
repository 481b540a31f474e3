"""A designed day through the loop: hosts, circuits, units that are too small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cosim.api.designing.days import Arrangement, DayResult, run_day
from cosim.api.designing.feedback import design_cuts
from cosim.api.session import load
from cosim.records.design import OPERATION_COLUMNS, Design, LaidPipe, Unit
from cosim.scenario import Scenario
from tests.support import quarter

PAIRS = (("hotel", "office"), ("school", "flats"))
NAMES = tuple(name for pair in PAIRS for name in pair)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Two pairs of buildings with a trench each, heat the only demand."""
    content = quarter.far_office(300.0)
    content["participants"] = {
        name: {
            "connections": {"electricity": {}, "gas": {}},
            "demand": {"heat": {"profile": "heat", "scale": 100.0}},
        }
        for name in NAMES
    }
    spec = content["design"]
    spec["candidates"] = {}
    spec["sites"] = {name: {"x_m": 100.0 * k, "y_m": 0.0} for k, name in enumerate(NAMES)}
    spec["pipes"]["routes"] = [
        {"name": f"{a}-{b}", "between": [a, b], "length_m": 300.0} for a, b in PAIRS
    ]
    spec["pipes"]["dp_max_bar"] = 2.0
    return load(quarter.write(tmp_path_factory.mktemp("pairs"), content))


def plan(boiler_kw: dict[str, float]) -> Arrangement:
    """The first of each pair heats the second as well."""
    needs = 100.0 * quarter.day().profiles["heat"]
    rows = [
        ("day_10", hour, name, "", "heat", quantity, needs[hour])
        for a, b in PAIRS
        for name, quantity in ((a, "pipe_out_kw"), (b, "pipe_in_kw"))
        for hour in range(24)
    ]
    operation = pd.DataFrame(rows, columns=list(OPERATION_COLUMNS))
    units = tuple(Unit(n, "boiler", "boiler", 1, kw, "kW", 0.0) for n, kw in boiler_kw.items())
    pipes: tuple[LaidPipe, ...] = tuple(quarter.pipe(f"{a}-{b}", 65, 300.0) for a, b in PAIRS)
    costs = pd.DataFrame(columns=["owner", "component", "cost_per_year"])
    design = Design(NAMES, units, pipes, costs, operation, pd.DataFrame(), 0.0)
    return Arrangement(frozenset(NAMES), (design,))


def heat(result: DayResult, name: str, quantity: str = "p_kw") -> np.ndarray:
    table = result.coupled.schedule.table
    rows = table[(table["participant"] == name) & (table["carrier"] == "heat")]
    return rows[rows["quantity"] == quantity].sort_values("time")["value"].to_numpy()


def test_pipes_that_do_not_hang_together_are_circuits_of_their_own(
    base: Scenario, tmp_path: Path
) -> None:
    result = run_day(base, plan({"hotel": 300.0, "school": 300.0}), quarter.day(), tmp_path / "day")
    (first,) = result.before
    assert result.feasible
    assert [part.case.circuit.host for part in (first, result)] == ["hotel", "school"]
    for part, (host, other) in zip((first, result), PAIRS, strict=True):
        loss_kw = part.coupled.verification.states["heat"].loss_kw
        np.testing.assert_allclose(heat(part, host) + heat(part, other), loss_kw, atol=0.2)
        np.testing.assert_allclose(-heat(part, other), heat(part, other, "demand_kw"))
    # the last run is about everybody: what the first circuit took is in it as verified
    entry = first.coupled.schedule.injections["heat"]
    needs = base.profiles["heat"][240:264] * 100.0
    given = heat(result, "hotel", "demand_kw") - needs
    np.testing.assert_allclose(given, entry.p_kw[:, entry.terminals.index("hotel")], atol=1e-6)


def test_a_host_that_is_too_small_is_told_to_grow(base: Scenario, tmp_path: Path) -> None:
    small = plan({"hotel": 190.0, "school": 300.0})
    result = run_day(base, small, quarter.day(), tmp_path / "day")
    assert not result.feasible
    lacking = pd.concat([part.unserved for part in (*result.before, result)])
    assert set(lacking["building"]) <= {"hotel", "office"}
    cuts = {c.element: c for c in design_cuts(base, small, [result], 0) if c.kind == "unit_min"}
    assert cuts["hotel"].value > 190.0 + lacking["kw"].max()
    assert cuts["hotel"].device == "boiler"
