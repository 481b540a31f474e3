"""Tables of a design run: units, pipes, costs, energy, days, the search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from cosim.api.designing.days import HEAT, DayResult
from cosim.api.designing.money import CoalitionCost
from cosim.api.designing.search import Attempt, Found
from cosim.market.design import DesignProblem
from cosim.records.design import Design, Unit
from cosim.records.names import NETWORK
from cosim.records.time import FloatArray

COPPER, VERIFIED = "copper_plate", "verified"
Named = Mapping[frozenset[str], Found]
Pick = Callable[[FloatArray], float]
"""Smallest or largest number of an array, NaN left out."""


def label(members: Iterable[str]) -> str:
    """Return the name of a coalition."""
    return "+".join(sorted(members))


def designs_of(apart: Found, found: Named) -> Iterator[tuple[frozenset[str], Design, Design]]:
    """Yield every coalition with its copper-plate and its verified design."""
    for copper, design in zip(apart.copper, apart.plan.designs, strict=True):
        yield frozenset(design.members), copper, design
    for members, one in found.items():
        yield members, one.copper[0], one.plan.designs[0]


def unit_frame(apart: Found, found: Named) -> pd.DataFrame:
    """Return `design_units`; a coalition that fell back on a part of it has the part's units."""
    rows = [
        {
            "coalition": label(members),
            "stage": stage,
            "building": unit.building,
            "device": unit.device,
            "kind": unit.kind,
            "count": unit.count,
            "size": unit.size,
            "unit": unit.unit,
            "cost_per_year": unit.cost_per_year,
        }
        for members, copper, _ in designs_of(apart, found)
        for stage, units in (
            (COPPER, copper.units),
            (VERIFIED, _own_units(members, apart, found)),
        )
        for unit in units
    ]
    return pd.DataFrame(rows)


def _own_units(members: frozenset[str], apart: Found, found: Named) -> list[Unit]:
    plan = found[members].plan if members in found else apart.plan
    return [unit for unit in plan.units if unit.building in members]


def pipe_frame(problem: DesignProblem, apart: Found, found: Named) -> pd.DataFrame:
    """Return `design_pipes`: every route inside a coalition, laid or not."""
    rows = []
    for members, copper, design in designs_of(apart, found):
        for stage, one in ((COPPER, copper), (VERIFIED, design)):
            laid = {pipe.name: pipe for pipe in one.pipes}
            for candidate in problem.inside(members):
                route = candidate.route
                pipe = laid.get(route.name)
                flows = one.flows[one.flows["pipe"] == route.name]
                peak = float(flows[["from_kw", "to_kw"]].abs().to_numpy().max(initial=0.0))
                rows.append(
                    {
                        "coalition": label(members),
                        "stage": stage,
                        "pipe": route.name,
                        "from": route.between[0],
                        "to": route.between[1],
                        "length_m": route.length_m,
                        "dn": 0 if pipe is None else pipe.dn,
                        "laid": pipe is not None,
                        "heat_peak_kw": peak,
                        "cost_per_year": 0.0 if pipe is None else pipe.cost_per_year,
                    }
                )
    return pd.DataFrame(rows)


def cost_frame(costs: Mapping[frozenset[str], CoalitionCost]) -> pd.DataFrame:
    """Return `design_costs`."""
    rows = [
        {"coalition": label(m), "stage": stage, "component": str(name), "cost_per_year": money}
        for m, cost in costs.items()
        for stage, series in ((COPPER, cost.copper), (VERIFIED, cost.verified))
        for name, money in series.items()
    ]
    return pd.DataFrame(rows)


def attempt_frame(apart: Found, found: Named) -> pd.DataFrame:
    """Return `design_attempts`."""
    rows = [
        {
            "coalition": who,
            "attempt": one.number,
            "design_cost": one.design_cost,
            "verified_cost": np.nan if one.verified_cost is None else one.verified_cost,
            "days_failed": len(one.days_failed),
            "missed": one.missed,
            "unserved_kwh": one.unserved_kwh,
            "cuts": len(one.cuts),
        }
        for who, one in _attempts(apart, found)
    ]
    return pd.DataFrame(rows)


def cut_frame(apart: Found, found: Named) -> pd.DataFrame:
    """Return `design_cuts`."""
    rows = [
        {
            "coalition": who,
            "attempt": one.number,
            "kind": cut.kind,
            "element": cut.element,
            "value": cut.value,
            "dn": cut.dn or 0,
            "day": cut.day or "",
            "hour": -1 if cut.hour is None else cut.hour,
            "reason": cut.reason,
        }
        for who, one in _attempts(apart, found)
        for cut in one.cuts
    ]
    return pd.DataFrame(rows)


def _attempts(apart: Found, found: Named) -> Iterator[tuple[str, Attempt]]:
    yield from (("nobody", one) for one in apart.attempts)
    for members, search in found.items():
        yield from ((label(members), one) for one in search.attempts)


def day_frame(apart: Found, found: Named) -> pd.DataFrame:
    """Return `design_days`."""
    rows = []
    for who, one in (("nobody", apart), *((label(m), f) for m, f in found.items())):
        rows += [_day(who, day) for day in one.days]
    return pd.DataFrame(rows)


def _day(who: str, result: DayResult) -> dict[str, object]:
    day, coupled = result.case.day, result.coupled
    circuits = [part.case.circuit for part in (*result.before, result)]
    return {
        "coalition": who,
        "day": day.name,
        "date": f"{coupled.schedule.time.index[0]:%Y-%m-%d}",
        "weight_days": day.weight_days,
        "verdict": coupled.verdict if result.unserved.empty else "infeasible",
        "cause": coupled.cause if result.unserved.empty else "demand is not met",
        "cost": coupled.schedule.cost,
        "rounds": len(coupled.iterations),
        "host": ", ".join(circuit.host for circuit in circuits if circuit is not None),
        "unserved_kwh": float(result.unserved["kw"].sum()),
        "smallest_dp_bar": _extreme(result, HEAT, "heat_consumer", "dp_bar", np.nanmin),
        "lowest_supply_c": _extreme(
            result, HEAT, "heat_consumer", "supply_temperature_c", np.nanmin
        ),
        "highest_speed_m_per_s": _extreme(result, HEAT, "pipe", "speed_m_per_s", np.nanmax),
        "lowest_voltage_pu": _extreme(result, "", "bus", "vm_pu", np.nanmin),
    }


def _extreme(result: DayResult, grid: str, element: str, quantity: str, of: Pick) -> float:
    """Return the extreme value of a result column over a day; NaN where there is none."""
    for name, states in result.coupled.verification.states.items():
        known = {(c.element, c.quantity): c.values for c in states.fields}
        values = known.get((element, quantity))
        if grid in ("", name) and values is not None and np.isfinite(values).any():
            return float(of(values))
    return float("nan")


def energy_frame(members: frozenset[str], days: Sequence[DayResult]) -> pd.DataFrame:
    """Return `design_energy` of a coalition: energy from place to place over the year, kWh.

    Devices take from carriers (`building:carrier`) or from outside (`grid`, `gas`, `sun`,
    `ambient`) and give to carriers; what carriers hand on goes to demand, feed-in, the pipes, the
    pool and losses.
    """
    total: dict[tuple[str, str, str], float] = {}
    for day in days:
        weight = day.case.day.weight_days
        if weight == 0.0:
            continue
        table = day.coupled.schedule.table
        keys = ["participant", "device", "carrier", "quantity"]
        sums = table.groupby(keys, observed=True)["value"].sum()
        for key, value in zip(sums.index.tolist(), sums.tolist(), strict=True):
            who, device, carrier, quantity = key
            if who in members or who == NETWORK:
                kwh = weight * value
                for a, b, sign in _ways(who, device, carrier, quantity):
                    total[a, b, carrier] = total.get((a, b, carrier), 0.0) + sign * kwh
    rows = [
        {"coalition": label(members), "from": a, "to": b, "carrier": c, "kwh_per_year": kwh}
        for (a, b, c), kwh in total.items()
        if kwh > 1.0
    ]
    return pd.DataFrame(rows)


def _ways(who: str, device: str, carrier: str, quantity: str) -> Iterator[tuple[str, str, float]]:
    """Yield from, to and sign of one quantity of the schedule; nothing for what is no flow.

    What the network account buys and hands on to the pool comes from the grid.
    """
    node = f"{who}:{carrier}"
    source = "gas" if carrier == "gas" else "grid"
    shared = "pipes" if carrier == "heat" else "pool"
    if who == NETWORK:
        ways = {
            "buy_kw": [(source, "losses", 1.0)],
            "share_in_kw": [(shared, "losses", 1.0)],
            "share_out_kw": [(source, shared, 1.0), (source, "losses", -1.0)],
        }
        yield from ways.get(quantity, []) if device == "trade" else []
        return
    if device == "trade":
        ways = {
            "buy_kw": [(source, node, 1.0)],
            "sell_kw": [(node, "feed_in", 1.0)],
            "share_in_kw": [(shared, node, 1.0)],
            "share_out_kw": [(node, shared, 1.0)],
        }
    elif device == "demand":
        ways = {"demand_kw": [(node, f"demand:{carrier}", 1.0)]}
    else:
        unit = f"{who}:{device}"
        ways = {
            "generation_kw": [(unit, node, 1.0)],
            "discharging_kw": [(unit, node, 1.0)],
            "consumption_kw": [(node, unit, 1.0)],
            "charging_kw": [(node, unit, 1.0)],
        }
    yield from ways.get(quantity, [])
