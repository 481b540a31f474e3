"""Extraction unit: everything in the convex hull of its corners, nothing outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

CORNERS = [[40.0, 0.0], [100.0, 0.0], [85.0, 100.0], [40.0, 60.0]]
FIELDS = {"corners": CORNERS, "eta_el_condensing": 0.4, "power_loss_per_heat": 0.15}
"""Back pressure from (40, 60) to (85, 100); full fuel from (100, 0) to (85, 100): 250 kW."""


@pytest.mark.covers("chp_extraction.electric_output", "chp_extraction.fuel_input")
def test_fuel_follows_power_and_heat_at_the_corners(bench):
    unit = bench("chp_extraction", FIELDS, steps=5)
    unit.fix("power", [40, 100, 85, 40, 0]).fix("heat", [0, 0, 100, 60, 0])
    unit.minimise(0.0)
    # (P + 0.15 Q) / 0.4
    np.testing.assert_allclose(unit.flow("gas"), [-100, -250, -250, -122.5, 0], atol=1e-6)
    assert np.round(unit.values("online")).tolist() == [1, 1, 1, 1, 0]


@pytest.mark.covers("chp_extraction.heat_output", "chp_extraction.operating_point")
@pytest.mark.parametrize(
    ("power_kw", "heat_kw"),
    # at 62.5 kW back pressure allows 60 + (62.5 - 40) * 40 / 45 = 80 kW of heat; at 100 none
    [(62.5, 80.0), (40.0, 60.0), (92.5, 50.0), (100.0, 0.0)],
)
def test_heat_ends_at_the_edge(bench, power_kw, heat_kw):
    unit = bench("chp_extraction", FIELDS, steps=1).fix("power", [power_kw])
    assert unit.minimise(-unit.total("heat")) == pytest.approx(-heat_kw)


@pytest.mark.covers("chp_extraction.operating_point", "chp_extraction.electric_output")
@pytest.mark.parametrize(("power_kw", "heat_kw"), [(39.0, 0.0), (101.0, 0.0), (20.0, 30.0)])
def test_nothing_outside_the_region_not_even_towards_off(bench, no_schedule, power_kw, heat_kw):
    unit = bench("chp_extraction", FIELDS, steps=1)
    unit.block.power[0].setub(200.0)
    unit.fix("power", [power_kw]).fix("heat", [heat_kw])
    with pytest.raises(no_schedule):
        unit.minimise(0.0)


@pytest.mark.covers("chp_extraction.fuel_input")
def test_fuel_given_at_corners_is_the_lower_envelope_between(bench):
    corners = [[0.0, 0.0, 10.0], [100.0, 0.0, 250.0], [100.0, 100.0, 260.0], [0.0, 100.0, 200.0]]
    unit = bench("chp_extraction", {"corners": corners}, steps=1)
    unit.fix("power", [50.0]).fix("heat", [50.0])
    # one diagonal gives (10 + 260) / 2, the other (250 + 200) / 2
    assert unit.minimise(-unit.total("gas")) == pytest.approx(135.0)


@settings(max_examples=25, deadline=None)
@given(weights=st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4))
def test_every_mixture_of_corners_can_be_run(bench, weights):
    mix = np.array(weights) / sum(weights)
    power, heat = mix @ np.array(CORNERS)
    unit = bench("chp_extraction", FIELDS, steps=1).fix("power", [power]).fix("heat", [heat])
    unit.minimise(0.0)
    assert unit.flow("gas")[0] == pytest.approx(-(power + 0.15 * heat) / 0.4, rel=1e-6)


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ([[40, 0]], "corners with 1 different points out of 1; give two or more, each once"),
        ([[40, 0], [40, 0], [90, 10]], "corners with 2 different points out of 3"),
        ([[40, 0], [90, 10, 95]], r"corner \[90, 10\] gives 100 kW from 95 kW of fuel"),
        ([[40, 0], [-1, 10]], "greater than or equal to 0"),
    ],
)
def test_regions_that_cannot_be_are_refused(bench, corners, message):
    with pytest.raises(ValidationError, match=message):
        bench("chp_extraction", {"corners": corners})
