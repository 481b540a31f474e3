"""One row per electric load: the same building in all three networks, matched by position."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pandapipes as ppi
import pandapower as pp
import pandas as pd
from positions import from_geojson, to_metres
from scipy.optimize import linear_sum_assignment

ELECTRICITY_FULL_LOAD_H = 1667.0  # 2.1 kW per household in the source -> 3500 kWh per year
GAS_KWH_PER_M3 = 10.0  # lower heating value of high-calorific gas, DVGW G 260
BOILER_EFFICIENCY = 0.9
HEAT_FULL_LOAD_H = 2000.0


def match(of: np.ndarray, to: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each point of `of` its own partner in `to` (one to one) and the distance in m.

    Minimises the sum of distances; both arguments are lon, lat of shape (n, 2) and (m, 2).
    """
    a, b = to_metres(of), to_metres(to)
    distance = np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])
    rows, columns = linear_sum_assignment(distance)
    return columns[np.argsort(rows)], distance[rows, columns][np.argsort(rows)]


def table(
    electric: pp.pandapowerNet, gas: ppi.pandapipesNet, gas_demand_m3: pd.Series
) -> pd.DataFrame:
    """Return the buildings with their electric and gas connection.

    Args:
        electric: the derived network.
        gas: the derived network.
        gas_demand_m3: annual demand by sink index.
    """
    loads = electric.load[electric.load["type"] == "HH"]
    lon_lat = from_geojson(electric.bus.loc[loads["bus"], "geo"])
    sinks = gas.sink
    sink_at = from_geojson(gas.junction.loc[sinks["junction"], "geo"])
    partner, distance = match(lon_lat, sink_at)
    area = _areas(electric)
    path = _paths(electric)
    frame = pd.DataFrame(
        {
            "load": loads.index,
            "bus": loads["bus"].to_numpy(),
            "bus_name": electric.bus.loc[loads["bus"], "name"].to_numpy(),
            "lon": lon_lat[:, 0],
            "lat": lon_lat[:, 1],
            "area": [area[b] for b in loads["bus"]],
            "feeder": [path[b][2] for b in loads["bus"]],
            "trafo_distance_m": [round(path[b][1], 1) for b in loads["bus"]],
            "trafo_resistance_ohm": [round(path[b][0], 5) for b in loads["bus"]],
            "sink": sinks.index[partner],
            "junction": sinks["junction"].to_numpy()[partner],
            "gas_match_m": distance.round(2),
            "electricity_kwh": (loads["p_mw"] * 1000.0 * ELECTRICITY_FULL_LOAD_H)
            .round(-2)
            .to_numpy(),
            "gas_m3": gas_demand_m3.loc[sinks.index[partner]].to_numpy(),
        }
    )
    heat_kwh = frame["gas_m3"] * GAS_KWH_PER_M3 * BOILER_EFFICIENCY
    frame["heat_kwh"] = heat_kwh.round(-1)
    frame["heat_design_kw"] = (heat_kwh / HEAT_FULL_LOAD_H).round(2)
    return frame


def _graph(net: pp.pandapowerNet) -> nx.Graph:
    """Return the low-voltage lines in service between closed switches."""
    opened = set(net.switch.loc[(net.switch["et"] == "l") & ~net.switch["closed"], "element"])
    low = set(net.bus.index[net.bus["vn_kv"] < 1.0])
    graph = nx.Graph()
    graph.add_nodes_from(low)
    for index, line in net.line.iterrows():
        if index in opened or line["from_bus"] not in low or not line["in_service"]:
            continue
        metres = line["length_km"] * 1000.0
        ohm = line["length_km"] * line["r_ohm_per_km"] / line["parallel"]
        graph.add_edge(line["from_bus"], line["to_bus"], metres=metres, ohm=ohm)
    return graph


def _areas(net: pp.pandapowerNet) -> dict[int, str]:
    graph = _graph(net)
    return {
        bus: name
        for name, busbar in zip(net.trafo["name"], net.trafo["lv_bus"], strict=True)
        for bus in nx.node_connected_component(graph, busbar)
    }


def _paths(net: pp.pandapowerNet) -> dict[int, tuple[float, float, int]]:
    """Return (resistance in ohm, length in m, first bus) of the way from the busbar."""
    graph = _graph(net)
    found: dict[int, tuple[float, float, int]] = {}
    for busbar in net.trafo["lv_bus"]:
        ways = nx.single_source_dijkstra_path(graph, busbar, weight="ohm")
        for bus, way in ways.items():
            edges = [graph[a][b] for a, b in pairwise(way)]
            first = way[1] if len(way) > 1 else busbar
            found[bus] = sum(e["ohm"] for e in edges), sum(e["metres"] for e in edges), first
    return found
