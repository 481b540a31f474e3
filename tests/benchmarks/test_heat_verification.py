"""Batch verification of district-heat networks against a plain loop of pandapipes, one process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from cosim.grids.heat import HeatGrid
from cosim.records import Target
from tests.support.heat import GROUND_K, at, build, inject, run, tree_network
from tests.support.heat_mesh import meshed_tree

pytestmark = pytest.mark.benchmark
STEPS = 96
LOOP_STEPS = 12
TOWN = Path(__file__).parents[2] / "networks" / "schutterwald" / "heat.json"


def town() -> Any:
    import pandapipes as pp

    if not TOWN.exists():
        pytest.skip("the town's heat network has not been derived")
    return pp.from_json(str(TOWN))


def tree(consumers: int) -> Callable[[], Any]:
    return lambda: tree_network(consumers, seed=consumers)


def mesh(consumers: int) -> Callable[[], Any]:
    return lambda: meshed_tree(consumers, seed=consumers, loops=4)


def seconds(call: Callable[[], Any], repeats: int = 5) -> float:
    """Return the median time of a call."""
    spent = []
    for _ in range(repeats):
        begin = perf_counter()
        call()
        spent.append(perf_counter() - begin)
    return median(spent)


def adapter(net: Any, folder: Path) -> tuple[HeatGrid, np.ndarray]:
    """Return an adapter whose consumers draw 40 to 100 % of the heat in the file."""
    rng = np.random.default_rng(7)
    size = len(net.heat_consumer)
    load = net.heat_consumer["qext_w"].to_numpy() / 1e3 * rng.uniform(0.4, 1.0, (STEPS, size))
    pump = float(net.circ_pump_pressure["plift_bar"].iloc[0])
    settings = {"pump_lift_bar": pump}
    return build(net, folder, background_kw=load, steps=STEPS, settings=settings), load


@pytest.mark.parametrize(
    ("make_net", "factor"),
    [
        (tree(10), 100.0),
        (tree(50), 100.0),
        (tree(150), 100.0),
        (town, 50.0),
        (mesh(10), 50.0),
        (mesh(50), 30.0),
        (mesh(150), 20.0),
    ],
)
def test_batch_against_a_loop_of_pipe_flows(
    make_net: Callable[[], Any], factor: float, tmp_path: Path
) -> None:
    net = make_net()
    grid, load = adapter(net, tmp_path)
    injections = inject(grid, np.zeros((STEPS, 0)))
    states = grid.verify(injections)
    assert not states.failures
    net = grid.net.fresh()
    found = np.empty((2, LOOP_STEPS, len(net.junction)))
    spent = []
    for row in range(LOOP_STEPS):
        net.heat_consumer["qext_w"] = load[row] * 1e3
        begin = perf_counter()
        assert run(
            net,
            mode="bidirectional",
            friction_model="swamee-jain",
            iter=100,
            ambient_temperature=GROUND_K,
        )
        spent.append(perf_counter() - begin)
        found[0, row], found[1, row] = net.res_junction["t_k"], net.res_junction["p_bar"]
    assert np.abs(found[0] - states.get("junction", "t_k").values[:LOOP_STEPS]).max() <= 1e-4
    assert np.abs(found[1] - states.get("junction", "p_bar").values[:LOOP_STEPS]).max() <= 1e-5
    loop, batch = median(spent) * STEPS, seconds(lambda: grid.verify(injections))
    size = len(net.heat_consumer)
    print(f"{size} consumers, {grid.net.kernel}: batch {loop / batch:.0f} times faster")
    assert loop / batch > factor


@pytest.mark.parametrize("make_net", [tree(10), tree(50), tree(150), mesh(10), mesh(50), mesh(150)])
def test_slopes_of_every_element_against_the_pipe_flow_of_that_step(
    make_net: Callable[[], Any], tmp_path: Path
) -> None:
    # every consumer a terminal; both limits of every consumer and the speed of every pipe wanted
    net = make_net()
    count = len(net.heat_consumer)
    grid = build(net, tmp_path, [at(f"t{k}", k) for k in range(count)], steps=1)
    rng = np.random.default_rng(3)
    full = net.heat_consumer["qext_w"].to_numpy() / 1e3
    injections = inject(grid, -full * rng.uniform(0.4, 1.0, (1, count)))
    states = grid.verify(injections)
    assert not states.failures
    wanted = [("heat_consumer", "dp_bar", k) for k in range(count)]
    wanted += [("heat_consumer", "supply_temperature_c", k) for k in range(count)]
    wanted += [("pipe", "speed_m_per_s", int(k)) for k in net.pipe.index]
    targets = tuple(Target("any", *what, 0) for what in wanted)
    slopes = seconds(lambda: grid.linearise(states, targets))
    pipes = grid.net.fresh()
    pipes.heat_consumer["qext_w"] = -1e3 * injections.p_kw[0]
    flow = seconds(lambda: run(pipes, use_numba=False))
    print(f"{count} consumers, {grid.net.kernel}: all slopes in {slopes / flow:.2f} pipe flows")
    assert slopes <= 3.0 * flow


def test_slopes_of_all_steps_against_one_loop_of_pipe_flows(tmp_path: Path) -> None:
    # all slopes at every step in less than the time pandapipes takes for the states alone
    net = tree_network(50, seed=50)
    terminals = [at(f"t{k}", k) for k in range(12)]
    grid = build(net, tmp_path, terminals, steps=STEPS)
    rng = np.random.default_rng(3)
    injections = inject(grid, -rng.uniform(5.0, 30.0, (STEPS, 12)))
    states = grid.verify(injections)
    assert not states.failures
    slopes = seconds(lambda: grid.linearise(states, ()), 3)
    reference = seconds(lambda: grid.verify(injections, "reference"), 1)
    print(f"slopes to 12 terminals: {reference / slopes:.1f} times faster than one loop")
    assert slopes < reference
