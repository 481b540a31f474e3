"""Write electric set-points, states and the network down in pandapower's own terms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from cosim.grids.electric.model import ElectricModel, Setpoints, import_pandapower, write
from cosim.grids.imports import engine
from cosim.records import GridStates, TimeAxis
from cosim.records.time import FloatArray, IntArray

COLUMNS = ("time", "element", "id", "quantity", "value")
Block = tuple[str, str, IntArray, FloatArray]


def setpoints_frame(
    setpoints: Iterable[Setpoints], time: TimeAxis, steps: IntArray
) -> pd.DataFrame:
    """Return set-points as a long table (columns time, element, id, quantity, value)."""
    blocks = [(b.table, "p_mw", b.ids, b.p_mw) for b in setpoints]
    blocks += [(b.table, "q_mvar", b.ids, b.q_mvar) for b in setpoints]
    return _long(blocks, time, steps)


def states_frame(states: GridStates, time: TimeAxis) -> pd.DataFrame:
    """Return results as a long table; missing values are left out."""
    blocks = ((f.element, f.quantity, f.ids, f.values) for f in states.fields)
    return _long(blocks, time, states.injections.steps)


def _long(blocks: Iterable[Block], time: TimeAxis, steps: IntArray) -> pd.DataFrame:
    parts = list(blocks)
    stamps = time.index[steps]
    rows = [np.repeat(np.arange(len(steps)), ids.size) for _, _, ids, _ in parts]
    frame = pd.DataFrame(
        {
            "time": stamps.take(_joined(rows, np.int64)),
            "element": _labels([(element, values.size) for element, _, _, values in parts]),
            "id": _joined([np.tile(ids, len(steps)) for _, _, ids, _ in parts], np.int64),
            "quantity": _labels([(quantity, values.size) for _, quantity, _, values in parts]),
            "value": _joined([values.ravel() for _, _, _, values in parts], np.float64),
        },
        columns=list(COLUMNS),
    )
    return frame[frame["value"].notna()].reset_index(drop=True)


def _joined(parts: list[Any], dtype: Any) -> Any:
    return np.concatenate([np.zeros(0, dtype=dtype), *parts])


def _labels(runs: list[tuple[str, int]]) -> Any:
    """Return one label per row as a categorical, from labels and how often each is repeated."""
    names = sorted({name for name, _ in runs})
    codes = _joined([np.full(size, names.index(name)) for name, size in runs], np.int64)
    return pd.Categorical.from_codes(codes, categories=pd.Index(names))


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
