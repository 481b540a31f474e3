"""A campus: chilled water from `networks/chilled`, electricity, chillers, owners of buildings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandapower
import pandas as pd
import yaml

CHILLED = Path(__file__).parents[2] / "networks" / "chilled"
STEPS = 8
START = "2016-07-25T12:00:00+02:00"


def electric_net() -> pandapower.pandapowerNet:
    """Two 1 MVA transformers, the energy centre's cable and three buildings' cables."""
    net = pandapower.create_empty_network(name="campus")
    grid = pandapower.create_bus(net, 20.0, name="MV", geodata=(7.939, 48.459))
    names = ("station", "energy centre", "chemistry", "computing centre", "library")
    buses = [
        pandapower.create_bus(net, 0.4, name=name, geodata=(7.94 + 0.001 * k, 48.46))
        for k, name in enumerate(names)
    ]
    pandapower.create_ext_grid(net, grid, name="grid")
    for k in range(2):
        pandapower.create_transformer(net, grid, buses[0], "0.63 MVA 20/0.4 kV", name=f"trafo {k}")
    for k, bus in enumerate(buses[1:]):
        pandapower.create_line(
            net, buses[0], bus, 0.08, "NAYY 4x150 SE", parallel=4, name=f"cable {k}"
        )
    return net


def profiles() -> pd.DataFrame:
    """Return the campus' cooling in the afternoon, and prices."""
    table = pd.read_csv(CHILLED / "cooling_summer.csv", comment="#", index_col="time")
    table.index = pd.DatetimeIndex(pd.to_datetime(table.index), name="time")
    table["price"] = np.where(table.index.hour >= 13, 0.38, 0.22)
    return table.loc[START:].iloc[:STEPS]


def config() -> dict[str, Any]:
    """The scenario as it would be written in YAML."""
    chiller = {"type": "compression_chiller", "eer": 4.5, "maintenance_per_kwh": 0.002}
    return {
        "name": "campus",
        "time": {"start": START, "steps": STEPS, "step_minutes": 15},
        "profiles": ["profiles.csv"],
        "networks": {
            "electric": {"kind": "electric", "file": "electric.json"},
            "cooling": {
                "kind": "cooling",
                "file": "cooling.json",
                "background": {"table": "background.csv"},
                "supplies_background": "centre",
                "ground_temperature_c": 18.0,
            },
        },
        "tariffs": {
            "electricity": {"buy": "price", "sell": 0.06, "co2_kg_per_kwh": 0.38},
            "cooling": {"buy": 0.35},
        },
        "sharing": {"electricity": {}, "cooling": {}},
        "participants": {
            "centre": {
                "connections": {
                    "electricity": {"at": "energy centre"},
                    "cooling": {"at_slack": True, "import_max_kw": 0.0},
                },
                "devices": {"chiller": {**chiller, "cooling_max_kw": 3500.0}},
            },
            "chemistry": {
                "connections": {
                    "electricity": {"at": "chemistry"},
                    "cooling": {"at": "chemistry", "feed_temperature_c": 6.0},
                },
                "demand": {
                    "electricity": 60.0,
                    "cooling": {"profile": "cooling_laboratory", "scale": 300.0},
                },
                "devices": {"chiller": {**chiller, "eer": 5.5, "cooling_max_kw": 500.0}},
            },
            "computing": {
                "connections": {
                    "electricity": {"at": "computing centre"},
                    "cooling": {"at": "computing centre"},
                },
                "demand": {
                    "electricity": 280.0,
                    "cooling": {"profile": "cooling_servers", "scale": 280.0},
                },
                "devices": {"tank": {"type": "cooling_storage", "capacity_kwh": 300.0}},
            },
            "library": {
                "connections": {
                    "electricity": {"at": "library"},
                    "cooling": {"at": "library"},
                },
                "demand": {
                    "electricity": 40.0,
                    "cooling": {"profile": "cooling_office", "scale": 290.0},
                },
            },
        },
    }


def write(folder: Path, content: dict[str, Any] | None = None) -> Path:
    """Write the campus into a folder and return its scenario file."""
    folder.mkdir(parents=True, exist_ok=True)
    pandapower.to_json(electric_net(), str(folder / "electric.json"))
    shutil.copy(CHILLED / "cooling.json", folder)
    background = pd.read_csv(CHILLED / "background.csv")
    physics = pd.DataFrame(
        [["heat_consumer", "physics", "cooling_laboratory", 442.0]], columns=background.columns
    )
    pd.concat([background, physics]).to_csv(folder / "background.csv", index=False)
    profiles().to_csv(folder / "profiles.csv")
    scenario = folder / "scenario.yaml"
    scenario.write_text(yaml.safe_dump(content or config(), sort_keys=False), encoding="utf-8")
    return scenario
