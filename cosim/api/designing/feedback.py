"""What physics teaches about a design: days of the loop become cuts of the design problem.

- Pressure and velocity: see `cosim.api.designing.pressure`.
- Demand that is not met even by the loop: the building needs a larger unit.
- Voltage, loading: what a building imports or exports in that hour is at most what the loop left.
- One pump holds the pressure of a circuit: on a day its building only delivers, and every other
  station goes one way.
- A station whose supply is too cold even after the loop draws at most what the loop left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cosim.api.designing.days import HEAT, Arrangement, DayResult, roles_of
from cosim.api.designing.pressure import names_of, pressure_cuts, velocity_cuts
from cosim.grids.heat.laid import Circuit, circuits
from cosim.records import Violation
from cosim.records.design import DesignCut, TypicalDay
from cosim.scenario import Scenario

MOVED_KW = 1.0
"""Changes of an exchange below this are not worth a cut."""
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
    narrow: list[DesignCut] = []
    if circuit is not None:
        hydraulic = [v for v in first if v.grid == HEAT]
        narrow += pressure_cuts(base, result, circuit, hydraulic, iteration)
        narrow += velocity_cuts(base, result, circuit, hydraulic, iteration)
        yield from narrow
        yield from _cold_cuts(result, circuit, iteration)
    yield from _electric_cuts(result, [v for v in first if v.grid != HEAT], iteration)
    if not narrow:  # else pipes are what is too small
        yield from _unit_cuts(base, plan, result, iteration)


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
                            "one pump holds the pressure of a circuit: on each day the building "
                            "where it runs only gives heat, and every other one goes one way"
                        ),
                        day=day.name,
                        carrier="heat",
                        direction="import" if delivers else "export",
                    )
                )
    return found


def _cold_cuts(result: DayResult, circuit: Circuit, iteration: int) -> Iterator[DesignCut]:
    """Stations that are too cold after the loop, and feed-in that nobody takes."""
    last, day = result.coupled, result.case.day
    stations = names_of(result, "heat_consumer")
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
            if name != circuit.host and entry.of(name)[failure.step] > 0.0:
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
    sizes = {(unit.building, unit.device): unit.size for unit in plan.units}
    for (building, carrier), rows in result.unserved.groupby(["building", "carrier"]):
        worst = rows.iloc[int(rows["kw"].to_numpy().argmax())]
        missing_kw = float(worst["kw"])
        reason = (
            f"{building} lacked {missing_kw:.1f} kW of {carrier} on {result.case.day.name} at "
            f"{int(worst['hour'])}:00"
        )
        shared = carrier == "heat" and building in laid
        grows = _grows(base, result, str(building), str(carrier), sizes) if shared else building
        for name in sorted(laid) if shared else [str(building)]:
            kind = _may_grow(base, name, str(carrier))
            if kind is None:
                continue
            size = sizes.get((name, kind), 0.0)
            more = GROWTH * missing_kw + SMALLEST_STEP_KW if name == grows else 0.0
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


def _grows(
    base: Scenario,
    result: DayResult,
    building: str,
    carrier: str,
    sizes: Mapping[tuple[str, str], float],
) -> str:
    """Return where heat that a building on the pipes lacks is made: there, else at the host."""
    kind = _may_grow(base, building, carrier)
    if kind is not None and sizes.get((building, kind), 0.0) > 0.0:
        return building
    host = building if result.case.circuit is None else result.case.circuit.host
    return building if _may_grow(base, host, carrier) is None else host


def _may_grow(base: Scenario, building: str, carrier: str) -> str | None:
    """Return the kind of unit that may be enlarged in a building; None without any."""
    design = base.config.design
    assert design is not None
    sized = design.catalogue.sized()
    kinds = (k for k in UNITS_FOR[carrier] if k in sized and design.allows(building, k, k))
    return next(kinds, None)
