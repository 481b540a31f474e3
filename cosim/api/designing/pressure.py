"""Pipes that are too narrow: what pressure and velocity in the laid network teach about sizes.

- A station misses its differential pressure in the copper-plate dispatch of the day. The way there
  loses `drop` of the pump's lift and may lose `room`; drops grow with the square of the flow, so
  the pipe that loses most, with `own` of it, may carry sqrt((own - drop + room) / own) of its heat
  at this size. Where that pipe alone cannot give enough, all pipes of the way are cut to
  sqrt(room / drop).
- Once pressure is short on a way, no size in its trenches may carry more than what takes all the
  room by itself (Darcy and Weisbach, as in `cosim.market.design.pipes`).
- Where there is no state at all for want of head, the pipes of all ways are cut to a share.
- Velocity: a pipe may carry limit / speed of its heat at this size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cosim.api.designing.days import HEAT, DayResult
from cosim.grids.heat.laid import Circuit
from cosim.market.design.pipes import capability
from cosim.records import StepFailure, Violation
from cosim.records.design import DesignCut, LaidPipe
from cosim.scenario import Scenario
from cosim.units import PA_PER_BAR, W_PER_KW

MARGIN = 0.005
"""Cuts are made this much inside a limit, as in the loop."""
SMALLER = 0.2
"""A cut leaves at least this share of what flowed, so that one bad step cannot forbid a size."""
WITHOUT_STATE = 0.7
"""Share of the heat that pipes may carry where more of it had no physical state."""
HEAD_WORDS = ("pump head", "pressure is negative")
"""What failures for want of head say."""


def way(circuit: Circuit, building: str) -> tuple[LaidPipe, ...]:
    """Return the pipes from the host to a building, over as few of them as possible."""
    ways: dict[str, tuple[LaidPipe, ...]] = {circuit.host: ()}
    open_ = [circuit.host]
    while open_:
        here = open_.pop(0)
        for pipe in circuit.pipes:
            if here in (pipe.a, pipe.b):
                there = pipe.b if pipe.a == here else pipe.a
                if there not in ways:
                    ways[there] = (*ways[here], pipe)
                    open_.append(there)
    return ways[building]


def names_of(result: DayResult, table: str) -> Mapping[int, str]:
    """Return index -> name of an element table of the heat network."""
    known = result.job.physics.names[HEAT]
    return {id_: name for (element, id_), name in known.items() if element == table}


def _entering_kw(base: Scenario, result: DayResult, circuit: Circuit, pipe: LaidPipe) -> np.ndarray:
    """Return the heat that enters a pipe from the host's side, losses of the pipe included, (24,).

    In a mesh, where water goes several ways, the share of the pipe is that of its flow at the host.
    """
    entry = result.coupled.first_schedule.injections[HEAT]
    behind = [n for n in circuit.buildings if pipe in way(circuit, n)]
    drawn = np.abs(sum((entry.of(name) for name in behind), np.zeros(len(entry.steps))))
    spec = base.config.design
    assert spec is not None
    mean_k = (circuit.supply_c + circuit.return_c) / 2.0 - spec.pipes.ground_c
    return np.asarray(drawn + 2.0 * pipe.loss_w_per_m_k * pipe.length_m * mean_k / W_PER_KW)


def pressure_cuts(
    base: Scenario,
    result: DayResult,
    circuit: Circuit,
    found: Sequence[Violation],
    iteration: int,
) -> Iterator[DesignCut]:
    """Yield cuts for stations that miss their differential pressure; see the module."""
    stations = names_of(result, "heat_consumer")
    for violation in found:
        if violation.limit != "differential_pressure_min":
            continue
        building, hour = stations[violation.id], violation.step
        reason = (
            f"{building} had {violation.value:.2f} bar of differential pressure instead of "
            f"{violation.bound:.2f} bar on {result.case.day.name} at {hour}:00"
        )
        for pipe, share in _measured(result, circuit, building, violation):
            kw = _entering_kw(base, result, circuit, pipe)[hour]
            yield _cut(pipe.name, pipe.dn, max(share, SMALLER) * kw, reason, iteration)
        yield from _size_cuts(base, circuit, way(circuit, building), reason, iteration)
    for failure in _without_head(result):
        reason = f"no flow in the pipes on {result.case.day.name}: {failure.reason}"
        for pipe in circuit.pipes:
            kw = _entering_kw(base, result, circuit, pipe)[failure.step]
            yield _cut(pipe.name, pipe.dn, WITHOUT_STATE * kw, reason, iteration)
        yield from _size_cuts(base, circuit, circuit.pipes, reason, iteration)


def _without_head(result: DayResult) -> Iterator[StepFailure]:
    for grid, failure in result.coupled.first_verification.failures:
        if grid == HEAT and any(word in failure.reason for word in HEAD_WORDS):
            yield failure


def _cut(route: str, dn: int, kw: float, reason: str, iteration: int) -> DesignCut:
    return DesignCut(
        kind="pipe_heat_max",
        element=route,
        value=float(kw),
        reason=reason,
        dn=dn,
        iteration=iteration,
    )


def _size_cuts(
    base: Scenario, circuit: Circuit, route: Sequence[LaidPipe], reason: str, iteration: int
) -> Iterator[DesignCut]:
    """Yield what each size in these trenches may carry if it had all the room for itself."""
    design = base.config.design
    assert design is not None
    pipes = design.pipes
    room_bar = circuit.lift_bar - pipes.limits.differential_pressure_min_bar
    for pipe in route:
        gradient = max(room_bar, 0.01) * (1.0 - MARGIN) * PA_PER_BAR / (2.0 * pipe.length_m)
        known = pipes.pressure_drop_max_pa_per_m
        if known is not None and gradient >= known:
            continue
        room = pipes.model_copy(update={"pressure_drop_max_pa_per_m": gradient})
        for size in pipes.catalogue:
            kw = capability(size, pipe.length_m, room).heat_max_kw
            if kw < capability(size, pipe.length_m, pipes).heat_max_kw:
                yield _cut(pipe.name, size.dn, kw, reason, iteration)


def _measured(
    result: DayResult, circuit: Circuit, building: str, violation: Violation
) -> Iterator[tuple[LaidPipe, float]]:
    """Yield the pipes on the way to a building that are cut, with the share that is left."""
    states = result.coupled.first_verification.states[HEAT]
    pressure = states.get("junction", "p_bar")
    nodes = {name: k for k, name in names_of(result, "junction").items()}
    row = int(np.flatnonzero(states.injections.steps == violation.step)[0])
    p_bar = dict(zip(pressure.ids.tolist(), pressure.values[row].tolist(), strict=True))
    route = way(circuit, building)
    own = {pipe.name: _drop_bar(pipe, p_bar, nodes) for pipe in route}
    drop, room = circuit.lift_bar - violation.value, circuit.lift_bar - violation.bound
    yield from _shares(route, own, drop, room * (1.0 - MARGIN))


def _drop_bar(pipe: LaidPipe, p_bar: Mapping[int, float], nodes: Mapping[str, int]) -> float:
    """Return the pressure that a pair of pipes takes."""
    drops = (
        abs(p_bar[nodes[f"{pipe.a} {side}"]] - p_bar[nodes[f"{pipe.b} {side}"]])
        for side in ("supply", "return")
    )
    return float(sum(drops))


def _shares(
    route: Sequence[LaidPipe], own: Mapping[str, float], drop: float, room: float
) -> Iterator[tuple[LaidPipe, float]]:
    """Yield the pipes to cut with the share of their heat that is left; see the module."""
    worst = max(route, key=lambda pipe: own[pipe.name])
    rest = own[worst.name] - (drop - room)
    if rest > 0.25 * own[worst.name]:
        yield worst, math.sqrt(rest / own[worst.name])
        return
    for pipe in route:
        yield pipe, math.sqrt(max(room, 0.0) / drop)


def velocity_cuts(
    base: Scenario,
    result: DayResult,
    circuit: Circuit,
    found: Sequence[Violation],
    iteration: int,
) -> Iterator[DesignCut]:
    """Yield cuts for pipes in which water runs too fast; see the module."""
    names = names_of(result, "pipe")
    laid = {pipe.name: pipe for pipe in circuit.pipes}
    for violation in found:
        if violation.limit != "velocity_max":
            continue
        pipe = laid[names[violation.id].split(" ", 1)[1]]
        kw = _entering_kw(base, result, circuit, pipe)[violation.step]
        share = max(violation.bound * (1.0 - MARGIN) / violation.value, SMALLER)
        reason = (
            f"water ran at {violation.value:.2f} m/s instead of {violation.bound:.2f} m/s in DN "
            f"{pipe.dn} of {pipe.name} on {result.case.day.name} at {violation.step}:00"
        )
        yield _cut(pipe.name, pipe.dn, share * kw, reason, iteration)
