"""What physics taught about designs, as bounds and constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyomo.environ as pyo

from cosim.market.design.exchange import PipePart
from cosim.market.design.plant import Plant
from cosim.market.design.problem import Candidate, DesignProblem
from cosim.records.design import DesignCut
from cosim.records.time import FloatArray
from cosim.scenario.typical_days import HOURS_PER_DAY


def heat_limits(
    problem: DesignProblem, candidate: Candidate, cuts: Sequence[DesignCut]
) -> dict[int, FloatArray]:
    """Return dn -> most heat by step, shape (K,), for the sizes that cuts leave on a route."""
    route = candidate.route.name
    mine = [cut for cut in cuts if cut.element == route]
    smallest = max((cut.value for cut in mine if cut.kind == "pipe_dn_min"), default=0.0)
    found = {}
    for choice in candidate.choices:
        if choice.size.dn < smallest:
            continue
        limit = np.full(problem.steps, choice.can.heat_max_kw)
        for cut in mine:
            if cut.kind == "pipe_heat_max" and cut.dn in (None, choice.size.dn):
                where = _steps(problem, cut)
                limit[where] = np.minimum(limit[where], cut.value)
        found[choice.size.dn] = limit
    return found


def add_cuts(
    model: pyo.ConcreteModel,
    problem: DesignProblem,
    plants: Mapping[str, Plant],
    pipes: Mapping[str, PipePart],
    cuts: Sequence[DesignCut],
) -> None:
    """Add `exchange_max` (by number of the cut and step) and `unit_min` (by number and route).

    Cuts on buildings that are no members, and on units that are not for sale there, are left out.
    Those on pipes are in the limits of the pipes themselves, see `heat_limits`.
    """
    exchange = {
        (number, int(step)): cut
        for number, cut in enumerate(cuts)
        if cut.kind == "exchange_max" and cut.element in plants
        for step in np.arange(problem.steps)[_steps(problem, cut)]
    }
    model.exchange_max = pyo.Constraint(
        list(exchange),
        rule=lambda _m, number, step: (
            _exchanged(plants, pipes, exchange[number, step], step) <= exchange[number, step].value
        ),
        doc="a building exchanges no more than its connection was found to carry",
    )
    least: dict[tuple[int, str], tuple[Any, Any]] = {}
    for number, cut in enumerate(cuts):
        if cut.kind != "unit_min" or cut.element not in plants:
            continue
        size = size_of(plants[cut.element], str(cut.device))
        if size is None:
            continue
        if not cut.with_pipes:
            least[number, ""] = (size, cut.value)
        for route in cut.with_pipes:
            if route in pipes:
                laid = pyo.quicksum(pipes[route].laid.values())
                least[number, route] = (size, cut.value * laid)
    model.unit_min = pyo.Constraint(
        list(least),
        rule=lambda _m, number, route: least[number, route][0] >= least[number, route][1],
        doc="a unit is at least as large as it was found to have to be",
    )


def size_of(plant: Plant, device: str) -> Any:
    """Return the size of a device (CHP: rated power of all units of a type); None if not sold."""
    if device in plant.counts:
        rated = {one.name: one.power_kw for one in plant.building.chp}[device]
        return rated * plant.counts[device]
    return plant.sizes.get(device)


def _steps(problem: DesignProblem, cut: DesignCut) -> slice:
    if cut.day is None:
        return slice(None)
    first = problem.step(cut.day, 0)
    if cut.hour is None:
        return slice(first, first + HOURS_PER_DAY)
    return slice(first + cut.hour, first + cut.hour + 1)


def _exchanged(
    plants: Mapping[str, Plant], pipes: Mapping[str, PipePart], cut: DesignCut, step: int
) -> Any:
    """Return what a building draws (import) or gives (export) at a step."""
    plant, sign = plants[cut.element], 1.0 if cut.direction == "import" else -1.0
    parts = []
    if cut.carrier == "heat":
        for part in pipes.values():
            first, second = part.candidate.ends
            if cut.element == first:
                parts.append(-sign * part.enters_first(step))
            if cut.element == second:
                parts.append(sign * part.leaves_second(step))
        return pyo.quicksum(parts)
    drawn = {"import_kw": 1.0, "share_in_kw": 1.0, "export_kw": -1.0, "share_out_kw": -1.0}
    for (device, carrier, quantity), flow in plant.report.items():
        if device == "" and carrier == cut.carrier and quantity in drawn:
            parts.append(sign * drawn[quantity] * flow(step))
    return pyo.quicksum(parts)
