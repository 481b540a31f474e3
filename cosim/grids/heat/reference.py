"""Evaluate district-heat states with pandapipes itself, one pipe flow per step."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cosim.errors import GridError
from cosim.grids.heat.columns import HeatColumns, empty_columns
from cosim.grids.heat.net import HeatNet
from cosim.grids.heat.setpoints import Setpoints
from cosim.grids.imports import engine
from cosim.records.time import FloatArray
from cosim.units import celsius_to_kelvin

LADDER: tuple[dict[str, float], ...] = (
    {},
    {"iter": 200, "alpha": 0.5},
    {"iter": 600, "alpha": 0.2},
)
"""Options tried in turn: full steps, then damped ones, which converge at lower load."""
OUTLET_TOLERANCE_K = 1e-3
"""How far an outlet may be from the temperature asked for (pandapipes' own tolerance)."""
FEED_TOLERANCE_K = 1e-5
BYPASS_TOLERANCE_KG_PER_S = 1e-7
SEARCH_ROUNDS = 20
"""Pipe flows in which given flows are adjusted until outlets and bypasses are as wanted."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What pandapipes found.

    Attributes:
        columns: results.
        setpoints: as given, with the mass flows of consumers and bypasses that were found.
        remarks: row -> what pandapipes said, for steps that did not converge.
        damped: number of steps that needed damping.
    """

    columns: HeatColumns
    setpoints: Setpoints
    remarks: dict[int, str]
    damped: int


def run_reference(net: HeatNet, setpoints: Setpoints, rungs: int = len(LADDER)) -> Reference:
    """Run a pipe flow for every step.

    `rungs` limits how far the ladder is climbed. A step without start temperatures begins from
    the last one that converged. Where a given flow is only a guess it is adjusted until the outlet
    has the temperature asked for, and bypasses until they let past what their consumers lack.
    """
    pipes = net.fresh()
    steps = len(setpoints.demand.steps)
    columns = empty_columns(net, steps)
    mdot = np.array(setpoints.mdot_kg_per_s)
    bypass = np.array(setpoints.bypass_kg_per_s)
    start_k = np.array(setpoints.start_k)
    remarks: dict[int, str] = {}
    damped = 0
    latest_k = pipes.junction["tfluid_k"].to_numpy(dtype=float, copy=True)
    with _quiet():
        for row in range(steps):
            known = np.isfinite(start_k[row]).all()
            pipes.junction["tfluid_k"] = start_k[row] if known else latest_k
            one = _Step(pipes, net, setpoints, row, mdot[row], bypass[row])
            level, remark = _search(one, LADDER[:rungs])
            if remark:
                remarks[row] = remark
                continue
            damped += level > 0
            _read(net, pipes, columns, row)
            found_k = columns.t_k[row]
            latest_k = np.where(np.isfinite(found_k), found_k, net.plant.ambient_k)
            start_k[row] = latest_k
    found = replace(setpoints, mdot_kg_per_s=mdot, bypass_kg_per_s=bypass, start_k=start_k)
    return Reference(columns, found, remarks, damped)


@dataclass(frozen=True, slots=True)
class _Step:
    """One step: the network to write to, and the flows that are adjusted in place."""

    pipes: Any
    net: HeatNet
    setpoints: Setpoints
    row: int
    mdot_kg_per_s: FloatArray
    bypass_kg_per_s: FloatArray

    def write(self) -> None:
        """Write the step's values into the network."""
        demand = self.setpoints.demand
        given = ~np.isnan(self.mdot_kg_per_s)
        self.pipes.heat_consumer["qext_w"] = demand.q_w[self.row]
        self.pipes.heat_consumer["treturn_k"] = np.where(given, np.nan, demand.t_out_k[self.row])
        self.pipes.heat_consumer["controlled_mdot_kg_per_s"] = self.mdot_kg_per_s
        if len(self.bypass_kg_per_s):
            ids = self.pipes.flow_control.index[self.net.bypasses.rows]
            self.pipes.flow_control.loc[ids, "controlled_mdot_kg_per_s"] = self.bypass_kg_per_s

    def bypasses_settled(self) -> bool:
        """Adjust the bypasses to what consumers take; true if there was nothing to adjust."""
        if not len(self.bypass_kg_per_s):
            return True
        flow = self.pipes.res_heat_consumer["mdot_from_kg_per_s"].to_numpy(dtype=float)
        wanted = self.net.bypasses.flows(flow[None, :])[0]
        settled = np.abs(wanted - self.bypass_kg_per_s).max() < BYPASS_TOLERANCE_KG_PER_S
        self.bypass_kg_per_s[:] = wanted
        return bool(settled)

    def outlets_settled(self) -> bool:
        """Adjust given flows to the outlets asked for; true if there was nothing to adjust.

        Raises:
            GridError: if the water is already at the temperature that it is to leave with.
        """
        demand, sense = self.setpoints.demand, self.net.sense
        q_w = demand.q_w[self.row]
        sought = (q_w * sense < 0.0) | ((sense < 0.0) & (q_w != 0.0))
        sought &= ~np.isnan(self.mdot_kg_per_s) & ~self.net.cut_off
        if not sought.any():
            return True
        result = self.pipes.res_heat_consumer
        outlet = result["t_outlet_k"].to_numpy(dtype=float)[sought]
        wanted = demand.t_out_k[self.row, sought]
        if np.abs(outlet - wanted).max() < FEED_TOLERANCE_K:
            return True
        forward = self.mdot_kg_per_s[sought] > 0.0
        ends = (result["t_from_k"].to_numpy(dtype=float), result["t_to_k"].to_numpy(dtype=float))
        inlet = np.where(forward, ends[0][sought], ends[1][sought])
        gained = np.sign(q_w[sought]) * (inlet - wanted)
        if (gained <= 0.0).any():
            id_ = self.net.consumer_ids[sought][int(np.argmin(gained))]
            raise GridError(f"water reaches heat_consumer {id_} at the temperature it is to have")
        self.mdot_kg_per_s[sought] *= (outlet - inlet) / (wanted - inlet)
        return False


def _search(step: _Step, ladder: Sequence[dict[str, float]]) -> tuple[int, str]:
    """Run pipe flows until nothing has to be adjusted; returns rung and remark."""
    for _ in range(SEARCH_ROUNDS):
        step.write()
        level, remark = _climb(step.pipes, ladder)
        if remark:
            return level, remark
        try:
            settled = step.outlets_settled() & step.bypasses_settled()
        except GridError as error:
            return level, str(error)
        if settled:
            return level, ""
        start_k = step.pipes.res_junction["t_k"].to_numpy(dtype=float)
        ambient_k = step.net.plant.ambient_k
        step.pipes.junction["tfluid_k"] = np.where(np.isfinite(start_k), start_k, ambient_k)
    return level, "no flows found that give the outlets and bypasses asked for"


def write_step(pipes: Any, net: HeatNet, setpoints: Setpoints, row: int) -> None:
    """Write one step's values into a network."""
    mdot, bypass = setpoints.mdot_kg_per_s[row], setpoints.bypass_kg_per_s[row]
    _Step(pipes, net, setpoints, row, mdot, bypass).write()


def _climb(pipes: Any, ladder: Sequence[dict[str, float]]) -> tuple[int, str]:
    """Run a pipe flow, with damping if needed; returns the rung and why the last one failed."""
    pandapipes = engine("pandapipes")
    not_converged = engine("pandapipes.pf.pipeflow_setup").PipeflowNotConverged

    remark = ""
    for level, options in enumerate(ladder):
        try:
            pandapipes.pipeflow(pipes, use_numba=False, **options)
        except not_converged as error:
            remark = str(error).strip() or "no convergence"
        except (UserWarning, ValueError) as error:
            return level, f"pandapipes: {error}"
        else:
            return level, ""
    return len(ladder), remark


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pandapipes from reporting every consumer without heat at every step."""
    logger = logging.getLogger("pandapipes")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _read(net: HeatNet, pipes: Any, columns: HeatColumns, row: int) -> None:
    pipe, consumer = pipes.res_pipe, pipes.res_heat_consumer
    columns.p_bar[row] = pipes.res_junction["p_bar"].to_numpy()
    columns.t_k[row] = np.where(net.mesh.reached, pipes.res_junction["t_k"].to_numpy(), np.nan)
    columns.pipe_kg_per_s[row] = pipe["mdot_from_kg_per_s"].to_numpy()
    columns.pipe_m_per_s[row] = pipe["v_mean_m_per_s"].to_numpy()
    columns.consumer_kg_per_s[row] = consumer["mdot_from_kg_per_s"].to_numpy()
    columns.consumer_m3_per_s[row] = np.abs(consumer["vdot_m3_per_s"].to_numpy())
    columns.outlet_k[row] = consumer["t_outlet_k"].to_numpy()
    pump = pipes.res_circ_pump_pressure
    columns.pump_kg_per_s[row] = pump["mdot_from_kg_per_s"].to_numpy()
    columns.pump_m3_per_s[row] = pump["vdot_m3_per_s"].to_numpy()
    columns.pump_w[row] = pump["qext_w"].to_numpy()
    for table, fitting in net.fittings.items():
        flow = pipes[f"res_{table}"]["mdot_from_kg_per_s"].to_numpy()
        columns.fitting_kg_per_s[row, fitting.place] = flow
    columns.solved[row] = True


def missed_outlets(net: HeatNet, setpoints: Setpoints, columns: HeatColumns) -> dict[int, str]:
    """Name the steps whose outlets are not at the temperature asked for.

    This is how pandapipes confirms the mass flows that were given to it.
    """
    demand = setpoints.demand
    wanted = (demand.q_w != 0.0) & ~net.cut_off
    off = np.where(wanted, np.abs(columns.outlet_k - demand.t_out_k), 0.0)
    found = {}
    for row in np.flatnonzero((off > OUTLET_TOLERANCE_K).any(axis=1) & columns.solved):
        worst = int(np.argmax(off[row]))
        got, wanted = columns.outlet_k[row, worst], demand.t_out_k[row, worst]
        zero = celsius_to_kelvin(0.0)
        found[int(row)] = (
            f"outlet of heat_consumer {net.consumer_ids[worst]} is at {got - zero:.2f} C "
            f"instead of {wanted - zero:.2f} C"
        )
    return found
