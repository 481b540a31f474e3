"""What a leader announced and what it earns, as tables and as an entry of the summary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cosim.api.leading.lead import Led
from cosim.coupling import Coupled
from cosim.market.announced import TRADE_PREFIX, Announced
from cosim.market.leader.ranges import price_ranges
from cosim.market.leader_trade import SERVICE_FEE
from cosim.market.market import Market
from cosim.records import Schedule
from cosim.scenario import Scenario
from cosim.scenario.leader import Investment, Leader

DAYS_PER_YEAR = 365.0
HOURS_PER_DAY = 24.0


def price_frame(scenario: Scenario, leader: Leader, announced: Announced) -> pd.DataFrame:
    """Return the announced prices with their ranges: `leader_prices` of the run folder."""
    keys = tuple(announced.prices)
    low, high = price_ranges(scenario, leader, keys)
    steps = len(scenario.time)
    return pd.DataFrame(
        {
            "time": np.tile(scenario.time.index, len(keys)),
            "carrier": np.repeat([str(carrier) for carrier, _ in keys], steps),
            "side": np.repeat([str(side) for _, side in keys], steps),
            "price_per_kwh": announced.values,
            "low_per_kwh": low,
            "high_per_kwh": high,
        }
    ).assign(time=lambda table: pd.DatetimeIndex(table["time"], tz=scenario.time.index.tz))


def leader_tables(scenario: Scenario, led: Led | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `leader_prices` and `leader_history` of the run folder; empty without a leader."""
    leader = scenario.config.leader
    if led is None or leader is None:
        return pd.DataFrame(), pd.DataFrame()
    return price_frame(scenario, leader, led.last.announced), led.history


def leader_entry(scenario: Scenario, led: Led, coupled: Coupled) -> dict[str, Any]:
    """Return `leader` of the summary, in the scenario's currency.

    Args:
        scenario: with a leader.
        led: how the game ended.
        coupled: the result that was confirmed by the reference engines.
    """
    leader, final = scenario.config.leader, coupled.schedule
    assert leader is not None
    outcome, market = led.last.outcome, led.last.market
    own_row = final.costs.loc[[leader.participant]].iloc[0].astype(float)
    row = dict(zip(map(str, own_row.index), own_row.tolist(), strict=True))
    fees = -row.get(SERVICE_FEE, 0.0)
    total = row.pop("total")
    own = sum(v for k, v in row.items() if k != SERVICE_FEE and not k.startswith(TRADE_PREFIX))
    invested = investment_per_horizon(scenario, leader)
    return {
        "participant": leader.participant,
        "method": leader.method,
        "followers": leader.followers,
        "profit": {
            "optimistic": outcome.profit_optimistic,
            "pessimistic": outcome.profit_pessimistic,
            "nudged": outcome.profit_nudged,
            "simulated": outcome.profit_simulated,
            "verified": -total if coupled.verdict == "feasible" else None,
        },
        "bound": outcome.bound,
        "gap": outcome.gap,
        "status": outcome.status,
        "revenue": revenue(market, led.last.announced, final),
        "service_fees": fees,
        "own_costs": own,
        "investment_per_horizon": invested,
        "repriced": led.repriced,
        "notes": list(led.notes),
    }


def revenue(market: Market, announced: Announced, final: Schedule) -> dict[str, dict[str, float]]:
    """Return income per carrier and side; what the leader pays its followers is negative."""
    assert final.solution is not None
    layout, found = market.compiled.layout, dict[str, dict[str, float]]()
    for (carrier, side), price in announced.prices.items():
        own = layout.trades[str(layout.leader), carrier]
        columns = own.led_out if side == "sell" else own.led_in
        money = layout.step_h * float(price @ final.solution[columns])
        found.setdefault(carrier, {})[side] = money if side == "sell" else -money
    return found


def investment_per_horizon(scenario: Scenario, leader: Leader) -> float:
    """Return what the leader's devices cost over the horizon, in currency.

    cost * capital recovery factor / 365 * days of the horizon, summed over devices.
    """
    days = len(scenario.time) * scenario.time.step_h / HOURS_PER_DAY
    yearly = [one.cost * capital_recovery(one) for one in leader.investment.values()]
    return float(sum(yearly)) / DAYS_PER_YEAR * days


def capital_recovery(one: Investment) -> float:
    """Return the share of the cost that is paid back every year.

    g (1 + g)^y / ((1 + g)^y - 1) with interest g over y years; 1 / y without interest.
    """
    if one.interest == 0.0:
        return 1.0 / one.life_years
    grown = float((1.0 + one.interest) ** one.life_years)
    return one.interest * grown / (grown - 1.0)


__all__ = [
    "capital_recovery",
    "investment_per_horizon",
    "leader_entry",
    "leader_tables",
    "price_frame",
    "revenue",
]
