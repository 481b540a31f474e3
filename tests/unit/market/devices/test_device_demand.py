"""Demand response and vehicles: windows, caps, needs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cosim.errors import ScenarioError
from cosim.market.devices.ev_fleet import EvFleet

FLAT = {"electricity": [10.0] * 4}


@pytest.mark.covers("shiftable_demand.window_balance")
@pytest.mark.parametrize(
    ("window_h", "saving", "shifted"),
    [
        (2, 4.0, [2, -2, -2, 2]),
        (4, 8.0, [2, 2, -2, -2]),
        (3, 6.0, [2, 0, -2, 0]),
        (1, 0.0, [0, 0, 0, 0]),
    ],
)
def test_shifts_within_its_windows(bench, window_h, saving, shifted):
    demand = bench("shiftable_demand", {"window_h": window_h}, demand=FLAT)
    # 2 kW can move; prices 1, 2, 4, 3
    assert demand.minimise(-demand.total("electricity", [1, 2, 4, 3])) == pytest.approx(-saving)
    np.testing.assert_allclose(demand.report("electricity", "shifted_kw"), shifted, atol=1e-6)
    np.testing.assert_allclose(
        demand.flow("electricity"), -demand.report("electricity", "shifted_kw")
    )


def test_shift_costs_once_per_kwh_moved(bench):
    demand = bench("shiftable_demand", {"cost_per_kwh": 0.5, "window_h": 4}, demand=FLAT)
    # 8 saved by moving 4 kWh at 0.5
    best = demand.minimise(demand.cost() - demand.total("electricity", [1, 2, 4, 3]))
    assert best == pytest.approx(-6.0)


def test_absolute_cap_is_kept(bench):
    demand = bench("shiftable_demand", {"power_max_kw": 0.5, "window_h": 4}, demand=FLAT)
    demand.minimise(-demand.total("electricity", [1, 2, 4, 3]))
    np.testing.assert_allclose(
        demand.report("electricity", "shifted_kw"), [0.5, 0.5, -0.5, -0.5], atol=1e-6
    )


@pytest.mark.parametrize("carrier", ["electricity", "heat", "cooling"])
def test_demand_response_of_every_carrier(bench, carrier):
    fields = {"carrier": carrier, "share": 0.5, "window_h": 2}
    shift = bench("shiftable_demand", fields, steps=2, demand={carrier: [4.0, 8.0]})
    shift.minimise(-shift.total(carrier, [1, 2]))
    np.testing.assert_allclose(shift.flow(carrier), [-2.0, 2.0], atol=1e-6)
    fields = {"carrier": carrier, "share": 0.5, "cost_per_kwh": 1.5}
    cut = bench("curtailable_demand", fields, steps=2, demand={carrier: [4.0, 8.0]})
    assert cut.minimise(cut.cost() - cut.total(carrier, [1, 2])) == pytest.approx(-2.0)
    np.testing.assert_allclose(cut.flow(carrier), [0.0, 4.0], atol=1e-6)


def test_cut_keeps_its_absolute_cap(bench):
    fields = {"cost_per_kwh": 0.1, "power_max_kw": 1.5}
    cut = bench("curtailable_demand", fields, demand=FLAT, step_h=0.25)
    cut.minimise(-cut.total("electricity"))
    np.testing.assert_allclose(cut.report("electricity", "cut_kw"), [1.5] * 4)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), window=st.integers(1, 6), share=st.floats(0.0, 1.0))
def test_shift_is_zero_over_every_window_and_demand_stays_positive(bench, data, window, share):
    load = data.draw(st.lists(st.floats(0.0, 50.0), min_size=2, max_size=12))
    numbers = st.lists(st.floats(-1.0, 1.0), min_size=len(load), max_size=len(load))
    shift = bench(
        "shiftable_demand",
        {"share": share, "window_h": window * 0.5, "carrier": "heat"},
        steps=len(load),
        step_h=0.5,
        demand={"heat": load},
    )
    shift.minimise(-shift.total("heat", data.draw(numbers)))
    moved = shift.report("heat", "shifted_kw")
    for first in range(0, len(load), window):
        assert moved[first : first + window].sum() == pytest.approx(0.0, abs=1e-6)
    assert np.all(np.asarray(load) + moved >= -1e-6)
    assert np.all(np.abs(moved) <= share * np.asarray(load) + 1e-6)


@pytest.mark.parametrize("device", ["shiftable_demand", "curtailable_demand"])
def test_demand_response_needs_a_demand(bench, device):
    with pytest.raises(ScenarioError) as caught:
        bench(device, {"carrier": "cooling", "cost_per_kwh": 1}, demand=FLAT)
    assert str(caught.value) == (
        "device.carrier: no demand for cooling; expected a carrier with inflexible demand "
        "(electricity); add demand.cooling to the participant or change the carrier"
    )


@pytest.mark.parametrize("window_h", [0.1, 1.3])
def test_windows_are_whole_steps(bench, window_h):
    with pytest.raises(ScenarioError, match=r"expected a multiple of the step of 0\.25 h; give"):
        bench("shiftable_demand", {"window_h": window_h}, demand=FLAT, step_h=0.25)


@pytest.mark.covers("ev_fleet.energy_need")
def test_fleet_charges_at_the_cheapest_steps_of_its_stay(bench):
    stay = {"arrival_h": 1, "departure_h": 4, "energy_kwh": 27}
    fleet = bench("ev_fleet", {"vehicles": 2, "charge_max_kw": 10, "stays": [stay]})
    # 27 kWh at 0.9 are 30 from the network; 20 kW at price 1, the rest at 2; price 0 is outside
    assert fleet.minimise(-fleet.total("electricity", [0, 3, 1, 2])) == pytest.approx(40.0)
    np.testing.assert_allclose(fleet.flow("electricity"), [0, 0, -20, -10], atol=1e-6)


@pytest.mark.covers("ev_fleet.energy_need")
def test_stay_over_the_end_of_the_horizon_goes_on_at_its_beginning(bench):
    stay = {"arrival_h": 3, "departure_h": 5, "energy_kwh": 12}
    fleet = bench(
        "ev_fleet", {"vehicles": 1, "charge_max_kw": 10, "eta_charge": 1, "stays": [stay]}
    )
    fleet.minimise(-fleet.total("electricity", [1, 0, 0, 2]))
    np.testing.assert_allclose(fleet.flow("electricity"), [-10, 0, 0, -2], atol=1e-6)


@pytest.mark.covers("ev_fleet.energy_need")
def test_stays_repeat_and_availability_limits_power(bench):
    fleet = bench(
        "ev_fleet",
        {
            "vehicles": 4,
            "charge_max_kw": 5,
            "eta_charge": 1,
            "available": "home",
            "stays": [{"arrival_h": 0, "departure_h": 1, "energy_kwh": 6}],
            "repeat_h": 2,
        },
        steps=8,
        step_h=0.5,
        profiles={"home": [0.5, 1, 0, 0, 1, 0.2, 1, 1]},
    )
    fleet.minimise(-fleet.total("electricity", [1, 9, 0, 0, 9, 1, 0, 0]))
    # each stay needs 12 kW-steps: 10 kW then 2; 4 kW at the cheap second step then 8
    np.testing.assert_allclose(fleet.flow("electricity"), [-10, -2, 0, 0, -8, -4, 0, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"stays": [{"arrival_h": 0, "departure_h": 2, "energy_kwh": 19}]},
            "device.stays[0].energy_kwh: 19 kWh; expected at most 18 kWh, what the available "
            "charging points deliver in the stay; lower it or add charging power",
        ),
        (
            {"stays": [{"arrival_h": 4, "departure_h": 5, "energy_kwh": 1}]},
            "device.stays[0]: 4 h to 5 h; expected a stay that starts in the 4 h of the horizon "
            "and is not longer than it; shorten or move it",
        ),
        (
            {
                "stays": [
                    {"arrival_h": 0, "departure_h": 2, "energy_kwh": 1},
                    {"arrival_h": 1, "departure_h": 3, "energy_kwh": 1},
                ]
            },
            "device.stays[1]: overlap with another stay at step 1; expected stays (and their "
            "repetitions) without overlap; join or move them, or give another group of vehicles "
            "its own ev_fleet",
        ),
        (
            {"available": 1.5, "stays": [{"arrival_h": 0, "departure_h": 2, "energy_kwh": 1}]},
            "device.available: 1.5 at step 0 and 3 more steps; expected 0 or more and at most 1 at "
            "every step; correct the profile or its scale and offset",
        ),
    ],
)
def test_fleet_says_what_cannot_be(bench, fields, message):
    with pytest.raises(ScenarioError) as caught:
        bench("ev_fleet", {"vehicles": 1, "charge_max_kw": 10, **fields})
    assert str(caught.value) == message


def test_stay_departs_after_arrival():
    with pytest.raises(ValidationError, match="add 24 to the departure"):
        EvFleet.model_validate(
            {"vehicles": 1, "stays": [{"arrival_h": 18, "departure_h": 7, "energy_kwh": 1}]}
        )
