"""The hamlet's electric network over a day and a half, with two batteries, for windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandapower
import pandas as pd
import yaml

from tests.support import hamlet

STEPS = 36
START = "2016-05-10T00:00:00+02:00"
ETA = 0.95


def profiles() -> pd.DataFrame:
    """Return hourly profiles; the second morning is darker than the first."""
    hour = np.arange(STEPS)
    sun = np.clip(np.sin((hour % 24 - 6.0) / 12.0 * np.pi), 0.0, None) * np.where(
        hour < 24, 1.0, 0.4
    )
    return pd.DataFrame(
        {
            "load": 0.5 + 0.4 * np.exp(-(((hour % 24 - 19.0) / 3.0) ** 2)),
            "sun": sun,
            "price": 0.24 + 0.12 * ((hour % 24 >= 7) & (hour % 24 < 21)),
        },
        index=pd.date_range(START, periods=STEPS, freq="h", name="time"),
    )


def config(**horizon: Any) -> dict[str, Any]:
    """Return the scenario; `horizon` is its section, none where empty."""
    battery = {"type": "battery", "capacity_kwh": 40.0, "degradation_per_kwh": 0.01}
    content: dict[str, Any] = {
        "name": "long",
        "time": {"start": START, "steps": STEPS, "step_minutes": 60},
        "profiles": ["profiles.csv"],
        "networks": {
            "electric": {
                "kind": "electric", "file": "electric.json",
                "background": {"table": "background.csv"},
            }
        },
        "tariffs": {"electricity": {"buy": "price", "sell": 0.08, "co2_kg_per_kwh": 0.4}},
        "participants": {
            "home": {
                "connections": {"electricity": {"at": "LV4"}},
                "demand": {"electricity": {"profile": "load", "scale": 15.0}},
                "devices": {
                    "pv": {"type": "pv", "rated_kw": 40.0, "profile": "sun"},
                    "battery": battery,
                },
            },
            "shop": {
                "connections": {"electricity": {"at": "LV3"}},
                "demand": {"electricity": {"profile": "load", "scale": 30.0}},
                "devices": {"battery": {**battery, "initial": 0.5}},
            },
            "works": {
                "connections": {"electricity": {"at": "LV2"}},
                "demand": {"electricity": {"profile": "load", "scale": 10.0}},
            },
        },
        "bargaining": {"settle_with": "nash"},
    }  # fmt: skip
    if horizon:
        content["horizon"] = horizon
    return content


def write(folder: Path, content: dict[str, Any]) -> Path:
    """Write the scenario into a folder and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    pandapower.to_json(hamlet.electric_net(), str(folder / "electric.json"))
    profiles().to_csv(folder / "profiles.csv")
    background = "element,id,profile,scale_kw,power_factor\nload,neighbours,load,25,0.95\n"
    (folder / "background.csv").write_text(background, encoding="utf-8")
    scenario = folder / "scenario.yaml"
    scenario.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return scenario
