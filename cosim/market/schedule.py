"""From column values to the records that leave the market."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from cosim.market.compile import Compiled
from cosim.market.layout import Functionals
from cosim.records import CostTable, Injections, TimeAxis, read_only
from cosim.records.names import NETWORK, OPERATOR, carrier_at, party_of
from cosim.records.schedule import no_contracts
from cosim.records.time import FloatArray

NEGLIGIBLE_KW = 1e-9
"""A contract below this is none."""
FOLLOWER_NAMES = ("from_leader_kw", "to_leader_kw")
"""Quantities of what a follower takes from the leader and gives to it."""
LEADER_NAMES = ("from_followers_kw", "to_followers_kw")
"""The same of the leader."""
Row = tuple[str, str, str, str, FloatArray]
"""Participant, device, carrier, quantity, values of shape (T,)."""


def cost_table(compiled: Compiled, x: FloatArray) -> CostTable:
    """Return the costs per participant and component, with their total."""
    return _wide((*compiled.layout.parties, OPERATOR), compiled.money, x)


def co2_table(compiled: Compiled, x: FloatArray) -> CostTable:
    """Return emissions per party and source in kg, and their total.

    Sources are the carriers that are bought, `captured` (negative) and `methane`; where allowances
    are traded, `quota` behind the total is what a participant is given.
    """
    table = _wide(compiled.layout.parties, compiled.co2, x)
    if compiled.quota.labels:
        given = {name: float(values.sum()) for (name,), values in compiled.quota.groups(x)}
        table["quota"] = [given.get(name, 0.0) for name in table.index]
    return table


def _wide(parties: Sequence[str], labelled: Functionals, x: FloatArray) -> pd.DataFrame:
    """Return sums of groups labelled (party, column) as a table with a total."""
    rows = {name: k for k, name in enumerate(parties)}
    columns = {name: k for k, name in enumerate(dict.fromkeys(one[1] for one in labelled.labels))}
    values = np.zeros((len(rows), len(columns)))
    for (party, column), group in labelled.groups(x):
        values[rows[party], columns[column]] = float(group.sum()) + 0.0
    index = pd.Index(list(rows), name="participant")
    table = pd.DataFrame(values, index=index, columns=list(columns))
    table["total"] = values.sum(axis=1)
    return table


def contract_table(compiled: Compiled, time: TimeAxis, x: FloatArray) -> pd.DataFrame:
    """Return bilateral contracts: columns time, carrier, from, to, kw, deliveries above 0 only."""
    found = [no_contracts()]
    for carrier, contracts in compiled.layout.contracts.items():
        kw = x[contracts.give]
        which, step = np.nonzero(kw > NEGLIGIBLE_KW)
        found.append(
            pd.DataFrame(
                {
                    "time": time.index[step],
                    "carrier": carrier,
                    "from": np.array(contracts.giver, dtype=object)[which],
                    "to": np.array(contracts.taker, dtype=object)[which],
                    "kw": kw[which, step],
                }
            )
        )
    filled = [table for table in found if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else found[0]


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
    share_in_kw, with a leader from_leader_kw, to_leader_kw or, of the leader, from_followers_kw and
    to_followers_kw, and co2_kg_per_h of what is bought where that has emissions), `demand`
    (demand_kw), `background` (demand_kw of customers that a participant supplies), `connection`
    (p_kw, q_kvar; positive into the network). For the participant `network`: `trade`, `demand`
    (demand_kw, what is charged), and per network loss_kw and auxiliary_kw, background included.
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
        names = FOLLOWER_NAMES if party != layout.leader else LEADER_NAMES
        for quantity, columns in zip(names, (trade.led_in, trade.led_out), strict=True):
            if len(columns):
                yield party, "trade", carrier, quantity, x[columns]
        if trade.prices.co2_kg_per_kwh > 0.0:
            emitted = trade.prices.co2_kg_per_kwh * x[trade.buy]
            yield party, "trade", carrier, "co2_kg_per_h", emitted
    for device, series in (("demand", layout.demand_kw), ("background", layout.background_kw)):
        for (party, carrier), values in series.items():
            yield party, device, carrier, "demand_kw", values
    for grid, entry in injections(compiled, x).items():
        for k, name in enumerate(entry.terminals):
            if party_of(name) in layout.parties:
                what = carrier_at(name, layout.carriers[grid])
                yield party_of(name), "connection", what, "p_kw", entry.p_kw[:, k]
                if layout.q_columns[grid][0, k] >= 0:
                    yield name, "connection", layout.carriers[grid], "q_kvar", entry.q_kvar[:, k]


def _network_rows(compiled: Compiled, x: FloatArray) -> Iterator[Row]:
    for part in compiled.layout.charges:
        values = x[compiled.layout.charged[part.grid, part.kind]]
        yield NETWORK, part.grid, part.carrier, f"{part.kind}_kw", values
    for carrier, values in network_demand(compiled, x).items():
        yield NETWORK, "demand", carrier, "demand_kw", values
