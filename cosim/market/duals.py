"""Marginal values: pool prices, and what one more kWh at a terminal is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from cosim.errors import SolveError
from cosim.market.compile import Compiled
from cosim.market.extras import Extra, LineKey, Place, cut_scale
from cosim.market.highs import Outcome
from cosim.records import Cut, CutKey, LossLine, NetworkDuals, read_only
from cosim.records.time import FloatArray


def network_duals(
    compiled: Compiled,
    fixed: Outcome,
    places: Mapping[Any, Place],
    cuts: Mapping[CutKey, tuple[Cut, Extra]],
    lines: Mapping[LineKey, tuple[LossLine, Extra]],
    sharing: bool,
) -> NetworkDuals:
    """Read the duals of the program with fixed binaries.

    One more kWh at terminal n and step t goes to the pool and is worth energy[t]; as an injection
    it also changes losses and the rows of kept cuts: with y the dual of a row and a its coefficient
    of the injection, loss = sum over loss lines of a y / step_h and congestion = sum over cuts of
    a y / step_h. Their sum is minus the dual of the row that defines the injection, over step_h.

    With contracts instead of a pool, energy is the mean of the prices of all links. Where nobody
    shares, it is the utility's price with CO2 tax. The dual of a cut is the change
    of cost per unit of its right side, zero or negative.

    Raises:
        SolveError: if that program has no optimum.
    """
    if fixed.row_dual is None:
        raise SolveError(f"no duals: {fixed.status.value}", reason=fixed.status.value)
    layout, y = compiled.layout, fixed.row_dual
    energy: dict[str, FloatArray] = {}
    for carrier, prices in layout.prices.items():
        pool, contracts = layout.pools.get(carrier), layout.contracts.get(carrier)
        if sharing and pool is not None:
            energy[carrier] = read_only(y[pool] / layout.step_h)
        elif sharing and contracts is not None and len(contracts.rows):
            energy[carrier] = read_only(y[contracts.rows].mean(axis=0) / layout.step_h)
        else:
            energy[carrier] = prices.paid
    n = compiled.program.n
    loss = _pull(n, y, places, (extra for _, extra in lines.values())) / layout.step_h
    congestion = _pull(n, y, places, (extra for _, extra in cuts.values())) / layout.step_h
    return NetworkDuals(
        energy=energy,
        loss={name: read_only(loss[where]) for name, where in layout.p_columns.items()},
        congestion={name: read_only(congestion[where]) for name, where in layout.p_columns.items()},
        cuts={
            key: float(y[places[key].rows][0]) / cut_scale(cut, layout)
            for key, (cut, _) in cuts.items()
        },
    )


def _pull(
    n: int, y: FloatArray, places: Mapping[Any, Place], extras: Iterable[Extra]
) -> FloatArray:
    """Return, per compiled column, the sum over the extras' rows of coefficient times dual."""
    total = np.zeros(n)
    for extra in extras:
        per_entry = np.repeat(y[places[extra.key].rows], np.diff(extra.starts))
        inside = extra.columns < n
        np.add.at(total, extra.columns[inside], (per_entry * extra.values)[inside])
    return total
