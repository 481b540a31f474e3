"""What each pair of participants pays over the horizon, so that everybody ends up where agreed.

Between two parties only the sum over steps and carriers moves money between accounts, and any sum
from "always the lower bound" to "always the upper bound" can be had by prices inside the bounds.
So one payment per pair, carrier and direction is decided here, and `pair_prices` spreads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.contrib.solver.common.factory import SolverFactory

from cosim.errors import SettlementError
from cosim.records.time import FloatArray

FIXED = 1e-7
"""Share of the largest gain below which a player's gain counts as unable to rise."""
LOSING = (
    "no prices inside their bounds keep everyone from losing against staying alone; widen "
    "bargaining.prices.bounds or use bargaining.prices.rule: lump_sum"
)


@dataclass(frozen=True, slots=True)
class Money:
    """Accounts as linear functions of the payments of pairs.

    received = offset + matrix @ payment, by account; positive means the account receives money.

    Attributes:
        accounts: players or participants, length m.
        matrix: shape (m, n).
        offset: shape (m,).
        least: smallest payment of each pair, shape (n,).
        most: largest, shape (n,).
        reference: payment at mid-market rates, shape (n,).
        energy_kwh: energy of each pair, shape (n,), positive.
    """

    accounts: tuple[str, ...]
    matrix: FloatArray
    offset: FloatArray
    least: FloatArray
    most: FloatArray
    reference: FloatArray
    energy_kwh: FloatArray


def nearest_payments(money: Money, target: FloatArray) -> tuple[FloatArray, float]:
    """Return payments that leave accounts as close to their targets as bounds allow.

    Args:
        money: accounts and bounds.
        target: what each account should receive, shape (m,).

    Returns:
        Payments, shape (n,), and the least sum of |received - target|; 0 where targets are reached.
    """
    model = _model(money)
    m = range(len(money.accounts))
    model.above = pyo.Var(m, bounds=(0.0, None))
    model.below = pyo.Var(m, bounds=(0.0, None))
    model.reach = pyo.Constraint(
        m,
        rule=lambda b, i: _received(b, money, i) + b.below[i] - b.above[i] == float(target[i]),
        doc="what an account receives, and by how much it misses its target",
    )
    model.objective = pyo.Objective(expr=sum(model.above[i] + model.below[i] for i in m))
    missed = _solve(model)
    return _payments(model, money), missed


def fitting_payments(
    money: Money, target: FloatArray, member: FloatArray, sums: FloatArray, tolerance: float
) -> FloatArray:
    """Return payments that keep the sums of groups and leave accounts close to their targets.

    min sum (received - target)^2 subject to member @ received = sums (within `tolerance`).

    Args:
        money: accounts and bounds.
        target: what each account should receive, shape (m,).
        member: 1 where an account belongs to a group, shape (g, m).
        sums: what each group has to receive, shape (g,).
        tolerance: of the sums.

    Raises:
        SettlementError: if the bounds do not allow the sums.
    """
    model = _model(money)
    m = range(len(money.accounts))
    model.received = pyo.Var(m)
    model.account = pyo.Constraint(
        m,
        rule=lambda b, i: b.received[i] == _received(b, money, i),
        doc="what an account receives",
    )
    model.group = pyo.Constraint(
        range(len(sums)),
        rule=lambda b, g: (
            float(sums[g]) - tolerance,
            pyo.quicksum(b.received[int(i)] for i in np.flatnonzero(member[g])),
            float(sums[g]) + tolerance,
        ),
        doc="every group receives what was agreed",
    )
    model.objective = pyo.Objective(
        expr=sum((model.received[i] - float(target[i])) ** 2 for i in m)
    )
    _solve(model)
    return _payments(model, money)


def closest_payments(money: Money, target: FloatArray, tolerance: float) -> FloatArray:
    """Return payments that reach the targets and are closest to mid-market rates.

    min sum (payment - reference)^2 / energy subject to received = target (within `tolerance`) and
    least <= payment <= most: the energy-weighted squared distance of mean prices from the
    reference.

    Raises:
        SettlementError: if the bounds do not allow the targets; ask `shortfall` first.
    """
    model = _model(money)
    m, n = range(len(money.accounts)), range(len(money.least))
    model.reach = pyo.Constraint(
        m,
        rule=lambda b, i: (
            float(target[i]) - tolerance,
            _received(b, money, i),
            float(target[i]) + tolerance,
        ),
        doc="every account receives what was agreed",
    )
    model.objective = pyo.Objective(
        expr=sum(
            (model.payment[k] - float(money.reference[k])) ** 2 / float(money.energy_kwh[k])
            for k in n
        )
    )
    _solve(model)
    return _payments(model, money)


def fairest_received(money: Money, disagreement: FloatArray, weights: FloatArray) -> FloatArray:
    """Return what accounts receive at the weighted log-Nash point inside the bounds.

    max sum weight_i log(received_i - disagreement_i). With one bounded payment per pair the sets
    of accounts can receive what a flow between them can carry: the bases of a submodular system, on
    which the lexicographic max-min of gain / weight is that point. It is found by successive linear
    programmes.

    Args:
        money: accounts and bounds.
        disagreement: what each must receive not to be worse off than alone, shape (m,).
        weights: bargaining power, shape (m,), not negative; accounts with weight 0 just keep from
            losing.

    Returns:
        Received by account, shape (m,).

    Source: lexicographically optimal bases, Fujishige (1980), doi:10.1287/moor.5.2.186.

    Raises:
        SettlementError: if no prices inside the bounds keep everyone from losing.
    """
    fixed: dict[int, float] = {}
    zero = [i for i, weight in enumerate(weights) if weight <= 0.0]
    open_ = [i for i in range(len(weights)) if i not in zero]
    floor = {i: float(disagreement[i]) for i in zero}
    while open_:
        level = _raise_level(money, disagreement, weights, open_, fixed, floor)
        if level * float(max(weights)) < -_slack(money):
            raise SettlementError(LOSING)
        stuck = [
            i
            for i in open_
            if _most(money, i, disagreement, weights, open_, fixed, floor, level)
            <= level + FIXED * max(1.0, abs(level))
        ]
        for i in stuck or open_[:1]:
            fixed[i] = float(disagreement[i] + weights[i] * level)
            open_.remove(i)
    result = np.array([fixed.get(i, float(disagreement[i])) for i in range(len(weights))])
    for i in zero:
        result[i] = _best_zero(money, i, fixed, floor)
        fixed[i] = float(result[i])
    return result


def _model(money: Money) -> Any:
    model = pyo.ConcreteModel()
    bounds = list(zip(money.least.tolist(), money.most.tolist(), strict=True))
    model.payment = pyo.Var(range(len(bounds)), bounds=lambda _, k: bounds[k])
    model.one = pyo.Var(bounds=(1.0, 1.0))
    return model


def _payments(model: Any, money: Money) -> FloatArray:
    """Return payments; the reference where one moves nothing between accounts."""
    free = {k for k in range(len(money.least)) if model.payment[k].value is None}
    found = np.array(
        [
            money.reference[k] if k in free else model.payment[k].value
            for k in range(len(money.least))
        ]
    )
    clipped: FloatArray = np.clip(found, money.least, money.most)
    return clipped


def _received(model: Any, money: Money, i: int) -> Any:
    row = money.matrix[i]
    used = np.flatnonzero(row)
    terms = [float(row[k]) * model.payment[int(k)] for k in used]
    return pyo.quicksum([float(money.offset[i]) * model.one, *terms])


def _limited(
    money: Money, fixed: Mapping[int, float], floor: Mapping[int, float], slack: float
) -> Any:
    model = _model(money)
    model.kept = pyo.Constraint(
        list(fixed),
        rule=lambda b, i: _received(b, money, i) >= fixed[i] - slack,
        doc="nobody falls back from what was reached",
    )
    model.safe = pyo.Constraint(
        [i for i in floor if i not in fixed],
        rule=lambda b, i: _received(b, money, i) >= floor[i] - slack,
        doc="nobody loses",
    )
    return model


def _slack(money: Money) -> float:
    return 1e-9 * max(1.0, float(np.abs(money.most).sum()))


def _raise_level(
    money: Money,
    disagreement: FloatArray,
    weights: FloatArray,
    open_: Sequence[int],
    fixed: Mapping[int, float],
    floor: Mapping[int, float],
) -> float:
    """Return the highest gain per weight that all open accounts can have at once."""
    model = _limited(money, fixed, floor, _slack(money))
    model.level = pyo.Var()
    model.gain = pyo.Constraint(
        list(open_),
        rule=lambda b, i: (
            _received(b, money, i) - float(disagreement[i]) >= float(weights[i]) * b.level
        ),
        doc="gain per weight is at least the level",
    )
    model.objective = pyo.Objective(expr=model.level, sense=pyo.maximize)
    return float(_solve(model))


def _most(
    money: Money,
    i: int,
    disagreement: FloatArray,
    weights: FloatArray,
    open_: Sequence[int],
    fixed: Mapping[int, float],
    floor: Mapping[int, float],
    level: float,
) -> float:
    """Return the highest gain per weight of one account while the others keep the level."""
    model = _limited(money, fixed, floor, _slack(money))
    model.gain = pyo.Constraint(
        [j for j in open_ if j != i],
        rule=lambda b, j: (
            _received(b, money, j) - float(disagreement[j])
            >= float(weights[j]) * level - _slack(money)
        ),
        doc="the others keep the level",
    )
    model.objective = pyo.Objective(expr=_received(model, money, i), sense=pyo.maximize)
    return float((_solve(model) - disagreement[i]) / weights[i])


def _best_zero(
    money: Money, i: int, fixed: Mapping[int, float], floor: Mapping[int, float]
) -> float:
    model = _limited(money, fixed, floor, _slack(money))
    model.objective = pyo.Objective(expr=_received(model, money, i), sense=pyo.maximize)
    return float(_solve(model))


def _solve(model: Any) -> float:
    solver = SolverFactory("highs")
    solver.config.raise_exception_on_nonoptimal_result = False
    solver.config.load_solutions = False
    result = solver.solve(model)
    if "optimal" not in str(result.solution_status).lower():
        raise SettlementError(LOSING)
    result.solution_loader.load_vars()
    return float(pyo.value(model.objective))
