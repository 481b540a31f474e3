"""Read a pandapipes gas network into plain arrays: everything the batch equations need.

The equation of a pipe is pandapipes' own, for fixed temperatures (hydraulic mode):
`p_i - p_j + rho g (h_i - h_j) = c Z(p_m) f m|m| / (p_i + p_j)` with absolute pressures in bar,
`f = lambda L/D + zeta`, `p_m = 2/3 (p_i^3 - p_j^3)/(p_i^2 - p_j^2)` and the mean density of both
ends. A compressor multiplies p_i by its pressure ratio where gas flows forward; behind a pressure
control p_j is given. Everything that does not depend on flow or pressure is folded into arrays
here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from cosim.grids.gas.coverage import in_service
from cosim.grids.gas.sections import Sections, branch_columns
from cosim.grids.imports import engine
from cosim.records.time import FloatArray, IntArray, read_only
from cosim.units import G_PER_KG


@dataclass(frozen=True, slots=True)
class Branches:
    """Pipe sections, open valves, compressors and pressure controls in service, length n.

    Attributes:
        from_node: start node, position in the node arrays.
        to_node: end node.
        diameter_m: inner diameter.
        length_m: zero for everything but pipes.
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
        ratio: absolute pressure behind over before a compressor, 1 for everything else.
        target_bar: absolute pressure that a control keeps at its end, NaN for everything else.
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
    ratio: FloatArray
    target_bar: FloatArray

    def rows(self, chosen: np.ndarray) -> Branches:
        """Return some of the branches."""
        return Branches(*(getattr(self, f.name)[chosen] for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Devices:
    """Compressors, pressure controls and flow controls in service.

    Attributes:
        compressor_ids: table index, shape (c,).
        compressor_branch: shape (c,).
        exponent: (k - 1)/k of the gas at the inlet temperature of each, shape (c,).
        work_j_per_kg: Z-free factor k/(k - 1) R T / M of each, shape (c,).
        control_ids: pressure controls, shape (p,).
        control_branch: shape (p,).
        flow_from: node that a flow control takes from, shape (f,).
        flow_to: node that it delivers to, shape (f,).
        flow_kg_per_s: shape (f,).
    """

    compressor_ids: IntArray
    compressor_branch: IntArray
    exponent: FloatArray
    work_j_per_kg: FloatArray
    control_ids: IntArray
    control_branch: IntArray
    flow_from: IntArray
    flow_to: IntArray
    flow_kg_per_s: FloatArray


@dataclass(frozen=True, slots=True)
class GasArrays:
    """A gas network as arrays; node k < number of junctions is junction k of the table.

    Attributes:
        junction_ids: index of the junction table, shape (j,).
        ambient_bar: air pressure at every node (pandapipes' barometric formula), shape (n,).
        active: node in service, shape (n,).
        branches: sections of pipes in service first, then open valves, compressors, controls.
        devices: what is special about some of them.
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
    devices: Devices
    pipe_ids: IntArray
    pipe_first: IntArray
    pipe_sections: IntArray
    ext_ids: IntArray
    ext_nodes: IntArray
    ext_p_bar: FloatArray
    z0: float
    z1: float
    friction_model: str


def read_arrays(net: Any, friction_model: str) -> GasArrays:
    """Return the arrays of a network that `coverage.unsupported` has nothing against.

    Args:
        net: pandapipes network with a gas.
        friction_model: friction law of the scenario.
    """
    sections = Sections(net)
    grids = in_service(net, "ext_grid")
    z0, z1 = _compressibility(net)
    branches = _branches(net, sections)
    return GasArrays(
        junction_ids=read_only(net.junction.index, np.int64),
        ambient_bar=read_only(sections.ambient_bar),
        active=read_only(sections.active, bool),
        branches=branches,
        devices=_devices(net, sections, branches),
        pipe_ids=read_only(net.pipe.index, np.int64),
        pipe_first=read_only(sections.pipe_first, np.int64),
        pipe_sections=read_only(sections.count, np.int64),
        ext_ids=read_only(grids.index, np.int64),
        ext_nodes=read_only(sections.at(grids["junction"]), np.int64),
        ext_p_bar=read_only(grids["p_bar"]),
        z0=z0,
        z1=z1,
        friction_model=friction_model,
    )


def _compressibility(net: Any) -> tuple[float, float]:
    z0, z1 = (float(np.ravel(net.fluid.get_compressibility(np.array([p])))[0]) for p in (0.0, 1.0))
    return z0, z1 - z0


def _branches(net: Any, sections: Sections) -> Branches:
    """Return the constants of every pipe section, shape (sections,) each."""
    constants = engine("pandapipes.constants")
    columns = branch_columns(net, sections)
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
        ratio=read_only(columns["ratio"]),
        target_bar=read_only(columns["target_bar"]),
    )


def _devices(net: Any, sections: Sections, branches: Branches) -> Devices:
    compressors, controls = in_service(net, "compressor"), in_service(net, "press_control")
    control_branch = np.flatnonzero(np.isfinite(branches.target_bar))
    first = branches.from_node.size - _tail(net)
    compressor_branch = first + np.arange(len(compressors))
    exponent, work = _compression(net, sections.kelvin[branches.from_node[compressor_branch]])
    flow = in_service(net, "flow_control")
    flow = flow[flow["control_active"].astype(bool)] if len(flow) else flow
    start, end = (
        sections.at(flow[c] if len(flow) else []) for c in ("from_junction", "to_junction")
    )
    return Devices(
        compressor_ids=read_only(compressors.index, np.int64),
        compressor_branch=read_only(compressor_branch, np.int64),
        exponent=read_only(exponent),
        work_j_per_kg=read_only(work),
        control_ids=read_only(controls.index, np.int64),
        control_branch=read_only(control_branch, np.int64),
        flow_from=read_only(start, np.int64),
        flow_to=read_only(end, np.int64),
        flow_kg_per_s=read_only(flow["controlled_mdot_kg_per_s"] if len(flow) else []),
    )


def _tail(net: Any) -> int:
    """Return how many branches follow the valves."""
    flow = in_service(net, "flow_control")
    passing = int((~flow["control_active"].astype(bool)).sum()) if len(flow) else 0
    return len(in_service(net, "compressor")) + len(in_service(net, "press_control")) + passing


def _compression(net: Any, inlet_k: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (k - 1)/k and k/(k - 1) R T/M in J/kg; NaN for a gas without a molar mass.

    Isentropic compression as pandapipes computes `compr_power_mw`, with k = cp/(cp - R/M).
    """
    if not inlet_k.size or "molar_mass" not in net.fluid.all_properties:
        return np.full(inlet_k.size, np.nan), np.full(inlet_k.size, np.nan)
    constants = engine("pandapipes.constants")
    molar_mass = float(np.ravel(net.fluid.get_molar_mass())[0])
    specific = G_PER_KG * constants.R_UNIVERSAL / molar_mass
    capacity = np.asarray(net.fluid.get_heat_capacity(inlet_k), dtype=np.float64)
    share = specific / capacity
    return share, specific * inlet_k / share
