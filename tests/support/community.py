"""Scenarios made by hand for the market's tests: no files, any number of participants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cosim.market.devices import DEVICE_TYPES
from cosim.records import Background, NetworkInputs, Point, Terminal, TimeAxis, read_only
from cosim.scenario import Scenario, ScenarioConfig

START = "2024-01-15"
CARRIER_OF_KIND = {"electric": "electricity", "heat": "heat", "gas": "gas"}


def scenario(
    participants: Mapping[str, Any],
    tariffs: Mapping[str, Any],
    *,
    steps: int = 4,
    minutes: int = 60,
    networks: Mapping[str, Any] | None = None,
    profiles: Mapping[str, Sequence[float]] | None = None,
    **sections: Any,
) -> Scenario:
    """Return a scenario as the loader would, with a terminal per connection in every network."""
    index = pd.date_range(START, periods=steps, freq=f"{minutes}min", tz="Europe/Berlin")
    raw = {
        "name": "test",
        "time": {"start": START, "steps": steps, "step_minutes": minutes},
        "participants": participants,
        "tariffs": tariffs,
        "networks": {name: {"file": "net.json", **net} for name, net in (networks or {}).items()},
        **sections,
    }
    config = ScenarioConfig.model_validate(raw, context={"device_types": DEVICE_TYPES})
    time = TimeAxis(index, minutes / 60.0)
    inputs = {name: _inputs(config, name, time) for name in config.networks}
    series = {name: read_only(values) for name, values in (profiles or {}).items()}
    return Scenario(config, Path("."), time, series, inputs, "")


def _inputs(config: ScenarioConfig, name: str, time: TimeAxis) -> NetworkInputs:
    kind = config.networks[name].kind
    carrier = CARRIER_OF_KIND[kind]
    names = [p for p, own in config.participants.items() if carrier in own.connections]
    if kind == "electric":
        names += [f"pump:{grid}" for grid, net in config.networks.items() if net.kind == "heat"]
    terminals = tuple(Terminal(terminal, (Point(k, 1.0),)) for k, terminal in enumerate(names))
    return NetworkInputs(name, kind, Path("net.json"), time, terminals, Background(), None)


def town(count: int, steps: int, *, minutes: int = 60, seed: int = 0, **sections: Any) -> Scenario:
    """Return a community of `count` participants with every kind of device in turn, winter."""
    rng = np.random.default_rng(seed)
    hour = np.arange(steps) * minutes / 60.0 % 24.0
    evening = (
        0.5 + 0.3 * np.sin((hour - 8.0) / 12.0 * np.pi) + np.exp(-(((hour - 19.0) / 2.5) ** 2))
    )
    cold = 1.0 + 0.4 * np.cos((hour - 5.0) / 12.0 * np.pi)
    profiles: dict[str, Any] = {"sun": 0.5 * np.clip(np.sin((hour - 8.0) / 9.0 * np.pi), 0.0, None)}
    profiles["sun"] *= (hour > 8.0) & (hour < 17.0)
    participants = {}
    for k in range(count):
        noise = 1.0 + 0.1 * rng.random((2, steps))
        profiles[f"electric{k}"] = rng.uniform(10.0, 60.0) * evening * noise[0]
        profiles[f"heat{k}"] = rng.uniform(20.0, 150.0) * cold * noise[1]
        limits = {"import_max_kw": 500.0, "export_max_kw": 500.0}
        participants[f"p{k}"] = {
            "connections": {"electricity": limits, "heat": limits, "gas": {}},
            "demand": {"electricity": f"electric{k}", "heat": f"heat{k}"},
            "devices": _devices(k, rng),
        }
    dear = np.where((hour >= 7) & (hour < 21), 0.32, 0.22) + 0.06 * ((hour >= 17) & (hour < 20))
    tariffs = {
        "electricity": {"buy": dear.tolist(), "sell": 0.08, "co2_kg_per_kwh": 0.38},
        "heat": {"buy": 0.13, "sell": 0.03, "co2_kg_per_kwh": 0.2},
        "gas": {"buy": 0.075, "co2_kg_per_kwh": 0.2},
    }
    defaults: dict[str, Any] = {
        "networks": {"grid": {"kind": "electric"}, "dh": {"kind": "heat"}},
        "carbon": {"tax_per_t": 45.0},
        "sharing": {"electricity": {"fee_per_kwh": 0.01}, "heat": {"fee_per_kwh": 0.005}},
    }
    return scenario(
        participants,
        tariffs,
        steps=steps,
        minutes=minutes,
        profiles=profiles,
        **{**defaults, **sections},
    )


def _devices(k: int, rng: np.random.Generator) -> dict[str, Any]:
    devices: dict[str, Any] = {}
    if k % 2 == 0:
        devices["roof"] = {
            "type": "pv",
            "profile": "sun",
            "rated_kw": float(rng.uniform(30.0, 200.0)),
        }
    if k % 3 == 0:
        power = float(rng.uniform(30.0, 100.0))
        devices["engine"] = {
            "type": "chp", "power_max_kw": power, "start_cost": 5.0, "up_time_min_h": 1.0,
            "maintenance_per_kwh": 0.01, "initial_power_kw": 0.0,
        }  # fmt: skip
    if k % 3 == 1:
        devices["pump"] = {
            "type": "heat_pump",
            "electric_max_kw": 120.0,
            "cop": float(rng.uniform(2.5, 4.0)),
        }
    else:
        devices["boiler"] = {"type": "boiler", "heat_max_kw": 300.0}
    last = (
        None,
        {"type": "battery", "capacity_kwh": 100.0},
        {"type": "heat_storage", "capacity_kwh": 200.0},
        {"type": "shiftable_demand", "cost_per_kwh": 0.01},
    )[k % 4]
    if last is not None:
        devices["flexible"] = last
    return devices
