"""A district of any length: 100-bus low voltage, 50 heat consumers, 50 gas junctions.

Profiles are sums of days and years with seeded noise; the schedule is made up, since only its
verification is of interest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandapipes
import pandapower
import pandas as pd
import yaml

from tests.support.heat import tree_network

START = "2016-01-01T00:00:00+01:00"
YEAR = 35_040
FEEDERS, BUSES_PER_FEEDER = 7, 14
PROFILES = ("house", "shop", "heat", "sun", "gas")


def electric_net() -> Any:
    """One 630 kVA transformer and seven feeders of 14 buses: 100 buses with the station's two."""
    net = pandapower.create_empty_network(name="district")
    grid = pandapower.create_bus(net, 20.0, name="MV")
    station = pandapower.create_bus(net, 0.4, name="station")
    pandapower.create_ext_grid(net, grid, vm_pu=1.01)
    pandapower.create_transformer(net, grid, station, "0.63 MVA 20/0.4 kV")
    for feeder in range(FEEDERS):
        last = station
        for k in range(BUSES_PER_FEEDER):
            bus = pandapower.create_bus(net, 0.4, name=f"F{feeder}-{k}")
            pandapower.create_line(net, last, bus, 0.03, "NAYY 4x150 SE")
            pandapower.create_load(net, bus, 0.002, name=f"customer-{feeder}-{k}")
            last = bus
    return net


def gas_net() -> Any:
    """A ring of 20 junctions and six branches of five: 50 junctions, 0.8 bar gauge."""
    net = pandapipes.create_empty_network(fluid="hgas", name="district")
    nodes = [pandapipes.create_junction(net, 0.8, 283.15, name=f"G{k}") for k in range(50)]
    pandapipes.create_ext_grid(net, nodes[0], p_bar=0.8, t_k=283.15)

    def pipe(a: int, b: int, inner_mm: float) -> None:
        pandapipes.create_pipe_from_parameters(
            net, nodes[a], nodes[b], 0.1, inner_diameter_mm=inner_mm, k_mm=0.1
        )

    for k in range(20):
        pipe(k, (k + 1) % 20, 100.0)
    for branch in range(6):
        last = 3 * branch + 2
        for k in range(5):
            pipe(last, 20 + 5 * branch + k, 50.0)
            last = 20 + 5 * branch + k
    for k in range(20, 50):
        pandapipes.create_sink(net, nodes[k], 0.0005, name=f"sink-{k}")
    return net


def profiles(steps: int, seed: int = 4) -> pd.DataFrame:
    """Shares of a peak, one column per kind of customer."""
    rng = np.random.default_rng(seed)
    hour = np.arange(steps) * 0.25
    day, year = 2.0 * np.pi * hour / 24.0, 2.0 * np.pi * hour / 8760.0
    winter = 0.5 * (1.0 + np.cos(year))
    noise = rng.uniform(0.9, 1.1, (steps, len(PROFILES)))
    columns = {
        "house": 0.45 - 0.25 * np.cos(day) + 0.1 * np.cos(2.0 * day) + 0.1 * winter,
        "shop": 0.3 + 0.3 * np.clip(-np.cos(day), 0.0, None),
        "heat": 0.3 + 0.5 * winter + 0.1 * winter * np.sin(2.0 * day),
        "sun": np.clip(-np.cos(day), 0.0, None) * (1.0 - 0.5 * winter),
        "gas": 0.2 + 0.6 * winter + 0.1 * np.sin(day),
    }
    index = pd.date_range(START, periods=steps, freq="15min", name="time")
    values = {name: columns[name] * noise[:, k] for k, name in enumerate(PROFILES)}
    return pd.DataFrame(values, index=index).round(5)


def config(steps: int) -> dict[str, Any]:
    """The scenario as it would be written in YAML."""
    return {
        "name": "district",
        "time": {"start": START, "steps": steps, "step_minutes": 15},
        "profiles": ["profiles.csv"],
        "networks": {
            "electric": {
                "kind": "electric",
                "file": "electric.json",
                "background": {"table": "electric.csv"},
            },
            "heat": {
                "kind": "heat",
                "file": "heat.json",
                "supplies_background": "plant",
                "background": {"table": "heat.csv"},
            },
            "gas": {
                "kind": "gas",
                "file": "gas.json",
                "limits": {"pressure_min_bar": 0.2},
                "background": {"table": "gas.csv"},
            },
        },
        "tariffs": {
            "electricity": {"buy": 0.3, "sell": 0.08},
            "heat": {"buy": 0.12},
            "gas": {"buy": 0.07},
        },
        "participants": {
            "plant": {
                "connections": {
                    "electricity": {"at": "station"},
                    "heat": {"at_slack": True},
                    "gas": {"at": "G2"},
                },
                "devices": {"boiler": {"type": "boiler", "heat_max_kw": 2000.0}},
            },
            "school": {
                "connections": {"electricity": {"at": "F1-6"}, "heat": {"at": 3}},
                "demand": {"electricity": {"profile": "shop", "scale": 20.0}},
            },
            "farm": {
                "connections": {"electricity": {"at": "F3-9"}},
                "demand": {"electricity": {"profile": "house", "scale": 10.0}},
                "devices": {"pv": {"type": "pv", "rated_kw": 60.0, "profile": "sun"}},
            },
            "works": {
                "connections": {
                    "electricity": {"at": "F5-2"},
                    "heat": {"at": 7},
                    "gas": {"at": "G44"},
                },
                "demand": {"gas": {"profile": "gas", "scale": 120.0}},
            },
        },
    }


def write(folder: Path, steps: int = YEAR) -> tuple[Path, Path]:
    """Write scenario and schedule; return both files."""
    folder.mkdir(parents=True, exist_ok=True)
    pandapower.to_json(electric_net(), str(folder / "electric.json"))
    heat = tree_network(50, seed=2, hills=False)
    pandapipes.to_json(heat, str(folder / "heat.json"))
    pandapipes.to_json(gas_net(), str(folder / "gas.json"))
    profiles(steps).to_csv(folder / "profiles.csv")
    _background(folder, heat)
    scenario = folder / "scenario.yaml"
    scenario.write_text(yaml.safe_dump(config(steps), sort_keys=False), encoding="utf-8")
    schedule = folder / "schedule.parquet"
    plan(steps).to_parquet(schedule)
    return scenario, schedule


def plan(steps: int) -> pd.DataFrame:
    """What everyone feeds in (positive) and draws (negative), in kW."""
    shape = profiles(steps)
    powers = {
        ("plant", "electricity"): 0.0 * shape["house"] - 5.0,
        ("plant", "heat"): 800.0 * shape["heat"],
        ("plant", "gas"): -300.0 * shape["gas"],
        ("school", "electricity"): -20.0 * shape["shop"],
        ("school", "heat"): -40.0 * shape["heat"],
        ("farm", "electricity"): 60.0 * shape["sun"] - 10.0 * shape["house"],
        ("works", "electricity"): -25.0 * shape["shop"],
        ("works", "heat"): -30.0 * shape["heat"],
        ("works", "gas"): -120.0 * shape["gas"],
    }
    frames = [
        pd.DataFrame({"time": p.index, "participant": who, "carrier": what, "p_kw": p.to_numpy()})
        for (who, what), p in powers.items()
    ]
    return pd.concat(frames, ignore_index=True)


def _background(folder: Path, heat: Any) -> None:
    head = "element,id,profile,scale_kw\n"
    lines = [
        f"load,customer-{feeder}-{k},{'shop' if k % 5 == 0 else 'house'},{2.0 + 0.1 * k:.1f}\n"
        for feeder in range(FEEDERS)
        for k in range(BUSES_PER_FEEDER)
    ]
    (folder / "electric.csv").write_text(head + "".join(lines), encoding="utf-8")
    others = heat.heat_consumer.drop(index=[3, 7])
    lines = [f"heat_consumer,{i},heat,{q / 1e3:.3f}\n" for i, q in others["qext_w"].items()]
    (folder / "heat.csv").write_text(head + "".join(lines), encoding="utf-8")
    lines = [f"sink,sink-{k},gas,15\n" for k in range(20, 50)]
    (folder / "gas.csv").write_text(head + "".join(lines), encoding="utf-8")
