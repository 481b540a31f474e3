"""Meshed district-heat networks, built with plain pandapipes, one per feature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.support.heat import GROUND_K, tree_network

SUPPLY_K, RETURN_K = 353.15, 323.15


def pipe(net: Any, a: int, b: int, length_km: float, inner_mm: float, **more: Any) -> int:
    """Create an insulated pipe and return its index."""
    import pandapipes as pp

    return int(
        pp.create_pipe_from_parameters(
            net,
            a,
            b,
            length_km,
            inner_mm,
            outer_diameter_mm=inner_mm + 8.0,
            k_mm=0.05,
            u_w_per_m2k=0.25 / (np.pi * (inner_mm + 8.0) / 1e3),
            text_k=GROUND_K,
            **more,
        )
    )


def rings(
    houses: int = 8,
    sides: tuple[int, ...] = (0, 1),
    heights: bool = False,
    seed: int = 0,
    sections: int = 1,
) -> Any:
    """Return a plant on a ring of junctions, each with a house; the ring is cut on other sides.

    Junction 2 i is on the supply side, 2 i + 1 on the return side; 0 and 1 are the plant's.

    Args:
        houses: 10-40 kW each, on service pipes.
        sides: 0 closes the ring of the supply line, 1 that of the return line.
        heights: junctions rise to 3 m and fall again along the ring.
        seed: of lengths and loads.
        sections: that pipes of the rings are cut into.
    """
    import pandapipes as pp

    rng = np.random.default_rng(seed)
    net = pp.create_empty_network(fluid="water")
    around = houses + 1
    top = 3.0 if heights else 0.0
    height = [100.0 + top * np.sin(np.pi * i / around) for i in range(around)]
    for i in range(around):
        pp.create_junction(net, 6.0, SUPPLY_K, height_m=height[i])
        pp.create_junction(net, 4.0, RETURN_K, height_m=height[i])
    for i in range(around):
        length_km = float(rng.uniform(0.05, 0.12))
        for side in (0, 1):
            if i < around - 1 or side in sides:
                ends = (2 * i + side, 2 * ((i + 1) % around) + side)
                ends = ends if rng.random() < 0.8 else ends[::-1]
                pipe(net, *ends, length_km, 50.0, loss_coefficient=0.8, sections=sections)
    for i in range(1, around):
        house = [
            int(pp.create_junction(net, 5.0, k, height_m=height[i] + 1.0))
            for k in (SUPPLY_K, RETURN_K)
        ]
        for side in (0, 1):
            pipe(net, 2 * i + side, house[side], float(rng.uniform(0.01, 0.03)), 30.0)
        heat_w = float(rng.uniform(10e3, 40e3))
        pp.create_heat_consumer(net, *house, qext_w=heat_w, treturn_k=RETURN_K)
    pp.create_circ_pump_const_pressure(
        net, 1, 0, p_flow_bar=7.0, plift_bar=3.0, t_flow_k=SUPPLY_K, type="pt"
    )
    return net


def ring_of_supply() -> Any:
    return rings(sides=(0,))


def ring_of_return() -> Any:
    return rings(sides=(1,))


def both_rings() -> Any:
    return rings()


def rings_over_a_hill() -> Any:
    return rings(heights=True, seed=4)


def pipes_in_sections() -> Any:
    return rings(sections=3, seed=5)


def chords() -> Any:
    """Two rings with four chords between them."""
    net = rings(houses=14, seed=6)
    for a, b in ((2, 12), (3, 13), (8, 22), (5, 19)):
        pipe(net, a, b, 0.15, 50.0)
    return net


def second_producer() -> Any:
    """A producer of given flow on the far side of the rings."""
    import pandapipes as pp

    net = rings(seed=2)
    pp.create_circ_pump_const_mass_flow(
        net, 9, 8, p_flow_bar=None, mdot_flow_kg_per_s=0.05, t_flow_k=357.15, type="t"
    )
    return net


def second_plant() -> Any:
    """A producer with a lift of its own, the same as the plant's."""
    import pandapipes as pp

    net = rings(seed=3)
    pp.create_circ_pump_const_pressure(
        net, 9, 8, p_flow_bar=None, plift_bar=3.0, t_flow_k=348.15, type="t"
    )
    return net


def valve(opened: bool) -> Callable[[], Any]:
    def build() -> Any:
        import pandapipes as pp

        net = rings(sides=(0,), seed=7)
        middle = int(pp.create_junction(net, 6.0, SUPPLY_K, height_m=100.0))
        net.pipe.loc[
            6, "to_junction" if net.pipe.at[6, "to_junction"] == 8 else "from_junction"
        ] = middle
        pp.create_valve(net, middle, 8, "ju", 65.0, opened=opened, loss_coefficient=2.0)
        return net

    return build


def cut_off_branch() -> Any:
    """A closed valve before a branch without customers, and a pipe out of service."""
    import pandapipes as pp

    net = rings(seed=8)
    a, b = (int(pp.create_junction(net, 6.0, SUPPLY_K, height_m=100.0)) for _ in range(2))
    pp.create_valve(net, 6, a, "ju", 65.0, opened=False)
    pipe(net, a, b, 0.1, 50.0)
    pipe(net, 4, 10, 0.1, 50.0, in_service=False)
    return net


def booster() -> Any:
    """A booster pump in the supply line behind the third house, on a ring of return only."""
    import pandapipes as pp

    net = rings(sides=(1,), seed=9)
    middle = int(pp.create_junction(net, 6.0, SUPPLY_K, height_m=100.0))
    which = int(
        net.pipe.index[
            (net.pipe[["from_junction", "to_junction"]] == [6, 8]).all(axis=1)
            | (net.pipe[["from_junction", "to_junction"]] == [8, 6]).all(axis=1)
        ][0]
    )
    net.pipe.loc[which, ["from_junction", "to_junction"]] = [middle, 8]
    pp.create_pump_from_parameters(
        net, 6, middle, "booster", pressure_list=[1.0, 0.8, 0.3], flowrate_list=[0.0, 8.0, 20.0],
        reg_polynomial_degree=2,
    )  # fmt: skip
    return net


def bypass_pipe() -> Any:
    """A thin pipe and a flow control that join supply and return at the far side."""
    import pandapipes as pp

    net = rings(seed=10)
    pipe(net, 8, 9, 0.2, 10.0)
    pp.create_flow_control(net, 12, 13, controlled_mdot_kg_per_s=0.02)
    return net


def exchanger() -> Any:
    """A heat exchanger in the return line: an air heater behind a house."""
    import pandapipes as pp

    net = rings(sides=(0,), seed=11)
    consumer = net.heat_consumer.index[2]
    end = int(net.heat_consumer.at[consumer, "to_junction"])
    between = int(pp.create_junction(net, 4.0, RETURN_K, height_m=101.0))
    net.heat_consumer.loc[consumer, "to_junction"] = between
    pp.create_heat_exchanger(net, between, end, qext_w=100.0, inner_diameter_mm=30.0,
                             loss_coefficient=1.0)  # fmt: skip
    return net


def pressure_control() -> Any:
    """A pressure control before one house."""
    import pandapipes as pp

    net = rings(seed=12)
    consumer = net.heat_consumer.index[4]
    end = int(net.heat_consumer.at[consumer, "from_junction"])
    before = int(pp.create_junction(net, 6.0, SUPPLY_K, height_m=101.0))
    net.heat_consumer.loc[consumer, "from_junction"] = before
    pp.create_pressure_control(net, end, before, before, controlled_p_bar=5.5)
    return net


def meshed_tree(houses: int, seed: int, loops: int) -> Any:
    """A tree with some more pipes between junctions of its trunk, on either side."""
    net = tree_network(houses, seed=seed, hills=False)
    rng = np.random.default_rng(seed + 1)
    trunk = max(2, int(0.8 * houses))
    for _ in range(loops):
        i, j = sorted(rng.choice(np.arange(1, trunk), 2, replace=False))
        side = int(rng.integers(2))
        ends = (int(2 * i + side), int(2 * j + side))
        pipe(net, *ends, float(rng.uniform(0.05, 0.2)), float(rng.uniform(40.0, 80.0)))
    return net


def meshed_town() -> Any:
    return meshed_tree(40, 21, 6)


MESHES: dict[str, Callable[[], Any]] = {
    "ring of the supply line": ring_of_supply,
    "ring of the return line": ring_of_return,
    "rings of both lines": both_rings,
    "rings over a hill": rings_over_a_hill,
    "pipes in sections": pipes_in_sections,
    "chords across rings": chords,
    "second producer of given flow": second_producer,
    "second producer with a lift": second_plant,
    "open valve in a loop": valve(True),
    "closed valve in a loop": valve(False),
    "branch cut off, pipe out of service": cut_off_branch,
    "booster pump": booster,
    "bypass pipe and flow control": bypass_pipe,
    "heat exchanger": exchanger,
    "pressure control": pressure_control,
    "tree with chords": meshed_town,
}
