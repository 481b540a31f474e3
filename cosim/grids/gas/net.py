"""Read a pandapipes gas network into plain arrays: everything the batch equations need.

The equation of a pipe is pandapipes' own, for fixed temperatures (hydraulic mode):
`p_i - p_j + rho g (h_i - h_j) = c Z(p_m) f m|m| / (p_i + p_j)` with absolute pressures in bar,
`f = lambda L/D + zeta`, `p_m = 2/3 (p_i^3 - p_j^3)/(p_i^2 - p_j^2)` and the mean density of both
ends. Everything that does not depend on flow or pressure is folded into arrays here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cosim.grids.imports import engine
from cosim.records.time import FloatArray, IntArray, read_only
from cosim.units import M_PER_KM, MM_PER_M

UNSUPPORTED = (
    "compressor",
    "pump",
    "press_control",
    "flow_control",
    "mass_storage",
    "heat_exchanger",
    "heat_consumer",
    "circ_pump_mass",
    "circ_pump_pressure",
)


@dataclass(frozen=True, slots=True)
class Branches:
    """Pipe sections and open valves in service, length n.

    Attributes:
        from_node: start node, position in the node arrays.
        to_node: end node.
        diameter_m: inner diameter.
        length_m: zero for valves.
        roughness_m: wall roughness.
        loss_coefficient: lumped losses zeta.
        area_m2: cross section.
        viscosity_pa_s: dynamic viscosity at the branch's mean temperature.
        drag: c of the pipe equation, bar^2 s^2/kg^2.
        density_from: density over (pressure / Z) at the start, kg/m3/bar.
        density_to: the same at the end.
        lift: g (h_from - h_to) in bar per kg/m3.
        speed_from: velocity times pressure over (mass flow times Z) at the start, m bar/kg.
        speed_to: the same at the end.
        speed_mean: the same at the mean temperature.
    """

    from_node: IntArray
    to_node: IntArray
    diameter_m: FloatArray
    length_m: FloatArray
    roughness_m: FloatArray
    loss_coefficient: FloatArray
    area_m2: FloatArray
    viscosity_pa_s: FloatArray
    drag: FloatArray
    density_from: FloatArray
    density_to: FloatArray
    lift: FloatArray
    speed_from: FloatArray
    speed_to: FloatArray
    speed_mean: FloatArray


@dataclass(frozen=True, slots=True)
class GasArrays:
    """A gas network as arrays; node k < number of junctions is junction k of the table.

    Attributes:
        junction_ids: index of the junction table, shape (j,).
        ambient_bar: air pressure at every node (pandapipes' barometric formula), shape (n,).
        active: node in service, shape (n,).
        branches: sections of pipes in service first, then open valves.
        pipe_ids: index of the whole pipe table, shape (p,).
        pipe_first: first branch of the pipe, -1 where it is out of service, shape (p,).
        pipe_sections: number of its branches, shape (p,).
        ext_ids: index of the external grids in service, shape (e,).
        ext_nodes: node of each, shape (e,).
        ext_p_bar: gauge pressure of each, shape (e,).
        z0: compressibility at zero pressure.
        z1: change of compressibility per bar of absolute pressure.
        friction_model: name of the friction law.
    """

    junction_ids: IntArray
    ambient_bar: FloatArray
    active: np.ndarray
    branches: Branches
    pipe_ids: IntArray
    pipe_first: IntArray
    pipe_sections: IntArray
    ext_ids: IntArray
    ext_nodes: IntArray
    ext_p_bar: FloatArray
    z0: float
    z1: float
    friction_model: str


def unsupported(net: Any) -> tuple[str, ...]:
    """Return why the batch equations do not cover this network, nothing if they do."""
    reasons = []
    for table in UNSUPPORTED:
        if table not in net or not len(net[table]):
            continue
        rows = net[table]
        if "in_service" not in rows or rows["in_service"].any():
            reasons.append(f"{len(rows)} {table}")
    if "valve" in net and len(net.valve) and (net.valve["et"] != "ju").any():
        reasons.append("valves inside pipes")
    properties = net.fluid.all_properties
    if type(properties["compressibility"]).__name__ not in (
        "FluidPropertyLinear",
        "FluidPropertyConstant",
    ):
        reasons.append("a compressibility that is not linear in pressure")
    if getattr(properties["viscosity"], "allow_2d", False):
        reasons.append("a viscosity that depends on pressure")
    service = net.junction["in_service"]
    pipes = net.pipe[net.pipe["in_service"]]
    ends = service.loc[pipes["from_junction"]].to_numpy() & (
        service.loc[pipes["to_junction"]].to_numpy()
    )
    if not ends.all():
        reasons.append("pipes in service at junctions out of service")
    if not net.ext_grid["type"].isin(["p", "pt"]).all():
        reasons.append("external grids without pressure")
    return tuple(reasons)


def read_arrays(net: Any, friction_model: str) -> GasArrays:
    """Return the arrays of a network that `unsupported` has nothing against.

    Args:
        net: pandapipes network with a gas.
        friction_model: friction law of the scenario.
    """
    sections = _Sections(net)
    nodes = sections.heights_m.size
    active = np.ones(nodes, dtype=bool)
    active[: len(net.junction)] = net.junction["in_service"].to_numpy(dtype=bool)
    grids = net.ext_grid[net.ext_grid["in_service"]]
    z0, z1 = _compressibility(net)
    return GasArrays(
        junction_ids=read_only(net.junction.index, np.int64),
        ambient_bar=read_only(sections.ambient_bar),
        active=read_only(active, bool),
        branches=_branches(net, sections),
        pipe_ids=read_only(net.pipe.index, np.int64),
        pipe_first=read_only(sections.pipe_first, np.int64),
        pipe_sections=read_only(sections.count, np.int64),
        ext_ids=read_only(grids.index, np.int64),
        ext_nodes=read_only(sections.position[grids["junction"].to_numpy()], np.int64),
        ext_p_bar=read_only(grids["p_bar"]),
        z0=z0,
        z1=z1,
        friction_model=friction_model,
    )


class _Sections:
    """Nodes and branches after cutting pipes into their sections."""

    def __init__(self, net: Any) -> None:
        toolbox = engine("pandapipes.component_models.component_toolbox")
        junction = net.junction
        self.position = np.full(int(junction.index.max()) + 1, -1, dtype=np.int64)
        self.position[junction.index.to_numpy()] = np.arange(len(junction))
        heights = [junction["height_m"].to_numpy(dtype=float)]
        kelvin = [_temperatures(net)]
        pipe = net.pipe
        self.count = pipe["sections"].to_numpy(dtype=np.int64)
        start = self.position[pipe["from_junction"].to_numpy(dtype=np.int64)]
        end = self.position[pipe["to_junction"].to_numpy(dtype=np.int64)]
        used = pipe["in_service"].to_numpy(dtype=bool)
        self.pipe_first = np.full(len(pipe), -1, dtype=np.int64)
        self.from_node: list[int] = []
        self.to_node: list[int] = []
        self.pipe_row: list[int] = []
        node = len(junction)
        table_kelvin = junction["tfluid_k"].to_numpy(dtype=float)
        for k in np.flatnonzero(used):
            inner = int(self.count[k]) - 1
            chain = [int(start[k]), *range(node, node + inner), int(end[k])]
            self.pipe_first[k] = len(self.from_node)
            self.from_node += chain[:-1]
            self.to_node += chain[1:]
            self.pipe_row += [int(k)] * (inner + 1)
            share = np.arange(1, inner + 1) / (inner + 1)
            for values, parts in ((heights[0], heights), (table_kelvin, kelvin)):
                parts.append(values[start[k]] + share * (values[end[k]] - values[start[k]]))
            node += inner
        self.heights_m = np.concatenate(heights)
        self.kelvin = np.concatenate(kelvin)
        self.outlet_kelvin = table_kelvin
        self.ambient_bar = toolbox.p_correction_height_air(self.heights_m)


def _temperatures(net: Any) -> FloatArray:
    """Return junction temperatures in K; an external grid of type pt sets that of its own."""
    kelvin = net.junction["tfluid_k"].astype(float).copy()
    grids = net.ext_grid[net.ext_grid["in_service"] & net.ext_grid["type"].isin(["t", "pt"])]
    for junction, rows in grids.groupby("junction"):
        kelvin.loc[junction] = rows["t_k"].mean()
    return np.asarray(kelvin, dtype=np.float64)


def _compressibility(net: Any) -> tuple[float, float]:
    z0, z1 = (float(np.ravel(net.fluid.get_compressibility(np.array([p])))[0]) for p in (0.0, 1.0))
    return z0, z1 - z0


def _branches(net: Any, sections: _Sections) -> Branches:
    constants = engine("pandapipes.constants")
    columns = _branch_columns(net, sections)
    start, end = columns["from_node"].astype(np.int64), columns["to_node"].astype(np.int64)
    diameter = columns["diameter_m"]
    area = np.pi * diameter**2 / 4.0
    t_from, t_to = sections.kelvin[start], columns["outlet_k"]
    t_mean = (t_from + t_to) / 2.0
    normal_density = float(np.ravel(net.fluid.get_density(constants.NORMAL_TEMPERATURE))[0])
    normal = constants.NORMAL_PRESSURE / constants.NORMAL_TEMPERATURE / normal_density
    fall = sections.heights_m[start] - sections.heights_m[end]
    viscosity = np.broadcast_to(net.fluid.get_viscosity(t_mean), t_mean.shape)
    return Branches(
        from_node=read_only(start, np.int64),
        to_node=read_only(end, np.int64),
        diameter_m=read_only(diameter),
        length_m=read_only(columns["length_m"]),
        roughness_m=read_only(columns["roughness_m"]),
        loss_coefficient=read_only(columns["loss_coefficient"]),
        area_m2=read_only(area),
        viscosity_pa_s=read_only(viscosity),
        drag=read_only(normal * t_mean / constants.P_CONVERSION / area**2),
        density_from=read_only(1.0 / (normal * t_from)),
        density_to=read_only(1.0 / (normal * t_to)),
        lift=read_only(constants.GRAVITATION_CONSTANT * fall / constants.P_CONVERSION),
        speed_from=read_only(normal * t_from / area),
        speed_to=read_only(normal * t_to / area),
        speed_mean=read_only(normal * t_mean / area),
    )


def _branch_columns(net: Any, sections: _Sections) -> dict[str, FloatArray]:
    """Return pipe sections, then open valves (length 0, pandapipes' roughness of 1 mm)."""
    row = np.asarray(sections.pipe_row, dtype=np.int64)
    pipe = net.pipe
    count = sections.count[row]
    to_junction = sections.position[pipe["to_junction"].to_numpy(dtype=np.int64)]
    columns = {
        "from_node": np.asarray(sections.from_node, dtype=float),
        "to_node": np.asarray(sections.to_node, dtype=float),
        "diameter_m": pipe["inner_diameter_mm"].to_numpy(dtype=float)[row] / MM_PER_M,
        "length_m": pipe["length_km"].to_numpy(dtype=float)[row] * M_PER_KM / count,
        "roughness_m": pipe["k_mm"].to_numpy(dtype=float)[row] / MM_PER_M,
        "loss_coefficient": pipe["loss_coefficient"].to_numpy(dtype=float)[row],
        "outlet_k": sections.outlet_kelvin[to_junction[row]],
    }
    if "valve" not in net or not net.valve["opened"].any():
        return columns
    valve = net.valve[net.valve["opened"].astype(bool)]
    to_node = sections.position[valve["element"].to_numpy(dtype=np.int64)]
    extra = {
        "from_node": sections.position[valve["junction"].to_numpy(dtype=np.int64)].astype(float),
        "to_node": to_node.astype(float),
        "diameter_m": valve["inner_diameter_mm"].to_numpy(dtype=float) / MM_PER_M,
        "length_m": np.zeros(len(valve)),
        "roughness_m": np.full(len(valve), 1e-3),
        "loss_coefficient": valve["loss_coefficient"].to_numpy(dtype=float),
        "outlet_k": sections.outlet_kelvin[to_node],
    }
    return {name: np.concatenate([values, extra[name]]) for name, values in columns.items()}
