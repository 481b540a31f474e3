"""From set-points of loads and sgens to injections of nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from cosim.grids.electric.arrays import ComplexArray, ElectricArrays
from cosim.grids.electric.model import SIGN_OF_TABLE, Setpoints
from cosim.records.time import IntArray


class Injector:
    """Turns set-points into node injections."""

    def __init__(self, arrays: ElectricArrays, net: Any, setpoints: tuple[Setpoints, ...]) -> None:
        self._constant = arrays.constant_power
        self._blocks = []
        for block in setpoints:
            frame = net[block.table].loc[block.ids]
            node = arrays.node_of(frame["bus"].to_numpy(dtype=np.int64))
            weight = frame["scaling"].to_numpy(dtype=float) * SIGN_OF_TABLE[block.table]
            on = np.flatnonzero(node >= 0)
            place = (weight[on] / arrays.base_mva, (node[on], on))
            shape = (arrays.voltage.size, block.ids.size)
            self._blocks.append((sp.csr_matrix(place, shape=shape), block))

    def power(self, rows: IntArray) -> ComplexArray:
        """Return the injection of every node but the slacks' own, per unit, shape (n, k).

        Args:
            rows: rows of the set-points, shape (k,).
        """
        total = np.repeat(self._constant[:, None], rows.size, axis=1)
        for place, block in self._blocks:
            total.real += place @ block.p_mw[rows].T
            total.imag += place @ block.q_mvar[rows].T
        return total
