"""Derive the campus' chilled-water network; see README.md for sources and assumptions.

Run from the repository: python networks/chilled/derive.py
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, radians
from pathlib import Path

import numpy as np
import pandapipes
import pandas as pd

from cosim.grids.sizing import SizingRules, size_heat_network

HERE = Path(__file__).parent
ORIGIN_LON, ORIGIN_LAT = 7.94, 48.46
M_PER_DEGREE = 111_320.0
SUPPLY_K, RETURN_K, GROUND_K = 279.15, 285.15, 291.15
FROST_C = 3.0
"""Ground that cools a network with supply and return exchanged as much as the real one warms."""


@dataclass(frozen=True)
class Building:
    """A building: its kind, area in m2, and the corner of the ring it is joined to."""

    name: str
    kind: str
    area_m2: float
    corner: int
    east_m: float
    north_m: float


RING = ((0, 0), (110, -20), (230, 0), (300, 80), (240, 170), (120, 190), (20, 150), (-30, 70))
"""Corners of the ring main, m east and north of the energy centre at the first corner."""
BUILDINGS = (
    Building("lecture hall", "lecture", 2400.0, 1, 105.0, 25.0),
    Building("library", "office", 6500.0, 1, 130.0, -55.0),
    Building("physics", "laboratory", 5200.0, 2, 255.0, -30.0),
    Building("chemistry", "laboratory", 6800.0, 2, 200.0, 35.0),
    Building("clean rooms", "laboratory", 1600.0, 3, 335.0, 75.0),
    Building("workshops", "office", 2200.0, 3, 315.0, 120.0),
    Building("computing centre", "servers", 900.0, 4, 265.0, 195.0),
    Building("mathematics", "office", 3800.0, 4, 215.0, 140.0),
    Building("canteen", "lecture", 2100.0, 5, 125.0, 150.0),
    Building("administration", "office", 3100.0, 5, 100.0, 225.0),
    Building("biology", "laboratory", 4300.0, 6, -5.0, 180.0),
    Building("teaching building", "lecture", 3600.0, 7, -60.0, 95.0),
)
PEAK_W_PER_M2 = {"office": 45.0, "lecture": 70.0, "laboratory": 85.0, "servers": 320.0}
TAKEN = ("chemistry", "computing centre", "library", "physics")
"""Participants of the integration test and of examples; everyone else is background."""
BASE = {"office": 0.05, "lecture": 0.0, "laboratory": 0.3, "servers": 0.8}
"""Share of the peak that does not depend on weather and hour."""
HOURS = {"office": (7, 18), "lecture": (8, 17), "laboratory": (6, 20), "servers": (0, 24)}
COLDEST_C, HOTTEST_C = 18.0, 32.0
"""Outdoor temperature below which nothing but the base is needed, and that of the peak."""


def place(east_m: float, north_m: float) -> tuple[float, float]:
    """Return longitude and latitude."""
    lon = ORIGIN_LON + east_m / (M_PER_DEGREE * cos(radians(ORIGIN_LAT)))
    return round(lon, 6), round(ORIGIN_LAT + north_m / M_PER_DEGREE, 6)


def topology() -> pandapipes.pandapipesNet:
    """Return the ring main with its branches, supply and return exchanged (12/6 C)."""
    net = pandapipes.create_empty_network(fluid="water", name="campus chilled water")
    sides = (("S", 5.0, RETURN_K), ("R", 3.5, SUPPLY_K))
    corners = [
        [
            pandapipes.create_junction(net, p, t, name=f"{side}{k}", geodata=place(*spot))
            for side, p, t in sides
        ]
        for k, spot in enumerate(RING)
    ]
    for k, here in enumerate(RING):
        there = RING[(k + 1) % len(RING)]
        way_km = round(1.15 * hypot(there[0] - here[0], there[1] - here[1]) / 1000.0, 4)
        _pipes(net, corners[k], corners[(k + 1) % len(RING)], way_km, f"ring {k}")
    for building in BUILDINGS:
        house = [
            pandapipes.create_junction(
                net, p, t, name=f"{building.name} {side}",
                geodata=place(building.east_m, building.north_m),
            )
            for side, p, t in sides
        ]  # fmt: skip
        corner = RING[building.corner]
        way_km = hypot(building.east_m - corner[0], building.north_m - corner[1]) * 1.15 / 1000.0
        _pipes(net, corners[building.corner], house, round(way_km, 4), building.name)
        peak_w = PEAK_W_PER_M2[building.kind] * building.area_m2
        pandapipes.create_heat_consumer(
            net, *house, qext_w=peak_w, treturn_k=SUPPLY_K, name=building.name
        )
    pandapipes.create_circ_pump_const_pressure(
        net, corners[0][1], corners[0][0], p_flow_bar=5.0, plift_bar=1.5, t_flow_k=RETURN_K,
        name="energy centre",
    )  # fmt: skip
    return net


def _pipes(
    net: pandapipes.pandapipesNet, start: list[int], end: list[int], km: float, name: str
) -> None:
    for side, (a, b) in enumerate((start[i], end[i]) for i in (0, 1)):
        ends = (a, b) if side == 0 else (b, a)
        pandapipes.create_pipe_from_parameters(
            net, *ends, km, inner_diameter_mm=100.0, k_mm=0.05, u_w_per_m2k=1.0,
            text_k=GROUND_K, name=f"{'supply' if side == 0 else 'return'} {name}",
        )  # fmt: skip


def chilled() -> pandapipes.pandapipesNet:
    """Return the sized network, with supply and return as they are."""
    net = topology()
    rules = SizingRules(
        supply_temperature_c=RETURN_K - 273.15,
        return_temperature_c=SUPPLY_K - 273.15,
        ground_temperature_c=FROST_C,
        gradient_max_pa_per_m=200.0,
        station_bar=0.5,
    )
    loads = pd.Series(net.heat_consumer.qext_w.to_numpy(), index=net.heat_consumer.index)
    sized = size_heat_network(net, loads, rules).net
    sized.circ_pump_pressure["t_flow_k"] = SUPPLY_K
    sized.heat_consumer["qext_w"] *= -1.0
    sized.heat_consumer["treturn_k"] = RETURN_K
    sized.pipe["text_k"] = GROUND_K
    supply = sized.junction["name"].str.contains(r"^S\d|\sS$")
    sized.junction["tfluid_k"] = np.where(supply, SUPPLY_K, RETURN_K)
    return sized


def profiles() -> pd.DataFrame:
    """Return cooling over its peak, by kind of building, on the summer day of the profiles."""
    file = HERE.parent / "profiles" / "weather_summer.csv"
    weather = pd.read_csv(file, comment="#", index_col="time")
    warm = ((weather["outdoor_c"] - COLDEST_C) / (HOTTEST_C - COLDEST_C)).clip(0.0, 1.0)
    hour = pd.to_datetime(weather.index).hour + pd.to_datetime(weather.index).minute / 60.0
    found = {}
    for kind, base in BASE.items():
        first, last = HOURS[kind]
        open_ = np.clip(np.minimum(hour - first + 1.0, last + 1.0 - hour), 0.0, 1.0)
        found[f"cooling_{kind}"] = (base + (1.0 - base) * warm.to_numpy() * open_).round(4)
    return pd.DataFrame(found, index=weather.index)


def background() -> pd.DataFrame:
    """Return the buildings that belong to nobody who takes part."""
    rows = [b for b in BUILDINGS if b.name not in TAKEN]
    return pd.DataFrame(
        {
            "element": "heat_consumer",
            "id": [b.name for b in rows],
            "profile": [f"cooling_{b.kind}" for b in rows],
            "scale_kw": [PEAK_W_PER_M2[b.kind] * b.area_m2 / 1000.0 for b in rows],
        }
    )


def main() -> None:
    """Write the files beside this script."""
    pandapipes.to_json(chilled(), str(HERE / "cooling.json"))
    background().to_csv(HERE / "background.csv", index=False)
    head = "# Cooling over its peak, by kind of building; assumed, see README.md.\n"
    (HERE / "cooling_summer.csv").write_text(head + profiles().to_csv(), encoding="utf-8")


if __name__ == "__main__":
    main()
