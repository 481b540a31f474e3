"""Scenarios: YAML, profiles and network files, validated at the border."""

from cosim.scenario.config import ScenarioConfig
from cosim.scenario.load import load_scenario
from cosim.scenario.scenario import Scenario

__all__ = ["Scenario", "ScenarioConfig", "load_scenario"]
