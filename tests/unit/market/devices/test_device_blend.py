"""Turbine and boiler for blends: split of the fuel, limit by volume, efficiency untouched."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

TURBINE = {"power_max_kw": 100, "load_min": 0.5, "eta_el_full": 0.4, "eta_el_part": 0.3}
BOILER = {"heat_max_kw": 90, "eta": 0.9}
KINDS = [("blended_boiler", BOILER), ("blended_turbine", TURBINE)]
every_kind = pytest.mark.parametrize(("device", "fields"), KINDS)


def by_volume(unit):
    """Share of hydrogen in the fuel by volume, from the default heating values."""
    hydrogen = -unit.flow("hydrogen") / 2.995
    return hydrogen / (hydrogen - unit.flow("gas") / 9.97)


@pytest.mark.covers(
    "blended_boiler.fuel_blend",
    "blended_boiler.blend_limit",
    "blended_turbine.fuel_blend",
    "blended_turbine.blend_limit",
)
@every_kind
def test_free_hydrogen_is_used_up_to_twenty_percent_by_volume(bench, device, fields):
    unit = bench(device, fields, steps=1)
    unit.block.fuel[0].fix(100.0 if device == "blended_boiler" else 250.0)
    unit.minimise(-unit.total("gas"))
    fuel = unit.values("fuel")[0]
    # 1 m3 of hydrogen and 4 m3 of gas: 2.995 kWh of 2.995 + 39.88 = 42.875 kWh
    assert -unit.flow("hydrogen")[0] == pytest.approx(fuel * 2.995 / 42.875)
    assert -unit.flow("gas")[0] == pytest.approx(fuel * 39.88 / 42.875)


@every_kind
def test_dear_hydrogen_is_left(bench, device, fields):
    unit = bench(device, fields, steps=1)
    unit.block.fuel[0].fix(80.0 if device == "blended_boiler" else 250.0)
    unit.minimise(-unit.total("gas") - 5 * unit.total("hydrogen"))
    assert unit.flow("hydrogen") == pytest.approx([0.0])


@settings(max_examples=20, deadline=None)
@given(share=st.floats(0.0, 0.99), kind=st.sampled_from(KINDS))
def test_the_limit_is_by_volume_for_any_share(bench, share, kind):
    device, fields = kind
    unit = bench(device, {**fields, "hydrogen_share_max": share}, steps=1)
    unit.block.fuel[0].fix(90.0 if device == "blended_boiler" else 250.0)
    unit.minimise(-unit.total("gas"))
    assert by_volume(unit)[0] == pytest.approx(share, abs=1e-6)


@every_kind
def test_hydrogen_alone_where_all_of_it_is_allowed(bench, device, fields):
    unit = bench(device, {**fields, "hydrogen_share_max": 1.0}, steps=1)
    unit.block.fuel[0].fix(90.0 if device == "blended_boiler" else 250.0)
    unit.minimise(-unit.total("gas"))
    assert unit.flow("gas") == pytest.approx([0.0])


@pytest.mark.covers(
    "blended_turbine.load_floor",
    "blended_turbine.load_ceiling",
    "blended_turbine.fuel_curve",
    "blended_turbine.heat_recovery",
)
def test_turbine_is_a_chp_unit_otherwise(bench, no_schedule):
    fields = {**TURBINE, "loss_share": 0.1, "heat_recovered_share": 0.8}
    unit = bench("blended_turbine", fields).fix("power", [100, 50, 75, 0])
    unit.minimise(-unit.total("gas"))
    np.testing.assert_allclose(unit.values("fuel"), [250, 500 / 3, 625 / 3, 0], atol=1e-6)
    # 0.8 * (0.9 * 250 - 100)
    assert unit.flow("heat")[0] == pytest.approx(100.0)
    for power in (49.0, 101.0):
        outside = bench("blended_turbine", fields, steps=1)
        outside.block.power[0].setub(200.0)
        outside.fix("power", [power])
        with pytest.raises(no_schedule):
            outside.minimise(0.0)


@pytest.mark.covers(
    "blended_boiler.heat_output",
    "blended_boiler.load_floor",
    "blended_boiler.load_ceiling",
    "blended_boiler.fuel_curve",
)
def test_boiler_is_a_boiler_otherwise(bench, no_schedule):
    plain = bench("blended_boiler", BOILER, steps=1).fix("heat", [45.0])
    plain.minimise(0.0)
    assert plain.flow("gas") + plain.flow("hydrogen") == pytest.approx([-50.0])
    part = {"heat_max_kw": 90, "eta": 0.9, "eta_part": 0.75, "part_load": 1 / 3, "load_min": 0.2}
    unit = bench("blended_boiler", part).fix("heat", [90.0, 30.0, 18.0, 0.0])
    unit.minimise(-unit.total("gas"))
    np.testing.assert_allclose(unit.values("fuel"), [100.0, 40.0, 28.0, 0.0], atol=1e-6)
    below = bench("blended_boiler", part, steps=1).fix("heat", [17.0])
    with pytest.raises(no_schedule):
        below.minimise(0.0)


def flue_kg_per_h(unit):
    return np.array([pyo.value(unit.ports.co2["flue"](t)) for t in unit.axes.steps])


@every_kind
def test_only_the_methane_is_in_the_flue_gas(bench, device, fields):
    unit = bench(device, fields, steps=1, gas_co2_kg_per_kwh=0.25)
    unit.block.fuel[0].fix(250.0 if device == "blended_turbine" else 90.0)
    unit.minimise(-unit.total("gas"))
    assert flue_kg_per_h(unit) == pytest.approx(0.202 * unit.values("methane"))
    assert unit.values("methane")[0] < unit.values("fuel")[0]


@pytest.mark.parametrize(
    ("device", "fields", "fuel_kw"),
    [
        ("boiler", {"heat_max_kw": 90, "eta": 0.9}, 100.0),
        ("chp", TURBINE, 250.0),
        ("chp_extraction", {"corners": [[50, 0], [100, 0]], "eta_el_condensing": 0.4}, 250.0),
    ],
)
def test_flue_gas_is_that_of_the_fuel_and_never_more_than_was_counted(
    bench, device, fields, fuel_kw
):
    for counted, factor in ((0.25, 0.2), (0.15, 0.15), (0.0, 0.0)):
        spec = {**fields, "flue_co2_kg_per_kwh": 0.2}
        unit = bench(device, spec, steps=1, gas_co2_kg_per_kwh=counted)
        unit.block.fuel[0].fix(fuel_kw)
        unit.minimise(0.0)
        assert flue_kg_per_h(unit) == pytest.approx([factor * fuel_kw])


@pytest.mark.parametrize(
    "fields",
    [
        {"hydrogen_share_max": 1.1},
        {"hydrogen_lhv_kwh_per_m3": 0},
        {"flue_co2_kg_per_kwh": -0.1},
    ],
)
def test_values_out_of_range_are_refused(bench, fields):
    with pytest.raises(ValidationError):
        bench("blended_boiler", {**BOILER, **fields})
