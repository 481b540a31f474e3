"""A market without a solution says who lacks what, when and how much."""

from __future__ import annotations

from typing import Any

import pytest

from cosim.errors import Infeasible, SolveError, TimeLimit
from cosim.market import Market
from tests.support.community import scenario, town

TARIFFS = {"electricity": {"buy": 0.3}, "gas": {"buy": 0.08}, "heat": {"buy": 0.1}}


def home(**connection: Any) -> dict[str, Any]:
    return {"connections": {"electricity": connection}, "demand": {"electricity": (4.0, 9.0, 7.0)}}


def test_demand_beyond_the_connection_is_named() -> None:
    case = scenario({"home": home(import_max_kw=6.0)}, TARIFFS, steps=3)
    with pytest.raises(Infeasible) as caught:
        Market(case, {}).solve(frozenset())
    assert str(caught.value) == (
        "no schedule serves everyone: home lacks up to 3 kW of electricity, at 2 steps from "
        "2024-01-15 01:00 on (add capacity or raise participants.home.connections.electricity."
        "import_max_kw)"
    )


def test_surplus_that_nobody_takes_is_named() -> None:
    roof = {"type": "pv", "profile": 5.0, "curtailable": False}
    farm = {"connections": {"electricity": {}}, "devices": {"roof": roof}}
    with pytest.raises(Infeasible, match="farm cannot get rid of up to 5 kW of electricity"):
        Market(scenario({"farm": farm}, TARIFFS, steps=3), {}).solve(frozenset())


def test_a_lack_that_only_binaries_cause_is_named() -> None:
    """A unit that runs at 50 kW or not at all cannot serve 20 kW of heat."""
    works = {
        "connections": {"gas": {}, "electricity": {}},
        "demand": {"heat": 10.0, "electricity": 100.0},
        "devices": {"engine": {"type": "chp", "power_max_kw": 100.0, "load_min": 0.5}},
    }
    with pytest.raises(Infeasible, match=r"works .* of heat"):
        Market(scenario({"works": works}, TARIFFS, steps=2), {}).solve(frozenset())


def test_other_participants_are_served_while_one_is_not() -> None:
    people = {f"home{k}": home(import_max_kw=6.0) for k in range(7)}
    with pytest.raises(Infeasible, match="and 2 more"):
        Market(scenario(people, TARIFFS, steps=3), {}).solve(frozenset(people))


def test_earning_without_limit_is_said() -> None:
    people = {"home": home(import_max_kw=float("inf"), export_max_kw=float("inf"))}
    case = scenario(people, {"electricity": {"buy": 0.1, "sell": 0.2}}, steps=3)
    with pytest.raises(SolveError, match="feed-in price above a purchase price"):
        Market(case, {}).solve(frozenset())


def test_time_that_ends_before_any_schedule_is_said() -> None:
    case = town(25, 96, minutes=15, solver={"time_limit_s": 1e-3})
    with pytest.raises(TimeLimit, match=r"no schedule within 0.001 s; raise solver.time_limit_s"):
        Market(case, {}).solve(frozenset(case.config.participants))


def test_unknown_members_are_refused() -> None:
    case = scenario({"home": home()}, TARIFFS, steps=3)
    with pytest.raises(SolveError, match="unknown participant 'castle'"):
        Market(case, {}).solve(frozenset({"castle"}))
