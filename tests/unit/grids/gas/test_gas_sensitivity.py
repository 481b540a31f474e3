"""Sensitivities against central differences of plain pandapipes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cosim.grids.gas import GasGrid
from cosim.records import Target
from tests.support.gas import KW, at, inject, line_network, plain, ring_network
from tests.support.gas_zoo import (
    compressor_in_mesh,
    compressors,
    flow_controls,
    pipe_valves,
    pump_line,
    several_sources,
    stations_in_series,
    two_levels,
)

Make = Callable[..., GasGrid]
STEP_KW = 0.5
PIPE_QUANTITIES = (
    "v_max_m_per_s",
    "v_from_m_per_s",
    "v_to_m_per_s",
    "mdot_from_kg_per_s",
    "p_from_bar",
    "p_to_bar",
)


def targets_of(net: Any, junctions: list[int], pipes: list[int], step: int = 0) -> list[Target]:
    found = [Target("pressure_min", "junction", "p_bar", j, step) for j in junctions]
    found += [Target("velocity_max", "pipe", q, p, step) for p in pipes for q in PIPE_QUANTITIES]
    found += [
        Target("feed_in_max", "ext_grid", "mdot_kg_per_s", int(e), step) for e in net.ext_grid.index
    ]
    return found


def read(net: Any, target: Target) -> float:
    table = net[f"res_{target.element}"].loc[target.id]
    if target.quantity == "v_max_m_per_s":
        return max(abs(table["v_from_m_per_s"]), abs(table["v_to_m_per_s"]))
    return float(table[target.quantity])


def differences(
    net: Any, model: str, junctions: dict[int, float], power_kw: float, targets: list[Target]
) -> np.ndarray:
    """Return d(target)/d(kW) of one terminal by central differences of plain pipe flows."""
    import pandapipes as pp

    values = []
    for sign in (1.0, -1.0):
        moved = pp.from_json_string(pp.to_json(net))
        for junction, share in junctions.items():
            pp.create_sink(moved, junction, -share * (power_kw + sign * STEP_KW) / KW)
        plain(moved, model)
        values.append(np.array([read(moved, t) for t in targets]))
    return (values[0] - values[1]) / (2.0 * STEP_KW)


def assert_close(analytic: np.ndarray, numeric: np.ndarray) -> None:
    """Agree to 1e-4 of the largest effect any terminal has on the same quantity."""
    scale = np.abs(numeric).max(axis=1, keepdims=True)
    assert (scale > 0.0).all()
    assert np.abs((analytic - numeric) / scale).max() < 1e-4


@pytest.mark.parametrize("model", ["nikuradse", "swamee-jain", "colebrook"])
@pytest.mark.parametrize("name", ["radial", "meshed", "two sources"])
def test_against_differences_of_pandapipes(make: Make, name: str, model: str) -> None:
    import pandapipes as pp

    net = ring_network()
    if name == "radial":
        net.pipe.loc[[2, 6], "in_service"] = False
    if name == "two sources":
        pp.create_ext_grid(net, 5, p_bar=0.999, t_k=283.15)
    pipes = [p for p in (0, 1, 3, 4, 5, 7) if p != 6]
    targets = targets_of(net, [2, 4, 7], pipes)
    terminals = [at("school", 2), at("farm", 5, 7), at("mill", 4)]
    power = [-150.0, 40.0, -80.0]
    grid = make(net, terminals, model=model)
    found = grid.linearise(grid.verify(inject(grid, [power])), tuple(targets))
    numeric = np.empty((len(targets), 3))
    for k, terminal in enumerate(terminals):
        fixed = pp.from_json_string(pp.to_json(net))
        for other, other_kw in zip(terminals, power, strict=True):
            if other is not terminal:
                for point in other.points:
                    pp.create_sink(fixed, point.id, -point.share * other_kw / KW)
        shares = {p.id: p.share for p in terminal.points}
        numeric[:, k] = differences(fixed, model, shares, power[k], targets)
    moved = np.abs(numeric).max(axis=1) > 1e-12
    assert_close(found.d_dp_per_kw[moved], numeric[moved])
    assert np.abs(found.d_dp_per_kw[~moved]).max(initial=0.0) < 1e-9


def test_the_town(make: Make) -> None:
    import pandapipes.networks as networks

    net = networks.schutterwald_gas()
    targets = targets_of(net, [0, 700, 2000], [int(i) for i in net.pipe.index[[0, 900, 1500]]])
    grid = make(net, [at("chp", 700)])
    found = grid.linearise(grid.verify(inject(grid, [[-3000.0]])), tuple(targets))
    numeric = differences(net, "swamee-jain", {700: 1.0}, -3000.0, targets)
    for k, target in enumerate(targets):
        assert found.d_dp_per_kw[k, 0] == pytest.approx(numeric[k], rel=1e-4, abs=1e-10), target


def test_one_pipe_without_friction_growth_in_closed_form(make: Make) -> None:
    """For constant Z and lambda p2^2 = p1^2 - r m^2 gives dp2/dm = -r m / p2."""
    import pandapipes as pp

    net = line_network()
    pp.create_constant_property(net, "compressibility", 1.0, warn_on_duplicates=False)
    pp.create_constant_property(net, "viscosity", 1e-20, warn_on_duplicates=False)
    grid = make(net, [at("mill", 1)], model="nikuradse")
    mdot = 0.2
    states = grid.verify(inject(grid, [[-mdot * KW]]))
    p1, p2 = states.get("junction", "p_bar").values[0] + 1.01325
    target = Target("pressure_min", "junction", "p_bar", 1, 0)
    found = grid.linearise(states, (target,))
    assert found.value == pytest.approx([p2 - 1.01325])
    per_kg = (p1**2 - p2**2) / mdot / p2
    assert found.d_dp_per_kw[0, 0] == pytest.approx(per_kg / KW, rel=1e-9)


def test_steps_and_shapes(make: Make) -> None:
    grid = make(ring_network(), [at("school", 2), at("mill", 4)], steps=5)
    injections = inject(grid, [[-10.0, 0.0], [-200.0, -50.0], [0.0, 0.0]], steps=[1, 3, 4])
    states = grid.verify(injections)
    targets = tuple(Target("pressure_min", "junction", "p_bar", 4, s) for s in (4, 3, 3))
    found = grid.linearise(states, targets)
    assert found.d_dp_per_kw.shape == found.d_dq_per_kvar.shape == (3, 2)
    assert found.d_loss_dp.shape == found.d_auxiliary_dp.shape == (3, 2)
    assert not found.d_loss_dp.any()
    np.testing.assert_array_equal(found.d_dp_per_kw[1], found.d_dp_per_kw[2])
    assert (found.d_dp_per_kw[1] > found.d_dp_per_kw[0]).all()
    assert grid.linearise(states, ()).d_dp_per_kw.shape == (0, 2)


def test_chunks_do_not_matter(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = make(ring_network(), [at("school", 2), at("mill", 4)], steps=4)
    states = grid.verify(inject(grid, [[-10.0 * k, -5.0 * k] for k in range(4)]))
    targets = tuple(Target("pressure_min", "junction", "p_bar", 4, s) for s in range(4))
    whole = grid.linearise(states, targets).d_dp_per_kw
    monkeypatch.setattr("cosim.grids.gas.sensitivity.CHUNK_VALUES", 1)
    np.testing.assert_allclose(grid.linearise(states, targets).d_dp_per_kw, whole, rtol=1e-12)


def test_negative_gauge_pressure_can_be_cut_from(make: Make) -> None:
    grid = make(line_network(), [at("mill", 1)])
    states = grid.verify(inject(grid, [[-KW * 0.26]]))
    target = Target("pressure_min", "junction", "p_bar", 1, 0)
    assert grid.linearise(states, (target,)).d_dp_per_kw[0, 0] > 0.0


ACTIVE: dict[str, tuple[Callable[[], Any], list[int], list[int]]] = {
    "stations into a mesh": (two_levels, [10, 37], [5, 30]),
    "stations in series": (stations_in_series, [3, 6], [0, 2]),
    "compressors in series": (compressors, [3, 6], [0, 3]),
    "compressor in a mesh": (compressor_in_mesh, [2, 7], [0, 2]),
    "flow controls": (flow_controls, [2, 7], [0, 4]),
    "valves at pipes": (pipe_valves, [2, 7], [0, 1]),
    "three pressures": (several_sources, [14, 33], [3, 20]),
}


@pytest.mark.parametrize("name", list(ACTIVE))
def test_controls_and_compressors_against_differences(make: Make, name: str) -> None:
    build, junctions, pipes = ACTIVE[name]
    net = build()
    targets = targets_of(net, junctions, [int(p) for p in net.pipe.index[pipes]])
    targets = [t for t in targets if t.element != "ext_grid" or net.ext_grid.in_service[t.id]]
    terminals = [at(f"t{j}", j) for j in junctions]
    grid = make(net, terminals, model="colebrook")
    power = np.full((1, len(terminals)), -20.0)
    states = grid.verify(inject(grid, power))
    assert states.engine == "cosim batch"
    found = grid.linearise(states, tuple(targets)).d_dp_per_kw
    import pandapipes as pp

    for k, junction in enumerate(junctions):
        fixed = pp.from_json_string(pp.to_json(net))
        for other in junctions:
            if other != junction:
                pp.create_sink(fixed, other, 20.0 / KW)
        numeric = differences(fixed, "colebrook", {junction: 1.0}, -20.0, targets)
        scale = np.abs(found).max(axis=1)
        off = np.abs(found[:, k] - numeric) / np.where(scale > 1e-9, scale, 1.0)
        assert off.max() < 1e-4, targets[int(off.argmax())]


def test_power_of_compressors_follows_every_terminal(make: Make) -> None:
    """P = w Z(p) |m| in closed form: the ratio is fixed, so only flow and inlet pressure count."""
    grid = make(compressors(), [at("a", 3), at("b", 6)], model="colebrook", pump_bus=1)
    power, width = np.array([[-200.0, -100.0]]), 1.0
    found = grid.linearise(grid.verify(inject(grid, power)), ()).d_auxiliary_dp[0]
    for k in range(2):
        ends = []
        for sign in (1.0, -1.0):
            moved = power.copy()
            moved[0, k] += sign * width
            ends.append(float(grid.verify(inject(grid, moved), "reference").auxiliary_kw[0]))
        assert found[k] == pytest.approx((ends[0] - ends[1]) / (2.0 * width), rel=1e-4)
    silent = make(compressors(), [at("a", 3), at("b", 6)], model="colebrook")
    assert not silent.linearise(silent.verify(inject(silent, power)), ()).d_auxiliary_dp.any()


def test_what_the_batch_does_not_cover_uses_differences(make: Make) -> None:
    net = pump_line()
    grid = make(net, [at("mill", 2)], model="nikuradse", pump_bus=1)
    targets = targets_of(net, [1, 2], [0])
    states = grid.verify(inject(grid, [[-KW * 0.05]]))
    assert states.engine.startswith("pandapipes")
    found = grid.linearise(states, tuple(targets))
    numeric = differences(net, "nikuradse", {2: 1.0}, -KW * 0.05, targets)
    moved = np.abs(numeric) > 1e-12
    np.testing.assert_allclose(found.d_dp_per_kw[moved, 0], numeric[moved], rtol=1e-4)
    assert found.d_auxiliary_dp[0, 0] != 0.0
