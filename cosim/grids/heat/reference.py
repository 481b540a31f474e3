"""Evaluate district-heat states with pandapipes itself, one pipe flow per step."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

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
FEED_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Reference:
    """What pandapipes found.

    Attributes:
        columns: results.
        setpoints: as given, with the mass flows of feeding consumers that were found.
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
    the last one that converged. Where the flow of a feeding consumer is only a guess it is
    adjusted until its outlet has the feed temperature.
    """
    pipes = net.fresh()
    steps = len(setpoints.demand.steps)
    columns = empty_columns(net, steps)
    mdot = np.array(setpoints.mdot_kg_per_s)
    start_k = np.array(setpoints.start_k)
    remarks: dict[int, str] = {}
    damped = 0
    latest_k = pipes.junction["tfluid_k"].to_numpy(dtype=float, copy=True)
    with _quiet():
        for row in range(steps):
            known = np.isfinite(start_k[row]).all()
            pipes.junction["tfluid_k"] = start_k[row] if known else latest_k
            level, remark = _step(pipes, setpoints, mdot, row, net, LADDER[:rungs])
            if remark:
                remarks[row] = remark
                continue
            damped += level > 0
            _read(pipes, columns, row)
            latest_k = columns.t_k[row].copy()
            start_k[row] = latest_k
    found = replace(setpoints, mdot_kg_per_s=mdot, start_k=start_k)
    return Reference(columns, found, remarks, damped)


def _step(
    pipes: Any,
    setpoints: Setpoints,
    mdot: FloatArray,
    row: int,
    net: HeatNet,
    ladder: Sequence[dict[str, float]],
) -> tuple[int, str]:
    """Solve one step; `mdot` gets the flows of feeding consumers. Returns rung and remark."""
    demand = setpoints.demand
    feeding = demand.feeds(net.sense)[row]
    level = 0
    for _ in range(FEED_ROUNDS):
        write_step(pipes, setpoints, mdot[row], row)
        level, remark = _climb(pipes, ladder)
        if remark or not feeding.any():
            return level, remark
        outlet = pipes.res_heat_consumer["t_outlet_k"].to_numpy(dtype=float)[feeding]
        wanted = demand.t_out_k[row, feeding]
        if np.abs(outlet - wanted).max() < FEED_TOLERANCE_K:
            return level, ""
        inlet = pipes.res_heat_consumer["t_to_k"].to_numpy(dtype=float)[feeding]
        if (net.sense * (wanted - inlet) <= 0.0).any():
            id_ = net.consumer_ids[feeding][int(np.argmax(inlet))]
            return level, f"the return at heat_consumer {id_} is as warm as its feed temperature"
        mdot[row, feeding] *= (outlet - inlet) / (wanted - inlet)
        pipes.junction["tfluid_k"] = pipes.res_junction["t_k"].to_numpy(dtype=float)
    return level, f"no flow found for feed-in at heat_consumer {net.consumer_ids[feeding][:5]}"


def write_step(pipes: Any, setpoints: Setpoints, mdot_kg_per_s: FloatArray, row: int) -> None:
    """Write one step's values into a network."""
    given = ~np.isnan(mdot_kg_per_s)
    pipes.heat_consumer["qext_w"] = setpoints.demand.q_w[row]
    pipes.heat_consumer["treturn_k"] = np.where(given, np.nan, setpoints.demand.t_out_k[row])
    pipes.heat_consumer["controlled_mdot_kg_per_s"] = mdot_kg_per_s


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


def _read(pipes: Any, columns: HeatColumns, row: int) -> None:
    pipe, consumer = pipes.res_pipe, pipes.res_heat_consumer
    columns.p_bar[row] = pipes.res_junction["p_bar"].to_numpy()
    columns.t_k[row] = pipes.res_junction["t_k"].to_numpy()
    columns.pipe_kg_per_s[row] = pipe["mdot_from_kg_per_s"].to_numpy()
    columns.pipe_m_per_s[row] = pipe["v_mean_m_per_s"].to_numpy()
    columns.consumer_kg_per_s[row] = consumer["mdot_from_kg_per_s"].to_numpy()
    columns.consumer_m3_per_s[row] = np.abs(consumer["vdot_m3_per_s"].to_numpy())
    columns.outlet_k[row] = consumer["t_outlet_k"].to_numpy()
    pump = pipes.res_circ_pump_pressure.iloc[0]
    columns.pump_kg_per_s[row] = pump["mdot_from_kg_per_s"]
    columns.pump_m3_per_s[row] = pump["vdot_m3_per_s"]
    columns.pump_w[row] = pump["qext_w"]
    columns.solved[row] = True


def missed_outlets(net: HeatNet, setpoints: Setpoints, columns: HeatColumns) -> dict[int, str]:
    """Name the steps whose outlets are not at the temperature asked for.

    This is how pandapipes confirms the mass flows that were given to it.
    """
    demand = setpoints.demand
    off = np.where(demand.q_w != 0.0, np.abs(columns.outlet_k - demand.t_out_k), 0.0)
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
