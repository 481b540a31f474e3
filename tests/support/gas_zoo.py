"""Gas networks for campaigns: everything bundled, and small ones built for one difficulty each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.gas import line_network, ring_network

REPOSITORY = Path(__file__).parents[2]
FLUIDS = ("lgas", "hgas", "hydrogen", "methane", "biomethane_pure", "biomethane_treated", "air")
NO_STATE = ("gas_meshed_pumps",)
"""Bundled networks that plain pandapipes does not solve with any friction law."""


def bundled() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield every gas network of pandapipes by name, in both versions where there are two."""
    import pandapipes.networks as networks
    from pandapipes.networks import simple_gas_networks as simple

    for name in sorted(n for n in vars(simple) if n.startswith("gas_")):
        make = getattr(networks, name, None)
        if not callable(make) or name in NO_STATE:
            continue
        if "method" in inspect.signature(make).parameters:
            for method in ("nikuradse", "prandtl-colebrook"):
                yield f"{name} ({method})", lambda make=make, method=method: make(method)
        else:
            yield name, make
    yield "schutterwald_gas", networks.schutterwald_gas


def ours() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield every gas network in this repository."""
    import pandapipes as pp

    for file in sorted((REPOSITORY / "networks").rglob("gas*.json")):
        yield str(file.relative_to(REPOSITORY)), lambda file=file: pp.from_json(str(file))


def constructed() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield networks that each hold one difficulty."""
    yield from CONSTRUCTED.items()


def of_fluid(fluid: str) -> Any:
    """Return the ring of two meshes filled with a gas of pandapipes' library."""
    import pandapipes as pp

    net = ring_network()
    pp.create_fluid_from_lib(net, fluid, overwrite=True)
    return net


def grid_network(side: int = 6, seed: int = 4) -> Any:
    """Return side x side junctions with loops, heights and an external grid in a corner."""
    import pandapipes as pp

    net = pp.create_empty_network(fluid="hgas")
    rng = np.random.default_rng(seed)
    for _ in range(side * side):
        pp.create_junction(net, pn_bar=1.0, tfluid_k=283.15, height_m=rng.uniform(100.0, 140.0))
    pp.create_ext_grid(net, 0, p_bar=1.0, t_k=283.15)
    for k in range(side * side):
        right, down = k % side < side - 1 and (k // side) % 2 == 0, k < side * (side - 1)
        for neighbour, exists in ((k + 1, right), (k + side, down)):
            if exists:
                mm = float(rng.choice([50.0, 80.0, 100.0]))
                pp.create_pipe_from_parameters(
                    net, k, neighbour, rng.uniform(0.05, 0.3), mm, k_mm=0.1
                )
    for k in range(5, side * side):
        pp.create_sink(net, k, 6e-4)
    return net


def several_sources() -> Any:
    """Return the grid with three external grids at different pressures, two at one junction."""
    import pandapipes as pp

    net = grid_network()
    pp.create_ext_grid(net, 35, p_bar=0.995, t_k=283.15)
    pp.create_ext_grid(net, 20, p_bar=0.99, t_k=283.15)
    pp.create_ext_grid(net, 0, p_bar=1.0, t_k=283.15)
    return net


def feed_in() -> Any:
    """Return the grid with sources and a storage; in places gas flows towards the corner."""
    import pandapipes as pp

    net = grid_network()
    for junction, mdot in ((35, 0.006), (17, 0.004)):
        pp.create_source(net, junction, mdot)
    pp.create_mass_storage(net, 22, mdot_kg_per_s=-0.002)
    pp.create_mass_storage(net, 30, mdot_kg_per_s=0.001)
    return net


def islands() -> Any:
    """Return the ring whose end stands behind closed valves, with a pipe out of service."""
    import pandapipes as pp

    net = ring_network()
    net.valve["opened"] = False
    net.pipe.loc[6, "in_service"] = False
    net.sink = net.sink.drop(index=3)
    junction = pp.create_junction(net, pn_bar=1.0, tfluid_k=283.15, in_service=False)
    pp.create_pipe_from_parameters(net, 6, junction, 0.1, 50.0, k_mm=0.1, in_service=False)
    return net


def dead_junction() -> Any:
    """Return the ring with a pipe in service that ends at a junction out of service."""
    import pandapipes as pp

    net = ring_network()
    junction = pp.create_junction(net, pn_bar=1.0, tfluid_k=283.15, in_service=False)
    pp.create_pipe_from_parameters(net, 6, junction, 0.1, 50.0, k_mm=0.1)
    return net


def pipe_valves() -> Any:
    """Return the ring with valves between junctions and pipes: open, shut, and two in parallel."""
    import pandapipes as pp

    net = ring_network()
    for junction, pipe, opened in ((1, 1, True), (2, 1, True), (3, 2, True), (4, 5, False)):
        pp.create_valve(net, junction, pipe, "pi", 60.0, opened=opened, loss_coefficient=2.0)
    pp.create_valve(net, 2, 1, "pi", 40.0, opened=True, loss_coefficient=1.0)
    return net


def two_levels() -> Any:
    """Return a 16 bar main that feeds a meshed 1 bar network through two stations."""
    import pandapipes as pp

    net = grid_network()
    net.ext_grid["in_service"] = False
    main = pp.create_junctions(net, 4, pn_bar=16.0, tfluid_k=283.15, height_m=120.0)
    pp.create_ext_grid(net, main[0], p_bar=16.0, t_k=283.15)
    for start, end in ((0, 1), (1, 2), (2, 3), (3, 0)):
        pp.create_pipe_from_parameters(net, main[start], main[end], 5.0, 100.0, k_mm=0.1)
    pp.create_sink(net, main[1], 0.3)
    pp.create_pressure_control(net, main[2], 0, 0, controlled_p_bar=0.95)
    pp.create_pressure_control(net, main[3], 35, 35, controlled_p_bar=0.949)
    return net


def stations_in_series() -> Any:
    """Return 16 bar, 4 bar and 1 bar one behind the other, each pipe with heights."""
    import pandapipes as pp

    net = pp.create_empty_network(fluid="lgas")
    for height in (400.0, 380.0, 380.0, 350.0, 350.0, 300.0, 310.0):
        pp.create_junction(net, pn_bar=4.0, tfluid_k=285.0, height_m=height)
    pp.create_ext_grid(net, 0, p_bar=16.0, t_k=285.0)
    for start, end, km, mm in ((0, 1, 8, 100), (2, 3, 3, 100), (4, 5, 1, 150), (5, 6, 0.4, 100)):
        pp.create_pipe_from_parameters(net, start, end, km, mm, k_mm=0.2)
    pp.create_pressure_control(net, 1, 2, 2, controlled_p_bar=4.0)
    pp.create_pressure_control(net, 3, 4, 4, controlled_p_bar=1.0)
    for junction, mdot in ((1, 0.2), (3, 0.1), (5, 0.05), (6, 0.05)):
        pp.create_sink(net, junction, mdot)
    return net


def remote_control() -> Any:
    """Return a station that keeps the pressure of a junction further down."""
    import pandapipes as pp

    net = line_network(p_bar=4.0)
    behind = pp.create_junctions(net, 2, pn_bar=1.0, tfluid_k=283.15)
    pp.create_pipe_from_parameters(net, behind[0], behind[1], 0.2, 100.0, k_mm=0.1)
    pp.create_pressure_control(net, 1, behind[0], behind[1], controlled_p_bar=0.9)
    pp.create_sink(net, behind[1], 0.02)
    return net


def compressors() -> Any:
    """Return two compressors in series on a long line, and one in a mesh."""
    import pandapipes as pp

    net = pp.create_empty_network(fluid="hgas")
    for height in (0.0, 50.0, 50.0, 80.0, 80.0, 60.0, 40.0):
        pp.create_junction(net, pn_bar=4.0, tfluid_k=283.15, height_m=height)
    pp.create_ext_grid(net, 0, p_bar=4.0, t_k=283.15)
    lines = ((0, 1, 10, 150), (2, 3, 10, 150), (4, 5, 5, 150), (5, 6, 3, 100), (6, 4, 4, 100))
    for start, end, km, mm in lines:
        pp.create_pipe_from_parameters(net, start, end, km, mm, k_mm=0.1)
    pp.create_compressor(net, 1, 2, pressure_ratio=1.3)
    pp.create_compressor(net, 3, 4, pressure_ratio=1.15)
    for junction, mdot in ((2, 0.02), (5, 0.1), (6, 0.1)):
        pp.create_sink(net, junction, mdot)
    return net


def compressor_in_mesh() -> Any:
    """Return two ways to one junction, one of them with a compressor that lifts a little."""
    import pandapipes as pp

    net = ring_network()
    net.pipe.loc[1, "in_service"] = False
    middle = pp.create_junction(net, pn_bar=1.0, tfluid_k=283.15, height_m=150.0)
    pp.create_pipe_from_parameters(net, 1, middle, 0.1, 80.0, k_mm=0.1)
    pp.create_compressor(net, middle, 2, pressure_ratio=1.01)
    return net


def flow_controls() -> Any:
    """Return the ring with a flow that is set between two junctions, and one that is not."""
    import pandapipes as pp

    net = ring_network()
    pp.create_flow_control(net, 1, 4, controlled_mdot_kg_per_s=0.003)
    pp.create_flow_control(net, 5, 6, controlled_mdot_kg_per_s=0.003, control_active=False)
    return net


def pump_line() -> Any:
    """Return a blower with a characteristic curve on a line."""
    import pandapipes as pp

    net = line_network()
    end = pp.create_junction(net, pn_bar=1.0, tfluid_k=283.15)
    pp.create_pump(net, 1, end, std_type="P1")
    pp.create_sink(net, end, 0.01)
    return net


CONSTRUCTED: dict[str, Callable[[], Any]] = {
    "two meshes, heights, sections": ring_network,
    "36 junctions, 15 loops": grid_network,
    "three pressures": several_sources,
    "feed-in and storages": feed_in,
    "islands behind valves": islands,
    "junction out of service": dead_junction,
    "valves at pipes": pipe_valves,
    "two stations into one mesh": two_levels,
    "stations in series": stations_in_series,
    "station with remote sensor": remote_control,
    "compressors in series": compressors,
    "compressor in a mesh": compressor_in_mesh,
    "flow controls": flow_controls,
    "blower": pump_line,
}
