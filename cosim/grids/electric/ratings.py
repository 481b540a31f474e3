"""Ratings of lines and transformers as loading per current, the way pandapower defines loading."""

from __future__ import annotations

from typing import Any

import numpy as np

from cosim.records.time import FloatArray


def percent_per_ka(net: Any, table: str) -> FloatArray:
    """Return loading in percent per kA, shape (2 sides, windings, elements).

    Lines: 100 / (max_i_ka df parallel). Transformers (loading by current): 100 sqrt(3) vn / sn of
    each side over df and parallel; the outer side of each winding for three windings.
    """

    def column(name: str) -> FloatArray:
        """Return a column of the table, 1 where the network has none; shape (elements,)."""
        if name not in net[table]:
            return np.ones(len(net[table]))
        return np.asarray(net[table][name].to_numpy(dtype=float))

    with np.errstate(divide="ignore"):
        if table == "line":
            one = 100.0 / (column("max_i_ka") * column("df") * column("parallel"))
            return np.stack([one[None, :], one[None, :]])
    root = 100.0 * np.sqrt(3.0)
    if table == "trafo":
        rated = column("sn_mva") * column("df") * column("parallel")
        return np.stack([(root * column(f"vn_{s}_kv") / rated)[None, :] for s in ("hv", "lv")])
    outer = {s: root * column(f"vn_{s}_kv") / column(f"sn_{s}_mva") for s in ("hv", "mv", "lv")}
    none = np.zeros(len(net[table]))
    return np.stack(
        [np.stack([outer["hv"], none, none]), np.stack([none, outer["mv"], outer["lv"]])]
    )
