"""Hydrogen in a gas network: composition, energy, and what one fluid per network costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cosim.errors import GridError
from cosim.grids.gas import GasGrid
from cosim.grids.gas.blend import Blend, blend_of, fill_with_blend
from cosim.grids.limits import check, violations
from cosim.records import Target
from cosim.scenario.networks import GasNetwork, HydrogenBlending
from tests.support.gas import LHV, at, hydrogen_at, inject, plain, ring_network
from tests.support.gas_zoo import compressors, flow_controls, several_sources, two_levels

Make = Callable[..., GasGrid]
LIGHT = 33.33
GAS, HYDROGEN = 0.7329404506632858, 0.08871
"""Densities at 0 C of pandapipes' hgas and hydrogen, kg/m3."""


def strand() -> Any:
    """Return two pipes in a row with a junction between them."""
    import pandapipes as pp

    net = pp.create_empty_network(fluid="hgas")
    pp.create_junctions(net, 3, pn_bar=1.0, tfluid_k=283.15)
    pp.create_ext_grid(net, 0, p_bar=1.0, t_k=283.15)
    for k in range(2):
        pp.create_pipe_from_parameters(net, k, k + 1, 1.0, 100.0, k_mm=0.1)
    return net


def test_one_feed_in_worked_out_by_hand(make: Make) -> None:
    """1000 kW drawn behind 30 kW of hydrogen: .25 g/s among 20.57 g/s of gas, by volume 9.13 %."""
    grid = make(strand(), [at("mill", 2), hydrogen_at("farm", 1)], hydrogen=HydrogenBlending())
    states = grid.verify(inject(grid, [[-1000.0, 30.0]]))
    light, heavy = 30.0 / LIGHT / 3600.0, 970.0 / LHV / 3600.0
    volume = light / HYDROGEN / (light / HYDROGEN + heavy / GAS)
    assert volume == pytest.approx(0.0913, abs=1e-4)
    fraction = states.get("junction", "hydrogen_fraction").values[0]
    assert fraction == pytest.approx([0.0, volume, volume], abs=1e-12)
    flow = states.get("pipe", "mdot_from_kg_per_s").values[0]
    assert flow == pytest.approx([heavy, heavy + light], rel=1e-12)
    assert states.slack_kw == pytest.approx([970.0])
    frame = grid.setpoints_frame(states.injections).set_index("id")["value"]
    assert frame.to_numpy() == pytest.approx([heavy + light, -light], rel=1e-12)


def test_mixing_where_two_streams_meet(make: Make) -> None:
    """Two blends of equal flow meet: the mass fraction is their mean."""
    import pandapipes as pp

    net = strand()
    pp.create_ext_grid(net, 2, p_bar=1.0, t_k=283.15)
    end = pp.create_junction(net, pn_bar=1.0, tfluid_k=283.15)
    pp.create_pipe_from_parameters(net, 1, end, 0.1, 100.0, k_mm=0.1)
    grid = make(net, [at("mill", end), hydrogen_at("farm", 0)], hydrogen=HydrogenBlending())
    states = grid.verify(inject(grid, [[-1000.0, 10.0]]))
    blend = Blend(LHV, LIGHT, GAS, HYDROGEN)
    fraction = states.get("junction", "hydrogen_fraction").values[0]
    flow = np.abs(states.get("pipe", "mdot_from_kg_per_s").values[0])
    w = np.array([blend.mass_fraction(float(x)) for x in fraction])
    assert flow[0] == pytest.approx(flow[1], rel=1e-9)
    assert w[1] == pytest.approx(w[0] / 2.0, rel=1e-9)
    assert w[3] == pytest.approx(w[1], rel=1e-12)
    assert fraction[2] == 0.0


NETWORKS: dict[str, tuple[Callable[[], Any], list[int], list[int]]] = {
    "meshes with a cut pipe": (ring_network, [2, 4, 7], [1, 5]),
    "several grids": (several_sources, [10, 14, 33], [8, 29]),
    "flow controls": (flow_controls, [2, 4, 7], [1, 5]),
    "stations": (two_levels, [10, 14, 37], [39, 8]),
    "compressors": (compressors, [2, 5, 6], [1, 5]),
}


def fed(make: Make, name: str, model: str = "nikuradse") -> tuple[GasGrid, np.ndarray]:
    net, customers, feeders = NETWORKS[name]
    terminals = [at(f"c{j}", j) for j in customers] + [hydrogen_at(f"h{j}", j) for j in feeders]
    grid = make(
        net(),
        terminals,
        steps=4,
        model=model,
        hydrogen=HydrogenBlending(max_fraction=0.2),
        pump_bus=1,
    )
    drawn = np.array(
        [[-150.0, -80.0, -60.0], [-300.0, 40.0, -20.0], [-40.0, -5.0, 0.0], [-90.0] * 3]
    )
    light = np.array([[20.0, 8.0], [5.0, 12.0], [0.0, 4.0], [0.0, 0.0]])
    return grid, np.hstack([drawn, light])


@pytest.mark.parametrize("name", list(NETWORKS))
def test_batch_as_in_pandapipes_with_a_sparse_mixing_system(make: Make, name: str) -> None:
    grid, power = fed(make, name)
    injections = inject(grid, power)
    fast, reference = grid.verify(injections), grid.verify(injections, "reference")
    assert fast.engine == "cosim batch"
    for element, quantity, tolerance in (
        ("junction", "hydrogen_fraction", 1e-8),
        ("junction", "p_bar", 1e-7),
        ("pipe", "mdot_from_kg_per_s", 1e-7),
        ("pipe", "v_max_m_per_s", 1e-5),
    ):
        found, expected = (s.get(element, quantity).values for s in (fast, reference))
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance, err_msg=quantity)
    fraction = fast.get("junction", "hydrogen_fraction").values
    assert np.nanmax(fraction[:3]) > 1e-3
    assert np.nanmax(fraction[3]) == 0.0
    assert fast.auxiliary_kw == pytest.approx(reference.auxiliary_kw, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_energy_is_conserved(make: Make, name: str) -> None:
    """What external grids deliver is what customers draw less what is fed in."""
    grid, power = fed(make, name)
    states = grid.verify(inject(grid, power))
    net = grid._model.net
    base = float((net.sink["mdot_kg_per_s"] * net.sink["scaling"]).sum())
    if "source" in net:
        base -= float((net.source["mdot_kg_per_s"] * net.source["scaling"]).sum())
    expected = base * LHV * 3600.0 - power.sum(axis=1)
    assert states.slack_kw == pytest.approx(expected, rel=1e-9)


def test_plain_pandapipes_reproduces_the_exported_network(make: Make) -> None:
    import pandapipes as pp

    grid, power = fed(make, "meshes with a cut pipe")
    injections = inject(grid, power[:1])
    states = grid.verify(injections)
    net = pp.from_json_string(grid.network_json(injections))
    for row in grid.setpoints_frame(injections).itertuples():
        net[row.element].loc[row.id, row.quantity] = row.value
    plain(net, "nikuradse")
    np.testing.assert_allclose(
        net.res_junction["p_bar"], states.get("junction", "p_bar").values[0], atol=1e-9
    )


@pytest.mark.parametrize("name", list(NETWORKS))
def test_sensitivities_against_differences_of_pandapipes(make: Make, name: str) -> None:
    """Central differences of pipe flows whose customers draw the blend that reaches them."""
    grid, power = fed(make, name)
    net, customers = grid._model.net, NETWORKS[name][1]
    targets = [Target("", "junction", "hydrogen_fraction", j, 0) for j in customers]
    targets += [Target("", "junction", "p_bar", j, 0) for j in customers]
    targets += [Target("", "pipe", "v_max_m_per_s", int(p), 0) for p in net.pipe.index[[1, 3]]]
    targets += [Target("", "ext_grid", "mdot_kg_per_s", int(net.ext_grid.index[-1]), 0)]
    found = grid.linearise(grid.verify(inject(grid, power[:1], [0])), tuple(targets))
    width = 0.5
    for k in range(power.shape[1]):
        ends, auxiliary = [], []
        for sign in (1.0, -1.0):
            moved = power[:1].copy()
            moved[0, k] += sign * width
            states = grid.verify(inject(grid, moved, [0]), "reference")
            auxiliary.append(states.auxiliary_kw[0])
            ends.append([_value(states, t) for t in targets])
        numeric = (np.array(ends[0]) - np.array(ends[1])) / (2.0 * width)
        scale = np.abs(found.d_dp_per_kw).max(axis=1)
        off = np.abs(found.d_dp_per_kw[:, k] - numeric) / np.where(scale > 1e-11, scale, 1.0)
        assert off.max() < 1e-4, (k, targets[int(off.argmax())])
        slope = (auxiliary[0] - auxiliary[1]) / (2.0 * width)
        assert found.d_auxiliary_dp[0, k] == pytest.approx(slope, rel=1e-4, abs=1e-9)


def _value(states: Any, target: Target) -> float:
    column = states.get(target.element, target.quantity)
    return float(column.values[0, int(np.flatnonzero(column.ids == target.id)[0])])


def test_too_much_hydrogen_is_a_violation_where_gas_flows(make: Make) -> None:
    import pandapipes as pp

    net = strand()
    still = pp.create_junction(net, pn_bar=1.0, tfluid_k=283.15)
    pp.create_pipe_from_parameters(net, 2, still, 0.1, 50.0, k_mm=0.1)
    grid = make(net, [at("mill", 2), hydrogen_at("farm", 1)], hydrogen=HydrogenBlending(), steps=2)
    states = grid.verify(inject(grid, [[-1000.0, 32.0], [-1000.0, 34.0]]))
    assert states.failures == ()
    found = violations("gas", check(states, grid.limits))
    assert {(v.limit, v.id, v.step) for v in found} == {
        ("hydrogen_fraction_max", 1, 1),
        ("hydrogen_fraction_max", 2, 1),
    }
    assert np.isnan(states.get("junction", "hydrogen_fraction").values[:, still]).all()
    target = Target("hydrogen_fraction_max", "junction", "hydrogen_fraction", 2, 1)
    slope = grid.linearise(states, (target,)).d_dp_per_kw[0]
    assert slope[1] > 0.0
    assert slope[0] > 0.0, "drawing less leaves the hydrogen to fewer"


def exact_drop(net: Any, w: float, kw: float, fraction: float) -> float:
    """Return the fall of pressure along the strand with each pipe's own fluid, in bar."""
    settings = GasNetwork(kind="gas", file="", lhv_kwh_per_kg=LHV, hydrogen=HydrogenBlending())
    import pandapipes as pp

    blend = blend_of(net, settings)
    assert blend is not None
    total = kw / (LHV + w * (LIGHT - LHV)) / 3600.0
    pressure = 1.0
    for share, mdot in ((0.0, total * (1.0 - w)), (fraction, total)):
        one = pp.create_empty_network(fluid="hgas")
        fill_with_blend(one, blend, share)
        pp.create_junctions(one, 2, pn_bar=1.0, tfluid_k=283.15)
        pp.create_ext_grid(one, 0, p_bar=pressure, t_k=283.15)
        pp.create_pipe_from_parameters(one, 0, 1, 1.0, 100.0, k_mm=0.1)
        pp.create_sink(one, 1, mdot)
        pressure = float(plain(one, "colebrook").res_junction.p_bar[1])
    return 1.0 - pressure


@pytest.mark.parametrize(
    ("fluid_fraction", "low", "high"), [(None, 0.0, 0.06), (0.0, -0.06, 0.0), (0.05, -0.03, 0.03)]
)
def test_what_one_fluid_in_all_pipes_costs(
    make: Make, fluid_fraction: float | None, low: float, high: float
) -> None:
    """Beside pipe flows with a fluid each, one fluid is within 6 % of the drop at 10 %."""
    kw, light = 4000.0, 125.0
    heavy = (kw - light) / LHV
    w = (light / LIGHT) / (light / LIGHT + heavy)
    settings = HydrogenBlending(fluid_fraction=fluid_fraction)
    grid = make(
        strand(), [at("mill", 2), hydrogen_at("farm", 1)], hydrogen=settings, model="colebrook"
    )
    states = grid.verify(inject(grid, [[-kw, light]]))
    fraction = float(states.get("junction", "hydrogen_fraction").values[0, 2])
    drop = 1.0 - float(states.get("junction", "p_bar").values[0, 2])
    error = drop / exact_drop(strand(), w, kw, fraction) - 1.0
    assert fraction == pytest.approx(0.0953, abs=1e-3)
    print(f"fluid of {fluid_fraction}: {100.0 * error:+.2f} % of the drop")
    assert low < error < high


def test_a_blend_lies_between_its_gases() -> None:
    import pandapipes as pp

    net = pp.create_empty_network(fluid="methane")
    settings = GasNetwork(kind="gas", file="", lhv_kwh_per_kg=13.9, hydrogen=HydrogenBlending())
    blend = blend_of(net, settings)
    assert blend is not None
    fill_with_blend(net, blend, 0.1)
    expected = 0.9 * blend.gas_density + 0.1 * blend.hydrogen_density
    assert float(net.fluid.get_density(273.15)) == pytest.approx(expected)
    assert float(net.fluid.get_molar_mass()[0]) == pytest.approx(0.9 * 16.04 + 0.1 * 2.01588)
    assert float(net.fluid.get_compressibility(1.0)) == pytest.approx(0.9 * 0.9978 + 0.1 * 1.0006)
    w = blend.mass_fraction(0.1)
    assert float(blend.volume_fraction(np.array(w))) == pytest.approx(0.1)
    assert 0.86e-5 < float(net.fluid.get_viscosity(283.15)) < 1.09e-5


def test_what_cannot_be(make: Make) -> None:
    grid = make(strand(), [at("mill", 2), hydrogen_at("farm", 1)], hydrogen=HydrogenBlending())
    with pytest.raises(GridError, match="hydrogen:farm draws hydrogen"):
        grid.verify(inject(grid, [[-1000.0, -1.0]]))
    with pytest.raises(GridError, match="settings allow none"):
        make(strand(), [hydrogen_at("farm", 1)])
