"""Write electric set-points, states and the network down in pandapower's own terms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from cosim.grids.electric.model import ElectricModel, Setpoints, import_pandapower, write
from cosim.grids.frames import long_frame
from cosim.grids.imports import engine
from cosim.records import GridStates, TimeAxis
from cosim.records.time import IntArray


def setpoints_frame(
    setpoints: Iterable[Setpoints], time: TimeAxis, steps: IntArray
) -> pd.DataFrame:
    """Return set-points as a long table (columns time, element, id, quantity, value)."""
    blocks = [(b.table, "p_mw", b.ids, b.p_mw) for b in setpoints]
    blocks += [(b.table, "q_mvar", b.ids, b.q_mvar) for b in setpoints]
    return long_frame(blocks, time, steps)


def states_frame(states: GridStates, time: TimeAxis) -> pd.DataFrame:
    """Return results as a long table; missing values are left out."""
    blocks = ((f.element, f.quantity, f.ids, f.values) for f in states.fields)
    return long_frame(blocks, time, states.injections.steps)


def network_json(model: ElectricModel, setpoints: tuple[Setpoints, ...]) -> str:
    """Return the network with its profiles as controllers, in pandapower's JSON format.

    Time steps are 0, 1, ...; the tables hold the first step, and the power flow options of the
    verification are stored with the network, so that plain `pandapower.from_json` and
    `pandapower.timeseries.run_timeseries(net, time_steps)` reproduce the states.
    """
    pandapower = import_pandapower()
    const_control = engine("pandapower.control").ConstControl
    df_data = engine("pandapower.timeseries").DFData

    net: Any = model.fresh()
    if setpoints and setpoints[0].p_mw.shape[0]:
        write(net, setpoints, 0)
    for block in setpoints:
        ids = [int(i) for i in block.ids]
        for name, values in (("p_mw", block.p_mw), ("q_mvar", block.q_mvar)):
            const_control(
                net,
                element=block.table,
                variable=name,
                element_index=ids,
                profile_name=ids,
                data_source=df_data(pd.DataFrame(np.asarray(values), columns=ids)),
            )
    pandapower.set_user_pf_options(net, overwrite=True, **model.options)
    return str(pandapower.to_json(net))
