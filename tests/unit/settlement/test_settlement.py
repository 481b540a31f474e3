"""Money is zero-sum and every account closes, whatever the numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.errors import ScenarioError
from cosim.records import Schedule, TimeAxis
from cosim.scenario.config import Bargaining
from cosim.settlement import Players, bargaining_power, bill, payments, system_cost
from cosim.settlement.volumes import exchanged_energy_kwh, shared_energy_kwh

NAMES = ("home", "shop", "works")
PLAYERS = Players({"people": ("home", "shop"), "works": ("works",)}, operator_plays=False)
WITH_OPERATOR = Players(PLAYERS.groups, operator_plays=True)

money = st.floats(-1e4, 1e4, allow_nan=False)
power = st.floats(0.0, 500.0, allow_nan=False)


def schedule(costs: list[float], flows: np.ndarray) -> Schedule:
    """Costs of the participants, the network and the operator; flows (participant, step) shared."""
    index = pd.date_range("2016-01-01", periods=flows.shape[1], freq="15min", tz="UTC")
    rows = [
        {
            "time": time,
            "participant": name,
            "device": "trade",
            "carrier": "electricity",
            "quantity": "share_out_kw" if flows[k, t] >= 0 else "share_in_kw",
            "value": abs(flows[k, t]),
        }
        for k, name in enumerate(NAMES)
        for t, time in enumerate(index)
    ]
    names = [*NAMES, "network", "system_operator"]
    table = pd.DataFrame({"total": costs}, index=pd.Index(names, name="participant"))
    return Schedule(
        time=TimeAxis(index, 0.25),
        members=frozenset(NAMES),
        table=pd.DataFrame(rows),
        injections={},
        costs=table,
        cost=float(table["total"].sum()),
        bound=0.0,
        gap=0.0,
        optimal=True,
    )


def flows(values: list[float]) -> np.ndarray:
    return np.array(values).reshape(3, 2)


EXAMPLE = schedule([10.0, 20.0, 30.0, 4.0, -1.0], flows([4, 4, -2, -2, -2, -2]))


def test_shared_energy() -> None:
    energy = shared_energy_kwh(EXAMPLE)
    assert energy.loc[("home", "electricity"), "out_kwh"] == pytest.approx(2.0)
    assert energy.loc[("shop", "electricity"), "in_kwh"] == pytest.approx(1.0)


def test_network_cost_is_billed_by_energy_moved() -> None:
    table = bill(EXAMPLE, PLAYERS)
    assert exchanged_energy_kwh(EXAMPLE).sum() == pytest.approx(4.0)
    assert table["network_cost"].to_dict() == pytest.approx(
        {"home": 2.0, "shop": 1.0, "works": 1.0}
    )
    assert table["cost"].sum() == pytest.approx(64.0)


def test_operator_is_inside_only_as_a_player() -> None:
    assert system_cost(EXAMPLE, PLAYERS) == pytest.approx(64.0)
    assert system_cost(EXAMPLE, WITH_OPERATOR) == pytest.approx(63.0)


@given(
    before=st.lists(money, min_size=5, max_size=5),
    after=st.lists(money, min_size=5, max_size=5),
    shared=st.lists(st.floats(-500, 500, allow_nan=False), min_size=6, max_size=6),
    split=st.floats(0.0, 1.0),
    operator=st.booleans(),
)
def test_payments_sum_to_zero_and_every_account_closes(
    before: list[float], after: list[float], shared: list[float], split: float, operator: bool
) -> None:
    players = WITH_OPERATOR if operator else PLAYERS
    alone, together = schedule(before, flows(shared)), schedule(after, flows(shared))
    gain = system_cost(alone, players) - system_cost(together, players)
    shares = np.array([split, 1.0 - split, 0.0])[: len(players.names)]
    allocation = pd.Series(gain * shares / shares.sum(), index=list(players.names))
    table = payments(alone, together, players, allocation)
    assert table["payment"].sum() == pytest.approx(0.0, abs=1e-6)
    assert (table["cost_before"] - table["cost_after"]).sum() == pytest.approx(gain, abs=1e-6)
    assert table["cost_without_payment"].to_numpy() + table["payment"].to_numpy() == pytest.approx(
        table["cost_after"].to_numpy(), abs=1e-6
    )
    by_player = table.groupby("player")["benefit"].sum()
    assert by_player.reindex(allocation.index).to_numpy() == pytest.approx(
        allocation.to_numpy(), abs=1e-6
    )


@pytest.mark.parametrize("kind", ["equal", "volume", "exponential", "given"])
@pytest.mark.parametrize("players", [PLAYERS, WITH_OPERATOR], ids=["without", "with-operator"])
def test_bargaining_power_is_a_distribution(kind: str, players: Players) -> None:
    settings = Bargaining(power=kind, given_power={"people": 2.0, "works": 1.0})  # type: ignore[arg-type]
    weights = bargaining_power(EXAMPLE, players, settings)
    assert list(weights.index) == list(players.names)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights > 0.0).all()


def test_power_by_volume_counts_both_directions() -> None:
    weights = bargaining_power(EXAMPLE, PLAYERS, Bargaining(power="volume"))
    # People contribute everything and receive half, works receives the other half.
    assert weights.to_dict() == pytest.approx({"people": 0.75, "works": 0.25})


def test_power_without_any_trade_is_equal() -> None:
    idle = schedule([1.0] * 5, flows([0.0] * 6))
    weights = bargaining_power(idle, PLAYERS, Bargaining(power="volume"))
    assert weights.to_dict() == pytest.approx({"people": 0.5, "works": 0.5})


def test_coalitions_are_listed_from_small_to_large() -> None:
    assert len(PLAYERS.coalitions()) == 3
    assert len(WITH_OPERATOR.coalitions()) == 7
    assert not WITH_OPERATOR.can_share(frozenset({"people", "works"}))
    assert WITH_OPERATOR.can_share(frozenset({"people", "system_operator"}))


def test_given_power_is_what_was_given() -> None:
    settings = Bargaining(power="given", given_power={"people": 3.0, "works": 1.0})
    assert bargaining_power(EXAMPLE, PLAYERS, settings).to_dict() == {"people": 0.75, "works": 0.25}
    with_operator = bargaining_power(EXAMPLE, WITH_OPERATOR, settings)  # average of 3 and 1
    assert with_operator.to_dict() == pytest.approx(
        {"people": 0.5, "works": 1.0 / 6.0, "system_operator": 1.0 / 3.0}
    )


def test_given_power_has_no_silent_default() -> None:
    settings = Bargaining(power="given", given_power={"people": 3.0})
    with pytest.raises(ScenarioError, match=r"bargaining.given_power.works: missing"):
        bargaining_power(EXAMPLE, PLAYERS, settings)
