"""The response of a gas network whose customers draw less kg of a richer blend.

What customers draw follows the composition, the composition the flows, and flows what is drawn:
the linear system is solved by repeating, which gains a factor of ten per round or more.
"""

from __future__ import annotations

import numpy as np

from cosim.grids.gas.batch import GasBatch
from cosim.grids.gas.blend import Blend
from cosim.grids.gas.composition import Exchange, ranked
from cosim.grids.gas.mixing import Stream, mix, stream
from cosim.grids.gas.response import Changes, Response
from cosim.records.time import FloatArray

TOLERANCE = 1e-9
MAX_ROUNDS = 40


class MixedResponse:
    """The linearised network and its composition at S solved steps.

    Args:
        batch: solver of the network.
        response: of its pressures and flows.
        mdot: by row, shape (rows, S).
        exchange: what is put in, by junction.
        w: mass fraction of hydrogen by junction, 0 where unknown, shape (j, S).
        blend: of the network.
    """

    def __init__(
        self,
        batch: GasBatch,
        response: Response,
        mdot: FloatArray,
        exchange: Exchange,
        w: FloatArray,
        blend: Blend,
    ) -> None:
        tree = self._tree = batch.tree
        self._response = response
        injection = exchange.gas + exchange.hydrogen - exchange.draw * blend.mass(w)
        into = ranked(batch, injection) + batch.fixed[tree.nodes, None]
        fed_in = ranked(batch, exchange.gas + exchange.hydrogen)
        supply = tree.source_flow(mdot, into)
        self._supplying = supply > 0.0
        fed_in[: tree.sources] += np.maximum(supply, 0.0)
        self._flows: Stream = stream(tree, mdot, fed_in, batch.controls)
        self._w = mix(tree, self._flows, ranked(batch, exchange.hydrogen))
        at_rank = ranked(batch, w)
        self._mass = blend.mass(at_rank)
        self._relief = -ranked(batch, exchange.draw) * blend.d_mass(at_rank)

    def to(self, wide: FloatArray, drawing: np.ndarray, hydrogen: np.ndarray) -> Changes:
        """Return the response to one unit of every terminal.

        Args:
            wide: kg/s into every rank per unit of each terminal, shape (ranks, S, n).
            drawing: terminals that withdraw, shape (S, n).
            hydrogen: terminals that feed hydrogen in, shape (n,).
        """
        draws = drawing[None, :, :] & ~hydrogen
        direct = np.where(draws, wide * self._mass[:, :, None], wide)
        light = np.where(hydrogen, wide, 0.0)
        fed = np.where(draws, 0.0, wide)
        fraction = np.zeros(wide.shape)
        changes = self._response.to(direct)
        for _ in range(MAX_ROUNDS):
            new = mix(self._tree, self._flows, self._mixed(changes, light, fed))
            moved = float(np.max(np.abs(new - fraction), initial=0.0))
            fraction = new
            changes = self._response.to(direct + self._relief[:, :, None] * fraction)
            if moved <= TOLERANCE * float(np.max(np.abs(fraction), initial=0.0)):
                break
        return Changes(changes.pressure, changes.flow, changes.source, fraction)

    def _mixed(self, changes: Changes, light: FloatArray, fed: FloatArray) -> FloatArray:
        """Return the right side: sum over inflows of d|m| w_upstream + dh - w d(inflow)."""
        tree, flows, w = self._tree, self._flows, self._w[:, :, None]
        rows = tree.parent.size
        right = light - w * fed
        source = np.where(self._supplying[:, :, None], changes.source, 0.0)
        right[: tree.sources] -= w[: tree.sources] * source
        d_row = changes.flow[:rows] * np.sign(flows.mdot[:rows, :, None])
        gap = w[tree.parent] - w[tree.sources :]
        down = flows.mdot[:rows, :, None] > 0.0
        right[tree.sources :] += np.where(down, d_row * gap, 0.0)
        np.add.at(right, tree.parent, np.where(down, 0.0, -d_row * gap))
        chords = tree.chords
        if chords:
            start, end = flows.edge_from[:chords], flows.edge_to[:chords]
            forward = flows.edge_mdot[:chords, :, None] > 0.0
            step = changes.flow[rows:] * np.sign(flows.edge_mdot[:chords, :, None])
            gap = w[start] - w[end]
            np.add.at(right, end, np.where(forward, step * gap, 0.0))
            np.add.at(right, start, np.where(forward, 0.0, -step * gap))
        return right
