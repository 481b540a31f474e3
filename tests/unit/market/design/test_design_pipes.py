"""What pipes carry, against textbook numbers and pandapipes."""

from __future__ import annotations

import math

import pandapipes
import pytest

from cosim.market.design.pipes import capability, gradient_pa_per_m, water_at
from cosim.scenario.design import PipesSection
from cosim.scenario.design_catalogue import PipeType

DN80 = PipeType(dn=80, inner_diameter_m=0.0825, cost_per_m=1.0, loss_w_per_m_k=0.217)


def pipes(**changed: object) -> PipesSection:
    return PipesSection.model_validate({"ground_c": 10.0, "pump_efficiency": 0.5, **changed})


@pytest.mark.parametrize(
    ("celsius", "density", "viscosity", "heat"),
    [(20.0, 998.21, 1.0016e-3, 4184.4), (70.0, 977.76, 0.4035e-3, 4190.2)],
)
def test_water(celsius: float, density: float, viscosity: float, heat: float) -> None:
    """Values of the IAPWS tables at atmospheric pressure."""
    water = water_at(celsius)
    assert water.density == pytest.approx(density, rel=1e-3)
    assert water.viscosity == pytest.approx(viscosity, rel=1e-2)
    assert water.heat_capacity == pytest.approx(heat, rel=2e-3)


@pytest.mark.parametrize("speed", [0.02, 0.4, 1.2])
def test_gradient_is_that_of_pandapipes(speed: float) -> None:
    net = pandapipes.create_empty_network(fluid="water")
    a, b = (pandapipes.create_junction(net, 5.0, 343.15) for _ in range(2))
    flow = speed * math.pi * 0.0825**2 / 4.0 * water_at(70.0).density
    pandapipes.create_ext_grid(net, a, 5.0, 343.15)
    pandapipes.create_sink(net, b, flow)
    pandapipes.create_pipe_from_parameters(
        net, a, b, length_km=0.1, inner_diameter_mm=82.5, k_mm=0.1
    )
    pandapipes.pipeflow(net, friction_model="swamee-jain")
    dropped = float(net.res_junction["p_bar"].loc[a] - net.res_junction["p_bar"].loc[b]) * 1e5
    # pandapipes adds the laminar term to the turbulent one.
    ours = 100.0 * gradient_pa_per_m(DN80, speed, water_at(70.0))
    assert ours == pytest.approx(dropped, rel=0.05 if speed > 0.1 else 0.8)


def test_velocity_limits_the_heat() -> None:
    can = capability(DN80, 100.0, pipes(velocity_max_m_per_s=1.0, pressure_drop_max_pa_per_m=None))
    water = water_at(70.0)
    by_hand = water.density * 1.0 * math.pi * 0.0825**2 / 4.0 * water.heat_capacity * 30.0 / 1e3
    assert can.heat_max_kw == pytest.approx(by_hand, rel=1e-12)


def test_friction_limits_the_heat() -> None:
    section = pipes(velocity_max_m_per_s=3.0, pressure_drop_max_pa_per_m=150.0)
    can = capability(DN80, 100.0, section)
    water = water_at(70.0)
    speed = (
        can.heat_max_kw
        * 1e3
        / (water.density * math.pi * 0.0825**2 / 4.0 * water.heat_capacity * 30.0)
    )
    assert gradient_pa_per_m(DN80, speed, water) == pytest.approx(150.0, rel=1e-9)


def test_loss_and_pump_by_hand() -> None:
    can = capability(DN80, 100.0, pipes(velocity_max_m_per_s=1.0, pressure_drop_max_pa_per_m=None))
    assert can.loss_kw == pytest.approx(2.0 * 0.217 * 100.0 * 60.0 / 1e3, rel=1e-12)
    water = water_at(70.0)
    flow_m3_per_s = 1.0 * math.pi * 0.0825**2 / 4.0
    pump_w = 2.0 * 100.0 * gradient_pa_per_m(DN80, 1.0, water) * flow_m3_per_s / 0.5
    assert can.pump_share == pytest.approx(pump_w / (can.heat_max_kw * 1e3), rel=1e-9)
