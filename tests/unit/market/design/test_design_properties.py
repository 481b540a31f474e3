"""What every design keeps, whatever the case: balances, limits, and that choice never hurts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.market.design import DesignProblem, solve_design
from cosim.market.design.problem import Pool
from cosim.records.design import Design
from tests.support.buildings import building, problem, route, spec

NAMES = ("hotel", "office")
CHP = {
    "name": "engine", "power_kw": 50.0, "cost": 40_000.0, "life_years": 12, "eta_el": 0.35,
    "eta_el_part": 0.31, "load_min": 0.5, "maintenance_per_kwh": 0.01, "count_max": 2,
}  # fmt: skip
OFFERS: dict[str, Any] = {
    "chp": [CHP],
    "boiler": {"cost_fixed": 300.0, "cost_per_kw": 60.0, "life_years": 15},
    "chiller": {"cost_per_kw": 200.0, "life_years": 15, "eer": 4.0},
    "absorption_chiller": {"cost_per_kw": 260.0, "life_years": 15, "cop": 0.7},
    "heat_pump": {"cost_fixed": 900.0, "cost_per_kw": 500.0, "life_years": 15, "cop": 3.0},
    "pv": {"cost_per_kw": 700.0, "life_years": 25, "profile": 0.5, "max_kw": 60.0},
    "battery": {"cost_per_kwh": 150.0, "life_years": 12, "max_kwh": 100.0},
    "heat_storage": {"cost_per_kwh": 20.0, "life_years": 20, "max_kwh": 300.0},
}
SMOOTH = OFFERS | {"chp": [{**CHP, "load_min": 0.0, "eta_el_part": None}]}
"""Without thresholds only what is bought is whole, so that designs are proven in no time."""
SIGNS = {
    "generation_kw": 1.0, "discharge_kw": 1.0, "import_kw": 1.0, "share_in_kw": 1.0,
    "pipe_in_kw": 1.0, "consumption_kw": -1.0, "charge_kw": -1.0, "dumped_kw": -1.0,
    "export_kw": -1.0, "share_out_kw": -1.0, "pipe_out_kw": -1.0, "pump_kw": -1.0,
    "demand_kw": -1.0,
}  # fmt: skip


def random_case(
    seed: int, offers: dict[str, Any], pooled: bool, weights: tuple[float, ...] = (365.0,)
) -> DesignProblem:
    """Return two buildings whose demands change at random every four hours."""
    rng = np.random.default_rng(seed)
    design = spec(offers, solver={"gap": 1e-2, "time_limit_s": 120.0})
    days, hour = len(weights), np.arange(24)
    steps = 24 * days
    sun = np.tile(np.clip(np.sin((hour - 6) / 12 * np.pi), 0.0, None), days)
    buy = np.tile(np.where((hour > 7) & (hour < 21), 0.3, 0.12), days)

    def kw(most: float) -> np.ndarray:
        return most * rng.uniform(0.2, 1.0) * np.repeat(rng.uniform(0.5, 1.0, steps // 4), 4)

    series = {"chiller": np.full(steps, 4.0), "heat_pump": np.full(steps, 3.0), "pv": sun}
    limits = {"pv": (0.0, 60.0), "battery": (0.0, 100.0), "heat_storage": (0.0, 300.0)}
    houses = [
        building(
            name,
            design,
            {"electricity": kw(80.0), "heat": kw(120.0), "cooling": kw(50.0)},
            buy,
            np.full(steps, 0.08),
            float(rng.uniform(0.04, 0.08)),
            {kind: values for kind, values in series.items() if kind in offers},
            limits,
        )
        for name in NAMES
    ]
    pipe = route("pipe", *NAMES, [(50, 80.0, 2.0, 0.004, float(rng.uniform(0.0, 3000.0)))])
    pool = Pool(0.001, 0.01) if pooled else None
    return problem(design, weights, houses, [pipe], pool)


def imbalance_kw(design: Design) -> float:
    """Return the largest error of any building's balance from the operation table."""
    table = design.operation[design.operation["quantity"].isin(SIGNS)]
    signed = table["value"] * table["quantity"].map(SIGNS)
    keys = [table[c] for c in ("building", "carrier", "day", "hour")]
    return float(signed.groupby(keys).sum().abs().max())


def check_units(design: Design) -> None:
    """Every device stays within what was bought."""
    bought = {(u.building, u.device): u for u in design.units}
    wide = design.operation.pivot_table(
        index=["building", "device", "day", "hour"], columns=["carrier", "quantity"], values="value"
    )
    for (place, device), rows in wide.groupby(level=["building", "device"]):
        unit = bought.get((place, device))
        if device == "":
            continue
        size = 0.0 if unit is None else unit.size * unit.count
        if device == "engine":
            power, online = (rows["electricity", q] for q in ("generation_kw", "online"))
            assert power.max() <= size + 1e-4
            assert (online.round() == online.round(6)).all()
            assert (power <= 50.0 * online + 1e-4).all()
            assert (power >= 25.0 * online - 1e-4).all()
        elif device in ("battery", "heat_storage"):
            content = rows.xs("state_of_charge_kwh", axis=1, level=1)
            assert content.to_numpy()[~np.isnan(content.to_numpy())].max() <= size + 1e-3
            charge = rows.xs("charge_kw", axis=1, level=1).max(axis=1)
            discharge = rows.xs("discharge_kw", axis=1, level=1).max(axis=1)
            assert np.minimum(charge, discharge).max() <= 2e-3
        else:
            output = rows.xs("generation_kw", axis=1, level=1).max(axis=1)
            assert output.max() <= size + 1e-4


@settings(max_examples=3, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.booleans())
def test_balances_close_and_nothing_exceeds_its_size(seed: int, pooled: bool) -> None:
    case = random_case(seed, OFFERS, pooled, (365.0, 0.0))
    design = solve_design(case, NAMES)
    assert imbalance_kw(design) < 1e-4
    check_units(design)
    if len(design.flows):
        flows = design.flows
        assert np.allclose(flows["from_kw"] - flows["to_kw"], flows["loss_kw"], atol=1e-6)
        assert flows[["from_kw", "to_kw"]].abs().max().max() <= 80.0 + 1e-4
    assert design.bound_per_year <= design.cost_per_year + 1e-6
    assert design.gap <= 1e-2 + 1e-9


@settings(max_examples=3, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from(["chp", "heat_pump", "heat_storage", "pipe", "pv"]))
def test_removing_a_candidate_never_lowers_the_cost(seed: int, gone: str) -> None:
    case = random_case(seed, SMOOTH, pooled=False)
    best = solve_design(case, NAMES)
    if gone == "pipe":
        less = replace(case, candidates=())
    else:
        less = random_case(seed, {k: v for k, v in SMOOTH.items() if k != gone}, False)
    assert solve_design(less, NAMES).cost_per_year >= best.bound_per_year * (1.0 - 1e-9)


@settings(max_examples=3, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_costs_are_subadditive(seed: int) -> None:
    case = random_case(seed, SMOOTH, pooled=False)
    apart = sum(solve_design(case, [name]).cost_per_year for name in NAMES)
    assert solve_design(case, NAMES).bound_per_year <= apart * (1.0 + 1e-9)


def test_operation_has_every_hour_once() -> None:
    design = solve_design(random_case(1, OFFERS, pooled=True), NAMES)
    keys = ["day", "hour", "building", "device", "carrier", "quantity"]
    assert not design.operation.duplicated(keys).any()
    assert isinstance(design.operation, pd.DataFrame)
    assert (design.operation["value"] >= -1e-6).all()
