"""The main job end to end on the hamlet: run folder, plain re-simulation, verdicts, exit codes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandapipes
import pandapower
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from cosim import api
from cosim.cli import app
from tests.support import hamlet

pytestmark = pytest.mark.xdist_group("main_job")  # one process, so that its fixtures run once

STEP_H = 0.25
CONTRACT = (
    "summary.json",
    "schedule.parquet",
    "iterations.parquet",
    "checks.parquet",
    "allocation.parquet",
    "prices.parquet",
    "payments.parquet",
    "coalitions.parquet",
    "nodal_prices.parquet",
    "report.html",
    *(f"{room}/{grid}" for room in ("setpoints", "states") for grid in
      ("electric.parquet", "heat.parquet", "gas.parquet")),
    *(f"networks/{grid}.json" for grid in ("electric", "heat", "gas")),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenario = hamlet.write(tmp_path_factory.mktemp("hamlet"))
    return api.run(scenario, scenario.parent / "run").folder


@pytest.fixture(scope="module")
def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def scenario_with(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    content = copy.deepcopy(hamlet.config())
    change(content)
    return hamlet.write(tmp_path / "case", content)


def wide(folder: Path, file: str) -> pd.DataFrame:
    """Return set-points or states with (element, quantity, id) columns and steps as rows."""
    frame = pd.read_parquet(folder / file)
    frame = frame.astype({"element": str, "quantity": str})
    return frame.set_index(["time", "element", "quantity", "id"])["value"].unstack([1, 2, 3])


def put(net: Any, setpoints: pd.Series) -> None:
    """Write one step's set-points into a plain network; NaN frees a column for another one."""
    for (element, quantity, id_), value in setpoints.items():
        net[element].loc[id_, quantity] = value


def test_run_folder_is_complete(folder: Path, summary: dict[str, Any]) -> None:
    missing = [name for name in CONTRACT if not (folder / name).is_file()]
    assert not missing
    assert summary["verdict"] == "feasible"
    assert not list(folder.parent.glob(".run*"))


def test_plain_pandapower_reproduces_the_states(folder: Path) -> None:
    net = pandapower.from_json(str(folder / "networks/electric.json"))
    setpoints, states = (
        wide(folder, f"{room}/electric.parquet") for room in ("setpoints", "states")
    )
    for time in setpoints.index:
        put(net, setpoints.loc[time])
        pandapower.runpp(net, tolerance_mva=1e-8)
        expected = states.loc[time, ("bus", "vm_pu")]
        assert net.res_bus.vm_pu.loc[expected.index].to_numpy() == pytest.approx(
            expected.to_numpy(), abs=1e-6
        )
        loading = states.loc[time, ("line", "loading_percent")]
        assert net.res_line.loading_percent.loc[loading.index].to_numpy() == pytest.approx(
            loading.to_numpy(), abs=1e-3
        )


def test_plain_pandapipes_reproduces_the_heat_states(folder: Path) -> None:
    net = pandapipes.from_json(str(folder / "networks/heat.json"))
    setpoints, states = (wide(folder, f"{room}/heat.parquet") for room in ("setpoints", "states"))
    for time in setpoints.index:
        put(net, setpoints.loc[time])
        pandapipes.pipeflow(net)  # mode, friction and tolerances are stored in the file
        pressure = states.loc[time, ("junction", "p_bar")]
        assert net.res_junction.p_bar.loc[pressure.index].to_numpy() == pytest.approx(
            pressure.to_numpy(), abs=1e-4
        )
        temperature = states.loc[time, ("junction", "t_k")]
        assert net.res_junction.t_k.loc[temperature.index].to_numpy() == pytest.approx(
            temperature.to_numpy(), abs=0.01
        )


def test_plain_pandapipes_reproduces_the_gas_states(folder: Path) -> None:
    net = pandapipes.from_json(str(folder / "networks/gas.json"))
    setpoints, states = (wide(folder, f"{room}/gas.parquet") for room in ("setpoints", "states"))
    for time in setpoints.index:
        put(net, setpoints.loc[time])
        pandapipes.pipeflow(net)
        pressure = states.loc[time, ("junction", "p_bar")]
        assert net.res_junction.p_bar.loc[pressure.index].to_numpy() == pytest.approx(
            pressure.to_numpy(), abs=1e-4
        )


def test_no_check_is_missed(folder: Path, summary: dict[str, Any]) -> None:
    for limits in summary["certificate"]["networks"].values():
        assert all(entry["violations"] == 0 for entry in limits.values())
    checks = pd.read_parquet(folder / "checks.parquet")
    assert (checks["margin"] > -0.06).all()


def test_balances_close_with_losses(folder: Path, summary: dict[str, Any]) -> None:
    assert max(summary["certificate"]["balance_mismatch"].values()) <= 1e-3
    states, setpoints = (
        wide(folder, "states/electric.parquet"),
        wide(folder, "setpoints/electric.parquet"),
    )
    injected = states["ext_grid", "p_mw"].sum(axis=1)
    lost = states["line", "pl_mw"].sum(axis=1) + states["trafo", "pl_mw"].sum(axis=1)
    loads = setpoints.xs("p_mw", axis=1, level="quantity")
    drawn = loads["load"].sum(axis=1) if "load" in loads else 0.0
    fed = loads["sgen"].sum(axis=1) if "sgen" in loads else 0.0
    assert (injected + fed - drawn).to_numpy() == pytest.approx(lost.to_numpy(), abs=1e-6)


def test_payments_sum_to_zero(folder: Path) -> None:
    paid = pd.read_parquet(folder / "payments.parquet")
    assert paid["payment"].sum() == pytest.approx(0.0, abs=0.01)


def test_allocations_hand_out_the_whole_benefit(folder: Path) -> None:
    allocation = pd.read_parquet(folder / "allocation.parquet")
    coalitions = pd.read_parquet(folder / "coalitions.parquet")
    whole = float(coalitions.loc[coalitions["size"].idxmax(), "value"])
    sums = allocation.groupby("method", observed=True)["value"].sum()
    assert sums.to_numpy() == pytest.approx(whole, abs=1e-4)
    assert whole > 0.0


def test_impossible_limit_is_infeasible_and_named(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["networks"]["electric"]["limits"] = {"voltage_min_pu": 0.999}

    scenario = scenario_with(tmp_path, change)
    result = CliRunner().invoke(app, ["run", str(scenario), "--to", str(tmp_path / "run"), "-q"])
    assert result.exit_code == 1, result.output
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["verdict"] == "infeasible"
    assert summary["causes"][0]["grid"] == "electric"
    assert summary["causes"][0]["limit"] == "voltage_min"
    assert summary["causes"][0]["least_relaxation"] > 0.0


def test_capped_budget_is_unresolved(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["networks"]["electric"]["limits"] = {"voltage_min_pu": 0.95}
        content["coupling"] = {"max_iterations": 1, "balance_tolerance": 1e-9}

    scenario = scenario_with(tmp_path, change)
    result = CliRunner().invoke(app, ["run", str(scenario), "--to", str(tmp_path / "run"), "-q"])
    assert result.exit_code == 2, result.output
    assert "Verdict: unresolved" in result.output


def test_bad_input_is_exit_code_3_without_traceback(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["participants"]["home"]["connections"]["heat"]["at"] = "nowhere"

    scenario = scenario_with(tmp_path, change)
    for verb in ("run", "check"):
        result = CliRunner().invoke(app, [verb, str(scenario)])
        assert result.exit_code == 3
        assert "Traceback" not in result.output
    assert not (tmp_path / "runs").exists()


def test_a_fault_of_ours_is_exit_code_4(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("cosim.api.session.load_scenario", broken)
    result = CliRunner().invoke(app, ["check", str(hamlet.write(tmp_path / "case"))])
    assert result.exit_code == 4


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "nowhere"],
        ["check", "nowhere"],
        ["report", "nowhere"],
        ["compare", "nowhere"],
        ["export", "nowhere"],
        ["init", "nowhere"],
    ],
)
def test_a_missing_folder_is_exit_code_3_without_traceback(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 3, result.output
    assert "nowhere" in result.output
    assert "Traceback" not in result.output


def test_verify_takes_a_schedule_made_by_anyone(tmp_path: Path) -> None:
    scenario = hamlet.write(tmp_path / "case")
    index = pd.date_range(hamlet.START, periods=hamlet.STEPS, freq="15min")
    rows = [
        {"time": time.isoformat(), "participant": name, "carrier": carrier, "p_kw": power}
        for name, carriers in {
            "plant": {"electricity": 0.0, "heat": 20.0, "gas": -22.0},
            "home": {"electricity": -5.0, "heat": -10.0},
            "shop": {"electricity": -5.0, "heat": -5.0},
            "works": {"electricity": -5.0, "heat": -5.0, "gas": 0.0},
        }.items()
        for carrier, power in carriers.items()
        for time in index
    ]
    table = pd.DataFrame(rows)
    table.to_csv(tmp_path / "mine.csv", index=False)
    arguments = ["verify", str(scenario), "--schedule", str(tmp_path / "mine.csv"), "-q"]
    result = CliRunner().invoke(app, [*arguments, "--to", str(tmp_path / "ok")])
    assert result.exit_code == 0, result.output
    table.loc[(table.participant == "home") & (table.carrier == "electricity"), "p_kw"] = -120.0
    table.to_csv(tmp_path / "mine.csv", index=False)
    result = CliRunner().invoke(app, [*arguments, "--to", str(tmp_path / "bad")])
    assert result.exit_code == 1, result.output
    causes = json.loads((tmp_path / "bad/summary.json").read_text())["causes"]
    assert {cause["limit"] for cause in causes} & {"voltage_min", "line_loading_max"}


def test_a_run_verifies_its_own_schedule(folder: Path) -> None:
    schedule = folder / "schedule.parquet"
    result = api.verify(folder.parent, schedule, folder.parent / "again")
    assert result.verdict == "feasible"
    ours = wide(folder, "states/electric.parquet")["bus", "vm_pu"]
    again = wide(result.folder, "states/electric.parquet")["bus", "vm_pu"]
    assert np.abs(ours.to_numpy() - again.to_numpy()).max() < 1e-6


def test_electricity_only(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["networks"] = {"electric": content["networks"]["electric"]}
        content["tariffs"] = {"electricity": content["tariffs"]["electricity"]}
        for participant in content["participants"].values():
            participant["connections"] = {"electricity": participant["connections"]["electricity"]}
            participant.get("demand", {}).pop("heat", None)
            participant.get("devices", {}).pop("boiler", None)

    result = api.run(scenario_with(tmp_path, change), tmp_path / "run")
    assert result.verdict == "feasible"
    assert yaml.safe_load((tmp_path / "run/summary.json").read_text())["networks"] == {
        "electric": "electric"
    }


def test_interrupted_run_resumes(tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    class Impatient:
        def stage(self, name: str) -> None: ...

        def iteration(self, entry: Any) -> None: ...

        def count(self, done: int, total: int) -> None: ...

    class Stopping(Impatient):
        def stage(self, name: str) -> None:
            if name.startswith("Final verification"):
                raise StoppedError

    scenario = hamlet.write(tmp_path / "case")
    with pytest.raises(StoppedError):
        api.run(scenario, tmp_path / "run", Stopping())
    assert not (tmp_path / "run").exists()
    result = api.run(scenario, tmp_path / "run", Impatient())
    assert any("resumed after round" in note for note in result.summary["notes"])
    assert not list(tmp_path.glob(".run*"))
