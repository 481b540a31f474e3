"""Bypasses of house stations: the law of their flow, and what they are for."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cosim.errors import GridError
from cosim.grids.heat import HeatGrid
from cosim.grids.heat.bypass import Bypasses
from cosim.grids.limits import check, violations
from cosim.records import Target
from tests.support.heat import GROUND_K, at, inject, run, street, tree_network
from tests.support.heat_campaign import compare

Make = Callable[..., HeatGrid]


def test_a_bypass_lets_past_what_the_consumer_lacks() -> None:
    bypasses = Bypasses(np.array([1, -1, 0]), np.array([0.02, 0.0, 0.03]))
    flows = bypasses.flows(np.array([[0.015, 0.5, 0.0], [0.05, 0.0, -0.01], [0.0, 0.0, np.nan]]))
    assert flows == pytest.approx(np.array([[0.005, 0.03], [0.0, 0.0], [0.02, 0.03]]))


def test_supply_temperature_behind_a_bypass_in_closed_form(make: Make) -> None:
    # the pipe carries the least flow, whatever the house needs of it
    least = 0.3
    settings = {"bypass": {"least_kg_per_s": least}}
    grid = make(
        street(u_w_per_m2k=0.5), background_kw=np.array([[1.0], [3.0]]), steps=2, settings=settings
    )
    states = grid.verify(inject(grid, np.zeros((2, 0))))
    assert not states.failures
    supply_k = states.get("heat_consumer", "t_from_k").values[:, 0]
    cp = float(grid.net.net.fluid.get_heat_capacity((353.15 + supply_k[0]) / 2.0))
    left = np.exp(-0.5 * np.pi * 0.1 * 1000.0 / (least * cp))
    assert supply_k == pytest.approx(GROUND_K + (353.15 - GROUND_K) * left, abs=0.05)
    own = states.get("heat_consumer", "mdot_from_kg_per_s").values[:, 0]
    past = states.get("flow_control", "mdot_from_kg_per_s").values[:, 0]
    assert own + past == pytest.approx(least, rel=1e-9)
    # what comes back is a mixture of what was used and what was not
    back_k = states.get("junction", "t_k").values[:, 3]
    assert back_k == pytest.approx((own * 323.15 + past * supply_k) / least, abs=0.05)


def test_far_stations_keep_their_temperature_in_summer(make: Make) -> None:
    net = tree_network(20, seed=4, hills=False)
    load = 0.05 * net.heat_consumer["qext_w"].to_numpy() / 1e3

    def missed(settings: dict[str, object]) -> int:
        grid = make(net, background_kw=load, steps=1, settings=settings)
        states = grid.verify(inject(grid, np.zeros((1, 0))))
        assert not states.failures
        found = violations("heat", check(states, grid.limits))
        return sum(1 for v in found if v.limit == "supply_temperature_min")

    assert missed({}) > 5
    assert missed({"bypass": {"least_kg_per_s": 0.06}}) == 0


@pytest.mark.parametrize("row", [1, 2, 4, 7])
def test_plain_pandapipes_with_the_bypass_flows_agrees(
    make: Make, row: int, tmp_path: object
) -> None:
    net = tree_network(12, seed=6, hills=False)
    settings = {"bypass": {"at": [0, 3, 7, 11], "least_kg_per_s": 0.05}}
    outcome = compare("bypass", net, tmp_path, settings, rows=[row])  # type: ignore[arg-type]
    assert outcome.faults == []
    assert (outcome.failed, outcome.open, outcome.taken_over) == (0, 0, 0)


def test_the_reference_engine_finds_the_bypasses_itself(make: Make) -> None:
    from cosim.grids.heat.reference import run_reference
    from cosim.grids.heat.setpoints import guessed_setpoints

    net = tree_network(8, seed=2, hills=False)
    load = net.heat_consumer["qext_w"].to_numpy() / 1e3
    settings = {"bypass": {"least_kg_per_s": 0.08}}
    grid = make(net, [at("chp", 7)], load[:7], steps=1, settings=settings)
    injections = inject(grid, [[10.0]])
    fast = grid.verify(injections)
    demand = grid._consumers.demand(injections)
    found = run_reference(grid.net, guessed_setpoints(grid.net, demand))
    assert not found.remarks
    assert np.abs(found.columns.t_k - fast.get("junction", "t_k").values).max() < 1e-3
    ours = fast.get("flow_control", "mdot_from_kg_per_s").values
    assert np.abs(found.setpoints.bypass_kg_per_s - ours).max() < 1e-6
    # it is closed where heat is fed in
    assert ours[0, 7] == 0.0


def test_slopes_know_that_the_flow_does_not_change(make: Make) -> None:
    settings = {"bypass": {"least_kg_per_s": 0.3}}
    grid = make(street(u_w_per_m2k=0.5), [at("mill", 0)], steps=1, settings=settings)
    states = grid.verify(inject(grid, [[-3.0]]))
    wanted = (
        Target("a", "heat_consumer", "supply_temperature_c", 0, 0),
        Target("b", "pipe", "speed_m_per_s", 0, 0),
        Target("c", "circ_pump_pressure", "return_temperature_c", 0, 0),
    )
    found = grid.linearise(states, wanted)
    left = np.exp(-0.5 * np.pi * 0.1 * 1000.0 / (0.3 * 4180.0))
    assert found.d_dp_per_kw[:2, 0] == pytest.approx(0.0, abs=1e-7)
    # q = m cp (t_in - t_back) for the station and its bypass together, drawing less is warmer
    assert found.d_dp_per_kw[2, 0] == pytest.approx(left / (0.3 * 4.18), rel=0.02)


def test_the_exported_network_has_the_bypasses(make: Make, tmp_path: object) -> None:
    import pandapipes as pp

    settings = {"bypass": {"at": [0], "least_kg_per_s": 0.05}}
    grid = make(
        street(u_w_per_m2k=0.5), background_kw=np.array([[1.0], [9.0]]), steps=2, settings=settings
    )
    injections = inject(grid, np.zeros((2, 0)))
    states = grid.verify(injections)
    frame = grid.setpoints_frame(injections).astype({"element": str, "quantity": str})
    flow = frame[frame["element"] == "flow_control"]["value"].to_numpy()
    assert flow == pytest.approx(
        states.get("flow_control", "mdot_from_kg_per_s").values[:, 0], abs=1e-12
    )
    net = pp.from_json_string(grid.network_json(injections))
    assert run(net, use_numba=False)
    t_k = states.get("junction", "t_k").values[0]
    assert np.abs(net.res_junction["t_k"].to_numpy() - t_k).max() < 1e-4
    assert isinstance(net.flow_control, pd.DataFrame)


def test_a_station_that_is_not_there_is_an_error(make: Make) -> None:
    with pytest.raises(GridError, match=r"bypass.at: 0 heat_consumers 'mill'; expected an index"):
        make(street(), settings={"bypass": {"at": ["mill"], "least_kg_per_s": 0.05}})
