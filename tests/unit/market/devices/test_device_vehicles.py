"""Vehicles that feed back: content, needs, windows, and never both directions at once."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cosim.errors import ScenarioError
from cosim.market.devices import DEVICES, Axes
from cosim.market.devices.ev_fleet import EvFleet
from cosim.records import Window
from cosim.scenario.scenario import resolve_series

CAR = {"battery_kwh": 40, "arrival_share": 0.5, "energy_min": 0.25, "eta_discharge": 1.0}
FLEET = {"vehicles": 2, "charge_max_kw": 20, "eta_charge": 1.0}


def stay(arrival, departure, energy):
    return {"arrival_h": arrival, "departure_h": departure, "energy_kwh": energy}


@pytest.mark.covers("ev_fleet.content_balance", "ev_fleet.energy_need")
def test_vehicles_trade_and_leave_with_what_they_need(bench):
    v2g = CAR | {"discharge_max_kw": 30, "degradation_per_kwh": 0.1}
    fleet = bench("ev_fleet", {**FLEET, "stays": [stay(0, 4, 10)], "v2g": v2g})
    # batteries of 80 kWh, 40 at arrival, 20 at least, 50 at departure; 40 kW in, 60 kW out:
    # buy 40 at 3 (full), sell 60 at 5 (20 left), buy 40 at 1, sell 10 at 2; 0.1 for each of 70
    best = fleet.minimise(fleet.cost() - fleet.total("electricity", [3, 5, 1, 2]))
    assert best == pytest.approx(120.0 - 300.0 + 40.0 - 20.0 + 7.0)
    np.testing.assert_allclose(fleet.flow("electricity"), [-40, 60, -40, 10], atol=1e-6)
    content = fleet.report("electricity", "state_of_charge_kwh")
    np.testing.assert_allclose(content, [80, 20, 60, 50], atol=1e-6)


@pytest.mark.covers("ev_fleet.content_balance")
def test_losses_both_ways_are_paid_by_the_vehicles(bench):
    fields = {"vehicles": 1, "charge_max_kw": 20, "eta_charge": 0.8, "stays": [stay(0, 2, 0)]}
    fleet = bench("ev_fleet", {**fields, "v2g": CAR | {"eta_discharge": 0.5}}, steps=2)
    fleet.fix("discharge", [4.0, None]).minimise(-fleet.total("electricity"))
    # 4 kW out take 8 kWh from the battery, and 10 kWh bring them back
    np.testing.assert_allclose(fleet.flow("electricity"), [4.0, -10.0], atol=1e-6)
    np.testing.assert_allclose(
        fleet.report("electricity", "state_of_charge_kwh"), [12.0, 20.0], atol=1e-6
    )


@pytest.mark.covers("ev_fleet.content_balance", "ev_fleet.energy_need")
def test_a_stay_over_the_end_of_the_horizon_keeps_its_content(bench):
    fields = {**FLEET, "vehicles": 1, "stays": [stay(3, 5, 4)], "v2g": CAR}
    fleet = bench("ev_fleet", fields)
    # arrives with 20: sells 10 at the last step for 9, buys 14 at the first for 1
    fleet.minimise(-fleet.total("electricity", [1, 0, 0, 9]))
    np.testing.assert_allclose(fleet.flow("electricity"), [-14, 0, 0, 10], atol=1e-6)
    np.testing.assert_allclose(
        fleet.report("electricity", "state_of_charge_kwh"), [24, 0, 0, 10], atol=1e-6
    )


@pytest.mark.covers("ev_fleet.charge_mode", "ev_fleet.discharge_mode")
def test_negative_prices_make_the_binary_necessary(bench):
    fields = {"vehicles": 1, "charge_max_kw": 10, "eta_charge": 0.5, "stays": [stay(0, 1, 2)]}
    fields |= {"v2g": CAR | {"eta_discharge": 0.5}}
    # paid 1 for each kWh drawn: burn energy in a circle unless both directions exclude each other
    loose = bench("ev_fleet", fields, steps=1)
    loose.minimise(-loose.total("electricity", [-1]))
    charge, discharge = (pair(0) for pair in loose.ports.exclusive["charge_discharge"])
    assert min(pyo.value(charge), pyo.value(discharge)) > 1.0
    strict = bench("ev_fleet", fields, steps=1, relax=False)
    assert strict.minimise(-strict.total("electricity", [-1])) == pytest.approx(-4.0)
    np.testing.assert_allclose(strict.report("electricity", "discharging_kw"), 0.0, atol=1e-9)


def test_groups_of_vehicles_are_fleets_of_their_own(bench):
    """Two fleets with stays that overlap; one fleet with both is refused, and says so."""
    with pytest.raises(ScenarioError, match="give another group of vehicles its own ev_fleet"):
        bench("ev_fleet", {**FLEET, "stays": [stay(0, 3, 1), stay(2, 4, 1)]})
    for one in (stay(0, 3, 1), stay(2, 4, 1)):
        bench("ev_fleet", {**FLEET, "stays": [one]}).minimise(0.0)


def windowed(fields, window, initial):
    """Build a fleet in a window of a horizon, hourly."""
    steps = range(window.solve)
    axes = Axes(
        steps=steps,
        step_h=1.0,
        series=lambda value: resolve_series(value, {}, len(steps)),
        demand={},
        initial=initial,
        window=window,
    )
    spec_type, build = DEVICES["ev_fleet"]
    model = pyo.ConcreteModel()
    model.device = pyo.Block()
    return model, build(model.device, spec_type.model_validate(fields), axes)


def solved(model, ports, prices):
    flow = ports.flows["electricity"]
    model.cost = pyo.Objective(expr=-sum(p * flow(t) for t, p in enumerate(prices)))
    pyo.SolverFactory("appsi_highs").solve(model)
    return [pyo.value(flow(t)) for t in range(len(prices))]


@pytest.mark.covers("ev_fleet.content_balance", "ev_fleet.energy_need")
def test_what_was_sold_in_one_window_is_bought_back_in_the_next():
    fields = {**FLEET, "vehicles": 1, "stays": [stay(1, 4, 0)], "v2g": CAR}
    first, ports = windowed(fields, Window(0, 2, 0, 2, 4, 4, carries=True), {})
    # kept: steps 0 and 1; sells 10 at 9, and would buy them back at 1
    np.testing.assert_allclose(solved(first, ports, [0, 9, 2, 1]), [0, 10, 0, -10], atol=1e-6)
    carried = {name: float(pyo.value(flow(1))) for name, flow in ports.carry.items()}
    assert carried == {"charged_kwh": pytest.approx(-10.0)}
    second, ports = windowed(fields, Window(1, 2, 2, 2, 2, 4, carries=True), carried)
    np.testing.assert_allclose(solved(second, ports, [1, 3]), [-20, 10], atol=1e-6)
    np.testing.assert_allclose(
        [pyo.value(ports.report["electricity", "state_of_charge_kwh"](t)) for t in (0, 1)],
        [30.0, 20.0],
        atol=1e-6,
    )


def test_a_full_battery_carried_over_may_be_sold_again():
    fields = {**FLEET, "vehicles": 1, "stays": [stay(0, 2, 5)], "v2g": CAR}
    window = Window(1, 2, 1, 1, 1, 2, carries=True)
    fields["v2g"] = CAR | {"discharge_max_kw": 15}
    model, ports = windowed(fields, window, {"charged_kwh": 20.0})
    # 20 kWh came in, 5 are needed: 15 have to go out
    np.testing.assert_allclose(solved(model, ports, [0]), [15.0], atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    data=st.data(),
    energy=st.floats(0.0, 15.0),
    eta=st.floats(0.6, 1.0),
    arrival=st.integers(0, 5),
    hours=st.integers(2, 5),
)
def test_content_is_kept_and_the_need_is_met_at_any_prices(
    bench, data, energy, eta, arrival, hours
):
    prices = data.draw(st.lists(st.floats(-1.0, 1.0), min_size=6, max_size=6))
    fields = {**FLEET, "eta_charge": eta, "stays": [stay(arrival, arrival + hours, energy)]}
    fleet = bench("ev_fleet", {**fields, "v2g": CAR}, steps=6, relax=False)
    fleet.minimise(-fleet.total("electricity", prices))
    charge = fleet.report("electricity", "charging_kw")
    discharge = fleet.report("electricity", "discharging_kw")
    content = fleet.report("electricity", "state_of_charge_kwh")
    inside = [t % 6 for t in range(arrival, arrival + hours)]
    outside = [t for t in range(6) if t not in inside]
    assert (eta * charge - discharge).sum() == pytest.approx(energy, abs=1e-6)
    assert np.all((content[inside] >= 20.0 - 1e-6) & (content[inside] <= 80.0 + 1e-6))
    assert content[inside[-1]] == pytest.approx(40.0 + energy, abs=1e-6)
    np.testing.assert_allclose(content[outside], 0.0, atol=1e-9)
    np.testing.assert_allclose(charge[outside] + discharge[outside], 0.0, atol=1e-9)
    np.testing.assert_allclose(np.minimum(charge, discharge), 0.0, atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"v2g": CAR | {"arrival_share": 0.2}},
            "v2g.arrival_share 0.2 is below v2g.energy_min 0.25; give an arrival_share of at least",
        ),
        (
            {"v2g": CAR, "stays": [stay(0, 2, 4), stay(2, 4, 41)]},
            "stays[1].energy_kwh 41 is more than the 40 kWh that 2 batteries have room for at "
            "arrival; lower it or v2g.arrival_share, or raise v2g.battery_kwh",
        ),
    ],
)
def test_batteries_that_cannot_hold_it_are_refused(fields, message):
    with pytest.raises(ValidationError) as caught:
        EvFleet.model_validate({**FLEET, "stays": [stay(0, 2, 4)], **fields})
    assert message in str(caught.value)
