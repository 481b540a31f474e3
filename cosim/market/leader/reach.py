"""Finite bounds for what the market leaves open: the network account, and slacks of cuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cosim.market.compile import Compiled
from cosim.market.extras import Extra
from cosim.market.program import Bounds
from cosim.records import Schedule, read_only
from cosim.records.names import NETWORK

MARGIN_KW = 10.0
"""Room of losses and pump power beyond `TIMES` their last value."""
TIMES = 5.0
"""How much more than at the last schedule losses and pump power may be at other prices."""


def within_reach(plain: Compiled, bounds: Bounds, last: Schedule | None) -> Bounds:
    """Return bounds under which the network account has nothing to do but to cover losses.

    The market leaves its trade without limit, and its losses to the loss lines; proofs need a
    finite box. Where nothing is charged the account does not trade at all. Where losses are, they
    and its trade stay within `TIMES` what they were, and `MARGIN_KW` more: a limit that other
    prices do not reach.

    Args:
        plain: the market.
        bounds: of its columns and rows.
        last: schedule at which lines were made; none without lines.
    """
    layout = plain.layout
    low, high = bounds.col_lb.copy(), bounds.col_ub.copy()
    room: dict[str, float] = {}
    for part in layout.charges:
        columns = layout.charged[part.grid, part.kind]
        free = columns[low[columns] < high[columns]]
        if last is None or last.solution is None or not len(free):
            continue
        beyond = np.abs(last.solution[columns] - part.baseline_kw)
        most = TIMES * float(beyond.max()) + MARGIN_KW
        room[part.carrier] = room.get(part.carrier, 0.0) + most
        centre = last.solution[free]
        low[free] = np.maximum(low[free], centre - most)
        high[free] = np.minimum(high[free], centre + most)
    for (party, carrier), trade in layout.trades.items():
        if party == NETWORK:
            for columns in (trade.buy, trade.sell, trade.share_in, trade.share_out):
                high[columns] = np.minimum(high[columns], room.get(carrier, 0.0))
    return Bounds(read_only(low), read_only(high), bounds.row_lb, bounds.row_ub)


def met(extras: Sequence[Extra]) -> list[Extra]:
    """Return cuts and loss lines with their slacks closed: the last schedule met them all."""
    return [replace(one, col_ub=read_only(np.zeros(len(one.col_ub)))) for one in extras]
