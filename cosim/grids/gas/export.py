"""Write gas set-points, states and the network down in pandapipes' own terms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from cosim.grids.gas.columns import DERIVED
from cosim.grids.gas.model import FLOW, GasModel, Setpoints
from cosim.grids.gas.reference import options
from cosim.grids.imports import engine
from cosim.records import GridStates, TimeAxis
from cosim.records.time import FloatArray, IntArray

COLUMNS = ("time", "element", "id", "quantity", "value")
Block = tuple[str, str, IntArray, FloatArray]


def setpoints_frame(
    setpoints: Iterable[Setpoints], time: TimeAxis, steps: IntArray
) -> pd.DataFrame:
    """Return set-points as a long table (columns time, element, id, quantity, value)."""
    return _long(((b.table, FLOW, b.ids, b.values) for b in setpoints), time, steps)


def states_frame(states: GridStates, time: TimeAxis) -> pd.DataFrame:
    """Return results as a long table; derived columns and missing values are left out."""
    blocks = (
        (f.element, f.quantity, f.ids, f.values)
        for f in states.fields
        if (f.element, f.quantity) not in DERIVED
    )
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
