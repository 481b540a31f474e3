"""Chilled water end to end: chillers, electricity and a campus network that is meshed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandapipes
import pandas as pd
import pytest

from cosim import api
from tests.support import campus

pytestmark = pytest.mark.xdist_group("cooling")  # one process, so that its fixtures run once


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenario = campus.write(tmp_path_factory.mktemp("campus"))
    return api.run(scenario, scenario.parent / "run").folder


@pytest.fixture(scope="module")
def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def verdict_with(folder: Path, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    content = copy.deepcopy(campus.config())
    change(content)
    scenario = campus.write(folder / "case", content)
    result = api.run(scenario, folder / "run", draw=False)
    return json.loads((result.folder / "summary.json").read_text())


def wide(folder: Path, file: str) -> pd.DataFrame:
    frame = pd.read_parquet(folder / file).astype({"element": str, "quantity": str})
    keys = ["time", "element", "quantity", "id"]
    return frame.set_index(keys)["value"].unstack([1, 2, 3]).sort_index(axis=1)


def of(folder: Path, *what: str) -> np.ndarray:
    """Return one series of the schedule: participant, device, carrier, quantity."""
    table = pd.read_parquet(folder / "schedule.parquet")
    names = ("participant", "device", "carrier", "quantity")
    for name, value in zip(names, what, strict=True):
        table = table[table[name].astype(str) == value]
    return table.sort_values("time")["value"].to_numpy()


def test_the_differential_pressure_moves_the_dispatch(
    summary: dict[str, Any], folder: Path
) -> None:
    assert summary["verdict"] == "feasible"
    rounds = pd.read_parquet(folder / "iterations.parquet")
    assert rounds["violations_heat"].iloc[0] > 0
    assert rounds["violations_heat"].iloc[-1] == 0
    checks = summary["certificate"]["networks"]["cooling"]
    assert 0.0 <= checks["differential_pressure_min"]["smallest_margin"] < 0.02
    assert checks["supply_temperature_max"]["bound"] == 8.0


def test_the_energy_centre_makes_what_is_drawn_and_what_the_ground_warms(folder: Path) -> None:
    states = wide(folder, "states/cooling.parquet")
    delivered = -states[("circ_pump_pressure", "qext_w", 0)].to_numpy() / 1e3
    made = of(folder, "centre", "chiller", "cooling", "generation_kw")
    assert made == pytest.approx(delivered, rel=1e-3)
    drawn = -states["heat_consumer"]["qext_w"].to_numpy().sum(axis=1) / 1e3
    gained = of(folder, "network", "cooling", "cooling", "loss_kw")
    assert delivered - drawn == pytest.approx(gained, abs=1e-3 * delivered.max())
    assert (gained > 0.0).all()
    fed = of(folder, "chemistry", "connection", "cooling", "p_kw")
    assert (fed > 100.0).all()


def test_pumps_are_load_in_the_electric_network(folder: Path) -> None:
    states = wide(folder, "states/cooling.parquet")
    pump = states["circ_pump_pressure"]
    flow = pump["mdot_from_kg_per_s"][0].to_numpy()
    lift = (pump["p_to_bar"][0] - pump["p_from_bar"][0]).to_numpy()
    main = flow / 1000.0 * lift * 1e5 / 0.6 / 1e3
    charged = of(folder, "network", "cooling", "electricity", "auxiliary_kw")
    # the rest lifts what chemistry feeds in
    assert (charged > main * 0.999).all()
    assert (charged < main * 1.5).all()
    # participants and pumps are static generators in the set-points, drawing where negative
    drawn = -wide(folder, "setpoints/electric.parquet")["sgen"]["p_mw"] * 1e3
    assert np.abs(drawn.to_numpy() - charged[:, None]).min(axis=1).max() < 1e-3 * charged.max()


def test_plain_pandapipes_reproduces_the_states(folder: Path) -> None:
    net = pandapipes.from_json(str(folder / "networks/cooling.json"))
    setpoints, states = (
        wide(folder, f"{room}/cooling.parquet") for room in ("setpoints", "states")
    )
    for time in setpoints.index[::3]:
        for (element, quantity, id_), value in setpoints.loc[time].items():
            net[element].loc[id_, quantity] = value
        pandapipes.pipeflow(net, use_numba=False)
        for element, quantity in (
            ("junction", "t_k"),
            ("junction", "p_bar"),
            ("pipe", "v_mean_m_per_s"),
        ):
            expected = states.loc[time, (element, quantity)]
            found = net[f"res_{element}"][quantity].loc[expected.index].to_numpy()
            assert found == pytest.approx(expected.to_numpy(), abs=1e-4)
    feeds = net.res_heat_consumer["mdot_from_kg_per_s"].to_numpy() < 0.0
    assert feeds.sum() == 1
    outlet = net.res_heat_consumer["t_outlet_k"].to_numpy()
    assert outlet == pytest.approx(np.where(feeds, 279.15, 285.15), abs=1e-3)


def test_the_report_speaks_of_cooling(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    assert "District cooling" in text
    assert "District heat" not in text


def test_a_supply_limit_that_the_ground_breaks_is_named(tmp_path: Path) -> None:
    def tight(content: dict[str, Any]) -> None:
        content["networks"]["cooling"]["limits"] = {
            "supply_temperature_max_c": 5.9,
            "temperature_tolerance_k": 0.01,
        }
        content["coupling"] = {"max_iterations": 6}

    summary = verdict_with(tmp_path, tight)
    assert summary["verdict"] == "infeasible"
    cause = summary["causes"][0]
    assert (cause["grid"], cause["limit"]) == ("cooling", "supply_temperature_max")
    assert cause["amount"] > 0.1
