"""Starts, minimum times and ramps, the same for every unit that can be on or off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cosim.market.devices import DEVICE_TYPES

UNITS = ["blended_turbine", "chp", "chp_extraction", "electrolyser", "fuel_cell"]
every_unit = pytest.mark.parametrize("device", UNITS)


def fields(device, low_kw=50.0, **more):
    """A unit of 100 kW that runs at `low_kw` or more."""
    if device == "chp_extraction":
        return {"corners": [[low_kw, 0.0], [100.0, 0.0 if low_kw < 100.0 else 1.0]], **more}
    size = "power_max_kw" if device in ("chp", "blended_turbine") else "electric_max_kw"
    return {size: 100.0, "load_min": low_kw / 100.0, **more}


def online(unit):
    return np.round(unit.values("online")).astype(int).tolist()


def worth(unit, prices):
    """Money for the electric power, whichever way it flows."""
    return sum(p * unit.axes.step_h * unit.block.power[t] for t, p in enumerate(prices))


@pytest.mark.covers(
    "blended_turbine.commitment",
    "chp.commitment",
    "chp_extraction.commitment",
    "electrolyser.commitment",
    "fuel_cell.commitment",
)
@every_unit
@pytest.mark.parametrize(
    ("before", "pattern", "starts"),
    [
        (None, [0, 1, 1, 0, 1], 2),
        (None, [1, 0, 1, 1], 1),
        (None, [1, 1, 1, 1], 0),
        (0.0, [1, 0, 1, 1], 2),
        (80.0, [1, 0, 1, 1], 1),
        (80.0, [0, 0, 1, 1], 1),
    ],
)
def test_starts_are_counted_and_paid(bench, device, before, pattern, starts):
    spec = fields(device, start_cost=7, initial_power_kw=before)
    unit = bench(device, spec, steps=len(pattern)).fix("online", pattern)
    assert unit.minimise(unit.cost()) == pytest.approx(7.0 * starts)


@pytest.mark.covers(
    "blended_turbine.up_time",
    "chp.up_time",
    "chp_extraction.up_time",
    "electrolyser.up_time",
    "fuel_cell.up_time",
)
@every_unit
def test_minimum_up_time_takes_the_cheapest_neighbour(bench, device):
    unit = bench(device, fields(device, 100.0, up_time_min_h=2, initial_power_kw=0), steps=5)
    # profit by hour if running: alone hour 2 is worth 10, hour 1 before it loses less than hour 3
    profit = np.divide([-9, -1, 10, -3, -9], 100)
    assert unit.minimise(-worth(unit, profit)) == pytest.approx(-9)
    assert online(unit) == [0, 1, 1, 0, 0]


@pytest.mark.covers(
    "blended_turbine.down_time",
    "chp.down_time",
    "chp_extraction.down_time",
    "electrolyser.down_time",
    "fuel_cell.down_time",
)
@every_unit
def test_minimum_down_time_bridges_a_short_gap(bench, device):
    spec = fields(device, 100.0, down_time_min_h=2, initial_power_kw=0)
    unit = bench(device, spec, steps=4)
    gap = bench(device, {**spec, "down_time_min_h": 1, "start_cost": 0.0}, steps=4)
    profit = np.divide([5, -1, 5, -20], 100)
    assert gap.minimise(-worth(gap, profit)) == pytest.approx(-10)
    assert online(gap) == [1, 0, 1, 0]
    assert unit.minimise(-worth(unit, profit)) == pytest.approx(-9)
    assert online(unit) == [1, 1, 1, 0]


@pytest.mark.covers("chp.up_time", "chp.down_time")
@every_unit
def test_minimum_times_reach_over_the_end_of_a_repeating_horizon(bench, device):
    spec = fields(device, 100.0, up_time_min_h=0.5, down_time_min_h=0.75)
    unit = bench(device, spec, steps=5, step_h=0.25)
    # the best single step is the last; running on into the first costs least
    profit = np.divide([-1, -9, -9, -9, 10], 25)
    assert unit.minimise(-worth(unit, profit)) == pytest.approx(-9)
    assert online(unit) == [1, 0, 0, 0, 1]


@pytest.mark.covers(
    "blended_turbine.ramp_up",
    "chp.ramp_up",
    "chp_extraction.ramp_up",
    "electrolyser.ramp_up",
    "fuel_cell.ramp_up",
)
@every_unit
def test_starts_at_the_threshold_and_climbs_by_the_ramp(bench, device):
    unit = bench(device, fields(device, ramp_max_kw_per_h=20, initial_power_kw=0))
    unit.minimise(-worth(unit, [1, 1, 1, 1]))
    np.testing.assert_allclose(unit.values("power"), [50, 70, 90, 100], atol=1e-6)


@pytest.mark.covers(
    "blended_turbine.ramp_down",
    "chp.ramp_down",
    "chp_extraction.ramp_down",
    "electrolyser.ramp_down",
    "fuel_cell.ramp_down",
)
@every_unit
def test_falls_by_the_ramp_and_stops_from_the_threshold(bench, device):
    unit = bench(device, fields(device, ramp_max_kw_per_h=20, initial_power_kw=100))
    unit.minimise(worth(unit, [1, 1, 1, 1]))
    np.testing.assert_allclose(unit.values("power"), [80, 60, 50, 0], atol=1e-6)


@pytest.mark.covers("chp.ramp_up", "chp.ramp_down")
@every_unit
def test_ramp_per_hour_counts_by_step_and_around_the_horizon(bench, device):
    unit = bench(device, fields(device, ramp_max_kw_per_h=40), steps=4, step_h=0.25)
    unit.fix("online", [1, 1, 1, 1]).fix("power", [60, None, None, None])
    unit.minimise(-worth(unit, [1, 1, 1, 1]))
    np.testing.assert_allclose(unit.values("power"), [60, 70, 80, 70], atol=1e-6)


@every_unit
def test_what_is_due_goes_into_the_next_window(bench, device):
    spec = fields(device, up_time_min_h=4, down_time_min_h=3, ramp_max_kw_per_h=20)
    first = bench(device, {**spec, "initial_power_kw": 0}, steps=3)
    first.fix("online", [0, 1, 1])
    first.minimise(-worth(first, [1, 1, 1]))
    assert first.carry(2) == pytest.approx(
        {"power_kw": 70.0, "online": 1.0, "up_due_h": 2.0, "down_due_h": 0.0}
    )
    # a window shorter than what is due: one hour is left for the one after it
    second = bench(device, spec, steps=1, initial=first.carry(2))
    second.minimise(worth(second, [1]))
    assert second.carry(0) == pytest.approx(
        {"power_kw": 50.0, "online": 1.0, "up_due_h": 1.0, "down_due_h": 0.0}
    )
    third = bench(device, spec, steps=4, initial=second.carry(0))
    third.minimise(worth(third, [1, 1, 1, 1]))
    assert online(third) == [1, 0, 0, 0]
    assert third.carry(2)["down_due_h"] == pytest.approx(1.0)
    fourth = bench(device, spec, steps=2, initial=third.carry(2))
    fourth.minimise(-worth(fourth, [1, 1]))
    assert online(fourth) == [0, 1]


@settings(max_examples=20, deadline=None)
@given(
    prices=st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=8),
    up_h=st.integers(0, 4),
    down_h=st.integers(0, 4),
    data=st.data(),
)
def test_the_rest_of_an_optimum_is_the_optimum_of_the_rest(bench, prices, up_h, down_h, data):
    """Principle of optimality: a window that begins with the carried state loses nothing."""
    split = data.draw(st.integers(1, len(prices) - 1))
    spec = fields("chp", up_time_min_h=up_h, down_time_min_h=down_h, ramp_max_kw_per_h=20)
    whole = bench("chp", {**spec, "start_cost": 30, "initial_power_kw": 0}, steps=len(prices))
    best = whole.minimise(whole.cost() - worth(whole, prices))
    head = -sum(p * whole.block.power[t].value for t, p in enumerate(prices[:split]))
    head += 30 * sum(whole.block.start[t].value for t in range(split))
    rest = bench(
        "chp", {**spec, "start_cost": 30}, steps=len(prices) - split, initial=whole.carry(split - 1)
    )
    tail = rest.minimise(rest.cost() - worth(rest, prices[split:]))
    assert head + tail == pytest.approx(best, abs=1e-4)


@every_unit
def test_initial_power_has_to_be_reachable(device):
    with pytest.raises(ValidationError) as caught:
        DEVICE_TYPES[device].model_validate(fields(device, initial_power_kw=20))
    assert (
        "initial_power_kw 20 is neither 0 nor between 50 and 100; give 0 for off or a power in "
        "that range"
    ) in str(caught.value)
