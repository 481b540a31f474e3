"""Do market and physics agree on losses and pump electricity?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.coupling.networks import Networks, Verification, throughput_kw
from cosim.grids.base import Grid
from cosim.records import Baseline, GridStates, Schedule
from cosim.records.time import FloatArray
from cosim.scenario.config import CARRIER_OF_KIND
from cosim.scenario.networks import charged_kinds


def charged_kw(
    networks: Networks, verification: Verification, baselines: Mapping[str, Baseline]
) -> dict[str, FloatArray]:
    """Return what the physics charges to the community per carrier, shape (T,).

    Losses above those of the background alone; for electricity also the pump power above it.
    """
    charged: dict[str, FloatArray] = {}
    for name, grid in networks.grids.items():
        states, base = verification.states[name], baselines[name]
        kinds = charged_kinds(grid.inputs.kind, grid.inputs.settings)
        if "loss" in kinds:
            carrier = CARRIER_OF_KIND[grid.inputs.kind]
            _add(charged, carrier, states.loss_kw - base.loss_kw)
        if "auxiliary" in kinds:
            _add(charged, "electricity", states.auxiliary_kw - base.auxiliary_kw)
    return charged


def _add(charged: dict[str, FloatArray], carrier: str, value: FloatArray) -> None:
    charged[carrier] = charged[carrier] + value if carrier in charged else value


def mismatch(
    networks: Networks,
    schedule: Schedule,
    verification: Verification,
    baselines: Mapping[str, Baseline],
) -> dict[str, FloatArray]:
    """Return, per carrier and step, the difference between market and physics, shape (T,).

    The difference is a share of the energy that flows through the carrier's network at that step;
    infinite where there is no physical state.
    """
    flows = {
        str(CARRIER_OF_KIND[grid.inputs.kind]): _flow_kw(grid, verification.states[name])
        for name, grid in networks.grids.items()
    }
    found: dict[str, FloatArray] = {}
    for carrier, value_kw in charged_kw(networks, verification, baselines).items():
        # Pumps of a heat network without an electric network are held against the heat flow.
        flow = flows.get(carrier, next(iter(flows.values())))
        assumed = schedule.network_demand_kw.get(carrier, np.zeros(len(value_kw)))
        difference = np.abs(value_kw - assumed) / flow
        found[carrier] = np.where(np.isfinite(difference), difference, np.inf)
    return found


def _flow_kw(grid: Grid, states: GridStates) -> FloatArray:
    """Return what flows through a network; its losses are part of it where it has no utility."""
    flow = throughput_kw(grid, states.injections)
    if getattr(grid.inputs.settings, "utility", True):
        return flow
    return np.asarray(flow + np.maximum(np.nan_to_num(states.loss_kw), 0.0))


def largest(differences: Mapping[str, FloatArray]) -> float:
    """Return the largest mismatch over all carriers and steps, 0 without any."""
    return max((float(values.max()) for values in differences.values()), default=0.0)
