"""Prices between participants: inside their bounds, adding up, and honest where they cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize

from cosim.errors import SettlementError
from cosim.settlement.pair_payments import (
    Money,
    closest_payments,
    fairest_received,
    nearest_payments,
)
from cosim.settlement.pair_prices import pair_prices
from cosim.settlement.peer import Agreement, negotiated, settle_peers
from cosim.settlement.price_bounds import Bounds
from cosim.settlement.trades import PairTrades


def trades(
    kw: np.ndarray, pairs: list[tuple[str, str]], carrier: str = "electricity"
) -> PairTrades:
    return PairTrades(
        carrier=(carrier,) * len(pairs),
        seller=tuple(seller for seller, _ in pairs),
        buyer=tuple(buyer for _, buyer in pairs),
        kw=kw,
        step_h=1.0,
    )


def flat(kw: np.ndarray, low: float = 0.08, high: float = 0.30) -> Bounds:
    lower, upper = np.full(kw.shape, low), np.full(kw.shape, high)
    return Bounds(lower, upper, 0.5 * (lower + upper))


def settle(
    kw: np.ndarray, pairs: list[tuple[str, str]], target: dict[str, float], **more: object
) -> object:
    wanted = pd.Series(target)
    zero = pd.Series(0.0, index=wanted.index)
    least = pd.Series(more.get("least", {}), dtype=float).reindex(wanted.index, fill_value=-1e3)
    owner = pd.Series({name: name for name in wanted.index})
    rule = more.get("rule", "bounded")
    agreement = Agreement(trades(kw, pairs), flat(kw), wanted, least, zero, owner)
    return settle_peers(agreement, rule)  # type: ignore[arg-type]


def test_two_parties_trade_in_the_middle() -> None:
    found = settle(np.array([[10.0]]), [("ann", "bob")], {"ann": 1.9, "bob": -1.9})
    assert found.price[0, 0] == pytest.approx(0.19)
    assert not found.bounded
    assert found.received.to_dict() == pytest.approx({"ann": 1.9, "bob": -1.9})


def test_prices_shift_together_and_stop_at_their_bounds() -> None:
    kw = np.array([[10.0], [10.0]])
    lower, upper = np.array([[0.08], [0.08]]), np.array([[0.30], [0.12]])
    bounds = Bounds(lower, upper, 0.5 * (lower + upper))
    price = pair_prices(trades(kw, [("ann", "bob")]), bounds, np.array([3.8]))
    assert price[:, 0] == pytest.approx([0.26, 0.12])


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_prices_are_the_closest_to_the_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kw = rng.uniform(0.1, 5.0, (4, 1))
    lower = rng.uniform(0.0, 0.2, (4, 1))
    upper = lower + rng.uniform(0.0, 0.3, (4, 1))
    bounds = Bounds(lower, upper, 0.5 * (lower + upper))
    share = rng.uniform()
    payment = np.array([((1 - share) * kw * lower + share * kw * upper).sum()])
    price = pair_prices(trades(kw, [("a", "b")]), bounds, payment)
    assert (price >= lower - 1e-12).all()
    assert (price <= upper + 1e-12).all()
    assert float((kw * price).sum()) == pytest.approx(float(payment[0]), abs=1e-9)
    other = minimize(
        lambda p: float((kw[:, 0] * (p - bounds.reference[:, 0]) ** 2).sum()),
        x0=np.clip(bounds.reference[:, 0], lower[:, 0], upper[:, 0]),
        bounds=list(zip(lower[:, 0], upper[:, 0], strict=True)),
        constraints=LinearConstraint(kw[:, 0], payment[0], payment[0]),
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    own = float((kw * (price - bounds.reference) ** 2).sum())
    assert own <= other.fun + 1e-6


def test_a_party_without_trades_cannot_be_paid_by_prices() -> None:
    """Carl shares nothing: whatever he was promised, prices cannot carry it."""
    kw = np.array([[10.0]])
    target = {"ann": 1.5, "bob": -2.0, "carl": 0.5}
    least = {"ann": 0.8, "bob": -3.0, "carl": 0.0}
    found = settle(kw, [("ann", "bob")], target, least=least)
    assert found.bounded
    assert found.received["carl"] == pytest.approx(0.0)
    # gains are divided in the proportion that was agreed: (1.5 - .8) : (-2 + 3)
    assert found.received["ann"] == pytest.approx(0.8 + 2.2 * 0.7 / 1.7, abs=1e-6)
    fixed = settle(kw, [("ann", "bob")], target, least=least, rule="lump_sum")
    assert fixed.received.to_dict() == pytest.approx(target)
    assert fixed.fixed.sum() == pytest.approx(0.0)
    assert fixed.fixed["carl"] == pytest.approx(0.5)


def test_prices_that_make_somebody_lose_are_refused() -> None:
    """Without any trade between the two there is no way to pay ann what she had alone."""
    with pytest.raises(SettlementError, match="keep everyone from losing"):
        settle(
            np.array([[10.0]]),
            [("ann", "bob")],
            {"ann": 4.0, "bob": -4.0},
            least={"ann": 3.5, "bob": -4.5},
        )


def test_binding_bounds_are_named() -> None:
    found = settle(
        np.array([[10.0, 10.0]]),
        [("ann", "bob"), ("ann", "carl")],
        {"ann": 3.5, "bob": -2.5, "carl": -1.0},
        least={"ann": 1.6, "bob": -3.0, "carl": -3.0},
    )
    assert not found.bounded
    clash = settle(
        np.array([[10.0, 10.0]]),
        [("ann", "bob"), ("ann", "carl")],
        {"ann": 3.5, "bob": -2.9, "carl": -0.6},
        least={"ann": 1.6, "bob": -3.0, "carl": -3.0},
    )
    assert clash.bounded
    assert ("ann", "carl", "electricity", "lower") in clash.at_bound


def ring(seed: int) -> tuple[Money, np.ndarray, np.ndarray]:
    """Four parties, random pair payments, a random disagreement point that can be improved."""
    rng = np.random.default_rng(seed)
    pairs = [(i, j) for i in range(4) for j in range(4) if i < j and rng.uniform() < 0.8]
    pairs = pairs or [(0, 1)]
    matrix = np.zeros((4, len(pairs)))
    for k, (i, j) in enumerate(pairs):
        matrix[i, k], matrix[j, k] = 1.0, -1.0
    least = rng.uniform(0.0, 1.0, len(pairs))
    most = least + rng.uniform(0.2, 2.0, len(pairs))
    names = ("a", "b", "c", "d")
    middle = 0.5 * (least + most)
    money = Money(names, matrix, np.zeros(4), least, most, middle, np.ones(len(pairs)))
    return money, matrix @ middle - rng.uniform(0.1, 1.0, 4), rng.uniform(0.2, 1.0, 4)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_fairest_point_is_the_log_nash_point(seed: int) -> None:
    money, least, weights = ring(seed)
    received = fairest_received(money, least, weights)

    def minus_log(payment: np.ndarray) -> float:
        gain = money.matrix @ payment - least
        return -float((weights * np.log(np.maximum(gain, 1e-12))).sum())

    other = minimize(
        minus_log,
        x0=money.reference,
        bounds=list(zip(money.least, money.most, strict=True)),
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000},
    )
    own = -float((weights * np.log(received - least)).sum())
    assert own <= other.fun + 1e-5
    assert received == pytest.approx(money.matrix @ other.x, abs=2e-3)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_payments_reach_their_targets_or_say_by_how_much_not(seed: int) -> None:
    money, _, _ = ring(seed)
    rng = np.random.default_rng(seed)
    inside = money.least + rng.uniform(size=len(money.least)) * (money.most - money.least)
    target = money.matrix @ inside
    assert nearest_payments(money, target)[1] == pytest.approx(0.0, abs=1e-7)
    found = closest_payments(money, target, 1e-9)
    assert money.matrix @ found == pytest.approx(target, abs=1e-6)
    distance = float(((found - money.reference) ** 2).sum())
    assert distance <= float(((inside - money.reference) ** 2).sum()) + 1e-6
    far = target + np.array([100.0, -100.0, 0.0, 0.0])
    assert nearest_payments(money, far)[1] > 50.0


def test_participants_negotiate_what_the_centre_would_give() -> None:
    kw = np.array([[10.0, 10.0]])
    wanted = pd.Series({"ann": 3.5, "bob": -2.9, "carl": -0.6, "dora": 0.0})
    least = pd.Series({"ann": 1.6, "bob": -3.0, "carl": -3.0, "dora": 0.0})
    owner = pd.Series({name: name for name in wanted.index})
    pairs = trades(kw, [("ann", "bob"), ("ann", "carl")])
    agreed, central = negotiated(Agreement(pairs, flat(kw), wanted, least, 0.0 * wanted, owner))
    assert agreed.converged
    assert agreed.received == pytest.approx(central.to_numpy(), abs=1e-3)
    assert list(central.index) == ["ann", "bob", "carl"]


def test_pairs_inside_one_player_move_nothing_between_players() -> None:
    kw = np.array([[10.0, 5.0]])
    wanted = pd.Series({"ann": 3.5, "bob": -2.2, "carl": -1.3})
    least = pd.Series({"ann": 0.0, "bob": -5.0, "carl": -5.0})
    owner = pd.Series({"ann": "street", "bob": "street", "carl": "street"})
    pairs = trades(kw, [("ann", "bob"), ("ann", "carl")])
    found = settle_peers(Agreement(pairs, flat(kw), wanted, least, 0.0 * wanted, owner), "bounded")
    assert found.received.sum() == pytest.approx(0.0, abs=1e-9)
    assert not found.bounded
