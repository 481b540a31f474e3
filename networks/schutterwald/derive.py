"""Derive the town's three networks from those that pandapower and pandapipes ship.

Run with an environment that has cosim and pyproj: `python networks/schutterwald/derive.py`.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import background
import buildings
import community
import electric
import gas
import heat
import numpy as np
import pandapipes as ppi
import pandapower as pp
import pandas as pd
from positions import from_geojson, to_metres

from cosim.grids.pipe_catalogue import EN253_SERIES_2
from cosim.grids.sizing import SizedHeatNetwork, size_heat_network
from cosim.grids.sizing_rules import SizingRules

HERE = Path(__file__).parent
PLANT_TRAFO = "T_idx_47"


def main() -> None:
    """Write every file of this folder."""
    power = electric.derive()
    pipes, gas_source = gas.derive()
    topology = heat.read()
    houses = buildings.table(power, pipes, gas_source.sink["demand_m3_per_a"])
    _match_heat(houses, topology)
    houses["participant"] = community.member_of(houses)
    own_bus = _connect(power, pipes, houses)
    plant = _plant_connections(power, pipes, topology)
    members = community.table(houses, own_bus, plant)
    sized = _heat_network(topology, houses)
    _write_network(pp.to_json(power), "electric.json")
    _write_network(ppi.to_json(pipes), "gas.json")
    _write_network(ppi.to_json(sized.net), "heat.json")
    sized.pipes.round(5).to_csv(HERE / "heat_sizing.csv")
    houses.round(6).to_csv(HERE / "buildings.csv", index=False)
    members.to_csv(HERE / "community.csv", index=False)
    background.electric(power, houses).to_csv(HERE / "background_electric.csv", index=False)
    background.heat(houses).to_csv(HERE / "background_heat.csv", index=False)
    background.gas(houses).to_csv(HERE / "background_gas.csv", index=False)


def _match_heat(houses: pd.DataFrame, topology: heat.Source) -> None:
    """Add heat_consumer and its distance to the building's row."""
    streets = topology.junctions.loc[topology.consumers["from_junction"], ["lon", "lat"]]
    rows, metres = buildings.match(streets.to_numpy(), houses[["lon", "lat"]].to_numpy())
    houses["heat_consumer"] = pd.array([pd.NA] * len(houses), dtype="Int64")
    houses["heat_match_m"] = np.nan
    houses.loc[rows, "heat_consumer"] = range(len(rows))
    houses.loc[rows, "heat_match_m"] = metres.round(2)


def _connect(
    power: pp.pandapowerNet, pipes: ppi.pandapipesNet, houses: pd.DataFrame
) -> dict[str, int]:
    own: dict[str, int] = {}
    for member in community.MEMBERS:
        rows = houses.loc[community.rows_of(member, houses)]
        if member.large_service:
            electric.reinforce(power, rows["bus"].tolist())
        if member.gas and len(rows):
            gas.reinforce(pipes, rows["junction"].tolist())
        if member.own_station:
            place = rows.iloc[0]
            at = (place["lon"], place["lat"])
            own[member.name] = electric.customer_station(power, place["area"], at, member.name)
    return own


def _plant_connections(
    power: pp.pandapowerNet, pipes: ppi.pandapipesNet, topology: heat.Source
) -> dict[str, int]:
    """Return the busbar of the nearest station and the nearest gas main behind the regulator."""
    here = topology.junctions.loc[[topology.flow_junction], ["lon", "lat"]].to_numpy()
    mains = pipes.junction.drop(index=[*pipes.sink["junction"], *pipes.ext_grid["junction"]])
    away = to_metres(from_geojson(mains["geo"])) - to_metres(here)
    junction = int(mains.index[int(np.argmin(np.hypot(away[:, 0], away[:, 1])))])
    bus = int(power.trafo.loc[power.trafo["name"] == PLANT_TRAFO, "lv_bus"].iloc[0])
    return {"bus": bus, "junction": junction}


def _heat_network(topology: heat.Source, houses: pd.DataFrame) -> SizedHeatNetwork:
    served = houses[houses["heat_consumer"].notna()].sort_values("heat_consumer")
    design_kw = served["heat_design_kw"].copy()
    for member in community.MEMBERS:
        capacity_kw = member.connection_kw or member.heat_design_kw
        if capacity_kw is not None and member.consumers:
            rows = served.index[served["heat_consumer"].isin(member.consumers)]
            design_kw.loc[rows] = capacity_kw / len(rows)
    shared = served["participant"].duplicated(keep=False)
    names = [
        owner if owner and not several else f"{owner or 'house'} {building}"
        for owner, building, several in zip(
            served["participant"], served["bus_name"], shared, strict=True
        )
    ]
    net = heat.build(topology, served[["lon", "lat"]].to_numpy(), names)
    load_w = pd.Series(design_kw.to_numpy() * 1000.0, index=net.heat_consumer.index)
    sized = size_heat_network(net, load_w, SizingRules(catalogue=EN253_SERIES_2))
    for member in community.MEMBERS:
        if member.connection_kw is not None and member.heat_design_kw is not None:
            ids = list(member.consumers)
            sized.net.heat_consumer.loc[ids, "qext_w"] = member.heat_design_kw * 1000.0 / len(ids)
    _set_pump(sized.net)
    return sized


def _set_pump(net: ppi.pandapipesNet) -> None:
    """Set the pump head for the design loads proper, not for the capacity of the producer's pipe.

    One correction is enough: flows hardly depend on the head while return temperatures are given.
    """
    ppi.pipeflow(net, mode="bidirectional", friction_model="swamee-jain", iter=100)
    result = net.res_heat_consumer
    spare = float((result["p_from_bar"] - result["p_to_bar"]).min()) - SizingRules().station_bar
    lift = float(net.circ_pump_pressure["plift_bar"].iloc[0]) - spare
    lift = math.ceil(lift / SizingRules().lift_step_bar) * SizingRules().lift_step_bar
    net.circ_pump_pressure["plift_bar"] = round(lift, 3)
    net.circ_pump_pressure["p_flow_bar"] = round(SizingRules().return_bar + lift, 3)
    for table in [name for name in net if name.startswith("res_")]:
        net[table] = net[table].iloc[:0]


def _write_network(text: str, name: str) -> None:
    """Write compact JSON; the libraries' own writers indent."""
    (HERE / name).write_text(json.dumps(json.loads(text), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
