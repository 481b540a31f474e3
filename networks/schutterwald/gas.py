"""The gas network of the town with its coordinates turned into WGS84."""

from __future__ import annotations

import pandapipes as ppi
import pandapipes.networks as ppn
from positions import from_gauss_krueger, to_geojson

JUNCTION = ["name", "pn_bar", "tfluid_k", "height_m", "in_service", "type", "geo"]
PIPE = [
    "name",
    "from_junction",
    "to_junction",
    "std_type",
    "length_km",
    "inner_diameter_mm",
    "outer_diameter_mm",
    "k_mm",
    "loss_coefficient",
    "u_w_per_m2k",
    "text_k",
    "qext_w",
    "sections",
    "in_service",
    "type",
]
SERVICE_LARGE_MM = 73.6
SINK = ["name", "junction", "mdot_kg_per_s", "scaling", "in_service", "type"]


def derive() -> tuple[ppi.pandapipesNet, ppi.pandapipesNet]:
    """Return the cleaned network and the source it came from (for annual demands)."""
    source = ppn.schutterwald_gas()
    net = ppi.create_empty_network("Schutterwald gas", fluid=source.fluid)
    ppi.create_junction(net, 1.0, 283.15)  # lets pandapipes add the tables it needs
    net.junction = source.junction.copy()
    where = source.junction_geodata.loc[net.junction.index]
    net.junction["geo"] = to_geojson(from_gauss_krueger(where["x"].values, where["y"].values))
    net.junction = net.junction[JUNCTION]
    net.junction_geodata = net.junction_geodata.iloc[:0]
    for table in ("pipe", "sink", "ext_grid"):
        component = next(c for c in source.component_list if c.table_name() == table)
        if component not in net.component_list:
            net.component_list.append(component)
        net[table] = source[table].copy()
    net.pipe["std_type"] = net.pipe["stanet_std_type"].str.replace(" ", "_")
    net.pipe.loc[net.pipe["type"] == "house_connection", "std_type"] = "house connection"
    net.pipe = net.pipe[[c for c in PIPE if c in net.pipe]]
    net.sink = net.sink[SINK]
    net.ext_grid["name"] = "gas pressure station"
    return net, source


def reinforce(net: ppi.pandapipesNet, junctions: list[int]) -> None:
    """Lay PE 100 90 SDR 11 instead of the 50 mm house connection to these junctions."""
    ends = net.pipe["from_junction"].isin(junctions) | net.pipe["to_junction"].isin(junctions)
    service = net.pipe.index[ends & (net.pipe["type"] == "house_connection")]
    net.pipe.loc[service, "inner_diameter_mm"] = SERVICE_LARGE_MM
