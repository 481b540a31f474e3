"""Electrolyser and fuel cell: output over input, useful heat, lowest load, standby."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError


@pytest.mark.covers("electrolyser.hydrogen_output")
def test_electrolyser_makes_hydrogen_by_its_lower_heating_value(bench):
    unit = bench("electrolyser", {"electric_max_kw": 50, "eta": 0.7, "maintenance_per_kwh": 0.1})
    unit.fix("power", [0.0, 10.0, 40.0, 50.0])
    assert unit.minimise(unit.cost()) == pytest.approx(7.0)
    np.testing.assert_allclose(unit.flow("hydrogen"), [0.0, 7.0, 28.0, 35.0])
    np.testing.assert_allclose(unit.flow("electricity"), [0.0, -10.0, -40.0, -50.0])
    assert not hasattr(unit.block, "online")
    assert not unit.ports.carry


@pytest.mark.covers("electrolyser.heat_limit")
def test_useful_heat_is_a_share_of_the_losses_and_may_be_left(bench):
    fields = {"electric_max_kw": 50, "eta": 0.7, "heat_recovered_share": 0.8}
    unit = bench("electrolyser", fields, steps=2).fix("power", [50.0, 50.0])
    unit.minimise(unit.total("heat", [-1.0, 1.0]))
    # 50 * 0.3 * 0.8
    np.testing.assert_allclose(unit.flow("heat"), [12.0, 0.0], atol=1e-9)
    none = bench("electrolyser", {"electric_max_kw": 50}, steps=2)
    assert none.minimise(-none.total("heat")) == pytest.approx(0.0)


@pytest.mark.covers("electrolyser.load_floor", "electrolyser.load_ceiling")
def test_electrolyser_has_a_lowest_load(bench, no_schedule):
    fields = {"electric_max_kw": 50, "load_min": 0.2}
    unit = bench("electrolyser", fields, steps=3).fix("online", [1, 1, 0])
    unit.minimise(unit.total("hydrogen", [1.0, -1.0, -1.0]))
    np.testing.assert_allclose(unit.values("power"), [10.0, 50.0, 0.0], atol=1e-6)
    below = bench("electrolyser", fields, steps=1).fix("power", [9.0])
    with pytest.raises(no_schedule):
        below.minimise(0.0)


@pytest.mark.covers("electrolyser.standby_state", "electrolyser.load_floor")
def test_standby_is_cheaper_than_a_start_until_the_break_is_long(bench):
    """A start costs 5; standing by costs 2 kW at 1 per kWh: two hours yes, three no."""
    fields = {
        "electric_max_kw": 100,
        "load_min": 0.5,
        "standby_share": 0.02,
        "start_cost": 5.0,
        "initial_power_kw": 100.0,
    }

    def run(hours):
        unit = bench("electrolyser", fields, steps=hours + 2)
        # producing is worth 10 per kWh of electricity in the first and last hour only
        worth = [10.0, *([0.0] * hours), 10.0]
        income = sum(w * unit.block.power[t] for t, w in enumerate(worth))
        drawn = -unit.total("electricity")
        best = unit.minimise(unit.cost() + drawn - income)
        return best + 9.0 * 200.0, unit

    two_hours, unit = run(2)
    assert two_hours == pytest.approx(4.0)
    np.testing.assert_allclose(unit.flow("electricity"), [-100, -2, -2, -100], atol=1e-6)
    assert np.round(unit.values("online")).tolist() == [1, 1, 1, 1]
    assert np.round(unit.values("producing")).tolist() == [1, 0, 0, 1]
    three_hours, unit = run(3)
    assert three_hours == pytest.approx(5.0)
    assert np.round(unit.values("online")).tolist() == [1, 0, 0, 0, 1]


@pytest.mark.covers("electrolyser.ramp_up", "electrolyser.ramp_down")
def test_ramps_with_standby_begin_at_the_lowest_load(bench):
    fields = {
        "electric_max_kw": 100,
        "load_min": 0.5,
        "standby_share": 0.0,
        "ramp_max_kw_per_h": 20,
        "initial_power_kw": 0.0,
    }
    up = bench("electrolyser", fields, steps=4)
    up.minimise(-up.total("hydrogen"))
    np.testing.assert_allclose(up.values("power"), [50, 70, 90, 100], atol=1e-6)
    down = bench("electrolyser", {**fields, "initial_power_kw": 100.0}, steps=4)
    down.minimise(down.total("hydrogen"))
    np.testing.assert_allclose(down.values("power"), [80, 60, 50, 0], atol=1e-6)
    held = bench("electrolyser", fields, steps=1, initial={"power_kw": 0.0, "online": 1.0})
    held.minimise(-held.total("hydrogen"))
    assert held.values("power") == pytest.approx([50.0])


@pytest.mark.covers("fuel_cell.electric_output", "fuel_cell.heat_limit")
def test_fuel_cell_gives_power_and_a_share_of_its_losses_as_heat(bench):
    fields = {"electric_max_kw": 40, "eta": 0.5, "heat_recovered_share": 0.75}
    cell = bench("fuel_cell", {**fields, "maintenance_per_kwh": 0.01}, steps=3)
    cell.fix("hydrogen", [80.0, 20.0, 20.0])
    assert cell.minimise(cell.cost() + cell.total("heat", [-1, -1, 1])) == pytest.approx(
        0.01 * 60 - 30.0 - 7.5
    )
    np.testing.assert_allclose(cell.flow("electricity"), [40.0, 10.0, 10.0])
    np.testing.assert_allclose(cell.flow("heat"), [30.0, 7.5, 0.0], atol=1e-9)
    np.testing.assert_allclose(cell.flow("hydrogen"), [-80.0, -20.0, -20.0])


@pytest.mark.covers("fuel_cell.load_floor", "fuel_cell.load_ceiling")
def test_fuel_cell_has_a_lowest_load(bench, no_schedule):
    fields = {"electric_max_kw": 40, "load_min": 0.25}
    cell = bench("fuel_cell", fields, steps=3).fix("online", [1, 1, 0])
    cell.minimise(cell.total("electricity", [1.0, -1.0, -1.0]))
    np.testing.assert_allclose(cell.flow("electricity"), [10.0, 40.0, 0.0], atol=1e-6)
    below = bench("fuel_cell", fields, steps=1).fix("power", [9.0])
    with pytest.raises(no_schedule):
        below.minimise(0.0)


@settings(max_examples=20, deadline=None)
@given(
    eta=st.floats(0.3, 0.9),
    share=st.floats(0.0, 1.0),
    power=st.lists(st.floats(0.0, 50.0), min_size=2, max_size=4),
)
def test_energy_out_never_exceeds_energy_in(bench, eta, share, power):
    for device in ("electrolyser", "fuel_cell"):
        fields = {"electric_max_kw": 50, "eta": eta, "heat_recovered_share": share}
        unit = bench(device, fields, steps=len(power)).fix("power", power)
        unit.minimise(-unit.total("heat"))
        flows = np.array([unit.flow(c) for c in ("electricity", "hydrogen", "heat")])
        taken = -flows.clip(max=0.0).sum(axis=0)
        given_out = flows.clip(min=0.0).sum(axis=0)
        lost = (1.0 - share) * (1.0 - eta) * taken
        np.testing.assert_allclose(given_out + lost, taken, atol=1e-6)


@pytest.mark.parametrize(
    ("device", "fields"),
    [
        ("electrolyser", {"electric_max_kw": 10, "eta": 1.2}),
        ("electrolyser", {"electric_max_kw": 0}),
        ("electrolyser", {"electric_max_kw": 10, "standby_share": -0.1}),
        ("fuel_cell", {"electric_max_kw": 10, "load_min": 1.1}),
        ("fuel_cell", {"electric_max_kw": 10, "heat_recovered_share": 2}),
        ("hydrogen_storage", {"capacity_kwh": 10, "compressor_kwh_per_kwh": -1}),
    ],
)
def test_values_out_of_range_are_refused(bench, device, fields):
    with pytest.raises(ValidationError):
        bench(device, fields)
