"""Design mode from the scenario file to the report, judged by plain pandapipes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandapipes
import pandas as pd
import pytest

from cosim import api
from cosim.errors import ScenarioError
from tests.support import quarter

pytestmark = pytest.mark.xdist_group("design_mode")  # one process, so that its fixtures run once

LEAST_BAR = 0.6


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which the pump's head is short of what the copper-plate pipe needs."""
    folder = tmp_path_factory.mktemp("far")
    scenario = quarter.write(folder, quarter.far_office())
    return api.run(scenario, folder / "run", draw=False).folder


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return found


def pipes(folder: Path) -> pd.DataFrame:
    table = pd.read_parquet(folder / "design_pipes.parquet")
    return table[table["coalition"] == "hotel+office"].set_index("stage")


def worst_dp_bar(file: Path, heat_kw: float, inner_diameter_mm: float | None = None) -> float:
    """Return the office's differential pressure when it draws this heat, by plain pandapipes."""
    net = pandapipes.from_json(str(file))
    for name in ("const_control", "controller"):
        if name in net:
            net[name] = net[name].iloc[:0]
    if inner_diameter_mm is not None:
        net.pipe["inner_diameter_mm"] = inner_diameter_mm
    if "flow_control" in net:
        net.flow_control["in_service"] = False
    net.heat_consumer["qext_w"] = 1000.0 * heat_kw
    net.heat_consumer["treturn_k"] = 55.0 + 273.15
    for column in ("controlled_mdot_kg_per_s", "deltat_k"):
        net.heat_consumer[column] = np.nan
    pandapipes.pipeflow(net, mode="bidirectional", friction_model="swamee-jain", iter=200)
    station = net.heat_consumer.iloc[0]
    p_bar = net.res_junction["p_bar"]
    return float(p_bar[station["from_junction"]] - p_bar[station["to_junction"]])


def test_the_verified_design_passes_and_says_what_physics_costs(far: Path) -> None:
    found = summary(far)
    assert found["verdict"] == "feasible"
    design = found["design"]
    price = design["price_of_physics_per_year"]
    costs = design["verified"]["cost_per_year"], design["copper_plate"]["cost_per_year"]
    assert price == pytest.approx(costs[0] - costs[1])
    assert price > 0.0
    assert any("in place of DN 65" in line for line in design["changes"])


def test_a_short_pump_means_a_larger_pipe_than_the_copper_plate_lays(far: Path) -> None:
    laid = pipes(far)
    assert laid.loc["verified", "dn"] > laid.loc["copper_plate", "dn"] > 0


def test_plain_pandapipes_agrees_on_both_pipes(far: Path) -> None:
    laid = pipes(far)
    file = far / "days" / "design_heat" / "networks" / "heat.json"
    table = pd.read_parquet(far / "days" / "design_heat" / "schedule.parquet")
    rows = table[(table["participant"] == "office") & (table["device"] == "connection")]
    drawn_kw = float(-rows.loc[rows["carrier"] == "heat", "value"].min())
    assert drawn_kw > 200.0
    assert worst_dp_bar(file, drawn_kw) > LEAST_BAR - 0.002
    narrow_mm = 1000.0 * quarter.SIZES[int(laid.loc["copper_plate", "dn"])][0]
    try:
        small = worst_dp_bar(file, drawn_kw, narrow_mm)
    except pandapipes.pf.pipeflow_setup.PipeflowNotConverged:
        return
    assert small < LEAST_BAR


def test_days_pass_in_pandapipes_and_balance(far: Path) -> None:
    for folder in sorted((far / "days").iterdir()):
        found = summary(folder)
        assert found["verdict"] == "feasible"
        assert found["certificate"]["engines"]["heat"].startswith("pandapipes")
        table = pd.read_parquet(folder / "schedule.parquet")
        rows = table[(table["device"] == "connection") & (table["carrier"] == "heat")]
        given = rows.groupby("time", observed=True)["value"].sum().to_numpy()
        states = pd.read_parquet(folder / "states" / "heat.parquet")
        heat = states[
            (states["element"] == "circ_pump_pressure") & (states["quantity"] == "qext_w")
        ]
        drawn = -rows[rows["participant"] == "office"].sort_values("time")["value"].to_numpy()
        plant_kw = heat.sort_values("time")["value"].to_numpy() / 1000.0
        np.testing.assert_allclose(plant_kw - drawn, given, rtol=2e-3, atol=0.05)


def test_money_adds_up(far: Path) -> None:
    design = summary(far)["design"]
    payments = pd.read_parquet(far / "payments.parquet")
    alone = sum(design["coalitions"][name]["verified"] for name in ("hotel", "office"))
    grand = design["coalitions"]["hotel+office"]["verified"]
    assert payments["payment"].sum() == pytest.approx(0.0, abs=1e-3)
    assert payments["cost_after"].sum() == pytest.approx(grand)
    assert payments["cost_before"].sum() == pytest.approx(alone)
    costs = pd.read_parquet(far / "design_costs.parquet")
    part = costs[(costs["coalition"] == "hotel+office") & (costs["stage"] == "verified")]
    assert part["cost_per_year"].sum() == pytest.approx(grand)


def test_verified_cost_is_days_times_weights_and_annuities(far: Path) -> None:
    days = pd.read_parquet(far / "design_days.parquet")
    days = days[days["coalition"] == "hotel+office"]
    units = pd.read_parquet(far / "design_units.parquet")
    units = units[(units["coalition"] == "hotel+office") & (units["stage"] == "verified")]
    laid = pipes(far).loc["verified", "cost_per_year"]
    total = (days["weight_days"] * days["cost"]).sum() + units["cost_per_year"].sum() + laid
    assert days["weight_days"].sum() == 365.0
    assert summary(far)["design"]["verified"]["cost_per_year"] == pytest.approx(total)


def test_energy_is_the_weighted_sum_of_the_days(far: Path) -> None:
    energy = pd.read_parquet(far / "design_energy.parquet")
    rows = energy[(energy["from"] == "office:heat") & (energy["to"] == "demand:heat")]
    # the typical day has the year's mean: (0.55 of the peak, daily mean 0.7) times 300 kW
    assert rows["kwh_per_year"].sum() == pytest.approx(8760.0 * 0.55 * 0.7 * 300.0, rel=0.01)


def test_the_report_is_drawn_from_the_folder_alone(far: Path) -> None:
    page = api.report(far).read_text(encoding="utf-8")
    for words in ("What to buy and which pipes to lay", "What physics changed", "Recommended:"):
        assert words in page
    names = {path.stem for path in (far / "figures").glob("*.svg")}
    assert {"layout", "energy", "coalition_costs", "allocation", "days", "pipes"} <= names


def test_a_file_without_a_design_section_is_refused(tmp_path: Path) -> None:
    content = quarter.far_office()
    del content["design"]
    content["time"]["steps"] = 24
    for participant in content["participants"].values():
        participant["demand"].pop("heat")
    with pytest.raises(ScenarioError, match="add design"):
        api.design(quarter.write(tmp_path, content), tmp_path / "run")


@pytest.mark.slow
def test_three_buildings_on_an_electric_network(tmp_path: Path) -> None:
    found = api.run(quarter.write(tmp_path), tmp_path / "run", draw=False)
    assert found.verdict == "feasible"
    coalitions = pd.read_parquet(found.folder / "coalitions.parquet")
    assert len(coalitions) == 7
    assert coalitions["verified"].all()
    value = coalitions.set_index("coalition")["value"]
    assert (value >= -1e-6).all()
    assert value["hospital+hotel+office"] >= value.max() - 1e-6
    schemes = pd.read_parquet(found.folder / "allocation.parquet")
    assert set(schemes["method"]) == {"shapley", "nucleolus", "nash_harsanyi", "equal_disruption"}
    np.testing.assert_allclose(
        schemes.groupby("method")["value"].sum(), value["hospital+hotel+office"]
    )
