"""The batch equations against closed forms, conservation laws and plain pandapipes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.grids.gas import GasGrid
from cosim.grids.gas.batch import GasBatch
from cosim.grids.gas.coverage import unsupported
from cosim.grids.gas.net import read_arrays
from tests.support.gas import KW, at, inject, line_network, plain, ring_network

MODELS = ("nikuradse", "colebrook", "swamee-jain")
CONVERGING = (
    "gas_meshed_delta",
    "gas_meshed_square",
    "gas_meshed_two_valves",
    "gas_one_pipe1",
    "gas_one_pipe2",
    "gas_strand_2pipes",
    "gas_tcross1",
    "gas_tcross2",
    "gas_2eg_hnet",
    "gas_3parallel",
)


def junction_flow(net: Any, scale: float = 1.0) -> np.ndarray:
    """Return the mass flow into every junction as the tables of a network say."""
    position = {j: k for k, j in enumerate(net.junction.index)}
    flow = np.zeros((len(position), 1))
    for table, sign in (("sink", -scale), ("source", 1.0)):
        rows = net[table] if table in net else net.sink.iloc[:0]
        for _, row in rows[rows["in_service"]].iterrows():
            flow[position[row["junction"]]] += sign * row["mdot_kg_per_s"] * row["scaling"]
    return flow


def solve(net: Any, model: str, scale: float = 1.0) -> tuple[GasBatch, Any]:
    assert unsupported(net) == ()
    batch = GasBatch(read_arrays(net, model))
    flow = junction_flow(net, scale)
    nodes = np.zeros((batch.arrays.ambient_bar.size, 1))
    nodes[: flow.shape[0]] = flow
    return batch, batch.solve(nodes)


def compare(net: Any, model: str, scale: float, tolerance_bar: float) -> None:
    batch, result = solve(net, model, scale)
    net.sink["mdot_kg_per_s"] *= scale
    plain(net, model)
    junctions = len(net.junction)
    gauge = result.p_abs_bar[:junctions, 0] - batch.arrays.ambient_bar[:junctions]
    np.testing.assert_allclose(gauge, net.res_junction.p_bar, rtol=0, atol=tolerance_bar)
    np.testing.assert_allclose(
        -result.source_kg_per_s[:, 0], net.res_ext_grid.mdot_kg_per_s, rtol=0, atol=1e-6
    )
    first = batch.arrays.pipe_first
    np.testing.assert_allclose(
        result.mdot_kg_per_s[first, 0], net.res_pipe.mdot_from_kg_per_s, rtol=0, atol=1e-6
    )


BEYOND = {
    ("gas_one_pipe1", "colebrook"): "pandapipes stops its iteration at 1e-4: 2e-4 bar of 15 bar",
    ("gas_meshed_delta", "swamee-jain"): "all but standing gas has several flow patterns",
}
CASES = [(n, m) for n in CONVERGING for m in MODELS if (n, m) not in BEYOND]


@pytest.mark.parametrize("scale", [0.5, 1.0])
@pytest.mark.parametrize(("name", "model"), CASES)
def test_bundled_networks_as_in_pandapipes(name: str, model: str, scale: float) -> None:
    import pandapipes.networks as networks

    net = getattr(networks, name)()
    compare(net, model, scale, 1e-7 if model == "colebrook" else 1e-10)


@pytest.mark.parametrize(("method", "model"), [("n", "nikuradse"), ("pc", "colebrook")])
@pytest.mark.parametrize("name", CONVERGING[1:])
def test_bundled_networks_as_in_stanet(name: str, method: str, model: str) -> None:
    """Pressures of the commercial code STANET come with the networks, rounded to 0.1 mbar."""
    import pandapipes.networks as networks

    net = getattr(networks, name)(method)
    batch, result = solve(net, model)
    gauge = result.p_abs_bar[: len(net.junction), 0] - batch.arrays.ambient_bar[: len(net.junction)]
    expected = net.junction["p_stanet"].to_numpy()
    known = np.isfinite(expected)
    np.testing.assert_allclose(gauge[known], expected[known], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("model", MODELS)
def test_meshes_with_heights_sections_and_valves_as_in_pandapipes(model: str, scale: float) -> None:
    compare(ring_network(), model, scale, 1e-7 if model == "colebrook" else 1e-10)


@pytest.mark.parametrize("fluid", ["hydrogen", "lgas", "methane", "biomethane_pure"])
def test_other_gases_as_in_pandapipes(fluid: str) -> None:
    import pandapipes as pp

    net = ring_network()
    pp.create_fluid_from_lib(net, fluid, overwrite=True)
    compare(net, "swamee-jain", 0.5, 1e-10)


def test_two_grids_of_different_pressure_and_two_at_one_junction() -> None:
    import pandapipes as pp

    net = ring_network()
    pp.create_ext_grid(net, 5, p_bar=0.99, t_k=283.15)
    pp.create_ext_grid(net, 0, p_bar=1.0, t_k=288.15)
    compare(net, "swamee-jain", 2.0, 1e-10)


@pytest.mark.parametrize("mdot", [1e-4, 0.05, 0.2])
def test_one_pipe_in_closed_form(mdot: float) -> None:
    """p1^2 - p2^2 = c Z(pm) (lambda L/D) m^2 with Nikuradse's factor written out."""
    length, diameter, rough, kelvin = 1000.0, 0.1, 1e-4, 283.15
    net = line_network()
    net.sink = net.sink.iloc[:0]
    batch = GasBatch(read_arrays(net, "nikuradse"))
    result = batch.solve(np.array([[0.0], [-mdot]]))
    p1, p2 = result.p_abs_bar[:, 0]
    density = float(net.fluid.get_density(273.15))
    viscosity = float(net.fluid.get_viscosity(kelvin))
    area = np.pi * diameter**2 / 4
    reynolds = mdot * diameter / (viscosity * area)
    factor = 64.0 / reynolds + (2.0 * np.log10(diameter / rough) + 1.14) ** -2
    mean = 2.0 / 3.0 * (p1**3 - p2**3) / (p1**2 - p2**2)
    z = float(net.fluid.get_compressibility(mean))
    constant = 1.01325 * kelvin / (273.15 * 1e5 * density * area**2)
    assert p1 == pytest.approx(2.01325, abs=1e-12)
    assert p1**2 - p2**2 == pytest.approx(
        constant * z * factor * length / diameter * mdot**2, rel=1e-7
    )


def test_standing_gas_column_follows_its_weight() -> None:
    """Without flow dp = rho g h with the mean density of both ends."""
    net = line_network()
    net.junction["height_m"] = [0.0, 100.0]
    batch = GasBatch(read_arrays(net, "swamee-jain"))
    p1, p2 = batch.solve(np.zeros((2, 1))).p_abs_bar[:, 0]
    normal = float(net.fluid.get_density(273.15)) * 273.15 / 283.15 / 1.01325

    def density(pressure: float) -> float:
        return normal * pressure / float(net.fluid.get_compressibility(pressure))

    weight = 0.5 * (density(p1) + density(p2)) * 9.81 * 100.0 / 1e5
    assert p1 - p2 == pytest.approx(weight, rel=1e-10)


def test_equal_parallel_pipes_share_equally() -> None:
    import pandapipes as pp

    net = line_network()
    pp.create_pipe_from_parameters(net, 1, 0, 1.0, 100.0, k_mm=0.1)
    batch = GasBatch(read_arrays(net, "colebrook"))
    result = batch.solve(np.array([[0.0], [-0.1]]))
    assert result.mdot_kg_per_s[:, 0] == pytest.approx([0.05, -0.05], abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-0.01, 0.02), min_size=8, max_size=8), st.sampled_from(MODELS))
def test_mass_is_conserved_and_loops_close(drawn: list[float], model: str) -> None:
    net = ring_network()
    batch = GasBatch(read_arrays(net, model))
    arrays = batch.arrays
    flow = np.zeros((arrays.ambient_bar.size, 2))
    flow[:8, 0] = -np.array(drawn)
    flow[:8, 1] = -2.0 * np.array(drawn)
    result = batch.solve(flow)
    for step in np.flatnonzero(result.solved):
        balance = flow[:, step].copy()
        balance[arrays.ext_nodes] += result.source_kg_per_s[:, step]
        mdot = result.mdot_kg_per_s[:, step]
        np.add.at(balance, arrays.branches.from_node, -mdot)
        np.add.at(balance, arrays.branches.to_node, mdot)
        assert np.abs(balance).max() < 1e-12


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = GasBatch(read_arrays(ring_network(), "swamee-jain"))
    flow = np.zeros((batch.arrays.ambient_bar.size, 40))
    flow[5] = -np.linspace(0.0, 0.03, 40)
    whole = batch.solve(flow)
    monkeypatch.setattr("cosim.grids.gas.batch.CHUNK_VALUES", 60)
    parts = batch.solve(flow)
    np.testing.assert_allclose(whole.p_abs_bar, parts.p_abs_bar, rtol=0, atol=1e-10)


def test_too_much_offtake_is_named(make: Callable[..., GasGrid]) -> None:
    grid = make(line_network(), [at("mill", 1)], steps=2)
    states = grid.verify(inject(grid, [[-100.0], [-2.0 * KW]]))
    assert [f.step for f in states.failures] == [1]
    assert not states.failures[0].converged
    assert states.failures[0].reason == (
        "the pressure runs out on the way to junction 1: offtake is too high"
    )
    pressure = states.get("junction", "p_bar").values
    assert np.isfinite(pressure[0]).all()
    assert np.isnan(pressure[1]).all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda pp, net: pp.create_pump(net, 0, 1, std_type="P1"), "1 pump"),
        (
            lambda pp, net: pp.create_pressure_control(net, 1, 0, 0, 0.5),
            "1 press_control at a junction with another pressure",
        ),
        (
            lambda pp, net: pp.create_pressure_control(net, 0, 1, 0, 0.5),
            "1 press_control of a junction elsewhere",
        ),
        (
            lambda pp, net: pp.create_pressure_control(net, 0, 1, 1, 0.5, control_active=False),
            "1 press_control without control",
        ),
        (
            lambda pp, net: net.junction.__setitem__("in_service", [True, False]),
            "1 pipe in service at a junction out of service",
        ),
        (lambda pp, net: pp.create_ext_grid(net, 1, t_k=283.15, type="t"), "1 ext_grid without"),
    ],
)
def test_what_the_batch_leaves_to_pandapipes(change: Callable[..., Any], reason: str) -> None:
    import pandapipes as pp

    net = line_network()
    change(pp, net)
    assert unsupported(net)[0].startswith(reason)
