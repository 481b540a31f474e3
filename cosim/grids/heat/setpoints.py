"""From injections to what is written into a district-heat network, in plain pandapipes terms.

A consumer that draws heat has `qext_w` and `treturn_k`: pandapipes finds its mass flow. Two kinds
have `qext_w` and `controlled_mdot_kg_per_s` instead, with the flow at which the outlet has the
temperature that is asked for:

- who feeds in (both negative: water from return to supply, outlet at the feed temperature).
  pandapipes does not converge for negative heat with a given outlet temperature.
- who draws heat from water that has lost much of its useful temperature on the way (low load):
  there pandapipes' alternation between flows and temperatures swings or diverges.
- everyone in a step in which some pipe is nearly at rest, as between two sources: its temperature
  is so sensitive that pandapipes' alternation stops short of it.

`junction.tfluid_k` is where its iteration starts; it does not change the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cosim.errors import GridError
from cosim.grids.heat.batch import Solution, solve
from cosim.grids.heat.forest import NO_FLOW_KG_PER_S
from cosim.grids.heat.net import HeatNet
from cosim.records import Injections, NetworkInputs, read_only
from cosim.records.time import FloatArray, IntArray
from cosim.scenario.networks import HeatNetwork
from cosim.units import W_PER_KW, celsius_to_kelvin

NEGLIGIBLE_W = 1.0
"""Heat below this is left out: a consumer of so little would need a bypass to be supplied."""
LARGEST_DROP = 0.3
"""Temperature lost on the way over temperature used, above which the mass flow is given."""
NEARLY_AT_REST = 0.5
"""Heat conductance of a pipe over its heat capacity flow, above which it counts as that."""
FEEDER_SPAN_K = 30.0
"""Only where the search for a feeding terminal's flow starts."""
WATER_J_PER_KG_K = 4190.0


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


@dataclass(frozen=True, slots=True)
class Setpoints:
    """Demand in the form that goes into pandapipes.

    Attributes:
        demand: heat and outlet temperatures.
        mdot_kg_per_s: given mass flow, NaN where pandapipes has to find it, shape (T, c).
        start_k: junction temperatures to start from, NaN rows where none are known, shape (T, j).
    """

    demand: Demand
    mdot_kg_per_s: FloatArray
    start_k: FloatArray

    def known(self) -> np.ndarray:
        """Return the steps that have start temperatures, shape (T,)."""
        return np.asarray(np.isfinite(self.start_k).all(axis=1))

    def treturn_k(self) -> FloatArray:
        """Return the outlet temperatures that are given, NaN where the mass flow is."""
        given = np.isnan(self.mdot_kg_per_s)
        return np.where(given, self.demand.t_out_k, np.nan)

    def consumer_columns(self) -> Iterator[tuple[str, FloatArray]]:
        """Yield column name and values of the heat_consumer table."""
        yield "qext_w", self.demand.q_w
        yield "treturn_k", self.treturn_k()
        yield "controlled_mdot_kg_per_s", self.mdot_kg_per_s


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


def solve_batch(net: HeatNet, demand: Demand) -> Solution:
    """Solve all steps with the batch equations; the network must have trees."""
    trees = net.trees
    assert trees.forest is not None
    assert trees.fluid is not None
    q_w, t_out_k = (np.ascontiguousarray(a) for a in (demand.q_w, demand.t_out_k))
    return solve(trees.forest, trees.fluid, net.plant, q_w, t_out_k)


def batch_setpoints(net: HeatNet, demand: Demand, solution: Solution) -> Setpoints:
    """Return set-points that make pandapipes find the solution of the batch."""
    solved = (solution.iterations > 0)[:, None]
    lost = np.abs(net.plant.t_supply_k - solution.t_in)
    used = np.abs(solution.t_in - demand.t_out_k)
    given = demand.feeds(net.sense)
    everyone = nearly_at_rest(net, solution)[:, None] | (net.sense < 0.0)
    given |= demand.draws(net.sense) & ((lost > LARGEST_DROP * used) | everyone)
    guess = guessed_setpoints(net, demand)
    start_k = np.empty(solution.t.shape)
    start_k[:, net.trees.nodes] = solution.t
    return Setpoints(
        demand=demand,
        mdot_kg_per_s=np.where(solved, np.where(given, solution.m, np.nan), guess.mdot_kg_per_s),
        start_k=np.where(solved, start_k, np.nan),
    )


def nearly_at_rest(net: HeatNet, solution: Solution) -> np.ndarray:
    """Return the steps in which a pipe with flow cools most of the way to the ground."""
    forest = net.trees.forest
    assert forest is not None
    inner = np.flatnonzero(forest.parent >= 0)
    flow = solution.f[:, inner]
    inlet = np.where(flow > 0.0, solution.t[:, forest.parent[inner]], solution.t[:, inner])
    text = forest.text_k[inner]
    left = np.abs(solution.t_end[:, inner] - text) / np.maximum(np.abs(inlet - text), 1e-6)
    moving = np.abs(flow) > NO_FLOW_KG_PER_S
    return np.asarray((moving & (left < np.exp(-NEARLY_AT_REST))).any(axis=1))


def guessed_setpoints(net: HeatNet, demand: Demand) -> Setpoints:
    """Return set-points without a solution: flows of feeding consumers are only estimated."""
    flow = -np.abs(demand.q_w) / (WATER_J_PER_KG_K * FEEDER_SPAN_K)
    return Setpoints(
        demand=demand,
        mdot_kg_per_s=np.where(demand.feeds(net.sense), flow, np.nan),
        start_k=np.full((len(demand.steps), len(net.junction_ids)), np.nan),
    )
