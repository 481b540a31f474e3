"""Exact slopes of verified states: the adjoint of the mesh equations, one small system per step.

The state is rebuilt from the flows of the verified one, whichever engine found it, so that slopes
belong to the very solution that was checked. Trees are meshes without loops here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosim.grids.heat.demand import Demand
from cosim.grids.heat.forest import Fluid
from cosim.grids.heat.mesh.arrays import Mesh, State
from cosim.grids.heat.mesh.loops import lift_of
from cosim.grids.heat.mesh.slopes import Slopes, new_state, slopes_of, steepness
from cosim.grids.heat.net import HeatNet
from cosim.records import GridStates, Target
from cosim.records.time import FloatArray
from cosim.units import PA_PER_BAR, W_PER_KW

PLANT_BALANCE = frozenset({"heat_kw", "heat_beside_feed_in_kw"})
"""Columns of the plant that follow from the balance where it is the only producer."""
KNOWN = {
    "junction": frozenset({"p_bar", "t_k"}),
    "pipe": frozenset({"speed_m_per_s", "v_mean_m_per_s"}),
    "heat_consumer": frozenset({"dp_bar", "supply_temperature_c"}),
    "circ_pump_pressure": PLANT_BALANCE | {"pump_kw", "return_temperature_c"},
}
"""Quantities that have exact slopes."""


def knows(net: HeatNet, targets: Sequence[Target]) -> bool:
    """Return whether everything that is asked for has exact slopes."""
    known = all(t.quantity in KNOWN.get(t.element, frozenset()) for t in targets)
    return known and net.mesh.mesh is not None


@dataclass(frozen=True, slots=True)
class Exact:
    """Slopes over the terminals' power, NaN where a step has none.

    Attributes:
        target: shape (targets, n).
        loss: kW per kW, shape (T, n).
        auxiliary: kW per kW, shape (T, n).
    """

    target: FloatArray
    loss: FloatArray
    auxiliary: FloatArray


def exact_slopes(
    net: HeatNet,
    share: FloatArray,
    demand: Demand,
    states: GridStates,
    targets: Sequence[Target],
    pump_efficiency: float,
) -> Exact:
    """Return slopes of targets, losses and pump power at every step that has a state.

    Args:
        net: the network, with mesh arrays.
        share: part of each terminal's heat that each consumer has, shape (n, c).
        demand: what consumers are asked to do.
        states: verified.
        targets: at steps of the states.
        pump_efficiency: hydraulic over electric power.
    """
    some = net.mesh.consumers
    flow = states.get("heat_consumer", "mdot_from_kg_per_s").values[:, some]
    p_bar = states.get("junction", "p_bar").values
    chords = [states.get(table, "mdot_from_kg_per_s").values[:, k] for table, k in net.mesh.chords]
    x = np.stack(chords, axis=1) if chords else np.zeros((len(flow), 0))
    own_share = share[:, some]
    wanted: dict[int, list[int]] = {}
    for m, target in enumerate(targets):
        wanted.setdefault(target.step, []).append(m)
    n = len(share)
    found = Exact(
        np.full((len(targets), n), np.nan), np.full((len(flow), n), np.nan),
        np.full((len(flow), n), np.nan),
    )  # fmt: skip
    for row, step in enumerate(states.injections.steps.tolist()):
        if not (np.isfinite(flow[row]).all() and np.isfinite(states.loss_kw[row])):
            continue
        places = wanted.get(int(step), [])
        t_out = np.ascontiguousarray(demand.t_out_k[row, some])
        one = _Step.at(net, flow[row], x[row], t_out, p_bar[row], pump_efficiency)
        rows = [one.plant(), one.auxiliary(), *(one.target(targets[m]) for m in places)]
        try:
            solved = np.linalg.solve(one.slopes.jacobian.T, np.stack(rows, axis=1))
        except np.linalg.LinAlgError:
            continue
        # q falls by 1000 W (times the sense) where a terminal feeds in 1 kW more
        per_kw = -net.sense * W_PER_KW * solved[: len(some)].T @ own_share.T
        found.loss[row] = per_kw[0] + own_share.sum(axis=1)
        found.auxiliary[row] = per_kw[1]
        found.target[places] = per_kw[2:]
    return found


@dataclass(frozen=True, slots=True)
class _Step:
    """One step: its state, derivatives of everything over y, and rows for what is asked for.

    `p_bar` holds the pressure of every node that is a junction.
    """

    net: HeatNet
    mesh: Mesh
    fluid: Fluid
    state: State
    slopes: Slopes
    p_bar: FloatArray
    per_bar: float

    @classmethod
    def at(
        cls,
        net: HeatNet,
        m: FloatArray,
        x: FloatArray,
        t_out_k: FloatArray,
        p_bar: FloatArray,
        pump_efficiency: float,
    ) -> _Step:
        mesh, fluid = net.mesh.mesh, net.mesh.fluid
        assert mesh is not None
        assert fluid is not None
        flows = (np.ascontiguousarray(m), np.ascontiguousarray(x))
        state, order, circling = new_state(mesh, fluid, net.plant, *flows, t_out_k)
        slopes = slopes_of(mesh, fluid, net.plant, state, order, circling)
        at_nodes = np.full(len(mesh.order), np.nan)
        at_nodes[net.mesh.inner[net.mesh.reached]] = p_bar[net.mesh.reached]
        per_bar = PA_PER_BAR / pump_efficiency / W_PER_KW
        return cls(net, mesh, fluid, state, slopes, at_nodes, per_bar)

    def plant(self) -> FloatArray:
        """Heat (cold) of all producers, kW."""
        edges = np.flatnonzero(~np.isnan(self.mesh.hot_k))
        total = np.zeros(len(self.slopes.jacobian))
        for e in edges:
            total += self._heat(int(e))
        return total

    def _heat(self, e: int) -> FloatArray:
        flow, fluid = self.state.f[e], self.fluid
        inlet = int(self.mesh.end[e] if flow < 0.0 else self.mesh.start[e])
        warm, cold = self.state.t_end[e], self.state.t[inlet]
        cp = 0.5 * (self.state.cp_end[e] + self.state.cp[inlet])
        curve = 0.5 * steepness(cold, fluid.cp_x, fluid.cp_y)
        gained = abs(flow) * (curve * (warm - cold) - cp) * self.slopes.t[inlet]
        gained += np.copysign(1.0, flow) * cp * (warm - cold) * self.slopes.f[e]
        return np.asarray(self.net.sense / W_PER_KW * gained)

    def auxiliary(self) -> FloatArray:
        """Electricity of all pumps, kW."""
        total = np.zeros(len(self.slopes.jacobian))
        for e in np.flatnonzero(~np.isnan(self.mesh.hot_k)):
            total += self._pump(int(e))
        for e in np.flatnonzero(self.mesh.curve >= 0):
            total += self._booster(int(e))
        for c in np.flatnonzero(self.state.m < 0.0):
            total += self._feeder(int(c))
        return total

    def _pump(self, e: int) -> FloatArray:
        """Flow times the pressure between return and flow junction; nothing backwards."""
        flow, a, b = self.state.f[e], int(self.mesh.start[e]), int(self.mesh.end[e])
        rise, by_rise = self._rise(a, b)
        if flow <= 0.0 or (e >= self.mesh.n_law and rise <= 0.0):
            return np.zeros_like(by_rise)
        rho, thinner = self._mean_density(self.state.t_end[e], a)
        power = rise * (self.slopes.f[e] / rho - flow / rho**2 * thinner) + flow / rho * by_rise
        return np.asarray(self.per_bar * power)

    def _booster(self, e: int) -> FloatArray:
        flow, a = self.state.f[e], int(self.mesh.start[e])
        lift, slope = lift_of(self.mesh, e, flow)
        rho, thinner = self._density(a)
        if flow <= 0.0:
            return np.zeros_like(thinner)
        power = (slope * flow + lift) / rho * self.slopes.f[e] - lift * flow / rho**2 * thinner
        return np.asarray(self.per_bar * power)

    def _feeder(self, c: int) -> FloatArray:
        """Flow of a consumer that feeds in times the pressure that it has to overcome."""
        supply, back = int(self.mesh.supply[c]), int(self.mesh.back[c])
        rise, by_rise = self._rise(back, supply)
        if rise <= 0.0:
            return np.zeros_like(by_rise)
        flow = -self.state.m[c]
        rho, thinner = self._mean_density(self.state.t_out[c], back)
        power = flow / rho * by_rise - rise * flow / rho**2 * thinner
        power[c] -= rise / rho
        return np.asarray(self.per_bar * power)

    def _rise(self, a: int, b: int) -> tuple[float, FloatArray]:
        """Pressure from one node to another, bar, with its row."""
        return float(self.p_bar[b] - self.p_bar[a]), self.slopes.p[b] - self.slopes.p[a]

    def _density(self, node: int) -> tuple[float, FloatArray]:
        """Density at a node, kg/m3, with its row."""
        t_k, fluid = float(self.state.t[node]), self.fluid
        value = float(np.interp(t_k, fluid.rho_x, fluid.rho_y))
        return value, steepness(t_k, fluid.rho_x, fluid.rho_y) * self.slopes.t[node]

    def _mean_density(self, given_k: float, node: int) -> tuple[float, FloatArray]:
        """Mean density of a given temperature and a node's, with its row."""
        other = float(np.interp(given_k, self.fluid.rho_x, self.fluid.rho_y))
        value, row = self._density(node)
        return (value + other) / 2.0, row / 2.0

    def target(self, target: Target) -> FloatArray:
        """Return the row of one quantity."""
        place = int(np.flatnonzero(self.net.ids(target.element) == target.id)[0])
        inner, slopes = self.net.mesh.inner, self.slopes
        if target.element == "junction":
            node = int(inner[place])
            return np.asarray(slopes.p[node] if target.quantity == "p_bar" else slopes.t[node])
        if target.element == "heat_consumer":
            a, b = (int(inner[junction]) for junction in self.net.consumer_ends[:, place])
            drop = slopes.p[a] - slopes.p[b]
            return np.asarray(drop if target.quantity == "dp_bar" else slopes.t[a])
        if target.element == "pipe":
            return self._speed(place, target.quantity == "speed_m_per_s")
        e = int(self.net.mesh.edges["circ_pump_pressure"][place])
        if target.quantity == "pump_kw":
            return self._pump(e)
        if target.quantity == "return_temperature_c":
            return np.asarray(slopes.t[int(self.mesh.start[e])])
        return self._heat(e)

    def _speed(self, pipe: int, amount: bool) -> FloatArray:
        """Mean velocity over the sections of a pipe, m/s, or its amount."""
        first, parts = int(self.net.mesh.edges["pipe"][pipe]), int(self.net.mesh.sections[pipe])
        total, mean = np.zeros(len(self.slopes.jacobian)), 0.0
        fluid, state = self.fluid, self.state
        for e in range(first, first + parts):
            area = np.pi * self.mesh.diameter_m[e] ** 2 / 4.0
            inlet = int(self.mesh.end[e] if state.f[e] < 0.0 else self.mesh.start[e])
            rho = float(state.rho[e])
            start = 0.5 * steepness(state.t[inlet], fluid.rho_x, fluid.rho_y)
            end = 0.5 * steepness(state.t_end[e], fluid.rho_x, fluid.rho_y)
            thinner = start * self.slopes.t[inlet] + end * self.slopes.t_end[e]
            total += (self.slopes.f[e] / rho - state.f[e] / rho**2 * thinner) / area / parts
            mean += float(state.f[e])
        return np.copysign(1.0, mean) * total if amount else total
