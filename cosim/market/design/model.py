"""The design model of a coalition as a Pyomo model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from cosim.market.design.cuts import add_cuts, heat_limits
from cosim.market.design.exchange import PipePart, add_balances, add_pipe, add_pool, add_utilities
from cosim.market.design.operation import add_operation
from cosim.market.design.plant import Plant
from cosim.market.design.problem import DesignProblem
from cosim.market.design.units import add_units
from cosim.records.design import DesignCut
from cosim.records.names import NETWORK
from cosim.scenario.design_catalogue import StorageOffer

Apart = tuple[str, str, int]
"""Building, storage kind and step where charging and discharging at once is forbidden."""


@dataclass(frozen=True, slots=True)
class DesignModel:
    """A coalition's design in Pyomo.

    Attributes:
        model: everything.
        plants: by building.
        pipes: by route.
        costs: (owner, component) -> linear expression, currency per year.
        unweighted: cost of the design days by the hour.
    """

    model: pyo.ConcreteModel
    plants: Mapping[str, Plant]
    pipes: Mapping[str, PipePart]
    costs: Mapping[tuple[str, str], Any]
    unweighted: Any


def build_model(
    problem: DesignProblem,
    members: Sequence[str],
    cuts: Sequence[DesignCut] = (),
    apart: Iterable[Apart] = (),
) -> DesignModel:
    """Return the model of a coalition.

    Args:
        problem: see `build_design_problem`.
        members: buildings, in the order of the problem.
        cuts: what physics taught.
        apart: where storages need a binary.
    """
    model = pyo.ConcreteModel("design")
    plants = _plants(model, problem, members)
    pipes, pipe_cost = {}, []
    for candidate in problem.inside(frozenset(members)):
        limits = heat_limits(problem, candidate, cuts)
        if not limits:
            continue
        block = pyo.Block(concrete=True)
        model.add_component(f"route_{candidate.route.name}", block)
        part = add_pipe(block, candidate, limits, plants)
        pipes[candidate.route.name] = part
        pipe_cost += [
            c.cost_per_year * part.laid[c.size.dn]
            for c in candidate.choices
            if c.size.dn in part.laid
        ]
    add_pool(model, plants, problem.pool)
    for plant in plants.values():
        add_balances(plant)
    _keep_apart(model, plants, apart)
    add_cuts(model, problem, plants, pipes, cuts)
    costs = {
        (name, component): pyo.quicksum(parts)
        for name, plant in plants.items()
        for component, parts in plant.costs.items()
    }
    if pipe_cost:
        costs[NETWORK, "pipes"] = pyo.quicksum(pipe_cost)
    unweighted = pyo.quicksum(part for plant in plants.values() for part in plant.unweighted)
    return DesignModel(model, plants, pipes, costs, unweighted)


def _plants(
    model: pyo.ConcreteModel, problem: DesignProblem, members: Sequence[str]
) -> dict[str, Plant]:
    """Add every member with its units, their operation and its utilities."""
    largest = _largest(problem, members)
    plants = {}
    for name in members:
        block = pyo.Block(concrete=True)
        model.add_component(f"building_{name}", block)
        plant = Plant(problem.buildings[name], block, range(problem.steps), problem.hours)
        add_units(plant, problem.spec.economics.interest, largest[name])
        add_operation(plant)
        add_utilities(plant)
        plants[name] = plant
    return plants


def _largest(problem: DesignProblem, members: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return building -> kind -> size beyond which nobody needs more.

    Heat may be sent to others and into pipes, so it is limited by the coalition's highest hourly
    need (for absorption chillers too) plus the losses of the widest pipes; cooling by the
    building's own.
    """
    buildings = [problem.buildings[name] for name in members]
    heat = np.zeros(problem.steps)
    for building in buildings:
        heat = heat + building.demand.get("heat", 0.0)
        offer = building.offers.get("absorption_chiller")
        if offer is not None and "cooling" in building.demand:
            heat = heat + building.demand["cooling"] / offer.cop  # type: ignore[attr-defined]
    most_heat = float(heat.max()) + sum(
        max((choice.can.loss_kw for choice in one.choices), default=0.0)
        for one in problem.inside(frozenset(members))
    )
    found = {}
    for building in buildings:
        cold = float(np.max(building.demand.get("cooling", np.zeros(1))))
        found[building.name] = {
            "boiler": most_heat,
            "heat_pump": most_heat,
            "chiller": cold,
            "absorption_chiller": cold,
        }
    return found


def _keep_apart(
    model: pyo.ConcreteModel, plants: Mapping[str, Plant], apart: Iterable[Apart]
) -> None:
    """Forbid charging and discharging at once where it was seen: `charging`, `discharging`."""
    listed = sorted(apart)
    model.way = pyo.Var(range(len(listed)), domain=pyo.Binary)

    def limit(i: int, flow: str, share: str) -> tuple[Any, float]:
        """Return a flow of store i and the most it can be, in kW."""
        building, kind, step = listed[i]
        plant = plants[building]
        offer = plant.building.offers[kind]
        assert isinstance(offer, StorageOffer)
        block = plant.block.component(f"unit_{kind}")
        most = getattr(offer, share) * float(plant.sizes[kind].ub)
        return block.component(flow)[step], most

    def charging(m: pyo.ConcreteModel, i: int) -> Any:
        """Return that store i charges only where its binary is 1."""
        flow, most = limit(i, "charge", "charge_max_per_h")
        return flow <= most * m.way[i]

    def discharging(m: pyo.ConcreteModel, i: int) -> Any:
        """Return that store i discharges only where its binary is 0."""
        flow, most = limit(i, "discharge", "discharge_max_per_h")
        return flow <= most * (1 - m.way[i])

    model.charging = pyo.Constraint(range(len(listed)), rule=charging, doc="not both at once")
    model.discharging = pyo.Constraint(range(len(listed)), rule=discharging, doc="not both at once")
