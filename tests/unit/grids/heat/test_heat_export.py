"""Set-points, states and network file: anyone can reproduce the states with plain pandapipes."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.grids.heat import HeatGrid
from tests.support.heat import at, inject, run, tree_network

Make = Callable[..., HeatGrid]
STEPS = 6
COLUMNS = ["time", "element", "id", "quantity", "value"]
FEED_C = 78.0


@pytest.fixture
def day(make: Make) -> tuple[HeatGrid, Any]:
    """A day that goes from full load to next to nothing, with feed-in and a change of sign."""
    net = tree_network(14, seed=4)
    full = net.heat_consumer["qext_w"].to_numpy()[:12] / 1e3
    shape = np.array([1.0, 0.6, 0.25, 0.08, 0.02, 0.9])
    terminals = [at("chp", 13, feed_c=FEED_C), at("farm", 12)]
    grid = make(net, terminals, background_kw=shape[:, None] * full[None, :], steps=STEPS)
    own = [[40.0, -15.0], [100.0, 0.0], [0.5, 20.0], [10.0, -2.0], [0.0, -0.3], [-12.0, 5.0]]
    return grid, inject(grid, own)


def write(net: Any, rows: pd.DataFrame) -> None:
    for (element, quantity), block in rows.groupby(["element", "quantity"], observed=True):
        net[element].loc[block["id"].to_numpy(), quantity] = block["value"].to_numpy()


def test_the_day_is_physical(day: tuple[HeatGrid, Any]) -> None:
    grid, injections = day
    assert not grid.verify(injections).failures


def test_plain_pipeflow_with_the_setpoints_gives_the_states(
    day: tuple[HeatGrid, Any], tmp_path: Path
) -> None:
    import pandapipes as pp

    grid, injections = day
    states = grid.verify(injections, "reference")
    assert states.engine.startswith("pandapipes")
    setpoints, expected = grid.setpoints_frame(injections), grid.states_frame(states)
    assert list(setpoints.columns) == COLUMNS
    assert list(expected.columns) == COLUMNS
    (tmp_path / "run.json").write_text(grid.network_json(injections), encoding="utf-8")
    net = pp.from_json(str(tmp_path / "run.json"))
    for time, rows in setpoints.groupby("time"):
        write(net, rows)
        assert run(net, use_numba=False)
        for (element, quantity), block in expected[expected["time"] == time].groupby(
            ["element", "quantity"], observed=True
        ):
            plain = net[f"res_{element}"][quantity].loc[block["id"].to_numpy()].to_numpy()
            bound = 1e-6 * max(1.0, float(np.abs(plain).max()))
            assert np.abs(plain - block["value"].to_numpy()).max() < bound, (element, quantity)


def test_setpoints_say_who_is_given_what(day: tuple[HeatGrid, Any]) -> None:
    grid, injections = day
    frame = grid.setpoints_frame(injections)
    first = frame[(frame["time"] == grid.inputs.time.index[0]) & (frame["id"] == 13)]
    values = first[first["element"] == "heat_consumer"].set_index("quantity")["value"]
    assert values["qext_w"] == -40e3
    assert np.isnan(values["treturn_k"])
    assert values["controlled_mdot_kg_per_s"] < 0.0
    last = frame[(frame["time"] == grid.inputs.time.index[5]) & (frame["id"] == 13)]
    values = last[last["element"] == "heat_consumer"].set_index("quantity")["value"]
    assert values["qext_w"] == 12e3
    assert values["treturn_k"] == pytest.approx(323.15)
    assert np.isnan(values["controlled_mdot_kg_per_s"])
    pump = frame[frame["element"] == "circ_pump_pressure"]
    assert set(pump["quantity"]) == {"t_flow_k", "plift_bar", "p_flow_bar"}


def test_mass_flows_that_were_given_have_the_right_outlets(day: tuple[HeatGrid, Any]) -> None:
    grid, injections = day
    states = grid.verify(injections, "reference")
    outlet = states.get("heat_consumer", "t_outlet_k").values
    heat = states.get("heat_consumer", "qext_w").values
    assert np.abs(outlet[heat > 0.0] - 323.15).max() < 1e-4
    feeding = heat < 0.0
    feed_k = np.broadcast_to([353.15] * 13 + [FEED_C + 273.15], outlet.shape)
    assert np.abs(outlet[feeding] - feed_k[feeding]).max() < 1e-4


def test_run_timeseries_on_the_network_file_gives_the_states(
    day: tuple[HeatGrid, Any], tmp_path: Path
) -> None:
    import pandapipes as pp
    from pandapipes.timeseries import run_timeseries
    from pandapower.timeseries import OutputWriter

    grid, injections = day
    states = grid.verify(injections)
    net = pp.from_json_string(grid.network_json(injections))
    logged = [
        ("junction", "t_k"),
        ("junction", "p_bar"),
        ("pipe", "v_mean_m_per_s"),
        ("heat_consumer", "mdot_from_kg_per_s"),
        ("circ_pump_pressure", "qext_w"),
    ]
    writer = OutputWriter(net, range(STEPS), log_variables=[(f"res_{e}", q) for e, q in logged])
    with np.errstate(divide="ignore"):  # stagnant pipes in pandapipes' friction law
        run_timeseries(net, range(STEPS), verbose=False, use_numba=False)
    bounds = {"t_k": 1e-5, "p_bar": 1e-7, "v_mean_m_per_s": 1e-6, "qext_w": 0.05}
    for element, quantity in logged:
        column = states.get(element, quantity)
        plain = writer.output[f"res_{element}.{quantity}"][column.ids.tolist()].to_numpy()
        assert np.abs(plain - column.values).max() < bounds.get(quantity, 1e-6), (element, quantity)


def test_states_frame_has_pandapipes_columns_only(day: tuple[HeatGrid, Any]) -> None:
    grid, injections = day
    frame = grid.states_frame(grid.verify(injections))
    net = copy.deepcopy(grid.net.net)
    run(net, use_numba=False)
    for element, quantity in frame[["element", "quantity"]].drop_duplicates().to_numpy():
        assert quantity in net[f"res_{element}"].columns
    assert frame["value"].notna().all()


def test_failed_steps_are_in_the_setpoints_and_not_in_the_states(make: Make) -> None:
    grid = make(tree_network(5, seed=1), [at("chp", 4)], steps=2)
    injections = inject(grid, [[10.0], [500.0]])
    failed = grid.inputs.time.index[1]
    setpoints = grid.setpoints_frame(injections)
    states = grid.states_frame(grid.verify(injections))
    row = setpoints[(setpoints["time"] == failed) & (setpoints["id"] == 4)]
    assert row[row["quantity"] == "qext_w"]["value"].tolist() == [-500e3]
    assert failed not in set(states["time"])
