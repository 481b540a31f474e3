"""Followers negotiate their answer to prices: the same cost as solved centrally."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.api.leading.admm import search_with_admm, split_at
from cosim.market import Market
from cosim.market.leader.from_market import game_of
from cosim.market.leader.problem import LeaderSettings
from cosim.scenario.bargaining import Distributed
from cosim.settlement.admm import Admm, AdmmSettings
from tests.unit.market.test_market_leader import alone, case

PRICES = np.array([0.06, 0.10, 0.10, 0.21, 0.45, 0.40])


@pytest.mark.parametrize("followers", ["cooperating", "independent"])
def test_a_negotiated_answer_costs_what_a_central_one_does(followers: str) -> None:
    game = game_of(Market(case(followers=followers), {}))
    found = [
        Admm(split_at(game, k, PRICES), AdmmSettings(1e-5, 1000, 1e-3)).run()
        for k in range(len(game.problem.followers))
    ]
    assert all(one.converged for one in found)
    assert sum(one.cost for one in found) == pytest.approx(alone(game, PRICES), rel=1e-3)


def test_a_search_with_it_earns_something_and_says_how_it_was_scored() -> None:
    prices = {
        "electricity": {
            "buy": {"min": 0.0, "max": 0.1},
            "sell": {"min": 0.1, "max": 0.5},
            "service_fee_per_kwh": 0.01,
        }
    }
    game = game_of(Market(case(prices=prices), {}))
    settings = LeaderSettings(
        method="evolutionary", population=6, generations=3, seed=3, time_limit_s=60.0
    )
    found = search_with_admm(game, settings, Distributed(tolerance=1e-4))
    assert found.profit_optimistic > 0.0
    assert any("inner game" in note for note in found.notes)
