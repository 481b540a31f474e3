"""Column values without what a solver leaves open: both directions at once, slack peaks."""

from __future__ import annotations

import numpy as np

from cosim.market.compile import Compiled
from cosim.market.layout import ContractColumns, TradeColumns
from cosim.records import read_only
from cosim.records.time import FloatArray
from cosim.scenario.participants import Carrier


def cleaned(compiled: Compiled, x: FloatArray) -> FloatArray:
    """Return column values inside their bounds, with trade in both directions netted.

    Taking from and giving to the pool at the same step is netted always, and so are the two
    directions of a link; buying and selling where that never costs more. What is paid for peaks and
    CO2 then follows from the trades exactly.
    """
    n = compiled.program.n
    result = np.clip(x[:n], compiled.program.bounds.col_lb, compiled.program.bounds.col_ub)
    for columns in compiled.layout.charged.values():
        result[columns] = x[columns]
    for carrier, contracts in compiled.layout.contracts.items():
        _net_contracts(compiled, carrier, contracts, result)
    for (_, carrier), trade in compiled.layout.trades.items():
        if len(trade.share_in) and carrier not in compiled.layout.contracts:
            both = np.minimum(result[trade.share_in], result[trade.share_out])
            result[trade.share_in] -= both
            result[trade.share_out] -= both
        if len(trade.sell):
            _net_utility(trade, result)
    _set_peaks(compiled, result)
    _set_ladders(compiled, result)
    return read_only(result)


def _net_utility(trade: TradeColumns, x: FloatArray) -> None:
    both = np.minimum(x[trade.buy], x[trade.sell])
    if trade.prices.sell is not None:
        both = np.where(trade.prices.sell <= trade.prices.paid, both, 0.0)
    x[trade.buy] -= both
    x[trade.sell] -= both


def _net_contracts(
    compiled: Compiled, carrier: Carrier, contracts: ContractColumns, x: FloatArray
) -> None:
    """Net the two directions of every link, and add up what each party gives and takes."""
    at = {pair: k for k, pair in enumerate(zip(contracts.giver, contracts.taker, strict=True))}
    one_way = np.minimum(x[contracts.give], x[contracts.take])
    power = one_way.copy()
    for (giver, taker), k in at.items():
        if (taker, giver) in at:
            power[k] = np.maximum(one_way[k] - one_way[at[taker, giver]], 0.0)
    x[contracts.give] = x[contracts.take] = power
    givers, takers = np.array(contracts.giver), np.array(contracts.taker)
    for (party, of), trade in compiled.layout.trades.items():
        if of == carrier:
            x[trade.share_out] = power[givers == party].sum(axis=0)
            x[trade.share_in] = power[takers == party].sum(axis=0)


def _set_peaks(compiled: Compiled, x: FloatArray) -> None:
    """Set what is paid for peaks to the highest import; a solver may pay early for later parts."""
    for peak in compiled.layout.peaks:
        trade = compiled.layout.trades[peak.party, peak.carrier]
        drawn = x[trade.buy[peak.steps]]
        if len(trade.share_in):
            drawn = drawn + x[trade.share_in[peak.steps]] - x[trade.share_out[peak.steps]]
        for columns, sign in ((trade.sell, -1.0), (trade.led_in, 1.0), (trade.led_out, -1.0)):
            if len(columns):
                drawn = drawn + sign * x[columns[peak.steps]]
        known = peak.floor_kw + float(x[list(peak.earlier)].sum())
        x[peak.rise] = max(float(drawn.max(initial=0.0)) - known, 0.0)


def _set_ladders(compiled: Compiled, x: FloatArray) -> None:
    """Set the intervals of traded CO2 to what the emissions fill."""
    emitted = compiled.traded.values(x)
    for columns, e_t in zip(compiled.layout.ladders, emitted, strict=True):
        above, below = columns.ladder.rungs(float(e_t))
        x[columns.above], x[columns.below] = above, below
        if len(columns.above_used):
            x[columns.above_used], x[columns.below_used] = above > 0.0, below > 0.0
