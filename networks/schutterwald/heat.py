"""The district heating topology of the town: repaired, with service pipes, then sized."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandapipes as ppi
import pandapipes.networks as ppn
import pandas as pd
from positions import from_lat_lon, to_geojson, to_metres

SERVICE_M = (5.0, 25.0)  # shortest and longest service pipe
ZERO_M = 0.01
HEIGHT_DIGITS = 2


@dataclass(frozen=True)
class Source:
    """The topology with zero-length pipes and station valves contracted.

    `junctions` holds side (supply, return), lon, lat and height by source index; `pipes` from,
    to, length_m, side; `consumers` the street junctions of both sides.
    """

    junctions: pd.DataFrame
    pipes: pd.DataFrame
    consumers: pd.DataFrame
    flow_junction: int
    return_junction: int


def read() -> Source:
    """Return the usable part of `pandapipes.networks.schutterwald_heat`."""
    net = ppn.schutterwald_heat()
    keep = _representatives(net)
    pump = net.circ_pump_pressure.iloc[0]
    flow, back = keep[int(pump["flow_junction"])], keep[int(pump["return_junction"])]
    pipes = pd.DataFrame(
        {
            "from": net.pipe["from_junction"].map(keep),
            "to": net.pipe["to_junction"].map(keep),
            "length_m": net.pipe["length_km"] * 1000.0,
        }
    )
    pipes = pipes[pipes["from"] != pipes["to"]].reset_index(drop=True)
    consumers = net.heat_consumer[["from_junction", "to_junction"]].replace(keep)
    pipes = _without_dead_ends(pipes, {flow, back, *consumers.to_numpy().ravel()})
    graph = nx.Graph()
    graph.add_edges_from(pipes[["from", "to"]].itertuples(index=False))
    supply = nx.node_connected_component(graph, flow)
    pipes["side"] = np.where(pipes["from"].isin(supply), "supply", "return")
    junctions = _junctions(net, sorted(graph.nodes), supply)
    _place_return_side(junctions, pipes, consumers, flow, back)
    return Source(junctions, pipes, consumers, flow, back)


def _without_dead_ends(pipes: pd.DataFrame, used: set[int]) -> pd.DataFrame:
    """Return the pipes that lie between the plant and some consumer."""
    while True:
        ends = pd.concat([pipes["from"], pipes["to"]]).value_counts()
        loose = set(ends.index[ends == 1]) - used
        if not loose:
            return pipes.reset_index(drop=True)
        pipes = pipes[~pipes["from"].isin(loose) & ~pipes["to"].isin(loose)]


def _representatives(net: ppi.pandapipesNet) -> dict[int, int]:
    """Map every junction to the first of those that no pipe length or only a valve parts."""
    graph = nx.Graph()
    graph.add_nodes_from(int(j) for j in net.junction.index)
    short = net.pipe[net.pipe["length_km"] * 1000.0 < ZERO_M]
    graph.add_edges_from(short[["from_junction", "to_junction"]].itertuples(index=False))
    graph.add_edges_from(net.valve[["junction", "element"]].itertuples(index=False))
    return {int(j): int(min(group)) for group in nx.connected_components(graph) for j in group}


def _junctions(net: ppi.pandapipesNet, nodes: list[int], supply: set[int]) -> pd.DataFrame:
    table = net.junction.loc[nodes]
    known = table["geo"].notna()
    lon_lat = np.full((len(table), 2), np.nan)
    lon_lat[known.to_numpy()] = from_lat_lon(table.loc[known, "geo"])
    return pd.DataFrame(
        {
            "name": table["name"],
            "side": ["supply" if n in supply else "return" for n in nodes],
            "lon": lon_lat[:, 0],
            "lat": lon_lat[:, 1],
            "height_m": table["height_m"],
        },
        index=nodes,
    )


def _place_return_side(
    junctions: pd.DataFrame, pipes: pd.DataFrame, consumers: pd.DataFrame, flow: int, back: int
) -> None:
    """Give each return junction place and height of the supply junction it mirrors.

    Both sides are the same tree: walk them together from the plant, matching the ends of a
    pipe by the consumers that lie behind it and by its length.
    """
    twin = _twins(pipes, consumers, flow, back)
    for supply, ret in twin.items():
        junctions.loc[ret, ["lon", "lat", "height_m"]] = junctions.loc[
            supply, ["lon", "lat", "height_m"]
        ]


def _twins(pipes: pd.DataFrame, consumers: pd.DataFrame, flow: int, back: int) -> dict[int, int]:
    graph = nx.Graph()
    for row in pipes.itertuples(index=False):
        graph.add_edge(row[0], row[1], length=row[2])
    twin: dict[int, int] = {flow: back}
    for supply_end, return_end in consumers.itertuples(index=False):
        there = nx.shortest_path(graph, flow, supply_end)
        away = nx.shortest_path(graph, back, return_end)
        if len(there) != len(away):
            raise ValueError(f"supply and return differ on the way to junction {supply_end}")
        twin.update(zip(there, away, strict=True))
    return twin


def build(source: Source, lon_lat: np.ndarray, names: list[str]) -> ppi.pandapipesNet:
    """Return the unsized network with a service pipe pair to each consumer's building.

    Args:
        source: the repaired topology.
        lon_lat: building of each consumer, shape (n, 2).
        names: name of each consumer.
    """
    net = ppi.create_empty_network("Schutterwald heat", fluid="water")
    number = {}
    for index, row in source.junctions.iterrows():
        geo = to_geojson(np.array([[row["lon"], row["lat"]]]))[0]
        name = f"{row['name'].removeprefix('return_')} {row['side']}"
        number[index] = _junction(net, name, row["height_m"], geo)
    for row in source.pipes.itertuples():
        _pipe(net, number[row._1], number[row.to], row.length_m, f"{row.side} {row.Index}")
    at = source.junctions.loc[source.consumers["from_junction"], ["lon", "lat"]]
    streets = to_metres(at.to_numpy())
    houses = to_metres(lon_lat)
    geo = to_geojson(lon_lat)
    for k, (supply, ret) in enumerate(source.consumers.itertuples(index=False)):
        length = float(np.clip(np.hypot(*(streets[k] - houses[k])), *SERVICE_M))
        height = source.junctions.at[supply, "height_m"]
        ends = [_junction(net, f"{names[k]} {s}", height, geo[k]) for s in ("supply", "return")]
        _pipe(net, number[supply], ends[0], length, f"service supply {k}")
        _pipe(net, ends[1], number[ret], length, f"service return {k}")
        ppi.create_heat_consumer(net, *ends, qext_w=0.0, treturn_k=323.15, name=names[k])
    ppi.create_circ_pump_const_pressure(
        net,
        number[source.return_junction],
        number[source.flow_junction],
        p_flow_bar=5.0,
        plift_bar=3.0,
        t_flow_k=353.15,
        name="plant",
    )
    return net


def _junction(net: ppi.pandapipesNet, name: str, height_m: float, geo: str) -> int:
    index = ppi.create_junction(
        net, pn_bar=5.0, tfluid_k=353.15, height_m=round(float(height_m), HEIGHT_DIGITS), name=name
    )
    if "geo" not in net.junction:
        net.junction["geo"] = None
        net.junction["geo"] = net.junction["geo"].astype(object)
    net.junction.at[index, "geo"] = geo
    return int(index)


def _pipe(net: ppi.pandapipesNet, start: int, end: int, length_m: float, name: str) -> None:
    ppi.create_pipe_from_parameters(
        net, start, end, length_km=round(length_m / 1000.0, 6), inner_diameter_mm=100.0, name=name
    )
