"""What heat consumers are asked to do, and who is behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.errors import GridError
from cosim.grids.heat.net import HeatNet
from cosim.records import Injections, NetworkInputs, read_only
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.networks import HeatNetwork
from cosim.units import W_PER_KW, celsius_to_kelvin

NEGLIGIBLE_W = 1.0
"""Heat below this is left out: a consumer of so little would need a bypass to be supplied."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What consumers are asked to do.

    Attributes:
        steps: positions on the scenario's time axis, shape (T,).
        q_w: heat taken out of the network (pandapipes' `qext_w`), shape (T, c).
        t_out_k: temperature at the outlet where there is any heat, shape (T, c).
    """

    steps: IntArray
    q_w: FloatArray
    t_out_k: FloatArray

    def draws(self, sense: float) -> np.ndarray:
        """Return where heat (cold, for cooling) is drawn, shape (T, c)."""
        return self.q_w * sense > 0.0

    def feeds(self, sense: float) -> np.ndarray:
        """Return where heat (cold) is fed in, shape (T, c)."""
        return self.q_w * sense < 0.0


class Consumers:
    """Who is behind each heat consumer of the network: terminals, background, or nobody.

    Attributes:
        share: part of each terminal's heat that each consumer has, shape (n, c).
        feed_k: outlet temperature of each consumer when it feeds in, shape (c,).
    """

    def __init__(self, inputs: NetworkInputs, settings: HeatNetwork, net: HeatNet) -> None:
        self.names = tuple(terminal.name for terminal in inputs.terminals)
        self.grid = inputs.name
        self.sense = net.sense
        self.return_k = celsius_to_kelvin(settings.return_temperature_c)
        position = {int(id_): k for k, id_ in enumerate(net.consumer_ids)}
        self._nominal_w = net.net.heat_consumer["qext_w"].to_numpy(dtype=float, copy=True)
        share = np.zeros((len(self.names), len(position)))
        feed_c: dict[int, float] = {}
        for k, terminal in enumerate(inputs.terminals):
            if terminal.at_slack:
                continue
            for point in terminal.points:
                c = position[point.id]
                share[k, c] += point.share
                self._nominal_w[c] = 0.0
                if terminal.feed_temperature_c is not None:
                    feed_c[c] = _one(
                        feed_c.get(c), terminal.feed_temperature_c, point.id, self.grid
                    )
        self.share: FloatArray = read_only(share)
        default = settings.supply_temperature_c
        feed = [feed_c.get(c, default) for c in range(len(position))]
        self.feed_k: FloatArray = read_only(np.array(feed) + celsius_to_kelvin(0.0))
        self._background: list[tuple[IntArray, FloatArray]] = []
        for series in inputs.background.series:
            columns = np.array([position[int(id_)] for id_ in series.ids], dtype=np.int64)
            self._nominal_w[columns] = 0.0
            self._background.append((columns, series.p_kw))

    def demand(self, injections: Injections) -> Demand:
        """Return what the injections mean for every consumer, background included."""
        if injections.terminals != self.names:
            raise GridError("injections do not match the network's terminals", self.grid)
        to_q = -self.sense * W_PER_KW
        q_w = to_q * (injections.p_kw @ self.share) + self._nominal_w[None, :]
        for columns, p_kw in self._background:
            for k, c in enumerate(columns):
                q_w[:, c] += to_q * p_kw[injections.steps, k]
        return self.at(injections.steps, q_w)

    def at(self, steps: IntArray, q_w: FloatArray) -> Demand:
        """Return the demand for given heat of every consumer, W, shape (T, c)."""
        q_w = np.where(np.abs(q_w) < NEGLIGIBLE_W, 0.0, q_w)
        t_out_k = np.where(q_w * self.sense < 0.0, self.feed_k[None, :], self.return_k)
        return Demand(steps, q_w, t_out_k)


def _one(known: float | None, new: float, id_: int, grid: str) -> float:
    if known is not None and known != new:
        raise GridError(
            f"terminals at heat_consumer {id_} feed in at {known:g} C and at {new:g} C; expected "
            "one temperature",
            grid,
        )
    return new
