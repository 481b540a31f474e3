"""Write gas set-points, states and the network down in pandapipes' own terms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from cosim.grids.frames import long_frame
from cosim.grids.gas.columns import DERIVED
from cosim.grids.gas.model import FLOW, GasModel, Setpoints
from cosim.grids.gas.reference import options
from cosim.grids.imports import engine
from cosim.records import GridStates, TimeAxis
from cosim.records.time import IntArray


def setpoints_frame(
    setpoints: Iterable[Setpoints], time: TimeAxis, steps: IntArray
) -> pd.DataFrame:
    """Return set-points as a long table (columns time, element, id, quantity, value)."""
    return long_frame(((b.table, FLOW, b.ids, b.values) for b in setpoints), time, steps)


def states_frame(states: GridStates, time: TimeAxis) -> pd.DataFrame:
    """Return results as a long table; derived columns and missing values are left out."""
    blocks = (
        (f.element, f.quantity, f.ids, f.values)
        for f in states.fields
        if (f.element, f.quantity) not in DERIVED
    )
    return long_frame(blocks, time, states.injections.steps)


def network_json(model: GasModel, setpoints: tuple[Setpoints, ...]) -> str:
    """Return the network with its profiles as controllers, in pandapipes' JSON format.

    Time steps are 0, 1, ...; the pipe-flow options of the verification are stored with it, so
    that plain `pandapipes.timeseries.run_timeseries(net, time_steps)` reproduces the states.
    """
    pandapipes = engine("pandapipes")
    const_control = engine("pandapower.control").ConstControl
    df_data = engine("pandapower.timeseries").DFData

    net: Any = model.fresh()
    for block in setpoints:
        ids = [int(i) for i in block.ids]
        profile = pd.DataFrame(np.asarray(block.values), columns=ids)
        const_control(
            net,
            element=block.table,
            variable=FLOW,
            element_index=ids,
            profile_name=ids,
            data_source=df_data(profile),
        )
    pandapipes.set_user_pf_options(net, reset=True, **options(model.settings.friction_model))
    return str(pandapipes.to_json(net))
