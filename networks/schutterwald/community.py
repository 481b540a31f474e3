"""Who takes part: real connection points with the reason for each."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

HEAT_FULL_LOAD_H = 2000.0


@dataclass(frozen=True)
class Member:
    """A participant; consumers are positions of the heat topology, see buildings.csv."""

    name: str
    role: str
    why: str
    consumers: tuple[int, ...] = ()
    loads: tuple[int, ...] = ()
    feeder_end_of: str = ""
    houses: int = 0
    heat_design_kw: float | None = None
    electricity_kwh: float | None = None
    gas: bool = False
    connection_kw: float | None = None
    large_service: bool = False
    own_station: bool = False
    at_plant: bool = False


MEMBERS = (
    Member(
        "dh_plant",
        "district heating plant",
        at_plant=True,
        electricity_kwh=0.0,
        heat_design_kw=0.0,
        gas=True,
        why="central station of the heat topology, beside the gas pressure station; feeds and "
        "pumps the heat network; electricity from the busbar of T_idx_47",
    ),
    Member(
        "chp_operator",
        "CHP operator feeding heat in",
        consumers=(10,),
        own_station=True,
        heat_design_kw=20.0,
        connection_kw=120.0,
        electricity_kwh=30_000.0,
        gas=True,
        why="far east end of the heat network, 1.3 km from the plant; above 135 kW, so with an "
        "own 20 kV station on a cable from T_idx_80 (VDE-AR-N 4110)",
    ),
    Member(
        "school",
        "school",
        consumers=(17,),
        heat_design_kw=250.0,
        electricity_kwh=120_000.0,
        large_service=True,
        why="largest gas demand of the matched buildings; two thirds of the way along the heat "
        "main, middle of a long feeder of T_idx_80",
    ),
    Member(
        "office",
        "office building",
        consumers=(33,),
        heat_design_kw=150.0,
        electricity_kwh=150_000.0,
        large_service=True,
        why="large gas demand on the northern branch of the heat network",
    ),
    Member(
        "supermarket",
        "supermarket with waste heat from refrigeration",
        consumers=(19,),
        heat_design_kw=100.0,
        electricity_kwh=300_000.0,
        large_service=True,
        why="second largest gas demand of the matched buildings, southern branch near the plant",
    ),
    Member(
        "workshop",
        "workshop",
        consumers=(23,),
        heat_design_kw=80.0,
        electricity_kwh=90_000.0,
        large_service=True,
        why="end of a feeder of T_idx_118, first branch of the heat main",
    ),
    Member(
        "homes_centre",
        "homes with district heating",
        consumers=(1, 2, 3, 24, 25, 26),
        why="six neighbouring houses on both sides of the heat main, T_idx_118 and T_idx_119",
    ),
    Member(
        "homes_north",
        "homes with district heating",
        consumers=(27, 28, 29, 30, 31, 36, 37),
        why="seven houses at the end of the northern branch of the heat network",
    ),
    Member(
        "homes_east",
        "homes with district heating and vehicles",
        consumers=(11, 12, 13, 14, 15, 16),
        why="six houses before the far end of the heat network and at the end of the longest "
        "feeder of T_idx_80: heat and voltage are both weak here",
    ),
    Member(
        "homes_south",
        "homes with heat pumps and vehicles",
        feeder_end_of="T_idx_43",
        houses=16,
        why="end of the feeder with the highest resistance in town",
    ),
    Member(
        "homes_southeast",
        "homes with heat pumps and vehicles",
        feeder_end_of="T_idx_73",
        houses=14,
        why="end of the weakest feeder of T_idx_73",
    ),
    Member(
        "homes_west",
        "homes with heat pumps and vehicles",
        feeder_end_of="T_idx_35",
        houses=24,
        why="end of a feeder of T_idx_35, 177 houses behind 0.4 MVA: the fullest transformer",
    ),
    Member(
        "farm",
        "farm with photovoltaics",
        loads=(1154,),
        electricity_kwh=50_000.0,
        large_service=True,
        gas=True,
        why="one of two loads of 30 kW in the source, at the eastern edge of the town",
    ),
    Member(
        "nursery",
        "nursery with greenhouses, boiler and CHP",
        loads=(1155,),
        electricity_kwh=50_000.0,
        heat_design_kw=500.0,
        large_service=True,
        gas=True,
        why="the other load of 30 kW, at the end of T_idx_ZUSATZ and of the gas network, where "
        "gas pressure is lowest",
    ),
)


def feeder_end(buildings: pd.DataFrame, area: str, houses: int) -> list[int]:
    """Return the rows of the houses farthest out (by resistance) on the area's worst feeder."""
    inside = buildings[(buildings["area"] == area) & buildings["heat_consumer"].isna()]
    worst = inside.loc[inside["trafo_resistance_ohm"].idxmax(), "feeder"]
    feeder = inside[inside["feeder"] == worst]
    return list(feeder.nlargest(houses, "trafo_resistance_ohm").index)


def rows_of(member: Member, buildings: pd.DataFrame) -> list[int]:
    """Return the member's rows of the buildings table."""
    if member.feeder_end_of:
        return feeder_end(buildings, member.feeder_end_of, member.houses)
    by_consumer = buildings.index[buildings["heat_consumer"].isin(member.consumers)]
    by_load = buildings.index[buildings["load"].isin(member.loads)]
    return [*by_consumer, *by_load]


def table(buildings: pd.DataFrame, own_bus: dict[str, int], plant: dict[str, int]) -> pd.DataFrame:
    """Return community.csv.

    Args:
        buildings: the buildings with their heat consumers.
        own_bus: low-voltage bus of members with an own station.
        plant: bus and gas junction of the heat plant.
    """
    records = []
    for member in MEMBERS:
        rows = buildings.loc[rows_of(member, buildings)]
        buses = rows["bus"].tolist()
        junctions = rows["junction"].tolist() if member.gas else []
        areas = sorted(set(rows["area"]))
        if member.own_station:
            buses = [own_bus[member.name]]
        if member.at_plant:
            buses, junctions, areas = [plant["bus"]], [plant["junction"]], ["T_idx_47"]
        heat_kw = member.heat_design_kw
        heat_kwh = rows["heat_kwh"].sum() if heat_kw is None else heat_kw * HEAT_FULL_LOAD_H
        electricity = member.electricity_kwh
        records.append(
            {
                "participant": member.name,
                "role": member.role,
                "areas": _joined(areas),
                "buses": _joined(buses),
                "heat_consumers": _joined(sorted(member.consumers)),
                "gas_junctions": _joined(junctions),
                "background_loads": _joined(rows["load"]),
                "background_sinks": _joined(rows["sink"]),
                "electricity_kwh": rows["electricity_kwh"].sum()
                if electricity is None
                else electricity,
                "heat_design_kw": round(
                    rows["heat_design_kw"].sum() if heat_kw is None else heat_kw, 1
                ),
                "heat_connection_kw": member.connection_kw
                or (heat_kw if member.consumers and heat_kw is not None else None),
                "heat_kwh": round(heat_kwh),
                "buildings": max(len(rows), 1),
                "worst_trafo_resistance_ohm": rows["trafo_resistance_ohm"].max(),
                "why": member.why,
            }
        )
    return pd.DataFrame(records)


def _joined(values: object) -> str:
    return " ".join(str(v) for v in values)  # type: ignore[attr-defined]


def member_of(buildings: pd.DataFrame) -> pd.Series:
    """Return the participant's name by row, empty for background customers."""
    owner = pd.Series("", index=buildings.index)
    for member in MEMBERS:
        rows = rows_of(member, buildings)
        taken = owner.loc[rows][owner.loc[rows] != ""]
        if len(taken):
            raise ValueError(f"{member.name}: rows {list(taken.index)} belong to others already")
        owner.loc[rows] = member.name
    return owner
