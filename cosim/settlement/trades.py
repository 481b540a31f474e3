"""Who delivers to whom: the pool's net positions, or bilateral contracts, as pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cosim.records import Schedule, TimeAxis, read_only
from cosim.records.time import FloatArray

NEGLIGIBLE_KW = 1e-7
"""Power below this is no trade."""


@dataclass(frozen=True, slots=True)
class PairTrades:
    """Energy that one party sells to another, for every pair that ever trades.

    Attributes:
        carrier: of each pair, length n.
        seller: of each pair, length n.
        buyer: of each pair, length n; may be the network account.
        kw: power delivered from seller to buyer, shape (T, n), never negative.
        step_h: length of a step.
    """

    carrier: tuple[str, ...]
    seller: tuple[str, ...]
    buyer: tuple[str, ...]
    kw: FloatArray
    step_h: float

    def __len__(self) -> int:
        """Return the number of pairs (a pair counts once for each carrier and direction)."""
        return len(self.carrier)

    @property
    def energy_kwh(self) -> FloatArray:
        """Energy per pair over the horizon, shape (n,)."""
        total: FloatArray = self.kw.sum(axis=0) * self.step_h
        return total


def pair_trades(schedule: Schedule) -> PairTrades:
    """Return the trades of a schedule as pairs.

    Bilateral contracts are taken as they are. What goes through a pool has no addressee, so each
    buyer is served by all sellers in proportion: q_ij = out_i * in_j / sum of out, at each step.
    """
    found = _contracts(schedule)
    bilateral = {item[0] for item in found}
    steps, table = len(schedule.time), schedule.table
    pool = table[table["quantity"].isin(["share_out_kw", "share_in_kw"])]
    for carrier, part in pool.groupby("carrier", observed=True, sort=True):
        if carrier in bilateral:
            continue
        sold, sellers = _by_party(part, "share_out_kw", schedule.time)
        bought, buyers = _by_party(part, "share_in_kw", schedule.time)
        total = sold.sum(axis=1)
        scale = np.divide(1.0, total, out=np.zeros(steps), where=total > NEGLIGIBLE_KW)
        for i, seller in enumerate(sellers):
            for j, buyer in enumerate(buyers):
                kw = sold[:, i] * bought[:, j] * scale
                if seller != buyer and kw.max(initial=0.0) > NEGLIGIBLE_KW:
                    found.append((str(carrier), seller, buyer, kw))
    return _trades(found, steps, schedule.time.step_h)


def _contracts(schedule: Schedule) -> list[tuple[str, str, str, FloatArray]]:
    """Return carrier, seller, buyer and power of shape (T,) of every bilateral contract."""
    found = []
    for key, part in schedule.bilateral.groupby(["carrier", "from", "to"], observed=True):
        series = part.groupby("time")["kw"].sum().reindex(schedule.time.index, fill_value=0.0)
        carrier, seller, buyer = (str(one) for one in key)
        found.append((carrier, seller, buyer, series.to_numpy(dtype=float)))
    return found


def _trades(found: list[tuple[str, str, str, FloatArray]], steps: int, step_h: float) -> PairTrades:
    kw = np.column_stack([item[3] for item in found]) if found else np.zeros((steps, 0))
    return PairTrades(
        carrier=tuple(item[0] for item in found),
        seller=tuple(item[1] for item in found),
        buyer=tuple(item[2] for item in found),
        kw=read_only(kw),
        step_h=step_h,
    )


def _by_party(part: pd.DataFrame, quantity: str, time: TimeAxis) -> tuple[FloatArray, list[str]]:
    """Return powers of shape (T, parties), and the parties."""
    rows = part[part["quantity"] == quantity]
    wide = rows.pivot_table(
        index="time", columns="participant", values="value", aggfunc="sum", observed=True
    ).reindex(time.index, fill_value=0.0)
    values = np.maximum(np.nan_to_num(wide.to_numpy(dtype=float)), 0.0)
    return values.reshape(len(time), -1), [str(name) for name in wide.columns]
