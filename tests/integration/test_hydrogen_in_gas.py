"""An electrolyser that feeds a gas network, whose compressor hangs on the electric network."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandapipes
import pandas as pd
import pytest

from cosim import api
from cosim.errors import ScenarioError
from tests.support import hamlet

pytestmark = pytest.mark.xdist_group(
    "hydrogen_in_gas"
)  # one process, so that its fixtures run once

LHV, LIGHT = 13.1, 33.33
DRAWN_KW = 500.0
MAX_FRACTION = 0.1


def content() -> dict[str, Any]:
    """The hamlet with a works that draws gas at the end and a farm that feeds hydrogen in."""
    case = hamlet.electric_config()
    gas = {
        "kind": "gas",
        "file": "gas.json",
        "friction_model": "colebrook",
        "limits": {"pressure_min_bar": 0.2},
        "pump_bus": "LV1",
        "hydrogen": {"max_fraction": MAX_FRACTION},
    }
    case["networks"]["gas"] = gas
    case["tariffs"]["electricity"] = {"buy": 0.1, "sell": 0.01}
    case["tariffs"]["gas"] = {"buy": 0.07}
    case["tariffs"]["hydrogen"] = {"buy": 0.9, "sell": 0.5}
    works = case["participants"]["works"]
    works["connections"]["gas"] = {"at": "G3"}
    works["demand"]["gas"] = {"profile": "load", "scale": DRAWN_KW}
    case["participants"]["farm"] = {
        "connections": {"electricity": {"at": "LV1"}, "hydrogen": {"at": "G2"}},
        "devices": {"cell": {"type": "electrolyser", "electric_max_kw": 60.0, "eta": 0.6}},
    }
    case["bargaining"]["players"] = {
        "all": ["plant", "home", "shop"],
        "works": ["works"],
        "farm": ["farm"],
    }
    return case


def write(folder: Path, case: dict[str, Any]) -> Path:
    """Write the scenario with a compressor between the first two junctions of its gas network."""
    scenario = hamlet.write(folder, case)
    net = pandapipes.from_json(str(folder / "gas.json"))
    behind = pandapipes.create_junction(net, 0.8, 283.15, name="C", geodata=(0.0005, -0.0015))
    net.pipe.loc[0, "to_junction"] = behind
    pandapipes.create_compressor(net, behind, 1, pressure_ratio=1.2, name="booster")
    pandapipes.to_json(net, str(folder / "gas.json"))
    return scenario


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenario = write(tmp_path_factory.mktemp("blend"), content())
    return api.run(scenario, scenario.parent / "run").folder


def series(folder: Path, participant: str, device: str, carrier: str, quantity: str) -> np.ndarray:
    table = pd.read_parquet(folder / "schedule.parquet")
    keys = {"participant": participant, "device": device, "carrier": carrier, "quantity": quantity}
    rows = table[(table[list(keys)] == pd.Series(keys)).all(axis=1)]
    assert len(rows) == hamlet.STEPS, keys
    return rows.sort_values("time")["value"].to_numpy()


def test_feed_in_stops_at_the_limit_by_volume(folder: Path) -> None:
    """All gas passes the feed-in, so the energy share at the limit is known in closed form."""
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["verdict"] == "feasible"
    sold = series(folder, "farm", "trade", "hydrogen", "sell_kw")
    assert series(folder, "farm", "connection", "hydrogen", "p_kw") == pytest.approx(sold)
    drawn = series(folder, "works", "demand", "gas", "demand_kw")
    light, heavy = 0.08871 * LIGHT, 0.7329404506632858 * LHV
    share = MAX_FRACTION * light / (MAX_FRACTION * light + (1.0 - MAX_FRACTION) * heavy)
    expected = np.minimum(share * drawn, 36.0)
    assert (sold <= expected * 1.002).all()
    assert (sold >= expected * 0.98).all()
    checks = pd.read_parquet(folder / "checks.parquet")
    tight = checks[checks["limit"] == "hydrogen_fraction_max"]
    assert len(tight)
    assert (tight["value"] <= MAX_FRACTION + 1e-4).all()


def test_compressor_is_load_at_its_bus_and_on_the_account(folder: Path) -> None:
    charged = series(folder, "network", "gas", "electricity", "auxiliary_kw")
    states = pd.read_parquet(folder / "setpoints" / "electric.parquet")
    net = json.loads((folder / "summary.json").read_text())
    assert charged.min() > 0.1
    gas = pandapipes.from_json(str(folder / "networks" / "gas.json"))
    put = pd.read_parquet(folder / "setpoints" / "gas.parquet")
    first = put[put["time"] == put["time"].min()]
    for row in first.itertuples():
        gas[row.element].loc[row.id, row.quantity] = row.value
    pandapipes.pipeflow(gas, friction_model="colebrook", max_iter_hyd=100, use_numba=False)
    power_kw = float(gas.res_compressor["compr_power_mw"].sum()) * 1e3
    assert charged[0] == pytest.approx(power_kw, rel=2e-3)
    loads = states[states["time"] == states["time"].min()]
    assert np.isclose(np.abs(loads["value"]) * 1e3, power_kw, rtol=2e-3).any()
    assert net["verdict"] == "feasible"


def test_nodal_prices_know_the_hydrogen_terminal(folder: Path) -> None:
    prices = pd.read_parquet(folder / "nodal_prices.parquet")
    rows = prices[prices["terminal"] == "hydrogen:farm"]
    assert len(rows) == hamlet.STEPS
    assert (rows["congestion"] < -0.05).any(), "the limit takes value from what is fed in"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["networks"]["gas"].pop("hydrogen"), "networks.<name>.hydrogen"),
        (lambda c: c["tariffs"]["hydrogen"].pop("sell"), "tariffs.hydrogen.sell: missing"),
        (
            lambda c: c["participants"]["farm"]["connections"]["hydrogen"].update(at="G9"),
            "participants.farm.connections.hydrogen.at",
        ),
        (lambda c: c["networks"]["gas"].update(pump_bus="LV77"), "networks.gas.pump_bus"),
        (lambda c: c["networks"]["gas"]["hydrogen"].update(max_fraction=1.5), "max_fraction"),
        (
            lambda c: (
                c["networks"]["gas"].pop("hydrogen"),
                c["participants"]["farm"]["connections"]["hydrogen"].update(network="gas"),
            ),
            "a gas network that takes hydrogen in",
        ),
    ],
)
def test_what_is_wrong_is_named(change: Any, message: str, tmp_path: Path) -> None:
    case = copy.deepcopy(content())
    change(case)
    with pytest.raises(ScenarioError, match=message.replace("<", r"\<")):
        api.load(write(tmp_path / "case", case))
