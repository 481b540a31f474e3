"""Networks from laid pipes, held against closed forms and plain pandapipes."""

from __future__ import annotations

import math
from pathlib import Path

import pandapipes
import pytest

from cosim.errors import GridError
from cosim.grids.heat.laid import Circuit, circuits, keep_warm_kg_per_s, write_laid_network
from tests.support import quarter

ROW = ("hotel", "office", "hospital")


def circuit(dn: int = 65, host: str = "hotel", lift_bar: float = 2.0) -> Circuit:
    pipes = (quarter.pipe("hotel-office", dn, 300.0), quarter.pipe("office-hospital", dn, 280.0))
    return Circuit(pipes, ROW, host, 85.0, 55.0, lift_bar)


def flow(laid: Circuit, folder: Path, heat_kw: dict[str, float]) -> pandapipes.pandapipesNet:
    """Run plain pandapipes on the written file with heat drawn at stations."""
    write_laid_network(laid, {}, folder / "heat.json")
    net = pandapipes.from_json(str(folder / "heat.json"))
    for name, kw in heat_kw.items():
        net.heat_consumer.loc[net.heat_consumer["name"] == name, "qext_w"] = 1000.0 * kw
    net.pipe["text_k"] = 283.15
    pandapipes.pipeflow(net, mode="bidirectional", friction_model="swamee-jain", iter=100)
    return net


def test_buildings_without_pipes_are_in_no_circuit() -> None:
    order = ("a", "b", "c", "d", "e")
    pipes = [quarter.pipe("a-c", 65, 100.0), quarter.pipe("d-e", 65, 100.0)]
    assert [names for names, _ in circuits(pipes, order)] == [("a", "c"), ("d", "e")]
    assert [[p.name for p in part] for _, part in circuits(pipes, order)] == [["a-c"], ["d-e"]]
    assert circuits([], order) == ()


def test_pipes_that_meet_are_one_circuit() -> None:
    pipes = [quarter.pipe("a-b", 65, 100.0), quarter.pipe("c-b", 65, 100.0)]
    ((names, laid),) = circuits(pipes, ("c", "b", "a"))
    assert names == ("c", "b", "a")
    assert len(laid) == 2


def test_the_plant_delivers_what_is_drawn_and_lost(tmp_path: Path) -> None:
    net = flow(circuit(), tmp_path, {"office": 80.0, "hospital": 120.0})
    loss_kw = float(net.res_circ_pump_pressure["qext_w"].iloc[0]) / 1000.0 - 200.0
    # both pipes at nearly their design temperatures: 2 u L ((85 + 55) / 2 - 10)
    expected = 2.0 * 0.21 * 580.0 * 60.0 / 1000.0
    assert loss_kw == pytest.approx(expected, rel=0.03)


def test_pressure_falls_by_darcys_law(tmp_path: Path) -> None:
    net = flow(circuit(dn=40), tmp_path, {"office": 1.0, "hospital": 120.0})
    row = net.pipe.index[net.pipe["name"] == "supply office-hospital"][0]
    found = net.res_pipe.loc[row]
    drop_pa = 1e5 * float(found["p_from_bar"] - found["p_to_bar"])
    speed, diameter = float(found["v_mean_m_per_s"]), 0.0431
    density, viscosity = 969.0, 3.5e-4  # water at 83 C, VDI heat atlas
    reynolds = density * speed * diameter / viscosity
    factor = 0.25 / math.log10(0.1e-3 / diameter / 3.7 + 5.74 / reynolds**0.9) ** 2
    losses = factor * 280.0 / diameter + 0.01 * 280.0
    assert drop_pa == pytest.approx(losses * density * speed**2 / 2.0, rel=0.02)


def test_the_bypass_flow_keeps_the_last_station_warm(tmp_path: Path) -> None:
    laid = circuit()
    least = keep_warm_kg_per_s(laid, 66.0, 10.0)
    write_laid_network(laid, {}, tmp_path / "heat.json")
    net = pandapipes.from_json(str(tmp_path / "heat.json"))
    net.pipe["text_k"] = 283.15
    net.heat_consumer["in_service"] = False
    last = net.junction.index[net.junction["name"] == "hospital supply"][0]
    back = net.junction.index[net.junction["name"] == "hospital return"][0]
    pandapipes.create_flow_control(net, last, back, controlled_mdot_kg_per_s=least)
    pandapipes.pipeflow(net, mode="bidirectional", iter=100)
    assert float(net.res_junction.loc[last, "t_k"]) - 273.15 == pytest.approx(66.0, abs=0.3)


def test_a_station_cannot_be_kept_below_the_ground() -> None:
    with pytest.raises(GridError, match="no warmer than the ground"):
        keep_warm_kg_per_s(circuit(), 8.0, 10.0)
