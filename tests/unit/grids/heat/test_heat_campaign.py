"""Random trees, loads and producers: the batch finds a state, and it is that of pandapipes."""

from collections.abc import Callable

import numpy as np
import pytest

from cosim.grids.heat import HeatGrid
from cosim.grids.heat.fast import solve_fast
from tests.support.heat import at, inject, tree_network

Make = Callable[..., HeatGrid]


def random_heat(rng: np.random.Generator, full_kw: np.ndarray) -> np.ndarray:
    """Return heat drawn, from full load to next to nothing, some of it fed in."""
    size = len(full_kw)
    small = rng.choice([0.0, 1e-5, 1e-3, 0.1])
    heat = (
        full_kw * rng.choice([1.0, 0.5, 0.1, 0.01]) * np.where(rng.random(size) < 0.7, 1.0, small)
    )
    if rng.random() < 0.6:
        for k in rng.integers(0, size, rng.integers(1, 4)):
            heat[k] = -np.abs(heat).sum() * rng.choice([0.001, 0.05, 0.3])
    return heat


@pytest.mark.parametrize("seed", range(3))
def test_the_batch_always_finds_flows(make: Make, seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = tree_network(int(rng.integers(10, 60)), seed + 200, reverse=0.3)
    full = net.heat_consumer["qext_w"].to_numpy() / 1e3
    terminals = [at(f"t{k}", k) for k in range(len(full))]
    grid = make(net, terminals, steps=1)
    p_kw = -np.stack([random_heat(rng, full) for _ in range(300)])
    q_w = -1e3 * p_kw
    demand = grid._consumers.at(np.zeros(300, dtype=np.int64), q_w)
    found = solve_fast(grid.net, demand)
    forwards = found.plant_kg_per_s >= 0.0
    assert forwards.sum() > 150
    assert found.solved[forwards].all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_random_states_are_those_of_pandapipes(make: Make, seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    friction = ("nikuradse", "colebrook", "swamee-jain")[seed % 3]
    net = tree_network(int(rng.integers(5, 80)), seed + 300, reverse=0.3)
    full = net.heat_consumer["qext_w"].to_numpy() / 1e3
    terminals = [at(f"t{k}", k) for k in range(len(full))]
    grid = make(net, terminals, steps=24, settings={"friction_model": friction})
    injections = inject(grid, -np.stack([random_heat(rng, full) for _ in range(24)]))
    fast, plain = grid.verify(injections), grid.verify(injections, "reference")
    assert [f.step for f in fast.failures] == [f.step for f in plain.failures]
    for quantity, bound in (("t_k", 1e-4), ("p_bar", 1e-6)):
        ours, theirs = (s.get("junction", quantity).values for s in (fast, plain))
        assert np.nanmax(np.abs(ours - theirs)) < bound
