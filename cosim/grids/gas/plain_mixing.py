"""Composition in a network that pandapipes has solved: one sparse system over all branches.

Independent of the batch equations: it reads pandapipes' result tables and nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import spsolve

from cosim.grids.gas.mixing import STILL_KG_PER_S
from cosim.records.time import FloatArray, IntArray


def plain_fractions(net: Any, fed_in: FloatArray, hydrogen: FloatArray) -> FloatArray:
    """Return the mass fraction of hydrogen at every junction, NaN where gas stands still.

    Args:
        net: solved.
        fed_in: gas and hydrogen fed in by everyone but external grids, kg/s, shape (j,).
        hydrogen: hydrogen fed in, kg/s, shape (j,).
    """
    position = pd.Index(net.junction.index)
    start, end, flow = _branches(net, position)
    up, down = np.where(flow > 0.0, start, end), np.where(flow > 0.0, end, start)
    size = np.abs(flow)
    inflow = fed_in + np.bincount(down, size, minlength=len(position))
    grids = net.ext_grid[net.ext_grid["in_service"]]
    supply = np.maximum(-net.res_ext_grid.loc[grids.index, "mdot_kg_per_s"].to_numpy(), 0.0)
    np.add.at(inflow, position.get_indexer(grids["junction"]), np.nan_to_num(supply))
    known = inflow > STILL_KG_PER_S
    carried = coo_matrix((size, (down, up)), shape=(len(position), len(position)))
    keep = diags(known.astype(float))
    system = diags(np.where(known, inflow, 1.0)) - keep @ carried
    w = np.asarray(spsolve(system.tocsc(), np.where(known, hydrogen, 0.0)))
    return np.where(known, w, np.nan)


def _branches(net: Any, position: pd.Index) -> tuple[IntArray, IntArray, FloatArray]:
    """Return start, end and flow of everything that gas flows through."""
    parts = []
    for table, rows in dict(net).items():
        if not isinstance(rows, pd.DataFrame) or table.startswith(("res_", "_")) or rows.empty:
            continue
        if "from_junction" in rows:
            parts.append((rows["from_junction"], rows["to_junction"], f"res_{table}"))
        elif table == "valve":
            between = rows[rows["et"] == "ju"]
            parts.append((between["junction"], between["element"], "res_valve"))
    ends: list[list[FloatArray]] = [[], [], []]
    for start, end, result in parts:
        flow = net[result].loc[start.index, "mdot_from_kg_per_s"].to_numpy(dtype=float)
        where = (position.get_indexer(pd.Index(ends_of)) for ends_of in (start, end))
        columns = (*where, np.nan_to_num(flow))
        for column, values in zip(ends, columns, strict=True):
            column.append(values)
    start_at, end_at, flows = (np.concatenate(column) for column in ends)
    return start_at.astype(np.int64), end_at.astype(np.int64), flows
