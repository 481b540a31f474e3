"""A market without a solution says who lacks what, when and how much."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cosim.errors import Infeasible, SolveError, TimeLimit
from cosim.market import Market
from cosim.market.diagnose import _unsolved
from cosim.market.highs import Outcome, Status
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


def island(device: dict[str, Any], demand: Any, **more: Any) -> dict[str, Any]:
    """Return a participant that can neither buy nor sell electricity."""
    limits = {"import_max_kw": 0.0, "export_max_kw": 0.0}
    return {
        "connections": {"electricity": limits, "gas": {}, **more},
        "demand": {"electricity": demand},
        "devices": {"unit": device},
    }


def refusal(case: Any) -> str:
    with pytest.raises(Infeasible) as caught:
        Market(case, {}).solve(frozenset(case.config.participants))
    return str(caught.value)


def test_a_final_content_out_of_reach_is_named() -> None:
    """10 kWh lose 1, 0.9 and 0.81; 0.1 kW charged brings about 0.27 back: 2.45 are missing."""
    store = {
        "type": "battery",
        "capacity_kwh": 10.0,
        "initial": 1.0,
        "self_discharge_per_h": 0.1,
        "charge_max_per_h": 0.01,
        "eta_charge": 1.0,
    }
    happy = home(import_max_kw=20.0)
    sad = {**happy, "devices": {"cellar": store}}
    found = refusal(scenario({"happy": happy, "sad": sad}, TARIFFS, steps=3))
    assert found == (
        "no schedule satisfies these constraints, even with every demand unserved: participants."
        "sad.devices.cellar: final_energy (the content ends where it began) is missed by 2.439, "
        "by 2024-01-15 02:00"
    )


def test_a_content_that_falls_below_its_floor_is_named() -> None:
    store = {
        "type": "heat_storage",
        "capacity_kwh": 10.0,
        "initial": 0.5,
        "energy_min": 0.5,
        "self_discharge_per_h": 0.1,
        "charge_max_per_h": 1e-6,
        "cyclic": False,
    }
    place = {"connections": {"heat": {}}, "devices": {"tank": store}}
    found = refusal(scenario({"place": place}, TARIFFS, steps=2))
    assert "participants.place.devices.tank: energy_balance (content is" in found
    assert "is missed by 0.5, at 2 steps from 2024-01-15 00:00 on" in found


def test_a_minimum_time_in_the_way_of_a_demand_is_named() -> None:
    """One hour of 100 kW is needed, but once started the unit has to run for two."""
    engine = {
        "type": "chp",
        "power_max_kw": 100.0,
        "load_min": 1.0,
        "up_time_min_h": 2.0,
        "initial_power_kw": 0.0,
        "heat_dump_allowed": True,
    }
    found = refusal(scenario({"isle": island(engine, (0.0, 100.0, 0.0))}, TARIFFS, steps=3))
    assert found.startswith("no schedule serves everyone: isle ")
    assert "in the way (any of these): participants.isle.devices.unit: load_floor (" in found
    assert "participants.isle.devices.unit: up_time (recently started means still running)" in found
    assert "is missed by 1, at 1 step from 2024-01-15 02:00 on" in found


def test_a_ramp_in_the_way_of_a_demand_is_named() -> None:
    engine = {
        "type": "chp",
        "power_max_kw": 100.0,
        "load_min": 0.1,
        "ramp_max_kw_per_h": 20.0,
        "initial_power_kw": 30.0,
        "heat_dump_allowed": True,
    }
    found = refusal(scenario({"isle": island(engine, (50.0, 90.0, 90.0))}, TARIFFS, steps=3))
    assert "isle lacks up to 20 kW of electricity, at 1 step from 2024-01-15 01:00 on" in found
    assert "participants.isle.devices.unit: ramp_up (power rises at most by the ramp)" in found


def test_vehicles_that_cannot_be_charged_are_named() -> None:
    """40 kWh in two hours through a connection of 6 kW."""
    fleet = {
        "type": "ev_fleet",
        "vehicles": 4,
        "eta_charge": 1.0,
        "stays": [{"arrival_h": 0, "departure_h": 2, "energy_kwh": 40.0}],
    }
    depot = {"connections": {"electricity": {"import_max_kw": 6.0}}, "devices": {"vans": fleet}}
    found = refusal(scenario({"depot": depot}, TARIFFS, steps=3))
    assert "depot lacks up to" in found
    assert "in the way: participants.depot.devices.vans: energy_need (every stay ends with" in found
    assert "is missed by 28, by 2024-01-15 01:00" in found


def test_a_search_for_the_reason_that_runs_out_of_time_says_so() -> None:
    outcome = Outcome(Status.TIME_LIMIT, None, float("inf"), float("-inf"))
    found = _unsolved(outcome)
    assert found is not None
    assert "ran out of time; raise solver.time_limit_s" in str(found)
    assert _unsolved(replace(outcome, status=Status.INFEASIBLE)) is None


def test_unknown_members_are_refused() -> None:
    case = scenario({"home": home()}, TARIFFS, steps=3)
    with pytest.raises(SolveError, match="unknown participant 'castle'"):
        Market(case, {}).solve(frozenset({"castle"}))
