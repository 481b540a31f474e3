"""External grids and generators: where they are and which part of a node's power is theirs.

pandapower solves for the power of a node and then divides it among what is connected there. Both
rules are linear in the node's power, so a source's own is `offset + share * node`:

- active power: generators keep their set-point; what is left is divided among external grids (and
  generators that act as slack) by their slack weights, or evenly without weights;
- reactive power: evenly, or in proportion to the reactive ranges where those differ from zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.records import read_only
from cosim.records.time import FloatArray, IntArray

# columns of pandapower's internal generator table (MATPOWER case format, extended)
GEN_BUS, PG, QMAX, QMIN, SLACK_WEIGHT = 0, 1, 3, 4, 25


@dataclass(frozen=True, slots=True)
class Sources:
    """Elements of one table in service that feed a node; offsets in MW and Mvar.

    Attributes:
        table: `ext_grid` or `gen`.
        ids: table index, shape (n,).
        node: where, shape (n,).
        balances: whether its active power follows the node's, shape (n,).
        p_offset, p_share: active power, shape (n,).
        q_offset, q_share: reactive power, shape (n,).
    """

    table: str
    ids: IntArray
    node: IntArray
    balances: npt.NDArray[np.bool_]
    p_offset: FloatArray
    p_share: FloatArray
    q_offset: FloatArray
    q_share: FloatArray


def read_sources(net: Any, internal: Any) -> tuple[Sources, Sources]:
    """Return the external grids and the generators of a solved pandapower network."""
    table = np.real(internal["gen"]).astype(float)
    alive = np.asarray(internal["gen_is"], dtype=bool)
    row_of = np.where(alive, np.cumsum(alive) - 1, -1)
    found = {name: _rows(net, name, row_of) for name in ("ext_grid", "gen")}
    balances = np.zeros(table.shape[0], dtype=bool)
    balances[found["ext_grid"][1]] = True
    ids, rows = found["gen"]
    if ids.size:
        balances[rows[net.gen["slack"].loc[ids].to_numpy(dtype=bool)]] = True
    node = table[:, GEN_BUS].astype(np.int64)
    given = _set_points(net, table, found["gen"], balances)
    p_offset, p_share = _active_rule(given, table[:, SLACK_WEIGHT], node, balances)
    q_offset, q_share = _reactive_rule(table, node)
    made = [
        Sources(
            name,
            read_only(ids, np.int64),
            read_only(node[rows], np.int64),
            read_only(balances[rows], np.bool_),
            *(read_only(v[rows]) for v in (p_offset, p_share, q_offset, q_share)),
        )
        for name, (ids, rows) in found.items()
    ]
    return made[0], made[1]


def fixed_power(internal: Any, count: int) -> FloatArray:
    """Return the active power of all machines at every node, MW; nothing of the slacks' own."""
    table = np.real(internal["gen"]).astype(float)
    total = np.zeros(count)
    node = table[:, GEN_BUS].astype(np.int64)
    held = ~np.isin(node, np.asarray(internal["ref"]))
    np.add.at(total, node[held], table[held, PG])
    return total


def _rows(net: Any, name: str, row_of: IntArray) -> tuple[IntArray, IntArray]:
    """Return the elements of a table that take part, and their rows of the internal table."""
    lookup = net._pd2ppc_lookups.get(name)
    ids = net[name].index[net[name]["in_service"].astype(bool)].to_numpy(dtype=np.int64)
    if lookup is None or not ids.size:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    known = ids[ids < len(lookup)]
    place = np.asarray(lookup)[known]
    rows = np.where(place >= 0, row_of[place], -1)
    return known[rows >= 0], rows[rows >= 0]


def _set_points(
    net: Any,
    table: FloatArray,
    generators: tuple[IntArray, IntArray],
    balances: npt.NDArray[np.bool_],
) -> FloatArray:
    """Return the active set-point of every machine, MW: not what the slacks came to deliver."""
    given = np.where(balances, 0.0, table[:, PG])
    ids, rows = generators
    frame = net.gen.loc[ids]
    given[rows] = (frame["p_mw"] * frame["scaling"]).to_numpy(dtype=float)
    return given


def _active_rule(
    given: FloatArray, weights: FloatArray, node: IntArray, balances: npt.NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    offset, share = given.copy(), np.zeros(given.size)
    for place in np.unique(node[balances]):
        here = np.flatnonzero(balances & (node == place))
        fixed = given[~balances & (node == place)].sum()
        weight = weights[here]
        even = weight.sum() <= 0.0
        share[here] = 1.0 / here.size if even else weight / weight.sum()
        # by weight, slack generators share what differs from their set-points
        bias = 0.0 if even else given[here] - share[here] * given[here].sum()
        offset[here] = bias - share[here] * fixed
    return offset, share


def _reactive_rule(table: FloatArray, node: IntArray) -> tuple[FloatArray, FloatArray]:
    count = table.shape[0]
    offset, share = np.zeros(count), np.ones(count)
    for place in np.unique(node):
        here = np.flatnonzero(node == place)
        least, most = table[here, QMIN], table[here, QMAX]
        span = most.sum() - least.sum()
        share[here] = 1.0 / here.size
        if here.size > 1 and span != 0.0:
            share[here] = (most - least) / span
            offset[here] = least - least.sum() * share[here]
    return offset, share
