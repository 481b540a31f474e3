"""The market of `community.town` written straight into arrays, without Pyomo and without cosim.

One block of columns per quantity and participant; fuel, CHP heat and gas are substituted. For the
comparison of times: what HiGHS alone needs on this model.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from cosim.scenario import Scenario

FULL, LOSS, RECOVERED = 0.38, 0.05, 0.87
"""Defaults of a CHP unit."""
INF = np.inf
Term = tuple[int, float]
"""Column and coefficient."""


class Rows:
    """Columns and rows, gathered one by one."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.upper: list[float] = []
        self.binary: list[bool] = []
        self.entries: list[tuple[int, int, float]] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def columns(self, upper: Any, cost: Any, *, steps: int, binary: bool = False) -> np.ndarray:
        first = len(self.cost)
        self.cost += np.broadcast_to(cost, steps).tolist()
        self.upper += np.broadcast_to(upper, steps).tolist()
        self.binary += [binary] * steps
        return np.arange(first, first + steps)

    def row(self, terms: Iterable[Term], low: float, high: float) -> None:
        self.entries += [(len(self.low), int(column), value) for column, value in terms]
        self.low.append(low)
        self.high.append(high)

    def solver(self, gap: float) -> highspy.Highs:
        row, column, value = (np.array(part) for part in zip(*self.entries, strict=True))
        shape = (len(self.low), len(self.cost))
        matrix = sparse.csr_array(sparse.coo_array((value, (row, column)), shape=shape))
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = shape
        lp.col_cost_, lp.col_upper_ = np.array(self.cost), np.array(self.upper)
        lp.col_lower_ = np.zeros(shape[1])
        lp.row_lower_, lp.row_upper_ = np.array(self.low), np.array(self.high)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
        lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
        lp.a_matrix_.value_ = matrix.data
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(flag)] for flag in self.binary]
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        solver.setOptionValue("mip_rel_gap", gap)
        solver.passModel(lp)
        return solver


def town_by_hand(case: Scenario) -> Rows:
    """Return the market of a town, everyone sharing."""
    rows, steps = Rows(), len(case.time)
    pools: dict[str, list[list[Term]]] = {
        c: [[] for _ in range(steps)] for c in ("electricity", "heat")
    }
    for participant in case.config.participants.values():
        balances: dict[str, list[list[Term]]] = {c: [[] for _ in range(steps)] for c in pools}
        for carrier, pool in pools.items():
            _trade(rows, case, carrier, balances[carrier], pool)
        for spec in participant.devices.values():
            _ADD[spec.type](rows, case, spec, participant, balances)
        for carrier, terms in balances.items():
            demand = case.series(participant.demand[carrier])
            for t in range(steps):
                rows.row(terms[t], demand[t], demand[t])
    for pool in pools.values():
        for terms in pool:
            rows.row(terms, 0.0, 0.0)
    return rows


def _paid(case: Scenario, carrier: Any) -> np.ndarray:
    tariff = case.config.tariffs[carrier]
    return case.series(tariff.buy) + case.config.carbon.tax_per_t / 1000 * tariff.co2_kg_per_kwh


def _trade(
    rows: Rows, case: Scenario, carrier: Any, balance: list[list[Term]], pool: list[list[Term]]
) -> None:
    steps, h, limit = len(case.time), case.time.step_h, 500.0
    fee = case.config.sharing[carrier].fee_per_kwh
    sell_price = float(case.config.tariffs[carrier].sell)  # type: ignore[arg-type]
    buy = rows.columns(limit, h * _paid(case, carrier), steps=steps)
    sell = rows.columns(limit, -h * sell_price, steps=steps)
    taken = rows.columns(limit, h * fee, steps=steps)
    given = rows.columns(limit, h * fee, steps=steps)
    for t in range(steps):
        balance[t] += [(buy[t], 1.0), (sell[t], -1.0), (taken[t], 1.0), (given[t], -1.0)]
        pool[t] += [(given[t], 1.0), (taken[t], -1.0)]
        rows.row([(buy[t], 1.0), (taken[t], 1.0)], -INF, limit)
        rows.row([(sell[t], 1.0), (given[t], 1.0)], -INF, limit)


def _pv(rows: Rows, case: Scenario, spec: Any, _: Any, balances: Any) -> None:
    made = rows.columns(spec.rated_kw * case.series(spec.profile), 0.0, steps=len(case.time))
    for t, column in enumerate(made):
        balances["electricity"][t].append((column, 1.0))


def _heat_pump(rows: Rows, case: Scenario, spec: Any, _: Any, balances: Any) -> None:
    power = rows.columns(spec.electric_max_kw, 0.0, steps=len(case.time))
    for t, column in enumerate(power):
        balances["electricity"][t].append((column, -1.0))
        balances["heat"][t].append((column, spec.cop))


def _boiler(rows: Rows, case: Scenario, spec: Any, _: Any, balances: Any) -> None:
    cost = case.time.step_h * _paid(case, "gas") / spec.eta
    for t, column in enumerate(rows.columns(spec.heat_max_kw, cost, steps=len(case.time))):
        balances["heat"][t].append((column, 1.0))


def _chp(rows: Rows, case: Scenario, spec: Any, _: Any, balances: Any) -> None:
    steps, h = len(case.time), case.time.step_h
    most, up = spec.power_max_kw, round(spec.up_time_min_h / h)
    cost = h * (_paid(case, "gas") / FULL + spec.maintenance_per_kwh)
    power = rows.columns(most, cost, steps=steps)
    online = rows.columns(1.0, 0.0, steps=steps, binary=True)
    start = rows.columns(1.0, spec.start_cost, steps=steps)
    for t in range(steps):
        balances["electricity"][t].append((power[t], 1.0))
        heat = RECOVERED * ((1.0 - LOSS) / FULL - 1.0)
        balances["heat"][t].append((power[t], heat))
        rows.row([(power[t], 1.0), (online[t], -0.5 * most)], 0.0, INF)
        rows.row([(power[t], 1.0), (online[t], -most)], -INF, 0.0)
        before = [(online[t - 1], -1.0)] if t else []
        rows.row([(online[t], 1.0), *before, (start[t], -1.0)], -INF, 0.0)
        recent = [(start[k], 1.0) for k in range(max(t - up + 1, 0), t + 1)]
        rows.row([*recent, (online[t], -1.0)], -INF, 0.0)


def _storage(carrier: str) -> Any:
    def add(rows: Rows, case: Scenario, spec: Any, _: Any, balances: Any) -> None:
        steps, h, size = len(case.time), case.time.step_h, spec.capacity_kwh
        charge = rows.columns(0.5 * size, 0.0, steps=steps)
        discharge = rows.columns(0.5 * size, 0.0, steps=steps)
        energy = rows.columns(size, 0.0, steps=steps)
        kept = (1.0 - spec.self_discharge_per_h) ** h
        for t in range(steps):
            balances[carrier][t] += [(discharge[t], 1.0), (charge[t], -1.0)]
            flows = [(charge[t], -0.95 * h), (discharge[t], h / 0.95)]
            rows.row([(energy[t], 1.0), (energy[t - 1], -kept), *flows], 0.0, 0.0)

    return add


def _shift(rows: Rows, case: Scenario, spec: Any, participant: Any, balances: Any) -> None:
    steps = len(case.time)
    most = 0.2 * case.series(participant.demand["electricity"])
    up = rows.columns(most, 0.0, steps=steps)
    down = rows.columns(most, case.time.step_h * spec.cost_per_kwh, steps=steps)
    for t in range(steps):
        balances["electricity"][t] += [(down[t], 1.0), (up[t], -1.0)]
    length = round(24.0 / case.time.step_h)
    for first in range(0, steps, length):
        window = range(first, min(first + length, steps))
        rows.row([term for t in window for term in ((up[t], 1.0), (down[t], -1.0))], 0.0, 0.0)


_ADD: dict[str, Any] = {
    "pv": _pv, "heat_pump": _heat_pump, "boiler": _boiler, "chp": _chp, "shiftable_demand": _shift,
    "battery": _storage("electricity"), "heat_storage": _storage("heat"),
}  # fmt: skip
