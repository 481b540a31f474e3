"""Every kind of bad input gets a message that says where, what was found, expected, what to do."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from cosim.errors import ScenarioError
from cosim.market.devices import DEVICE_TYPES
from cosim.scenario import load_scenario
from cosim.scenario.config import AllocationMethod, ScenarioConfig
from cosim.scenario.rules import check_rules
from tests.support import hamlet

Change = Callable[[dict[str, Any], Path], None]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hamlet.write(tmp_path_factory.mktemp("hamlet")).parent


def problems(original: Path, tmp_path: Path, change: Change) -> str:
    """Apply a change to a fresh copy of the hamlet and return the message."""
    import shutil

    import yaml

    folder = tmp_path / "case"
    shutil.copytree(original, folder)
    config = copy.deepcopy(hamlet.config())
    change(config, folder)
    (folder / "scenario.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(folder, DEVICE_TYPES)
    return str(caught.value)


def put(*path: str, value: Any) -> Change:
    """Return a change that sets a nested field."""

    def change(config: dict[str, Any], _: Path) -> None:
        here = config
        for key in path[:-1]:
            here = here[key]
        here[path[-1]] = value

    return change


def drop(*path: str) -> Change:
    """Return a change that removes a nested field."""

    def change(config: dict[str, Any], _: Path) -> None:
        here = config
        for key in path[:-1]:
            here = here[key]
        del here[path[-1]]

    return change


def write(name: str, text: str) -> Change:
    """Return a change that overwrites a file."""

    def change(_: dict[str, Any], folder: Path) -> None:
        (folder / name).write_text(text)

    return change


def replace(name: str, old: str, new: str) -> Change:
    """Return a change that replaces text in a file."""

    def change(_: dict[str, Any], folder: Path) -> None:
        file = folder / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return change


CASES: dict[str, tuple[Change, str]] = {
    "efficiency above one": (
        put("participants", "works", "devices", "boiler", "eta", value=1.3),
        "scenario.yaml: participants.works.devices.boiler.eta: 1.3",
    ),
    "unknown field": (
        put("participants", "home", "colour", value="red"),
        "scenario.yaml: participants.home.colour: unknown field; expected a documented field; "
        "check the spelling or remove it",
    ),
    "missing field": (
        drop("time", "steps"),
        "scenario.yaml: time.steps: missing; expected a value; add the field",
    ),
    "unknown device type": (
        put("participants", "works", "devices", "boiler", "type", value="bolier"),
        "unknown type 'bolier'",
    ),
    "device without type": (
        drop("participants", "works", "devices", "boiler", "type"),
        "device boiler has no type; give one of",
    ),
    "text for a number": (
        put("participants", "works", "devices", "boiler", "heat_max_kw", value="sixty"),
        "scenario.yaml: participants.works.devices.boiler.heat_max_kw: 'sixty'; expected a valid "
        "number",
    ),
    "negative size": (
        put("participants", "works", "devices", "boiler", "heat_max_kw", value=-5),
        "participants.works.devices.boiler.heat_max_kw: -5; expected greater than 0; "
        "give a value in this range",
    ),
    "unknown profile": (
        put("participants", "home", "devices", "pv", "profile", value="moon"),
        "unknown profile 'moon'; expected a column of the profile files (heat, load, price, sun)",
    ),
    "list of the wrong length": (
        put("participants", "home", "demand", "electricity", value=[1.0, 2.0]),
        "participants.home.demand.electricity: a list of 2 values; expected one value per step, 8",
    ),
    "unknown bus": (
        put("participants", "home", "connections", "electricity", "at", value="LV99"),
        "scenario.yaml: participants.home.connections.electricity.at: 'LV99' is not in the table "
        "bus; expected an index or name in the table bus of electric.json (6 entries); "
        "check the network file",
    ),
    "unknown heat consumer": (
        put("participants", "home", "connections", "heat", "at", value=77),
        "77 is not in the table heat_consumer",
    ),
    "missing network file": (
        put("networks", "gas", "file", value="nowhere.json"),
        "networks.gas: ",
    ),
    "not a network": (
        write("gas.json", "{}"),
        "expected a network written by pandapower.to_json or pandapipes.to_json",
    ),
    "broken network file": (write("heat.json", "{ not json"), "not JSON"),
    "missing profile file": (
        put("profiles", value=["weather.csv"]),
        "weather.csv: no such file",
    ),
    "profiles too short": (
        put("time", "steps", value=12),
        "profiles.csv: no value for 4 steps, the first 2016-01-19T08:00:00+01:00",
    ),
    "profile not a number": (
        replace("profiles.csv", ",0.4,0.5,", ",calm,0.5,"),
        "profiles.csv: columns that are not numbers: load; expected numbers only",
    ),
    "tariff missing": (
        drop("tariffs", "gas"),
        "scenario.yaml: tariffs.gas: missing; expected a tariff, because plant, works is "
        "connected to gas; add the tariff or remove the connection",
    ),
    "unknown time zone": (
        put("time", "timezone", value="Europe/Atlantis"),
        "scenario.yaml: time.timezone: 'Europe/Atlantis'; expected an IANA time zone",
    ),
    "participant in two players": (
        put("bargaining", "players", "works", value=["works", "home"]),
        "scenario.yaml: bargaining.players: home in more than one player; expected each "
        "participant once",
    ),
    "participant in no player": (
        put("bargaining", "players", "users", value=["home"]),
        "scenario.yaml: bargaining.players: shop in no player",
    ),
    "demand without supply": (
        drop("participants", "home", "connections", "heat"),
        "demand for heat has neither a connection nor a device that supplies it",
    ),
    "unknown supplier": (
        put("networks", "heat", "supplies_background", value="utility"),
        "networks.heat.supplies_background: 'utility'; expected a participant",
    ),
    "supplier not at the plant": (
        put("networks", "heat", "supplies_background", value="home"),
        "networks.heat.supplies_background: 'home', whose heat connection is not at the balancing "
        "plant; expected a participant at the balancing plant, where the heat for background "
        "customers enters; set participants.home.connections.heat.at_slack: true or name another "
        "participant",
    ),
    "supplier without a connection": (
        lambda c, _: (
            drop("participants", "shop", "demand", "heat")(c, _),
            drop("participants", "shop", "connections", "heat")(c, _),
            put("networks", "heat", "supplies_background", value="shop")(c, _),
        )[0],
        "networks.heat.supplies_background: 'shop', who has no heat connection to this network",
    ),
    "power of a player missing": (
        lambda c, _: c["bargaining"].update(power="given", given_power={"works": 1.0}),
        "scenario.yaml: bargaining.given_power.users: missing; expected a positive number",
    ),
    "power of a participant missing": (
        lambda c, _: c.update(
            bargaining={"power": "given", "given_power": {"plant": 1, "home": 1, "shop": 1}}
        ),
        "scenario.yaml: bargaining.given_power.works: missing; expected a positive number",
    ),
    "power of somebody unknown": (
        lambda c, _: c["bargaining"].update(
            power="given", given_power=dict.fromkeys([*c["bargaining"]["players"], "mayor"], 1.0)
        ),
        "scenario.yaml: bargaining.given_power: unknown player mayor; expected",
    ),
    "settled without coalition values": (
        lambda c, _: c["bargaining"].update(settle_with="shapley", coalition_values=False),
        "scenario.yaml: bargaining.settle_with: shapley with coalition_values: false; expected "
        "nash or asymmetric_nash, which need no coalition values; change it or set "
        "coalition_values: true",
    ),
    "unknown network kind": (
        put("networks", "gas", "kind", value="steam"),
        "scenario.yaml: networks.gas: unknown kind steam; expected one of 'electric', 'heat'",
    ),
    "background element unknown": (
        replace("background.csv", "neighbours", "strangers"),
        "background.csv: id: load strangers; expected an index or unique name in the table load "
        "of electric.json",
    ),
    "background column missing": (
        replace("background.csv", "scale_kw", "kw"),
        "background.csv: no column scale_kw",
    ),
    "reserved name": (
        lambda c, _: c["participants"].update(network=c["participants"].pop("shop")),
        "participants.network: a reserved name",
    ),
    "two networks of a kind": (
        lambda c, _: c["networks"].update(gas2=c["networks"]["gas"]),
        "more than one gas network; give one network per kind",
    ),
    "location without a network": (
        drop("networks", "gas"),
        "participants.plant.connections.gas.at: 'G1'; expected no location, because the scenario "
        "has no gas network; remove at or add the network",
    ),
}


@pytest.mark.parametrize("case", CASES, ids=lambda name: name.replace(" ", "-"))
def test_bad_input_is_explained(case: str, original: Path, tmp_path: Path) -> None:
    change, expected = CASES[case]
    assert expected in problems(original, tmp_path, change)


def test_all_problems_are_shown_at_once(original: Path, tmp_path: Path) -> None:
    def change(config: dict[str, Any], folder: Path) -> None:
        config["participants"]["home"]["connections"]["electricity"]["at"] = "LV99"
        config["tariffs"].pop("gas")
        config["bargaining"]["players"]["users"] = ["home"]

    message = problems(original, tmp_path, change)
    assert len(message.splitlines()) == 3


def test_key_given_twice(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text("name: a\nname: b\n")
    with pytest.raises(
        ScenarioError, match=r"scenario.yaml: line 2: the key 'name' is given twice"
    ):
        load_scenario(file, DEVICE_TYPES)


def test_not_yaml(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text("name: [a\ntime: 1")
    with pytest.raises(ScenarioError, match=r"scenario.yaml: line 2"):
        load_scenario(file, DEVICE_TYPES)


def test_no_such_scenario(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="`cosim init` makes one to start from"):
        load_scenario(tmp_path / "missing.yaml", DEVICE_TYPES)


def test_valid_hamlet_loads(original: Path) -> None:
    scenario = load_scenario(original, DEVICE_TYPES)
    electric = scenario.networks["electric"]
    assert [t.name for t in electric.terminals] == ["plant", "home", "shop", "works", "pump:heat"]
    assert electric.terminals[1].points[0].id == 5
    assert electric.background.series[0].p_kw.min() == pytest.approx(-25.0)
    assert scenario.networks["heat"].terminals[0].at_slack
    assert not scenario.profiles["load"].flags.writeable


@pytest.mark.parametrize("method", get_args(AllocationMethod))
def test_every_allocation_can_be_settled(method: str) -> None:
    config = hamlet.config()
    config["bargaining"]["settle_with"] = method
    loaded = ScenarioConfig.model_validate(config, context={"device_types": DEVICE_TYPES})
    assert loaded.bargaining.settle_with == method
    assert not check_rules(loaded, profiles_of(hamlet.profiles()), hamlet.STEPS)


@pytest.mark.parametrize("named", [False, True], ids=["average", "named"])
def test_an_operator_that_plays_needs_no_given_power(named: bool) -> None:
    config = hamlet.config()
    players = config["bargaining"]["players"]
    config["system_operator"] = {"player": True}
    power = dict.fromkeys(players, 2.0) | ({"system_operator": 1.0} if named else {})
    config["bargaining"].update(power="given", given_power=power)
    loaded = ScenarioConfig.model_validate(config, context={"device_types": DEVICE_TYPES})
    assert not check_rules(loaded, profiles_of(hamlet.profiles()), hamlet.STEPS)


def profiles_of(table: pd.DataFrame) -> dict[str, np.ndarray]:
    return {str(name): table[name].to_numpy() for name in table}
