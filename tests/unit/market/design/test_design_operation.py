"""How units run, hour by hour, against enumeration; what must not happen at once does not."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from cosim.market.design import solve_design
from cosim.market.design.problem import Pool
from cosim.records.design import Design
from tests.support.buildings import building, flat, problem, spec

RATED, ETA, ETA_PART, LOSS, SHARE, UPKEEP = 60.0, 0.38, 0.33, 0.05, 0.9, 0.02
PRICE, LIFE, LOWEST = 30_000.0, 10.0, 0.5
GAS, SELL, BOILER_ETA = 0.05, 0.07, 0.9
ENGINE: dict[str, Any] = {
    "name": "engine", "power_kw": RATED, "cost": PRICE, "life_years": LIFE, "eta_el": ETA,
    "eta_el_part": ETA_PART, "part_load": 0.5, "load_min": LOWEST, "loss_share": LOSS,
    "heat_recovered_share": SHARE, "maintenance_per_kwh": UPKEEP, "count_max": 2,
}  # fmt: skip
FREE_BOILER = {"cost_per_kw": 0.0, "life_years": 10, "eta": BOILER_ETA}


def series(design: Design, device: str, carrier: str, quantity: str) -> np.ndarray:
    table = design.operation
    wanted = (table["device"] == device) & (table["carrier"] == carrier)
    return table[wanted & (table["quantity"] == quantity)]["value"].to_numpy(dtype=float)


def cheapest_hour(online: int, power_kw: float, heat_kw: float, buy: float) -> float:
    """Return the least cost of an hour with so many engines online; inf where none is possible.

    Fuel is a straight line in the power of all engines together, so the cost is piecewise linear
    in it and lowest at a corner: an end of the range, all heat or all electricity covered.
    """
    full, part = RATED / ETA, 0.5 * RATED / ETA_PART
    slope = (full - part) / (0.5 * RATED)
    no_load = online * (full - slope * RATED)
    low, high = online * LOWEST * RATED, online * RATED

    def cost(power: float) -> float:
        fuel = slope * power + no_load
        heat = SHARE * ((1.0 - LOSS) * fuel - power)
        if heat > heat_kw + 1e-9:
            return float("inf")
        lacking = power_kw - power
        electric = lacking * (buy if lacking > 0 else SELL)
        return fuel * GAS + UPKEEP * power + (heat_kw - heat) / BOILER_ETA * GAS + electric

    gain = SHARE * ((1.0 - LOSS) * slope - 1.0)
    all_heat = (heat_kw - SHARE * (1.0 - LOSS) * no_load) / gain
    return min(cost(float(np.clip(p, low, high))) for p in (low, high, power_kw, all_heat))


def test_thresholds_equal_enumeration() -> None:
    hour = np.arange(24)
    power = 40.0 + 60.0 * np.exp(-(((hour - 14.0) / 4.0) ** 2))
    heat = 25.0 + 130.0 * np.exp(-(((hour - 7.0) / 3.0) ** 2))
    buy = np.where((hour > 7) & (hour < 21), 0.26, 0.11)
    design = spec({"chp": [ENGINE], "boiler": FREE_BOILER})
    house = building(
        "house", design, {"electricity": power, "heat": heat}, buy, np.full(24, SELL), GAS
    )
    found = solve_design(problem(design, [365.0], [house]), ["house"])
    annuity = 1.0 / sum(1.05**-year for year in range(1, int(LIFE) + 1))
    by_count = [
        count * PRICE * annuity
        + 365.0 * sum(
            min(cheapest_hour(n, power[t], heat[t], buy[t]) for n in range(count + 1))
            for t in range(24)
        )
        for count in range(3)
    ]  # fmt: skip
    assert found.cost_per_year == pytest.approx(min(by_count), rel=2e-6)
    bought = sum(unit.count for unit in found.units if unit.kind == "chp")
    assert bought == int(np.argmin(by_count)) > 0
    online = series(found, "engine", "electricity", "online")
    assert 0 < len(np.flatnonzero(online)) < 24


def test_a_storage_is_no_cooler() -> None:
    """Feeding in pays so well that the engine would run to fill and empty the tank at once."""
    engine = ENGINE | {"eta_el_part": None, "load_min": 1.0, "count_max": 1, "cost": 0.0}
    tank = {
        "cost_per_kwh": 0.0, "life_years": 20, "max_kwh": 1000.0, "eta_charge": 0.7,
        "eta_discharge": 0.7, "charge_max_per_h": 1.0, "discharge_max_per_h": 1.0,
    }  # fmt: skip
    solver = {"gap": 0.02, "time_limit_s": 3.0}
    catalogue = {"chp": [engine], "boiler": FREE_BOILER, "heat_storage": tank}
    design = spec(catalogue, solver=solver)
    house = building(
        "house", design, {"heat": flat(20.0, 1)}, flat(0.5, 1), np.full(24, 0.4), GAS,
        limits={"heat_storage": (0.0, 1000.0)},
    )  # fmt: skip
    found = solve_design(problem(design, [365.0], [house]), ["house"])
    charge = series(found, "heat_storage", "heat", "charge_kw")
    discharge = series(found, "heat_storage", "heat", "discharge_kw")
    assert charge.max() > 1.0
    assert np.minimum(charge, discharge).max() <= 1e-3
    # Every hour of running brings SELL - fuel; the heat of all of them goes through the demand.
    running = series(found, "engine", "electricity", "online")
    assert 0 < running.sum() < 24


def test_buying_to_sell_is_no_business() -> None:
    """At night feeding in pays more than buying costs."""
    buy = np.where(np.arange(24) < 6, 0.05, 0.3)
    design = spec({"pv": {"cost_per_kw": 1.0, "life_years": 25, "profile": 1.0, "max_kw": 30.0}})
    house = building(
        "house", design, {"electricity": flat(20.0, 1)}, buy, np.full(24, 0.1), GAS,
        series={"pv": np.linspace(0.0, 1.0, 24)}, limits={"pv": (0.0, 30.0)},
    )  # fmt: skip
    found = solve_design(problem(design, [365.0], [house]), ["house"])
    bought = series(found, "", "electricity", "import_kw")
    sold = series(found, "", "electricity", "export_kw")
    assert np.minimum(bought, sold).max() <= 1e-6
    made = 30.0 * np.linspace(0.0, 1.0, 24)
    money = np.where(made < 20.0, (20.0 - made) * buy, (20.0 - made) * 0.1)
    energy = found.costs[found.costs["component"].isin(["electricity", "feed_in"])]
    assert energy["cost_per_year"].sum() == pytest.approx(365.0 * money.sum(), rel=1e-9)


@pytest.mark.parametrize(("fee", "shares"), [(0.01, True), (0.2, False)])
def test_electricity_is_pooled_where_it_pays(fee: float, shares: bool) -> None:
    offer = {"cost_per_kw": 1.0, "life_years": 25, "profile": 1.0, "max_kw": 50.0}
    design = spec({"pv": offer})
    houses = [
        building(
            name, design, {"electricity": flat(need, 1)}, flat(0.3, 1), np.full(24, 0.1), GAS,
            series={"pv": flat(1.0, 1)}, limits={"pv": (0.0, roof)},
        )
        for name, need, roof in (("roof", 10.0, 50.0), ("shade", 30.0, 1e-9))
    ]  # fmt: skip
    found = solve_design(problem(design, [365.0], houses, pool=Pool(fee, 0.0)), ["roof", "shade"])
    table = found.operation[found.operation["quantity"] == "share_in_kw"]
    taken = table.groupby("building")["value"].max()
    assert taken["shade"] == pytest.approx(30.0 if shares else 0.0, abs=1e-6)
    spent = found.costs[found.costs["component"] == "sharing"]["cost_per_year"].sum()
    assert spent == pytest.approx(2 * fee * 30.0 * 8760.0 if shares else 0.0, abs=1e-3)


def test_whole_days_stand_alone() -> None:
    """Two days that weigh the same as one give its cost; a tank carries nothing between days."""
    hour = np.arange(24)
    heat = np.where(hour < 12, 60.0, 5.0)
    tank = {"cost_per_kwh": 2.0, "life_years": 20, "max_kwh": 500.0}
    design = spec({"boiler": FREE_BOILER | {"cost_per_kw": 90.0}, "heat_storage": tank})
    limits = {"heat_storage": (0.0, 500.0)}

    def cost(weights: tuple[float, ...]) -> float:
        n = len(weights)
        house = building(
            "house", design, {"heat": np.tile(heat, n)}, flat(0.3, n), None, GAS, limits=limits
        )
        found = solve_design(problem(design, weights, [house]), ["house"])
        content = series(found, "heat_storage", "heat", "state_of_charge_kwh").reshape(n, 24)
        into = series(found, "heat_storage", "heat", "charge_kw").reshape(n, 24)
        out = series(found, "heat_storage", "heat", "discharge_kw").reshape(n, 24)
        for day, hour_ in product(range(n), range(24)):
            expected = 0.995 * content[day, hour_ - 1] + 0.95 * into[day, hour_]
            expected -= out[day, hour_] / 0.95
            assert content[day, hour_] == pytest.approx(expected, abs=1e-5)
        return found.cost_per_year

    assert cost((365.0,)) == pytest.approx(cost((200.0, 165.0)), rel=1e-8)
    assert cost((365.0,)) == pytest.approx(cost((365.0, 0.0)), rel=1e-8)
