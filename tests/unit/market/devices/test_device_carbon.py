"""Carbon capture and methanation: limits by hand, carbon in equals carbon out."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.errors import ScenarioError

FLUE = {"engine": [20.0, 0.0, 10.0, 20.0], "boiler": [10.0, 5.0, 0.0, 10.0]}


def captured(unit):
    return unit.report("electricity", "captured_co2_kg_per_h")


def all_of(unit, name):
    return sum(unit.axes.step_h * unit.ports.co2[name](t) for t in unit.axes.steps)


@pytest.mark.covers("carbon_capture.capture_limit")
def test_a_share_of_each_unit_is_captured_for_electricity(bench):
    fields = {"units": ["engine"], "captured_share_max": 0.9, "electricity_kwh_per_kg": 0.25}
    unit = bench("carbon_capture", fields, flue_gas_kg_per_h=FLUE)
    assert unit.minimise(all_of(unit, "captured")) == pytest.approx(-0.9 * 50.0)
    np.testing.assert_allclose(captured(unit), [18.0, 0.0, 9.0, 18.0], atol=1e-9)
    np.testing.assert_allclose(unit.flow("electricity"), [-4.5, 0.0, -2.25, -4.5], atol=1e-9)
    assert "heat" not in unit.ports.flows


@pytest.mark.covers("carbon_capture.capacity")
def test_capacity_is_of_all_units_together(bench):
    fields = {"units": ["engine", "boiler"], "capture_max_kg_per_h": 12.0, "heat_kwh_per_kg": 1.1}
    unit = bench("carbon_capture", fields, flue_gas_kg_per_h=FLUE)
    unit.minimise(all_of(unit, "captured"))
    np.testing.assert_allclose(captured(unit), [12.0, 4.5, 9.0, 12.0], atol=1e-9)
    np.testing.assert_allclose(unit.flow("heat"), -1.1 * captured(unit), atol=1e-9)


@pytest.mark.covers("carbon_capture.storage_limit")
def test_what_is_not_stored_is_offered_and_storage_costs(bench):
    fields = {"units": ["engine"], "captured_share_max": 0.5, "storage_cost_per_kg": 0.04}
    unit = bench("carbon_capture", fields, flue_gas_kg_per_h=FLUE, step_h=0.5)
    assert unit.minimise(unit.cost() + 10.0 * all_of(unit, "offered")) == pytest.approx(0.0)
    # storing pays 1 per kg, capturing is free: all of half the flue gas, over half-hours
    best = unit.minimise(unit.cost() - sum(0.5 * unit.block.stored[t] for t in unit.axes.steps))
    assert best == pytest.approx(-(1.0 - 0.04) * 0.5 * 0.5 * 50.0)
    offered = [unit.ports.co2["offered"](t)() for t in unit.axes.steps]
    np.testing.assert_allclose(offered, 0.0, atol=1e-9)


def test_a_unit_without_flue_gas_is_named(bench):
    fields = {"units": ["engine", "pump"]}
    with pytest.raises(ScenarioError, match=r"units: 'pump', which has no flue gas") as caught:
        bench("carbon_capture", fields, flue_gas_kg_per_h=FLUE)
    assert "engine, boiler" in str(caught.value)


@pytest.mark.covers("methanation.methane_output")
def test_methane_takes_hydrogen_and_co2(bench):
    fields = {"methane_max_kw": 27.8, "eta": 0.8, "maintenance_per_kwh": 0.01}
    unit = bench("methanation", fields, steps=2).fix("hydrogen", [10.0, 34.75])
    assert unit.minimise(unit.cost()) == pytest.approx(0.01 * 35.8)
    np.testing.assert_allclose(unit.flow("gas"), [8.0, 27.8])
    # 27.8 kW are 2 kg/h of methane, 2.743 kg of CO2 each
    np.testing.assert_allclose(unit.ports.co2["used"](1)(), -2.0 * 2.743)
    np.testing.assert_allclose(unit.report("gas", "used_co2_kg_per_h")[1], 5.486)


def test_methane_needs_hydrogen(bench, no_schedule):
    unit = bench("methanation", {"methane_max_kw": 10.0}, steps=1)
    assert unit.minimise(-unit.total("gas")) == pytest.approx(-10.0)
    np.testing.assert_allclose(unit.flow("hydrogen"), [-12.5])
    none = bench("methanation", {"methane_max_kw": 10.0}, steps=1).fix("hydrogen", [0.0])
    none.fix("methane", [1.0])
    with pytest.raises(no_schedule):
        none.minimise(0.0)
