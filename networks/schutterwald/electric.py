"""The low-voltage areas of the town behind the two medium-voltage feeders that really feed them.

The stations of `lv_schutterwald` carry the bus numbers of `mv_oberrhein` in their names
(T_idx_47 stands at bus 47), so the cables between them need not be invented.
"""

from __future__ import annotations

import json
import math

import networkx as nx
import numpy as np
import pandapower as pp
import pandapower.networks as pn
import pandapower.topology as top
import pandas as pd
from positions import DECIMALS, from_geojson, to_geojson, to_metres

BUSBAR_VM_PU = 1.02
POWER_FACTOR = 0.95  # column cos_phi of the source
DETOUR = 1.3  # cable length over straight line, for the one station that is not in mv_oberrhein
SPARE_STATION = "T_idx_ZUSATZ"
SPARE_AT = 71
CABLE = "NA2XS2Y 1x185 RM/25 12/20 kV"
CUSTOMER_TRAFO = "0.4 MVA 20/0.4 kV"
SERVICE_SMALL = "NAYY 4x50 SE"
SERVICE_LARGE = "NAYY 4x150 SE"
TIE_LINE = 188  # closes the ring between the ends of both feeders


def derive() -> pp.pandapowerNet:
    """Return the town's electric network."""
    source = pn.lv_schutterwald()
    mv = pn.mv_oberrhein()
    mv = mv[0] if isinstance(mv, (list, tuple)) else mv
    net = pp.create_empty_network(name="Schutterwald electric", sn_mva=1.0)
    _copy_low_voltage(net, source)
    station = {t.zone_mv: t for t in _stations(source).itertuples()}
    trunk, root = _trunk(mv, set(station))
    buses = {n: station[n].hv_bus for n in trunk if n in station}
    _medium_voltage(net, mv, trunk, buses)
    _spare_station(net, source, buses)
    busbar = buses[root]
    net.bus.loc[busbar, ["name", "zone"]] = ["MV busbar primary substation", "MV"]
    pp.create_ext_grid(net, busbar, vm_pu=BUSBAR_VM_PU, name="110/20 kV substation")
    _beyond_the_town(net, mv, trunk, buses, set(station), root)
    _area_pv(net, mv, station)
    _tidy(net)
    return net


def _stations(source: pp.pandapowerNet) -> pd.DataFrame:
    table = source.trafo.copy()
    number = table["name"].str.removeprefix("T_idx_")
    table["zone_mv"] = [int(n) if n.isdigit() else -1 for n in number]
    return table[table["zone_mv"] >= 0]


def _copy_low_voltage(net: pp.pandapowerNet, source: pp.pandapowerNet) -> None:
    for table in ("bus", "line", "load", "trafo", "switch"):
        columns = [c for c in net[table].columns if c in source[table].columns]
        net[table] = source[table][columns].copy()
    net.std_types["line"] = {
        k: v for k, v in source.std_types["line"].items() if k in set(source.line["std_type"])
    } | {CABLE: net.std_types["line"][CABLE]}
    net.std_types["trafo"] = {
        k: v for k, v in net.std_types["trafo"].items() if k in set(source.trafo["std_type"])
    }
    net.std_types["trafo3w"] = {}
    net.bus["geo"] = to_geojson(from_geojson(source.bus["geo"]))
    net.line["geo"] = None
    net.load["q_mvar"] = net.load["p_mw"] * math.tan(math.acos(POWER_FACTOR))


def _trunk(mv: pp.pandapowerNet, stations: set[int]) -> tuple[set[int], int]:
    """Return the buses from the substation to the town's last stations, and its busbar."""
    graph = nx.Graph(top.create_nxgraph(mv, multi=False))
    roots = [b for b in mv.trafo["lv_bus"] if nx.has_path(graph, b, min(stations))]
    root = roots[0]
    trunk = {root}
    for bus in stations:
        trunk.update(nx.shortest_path(graph, root, bus))
    return {int(b) for b in trunk}, int(root)


def _medium_voltage(
    net: pp.pandapowerNet, mv: pp.pandapowerNet, trunk: set[int], buses: dict[int, int]
) -> None:
    for bus in sorted(trunk - set(buses)):
        geo = to_geojson(from_geojson([mv.bus.at[bus, "geo"]]))[0]
        buses[bus] = pp.create_bus(net, 20.0, name=f"MV station {bus}", type="b", zone="MV")
        net.bus.at[buses[bus], "geo"] = geo
    inside = mv.line[mv.line["from_bus"].isin(trunk) & mv.line["to_bus"].isin(trunk)]
    for index, line in inside.iterrows():
        ends = buses[line["from_bus"]], buses[line["to_bus"]]
        new = pp.create_line_from_parameters(
            net,
            *ends,
            length_km=line["length_km"],
            r_ohm_per_km=line["r_ohm_per_km"],
            x_ohm_per_km=line["x_ohm_per_km"],
            c_nf_per_km=line["c_nf_per_km"],
            max_i_ka=line["max_i_ka"],
            type=line["type"],
            name=f"MV {line['from_bus']}-{line['to_bus']}",
        )
        net.line.at[new, "std_type"] = line["std_type"]
        net.line.at[new, "geo"] = _rounded(line["geo"])
        if index == TIE_LINE:
            pp.create_switch(
                net, ends[1], new, et="l", closed=False, type="LBS", name="normally open point"
            )


def _rounded(geo: str) -> str:
    points = json.loads(geo)["coordinates"]
    return json.dumps(
        {
            "type": "LineString",
            "coordinates": [[round(v, DECIMALS) for v in point] for point in points],
        }
    )


def _spare_station(net: pp.pandapowerNet, source: pp.pandapowerNet, buses: dict[int, int]) -> None:
    spare = source.trafo.loc[source.trafo["name"] == SPARE_STATION, "hv_bus"].iloc[0]
    ends = to_metres(from_geojson(net.bus.loc[[buses[SPARE_AT], spare], "geo"]))
    straight_km = float(((ends[0] - ends[1]) ** 2).sum() ** 0.5) / 1000.0
    pp.create_line(
        net,
        buses[SPARE_AT],
        spare,
        length_km=round(DETOUR * straight_km, 4),
        std_type=CABLE,
        name=f"MV {SPARE_AT}-ZUSATZ",
    )


def _beyond_the_town(
    net: pp.pandapowerNet,
    mv: pp.pandapowerNet,
    trunk: set[int],
    buses: dict[int, int],
    stations: set[int],
    root: int,
) -> None:
    """Lump stations that are not the town's at the trunk bus where their branch leaves."""
    graph = nx.Graph(top.create_nxgraph(mv, multi=False))
    graph.remove_node(root)
    others = graph.copy()
    others.remove_nodes_from(trunk - {root})
    for bus in sorted(trunk - {root}):
        behind: set[int] = set() if bus in stations else {bus}
        for neighbour in set(graph[bus]) - trunk:
            behind |= nx.node_connected_component(others, neighbour)
        own = mv.load["bus"].isin(behind)
        power = (mv.load["p_mw"] * mv.load["scaling"])[own].sum()
        if power > 0.0:
            reactive = (mv.load["q_mvar"] * mv.load["scaling"])[own].sum()
            name = f"MV neighbours at {bus}"
            pp.create_load(
                net,
                buses[bus],
                p_mw=round(power, 4),
                q_mvar=round(reactive, 4),
                name=name,
                type="MV",
            )
        solar = mv.sgen.loc[mv.sgen["bus"].isin(behind), "p_mw"].sum()
        if solar > 0.0:
            pp.create_sgen(
                net,
                buses[bus],
                p_mw=0.0,
                sn_mva=round(solar, 4),
                type="PV",
                name=f"PV neighbours at {bus}",
            )


def _area_pv(net: pp.pandapowerNet, mv: pp.pandapowerNet, station: dict) -> None:
    """Put the generation that mv_oberrhein has at a town's station on its low-voltage busbar."""
    for number, row in sorted(station.items()):
        solar = mv.sgen.loc[mv.sgen["bus"] == number, "p_mw"].sum()
        if solar > 0.0:
            pp.create_sgen(
                net,
                row.lv_bus,
                p_mw=0.0,
                sn_mva=round(solar, 4),
                type="PV",
                name=f"PV area {row.name}",
            )


def reinforce(net: pp.pandapowerNet, buses: list[int]) -> None:
    """Lay NAYY 4x150 SE instead of 4x50 to the customers at these buses."""
    kind = net.std_types["line"][SERVICE_LARGE]
    for bus in buses:
        small = net.line["std_type"] == SERVICE_SMALL
        line = net.line.index[((net.line["from_bus"] == bus) | (net.line["to_bus"] == bus)) & small]
        net.line.loc[line, "std_type"] = SERVICE_LARGE
        for column in ("r_ohm_per_km", "x_ohm_per_km", "c_nf_per_km", "max_i_ka"):
            net.line.loc[line, column] = kind[column]


def customer_station(
    net: pp.pandapowerNet, trafo: str, lon_lat: tuple[float, float], name: str
) -> int:
    """Add a customer's own 20/0.4 kV station on a cable from an area's station; return its bus.

    Producers above 135 kW connect at medium voltage (VDE-AR-N 4110).
    """
    start = int(net.trafo.loc[net.trafo["name"] == trafo, "hv_bus"].iloc[0])
    geo = to_geojson(np.array([lon_lat]))[0]
    high = pp.create_bus(net, 20.0, name=f"MV {name}", type="b", zone="MV")
    low = pp.create_bus(net, 0.4, name=f"LV {name}", type="b", zone=f"T_{name}")
    net.bus.loc[[high, low], "geo"] = geo
    ends = to_metres(from_geojson(net.bus.loc[[start, high], "geo"]))
    km = DETOUR * float(np.hypot(*(ends[0] - ends[1]))) / 1000.0
    pp.create_line(net, start, high, round(km, 4), CABLE, name=f"MV {name}")
    new = pp.create_transformer(net, high, low, CUSTOMER_TRAFO, name=f"T_{name}")
    net.trafo.loc[new, "tap_pos"] = 1.0
    return int(low)


def _tidy(net: pp.pandapowerNet) -> None:
    net.bus["name"] = net.bus["name"].astype(str)
    net.line["g_us_per_km"] = 0.0
    net.line["parallel"] = net.line["parallel"].astype("uint32")
    for table in ("load", "trafo", "line", "bus", "switch"):
        for column in ("in_service", "closed"):
            if column in net[table]:
                net[table][column] = net[table][column].astype(bool)
