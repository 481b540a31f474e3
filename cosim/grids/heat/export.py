"""Set-points, states and the network with its profiles, for anyone with plain pandapipes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cosim.grids.frames import long_frame, stacked
from cosim.grids.heat.fields import DERIVED
from cosim.grids.heat.net import HeatNet
from cosim.grids.heat.reference import write_step
from cosim.grids.heat.setpoints import Setpoints
from cosim.grids.imports import engine
from cosim.records import GridStates, TimeAxis
from cosim.records.time import FloatArray, IntArray


def setpoints_frame(time: TimeAxis, net: HeatNet, setpoints: Setpoints) -> pd.DataFrame:
    """Return everything that is written into the network.

    Of `treturn_k` and `controlled_mdot_kg_per_s` one is always empty (NaN) and has to be written
    too: pandapipes takes exactly two of a consumer's four set-points. Start temperatures
    (`junction.tfluid_k`) help it to converge and do not change the result; steps that have no
    state have none.
    """
    steps = setpoints.demand.steps
    blocks = [
        ("heat_consumer", quantity, net.consumer_ids, values)
        for quantity, values in setpoints.consumer_columns()
    ]
    pump = np.array([net.pump_id])
    for quantity, value in (
        ("t_flow_k", net.plant.t_supply_k),
        ("plift_bar", net.plant.lift_bar),
        ("p_flow_bar", net.plant.p_supply_bar),
    ):
        column = np.full((len(steps), 1), value)
        blocks.append(("circ_pump_pressure", quantity, pump, column))
    blocks += bypass_blocks(net, setpoints)
    frame = long_frame(blocks, time, steps, keep_missing=True)
    known = setpoints.known()
    starts = [("junction", "tfluid_k", net.junction_ids, setpoints.start_k[known])]
    return stacked([frame, long_frame(starts, time, steps[known], keep_missing=True)])


def bypass_blocks(
    net: HeatNet, setpoints: Setpoints
) -> list[tuple[str, str, IntArray, FloatArray]]:
    """Return table, column, index and flows of the consumers' bypasses, if there are any."""
    if not len(net.bypasses.rows):
        return []
    ids = net.ids("flow_control")[net.bypasses.rows]
    return [("flow_control", "controlled_mdot_kg_per_s", ids, setpoints.bypass_kg_per_s)]


def states_frame(time: TimeAxis, states: GridStates) -> pd.DataFrame:
    """Return the results that pandapipes has too, NaN left out."""
    blocks = [
        (column.element, column.quantity, column.ids, column.values)
        for column in states.fields
        if (column.element, column.quantity) not in DERIVED
    ]
    return long_frame(blocks, time, states.injections.steps)


def network_json(net: HeatNet, setpoints: Setpoints) -> str:
    """Return the network with its profiles attached as pandapipes' JSON.

    The pipe flow's options (bidirectional mode, friction law, ambient temperature) are stored as
    `user_pf_options`, so that plain `pipeflow(net)` and `run_timeseries(net, steps)` use them;
    the tables hold the values of the first step. Profiles are indexed by the scenario's steps.
    """
    pandapipes = engine("pandapipes")
    const_control = engine("pandapower.control").ConstControl
    df_data = engine("pandapower.timeseries").DFData

    pipes = net.fresh()
    steps = setpoints.demand.steps
    usable = setpoints.known()
    default_k = pipes.junction["tfluid_k"].to_numpy(dtype=float)
    start_k = np.where(usable[:, None], setpoints.start_k, default_k[None, :])
    if len(steps):
        write_step(pipes, net, setpoints, 0)
        pipes.junction["tfluid_k"] = start_k[0]
    profiles = [
        ("heat_consumer", name, net.consumer_ids, values)
        for name, values in setpoints.consumer_columns()
    ]
    profiles.append(("junction", "tfluid_k", net.junction_ids, start_k))
    profiles += bypass_blocks(net, setpoints)
    for element, variable, ids, values in profiles:
        names = [f"{element}.{id_}.{variable}" for id_ in ids]
        source = df_data(pd.DataFrame(values, index=steps, columns=names))
        const_control(
            pipes,
            element=element,
            variable=variable,
            element_index=np.array(ids),
            profile_name=names,
            data_source=source,
        )
    return str(pandapipes.to_json(pipes, None))
