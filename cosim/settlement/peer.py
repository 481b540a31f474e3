"""Settlement through prices: pairs, payments, prices, and what bounds keep from being paid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from cosim.errors import SettlementError
from cosim.records import read_only
from cosim.records.names import NETWORK
from cosim.records.time import FloatArray, TimeAxis
from cosim.settlement.pair_payments import (
    Money,
    closest_payments,
    fairest_received,
    fitting_payments,
    nearest_payments,
)
from cosim.settlement.pair_prices import pair_prices
from cosim.settlement.price_bounds import Bounds, spans
from cosim.settlement.price_negotiation import Agreed, negotiate_payments
from cosim.settlement.trades import PairTrades

Rule = Literal["bounded", "lump_sum"]
CENT = 0.01
LEAST_WEIGHT = 1e-6
"""Weight of a party that was promised nothing: it just keeps from losing."""
WIDER = 100.0
"""Factor on the tolerance of a quadratic programme that ended without an answer."""
REACHED = 1e-8
"""Share of all money between participants that counts as rounding."""


@dataclass(frozen=True, slots=True)
class PeerSettlement:
    """What pairs pay each other.

    Attributes:
        trades: every pair with its energy; the network account is among the buyers.
        bounds: on prices.
        price: per kWh, shape (T, n).
        payment: of each pair over the horizon, shape (n,).
        received: by participant (and operator), what all its accounts with others leave it, the
            negative of `payment` in the payments table.
        fixed: fixed payment by party where prices cannot carry everything (`lump_sum`), received.
        bounded: no prices inside their bounds reproduce the allocation.
        at_bound: (seller, buyer, carrier, which bound) of pairs that are at a bound at every step.
    """

    trades: PairTrades
    bounds: Bounds
    price: FloatArray
    payment: FloatArray
    received: pd.Series
    fixed: pd.Series
    bounded: bool
    at_bound: tuple[tuple[str, str, str, Literal["lower", "upper"]], ...]


def network_purchases(trades: PairTrades, bounds: Bounds) -> pd.Series:
    """Return what the network account pays each participant, at mid-market rates, by participant.

    Losses and pumps have no say in bargaining, so their energy has the middle price. Where sharing
    relieves the networks the account has energy to sell, and participants pay it.
    """
    reference = spans(trades, bounds)["reference"]
    paid: dict[str, float] = {}
    for k, (seller, buyer) in enumerate(zip(trades.seller, trades.buyer, strict=True)):
        if buyer == NETWORK:
            paid[seller] = paid.get(seller, 0.0) + float(reference[k])
        elif seller == NETWORK:
            paid[buyer] = paid.get(buyer, 0.0) - float(reference[k])
    return pd.Series(paid, dtype=float)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What prices shall bring about.

    Attributes:
        trades: see `pair_trades`.
        bounds: see `price_bounds`.
        target: what each party should receive from all transfers, by party, summing to zero.
        disagreement: what each party must receive not to be worse off than alone.
        offset: what it receives whatever the prices are: losses sold to the network account, its
            part of the network account's bill, its part of the operator's share.
        owner: player of each party; sums within a player are free if the bounds ask for it.
    """

    trades: PairTrades
    bounds: Bounds
    target: pd.Series
    disagreement: pd.Series
    offset: pd.Series
    owner: pd.Series

    def money(self) -> Money:
        """Return the accounts as functions of the payments of pairs."""
        return _money(self.trades, self.bounds, list(self.target.index), self.offset)


def negotiated(agreement: Agreement) -> tuple[Agreed, pd.Series]:
    """Return the payments that participants find by themselves, and what the centre gives them.

    Log-Nash bargaining inside the bounds, with the agreed gains as weights, by participant.

    Returns:
        The outcome of the negotiation, and received by participant at the central log-Nash point.

    Raises:
        SettlementError: if nobody sells to anybody, or somebody gains nothing at any price inside
            the bounds.
    """
    money = agreement.money()
    active = [i for i in range(len(money.accounts)) if np.any(money.matrix[i])]
    if not active:
        raise SettlementError("nobody sells to anybody")
    inside = replace(
        money,
        accounts=tuple(money.accounts[i] for i in active),
        matrix=money.matrix[active],
        offset=money.offset[active],
    )
    least = agreement.disagreement.reindex(list(money.accounts)).to_numpy(dtype=float)[active]
    wanted = agreement.target.to_numpy(dtype=float)[active]
    gain = np.maximum(wanted - least, 0.0)
    weights = np.maximum(gain / max(float(gain.sum()), 1e-12), LEAST_WEIGHT)
    central = fairest_received(inside, least, weights)
    agreed = negotiate_payments(inside, least, weights)
    return agreed, pd.Series(central, index=list(inside.accounts))


def settle_peers(agreement: Agreement, rule: Rule) -> PeerSettlement:
    """Return prices that pay everybody what the allocation says, as far as bounds allow.

    Args:
        agreement: what prices shall bring about.
        rule: what happens where the bounds keep the allocation from being paid.

    Raises:
        SettlementError: if bounds make somebody lose against staying alone.
    """
    trades, bounds, target = agreement.trades, agreement.bounds, agreement.target
    parties = list(target.index)
    money = agreement.money()
    total = max(float(np.abs(money.most).sum()), float(target.abs().sum()), CENT)
    slack = REACHED * total
    first, bounded = _reachable(money, agreement, rule, slack)
    found = _closest(money, first, slack)
    payment = _all_payments(trades, bounds, found)
    price = pair_prices(trades, bounds, payment)
    exact = (trades.kw * trades.step_h * price).sum(axis=0)
    received = pd.Series(money.offset + money.matrix @ exact[_priced(trades)], index=parties)
    carries = float(bounded and rule == "lump_sum")
    fixed = (target - received) * carries
    return PeerSettlement(
        trades=trades,
        bounds=bounds,
        price=price,
        payment=read_only(exact),
        received=received + fixed,
        fixed=fixed,
        bounded=bounded,
        at_bound=_at_bound(trades, bounds, exact),
    )


def _priced(trades: PairTrades) -> list[int]:
    """Return the pairs whose price is bargained: all but those of the network account."""
    sides = zip(trades.seller, trades.buyer, strict=True)
    return [k for k, side in enumerate(sides) if NETWORK not in side]


def _money(trades: PairTrades, bounds: Bounds, parties: list[str], offset: pd.Series) -> Money:
    found, rows = spans(trades, bounds), _priced(trades)
    matrix = np.zeros((len(parties), len(rows)))
    place = {name: i for i, name in enumerate(parties)}
    for column, k in enumerate(rows):
        matrix[place[trades.seller[k]], column] += 1.0
        matrix[place[trades.buyer[k]], column] -= 1.0
    return Money(
        accounts=tuple(parties),
        matrix=matrix,
        offset=offset.reindex(parties, fill_value=0.0).to_numpy(dtype=float),
        least=found["least"][rows],
        most=found["most"][rows],
        reference=found["reference"][rows],
        energy_kwh=trades.energy_kwh[rows],
    )


def _closest(money: Money, first: FloatArray, slack: float) -> FloatArray:
    """Return payments with the same effect as the first ones, closest to mid-market rates.

    Where the quadratic programme finds none within its accuracy, the first ones stay.
    """
    reach = money.offset + money.matrix @ first
    for tolerance in (slack, WIDER * slack):
        try:
            return closest_payments(money, reach, tolerance)
        except SettlementError:
            continue
    return first


def _reachable(
    money: Money, agreement: Agreement, rule: Rule, slack: float
) -> tuple[FloatArray, bool]:
    """Return payments of pairs, and whether bounds give players another sum than was agreed.

    Where the targets cannot be reached, the players' sums are kept and only the division inside a
    player gives way; where that does not do either, prices go as close as they can (`lump_sum`) or
    players get the log-Nash point with the agreed gains as weights (`bounded`).
    """
    target, owner, disagreement = agreement.target, agreement.owner, agreement.disagreement
    wanted = target.to_numpy(dtype=float)
    nearest, missed = nearest_payments(money, wanted)
    if missed <= slack:
        return nearest, False
    players = list(dict.fromkeys(owner.reindex(target.index)))
    member = np.array([[float(owner[p] == player) for p in target.index] for player in players])
    grouped = replace(
        money, accounts=tuple(players), matrix=member @ money.matrix, offset=member @ money.offset
    )
    sums = member @ wanted
    bounded = nearest_payments(grouped, sums)[1] > slack
    if bounded and rule == "lump_sum":
        return nearest, True
    if bounded:
        least = member @ disagreement.reindex(target.index).to_numpy(dtype=float)
        gain = np.maximum(sums - least, 0.0)
        sums = fairest_received(grouped, least, np.where(gain > slack, gain, 0.0))
    for tolerance in (2.0 * slack, 2.0 * WIDER * slack):
        try:
            return fitting_payments(money, wanted, member, sums, tolerance), bounded
        except SettlementError:
            continue
    return nearest_payments(grouped, sums)[0], bounded


def _all_payments(trades: PairTrades, bounds: Bounds, found: FloatArray) -> FloatArray:
    payment = spans(trades, bounds)["reference"].copy()
    payment[_priced(trades)] = found
    return payment


def _at_bound(
    trades: PairTrades, bounds: Bounds, payment: FloatArray
) -> tuple[tuple[str, str, str, Literal["lower", "upper"]], ...]:
    limit = spans(trades, bounds)
    room = np.maximum(limit["most"] - limit["least"], 0.0)
    close = np.maximum(1e-4 * room, 1e-9)
    found: list[tuple[str, str, str, Literal["lower", "upper"]]] = []
    for k in _priced(trades):
        if room[k] <= CENT:
            continue
        key = (trades.seller[k], trades.buyer[k], trades.carrier[k])
        if payment[k] <= limit["least"][k] + close[k]:
            found.append((*key, "lower"))
        elif payment[k] >= limit["most"][k] - close[k]:
            found.append((*key, "upper"))
    return tuple(found)


def price_table(settled: PeerSettlement, time: TimeAxis) -> pd.DataFrame:
    """Return prices per pair and step where energy flows.

    Returns:
        Columns time, carrier, seller, buyer, kw, price, lower_bound, upper_bound (per kWh).
    """
    trades = settled.trades
    step, pair = np.nonzero(trades.kw > 1e-6)
    names = [np.array(x, dtype=object) for x in (trades.carrier, trades.seller, trades.buyer)]
    return pd.DataFrame(
        {
            "time": time.index[step],
            "carrier": names[0][pair] if len(pair) else np.array([], dtype=object),
            "seller": names[1][pair] if len(pair) else np.array([], dtype=object),
            "buyer": names[2][pair] if len(pair) else np.array([], dtype=object),
            "kw": trades.kw[step, pair],
            "price": settled.price[step, pair],
            "lower_bound": settled.bounds.lower[step, pair],
            "upper_bound": settled.bounds.upper[step, pair],
        }
    )


__all__ = [
    "Agreement",
    "PeerSettlement",
    "negotiated",
    "network_purchases",
    "price_table",
    "settle_peers",
]
