"""The design model against brute force: every number of units and every pipe, one LP each."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

from cosim.market.design import DesignProblem, solve_design
from cosim.records.time import FloatArray
from tests.support.buildings import building, problem, route, spec

H = 24
NAMES = ("hotel", "office", "hospital")
INTEREST, CHP_LIFE, BOILER_LIFE = 0.05, 10.0, 15.0
CHP = {"power": 60.0, "cost": 60_000.0, "eta": 0.36, "share": 0.9, "loss": 0.05, "upkeep": 0.012}
BOILER = {"cost": 90.0, "eta": 0.9}
GAS, SELL = 0.06, 0.08
WEIGHTS = (365.0, 0.0)
"""Days of a year that a mild day stands for, and a cold design day."""
SMALL, LARGE = (50, 60.0), (80, 150.0)
"""Diameter, and the most heat in kW; the rest of a size is loss, pump share and cost per year."""
PIPES = {
    "west": ("hotel", "office", ((*SMALL, 2.0, 0.004, 1_900.0), (*LARGE, 3.0, 0.003, 3_100.0))),
    "east": ("office", "hospital", ((*SMALL, 2.5, 0.005, 2_200.0), (*LARGE, 3.5, 0.004, 3_600.0))),
}


def annuity(interest: float, years: float) -> float:
    """Return the payment that is worth 1 today, summed year by year (not the closed form)."""
    return 1.0 / sum((1.0 + interest) ** -year for year in range(1, int(years) + 1))


def demands() -> dict[str, dict[str, FloatArray]]:
    hour = np.arange(H)
    day = 0.5 + 0.5 * np.exp(-(((hour - 13.0) / 4.0) ** 2))
    evening = 0.4 + 0.6 * np.exp(-(((hour - 20.0) / 3.0) ** 2))
    mild, cold = 0.7, 1.25

    def year(kw: float, shape: FloatArray) -> FloatArray:
        return np.concatenate([kw * mild * shape, kw * cold * shape])

    def same(kw: float, shape: FloatArray) -> FloatArray:
        return np.tile(kw * shape, len(WEIGHTS))

    flat = np.ones(H)
    return {
        "hotel": {"heat": year(120.0, evening), "electricity": same(50.0, evening)},
        "office": {"heat": year(30.0, day), "electricity": same(110.0, day)},
        "hospital": {"heat": year(100.0, flat), "electricity": same(40.0, flat)},
    }


def prices() -> FloatArray:
    hour = np.arange(H)
    return np.tile(np.where((hour >= 8) & (hour < 21), 0.24, 0.13), len(WEIGHTS))


def case() -> DesignProblem:
    design = spec(
        {
            "chp": [
                {
                    "name": "engine", "power_kw": CHP["power"], "cost": CHP["cost"],
                    "life_years": CHP_LIFE, "eta_el": CHP["eta"], "load_min": 0.0,
                    "loss_share": CHP["loss"], "heat_recovered_share": CHP["share"],
                    "maintenance_per_kwh": CHP["upkeep"], "count_max": 2,
                }
            ],
            "boiler": {
                "cost_per_kw": BOILER["cost"], "life_years": BOILER_LIFE, "eta": BOILER["eta"],
            },
        },
        economics={"interest": INTEREST},
    )  # fmt: skip
    sell = np.full(H * len(WEIGHTS), SELL)
    return problem(
        design,
        WEIGHTS,
        [building(name, design, demands()[name], prices(), sell, GAS) for name in NAMES],
        [route(name, a, b, sizes) for name, (a, b, sizes) in PIPES.items()],
    )


def operation_lp(
    members: tuple[str, ...], counts: dict[str, int], laid: dict[str, tuple[float, ...] | None]
) -> float:
    """Return the least cost per year with units and pipes given; inf where demand is not met."""
    need, buy = demands(), prices()
    steps = H * len(WEIGHTS)
    hours = np.repeat(WEIGHTS, H)
    # Columns per building: power, boiler heat, bought, sold (steps each), boiler size; per pipe:
    # ahead, back.
    kinds = 4 * steps + 1
    pipes = {name: size for name, size in laid.items() if size is not None}
    n = kinds * len(members) + 2 * steps * len(pipes)
    cost, upper = np.zeros(n), np.full(n, np.inf)
    fuel = 1.0 / CHP["eta"]
    heat_rate = CHP["share"] * ((1.0 - CHP["loss"]) * fuel - 1.0)
    equal, right, below, most = [], [], [], []
    pipe_at = {name: kinds * len(members) + 2 * steps * k for k, name in enumerate(pipes)}
    for b, name in enumerate(members):
        base = kinds * b
        for t in range(steps):
            power, boiler, bought, sold = (base + i * steps + t for i in range(4))
            upper[power] = CHP["power"] * counts[name]
            cost[power] = hours[t] * (fuel * GAS + CHP["upkeep"])
            cost[boiler] = hours[t] * GAS / BOILER["eta"]
            cost[bought], cost[sold] = hours[t] * buy[t], -hours[t] * SELL
            electric, heat, fixed = np.zeros(n), np.zeros(n), need[name]["heat"][t]
            electric[[power, bought]], electric[sold] = 1.0, -1.0
            heat[power], heat[boiler] = heat_rate, 1.0
            for pipe, start in pipe_at.items():
                ends, loss = PIPES[pipe][:2], pipes[pipe][2]
                # A route's pump is charged with the share of its neediest size.
                pump = max(size[3] for size in PIPES[pipe][2])
                if name not in ends:
                    continue
                ahead, back = start + t, start + steps + t
                sign = -1.0 if name == ends[0] else 1.0
                heat[ahead], heat[back] = sign, -sign
                fixed += loss if name == ends[1] else 0.0
                electric[[ahead, back]] = -pump * 0.5
            equal += [electric, heat]
            right += [need[name]["electricity"][t], fixed]
            within = np.zeros(n)
            within[boiler], within[base + 4 * steps] = 1.0, -1.0
            below.append(within)
            most.append(0.0)
        cost[base + 4 * steps] = BOILER["cost"] * annuity(INTEREST, BOILER_LIFE)
    for pipe, start in pipe_at.items():
        _, limit, loss, _, _ = pipes[pipe]
        upper[start : start + steps] = limit
        upper[start + steps : start + 2 * steps] = limit - loss
    found = linprog(
        cost, A_eq=np.array(equal), b_eq=right, A_ub=np.array(below), b_ub=most,
        bounds=list(zip(np.zeros(n), upper, strict=True)), method="highs",
    )  # fmt: skip
    if not found.success:
        return float("inf")
    fixed_cost = sum(counts.values()) * CHP["cost"] * annuity(INTEREST, CHP_LIFE)
    return float(found.fun) + fixed_cost + sum(size[4] for size in pipes.values())


def brute_force(members: tuple[str, ...]) -> tuple[float, dict[str, int], dict[str, int]]:
    """Return cost, units and diameters of the best of all choices."""
    inside = {p: v for p, v in PIPES.items() if set(v[:2]) <= set(members)}
    best = (float("inf"), dict[str, int](), dict[str, int]())
    for numbers in product(range(3), repeat=len(members)):
        for sizes in product(*[(None, *v[2]) for v in inside.values()]):
            counts = dict(zip(members, numbers, strict=True))
            laid = dict(zip(inside, sizes, strict=True))
            cost = operation_lp(members, counts, laid)
            if cost < best[0]:
                best = (cost, counts, {p: s[0] for p, s in laid.items() if s is not None})
    return best


@pytest.mark.parametrize("members", [("hotel",), ("hotel", "office"), NAMES])
def test_design_equals_brute_force(members: tuple[str, ...]) -> None:
    design = solve_design(case(), members)
    cost, counts, laid = brute_force(members)
    assert design.cost_per_year == pytest.approx(cost, rel=2e-6)
    assert {u.building: u.count for u in design.units if u.kind == "chp"} == {
        name: count for name, count in counts.items() if count
    }
    assert {pipe.name: pipe.dn for pipe in design.pipes} == laid
