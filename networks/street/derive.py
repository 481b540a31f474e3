"""Derive the street's two networks; see README.md for sources, licence and every change.

Run from the repository with simbench installed (`pip install --no-deps simbench==1.6.3`):
python networks/street/derive.py
"""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import pandapipes
import pandapower
import pandas as pd
import simbench

from cosim.grids.sizing import SizingRules, size_heat_network

HERE = Path(__file__).parent
CODE = "1-LV-semiurb4--0-sw"
PLANT_BUS = "LV4.101 Bus 14"
CONSUMERS = 10
DESIGN_LOAD_KW = {"house": 14.0, "apartments": 55.0}
SERVICE_PIPE_KM = 0.008
HOUSEHOLD_H, BUSINESS_H = 1000.0, 2500.0
"""Full-load hours of SimBench's rated loads (assumed)."""
TAKEN = [f"LV4.101 Bus {k}" for k in (29, 7, 24, 23, 22, 17, 4, 13, 34, 10, 37)]
"""Buses of participants in examples/street."""


def electric_net() -> pandapower.pandapowerNet:
    """Return the SimBench grid without profiles and load cases."""
    net = simbench.get_simbench_net(CODE)
    for key in ("profiles", "loadcases", "measurement", "substation"):
        net.pop(key, None)
    net.trafo["tap_changer_type"] = "Ratio"
    for column in [c for c in net.load.columns if c.startswith("const_")]:
        net.load[column] = net.load[column].fillna(0.0)
    return net


def trench(net: pandapower.pandapowerNet) -> tuple[nx.Graph, int, list[int]]:
    """Return the street graph, the plant's bus and the buses with heat, along one feeder."""
    graph = nx.Graph()
    for _, line in net.line.iterrows():
        graph.add_edge(int(line.from_bus), int(line.to_bus), km=float(line.length_km))
    plant = int(net.trafo.lv_bus.iloc[0])
    graph.remove_nodes_from(
        [n for n in graph if n not in nx.node_connected_component(graph, plant)]
    )
    far = nx.single_source_dijkstra_path_length(graph, plant, weight="km")
    loads = set(net.load.bus)
    branch = max(nx.descendants_at_distance(graph, plant, 1), key=lambda n: _size(graph, plant, n))
    feeder = _beyond(graph, plant, branch)
    buses = sorted((b for b in feeder if b in loads), key=lambda b: far[b])
    step = max(1, len(buses) // CONSUMERS)
    return graph, plant, buses[::-1][::step][:CONSUMERS][::-1]


def _beyond(graph: nx.Graph, root: int, branch: int) -> set[int]:
    rest = graph.copy()
    rest.remove_node(root)
    return set(nx.node_connected_component(rest, branch))


def _size(graph: nx.Graph, root: int, branch: int) -> int:
    return len(_beyond(graph, root, branch))


def heat_net(net: pandapower.pandapowerNet) -> pandapipes.pandapipesNet:
    """Return supply and return pipes along the cables, sized for the design loads."""
    graph, plant, buses = trench(net)
    ways = nx.single_source_dijkstra_path(graph, plant, weight="km")
    edges = dict.fromkeys(e for bus in buses for e in zip(ways[bus], ways[bus][1:], strict=False))
    heat = pandapipes.create_empty_network(fluid="water", name="street heat")
    sides: dict[str, dict[int, int]] = {"S": {}, "R": {}}
    for side, nodes in sides.items():
        for bus in dict.fromkeys(n for edge in edges for n in edge):
            lon, lat = json.loads(net.bus.geo[bus])["coordinates"]
            nodes[bus] = pandapipes.create_junction(
                heat, 6.0 if side == "S" else 4.0, 353.15 if side == "S" else 323.15,
                name=f"{side} {net.bus.name[bus]}", geodata=(lon, lat),
            )  # fmt: skip
    for a, b in edges:
        _pipes(
            heat,
            (sides["S"][a], sides["S"][b]),
            (sides["R"][b], sides["R"][a]),
            graph[a][b]["km"],
            f"{a}-{b}",
        )
    for number, bus in enumerate(buses):
        lon, lat = json.loads(net.bus.geo[bus])["coordinates"]
        ends = [
            pandapipes.create_junction(
                heat, p, t, name=f"house {s} {net.bus.name[bus]}", geodata=(lon, lat)
            )
            for s, p, t in (("S", 6.0, 353.15), ("R", 4.0, 323.15))
        ]
        _pipes(
            heat,
            (sides["S"][bus], ends[0]),
            (ends[1], sides["R"][bus]),
            SERVICE_PIPE_KM,
            f"service {bus}",
        )
        kind = "apartments" if number in (3, 7) else "house"
        pandapipes.create_heat_consumer(
            heat, ends[0], ends[1], qext_w=DESIGN_LOAD_KW[kind] * 1000.0, treturn_k=323.15,
            name=f"{kind} {number + 1}",
        )  # fmt: skip
    pandapipes.create_circ_pump_const_pressure(
        heat,
        sides["R"][plant],
        sides["S"][plant],
        p_flow_bar=6.0,
        plift_bar=2.0,
        t_flow_k=353.15,
        name="plant",
    )
    loads = pd.Series(heat.heat_consumer.qext_w.to_numpy(), index=heat.heat_consumer.index)
    return size_heat_network(heat, loads, SizingRules()).net


def _pipes(
    heat: pandapipes.pandapipesNet,
    supply: tuple[int, int],
    back: tuple[int, int],
    km: float,
    name: str,
) -> None:
    for side, (start, end) in (("supply", supply), ("return", back)):
        pandapipes.create_pipe_from_parameters(
            heat, start, end, km, inner_diameter_mm=50.0, k_mm=0.05, u_w_per_m2k=1.0,
            text_k=283.15, name=f"{side} {name}",
        )  # fmt: skip


def background(net: pandapower.pandapowerNet) -> pd.DataFrame:
    """Return the loads that belong to no participant of the examples."""
    outside = net.load[~net.bus.name[net.load.bus].isin(TAKEN).to_numpy()]
    household = outside.profile.str.startswith("H0")
    hours = household.map({True: HOUSEHOLD_H, False: BUSINESS_H})
    shape = household.map({True: "h0_mix", False: "g0"})
    return pd.DataFrame(
        {
            "element": "load",
            "id": outside["name"],
            "profile": shape,
            "scale_kw": (outside.p_mw * 1000.0 * hours / 8760.0).round(4),
        }
    )


def main() -> None:
    """Write the files beside this script."""
    net = electric_net()
    pandapower.to_json(net, str(HERE / "electric.json"))
    pandapipes.to_json(heat_net(net), str(HERE / "heat.json"))
    background(net).to_csv(HERE / "background.csv", index=False)


if __name__ == "__main__":
    main()
