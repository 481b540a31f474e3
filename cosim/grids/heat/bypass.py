"""Bypasses of consumers: what keeps the pipe to a house station warm when it needs little.

A bypass lets past what the consumer lacks of a least flow, and closes while the consumer feeds in:

    bypass = max(0, least - m)      m >= 0, else 0

In pandapipes it is a `flow_control` from the consumer's supply junction to its return junction
with that flow; water passes it without losing heat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cosim.errors import GridError
from cosim.grids.imports import engine
from cosim.records import read_only
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.networks import Bypass


@dataclass(frozen=True, slots=True)
class Bypasses:
    """The bypasses of a network, in the order of its consumers.

    Attributes:
        place: position of each consumer's bypass in flow_control, -1 where it has none, shape (c,).
        least_kg_per_s: flow that consumer and bypass have together at least, shape (c,).
    """

    place: IntArray
    least_kg_per_s: FloatArray

    @property
    def owners(self) -> IntArray:
        """Positions of the consumers that have one, shape (b,)."""
        return np.flatnonzero(self.place >= 0)

    @property
    def rows(self) -> IntArray:
        """Positions of the bypasses in flow_control, shape (b,)."""
        return self.place[self.place >= 0]

    def flows(self, m: FloatArray) -> FloatArray:
        """Return the flow through each bypass for consumers' flows of shape (T, c)."""
        own = np.nan_to_num(m[:, self.owners])
        lack = np.maximum(self.least_kg_per_s[self.owners] - own, 0.0)
        return np.where(own < 0.0, 0.0, lack)

    def some(self, consumers: IntArray) -> Bypasses:
        """Return those of some of the consumers."""
        return Bypasses(
            np.ascontiguousarray(self.place[consumers]),
            np.ascontiguousarray(self.least_kg_per_s[consumers]),
        )


def add_bypasses(net: Any, wanted: Bypass | None, grid: str) -> Bypasses:
    """Create a flow control beside every consumer that is to have a bypass.

    Args:
        net: pandapipes network, written to.
        wanted: section of the scenario.
        grid: name for messages.

    Raises:
        GridError: if a consumer is not in the network.
    """
    consumers = net.heat_consumer
    place = np.full(len(consumers), -1, dtype=np.int64)
    if wanted is not None:
        chosen = _chosen(consumers, wanted, grid)
        before = len(net.flow_control) if "flow_control" in net else 0
        for number, c in enumerate(chosen):
            row = consumers.iloc[c]
            engine("pandapipes").create_flow_control(
                net,
                int(row["from_junction"]),
                int(row["to_junction"]),
                controlled_mdot_kg_per_s=wanted.least_kg_per_s,
                name=f"bypass of heat_consumer {consumers.index[c]}",
            )
            place[c] = before + number
    least = np.full(len(consumers), 0.0 if wanted is None else wanted.least_kg_per_s)
    return Bypasses(read_only(place, np.int64), read_only(np.where(place >= 0, least, 0.0)))


def _chosen(consumers: pd.DataFrame, wanted: Bypass, grid: str) -> list[int]:
    if wanted.at == "all":
        return list(range(len(consumers)))
    names = consumers["name"].astype(str).tolist() if "name" in consumers else []
    ids = consumers.index.tolist()
    chosen = []
    for key in wanted.at:
        places = [k for k, id_ in enumerate(ids) if id_ == key]
        places = places or [k for k, name in enumerate(names) if name == str(key)]
        if len(places) != 1:
            raise GridError(
                f"networks.{grid}.bypass.at: {len(places)} heat_consumers {key!r}; expected an "
                "index or a name that only one of them has",
                grid,
            )
        chosen.append(places[0])
    return list(dict.fromkeys(chosen))
