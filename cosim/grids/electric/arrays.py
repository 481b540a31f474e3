"""pandapower's own network equations as plain arrays, so that fast kernels are exact with it.

Switches, taps, fused buses, shunts, wards and open line ends are already inside the admittance
matrix that pandapower builds; nothing of that is rebuilt here. Complex powers and voltages are per
unit of `base_mva` and the node's rated voltage. A node is a row of pandapower's internal bus table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cosim.grids.electric.sources import Sources
from cosim.records.time import FloatArray, IntArray

ComplexArray = npt.NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Branches:
    """Elements of one table as branches of the network equations.

    Attributes:
        table: `line`, `trafo` or `trafo3w`.
        ids: elements that carry current, shape (n,).
        rows: rows of the branch arrays, shape (windings, n): one for lines and two-winding
            transformers, hv, mv and lv for three-winding ones.
        from_percent: loading in percent per per-unit current at the from side, shape (windings, n).
        to_percent: the same at the to side; zero where pandapower does not look.
    """

    table: str
    ids: IntArray
    rows: IntArray
    from_percent: FloatArray
    to_percent: FloatArray


@dataclass(frozen=True, slots=True)
class ElectricArrays:
    """Network equations Y v = conj(s / v) and what is needed to read results from voltages.

    Attributes:
        admittance: Y, shape (n, n).
        slack: nodes of external grids and slack generators, shape (r,).
        free: all other nodes, shape (m,).
        held: free nodes whose voltage magnitude a generator holds, shape (h,).
        voltage: base state, without customers or with those of the file, shape (n,).
        constant_power: injection of everything but machines, loads and sgens, shape (n,).
        generation: active power of machines (generators, ends of DC lines), shape (n,).
        voltage_share: shares of a node's power but machines that are of constant current and of
            constant impedance, for P and for Q, shape (4, n).
        constant_loss_mw: what DC lines lose.
        base_mva: power base.
        base_kv: rated voltage, shape (n,).
        bus_ids: supplied buses, shape (b,).
        bus_node: their nodes, shape (b,).
        dead_buses: in service but not connected to any external grid.
        from_node, to_node: of every branch, shape (k,).
        y_ff, y_ft, y_tf, y_tt: branch admittances, shape (k,).
        branches: lines and transformers.
        slacks: external grids.
        generators: generators in service.
    """

    admittance: sp.csc_matrix
    slack: IntArray
    free: IntArray
    held: IntArray
    voltage: ComplexArray
    constant_power: ComplexArray
    generation: FloatArray
    voltage_share: FloatArray
    constant_loss_mw: float
    base_mva: float
    base_kv: FloatArray
    bus_ids: IntArray
    bus_node: IntArray
    dead_buses: IntArray
    from_node: IntArray
    to_node: IntArray
    y_ff: ComplexArray
    y_ft: ComplexArray
    y_tf: ComplexArray
    y_tt: ComplexArray
    branches: tuple[Branches, ...]
    slacks: Sources
    generators: Sources

    @property
    def is_constant_power(self) -> bool:
        """Whether all free nodes have a given power: nothing holds or follows a voltage."""
        return not self.held.size and not np.any(self.voltage_share)

    def node_of(self, buses: Sequence[int] | IntArray) -> IntArray:
        """Return the node of each bus, -1 where the bus is not supplied."""
        lookup = np.full(int(max(self.bus_ids.max(), np.max(buses, initial=0))) + 1, -1)
        lookup[self.bus_ids] = self.bus_node
        return np.asarray(lookup[np.asarray(buses, dtype=np.int64)], dtype=np.int64)
