"""From injections to what is written into a district-heat network, in plain pandapipes terms.

A consumer that draws heat has `qext_w` and `treturn_k`: pandapipes finds its mass flow. Others
have `qext_w` and `controlled_mdot_kg_per_s` instead, with the flow at which the outlet has the
temperature that is asked for:

- who feeds in (both negative: water from return to supply, outlet at the feed temperature).
  pandapipes does not converge for negative heat with a given outlet temperature.
- who draws heat from water that has lost much of its useful temperature on the way (low load):
  there pandapipes' alternation between flows and temperatures swings or diverges.
- everyone in a cooling network: pandapipes stops the flow where the outlet is the warmer end.
- everyone in a step in which some pipe is nearly at rest, as between two sources: its temperature
  is so sensitive that pandapipes' alternation stops short of it.

`junction.tfluid_k` is where its iteration starts; it does not change the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cosim.grids.heat.demand import Demand
from cosim.grids.heat.fast import Fast
from cosim.grids.heat.net import HeatNet
from cosim.records.time import FloatArray

LARGEST_DROP = 0.3
"""Temperature lost on the way over temperature used, above which the mass flow is given."""
FEEDER_SPAN_K = 30.0
"""Only where the search for a feeding terminal's flow starts."""
WATER_J_PER_KG_K = 4190.0


@dataclass(frozen=True, slots=True)
class Setpoints:
    """Demand in the form that goes into pandapipes.

    Attributes:
        demand: heat and outlet temperatures.
        mdot_kg_per_s: given mass flow, NaN where pandapipes has to find it, shape (T, c).
        bypass_kg_per_s: flow through the consumers' bypasses, shape (T, b).
        start_k: junction temperatures to start from, NaN rows where none are known, shape (T, j).
    """

    demand: Demand
    mdot_kg_per_s: FloatArray
    bypass_kg_per_s: FloatArray
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


def fast_setpoints(net: HeatNet, demand: Demand, fast: Fast) -> Setpoints:
    """Return set-points that make pandapipes find the solution of the batch."""
    solved = fast.solved[:, None]
    lost = np.abs(net.plant.t_supply_k - fast.t_in_k)
    used = np.abs(fast.t_in_k - demand.t_out_k)
    everyone = fast.at_rest[:, None] | (net.sense < 0.0)
    given = demand.feeds(net.sense)
    given |= demand.draws(net.sense) & ((lost > LARGEST_DROP * used) | everyone)
    given &= np.isfinite(fast.m)
    guess = guessed_setpoints(net, demand)
    start_k = np.where(np.isnan(fast.t_k), net.plant.ambient_k, fast.t_k)
    return Setpoints(
        demand=demand,
        mdot_kg_per_s=np.where(solved, np.where(given, fast.m, np.nan), guess.mdot_kg_per_s),
        bypass_kg_per_s=np.where(solved, net.bypasses.flows(fast.m), guess.bypass_kg_per_s),
        start_k=np.where(solved, start_k, np.nan),
    )


def guessed_setpoints(net: HeatNet, demand: Demand) -> Setpoints:
    """Return set-points without a solution: flows that pandapipes cannot find are estimated."""
    flow = np.abs(demand.q_w) / (WATER_J_PER_KG_K * FEEDER_SPAN_K)
    span_k = np.abs(net.plant.t_supply_k - net.plant.t_return_k)
    drawn = np.abs(demand.q_w) / (WATER_J_PER_KG_K * span_k)
    mdot = np.where(demand.feeds(net.sense), -flow, np.nan)
    if net.sense < 0.0:
        mdot = np.where(demand.draws(net.sense), drawn, mdot)
    return Setpoints(
        demand=demand,
        mdot_kg_per_s=mdot,
        bypass_kg_per_s=net.bypasses.flows(np.where(demand.feeds(net.sense), -flow, drawn)),
        start_k=np.full((len(demand.steps), len(net.junction_ids)), np.nan),
    )
