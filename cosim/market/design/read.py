"""From the values of a solved model to a design."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from cosim.market.design.economics import yearly_share
from cosim.market.design.exchange import PipePart
from cosim.market.design.model import DesignModel
from cosim.market.design.plant import Plant
from cosim.market.design.problem import DesignProblem
from cosim.market.design.units import STORAGES, price_per_size
from cosim.records.design import (
    FLOW_COLUMNS,
    OPERATION_COLUMNS,
    Design,
    DesignCut,
    LaidPipe,
    Unit,
)
from cosim.scenario.typical_days import HOURS_PER_DAY

NOTHING = 1e-4
"""Sizes and flows up to this (kW, kWh) are what a solver leaves of 0."""


def read_design(
    problem: DesignProblem,
    design: DesignModel,
    members: tuple[str, ...],
    cuts: Sequence[DesignCut],
) -> Design:
    """Return the design that the variables' values describe; the bound is its own cost."""
    costs = pd.DataFrame(
        [
            {"owner": owner, "component": component, "cost_per_year": float(pyo.value(money))}
            for (owner, component), money in design.costs.items()
        ],
        columns=["owner", "component", "cost_per_year"],
    )
    pipes = {name: part for name, part in design.pipes.items() if _size(part) is not None}
    interest = problem.spec.economics.interest
    return Design(
        members=members,
        units=tuple(unit for p in design.plants.values() for unit in _units(p, interest)),
        pipes=tuple(_laid(problem, part, cuts) for part in pipes.values()),
        costs=costs,
        operation=_operation(problem, design),
        flows=_flows(problem, pipes),
        bound_per_year=float(costs["cost_per_year"].sum()),
        cuts=tuple(cuts),
    )


def _units(plant: Plant, interest: float) -> list[Unit]:
    name, found = plant.building.name, []
    for one in plant.building.chp:
        count = round(pyo.value(plant.counts[one.name]))
        if count:
            cost = count * one.cost * yearly_share(one, interest)
            found.append(Unit(name, one.name, "chp", count, one.power_kw, "kW", cost))
    for kind, offer in plant.building.offers.items():
        size = float(pyo.value(plant.sizes[kind]))
        if size > NOTHING:
            price = offer.cost_fixed + price_per_size(offer) * size
            cost = price * yearly_share(offer, interest)
            unit: Literal["kW", "kWh"] = "kWh" if kind in STORAGES else "kW"
            found.append(Unit(name, kind, kind, 1, size, unit, cost))
    return found


def _size(part: PipePart) -> int | None:
    """Return the dn that is laid on a route."""
    return next((dn for dn, laid in part.laid.items() if pyo.value(laid) > 0.5), None)


def _laid(problem: DesignProblem, part: PipePart, cuts: Sequence[DesignCut]) -> LaidPipe:
    route, dn = part.candidate.route, _size(part)
    choice = next(c for c in part.candidate.choices if c.size.dn == dn)
    always = [
        cut.value
        for cut in cuts
        if cut.kind == "pipe_heat_max"
        and cut.element == route.name
        and cut.dn in (None, dn)
        and cut.day is None
    ]
    return LaidPipe(
        name=route.name,
        a=route.between[0],
        b=route.between[1],
        length_m=route.length_m,
        dn=choice.size.dn,
        inner_diameter_m=choice.size.inner_diameter_m,
        loss_w_per_m_k=choice.size.loss_w_per_m_k,
        roughness_mm=choice.size.roughness_mm,
        heat_max_kw=min([choice.can.heat_max_kw, *always]),
        cost_per_year=choice.cost_per_year,
    )


def _operation(problem: DesignProblem, design: DesignModel) -> pd.DataFrame:
    parts = []
    for name, plant in design.plants.items():
        lines = {
            line: np.array([pyo.value(flow(k)) for k in plant.steps])
            for line, flow in plant.report.items()
        }
        lines |= {("", c, "demand_kw"): kw for c, kw in plant.building.demand.items()}
        lines |= _over_pipes(problem, design, name)
        for (device, carrier, quantity), values in lines.items():
            parts.append(_table(problem, name, device, carrier, quantity, values))
    if not parts:
        return pd.DataFrame(columns=list(OPERATION_COLUMNS))
    return pd.concat(parts, ignore_index=True)[list(OPERATION_COLUMNS)]


def _table(
    problem: DesignProblem,
    building: str,
    device: str,
    carrier: str,
    quantity: str,
    values: np.ndarray,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "day": _days(problem),
            "hour": _hours(problem),
            "building": building,
            "device": device,
            "carrier": carrier,
            "quantity": quantity,
            "value": _clean(values),
        }
    )


def _over_pipes(
    problem: DesignProblem, design: DesignModel, name: str
) -> dict[tuple[str, str, str], np.ndarray]:
    """Return heat from and into pipes, and pump electricity, of a building."""
    taken, pump = np.zeros(problem.steps), np.zeros(problem.steps)
    touched = False
    for part in design.pipes.values():
        ends = part.candidate.ends
        if name not in ends or _size(part) is None:
            continue
        touched = True
        flow = part.leaves_second if name == ends[1] else lambda k, p=part: -p.enters_first(k)
        taken += [pyo.value(flow(k)) for k in range(problem.steps)]
        electric = [n for n in ends if "electricity" in design.plants[n].building.utilities]
        if name in electric:
            pump += [pyo.value(part.pump_kw(k)) / len(electric) for k in range(problem.steps)]
    if not touched:
        return {}
    return {
        ("", "heat", "pipe_in_kw"): np.maximum(taken, 0.0),
        ("", "heat", "pipe_out_kw"): np.maximum(-taken, 0.0),
        ("", "electricity", "pump_kw"): pump,
    }


def _flows(problem: DesignProblem, pipes: dict[str, PipePart]) -> pd.DataFrame:
    steps = range(problem.steps)
    tables = [
        pd.DataFrame(
            {
                "day": _days(problem),
                "hour": _hours(problem),
                "pipe": name,
                "from_kw": [pyo.value(part.enters_first(k)) for k in steps],
                "to_kw": [pyo.value(part.leaves_second(k)) for k in steps],
                "loss_kw": float(pyo.value(part.loss_kw)),
                "pump_kw": [pyo.value(part.pump_kw(k)) for k in steps],
            }
        )
        for name, part in pipes.items()
    ]
    if not tables:
        return pd.DataFrame(columns=list(FLOW_COLUMNS))
    return pd.concat(tables, ignore_index=True)[list(FLOW_COLUMNS)]


def _days(problem: DesignProblem) -> list[str]:
    return [day.name for day in problem.days for _ in range(HOURS_PER_DAY)]


def _hours(problem: DesignProblem) -> list[int]:
    return list(range(HOURS_PER_DAY)) * len(problem.days)


def _clean(values: np.ndarray) -> np.ndarray:
    """Return values without what a solver leaves of 0."""
    return np.where(np.abs(values) < 1e-9, 0.0, values)
