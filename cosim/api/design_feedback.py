"""What physics teaches about a design: days of the loop become cuts of the design problem.

- Pressure: a station misses its differential pressure in the copper-plate dispatch of the day. The
  way there loses `drop` of the pump's lift and may lose `room`; drops grow with the square of the
  flow, so the pipe that loses most, with `own` of it, may carry sqrt((own - drop + room) / own) of
  its heat at this size. Where that pipe alone cannot give enough, all pipes of the way are cut to
  sqrt(room / drop).
- Velocity: a pipe may carry limit / speed of its heat at this size.
- Demand that is not met even by the loop: the building needs a larger unit.
- Voltage, loading: what a building imports or exports in that hour is at most what the loop left.
- One pump holds the pressure of a circuit: on a day its building only delivers, and every other
  station goes one way.
- A station whose supply is too cold even after the loop draws at most what the loop left.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cosim.api.design_days import HEAT, Arrangement, DayResult, roles_of
from cosim.grids.heat.laid import Circuit, circuits
from cosim.records import Injections, Violation
from cosim.records.design import DesignCut, LaidPipe, TypicalDay
from cosim.scenario import Scenario
from cosim.units import W_PER_KW

MARGIN = 0.005
"""Cuts are made this much inside a limit, as in the loop."""
MOVED_KW = 1.0
"""Changes of an exchange below this are not worth a cut."""
SMALLER = 0.2
"""A cut leaves at least this share of what flowed, so that one bad step cannot forbid a size."""
GROWTH, SMALLEST_STEP_KW = 1.25, 0.5
"""A unit that is too small grows by this much of what was missing, and by this much more."""
UNITS_FOR = {"heat": ("boiler", "heat_pump"), "cooling": ("chiller", "absorption_chiller")}
"""Kinds that may grow where demand is not met, first choice first."""


def design_cuts(
    base: Scenario, plan: Arrangement, results: Sequence[DayResult], iteration: int
) -> tuple[DesignCut, ...]:
    """Return the cuts that the days of an arrangement give; of equal keys the strictest.

    Args:
        base: the scenario in design mode.
        plan: who has what.
        results: its days.
        iteration: number of the design.
    """
    best: dict[object, DesignCut] = {}
    for result in results:
        for part in (*result.before, result):
            for cut in _of_day(base, plan, part, iteration):
                known = best.get(cut.key)
                if known is None or _stricter(cut, known):
                    best[cut.key] = cut
    return tuple(best.values())


def _stricter(cut: DesignCut, known: DesignCut) -> bool:
    lower_bound = cut.kind in ("unit_min", "pipe_dn_min")
    return cut.value > known.value if lower_bound else cut.value < known.value


def _of_day(
    base: Scenario, plan: Arrangement, result: DayResult, iteration: int
) -> Iterator[DesignCut]:
    circuit = result.case.circuit
    first = result.coupled.first_verification.violations
    if circuit is not None:
        hydraulic = [v for v in first if v.grid == HEAT]
        yield from _pressure_cuts(base, result, circuit, hydraulic, iteration)
        yield from _velocity_cuts(base, result, circuit, hydraulic, iteration)
        yield from _cold_cuts(result, circuit, iteration)
    yield from _electric_cuts(result, [v for v in first if v.grid != HEAT], iteration)
    yield from _unit_cuts(base, plan, result, iteration)


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


def role_cuts(
    plan: Arrangement, days: Sequence[TypicalDay], order: Sequence[str]
) -> list[DesignCut]:
    """Return that on each day every station of a circuit goes one way; see `roles_of`.

    Args:
        plan: a design whose stations may go either way.
        days: all days.
        order: all buildings.
    """
    found = []
    for names, _ in circuits(plan.pipes, order):
        for day in days:
            host, roles = roles_of({name: plan.heat_kw(day.name, name) for name in names})
            for name in names:
                delivers = name == host or roles[name] == "feeds"
                found.append(
                    DesignCut(
                        kind="exchange_max",
                        element=name,
                        value=0.0,
                        reason=(
                            f"{host} holds the pressure on {day.name}: {name} only "
                            f"{'delivers heat' if delivers else 'draws heat'} that day"
                        ),
                        day=day.name,
                        carrier="heat",
                        direction="import" if delivers else "export",
                    )
                )
    return found


def _names(result: DayResult, table: str) -> Mapping[int, str]:
    """Return index -> name of an element table of the heat network."""
    known = result.job.physics.names[HEAT]
    return {id_: name for (element, id_), name in known.items() if element == table}


def _entering_kw(base: Scenario, result: DayResult, circuit: Circuit, pipe: LaidPipe) -> np.ndarray:
    """Return the heat that enters a pipe from the host's side, losses of the pipe included, (24,).

    In a mesh, where water goes several ways, the share of the pipe is that of its flow at the host.
    """
    entry = result.coupled.first_schedule.injections[HEAT]
    behind = [n for n in circuit.buildings if pipe in way(circuit, n)]
    drawn = np.abs(sum((_of(entry, name) for name in behind), np.zeros(len(entry.steps))))
    spec = base.config.design
    assert spec is not None
    mean_k = (circuit.supply_c + circuit.return_c) / 2.0 - spec.pipes.ground_c
    return np.asarray(drawn + 2.0 * pipe.loss_w_per_m_k * pipe.length_m * mean_k / W_PER_KW)


def _of(entry: Injections, name: str) -> np.ndarray:
    return np.asarray(entry.p_kw[:, entry.terminals.index(name)])


def _pressure_cuts(
    base: Scenario,
    result: DayResult,
    circuit: Circuit,
    found: Sequence[Violation],
    iteration: int,
) -> Iterator[DesignCut]:
    stations = _names(result, "heat_consumer")
    states = result.coupled.first_verification.states[HEAT]
    pressure = states.get("junction", "p_bar")
    nodes = {name: k for k, name in _names(result, "junction").items()}
    for violation in found:
        if violation.limit != "differential_pressure_min":
            continue
        row = int(np.flatnonzero(states.injections.steps == violation.step)[0])
        p_bar = dict(zip(pressure.ids.tolist(), pressure.values[row].tolist(), strict=True))
        building = stations[violation.id]
        route = way(circuit, building)
        own = {p.name: _drop_bar(p, p_bar, nodes) for p in route}
        drop, room = circuit.lift_bar - violation.value, circuit.lift_bar - violation.bound
        reason = (
            f"{building} had {violation.value:.2f} bar of differential pressure instead of "
            f"{violation.bound:.2f} bar on {result.case.day.name} at {violation.step}:00"
        )
        for pipe, share in _shares(route, own, drop, room * (1.0 - MARGIN)):
            kw = _entering_kw(base, result, circuit, pipe)[violation.step]
            yield DesignCut(
                kind="pipe_heat_max",
                element=pipe.name,
                value=float(max(share, SMALLER) * kw),
                reason=reason,
                dn=pipe.dn,
                iteration=iteration,
            )


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


def _velocity_cuts(
    base: Scenario,
    result: DayResult,
    circuit: Circuit,
    found: Sequence[Violation],
    iteration: int,
) -> Iterator[DesignCut]:
    names = _names(result, "pipe")
    laid = {pipe.name: pipe for pipe in circuit.pipes}
    for violation in found:
        if violation.limit != "velocity_max":
            continue
        pipe = laid[names[violation.id].split(" ", 1)[1]]
        kw = _entering_kw(base, result, circuit, pipe)[violation.step]
        share = violation.bound * (1.0 - MARGIN) / violation.value
        yield DesignCut(
            kind="pipe_heat_max",
            element=pipe.name,
            value=float(max(share, SMALLER) * kw),
            reason=(
                f"water ran at {violation.value:.2f} m/s instead of {violation.bound:.2f} m/s in "
                f"DN {pipe.dn} of {pipe.name} on {result.case.day.name} at {violation.step}:00"
            ),
            dn=pipe.dn,
            iteration=iteration,
        )


def _cold_cuts(result: DayResult, circuit: Circuit, iteration: int) -> Iterator[DesignCut]:
    """Stations that are too cold after the loop, and feed-in that nobody takes."""
    last, day = result.coupled, result.case.day
    stations = _names(result, "heat_consumer")
    for violation in last.verification.violations:
        if violation.grid == HEAT and violation.limit == "supply_temperature_min":
            yield DesignCut(
                kind="exchange_max",
                element=stations[violation.id],
                value=0.0,
                reason=(
                    f"{stations[violation.id]} was supplied at {violation.value:.1f} C instead of "
                    f"{violation.bound:.1f} C on {day.name} at {violation.step}:00"
                ),
                day=day.name,
                hour=violation.step,
                carrier="heat",
                direction="import",
                iteration=iteration,
            )
    for grid, failure in last.verification.failures:
        if grid != HEAT:
            continue
        entry = last.schedule.injections[HEAT]
        for name in circuit.buildings:
            if name != circuit.host and _of(entry, name)[failure.step] > 0.0:
                yield DesignCut(
                    kind="exchange_max",
                    element=name,
                    value=0.0,
                    reason=f"no flow in the pipes on {day.name}: {failure.reason}",
                    day=day.name,
                    hour=failure.step,
                    carrier="heat",
                    direction="export",
                    iteration=iteration,
                )


def _electric_cuts(
    result: DayResult, found: Sequence[Violation], iteration: int
) -> Iterator[DesignCut]:
    """What buildings exchange where electric or gas limits were missed is what the loop left."""
    carriers = {"electric": "electricity", "gas": "gas"}
    config = result.job.scenario.config
    kinds = {name: network.kind for name, network in config.networks.items()}
    buildings = set(config.participants)
    first, last = result.coupled.first_schedule, result.coupled.schedule
    worst: dict[tuple[str, int], Violation] = {}
    for violation in found:
        key = (violation.grid, violation.step)
        if key not in worst or violation.amount > worst[key].amount:
            worst[key] = violation
    for (grid, step), violation in worst.items():
        carrier = carriers.get(kinds[grid])
        if carrier is None:
            continue
        before, after = first.injections[grid], last.injections[grid]
        for k, terminal in enumerate(before.terminals):
            planned, left = float(before.p_kw[step, k]), float(after.p_kw[step, k])
            if terminal not in buildings or planned == 0.0:
                continue
            if abs(planned) - max(left * np.sign(planned), 0.0) < MOVED_KW:
                continue
            yield DesignCut(
                kind="exchange_max",
                element=terminal,
                value=max(left * float(np.sign(planned)), 0.0),
                reason=(
                    f"{violation.limit} of {violation.element} {violation.id} in {grid} was "
                    f"missed by {violation.amount:.3g} on {result.case.day.name} at {step}:00"
                ),
                day=result.case.day.name,
                hour=step,
                carrier=carrier,
                direction="export" if planned > 0.0 else "import",
                iteration=iteration,
            )


def _unit_cuts(
    base: Scenario, plan: Arrangement, result: DayResult, iteration: int
) -> Iterator[DesignCut]:
    """Units that are too small for what losses and limits ask of them.

    Their neighbours over the pipes keep at least what they have: otherwise the next design would
    only move what is missing to another building.
    """
    laid = {name for pipe in plan.pipes for name in (pipe.a, pipe.b)}
    for (building, carrier), rows in result.unserved.groupby(["building", "carrier"]):
        worst = rows.iloc[int(rows["kw"].to_numpy().argmax())]
        missing_kw = float(worst["kw"])
        reason = (
            f"{building} lacked {missing_kw:.1f} kW of {carrier} on {result.case.day.name} at "
            f"{int(worst['hour'])}:00"
        )
        shared = carrier == "heat" and building in laid
        for name in sorted(laid) if shared else [str(building)]:
            kind = _may_grow(base, name, str(carrier))
            if kind is None:
                continue
            size = sum(u.size for u in plan.units if (u.building, u.device) == (name, kind))
            more = GROWTH * missing_kw + SMALLEST_STEP_KW if name == building else 0.0
            if size + more > 0.0:
                yield DesignCut(
                    kind="unit_min",
                    element=name,
                    value=size + more,
                    reason=reason,
                    device=kind,
                    with_pipes=tuple(pipe.name for pipe in plan.pipes) if shared else (),
                    iteration=iteration,
                )


def _may_grow(base: Scenario, building: str, carrier: str) -> str | None:
    """Return the kind of unit that may be enlarged in a building; None without any."""
    design = base.config.design
    assert design is not None
    sized = design.catalogue.sized()
    kinds = (k for k in UNITS_FOR[carrier] if k in sized and design.allows(building, k, k))
    return next(kinds, None)
