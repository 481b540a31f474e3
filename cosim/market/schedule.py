"""From column values to the records that leave the market."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cosim.market.compile import Compiled
from cosim.records import CostTable, Injections, TimeAxis, read_only
from cosim.records.names import NETWORK, OPERATOR
from cosim.records.time import FloatArray

Row = tuple[str, str, str, str, FloatArray]
"""Participant, device, carrier, quantity, values of shape (T,)."""


def cleaned(compiled: Compiled, x: FloatArray) -> FloatArray:
    """Return column values inside their bounds, with trade in both directions netted.

    Taking from and giving to the pool at the same step is netted always, buying and selling where
    that never costs more: by the prices, and for the network account whatever they are.
    """
    n = compiled.program.n
    result = np.clip(x[:n], compiled.program.bounds.col_lb, compiled.program.bounds.col_ub)
    for columns in compiled.layout.charged.values():
        result[columns] = x[columns]
    for (party, carrier), trade in compiled.layout.trades.items():
        if len(trade.share_in):
            both = np.minimum(result[trade.share_in], result[trade.share_out])
            result[trade.share_in] -= both
            result[trade.share_out] -= both
        if len(trade.sell):
            prices = compiled.layout.prices[carrier]
            both = np.minimum(result[trade.buy], result[trade.sell])
            if prices.sell is not None and party != NETWORK:
                both = np.where(prices.sell <= prices.paid, both, 0.0)
            result[trade.buy] -= both
            result[trade.sell] -= both
    return read_only(result)


def cost_table(compiled: Compiled, x: FloatArray) -> CostTable:
    """Return the costs per participant and component, with their total."""
    names = [*compiled.layout.parties, OPERATOR]
    components = list(dict.fromkeys(label[1] for label in compiled.money.labels))
    table = pd.DataFrame(0.0, index=pd.Index(names, name="participant"), columns=components)
    for (name, component), values in compiled.money.groups(x):
        table.loc[name, component] = float(values.sum()) + 0.0
    table["total"] = table.sum(axis=1)
    return table


def injections(compiled: Compiled, x: FloatArray) -> dict[str, Injections]:
    """Return what every terminal puts into its network, over the whole axis."""
    layout = compiled.layout
    steps = read_only(np.arange(layout.steps), np.int64)
    found = {}
    for name, terminals in layout.terminals.items():
        q = layout.q_columns[name]
        q_kvar = np.where(q >= 0, x[q], 0.0)
        p_kw = read_only(x[layout.p_columns[name]])
        found[name] = Injections(name, steps, terminals, p_kw, read_only(q_kvar))
    return found


def network_demand(compiled: Compiled, x: FloatArray) -> dict[str, FloatArray]:
    """Return what the networks charge to the community per carrier, shape (T,), kW."""
    layout = compiled.layout
    found: dict[str, FloatArray] = {}
    for part in layout.charges:
        extra = x[layout.charged[part.grid, part.kind]] - part.baseline_kw
        found[part.carrier] = found.get(part.carrier, 0.0) + extra
    return {carrier: read_only(value) for carrier, value in found.items()}


def long_table(compiled: Compiled, time: TimeAxis, x: FloatArray) -> pd.DataFrame:
    """Return the schedule: columns time, participant, device, carrier, quantity, value.

    Devices report their own quantities. Besides: `trade` (buy_kw, sell_kw, share_out_kw,
    share_in_kw), `demand` (demand_kw), `background` (demand_kw of customers that a participant
    supplies), `connection` (p_kw, q_kvar; positive into the network). For the participant
    `network`: `trade`, `demand` (demand_kw, what is charged), and per network loss_kw and
    auxiliary_kw, background included.
    """
    rows = [*_device_rows(compiled, x), *_party_rows(compiled, x), *_network_rows(compiled, x)]
    steps = len(time)
    labels = [np.repeat(np.array(column, dtype=object), steps) for column in _labels(rows)]
    table = pd.DataFrame(
        dict(zip(("participant", "device", "carrier", "quantity"), labels, strict=True))
    )
    table.insert(0, "time", time.index[np.tile(np.arange(steps), len(rows))])
    table["value"] = np.concatenate([row[4] for row in rows])
    return table


def _labels(rows: list[Row]) -> list[list[str]]:
    return [[str(row[k]) for row in rows] for k in range(4)]


def _device_rows(compiled: Compiled, x: FloatArray) -> Iterator[Row]:
    for (party, device, carrier, quantity), values in compiled.report.groups(x):
        yield party, device, carrier, quantity, values


def _party_rows(compiled: Compiled, x: FloatArray) -> Iterator[Row]:
    layout = compiled.layout
    for (party, carrier), trade in layout.trades.items():
        for quantity in ("buy", "sell", "share_out", "share_in"):
            columns = getattr(trade, quantity)
            if len(columns):
                yield party, "trade", carrier, f"{quantity}_kw", x[columns]
    for device, series in (("demand", layout.demand_kw), ("background", layout.background_kw)):
        for (party, carrier), values in series.items():
            yield party, device, carrier, "demand_kw", values
    for grid, entry in injections(compiled, x).items():
        for k, name in enumerate(entry.terminals):
            if name in layout.parties:
                yield name, "connection", layout.carriers[grid], "p_kw", entry.p_kw[:, k]
                if layout.q_columns[grid][0, k] >= 0:
                    yield name, "connection", layout.carriers[grid], "q_kvar", entry.q_kvar[:, k]


def _network_rows(compiled: Compiled, x: FloatArray) -> Iterator[Row]:
    for part in compiled.layout.charges:
        values = x[compiled.layout.charged[part.grid, part.kind]]
        yield NETWORK, part.grid, part.carrier, f"{part.kind}_kw", values
    for carrier, values in network_demand(compiled, x).items():
        yield NETWORK, "demand", carrier, "demand_kw", values
