"""Three buildings in a row that may lay heat pipes: small networks, a year of plain profiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandapower
import pandas as pd
import yaml

from cosim.records.design import LaidPipe, TypicalDay, Unit

START = "2023-01-01T00:00:00+08:00"
HOURS = 8760
BUILDINGS = ("hotel", "office", "hospital")


def electric_net() -> pandapower.pandapowerNet:
    """One 10/0.4 kV station with three cables of 200 m."""
    net = pandapower.create_empty_network(name="quarter")
    high = pandapower.create_bus(net, 10.0, name="grid", geodata=(0.0, 0.0))
    low = pandapower.create_bus(net, 0.4, name="station", geodata=(0.0, 0.1))
    pandapower.create_ext_grid(net, high, vm_pu=1.0)
    pandapower.create_transformer(net, high, low, "0.63 MVA 10/0.4 kV", name="station")
    for k, name in enumerate(BUILDINGS):
        bus = pandapower.create_bus(net, 0.4, name=name, geodata=(0.1 * (k + 1), 0.0))
        pandapower.create_line(
            net, low, bus, 0.1, "NAYY 4x150 SE", name=f"cable {name}", parallel=2
        )
    net.trafo["tap_changer_type"] = "Ratio"
    return net


def profiles() -> pd.DataFrame:
    """A year with warm nights in summer, and a day that is the same all year."""
    index = pd.date_range(START, periods=HOURS, freq="h", name="time")
    year = np.cos(2.0 * np.pi * np.arange(HOURS) / HOURS)
    hour = index.hour.to_numpy()
    day = 0.7 + 0.3 * np.sin(2.0 * np.pi * (hour - 9.0) / 24.0)
    return pd.DataFrame(
        {
            "heat": (0.55 + 0.45 * year) * day,
            "electric": day,
            "price": np.where((hour >= 8) & (hour < 22), 1.1, 0.4),
        },
        index=index,
    )


def config() -> dict[str, Any]:
    """The scenario as it would be written in YAML."""
    needs = {"hotel": (120.0, 200.0), "office": (90.0, 100.0), "hospital": (100.0, 180.0)}
    return {
        "name": "quarter",
        "currency": "CNY",
        "time": {
            "start": START,
            "steps": HOURS,
            "step_minutes": 60,
            "timezone": "Asia/Shanghai",
        },
        "profiles": ["year.csv"],
        "networks": {"electric": {"kind": "electric", "file": "electric.json"}},
        "tariffs": {"electricity": {"buy": "price", "sell": 0.3}, "gas": {"buy": 0.3}},
        "sharing": {"electricity": {"form": "pool"}},
        "participants": {
            name: {
                "connections": {"electricity": {"at": name}, "gas": {}},
                "demand": {
                    "electricity": {"profile": "electric", "scale": kw},
                    "heat": {"profile": "heat", "scale": heat},
                },
            }
            for name, (kw, heat) in needs.items()
        },
        "design": {
            "typical_days": {"count": 2, "design_days": ["heat"]},
            "catalogue": {
                "chp": [
                    {
                        "name": "chp_100",
                        "power_kw": 100.0,
                        "cost": 500000.0,
                        "life_years": 15,
                        "eta_el": 0.36,
                        "maintenance_per_kwh": 0.02,
                        "count_max": 3,
                    }
                ],
                "boiler": {"cost_per_kw": 400.0, "life_years": 15, "eta": 0.9},
            },
            "sites": {
                "hotel": {"x_m": 0.0, "y_m": 0.0},
                "office": {"x_m": 300.0, "y_m": 0.0},
                "hospital": {"x_m": 500.0, "y_m": 200.0},
            },
            "pipes": {
                "routes": [
                    {"name": "hotel-office", "between": ["hotel", "office"], "length_m": 300.0},
                    {
                        "name": "office-hospital",
                        "between": ["office", "hospital"],
                        "length_m": 280.0,
                    },
                ],
                "catalogue": [pipe_type(dn) for dn in SIZES],
                "life_years": 30,
            },
        },
    }


def far_office(length_m: float = 1500.0) -> dict[str, Any]:
    """Two buildings far apart, of which only the hotel may make heat; a weak pump between them.

    The design problem chooses the pipe by its pressure gradient; the pump's head is short of what
    the whole way needs in it.
    """
    content = config()
    del content["participants"]["hospital"]
    content["networks"] = {}
    for participant in content["participants"].values():
        participant["connections"] = {"electricity": {}, "gas": {}}
    content["participants"]["office"]["demand"]["heat"] = {"profile": "heat", "scale": 300.0}
    spec = content["design"]
    spec["typical_days"] = {"count": 1, "design_days": ["heat"]}
    spec["sites"] = {"hotel": {"x_m": 0.0, "y_m": 0.0}, "office": {"x_m": length_m, "y_m": 0.0}}
    spec["catalogue"] = {
        "boiler": {"cost_per_kw": 400.0, "life_years": 15, "eta": 0.9},
        "heat_pump": {"cost_per_kw": 3000.0, "life_years": 15, "cop": 1.0},
    }
    spec["candidates"] = {"hotel": ["boiler"], "office": ["heat_pump"]}
    spec["pipes"]["routes"] = [
        {"name": "hotel-office", "between": ["hotel", "office"], "length_m": length_m}
    ]
    spec["pipes"]["dp_max_bar"] = 1.0
    return content


SIZES = {40: (0.0431, 900.0, 0.17), 65: (0.0703, 1200.0, 0.21), 100: (0.1071, 1700.0, 0.25)}
"""DN -> inner diameter in m, cost per m, loss in W/(m K)."""


def pipe_type(dn: int) -> dict[str, float]:
    """Return a size of the catalogue."""
    inner, cost, loss = SIZES[dn]
    return {"dn": dn, "inner_diameter_m": inner, "cost_per_m": cost, "loss_w_per_m_k": loss}


def pipe(name: str, dn: int, length_m: float) -> LaidPipe:
    """Return a laid pipe between the two buildings in its name."""
    a, b = name.split("-")
    inner, cost, loss = SIZES[dn]
    return LaidPipe(name, a, b, length_m, dn, inner, loss, 0.1, 1e4, cost * length_m / 15.0)


def day(position: int = 10, weight_days: float = 365.0) -> TypicalDay:
    """Return a real day of the year as a typical day."""
    rows = profiles().iloc[24 * position : 24 * (position + 1)]
    values = {name: rows[name].to_numpy() for name in rows}
    return TypicalDay(f"day_{position}", position, weight_days, values)


def units() -> tuple[Unit, ...]:
    """Return a CHP unit and boilers that serve everyone from the hotel."""
    return (
        Unit("hotel", "chp_100", "chp", 2, 100.0, "kW", 90000.0),
        Unit("hotel", "boiler", "boiler", 1, 300.0, "kW", 12000.0),
        Unit("office", "boiler", "boiler", 1, 120.0, "kW", 5000.0),
        Unit("hospital", "boiler", "boiler", 1, 30.0, "kW", 1500.0),
    )


def write(folder: Path, content: dict[str, Any] | None = None) -> Path:
    """Write the quarter into a folder and return its scenario file."""
    folder.mkdir(parents=True, exist_ok=True)
    pandapower.to_json(electric_net(), str(folder / "electric.json"))
    profiles().to_csv(folder / "year.csv")
    scenario = folder / "scenario.yaml"
    scenario.write_text(yaml.safe_dump(content or config(), sort_keys=False), encoding="utf-8")
    return scenario
