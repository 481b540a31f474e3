"""Validate only: reads and resolves a scenario without building any network or model."""

from __future__ import annotations

from pathlib import Path

from cosim.api.session import load
from cosim.scenario import Scenario
from cosim.scenario.horizon import windows_of


def check(path: Path | str) -> str:
    """Return one paragraph about a valid scenario.

    Raises:
        ScenarioError: with every problem that was found.
    """
    scenario = load(path)
    config = scenario.config
    networks = ", ".join(f"{name} ({n.kind})" for name, n in config.networks.items()) or "none"
    devices = sum(len(p.devices) for p in config.participants.values())
    return (
        f"{config.name} is valid: {len(config.participants)} participants with {devices} devices, "
        f"networks: {networks}, {len(scenario.time)} steps of {config.time.step_minutes} min from "
        f"{scenario.time.index[0].isoformat()}{_windows(scenario)}"
    )


def _windows(scenario: Scenario) -> str:
    count = len(windows_of(scenario.config))
    return f", in {count} windows" if count > 1 else ""
