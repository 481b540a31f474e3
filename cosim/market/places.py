"""Where contracts, capacity charges and ladders of CO2 prices are in the compiled model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyomo.environ as pyo

from cosim.market.layout import ContractColumns, LadderColumns, PeakColumn
from cosim.market.linear import Columns
from cosim.market.model import MarketModel
from cosim.records import read_only
from cosim.records.time import IntArray
from cosim.scenario.participants import Carrier


def contract_columns(
    market: MarketModel, columns: Columns, rows: Mapping[int, int], steps: int
) -> dict[Carrier, ContractColumns]:
    """Return the contracts of every carrier that is shared bilaterally."""
    found: dict[Carrier, ContractColumns] = {}
    for carrier, blocks in market.contracts.items():
        links = market.model.links.component(carrier)
        pairs = list(dict.fromkeys((i, j) for i, j, _ in links))
        shape = (len(pairs), steps)
        give, take, link_rows = (np.empty(shape, dtype=np.int64) for _ in range(3))
        for k, (i, j) in enumerate(pairs):
            give[k] = _at(blocks[i].contracts.component(j).give, columns)
            take[k] = _at(blocks[j].contracts.component(i).take, columns)
            link_rows[k] = [rows[id(links[i, j, t])] for t in range(steps)]
        found[carrier] = ContractColumns(
            giver=tuple(i for i, _ in pairs),
            taker=tuple(j for _, j in pairs),
            give=read_only(give, np.int64),
            take=read_only(take, np.int64),
            rows=read_only(link_rows, np.int64),
        )
    return found


def peak_columns(market: MarketModel, columns: Columns) -> tuple[PeakColumn, ...]:
    """Return the columns of all capacity charges."""
    found = []
    for name, party in market.parties.items():
        for carrier, parts in party.peaks.items():
            rise = party.block.component(carrier).rise
            for part in parts:
                before = [p for p in parts if p.period == part.period and p.first < part.first]
                found.append(
                    PeakColumn(
                        party=name,
                        carrier=carrier,
                        rise=columns[id(rise[part.first])],
                        earlier=tuple(columns[id(rise[p.first])] for p in before),
                        steps=read_only(part.steps, np.int64),
                        floor_kw=part.floor_kw,
                    )
                )
    return tuple(found)


def ladder_columns(market: MarketModel, columns: Columns) -> tuple[LadderColumns, ...]:
    """Return the columns of all ladders of CO2 prices."""
    names = ("above", "below", "above_used", "below_used")
    return tuple(
        LadderColumns(one.ladder, *(_at(one.block.component(name), columns) for name in names))
        for party in market.parties.values()
        for one in party.ladders
    )


def _at(component: pyo.Var, columns: Columns) -> IntArray:
    return read_only([columns[id(item)] for item in component.values()], np.int64)
