"""How much hydrogen is where, and what customers draw then: a fixed point over the batch equations.

Customers take energy, so what they draw depends on the composition that reaches them, and the
composition on the flows. Energy and mass are conserved exactly; density and viscosity are those of
one blend (see `blend`). The iteration gains a factor of at least ten per round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.grids.gas.batch import GasBatch
from cosim.grids.gas.blend import Blend
from cosim.grids.gas.mixing import Stream, mix, stream
from cosim.records.time import FloatArray

TOLERANCE = 1e-12
MAX_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is put into a network at every junction and step, all at least zero, shape (j, T).

    Attributes:
        draw: withdrawals in kg/s of the network's gas without hydrogen.
        gas: gas fed in, kg/s.
        hydrogen: hydrogen fed in, kg/s.
    """

    draw: FloatArray
    gas: FloatArray
    hydrogen: FloatArray

    def steps(self, chosen: np.ndarray) -> Exchange:
        """Return some of the steps."""
        return Exchange(self.draw[:, chosen], self.gas[:, chosen], self.hydrogen[:, chosen])


def compose(batch: GasBatch, blend: Blend, exchange: Exchange) -> FloatArray:
    """Return the mass fraction of hydrogen by junction, NaN in standing gas, shape (j, T)."""
    w = np.zeros(exchange.draw.shape)
    fed = np.flatnonzero((exchange.hydrogen > 0.0).any(axis=0))
    w[:, fed] = _settle(batch, blend, exchange.steps(fed))
    return w


def _settle(batch: GasBatch, blend: Blend, exchange: Exchange) -> FloatArray:
    w = np.zeros(exchange.draw.shape)
    still = np.zeros(w.shape, dtype=bool)
    for _ in range(MAX_ROUNDS):
        if not w.size:
            break
        injection = exchange.gas + exchange.hydrogen - exchange.draw * blend.mass(w)
        flows = streams(batch, batch.on_nodes(injection), exchange)
        rank = batch.junction_rank
        found = mix(batch.tree, flows, ranked(batch, exchange.hydrogen))
        new = np.where(rank[:, None] >= 0, found[rank], 0.0)
        still = (rank[:, None] < 0) | flows.still[rank]
        change = float(np.max(np.abs(new - w), initial=0.0))
        w = new
        if change <= TOLERANCE:
            break
    return np.where(still, np.nan, w)


def streams(batch: GasBatch, injection: FloatArray, exchange: Exchange) -> Stream:
    """Return flows and inflows for injections by node."""
    tree = batch.tree
    mdot, into = batch.row_flows(injection)
    fed_in = ranked(batch, exchange.gas + exchange.hydrogen)
    fed_in[: tree.sources] += np.maximum(tree.source_flow(mdot, into), 0.0)
    return stream(tree, mdot, fed_in, batch.controls)


def ranked(batch: GasBatch, junctions: FloatArray) -> FloatArray:
    """Return values by rank from values by junction."""
    return np.asarray(batch.on_nodes(junctions)[batch.tree.nodes])
