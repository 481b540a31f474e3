"""Batch verification of gas networks against a plain loop of pandapipes, in one process."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from cosim.grids.gas import GasGrid
from cosim.records import ElementSeries, read_only
from tests.support.gas import KW, at, build, inject

pytestmark = pytest.mark.benchmark
STEPS = 96
LOOP_STEPS = 12


def town() -> Any:
    import pandapipes.networks as networks

    return networks.schutterwald_gas()


def mesh() -> Any:
    """Return 7 x 7 junctions with 18 loops."""
    import pandapipes as pp

    net = pp.create_empty_network(fluid="hgas")
    pp.create_junctions(net, 49, pn_bar=1.0, tfluid_k=283.15)
    pp.create_ext_grid(net, 0, p_bar=1.0, t_k=283.15)
    rng = np.random.default_rng(4)
    for k in range(49):
        for neighbour, exists in ((k + 1, k % 7 < 6 and (k // 7) % 2 == 0), (k + 7, k < 42)):
            if exists:
                mm = float(rng.choice([50.0, 80.0, 100.0]))
                pp.create_pipe_from_parameters(
                    net, k, neighbour, rng.uniform(0.05, 0.3), mm, k_mm=0.1
                )
    for k in range(5, 49):
        pp.create_sink(net, k, 6e-4)
    return net


def seconds(call: Callable[[], Any], repeats: int = 5) -> float:
    """Return the median time of a call."""
    spent = []
    for _ in range(repeats):
        begin = perf_counter()
        call()
        spent.append(perf_counter() - begin)
    return median(spent)


def adapter(net: Any, folder: Path) -> tuple[GasGrid, np.ndarray]:
    rng = np.random.default_rng(7)
    ids = net.sink.index.to_numpy()
    drawn = net.sink["mdot_kg_per_s"].to_numpy() * rng.uniform(0.3, 2.0, (STEPS, ids.size))
    series = ElementSeries(
        "sink", read_only(ids, np.int64), read_only(-KW * drawn), read_only(0.0 * drawn)
    )
    return build(net, folder, [at("mill", 40)], steps=STEPS, series=[series]), drawn


@pytest.mark.parametrize(("make_net", "factor"), [(town, 20.0), (mesh, 30.0)])
def test_batch_against_a_loop_of_pipe_flows(
    make_net: Callable[[], Any], factor: float, tmp_path: Path
) -> None:
    import pandapipes as pp

    net = make_net()
    grid, drawn = adapter(net, tmp_path)
    injections = inject(grid, np.zeros((STEPS, 1)))
    states = grid.verify(injections)
    pressure = np.empty((LOOP_STEPS, len(net.junction)))

    def loop() -> None:
        for step in range(LOOP_STEPS):
            net.sink["mdot_kg_per_s"] = drawn[step]
            pp.pipeflow(net, friction_model="swamee-jain")
            pressure[step] = net.res_junction["p_bar"]

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        loop()
        plain = seconds(loop, 3) / LOOP_STEPS
    batch = seconds(lambda: grid.verify(injections)) / STEPS
    print(
        f"{make_net.__name__}: {plain * 1e3:.1f} ms and {batch * 1e3:.3f} ms, {plain / batch:.0f} x"
    )
    gauge = states.get("junction", "p_bar").values[:LOOP_STEPS]
    assert np.abs(gauge - pressure).max() < 1e-5
    assert states.notes == states.failures == ()
    assert plain / batch >= factor


def test_sensitivities_cost_less_than_three_pipe_flows(tmp_path: Path) -> None:
    import pandapipes as pp

    from cosim.records import Target

    net = town()
    grid, drawn = adapter(net, tmp_path)
    injections = inject(grid, np.zeros((1, 1)))
    states = grid.verify(injections)
    targets = tuple(
        Target("pressure_min", "junction", "p_bar", int(j), 0) for j in net.junction.index
    )
    net.sink["mdot_kg_per_s"] = drawn[0]

    def flow() -> None:
        pp.pipeflow(net, friction_model="swamee-jain")

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        flow()
        plain = seconds(flow)
    spent = seconds(lambda: grid.linearise(states, targets))
    print(f"sensitivities of {len(targets)} pressures: {spent / plain:.2f} pipe flows")
    assert spent <= 3.0 * plain
