"""What is written down reproduces the states with plain pandapower."""

from __future__ import annotations

import io

import numpy as np
import pandapower as pp
import pandas as pd
import pytest
from pandapower.timeseries import OutputWriter
from pandapower.timeseries.run_time_series import run_timeseries

from tests.support.electric import NETWORKS, injections, spread, two_buses

SHAPE = np.array([0.1, 1.0, 1.2, -0.8, 0.5, 0.7])
COLUMNS = ["time", "element", "id", "quantity", "value"]


def setup(make, name):
    net = NETWORKS[name]()
    grid = make(net, spread(net), SHAPE)
    rng = np.random.default_rng(1)
    size = (6, len(grid.inputs.terminals))
    entry = injections(grid, rng.normal(size=size) * 8.0, rng.normal(size=size))
    return grid, entry


def reopened(grid, entry):
    return pp.from_json_string(grid.network_json(entry))


@pytest.mark.parametrize("name", ["village", "ieee33 meshed", "three windings", "cigre lv"])
def test_run_timeseries_of_the_exported_network_reproduces_the_states(make, name):
    grid, entry = setup(make, name)
    states = grid.verify(entry)
    net = reopened(grid, entry)
    writer = OutputWriter(net, range(6), log_variables=[("res_bus", "vm_pu")])
    writer.log_variable("res_line", "loading_percent")
    run_timeseries(net, range(6), verbose=False)
    for element, quantity in (("bus", "vm_pu"), ("line", "loading_percent")):
        logged = writer.output[f"res_{element}.{quantity}"]
        field = states.get(element, quantity)
        logged.columns = logged.columns.astype(int)
        close = 3e-8 if quantity == "vm_pu" else 1e-5
        assert field.values == pytest.approx(logged[field.ids].to_numpy(float), abs=close)


def test_setpoints_written_back_by_anyone_reproduce_the_states(make):
    grid, entry = setup(make, "village")
    frame = grid.setpoints_frame(entry)
    stored = io.BytesIO()
    frame.to_parquet(stored)
    frame = pd.read_parquet(io.BytesIO(stored.getvalue()))
    states = grid.states_frame(grid.verify(entry, "reference"))
    net = reopened(grid, entry)
    for time, rows in frame.groupby("time"):
        for row in rows.itertuples():
            net[row.element].at[row.id, row.quantity] = row.value
        pp.runpp(net)
        expected = states[states["time"] == time]
        for (element, quantity), part in expected.groupby(["element", "quantity"], observed=True):
            own = net[f"res_{element}"][quantity].loc[part["id"]].to_numpy()
            close = {"loading_percent": 1e-5, "va_degree": 2e-6}.get(quantity, 1e-7)
            assert part["value"].to_numpy() == pytest.approx(own, abs=close)


def test_frames_have_the_agreed_columns_and_pandapower_names(make):
    grid, entry = setup(make, "village")
    setpoints, states = grid.setpoints_frame(entry), grid.states_frame(grid.verify(entry))
    assert list(setpoints.columns) == COLUMNS
    assert list(states.columns) == COLUMNS
    assert set(setpoints["element"]) == {"load", "sgen"}
    assert set(setpoints["quantity"]) == {"p_mw", "q_mvar"}
    net = reopened(grid, entry)
    pp.runpp(net)
    for element, quantity in states.groupby(["element", "quantity"], observed=True).groups:
        assert quantity in net[f"res_{element}"].columns
    assert setpoints["time"].dt.tz is not None
    names = net.sgen["name"].dropna().tolist()
    assert names.count("a") == 2, "one sgen per point, named after the terminal"
    both = setpoints[(setpoints["element"] == "sgen") & (setpoints["quantity"] == "p_mw")]
    mine = both[both["id"].isin(net.sgen.index[net.sgen["name"] == "a"])]
    per_step = mine.groupby("time")["value"].sum().to_numpy()
    assert per_step == pytest.approx(entry.p_kw[:, 0] / 1e3), "positive is injection"


def test_the_exported_network_can_be_run_as_it_is(make):
    """Without any controller it stands at the first step."""
    grid, entry = setup(make, "village")
    net = reopened(grid, entry)
    pp.runpp(net)
    field = grid.verify(entry).get("bus", "vm_pu")
    assert net.res_bus["vm_pu"].loc[field.ids].to_numpy() == pytest.approx(
        field.values[0], abs=3e-8
    )


def test_export_of_some_steps_counts_from_zero(make):
    grid = make(two_buses(), {"a": {1: 1.0}}, steps=5)
    entry = injections(grid, [[-10.0], [-20.0]], steps=[1, 4])
    net = reopened(grid, entry)
    run_timeseries(net, [1], verbose=False)
    assert net.sgen["p_mw"].tolist() == [-0.02]
    frame = grid.setpoints_frame(entry)
    assert list(frame["time"].unique()) == list(grid.inputs.time.index[[1, 4]])


def test_the_adapter_does_not_change_while_it_works(make):
    grid, entry = setup(make, "village")
    before = grid.network_json(entry)
    states = grid.verify(entry)
    grid.verify(entry, "reference")
    grid.linearise(states, ())
    assert grid.network_json(entry) == before
    with pytest.raises(ValueError, match="read-only"):
        states.fields[0].values[0, 0] = 1.0
