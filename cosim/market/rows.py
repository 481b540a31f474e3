"""Whose rows are whose, and what they are called: who owns a row, which constraint it is of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.visitor import identify_variables

from cosim.market.layout import RowGroup
from cosim.market.model import MarketModel
from cosim.records import read_only
from cosim.records.time import IntArray


def row_owner(market: MarketModel, rows: Mapping[int, int], n_rows: int) -> IntArray:
    """Return the number of the party that owns each row, -1 for rows that link parties."""
    owner = np.full(n_rows, -1, dtype=np.int64)
    for number, component in _own_constraints(market):
        owner[[rows[id(c)] for c in component.values() if id(c) in rows]] = number
    return read_only(owner, np.int64)


def row_groups(market: MarketModel, rows: Mapping[int, int], steps: int) -> dict[str, RowGroup]:
    """Return the rows of every party's constraints by their full names.

    Such as `participants.home.devices.battery.energy_balance`.
    """
    found, names = {}, tuple(market.parties)
    for number, component in _own_constraints(market):
        members = [(index, one) for index, one in component.items() if id(one) in rows]
        if not members:
            continue
        per_step = component.is_indexed() and len(members) % steps == 0
        at = [_step(index) if per_step else _last_step(one) for index, one in members]
        found[component.name] = RowGroup(
            party=names[number],
            rows=read_only([rows[id(one)] for _, one in members], np.int64),
            steps=read_only(at, np.int64),
            doc=component.doc or "",
            per_step=per_step,
        )
    return found


def _own_constraints(market: MarketModel) -> Iterator[tuple[int, Any]]:
    for number, party in enumerate(market.parties.values()):
        for component in party.block.component_objects(pyo.Constraint, descend_into=True):
            yield number, component


def _step(index: Any) -> int:
    """Return the step in an index, its last entry; the horizon's last step where there is none."""
    last = index[-1] if isinstance(index, tuple) else index
    return int(last) if isinstance(last, int) else -1


def _last_step(constraint: Any) -> int:
    indices = (variable.index() for variable in identify_variables(constraint.body))
    return max((_step(index) for index in indices), default=-1)
