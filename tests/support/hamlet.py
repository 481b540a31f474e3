"""A hamlet of four participants on tiny networks of all three kinds, built with the plain packages.

Small enough that every property can be followed by hand, and quick enough for many tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandapipes
import pandapower
import pandas as pd
import yaml

STEPS = 8
START = "2016-01-19T06:00:00+01:00"


def electric_net() -> pandapower.pandapowerNet:
    """One 250 kVA transformer and a feeder of four buses, 150 m of NAYY 4x150 each."""
    net = pandapower.create_empty_network(name="hamlet")
    grid = pandapower.create_bus(net, 20.0, name="MV", geodata=(0.0, 0.0))
    buses = [
        pandapower.create_bus(net, 0.4, name=f"LV{k}", geodata=(0.001 * (k + 1), 0.0))
        for k in range(5)
    ]
    pandapower.create_ext_grid(net, grid, vm_pu=1.0, name="grid")
    pandapower.create_transformer(net, grid, buses[0], "0.25 MVA 20/0.4 kV", name="station")
    for k in range(4):
        pandapower.create_line(net, buses[k], buses[k + 1], 0.15, "NAYY 4x150 SE", name=f"line{k}")
    pandapower.create_load(net, buses[1], 0.01, name="neighbours")
    return net


def heat_net() -> pandapipes.pandapipesNet:
    """Plant and three consumers in a row, 100 m apart, DN 50."""
    net = pandapipes.create_empty_network(fluid="water", name="hamlet")
    supply = [
        pandapipes.create_junction(net, 6.0, 353.15, name=f"S{k}", geodata=(0.001 * k, 0.001))
        for k in range(4)
    ]
    back = [
        pandapipes.create_junction(net, 4.0, 323.15, name=f"R{k}", geodata=(0.001 * k, 0.001))
        for k in range(4)
    ]
    for side, (a, b) in (("s", (supply, supply)), ("r", (back, back))):
        for k in range(3):
            start, end = (a[k], b[k + 1]) if side == "s" else (a[k + 1], b[k])
            pandapipes.create_pipe_from_parameters(
                net, start, end, 0.1, inner_diameter_mm=54.5, k_mm=0.1, u_w_per_m2k=1.5,
                text_k=283.15, name=f"{side}{k}",
            )  # fmt: skip
    for k in range(1, 4):
        pandapipes.create_heat_consumer(
            net, supply[k], back[k], qext_w=1000.0, treturn_k=323.15, name=f"H{k}"
        )
    pandapipes.create_circ_pump_const_pressure(
        net, back[0], supply[0], p_flow_bar=6.0, plift_bar=2.0, t_flow_k=353.15, name="plant"
    )
    return net


def gas_net() -> pandapipes.pandapipesNet:
    """Supply at 0.8 bar gauge and three junctions in a row, 200 m of 50 mm pipe each."""
    net = pandapipes.create_empty_network(fluid="hgas", name="hamlet")
    nodes = [
        pandapipes.create_junction(net, 0.8, 283.15, name=f"G{k}", geodata=(0.001 * k, -0.001))
        for k in range(4)
    ]
    pandapipes.create_ext_grid(net, nodes[0], p_bar=0.8, t_k=283.15, name="station")
    for k in range(3):
        pandapipes.create_pipe_from_parameters(
            net, nodes[k], nodes[k + 1], 0.2, inner_diameter_mm=50.0, k_mm=0.1, name=f"g{k}"
        )
    return net


def profiles() -> pd.DataFrame:
    """Eight quarter-hours with a morning peak."""
    shape = np.array([0.4, 0.6, 0.9, 1.0, 1.0, 0.8, 0.6, 0.5])
    index = pd.date_range(START, periods=STEPS, freq="15min", name="time")
    return pd.DataFrame(
        {
            "load": shape,
            "heat": shape[::-1],
            "sun": np.linspace(0.0, 0.35, STEPS),
            "price": np.where(shape > 0.7, 0.36, 0.24),
        },
        index=index,
    )


def config() -> dict[str, Any]:
    """The scenario as it would be written in YAML."""
    return {
        "name": "hamlet",
        "time": {"start": START, "steps": STEPS, "step_minutes": 15},
        "profiles": ["profiles.csv"],
        "networks": {
            "electric": {
                "kind": "electric",
                "file": "electric.json",
                "background": {"table": "background.csv"},
            },
            "heat": {"kind": "heat", "file": "heat.json", "supplies_background": "plant"},
            "gas": {"kind": "gas", "file": "gas.json", "limits": {"pressure_min_bar": 0.2}},
        },
        "tariffs": {
            "electricity": {"buy": "price", "sell": 0.08, "co2_kg_per_kwh": 0.4},
            "heat": {"buy": 0.12, "co2_kg_per_kwh": 0.2},
            "gas": {"buy": 0.07, "co2_kg_per_kwh": 0.2},
        },
        "carbon": {"tax_per_t": 55.0},
        "participants": {
            "plant": {
                "connections": {
                    "electricity": {"at": "LV0"},
                    "heat": {"at_slack": True},
                    "gas": {"at": "G1"},
                },
                "devices": {"boiler": {"type": "boiler", "heat_max_kw": 200.0}},
            },
            "home": {
                "connections": {"electricity": {"at": "LV4"}, "heat": {"at": "H1"}},
                "demand": {
                    "electricity": {"profile": "load", "scale": 20.0},
                    "heat": {"profile": "heat", "scale": 25.0},
                },
                "devices": {"pv": {"type": "pv", "rated_kw": 30.0, "profile": "sun"}},
            },
            "shop": {
                "connections": {"electricity": {"at": "LV3"}, "heat": {"at": "H2"}},
                "demand": {
                    "electricity": {"profile": "load", "scale": 30.0},
                    "heat": {"profile": "heat", "scale": 15.0},
                },
            },
            "works": {
                "connections": {
                    "electricity": {"at": "LV2"},
                    "heat": {"at": "H3"},
                    "gas": {"at": "G3"},
                },
                "demand": {
                    "electricity": {"profile": "load", "scale": 10.0},
                    "heat": {"profile": "heat", "scale": 10.0},
                },
                "devices": {"boiler": {"type": "boiler", "heat_max_kw": 60.0}},
            },
        },
        "bargaining": {
            "players": {"plant": ["plant"], "users": ["home", "shop"], "works": ["works"]}
        },
    }


def electric_config() -> dict[str, Any]:
    """The electric side alone: no heat, no gas."""
    content = config()
    content["networks"] = {"electric": content["networks"]["electric"]}
    content["tariffs"] = {"electricity": content["tariffs"]["electricity"]}
    for participant in content["participants"].values():
        for carrier in ("heat", "gas"):
            participant["connections"].pop(carrier, None)
            participant.get("demand", {}).pop(carrier, None)
        participant.get("devices", {}).pop("boiler", None)
    return content


def write(folder: Path, content: dict[str, Any] | None = None) -> Path:
    """Write the hamlet into a folder and return its scenario file."""
    folder.mkdir(parents=True, exist_ok=True)
    pandapower.to_json(electric_net(), str(folder / "electric.json"))
    pandapipes.to_json(heat_net(), str(folder / "heat.json"))
    pandapipes.to_json(gas_net(), str(folder / "gas.json"))
    profiles().to_csv(folder / "profiles.csv")
    background = "element,id,profile,scale_kw,power_factor\nload,neighbours,load,25,0.95\n"
    (folder / "background.csv").write_text(background, encoding="utf-8")
    scenario = folder / "scenario.yaml"
    scenario.write_text(yaml.safe_dump(content or config(), sort_keys=False), encoding="utf-8")
    return scenario
