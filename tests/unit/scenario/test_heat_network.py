"""Sections of heat and cooling networks: defaults by kind, and stations with a bypass."""

import copy
from pathlib import Path

import pytest
import yaml

from cosim.errors import ScenarioError
from cosim.market.devices import DEVICE_TYPES
from cosim.scenario import load_scenario
from cosim.scenario.networks import Bypass, HeatNetwork
from tests.support import hamlet


def test_temperatures_follow_the_kind_unless_given() -> None:
    hot = HeatNetwork.model_validate({"kind": "heat", "file": "a.json"})
    cold = HeatNetwork.model_validate({"kind": "cooling", "file": "a.json"})
    own = HeatNetwork.model_validate(
        {"kind": "cooling", "file": "a.json", "return_temperature_c": 14.0}
    )
    found = [(n.supply_temperature_c, n.return_temperature_c) for n in (hot, cold, own)]
    assert found == [(80.0, 50.0), (6.0, 12.0), (6.0, 14.0)]


def test_a_bypass_needs_a_flow() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        Bypass(least_kg_per_s=0.0)


@pytest.mark.parametrize(("at", "wrong"), [(["H1", "H2"], False), (["H1", "mill"], True)])
def test_stations_with_a_bypass_are_looked_up(tmp_path: Path, at: list[str], wrong: bool) -> None:
    folder = hamlet.write(tmp_path).parent
    config = copy.deepcopy(hamlet.config())
    config["networks"]["heat"]["bypass"] = {"at": at, "least_kg_per_s": 0.01}
    (folder / "scenario.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    if not wrong:
        load_scenario(folder, DEVICE_TYPES)
        return
    with pytest.raises(ScenarioError) as caught:
        load_scenario(folder, DEVICE_TYPES)
    assert "networks.heat.bypass.at: 'mill' is not in the table heat_consumer" in str(caught.value)
