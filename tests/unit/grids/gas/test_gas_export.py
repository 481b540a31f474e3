"""What is written down can be opened and re-run with plain pandapipes."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.grids.gas import GasGrid
from cosim.records import ElementSeries, Injections, read_only
from tests.support.gas import KW, at, inject, plain, ring_network

Make = Callable[..., GasGrid]


@pytest.fixture
def grid(make: Make) -> GasGrid:
    import pandapipes as pp

    net = ring_network()
    pp.create_source(net, 3, 0.001)
    net.sink["scaling"] = 0.5
    drawn = -KW * np.array([[0.01, 0.002], [0.02, 0.003], [0.004, 0.001]])
    series = ElementSeries(
        "sink", read_only([2, 0], np.int64), read_only(drawn), read_only(0.0 * drawn)
    )
    return make(net, [at("school", 2), at("farm", 5, 7)], steps=3, series=[series])


@pytest.fixture
def injections(grid: GasGrid) -> Injections:
    return inject(grid, [[-100.0, 20.0], [0.0, 0.0], [-250.0, -80.0]])


def test_json_reproduces_the_states_with_its_own_time_series(
    grid: GasGrid, injections: Injections
) -> None:
    import pandapipes as pp
    from pandapipes.timeseries import run_timeseries
    from pandapower.timeseries import OutputWriter

    net = pp.from_json_string(grid.network_json(injections))
    writer = OutputWriter(net, range(3), log_variables=[])
    for table, column in (("junction", "p_bar"), ("pipe", "v_mean_m_per_s")):
        writer.log_variable(f"res_{table}", column)
    writer.log_variable("res_ext_grid", "mdot_kg_per_s")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_timeseries(net, time_steps=range(3), verbose=False)
    states = grid.verify(injections)
    for table, column in (
        ("junction", "p_bar"),
        ("pipe", "v_mean_m_per_s"),
        ("ext_grid", "mdot_kg_per_s"),
    ):
        logged = writer.output[f"res_{table}.{column}"]
        field = states.get(table, column)
        np.testing.assert_allclose(logged[list(field.ids)], field.values, rtol=1e-6, atol=1e-9)


def test_setpoints_written_into_the_network_give_the_states(
    grid: GasGrid, injections: Injections
) -> None:
    import pandapipes as pp

    net: Any = pp.from_json_string(grid.network_json(injections))
    setpoints = grid.setpoints_frame(injections)
    states = grid.states_frame(grid.verify(injections))
    assert list(setpoints.columns) == list(states.columns)
    assert list(setpoints.columns) == ["time", "element", "id", "quantity", "value"]
    for time, rows in setpoints.groupby("time"):
        for element, id_, quantity, value in rows[
            ["element", "id", "quantity", "value"]
        ].itertuples(index=False):
            net[element].loc[id_, quantity] = value
        plain(net, "swamee-jain")
        now = states[states["time"] == time]
        for (element, quantity), part in now.groupby(["element", "quantity"], observed=True):
            found = net[f"res_{element}"].loc[part["id"], quantity]
            np.testing.assert_allclose(found, part["value"], rtol=1e-6, atol=1e-9)


def test_frames_hold_everything_once_with_time_stamps(
    grid: GasGrid, injections: Injections
) -> None:
    setpoints = grid.setpoints_frame(injections)
    assert not setpoints.duplicated(["time", "element", "id", "quantity"]).any()
    assert isinstance(setpoints["time"].dtype, pd.DatetimeTZDtype)
    sinks = setpoints[setpoints["element"] == "sink"]
    assert sinks["id"].nunique() == 4 + 3
    assert set(setpoints["element"]) == {"sink", "source"}
    states = grid.states_frame(grid.verify(injections))
    assert "v_max_m_per_s" not in set(states["quantity"])
    assert states["value"].notna().all()


def test_terminals_are_sinks_named_after_them(grid: GasGrid, injections: Injections) -> None:
    import pandapipes as pp

    net = pp.from_json_string(grid.network_json(injections))
    names = net.sink["name"].value_counts()
    assert (names["school"], names["farm"]) == (1, 2)
    assert net.user_pf_options["friction_model"] == "swamee-jain"


def test_networks_without_any_customer_have_empty_setpoints(make: Make) -> None:
    net = ring_network()
    empty = make(net, unlisted="off")
    injections = inject(empty, [])
    frame = empty.setpoints_frame(injections)
    assert frame.empty
    assert list(frame.columns) == ["time", "element", "id", "quantity", "value"]
    assert empty.verify(injections).slack_kw == pytest.approx([0.0], abs=1e-9)
