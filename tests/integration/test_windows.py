"""A horizon in windows end to end: nothing lost at the seams, resumed to the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandapower
import pandas as pd
import pytest

from cosim import api
from cosim.results import read_run
from tests.support import long_hamlet
from tests.support.rolling import series

pytestmark = pytest.mark.xdist_group("windows")  # one process, so that its fixtures run once

CARRY = {"window_hours": 12, "look_ahead_hours": 6}
WALL_TIMES = {"iterations.parquet", "windows.parquet"}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long")
    return long_hamlet.write(folder / "case", long_hamlet.config(**CARRY))


@pytest.fixture(scope="module")
def folder(scenario: Path) -> Path:
    return api.run(scenario, scenario.parent.parent / "run").folder


@pytest.fixture(scope="module")
def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


@pytest.fixture(scope="module")
def schedule(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "schedule.parquet")


def same_bytes(one: Path, other: Path) -> list[str]:
    """Return the tables that differ; wall times are compared without their column."""
    names = sorted(p.relative_to(one).as_posix() for p in one.rglob("*.parquet"))
    assert names == sorted(p.relative_to(other).as_posix() for p in other.rglob("*.parquet"))
    different = []
    for name in names:
        if name in WALL_TIMES:
            a, b = (pd.read_parquet(f / name).drop(columns="seconds") for f in (one, other))
            same = a.equals(b)
        else:
            same = (one / name).read_bytes() == (other / name).read_bytes()
        if not same:
            different.append(name)
    return different


def test_every_step_is_there_once(folder: Path, schedule: pd.DataFrame) -> None:
    keys = ["participant", "device", "carrier", "quantity"]
    counts = schedule.groupby(keys, observed=True)["time"].agg(["count", "nunique"])
    assert set(counts["count"]) == set(counts["nunique"]) == {long_hamlet.STEPS}
    states = pd.read_parquet(folder / "states/electric.parquet")
    assert states["time"].nunique() == long_hamlet.STEPS
    assert not states.duplicated(["time", "element", "id", "quantity"]).any()
    windows = pd.read_parquet(folder / "windows.parquet")
    assert windows["steps"].tolist() == [12, 12, 12]
    assert windows["look_ahead_steps"].tolist() == [6, 6, 0]
    iterations = pd.read_parquet(folder / "iterations.parquet")
    assert iterations["window"].value_counts().tolist() == sorted(
        windows["iterations"].tolist(), reverse=True
    )
    assert not list(folder.parent.glob(".run*"))


def test_energy_balance_of_the_whole_horizon(schedule: pd.DataFrame) -> None:
    """All that is bought, sold, made, used and lost in batteries, added up over all seams."""
    bought = made = used = lost = stored = 0.0
    for name in ("home", "shop", "works", "network"):
        rows = schedule[schedule["participant"] == name]
        for quantity in set(rows["quantity"]):
            own = rows[rows["quantity"] == quantity]
            total = float(own["value"].sum())
            if quantity == "buy_kw":
                bought += total
            elif quantity == "sell_kw":
                bought -= total
            elif quantity == "generation_kw":
                made += total
            elif quantity == "demand_kw":
                used += total
    for name in ("home", "shop"):
        charged = series(schedule, name, "battery", "charging_kw")
        drawn = series(schedule, name, "battery", "discharging_kw")
        content = series(schedule, name, "battery", "state_of_charge_kwh")
        stored += charged.sum() - drawn.sum()
        lost += (1 - long_hamlet.ETA) * charged.sum() + (1 / long_hamlet.ETA - 1) * drawn.sum()
        before = np.concatenate([[content[-1]], content[:-1]])
        change = long_hamlet.ETA * charged - drawn / long_hamlet.ETA
        assert np.abs(before + change - content).max() < 1e-6
    assert stored == pytest.approx(lost, abs=1e-6)
    assert bought + made - used == pytest.approx(stored, abs=1e-6)
    content = series(schedule, "shop", "battery", "state_of_charge_kwh")
    assert content[-1] == pytest.approx(20.0, abs=1e-6)


def test_costs_are_sums_over_windows(folder: Path, summary: dict[str, Any]) -> None:
    windows = pd.read_parquet(folder / "windows.parquet")
    costs = summary["costs"]
    assert summary["verdict"] == "feasible"
    assert costs["verified"] == pytest.approx(windows["cost"].sum())
    assert costs["copper_plate"] == pytest.approx(windows["cost_copper_plate"].sum())
    assert costs["individual"] == pytest.approx(windows["cost_individual"].sum())
    physics = summary["price_of_physics"]
    assert physics["total"] == pytest.approx(costs["verified"] - costs["copper_plate"])
    assert physics["losses"] + physics["congestion"] == pytest.approx(physics["total"])
    assert summary["horizon"]["windows"] == 3
    checks = summary["certificate"]["networks"]["electric"]["voltage_max"]["checks"]
    assert checks == 6 * long_hamlet.STEPS


def test_payments_are_for_the_whole_horizon(folder: Path, summary: dict[str, Any]) -> None:
    payments = pd.read_parquet(folder / "payments.parquet")
    assert payments["payment"].sum() == pytest.approx(0.0, abs=1e-6)
    saved = (payments["cost_before"] - payments["cost_after"]).sum()
    costs = summary["costs"]
    assert saved == pytest.approx(costs["individual"] - costs["verified"], abs=1e-6)
    coalitions = pd.read_parquet(folder / "coalitions.parquet").set_index("coalition")["value"]
    assert coalitions["home+shop+works"] == pytest.approx(saved, abs=1e-6)
    # A pair that adds nothing is worth nothing, every other one something but not all.
    assert coalitions["shop+works"] >= -1e-9
    assert 0.0 < coalitions["home+shop"] <= coalitions["home+shop+works"] * (1 + 1e-4)


def test_plain_pandapower_reproduces_the_hardest_window(
    folder: Path, summary: dict[str, Any]
) -> None:
    net = pandapower.from_json(str(folder / "networks/electric.json"))
    window = read_run(folder).windows.loc[summary["horizon"]["network_files"]]
    length = len(net.controller.object.iat[0].data_source.df)
    assert length == window["steps"]
    states = pd.read_parquet(folder / "states/electric.parquet")
    times = pd.date_range(window["time"], periods=int(window["steps"]), freq="h")
    for k, time in enumerate(times[:3]):
        for controller in net.controller.object:
            controller.time_step(net, k)
            controller.control_step(net)
        pandapower.runpp(net, tolerance_mva=1e-8)
        known = states[
            (states["time"] == time)
            & (states["element"] == "bus")
            & (states["quantity"] == "vm_pu")
        ].set_index("id")["value"]
        assert net.res_bus["vm_pu"].to_numpy() == pytest.approx(known.sort_index(), abs=1e-7)


class StoppedError(Exception):
    """Stands for a run that is killed."""


class Killer:
    """Progress that kills the run after some windows."""

    def __init__(self, windows: int) -> None:
        self.windows = windows

    def stage(self, name: str) -> None: ...

    def iteration(self, entry: Any) -> None: ...

    def count(self, done: int, total: int) -> None:
        if done == self.windows:
            raise StoppedError


@pytest.mark.parametrize("windows", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_interrupted_run_ends_with_the_same_bytes(
    scenario: Path, folder: Path, tmp_path: Path, windows: int
) -> None:
    with pytest.raises(StoppedError):
        api.run(scenario, tmp_path / "run", Killer(windows))
    assert not (tmp_path / "run").exists()
    finished = sorted(tmp_path.glob(".run.windows/*/outcome.pickle"))
    assert len(finished) == windows
    stamps = [file.stat().st_mtime_ns for file in finished]
    again = api.run(scenario, tmp_path / "run", Killer(99))
    assert again.verdict == "feasible"
    assert same_bytes(folder, again.folder) == []
    assert len(stamps) == windows
    assert not list(tmp_path.glob(".run*"))


def test_windows_of_other_inputs_are_forgotten(scenario: Path, tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        api.run(scenario, tmp_path / "run", Killer(1))
    key = (tmp_path / ".run.windows/inputs").read_text()
    content = long_hamlet.config(**CARRY)
    content["participants"]["works"]["demand"]["electricity"]["scale"] = 12.0
    other = long_hamlet.write(tmp_path / "other", content)
    with pytest.raises(StoppedError):
        api.run(other, tmp_path / "run", Killer(1))
    assert (tmp_path / ".run.windows/inputs").read_text() != key
    table = pd.read_parquet(tmp_path / ".run.windows/00000/schedule.parquet")
    assert series(table, "works", "demand", "demand_kw").min() == pytest.approx(12.0 * 0.5)


@pytest.mark.slow
def test_losses_are_billed_by_marginal_values_of_all_windows(tmp_path: Path) -> None:
    content = long_hamlet.config(window_hours=18, look_ahead_hours=6)
    content["bargaining"] |= {"loss_rule": "marginal", "coalition_values": False}
    result = api.run(long_hamlet.write(tmp_path / "case", content), tmp_path / "run")
    payments = pd.read_parquet(result.folder / "payments.parquet").set_index("participant")
    assert payments["payment"].sum() == pytest.approx(0.0, abs=1e-6)
    network = result.summary["costs"]["by_participant"]["verified"]["network"]
    assert payments["network_cost"].sum() == pytest.approx(network, abs=1e-6)
    # Two thirds of the demand sit at the end of the feeder.
    assert payments["network_cost"]["shop"] > payments["network_cost"]["works"]


@pytest.mark.slow
def test_windows_side_by_side_give_what_windows_in_turn_give(tmp_path: Path) -> None:
    content = long_hamlet.config(window_hours=12, boundary="cyclic")
    content["bargaining"]["coalition_values"] = False
    scenario = long_hamlet.write(tmp_path / "case", content)
    serial = api.run(scenario, tmp_path / "serial")
    parallel = api.run(scenario, tmp_path / "parallel", workers=2)
    assert same_bytes(serial.folder, parallel.folder) == []
    table = pd.read_parquet(serial.folder / "schedule.parquet")
    content_kwh = series(table, "home", "battery", "state_of_charge_kwh")
    assert content_kwh[11::12] == pytest.approx(content_kwh[-1], abs=1e-6)
    half = series(table, "shop", "battery", "state_of_charge_kwh")
    assert half[11::12] == pytest.approx(20.0, abs=1e-6)


def test_a_window_that_cannot_be_met_is_named(tmp_path: Path) -> None:
    content = long_hamlet.config(window_hours=18, look_ahead_hours=0)
    # From the second window on the works draw more than the contracted power of the network.
    content["networks"]["electric"]["limits"] = {"import_max_kw": 120.0}
    demand = [10.0] * 18 + [150.0] * 18
    content["participants"]["works"]["demand"]["electricity"] = demand
    result = api.run(long_hamlet.write(tmp_path / "case", content), tmp_path / "run")
    assert result.verdict == "infeasible"
    assert result.cause.startswith("window 1 from 2016-05-10 18:00: electric: ")
    windows = pd.read_parquet(result.folder / "windows.parquet")
    assert windows["verdict"].tolist() == ["feasible", "infeasible"]
    assert result.summary["costs"]["verified"] is None
    assert pd.read_parquet(result.folder / "payments.parquet").empty
    assert all(
        pd.Timestamp(step) >= windows["time"][1]
        for cause in result.summary["causes"]
        for step in cause["steps"]
    )
