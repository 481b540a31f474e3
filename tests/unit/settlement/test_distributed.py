"""Without a centre: the same cost, the same gains, and nothing revealed but trades and prices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from cosim.errors import SolveError
from cosim.market import Market
from cosim.market.agents import Agent
from cosim.market.program import Bounds, Program
from cosim.records import Cut, CutKey, LossLine
from cosim.scenario.bargaining import Distributed
from cosim.settlement.admm import Admm, AdmmSettings
from cosim.settlement.distributed import solve_distributed
from cosim.settlement.own_choice import choose_integers
from cosim.settlement.pair_payments import fairest_received
from cosim.settlement.price_negotiation import negotiate_payments
from cosim.settlement.proximal import Proximal
from tests.support.community import scenario, town
from tests.unit.settlement.test_peer_prices import ring


def test_two_parties_find_the_marginal_price() -> None:
    """One has 10 kW of sun to spare, the other a boiler of 0.06 per kWh: heat pump against gas."""
    case = scenario(
        {
            "ann": {
                "connections": {"electricity": {}},
                "devices": {"sun": {"type": "pv", "profile": 1.0, "rated_kw": 10.0}},
            },
            "bob": {"connections": {"electricity": {}}, "demand": {"electricity": 4.0}},
        },
        {"electricity": {"buy": 0.3, "sell": 0.1}},
        steps=2,
    )
    market = Market(case, {})
    members = frozenset({"ann", "bob"})
    central = market.solve(members)
    found = Admm(market.split(central), AdmmSettings(tolerance=1e-5, penalty=1e-2)).run()
    assert found.converged
    assert found.cost == pytest.approx(central.cost, rel=1e-4)
    # ann sells the rest at 0.1, so that is what one more kWh is worth to both
    assert np.abs(found.price).mean() == pytest.approx(0.1, rel=1e-2)


def test_admm_agrees_with_the_central_solution() -> None:
    case = town(4, 12)
    market = Market(case, {})
    members = frozenset(case.config.participants)
    central = market.solve(members)
    result = Admm(market.split(central), AdmmSettings(tolerance=5e-4)).run(choose_integers)
    assert result.converged
    assert result.cost == pytest.approx(central.cost, rel=1e-3)
    assert set(result.history["phase"]) == {"relaxed", "integers fixed"}
    last = result.history.iloc[-1]
    assert max(last["primal_residual"], last["dual_residual"]) <= 5e-4


def test_limits_and_losses_are_negotiated_too() -> None:
    """A network cut and a loss line link participants; the network account carries them."""
    case = scenario(
        {
            "ann": {
                "connections": {"electricity": {}},
                "devices": {"sun": {"type": "pv", "profile": 1.0, "rated_kw": 10.0}},
            },
            "bob": {"connections": {"electricity": {}}, "demand": {"electricity": 8.0}},
        },
        {"electricity": {"buy": 0.3, "sell": 0.1}},
        steps=1,
        networks={"grid": {"kind": "electric"}},
    )
    market = Market(case, {})
    key = CutKey("grid", "line_loading_max", "line", 0, 0, 1)
    zero = np.zeros(2)
    terminals = ("ann", "bob")
    market.add_cuts([Cut(key, terminals, np.array([1.0, 0.0]), zero, 5.0, True)])
    row = np.array([[0.02, 0.0]])
    constant, none = np.array([0.1]), np.zeros((1, 2))
    market.set_loss_lines(
        [LossLine("grid", "loss", 1, np.array([0]), terminals, constant, row, none, False)]
    )
    members = frozenset({"ann", "bob"})
    central = market.solve(members)
    split = market.split(central)
    assert len(split.due) >= 3  # pool, cut, loss line
    found = Admm(split, AdmmSettings(tolerance=1e-5, penalty=1e-2, max_rounds=2000)).run()
    assert found.converged
    assert found.cost == pytest.approx(central.cost, rel=1e-3)


@given(st.floats(0.0, 2.0), st.floats(-3000.0, 3000.0), st.floats(1e-4, 1e-1))
@settings(max_examples=30, deadline=None)
def test_an_answer_to_prices_in_closed_form(price: float, near: float, penalty: float) -> None:
    """y kW at .3 per kWh emit .0005 t each at 250 per t: y = near - (.3 + .125 + price) / penalty.

    The source gives 0 to 4000 kW.
    """
    bounds = Bounds(np.zeros(2), np.array([4000.0, np.inf]), np.zeros(1), np.zeros(1))
    program = Program(
        matrix=sparse.csr_array([[5e-4, -1.0]]),
        bounds=bounds,
        cost=np.array([0.3, 250.0]),
        offset=0.0,
        integer=np.zeros(2, dtype=bool),
    )
    agent = Agent("ann", program, sparse.csr_array([[1.0, 0.0]]), np.arange(2))
    answer = Proximal(agent).answer(np.array([price]), np.array([near]), penalty)
    wanted = np.clip(near - (0.425 + price) / penalty, 0.0, 4000.0)
    assert answer[0] == pytest.approx(wanted, abs=0.02)


def test_a_failed_negotiation_is_a_note_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise SolveError("bob: no answer to prices", "numerical")

    monkeypatch.setattr(Proximal, "answer", fail)
    market = Market(town(3, 2), {})
    central = market.solve(frozenset(market.scenario.config.participants))
    money: Any = None  # it does not come to prices
    found = solve_distributed(market, central, money, Distributed())
    assert found.history.empty
    assert found.summary == {}
    assert found.notes == ("There is no distributed solution: bob: no answer to prices.",)


def test_an_agent_knows_only_its_own() -> None:
    case = town(3, 6)
    market = Market(case, {})
    split = market.split(market.solve(frozenset(case.config.participants)))
    columns = np.concatenate([agent.columns for agent in split.agents])
    assert len(columns) == len(set(columns.tolist())) == split.n
    owner = market.compiled.layout.column_owner
    for number, agent in enumerate(split.agents):
        base = agent.columns[agent.columns < len(owner)]
        assert (owner[base] == number).all()


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_pairs_find_the_log_nash_payments(seed: int) -> None:
    money, least, weights = ring(seed)
    central = fairest_received(money, least, weights)
    found = negotiate_payments(money, least, weights, tolerance=1e-7, max_rounds=5000)
    assert found.converged
    own = float((weights * np.log(found.received - least)).sum())
    best = float((weights * np.log(central - least)).sum())
    assert own == pytest.approx(best, abs=1e-4)
    assert found.received == pytest.approx(central, abs=5e-3)
