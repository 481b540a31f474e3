"""A district-heat network from pipes that a design lays between buildings.

Every laid pipe is a supply and a return pipe of the same size in one trench. One building is the
host: its site has the circulation pump and holds the pressure, so its connection is the network's
plant (`at_slack`). Every other building has a house station, a heat consumer of its name, that
draws or feeds in. All stations stay warm through a bypass (`keep_warm_kg_per_s`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cosim.errors import GridError
from cosim.grids.imports import engine
from cosim.records.design import LaidPipe
from cosim.units import M_PER_KM, MM_PER_M, celsius_to_kelvin

STATIC_BAR = 3.0
"""Gauge pressure in the return line at the host: water at 120 C does not boil at 1 bar gauge, and
2 bar are left for hills and friction (AGFW FW 442 practice)."""
SPECIFIC_HEAT_J_PER_KG_K = 4190.0
"""Water between 50 and 90 C, for the flow of bypasses only."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """Pipes that hang together, and how water is run in them.

    Attributes:
        pipes: laid pipes; they join all `buildings`.
        buildings: in the order of the sites.
        host: building with the circulation pump.
        supply_c: temperature that the host and all who feed in deliver.
        return_c: temperature behind every station.
        lift_bar: differential pressure of the circulation pump.
        loss_coefficient_per_m: pressure loss coefficient of bends and fittings per m of pipe.
    """

    pipes: tuple[LaidPipe, ...]
    buildings: tuple[str, ...]
    host: str
    supply_c: float
    return_c: float
    lift_bar: float
    loss_coefficient_per_m: float = 0.01


def circuits(
    pipes: Sequence[LaidPipe], order: Sequence[str]
) -> tuple[tuple[tuple[str, ...], tuple[LaidPipe, ...]], ...]:
    """Return groups of buildings that pipes join, with their pipes; buildings without are left out.

    Args:
        pipes: of a design.
        order: all buildings, in the order that groups keep.
    """
    group = {name: {name} for name in order}
    for pipe in pipes:
        merged = group[pipe.a] | group[pipe.b]
        for name in merged:
            group[name] = merged
    found: list[tuple[tuple[str, ...], tuple[LaidPipe, ...]]] = []
    seen: set[str] = set()
    for name in order:
        if name in seen or len(group[name]) == 1:
            continue
        seen |= group[name]
        members = tuple(other for other in order if other in group[name])
        found.append((members, tuple(p for p in pipes if p.a in group[name])))
    return tuple(found)


def keep_warm_kg_per_s(circuit: Circuit, coldest_c: float, ground_c: float) -> float:
    """Return the bypass flow with which the farthest station stays warm when nobody draws.

    From the exponential cooling along the way, T = T_ground + (T_supply - T_ground) exp(-U/(m cp)),
    solved for m at T = `coldest_c`, with U in W/K of all supply pipes as if they were one way.

    Args:
        circuit: pipes and temperatures.
        coldest_c: temperature that the station must still have.
        ground_c: temperature around the pipes.
    """
    if coldest_c <= ground_c:
        raise GridError(f"{coldest_c:g} C is no warmer than the ground", "heat")
    conductance = sum(pipe.loss_w_per_m_k * pipe.length_m for pipe in circuit.pipes)
    decay = math.log((circuit.supply_c - ground_c) / (coldest_c - ground_c))
    return conductance / (SPECIFIC_HEAT_J_PER_KG_K * decay)


def write_laid_network(
    circuit: Circuit, positions: Mapping[str, tuple[float, float]], file: Path
) -> None:
    """Write the network of a circuit in pandapipes' format.

    Junctions `<building> supply` and `<building> return`, pipes `supply <pipe>` and `return
    <pipe>`, heat consumers by building, one circ_pump_pressure of type pt at the host.

    Args:
        circuit: what is laid.
        positions: building -> x and y for maps.
        file: to write.
    """
    pandapipes = engine("pandapipes")
    net = pandapipes.create_empty_network(f"laid from {circuit.host}", fluid="water")
    sides = {
        side: {
            name: pandapipes.create_junction(
                net, bar, celsius_to_kelvin(c), name=f"{name} {side}", geodata=positions.get(name)
            )
            for name in circuit.buildings
        }
        for side, bar, c in (
            ("supply", STATIC_BAR + circuit.lift_bar, circuit.supply_c),
            ("return", STATIC_BAR, circuit.return_c),
        )
    }
    for pipe in circuit.pipes:
        _lay(net, sides, pipe, circuit.loss_coefficient_per_m)
    for name in circuit.buildings:
        if name != circuit.host:
            pandapipes.create_heat_consumer(
                net, sides["supply"][name], sides["return"][name], qext_w=0.0,
                treturn_k=celsius_to_kelvin(circuit.return_c), name=name,
            )  # fmt: skip
    pandapipes.create_circ_pump_const_pressure(
        net, sides["return"][circuit.host], sides["supply"][circuit.host],
        p_flow_bar=STATIC_BAR + circuit.lift_bar, plift_bar=circuit.lift_bar,
        t_flow_k=celsius_to_kelvin(circuit.supply_c), name=circuit.host,
    )  # fmt: skip
    pandapipes.to_json(net, str(file))


def _lay(
    net: object, sides: Mapping[str, Mapping[str, int]], pipe: LaidPipe, coefficient_per_m: float
) -> None:
    """Add the supply and the return pipe of one trench.

    pandapipes takes a heat transfer coefficient on the pipe's surface: u = loss / (pi d).
    """
    u_w_per_m2k = pipe.loss_w_per_m_k / (math.pi * pipe.inner_diameter_m)
    for side, (start, end) in (("supply", (pipe.a, pipe.b)), ("return", (pipe.b, pipe.a))):
        engine("pandapipes").create_pipe_from_parameters(
            net, sides[side][start], sides[side][end], pipe.length_m / M_PER_KM,
            inner_diameter_mm=pipe.inner_diameter_m * MM_PER_M, k_mm=pipe.roughness_mm,
            loss_coefficient=coefficient_per_m * pipe.length_m, u_w_per_m2k=u_w_per_m2k,
            name=f"{side} {pipe.name}",
        )  # fmt: skip
