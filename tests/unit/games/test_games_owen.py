"""The dual allocation on small markets whose coalitions are all solved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from cosim.errors import GameError
from cosim.games import Game, OwnedDuals, core_excess, owen

Floats = NDArray[np.float64]


@dataclass
class Market:
    """Each member meets its demand from two own plants, buying, and a pool that sums to zero.

    Columns per member: cheap plant, dear plant, from the pool (either sign). Rows: one demand
    per member, then the pool balance.
    """

    cost: Floats
    cap: Floats
    demand: Floats
    limit: float = np.inf

    def rows(self, members: list[int]) -> Floats:
        """Demand rows of the members, and the pool row, over their columns."""
        width = 3 * len(members)
        rows = np.zeros((len(members) + 1, width))
        for k in range(len(members)):
            rows[k, 3 * k : 3 * k + 3] = 1.0
            rows[-1, 3 * k + 2] = 1.0
        return rows

    def solve(self, members: list[int]) -> tuple[float, OwnedDuals, OwnedDuals]:
        cost = np.column_stack([self.cost, np.zeros(len(self.cost))])[members].ravel()
        upper = np.column_stack([self.cap, np.full(len(self.cap), 1e3)])[members].ravel()
        lower = np.zeros_like(upper)
        lower[2::3] = -1e3
        right = np.append(self.demand[members], 0.0)
        trade = np.zeros((1, len(cost)))
        trade[0, 0] = 1.0
        answer = linprog(
            cost,
            A_eq=self.rows(members),
            b_eq=right,
            A_ub=trade if np.isfinite(self.limit) else None,
            b_ub=[self.limit] if np.isfinite(self.limit) else None,
            bounds=np.column_stack([lower, upper]),
        )
        assert answer.status == 0
        extra = answer.ineqlin.marginals if np.isfinite(self.limit) else np.zeros(0)
        rows = OwnedDuals.of(
            [*answer.eqlin.marginals, *extra],
            [*right, *(-np.inf for _ in extra)],
            [*right, *(self.limit for _ in extra)],
            [*range(len(members)), -1, *(-1 for _ in extra)],
        )
        reduced = answer.lower.marginals + answer.upper.marginals
        owners = np.repeat(np.arange(len(members)), 3)
        return float(answer.fun), rows, OwnedDuals.of(reduced, lower, upper, owners)


def random_market(players: int, seed: int) -> Market:
    rng = np.random.default_rng(seed)
    cost = np.sort(rng.random((players, 2)) * 10, axis=1)
    demand = rng.random(players) * 5 + 1
    cap = np.column_stack([rng.random(players) * 8, np.full(players, 20.0)])
    return Market(cost, cap, demand)


@pytest.mark.parametrize("seed", range(12))
def test_dual_allocation_is_efficient_and_in_the_core(seed: int) -> None:
    players = 3 + seed % 4
    market = random_market(players, seed)
    alone = {i: market.solve([i])[0] for i in range(players)}

    def saving(coalition: frozenset[int]) -> float:
        return sum(alone[i] for i in coalition) - market.solve(sorted(coalition))[0]

    game = Game(range(players), saving)
    total, rows, columns = market.solve(list(range(players)))
    x = owen(range(players), alone, rows, columns, total_cost=total)
    assert x.sum() == pytest.approx(game.total, abs=1e-8)
    assert x.attrs["gap"] == pytest.approx(0.0, abs=1e-8)
    assert x.attrs["rent"] == pytest.approx(0.0, abs=1e-8)
    test = core_excess(game, x, tolerance=1e-7)
    assert test.in_core
    assert test.excess <= x.attrs["epsilon"] + 1e-7


def test_rent_of_a_shared_limit_has_to_be_assigned() -> None:
    market = random_market(4, 2)
    market.limit = 0.5 * float(market.cap[0, 0])
    market.cost[0, 0] = 0.01
    alone = dict.fromkeys(range(4), 50.0)
    total, rows, columns = market.solve([0, 1, 2, 3])
    with pytest.raises(GameError, match="expected rent_weights by player"):
        owen(range(4), alone, rows, columns)
    x = owen(range(4), alone, rows, columns, rent_weights={0: 1, 1: 0, 2: 0, 3: 0})
    even = owen(range(4), alone, rows, columns, rent_weights=dict.fromkeys(range(4), 1))
    assert x.attrs["rent"] < 0
    assert x.sum() == pytest.approx(200 - total)
    assert x[0] - even[0] == pytest.approx(-0.75 * x.attrs["rent"])
    assert x.attrs["epsilon"] == pytest.approx(-x.attrs["rent"])


def test_duality_gap_is_spread_evenly() -> None:
    market = random_market(4, 7)
    total, rows, columns = market.solve([0, 1, 2, 3])
    alone = dict.fromkeys(range(4), 50.0)
    exact = owen(range(4), alone, rows, columns)
    x = owen(range(4), alone, rows, columns, total_cost=total + 0.8)
    assert (exact - x).tolist() == pytest.approx([0.2] * 4)
    assert x.attrs["gap"] == pytest.approx(0.8)
    assert x.attrs["epsilon"] == pytest.approx(0.6)


def test_open_limits_are_worth_nothing() -> None:
    duals = OwnedDuals.of([0.0, 1e-14, -2.0], [-np.inf] * 3, [np.inf, np.inf, 3.0], [0, 0, 0])
    assert duals.worth().tolist() == [0.0, 0.0, -6.0]


def test_refusals() -> None:
    none = OwnedDuals.of([], [], [], [])
    with pytest.raises(GameError, match="expected the same length"):
        OwnedDuals.of([1.0], [0.0, 1.0], [1.0], [0])
    with pytest.raises(GameError, match=r"owner: 2; expected -1 \(shared\) to 1"):
        owen("ab", {"a": 1, "b": 1}, OwnedDuals.of([1.0], [0.0], [1.0], [2]), none)
