"""What the adapter promises: both engines agree, limits, gate, background, failures."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cosim.errors import GridError
from cosim.grids.gas import GasGrid
from cosim.grids.limits import check, violations
from cosim.records import ElementSeries, GridStates, read_only
from cosim.scenario.networks import GasLimits
from tests.support.gas import KW, at, inject, line_network, plain, ring_network

Make = Callable[..., GasGrid]


def assert_same(fast: GridStates, reference: GridStates, rtol: float = 1e-6) -> None:
    assert [(f.element, f.quantity) for f in fast.fields] == [
        (f.element, f.quantity) for f in reference.fields
    ]
    for left, right in zip(fast.fields, reference.fields, strict=True):
        np.testing.assert_array_equal(left.ids, right.ids)
        np.testing.assert_allclose(left.values, right.values, rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(fast.slack_kw, reference.slack_kw, rtol=1e-7)


@pytest.mark.parametrize("model", ["nikuradse", "swamee-jain", "colebrook"])
def test_fast_and_reference_agree_in_every_column(make: Make, model: str) -> None:
    grid = make(ring_network(), [at("school", 4), at("farm", 5, 7)], steps=4, model=model)
    injections = inject(grid, [[-200.0, 50.0], [0.0, 0.0], [-400.0, -100.0], [-50.0, 150.0]])
    fast, reference = grid.verify(injections), grid.verify(injections, "reference")
    assert fast.engine == "cosim batch"
    assert reference.engine == "pandapipes 0.16.0"
    assert fast.failures == reference.failures == ()
    assert fast.notes == ()
    assert_same(fast, reference, rtol=1e-5 if model == "colebrook" else 1e-7)


def test_the_town_as_in_pandapipes(make: Make) -> None:
    import pandapipes.networks as networks

    net = networks.schutterwald_gas()
    grid = make(net, [at("chp", 700)], steps=3)
    injections = inject(grid, [[0.0], [-2000.0], [-6000.0]])
    fast, reference = grid.verify(injections), grid.verify(injections, "reference")
    assert_same(fast, reference)
    gauge = [s.get("junction", "p_bar").values for s in (fast, reference)]
    assert np.abs(gauge[0] - gauge[1]).max() < 1e-9


def test_kw_become_kg_per_s_with_the_lower_heating_value(make: Make) -> None:
    grid = make(line_network(), [at("mill", 1)])
    states = grid.verify(inject(grid, [[-KW * 0.05]]))
    assert states.get("pipe", "mdot_from_kg_per_s").values == pytest.approx(0.05)
    assert states.get("ext_grid", "mdot_kg_per_s").values == pytest.approx(-0.05)
    assert states.slack_kw == pytest.approx([0.05 * KW])
    assert states.loss_kw.tolist() == states.auxiliary_kw.tolist() == [0.0]


def test_steps_may_be_any_subset_of_the_axis(make: Make) -> None:
    drawn = -KW * np.array([[0.01], [0.02], [0.03]])
    series = ElementSeries(
        "sink", read_only([2], np.int64), read_only(drawn), read_only(0.0 * drawn)
    )
    grid = make(ring_network(), [at("mill", 4)], steps=3, series=[series], unlisted="off")
    states = grid.verify(inject(grid, [[0.0], [-KW * 0.005]], steps=[2, 0]))
    assert states.slack_kw == pytest.approx([0.03 * KW, 0.015 * KW])


@pytest.mark.parametrize(("unlisted", "expected"), [("off", 0.01), ("nominal", 0.01 + 0.012)])
def test_unlisted_customers_are_off_or_nominal(make: Make, unlisted: str, expected: float) -> None:
    drawn = np.array([[-KW * 0.01]])
    series = ElementSeries("sink", read_only([0], np.int64), read_only(drawn), read_only([[0.0]]))
    grid = make(ring_network(), series=[series], unlisted=unlisted)
    states = grid.verify(inject(grid, []))
    assert states.slack_kw == pytest.approx([expected * KW])


def test_sources_of_the_background_feed_in(make: Make) -> None:
    import pandapipes as pp

    net = ring_network()
    pp.create_source(net, 3, 0.0)
    fed = np.array([[KW * 0.005]])
    series = ElementSeries("source", read_only([0], np.int64), read_only(fed), read_only([[0.0]]))
    states = make(net, series=[series]).verify(inject(make(net, series=[series]), []))
    assert states.slack_kw == pytest.approx([(0.022 - 0.005) * KW])


def test_limits_name_what_they_are_about(make: Make) -> None:
    limits = GasLimits(pressure_min_bar=0.8, pressure_max_bar=1.2, velocity_max_m_per_s=15.0)
    grid = make(ring_network(), [at("mill", 4)], limits=limits)
    by_name = {limit.name: limit for limit in grid.limits}
    assert list(by_name) == ["pressure_min", "pressure_max", "velocity_max", "feed_in_max"]
    assert by_name["pressure_min"].ids.tolist() == list(range(8))
    assert by_name["velocity_max"].quantity == "v_max_m_per_s"
    assert by_name["feed_in_max"].tolerance == pytest.approx(0.5 / KW)
    assert all(limit.source for limit in grid.limits)


def test_velocity_is_that_of_the_low_pressure_end(make: Make) -> None:
    """v = m / (rho A) with rho at the actual pressure, highest where the pressure is lowest."""
    net = line_network()
    grid = make(net, [at("mill", 1)])
    states = grid.verify(inject(grid, [[-KW * 0.15]]))
    gauge = states.get("junction", "p_bar").values[0, 1]
    absolute = gauge + 1.01325
    density = (float(net.fluid.get_density(273.15)) * absolute / 1.01325 * 273.15 / 283.15) / float(
        net.fluid.get_compressibility(absolute)
    )
    expected = 0.15 / density / (np.pi * 0.1**2 / 4.0)
    assert states.get("pipe", "v_max_m_per_s").values[0, 0] == pytest.approx(expected, rel=1e-9)
    assert expected > states.get("pipe", "v_mean_m_per_s").values[0, 0] * 1.01


def test_low_pressure_and_high_velocity_are_violations(make: Make) -> None:
    grid = make(line_network(), [at("mill", 1)], steps=2)
    states = grid.verify(inject(grid, [[-KW * 0.01], [-KW * 0.21]]))
    assert states.failures == ()
    found = violations("gas", check(states, grid.limits))
    assert {(v.limit, v.id, v.step) for v in found} == {
        ("pressure_min", 1, 1),
        ("velocity_max", 0, 1),
    }


def test_negative_gauge_pressure_is_no_state_but_can_be_linearised(make: Make) -> None:
    grid = make(line_network(), [at("mill", 1)])
    states = grid.verify(inject(grid, [[-KW * 0.26]]))
    assert [f.converged for f in states.failures] == [True]
    assert states.failures[0].reason.startswith("gauge pressure is negative at 1 junction(s)")
    assert "at junction 1" in states.failures[0].reason
    assert np.isfinite(states.get("junction", "p_bar").values).all()


def test_feed_in_above_offtake_is_a_failure_and_a_violation(make: Make) -> None:
    grid = make(ring_network(), [at("digester", 4)], steps=2)
    fed = 0.023 * KW
    states = grid.verify(inject(grid, [[fed], [0.5 * fed]]))
    assert [f.step for f in states.failures] == [0]
    assert states.failures[0].reason == (
        "ext_grid 0 would have to absorb 0.001000 kg/s: feed-in is above offtake"
    )
    assert [(v.limit, v.id) for v in violations("gas", check(states, grid.limits))] == [
        ("feed_in_max", 0)
    ]


def test_islands_fail_only_while_gas_is_drawn_there(make: Make) -> None:
    net = ring_network()
    net.valve["opened"] = False
    net.sink = net.sink.drop(index=3)
    grid = make(net, [at("mill", 7)], steps=2)
    states = grid.verify(inject(grid, [[0.0], [-10.0]]))
    assert states.notes == ("1 junction(s) have no external grid, such as 7",)
    assert [f.step for f in states.failures] == [1]
    assert "no external grid reaches junction 7" in states.failures[0].reason
    assert 7 not in next(x for x in grid.limits if x.name == "pressure_min").ids
    reference = grid.verify(inject(grid, [[0.0], [-10.0]]), "reference")
    assert [f.reason for f in reference.failures] == [f.reason for f in states.failures]


def test_closed_valves_and_pipes_out_of_service_are_left_out(make: Make) -> None:
    net = ring_network()
    net.pipe.loc[2, "in_service"] = False
    grid = make(net, [at("mill", 7)])
    injections = inject(grid, [[-20.0]])
    fast, reference = grid.verify(injections), grid.verify(injections, "reference")
    assert np.isnan(fast.get("pipe", "v_mean_m_per_s").values[0, 2])
    assert_same(fast, reference)


def compressor_network() -> Any:
    import pandapipes as pp

    net = line_network()
    end = pp.create_junction(net, pn_bar=1.0, tfluid_k=283.15)
    pp.create_compressor(net, 1, end, pressure_ratio=1.2)
    return net


def test_what_the_batch_does_not_cover_goes_to_pandapipes_visibly(make: Make) -> None:
    import pandapipes as pp

    net = compressor_network()
    end = pp.create_junction(net, pn_bar=1.0, tfluid_k=283.15)
    pp.create_pump(net, 2, end, std_type="P1")
    grid = make(net, [at("mill", end)])
    states = grid.verify(inject(grid, [[-KW * 0.05]]))
    assert states.notes == ("the batch does not cover 1 pump: pandapipes computed all steps",)
    assert states.engine == "pandapipes 0.16.0"


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_power_of_compressors_as_in_pandapipes(make: Make, engine: str) -> None:
    net = compressor_network()
    grid = make(net, [at("mill", 2)])
    states = grid.verify(inject(grid, [[-KW * 0.05]]), engine)
    assert states.engine == ("cosim batch" if engine == "fast" else "pandapipes 0.16.0")
    import pandapipes as pp

    pp.create_sink(net, 2, 0.05)
    plain(net, "swamee-jain")
    power = float(net.res_compressor.compr_power_mw.iloc[0]) * 1e3
    assert power > 0.0
    assert states.auxiliary_kw == pytest.approx([power], rel=1e-6)


def test_a_pressure_control_that_lifts_is_not_physical(make: Make) -> None:
    import pandapipes as pp

    net = line_network()
    end = pp.create_junction(net, pn_bar=1.0, tfluid_k=283.15)
    pp.create_pressure_control(net, 1, end, end, controlled_p_bar=0.9)
    grid = make(net, [at("mill", 2)], steps=2)
    states = grid.verify(inject(grid, [[-KW * 0.01], [-KW * 0.2]]))
    assert [(f.step, f.reason) for f in states.failures] == [
        (1, "press_control 0 would have to raise the pressure")
    ]


def test_all_but_standing_loops_are_left_to_pandapipes(make: Make) -> None:
    """Near Re = 7 the Swamee-Jain formula has a pole; several flow patterns then balance."""
    import pandapipes.networks as networks

    net = networks.gas_meshed_delta()
    net.sink["mdot_kg_per_s"] *= 0.3
    net.source["mdot_kg_per_s"] = 0.0
    grid = make(net)
    states = grid.verify(inject(grid, []))
    expected = plain(net, "swamee-jain").res_junction.p_bar
    np.testing.assert_allclose(states.get("junction", "p_bar").values[0], expected, atol=1e-6)


def test_wrong_inputs_are_named(make: Make) -> None:
    import pandapipes as pp

    with pytest.raises(GridError, match=r"gas\.json: no junction 77"):
        make(ring_network(), [at("mill", 77)])
    drawn = read_only([[1.0]])
    series = ElementSeries("sink", read_only([9], np.int64), drawn, drawn)
    with pytest.raises(GridError, match=r"gas\.json: no sink 9"):
        make(ring_network(), series=[series])
    net = ring_network()
    pp.create_fluid_from_lib(net, "water", overwrite=True)
    with pytest.raises(GridError, match="the fluid is water, expected a gas"):
        make(net)
    net = ring_network()
    net.ext_grid["in_service"] = False
    with pytest.raises(GridError, match="no external grid in service"):
        make(net)
    grid = make(ring_network(), [at("mill", 4)])
    other = make(ring_network(), [at("farm", 4)])
    with pytest.raises(GridError, match="do not match the network's terminals"):
        grid.verify(inject(other, [[0.0]]))


def test_adapter_does_not_change_pandas_options(make: Make) -> None:
    import pandas as pd

    pd.set_option("mode.chained_assignment", "warn")
    make(line_network(), [at("mill", 1)])
    assert pd.get_option("mode.chained_assignment") == "warn"
