"""Made-up networks along the same trenches: shared by the derive scripts of the examples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandapipes
import pandapower
import pandas as pd

from cosim.grids.sizing import SizingRules, size_heat_network

KM_PER_DEGREE = (111.32, 110.57)
"""Of longitude at the equator, and of latitude."""
KELVIN = 273.15

Trench = Sequence[tuple[str, str]]
"""Places at both ends, upstream first."""
Rows = Sequence[tuple[str, str, str, float]]
"""Table, element, profile of the example, power in kW where the profile is 1."""


@dataclass(frozen=True)
class Sites:
    """Where everything is.

    Attributes:
        origin: longitude and latitude of the supply station.
        places: name -> km east and north of it, the station included.
        detour: trench over straight distance.
    """

    origin: tuple[float, float]
    places: Mapping[str, tuple[float, float]]
    detour: float = 1.25

    def lonlat(self, name: str) -> tuple[float, float]:
        """Return longitude and latitude of a place."""
        x, y = self.places[name]
        km_per_degree = (
            KM_PER_DEGREE[0] * math.cos(math.radians(self.origin[1])), KM_PER_DEGREE[1],
        )  # fmt: skip
        return (self.origin[0] + x / km_per_degree[0], self.origin[1] + y / km_per_degree[1])

    def km(self, a: str, b: str) -> float:
        """Return the trench length between two places."""
        return self.detour * math.dist(self.places[a], self.places[b])


def cables(
    name: str,
    sites: Sites,
    runs: Trench,
    *,
    at: str,
    short_circuit_mva: float,
    kind: str = "NA2XS2Y 1x185 RM/25 6/10 kV",
    opened: Trench = (),
) -> tuple[pandapower.pandapowerNet, dict[str, int]]:
    """Return a 10 kV network with one bus per place, fed at one of them, and its buses.

    Args:
        name: of the network.
        sites: where the buses are.
        runs: cables.
        at: place of the grid connection.
        short_circuit_mva: of the grid there.
        kind: standard type of the cables.
        opened: those of them with an open switch at their end.
    """
    net = pandapower.create_empty_network(name)
    high = {
        place: pandapower.create_bus(net, 10.0, name=f"{place} 10 kV", geodata=sites.lonlat(place))
        for place in sites.places
    }
    pandapower.create_ext_grid(
        net, high[at], vm_pu=1.02, s_sc_max_mva=short_circuit_mva, rx_max=0.1
    )
    for a, b in runs:
        line = pandapower.create_line(
            net, high[a], high[b], sites.km(a, b), kind, name=f"{a} to {b}"
        )
        if (a, b) in opened:
            pandapower.create_switch(net, high[b], line, "l", closed=False, name=f"open {a} {b}")
    return net, high


def add_station(
    net: pandapower.pandapowerNet, sites: Sites, place: str, high: int, units: int, mva: str
) -> int:
    """Add a 10/0.4 kV station with equal transformers in parallel; return its low bus."""
    low = pandapower.create_bus(net, 0.4, name=place, geodata=sites.lonlat(place))
    pandapower.create_transformer(
        net, high, low, f"{mva} MVA 10/0.4 kV", name=f"{place} station", parallel=units, tap_pos=0
    )
    net.trafo["tap_changer_type"] = "Ratio"
    return int(low)


@dataclass(frozen=True)
class Water:
    """A water network as it is designed: temperatures in C, pressures in bar, loads in kW."""

    name: str
    supply_c: float
    return_c: float
    ground_c: float
    bar: tuple[float, float]
    load_kw: Mapping[str, float]
    gradient_pa_per_m: float = 150.0


def water_net(
    water: Water, sites: Sites, trench: Trench, *, at: str, frost_c: float = 3.0
) -> pandapipes.pandapipesNet:
    """Return supply and return mains with a station per load, sized for the design loads.

    Chilled water is sized with supply and return exchanged, in ground of `frost_c`: flows and
    friction are the same.
    """
    hot, cool = max(water.supply_c, water.return_c), min(water.supply_c, water.return_c)
    cold = water.supply_c < water.return_c
    net = _mains(water, sites, trench, at, (hot + KELVIN, cool + KELVIN))
    rules = SizingRules(
        supply_temperature_c=hot, return_temperature_c=cool,
        ground_temperature_c=frost_c if cold else water.ground_c,
        gradient_max_pa_per_m=water.gradient_pa_per_m,
    )  # fmt: skip
    loads = pd.Series(net.heat_consumer["qext_w"].to_numpy(), index=net.heat_consumer.index)
    return size_heat_network(net, loads, rules).net


def _mains(
    water: Water, sites: Sites, trench: Trench, at: str, kelvin: tuple[float, float]
) -> pandapipes.pandapipesNet:
    net = pandapipes.create_empty_network(water.name, fluid="water")
    sides = {
        side: {
            place: pandapipes.create_junction(
                net, bar, k, name=f"{place} {side}", geodata=sites.lonlat(place)
            )
            for place in sites.places
        }
        for side, bar, k in zip(("supply", "return"), water.bar, kelvin, strict=True)
    }
    for a, b in trench:
        for side, (start, end) in (("supply", (a, b)), ("return", (b, a))):
            pandapipes.create_pipe_from_parameters(
                net, sides[side][start], sides[side][end], sites.km(a, b), inner_diameter_mm=100.0,
                k_mm=0.05, u_w_per_m2k=1.0, text_k=water.ground_c + KELVIN,
                name=f"{side} {a} to {b}",
            )  # fmt: skip
    for place, kw in water.load_kw.items():
        pandapipes.create_heat_consumer(
            net, sides["supply"][place], sides["return"][place], qext_w=1000.0 * kw,
            treturn_k=kelvin[1], name=place,
        )  # fmt: skip
    pandapipes.create_circ_pump_const_pressure(
        net, sides["return"][at], sides["supply"][at], p_flow_bar=water.bar[0], plift_bar=3.0,
        t_flow_k=kelvin[0], name=at,
    )  # fmt: skip
    return net


def gas_net(
    name: str,
    sites: Sites,
    trench: Trench,
    *,
    at: str,
    diameter_mm: Mapping[tuple[str, str], float],
    branch_mm: float,
    load_kw: Mapping[str, float],
) -> pandapipes.pandapipesNet:
    """Return a 1 bar gas network fed at one place.

    Args:
        name: of the network.
        sites: where the junctions are.
        trench: pipes.
        at: place of the pressure regulator.
        diameter_mm: inner diameter of pipes by their ends.
        branch_mm: of all others.
        load_kw: place -> offtake of customers who do not take part, lower heating value.
    """
    net = pandapipes.create_empty_network(name, fluid="hgas")
    nodes = {
        place: pandapipes.create_junction(
            net, 1.0, 10.0 + KELVIN, name=place, geodata=sites.lonlat(place)
        )
        for place in sites.places
    }
    pandapipes.create_ext_grid(net, nodes[at], p_bar=1.0, t_k=10.0 + KELVIN, name=at)
    for a, b in trench:
        pandapipes.create_pipe_from_parameters(
            net, nodes[a], nodes[b], sites.km(a, b),
            inner_diameter_mm=diameter_mm.get((a, b), branch_mm), k_mm=0.1, name=f"{a} to {b}",
        )  # fmt: skip
    for place, kw in load_kw.items():
        pandapipes.create_sink(net, nodes[place], kw / 13.1 / 3600.0, name=place)
    return net


def write_networks(
    folder: Path,
    electric: pandapower.pandapowerNet,
    pipes: Mapping[str, pandapipes.pandapipesNet],
    background: Mapping[str, Rows],
) -> None:
    """Write `electric.json`, a JSON file per network of pipes, and who does not take part.

    Args:
        folder: to write to.
        electric: network.
        pipes: carrier -> network.
        background: carrier -> customers, for `background_<carrier>.csv`.
    """
    pandapower.to_json(electric, str(folder / "electric.json"))
    for carrier, net in pipes.items():
        pandapipes.to_json(net, str(folder / f"{carrier}.json"))
    for carrier, rows in background.items():
        table = pd.DataFrame(list(rows), columns=["element", "id", "profile", "scale_kw"])
        table.to_csv(folder / f"background_{carrier}.csv", index=False)
