"""Every payment between two parties, so that each account can be added up."""

from __future__ import annotations

import pandas as pd

from cosim.market.announced import TRADE_PREFIX
from cosim.market.leader_trade import SERVICE_FEE
from cosim.records import Schedule
from cosim.records.names import NETWORK, OPERATOR
from cosim.settlement.money import Money

NETWORK_OPERATOR = "network_operator"
STATE = "state"
CARBON_MARKET = "carbon_market"
OWN = "upkeep"
"""Nobody in particular: maintenance, wear, start-ups, comfort."""
PAYEES = {
    "management_fee": OPERATOR,
    "grid_fee": NETWORK_OPERATOR,
    "peak_charge": NETWORK_OPERATOR,
    "standing_charge": NETWORK_OPERATOR,
    "co2_tax": STATE,
    "co2_trading": CARBON_MARKET,
}


def account_table(together: Schedule, money: Money, leader: str | None = None) -> pd.DataFrame:
    """Return who pays what to whom over the horizon.

    A participant's payments less its receipts are its `cost_after`; the network account's and the
    transfers between participants cancel out. Nothing is paid without somebody receiving it.

    Args:
        together: everybody sharing.
        money: its settlement.
        leader: whom the others pay for its energy at announced prices; None without.

    Returns:
        Columns payer, payee, item, amount in currency; amounts are positive.
    """
    rows = [*_tariff_rows(together, money, leader), *_transfer_rows(money)]
    table = pd.DataFrame(rows, columns=["payer", "payee", "item", "amount"])
    negative = table["amount"] < 0.0
    payer = table["payer"].where(~negative, table["payee"])
    payee = table["payee"].where(~negative, table["payer"])
    table["payer"], table["payee"], table["amount"] = payer, payee, table["amount"].abs()
    return table[table["amount"] > 0.0].reset_index(drop=True)


def balances(table: pd.DataFrame) -> pd.Series:
    """Return what each party pays in all, less what it receives; sums to zero over all parties."""
    paid = table.groupby("payer", observed=True)["amount"].sum()
    received = table.groupby("payee", observed=True)["amount"].sum()
    return paid.sub(received, fill_value=0.0)


def _payee(component: str, leader: str | None) -> str:
    if leader is not None and _to_leader(component):
        return leader
    for ending in ("_purchase", "_sales"):
        if component.endswith(ending):
            return f"utility:{component.removesuffix(ending)}"
    return PAYEES.get(component, OWN)


def _to_leader(component: str) -> bool:
    return component == SERVICE_FEE or component.startswith(TRADE_PREFIX)


def _tariff_rows(
    together: Schedule, money: Money, leader: str | None
) -> list[tuple[str, str, str, float]]:
    """Return what parties pay to outsiders, and to a leader.

    The operator's fee income and the leader's are the other side of what the others pay.
    """
    inside = set(money.payments["participant"])
    rows = []
    for component in together.costs.columns.drop("total"):
        for party, amount in together.costs[component].items():
            if party == OPERATOR and (component == "management_fee" or party not in inside):
                continue
            if party == leader and _to_leader(str(component)):
                continue
            rows.append((str(party), _payee(str(component), leader), str(component), float(amount)))
    return rows


def _transfer_rows(money: Money) -> list[tuple[str, str, str, float]]:
    peer, trades = money.peer, money.peer.trades
    rows = [
        (trades.buyer[k], trades.seller[k], f"shared_{trades.carrier[k]}", float(peer.payment[k]))
        for k in range(len(trades))
    ]
    for party, amount in money.network_share.items():
        rows.append((str(party), NETWORK, "losses_and_pumps", float(amount)))
    for party, amount in money.levy.items():
        if party != OPERATOR:
            rows.append((str(party), OPERATOR, "operator_share", float(amount)))
    return [*rows, *_fixed_rows(peer.fixed)]


def _fixed_rows(fixed: pd.Series) -> list[tuple[str, str, str, float]]:
    """Return fixed payments from those who pay to those who receive, in proportion."""
    receivers, payers = fixed[fixed > 0.0], -fixed[fixed < 0.0]
    total = float(receivers.sum())
    return [
        (str(payer), str(receiver), "fixed_payment", float(amount * share / total))
        for payer, amount in payers.items()
        for receiver, share in receivers.items()
    ]
