"""What pandapipes returns without a word although no gas network can do it: each is a failure.

Every case first shows that plain pandapipes really converges to such a state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cosim.grids import Engine
from cosim.grids.gas import GasGrid
from tests.support.gas import KW, at, inject, line_network, plain, ring_network
from tests.support.gas_zoo import grid_network

Make = Callable[..., GasGrid]
ENGINES: tuple[Engine, ...] = ("fast", "reference")


def failure(make: Make, net: Any, junction: int, drawn: float, engine: Engine) -> str:
    """Return why the adapter refuses a state that pandapipes has just found."""
    grid = make(net, [at("mill", junction)], model="nikuradse")
    states = grid.verify(inject(grid, [[-KW * drawn]]), engine)
    assert [f.converged for f in states.failures] == [True]
    return states.failures[0].reason


def solved(net: Any, junction: int, drawn: float) -> Any:
    """Return what plain pandapipes finds for one more customer."""
    import copy

    import pandapipes as pp

    other = copy.deepcopy(net)
    pp.create_sink(other, junction, drawn)
    return plain(other, "nikuradse")


@pytest.mark.parametrize("engine", ENGINES)
def test_negative_gauge_pressure(make: Make, engine: Engine) -> None:
    net = line_network()
    found = solved(net, 1, 0.27)
    assert found.res_junction.p_bar[1] < -0.01
    text = failure(make, net, 1, 0.27, engine)
    assert text.startswith("gauge pressure is negative at 1 junction(s), worst -0.")
    assert text.endswith("bar at junction 1")


@pytest.mark.parametrize("engine", ENGINES)
def test_external_grid_that_absorbs_a_surplus(make: Make, engine: Engine) -> None:
    net = ring_network()
    found = solved(net, 4, -0.03)
    assert found.res_ext_grid.mdot_kg_per_s[0] > 0.0
    text = failure(make, net, 4, -0.03, engine)
    assert text == "ext_grid 0 would have to absorb 0.008000 kg/s: feed-in is above offtake"


@pytest.mark.parametrize("engine", ENGINES)
def test_external_grids_that_feed_each_other(make: Make, engine: Engine) -> None:
    import pandapipes as pp

    net = grid_network()
    second = pp.create_ext_grid(net, 35, p_bar=0.9, t_k=283.15)
    found = solved(net, 10, 1e-4)
    assert found.res_ext_grid.mdot_kg_per_s[second] > 0.0
    text = failure(make, net, 10, 1e-4, engine)
    assert text.startswith(f"ext_grid {second} would have to absorb")


def station(p_bar: float) -> Any:
    """Return a line, a pressure control behind it and one more pipe."""
    import pandapipes as pp

    net = line_network()
    behind = pp.create_junctions(net, 2, pn_bar=1.0, tfluid_k=283.15)
    pp.create_pressure_control(net, 1, behind[0], behind[0], controlled_p_bar=p_bar)
    pp.create_pipe_from_parameters(net, behind[0], behind[1], 0.1, 100.0, k_mm=0.1)
    return net


@pytest.mark.parametrize("engine", ENGINES)
def test_pressure_control_that_lifts(make: Make, engine: Engine) -> None:
    net = station(0.9)
    found = solved(net, 3, 0.2)
    assert found.res_press_control.deltap_bar[0] > 0.0
    assert failure(make, net, 3, 0.2, engine) == (
        "press_control 0 would have to raise the pressure"
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_pressure_control_that_passes_gas_backwards(make: Make, engine: Engine) -> None:
    import pandapipes as pp

    net = station(0.5)
    pp.create_sink(net, 1, 0.05)
    found = solved(net, 3, -0.01)
    assert found.res_press_control.mdot_from_kg_per_s[0] < 0.0
    assert failure(make, net, 3, -0.01, engine) == "press_control 0 would pass gas backwards"


@pytest.mark.parametrize("engine", ENGINES)
def test_customers_on_an_island(make: Make, engine: Engine) -> None:
    net = ring_network()
    net.valve["opened"] = False
    net.sink = net.sink.drop(index=3)
    found = solved(net, 7, 0.001)
    assert np.isnan(found.res_junction.p_bar[7])
    assert failure(make, net, 7, 0.001, engine) == (
        "no external grid reaches junction 7, where gas is drawn or fed in"
    )


def test_the_pole_of_swamee_jain_is_named(make: Make) -> None:
    """A pipe of 15 mm that carries next to nothing seems to lose any pressure near Re = 7."""
    import pandapipes as pp

    net = line_network()
    end = pp.create_junction(net, pn_bar=1.0, tfluid_k=283.15)
    thin = pp.create_pipe_from_parameters(net, 1, end, 2.0, 15.0, k_mm=1e-6)
    viscosity = float(net.fluid.get_viscosity(283.15))
    pole = 5.74 ** (1.0 / 0.9) * viscosity * np.pi / 4.0 * 0.015
    grid = make(net, [at("mill", end)], steps=3)
    drawn = np.array([[1.000001], [1.02], [3.0]]) * pole
    states = grid.verify(inject(grid, -KW * drawn))
    assert [f.step for f in states.failures] == [0]
    assert states.failures[0].reason == (
        f"pipe {thin} all but stands still, where the Swamee-Jain formula has a pole (Re near 7): "
        "choose friction_model: colebrook"
    )
    sound = make(net, [at("mill", end)], steps=3, model="colebrook")
    assert sound.verify(inject(sound, -KW * drawn)).failures == ()
