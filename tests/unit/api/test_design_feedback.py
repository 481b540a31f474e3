"""What days teach about designs: roles, ways, shares of what pipes may carry."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cosim.api.designing.days import Arrangement, roles_of
from cosim.api.designing.feedback import role_cuts
from cosim.api.designing.pressure import _shares, way
from cosim.api.designing.shares import recommend
from cosim.grids.heat.laid import Circuit
from cosim.records.design import OPERATION_COLUMNS, Design
from tests.support import quarter

PIPES = (quarter.pipe("hotel-office", 65, 300.0), quarter.pipe("office-hospital", 65, 280.0))


def plan(heat_kw: dict[str, float]) -> Arrangement:
    """A design whose buildings give constant heat to the pipes (negative: take) on one day."""
    rows = [
        ("day_10", hour, name, "", "heat", "pipe_out_kw" if kw > 0 else "pipe_in_kw", abs(kw))
        for name, kw in heat_kw.items()
        for hour in range(24)
    ]
    operation = pd.DataFrame(rows, columns=list(OPERATION_COLUMNS))
    empty = pd.DataFrame(columns=["owner", "component", "cost_per_year"])
    design = Design(tuple(heat_kw), (), PIPES, empty, operation, pd.DataFrame(), 0.0)
    return Arrangement(frozenset(heat_kw), (design,))


def test_who_gives_most_holds_the_pressure_and_the_others_go_one_way() -> None:
    heat = {"hotel": np.full(24, -40.0), "office": np.full(24, 60.0), "hospital": np.full(24, 5.0)}
    host, roles = roles_of(heat)
    assert host == "office"
    assert roles == {"hotel": "draws", "hospital": "feeds"}


def test_role_cuts_close_the_other_direction_all_day() -> None:
    cuts = role_cuts(plan({"hotel": -40.0, "office": 60.0, "hospital": -5.0}), [quarter.day()],
                     quarter.BUILDINGS)  # fmt: skip
    closed = {cut.element: cut.direction for cut in cuts}
    assert closed == {"hotel": "export", "office": "import", "hospital": "export"}
    assert all(cut.value == 0.0 and cut.day == "day_10" and cut.hour is None for cut in cuts)


def test_a_design_without_pipes_has_no_roles() -> None:
    one = plan({"hotel": 0.0})
    bare = Arrangement(one.together, (Design(("hotel",), (), (), *_rest(one.designs[0])),))
    assert role_cuts(bare, [quarter.day()], quarter.BUILDINGS) == []


def _rest(design: Design) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, float]:
    return design.costs, design.operation, design.flows, 0.0


def test_the_way_is_that_over_the_fewest_pipes() -> None:
    ring = (*PIPES, quarter.pipe("hotel-hospital", 65, 900.0))
    circuit = Circuit(ring, quarter.BUILDINGS, "hotel", 85.0, 55.0, 3.0)
    assert [p.name for p in way(circuit, "hospital")] == ["hotel-hospital"]
    assert way(circuit, "hotel") == ()


def test_the_pipe_that_loses_most_is_cut_to_what_the_square_law_leaves() -> None:
    own = {"hotel-office": 0.4, "office-hospital": 1.6}
    ((pipe, share),) = _shares(PIPES, own, drop=2.0, room=1.4)
    assert pipe.name == "office-hospital"
    assert 0.4 + 1.6 * share**2 == pytest.approx(1.4)


def test_all_pipes_are_cut_where_one_alone_cannot_give_enough() -> None:
    own = {"hotel-office": 1.0, "office-hospital": 1.0}
    found = {pipe.name: share for pipe, share in _shares(PIPES, own, drop=2.0, room=0.5)}
    assert set(found) == set(own)
    assert sum(own[name] * share**2 for name, share in found.items()) == pytest.approx(0.5)


def scheme(fi: float, largest: float | None, core: bool) -> dict[str, object]:
    return {"fi": fi, "largest_disruption": largest, "in_core": core}


def test_a_stable_scheme_goes_before_a_calmer_one() -> None:
    table = {
        "shapley": scheme(0.1, 0.5, False),
        "nucleolus": scheme(0.3, 2.0, True),
        "equal_disruption": scheme(0.2, 1.5, True),
    }
    method, reason = recommend(table)
    assert method == "equal_disruption"
    assert "1.50 times" in reason


def test_among_equals_the_more_even_one_is_taken() -> None:
    table = {"shapley": scheme(0.4, 1.0, True), "nucleolus": scheme(0.1, 1.001, True)}
    assert recommend(table)[0] == "nucleolus"


def test_nothing_to_divide_is_said() -> None:
    table = {"shapley": scheme(0.0, None, True)}
    assert "nothing to divide" in recommend(table)[1]
