"""Prices that support a trade, the bound that comes with them, and limits of trade, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.market.leader.offers import with_offers
from cosim.market.leader.problem import LeaderProblem, LeaderSettings
from cosim.market.leader.respond import Responses
from cosim.market.leader.solve import solve_leader
from cosim.market.leader.support import support_starts, supporting_prices, welfare_bound
from tests.support.leader_cases import Sheet, game

WORTH = (0.8, 0.5)
WANTED = (3.0, 4.0)
COST = 0.3


def shop(dearest: float = 1.0, most: float = np.inf) -> LeaderProblem:
    """One follower who buys 3 units worth .8 and 4 worth .5 each; the leader makes them for .3."""
    leader, buyer = Sheet(), Sheet()
    made = leader.col(0.0, most, COST)
    leader.row({made: 1.0}, 0.0, 0.0)
    for units, worth in zip(WANTED, WORTH, strict=True):
        column = buyer.col(0.0, units, -worth)
        buyer.priced.append((0, column, 1.0))
        buyer.linked.append((0, column, -1.0))
    return game(leader, [("buyer", buyer)], [0.0], [dearest])


@pytest.mark.parametrize(
    ("bought", "price"),
    [((3.0, 0.0), 0.8), ((3.0, 2.0), 0.5), ((3.0, 4.0), 0.5), ((1.0, 0.0), 0.8)],
)
def test_the_dearest_price_that_a_purchase_bears(bought: tuple[float, float], price: float) -> None:
    found = supporting_prices(shop(), [np.array(bought)])
    assert found is not None
    assert found.prices == pytest.approx([price])
    assert found.outside == pytest.approx([0.0])


def test_a_price_that_would_have_to_be_dearer_than_allowed_is_told() -> None:
    # Only the first units are bought from .5 on; .4 is the most that may be asked.
    found = supporting_prices(shop(dearest=0.4), [np.array([3.0, 0.0])])
    assert found is not None
    assert found.prices + found.outside == pytest.approx([0.5])


def test_nothing_supports_a_purchase_out_of_order() -> None:
    assert supporting_prices(shop(), [np.array([0.0, 4.0])]) is None


def test_starts_hold_the_best_trade_for_all_at_its_dearest_price() -> None:
    starts = support_starts(Responses(shop(), 1e-7))
    assert any(prices == pytest.approx([0.5]) for prices in starts)


@pytest.mark.parametrize("most", [np.inf, 2.0, 5.0])
def test_nobody_earns_more_than_the_bound(most: float) -> None:
    problem = shop(most=most)
    bound = welfare_bound(Responses(problem, 1e-7))
    units = min(most, 7.0)
    gain = 0.5 * min(units, 3.0) + 0.2 * max(units - 3.0, 0.0)
    assert bound == pytest.approx(gain)
    profit = max((p - COST) * min(most, sum(w for w, v in zip(WANTED, WORTH, strict=True) if v > p))
                 for p in np.linspace(0.0, 0.9999, 3001))  # fmt: skip
    assert profit <= bound


def test_offers_limit_what_followers_have() -> None:
    limited = Responses(with_offers(shop(), np.array([1.5])), 1e-7)
    reply, costs = limited.rationed(np.array([0.4]))
    assert sum(reply.y[0]) == pytest.approx(1.5)
    assert reply.profit == pytest.approx(1.5 * (0.4 - COST))
    assert costs == pytest.approx([1.5 * (0.4 - 0.8)])


def test_a_leader_that_cannot_make_all_that_is_wanted_says_how_much_it_sells() -> None:
    """Below .8 the buyer wants 3, the plant makes 2: no price alone gives 2."""
    nudge = 1e-3
    found = solve_leader(shop(most=2.0), LeaderSettings(nudge=nudge, time_limit_s=10.0))
    assert found.prices == pytest.approx([0.8])
    assert found.profit_optimistic == pytest.approx(2.0 * 0.5, rel=1e-5)
    assert found.offers == pytest.approx([2.0], abs=1e-5)
    # The nudge makes it the only best response within the offer.
    assert found.profit_nudged == pytest.approx(2.0 * (0.5 - nudge), rel=1e-4)
    assert found.profit_simulated == pytest.approx(found.profit_nudged, rel=1e-4)


def test_where_the_plant_makes_all_there_is_no_limit() -> None:
    found = solve_leader(shop(), LeaderSettings(time_limit_s=10.0))
    assert found.offers is None
    assert found.profit_nudged == pytest.approx(1.5, rel=1e-3)
