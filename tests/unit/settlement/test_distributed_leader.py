"""Without a centre at announced prices: followers find their answer, the leader has no say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cosim.errors import SettlementError
from cosim.market.announced import Announced, AnnouncedMarket, price_keys
from cosim.market.leader.from_market import followers_of
from cosim.market.market import Market
from cosim.records import Cut, CutKey, LossLine, Schedule
from cosim.settlement.admm import Admm, AdmmResult, AdmmSettings
from cosim.settlement.peer import Agreement, negotiated
from tests.unit.market.test_market_leader import STEPS, at, case
from tests.unit.settlement.test_peer_prices import flat, trades

BUY, SELL = [0.10] * STEPS, [0.40] * STEPS


def agreed(market: AnnouncedMarket, solved: Schedule) -> AdmmResult:
    found = Admm(market.split(solved), AdmmSettings(1e-5, 3000, 1e-2)).run()
    assert found.converged
    return found


def test_two_followers_agree_on_what_was_found_by_hand() -> None:
    # See test_market_leader: 12 kWh at .40 + .01 in, 5 kWh at .10 - .01 out, 4 kWh from farm to
    # home that nobody else is paid for.
    market, solved = at(case(), BUY, SELL)
    assert agreed(market, solved).cost == pytest.approx(12 * 0.41 - 5 * 0.09, rel=1e-4)


def test_followers_that_do_not_share_divide_what_the_leader_takes() -> None:
    market, solved = at(case(followers="independent"), BUY, SELL)
    by_hand = 4 * 0.20 + 12 * 0.41 - 9 * 0.09
    assert agreed(market, solved).cost == pytest.approx(by_hand, rel=1e-4)


def test_the_leader_has_no_say() -> None:
    """Its plant is no agent: all that is left of it is how much it delivers and takes."""
    market, solved = at(case(), BUY, SELL)
    split = market.split(solved)
    assert [one.name for one in split.agents] == ["home", "farm"]
    layout = market.compiled.layout
    assert split.n == int((layout.column_owner != layout.parties.index("store")).sum())
    given = np.sort(np.abs(split.due))[-3:]
    assert given == pytest.approx([5.0, 6.0, 6.0])  # taken from the farm, given to the home twice


def networked() -> tuple[AnnouncedMarket, Schedule]:
    """Return followers and a leader behind one cut that all three share, and a line of losses."""
    found = case(networks={"grid": {"kind": "electric"}})
    keys = price_keys(found.config)
    announced = Announced.of(keys, np.array([*BUY, *SELL]), STEPS)
    market = AnnouncedMarket.of(Market(found, {}), announced)
    at_, zero = ("home", "farm", "store"), np.zeros(3)
    key = CutKey("grid", "line_loading_max", "line", 0, 0, 1)
    market.add_cuts([Cut(key, at_, np.array([0.0, 1.0, 0.5]), zero, 4.0, True)])
    rows, none = np.array([[-0.02, 0.03, 0.01]] * STEPS), np.zeros((STEPS, 3))
    steps, constant = np.arange(STEPS), np.full(STEPS, 0.2)
    market.set_loss_lines([LossLine("grid", "loss", 1, steps, at_, constant, rows, none, False)])
    return market, market.solve(followers_of(found.config))


def test_limits_and_losses_are_negotiated_with_the_leaders_part_given() -> None:
    market, solved = networked()
    free = AnnouncedMarket.of(market.without_networks(), market.announced)
    assert solved.cost > free.solve(solved.members).cost + 0.05  # both of them bite
    assert agreed(market, solved).cost == pytest.approx(solved.cost, rel=1e-3)


def test_no_prices_are_negotiated_where_nobody_sells() -> None:
    kw, nothing = np.zeros((1, 0)), pd.Series({"ann": 0.0, "bob": 0.0})
    owner = pd.Series({name: name for name in nothing.index})
    agreement = Agreement(trades(kw, []), flat(kw), nothing, nothing, nothing, owner)
    with pytest.raises(SettlementError, match="nobody sells to anybody"):
        negotiated(agreement)
