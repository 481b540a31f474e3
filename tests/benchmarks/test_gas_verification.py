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
from tests.support.gas import KW, at, build, hydrogen_at, inject
from tests.support.gas_zoo import grid_network, two_levels

pytestmark = pytest.mark.benchmark
STEPS = 96
LOOP_STEPS = 12


def town() -> Any:
    import pandapipes.networks as networks

    return networks.schutterwald_gas()


def mesh() -> Any:
    """Return 7 x 7 junctions with 18 loops."""
    net = grid_network(7)
    net.junction["height_m"] = 0.0
    return net


def hilly() -> Any:
    """Return 6 x 6 junctions with 15 loops and heights."""
    return grid_network(6)


def wide() -> Any:
    """Return 10 x 10 junctions with 36 loops and heights."""
    net = grid_network(10)
    net.sink["mdot_kg_per_s"] *= 0.5
    return net


def seconds(call: Callable[[], Any], repeats: int = 5) -> float:
    """Return the median time of a call."""
    spent = []
    for _ in range(repeats):
        begin = perf_counter()
        call()
        spent.append(perf_counter() - begin)
    return median(spent)


def adapter(
    net: Any, folder: Path, model: str = "swamee-jain", terminals: int = 1, **settings: Any
) -> tuple[GasGrid, np.ndarray]:
    rng = np.random.default_rng(7)
    ids = net.sink.index.to_numpy()
    drawn = net.sink["mdot_kg_per_s"].to_numpy() * rng.uniform(0.3, 2.0, (STEPS, ids.size))
    series = ElementSeries(
        "sink", read_only(ids, np.int64), read_only(-KW * drawn), read_only(0.0 * drawn)
    )
    places = [at(f"mill{k}", 20 + k) for k in range(terminals)]
    return build(net, folder, places, steps=STEPS, series=[series], model=model, **settings), drawn


@pytest.mark.parametrize("model", ["swamee-jain", "colebrook", "nikuradse"])
@pytest.mark.parametrize(
    ("make_net", "factor"),
    [(town, 20.0), (mesh, 30.0), (hilly, 30.0), (wide, 30.0), (two_levels, 30.0)],
)
def test_batch_against_a_loop_of_pipe_flows(
    make_net: Callable[[], Any], factor: float, model: str, tmp_path: Path
) -> None:
    import pandapipes as pp

    net = make_net()
    grid, drawn = adapter(net, tmp_path, model)
    injections = inject(grid, np.zeros((STEPS, 1)))
    states = grid.verify(injections)
    pressure = np.empty((LOOP_STEPS, len(net.junction)))

    def loop() -> None:
        for step in range(LOOP_STEPS):
            net.sink["mdot_kg_per_s"] = drawn[step]
            pp.pipeflow(net, friction_model=model)
            pressure[step] = net.res_junction["p_bar"]

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        loop()
        plain = seconds(loop, 3) / LOOP_STEPS
    batch = seconds(lambda: grid.verify(injections)) / STEPS
    spent = f"{plain * 1e3:.1f} ms and {batch * 1e3:.3f} ms"
    print(f"{make_net.__name__} {model}: {spent}, {plain / batch:.0f} x")
    gauge = states.get("junction", "p_bar").values[:LOOP_STEPS]
    assert np.abs(gauge - pressure).max() < 1e-5
    assert states.notes == states.failures == ()
    assert plain / batch >= factor


@pytest.mark.parametrize(("make_net", "terminals"), [(town, 1), (town, 20), (mesh, 20)])
def test_sensitivities_cost_less_than_three_pipe_flows(
    make_net: Callable[[], Any], terminals: int, tmp_path: Path
) -> None:
    """All junctions of a step over all terminals, as if every one were violated."""
    import pandapipes as pp

    from cosim.records import Target

    net = make_net()
    grid, drawn = adapter(net, tmp_path, terminals=terminals)
    injections = inject(grid, np.zeros((1, terminals)))
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
    print(
        f"{make_net.__name__}: {len(targets)} pressures over {terminals} terminals cost "
        f"{spent / plain:.2f} pipe flows"
    )
    assert spent <= 3.0 * plain


def test_hydrogen_costs_less_than_ten_times_as_much(tmp_path: Path) -> None:
    """Composition follows from the flows, in a few rounds of the batch."""
    from cosim.scenario.networks import HydrogenBlending

    net = mesh()
    (tmp_path / "without").mkdir()
    plain, _ = adapter(net, tmp_path / "without")
    series = plain.inputs.background.series
    places = [at("mill", 20), hydrogen_at("farm", 30)]
    blended = build(net, tmp_path, places, steps=STEPS, series=series, hydrogen=HydrogenBlending())
    power = np.column_stack([np.zeros(STEPS), np.full(STEPS, 5.0)])
    without = inject(plain, np.zeros((STEPS, 1)))
    fed = inject(blended, power)
    ratio = seconds(lambda: blended.verify(fed)) / seconds(lambda: plain.verify(without))
    print(f"hydrogen: {ratio:.1f} times the time of the batch without")
    assert ratio <= 10.0
