"""Hold the electric adapter against plain pandapower over steps of very different loading.

Nothing here uses cosim's kernels or its reading of a network: set-points are written into copies
of the file's own network, terminals are added as loads (the adapter adds sgens), and every result
column of the adapter is compared with pandapower's table of that name.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp

from cosim.grids import Engine
from cosim.grids.electric import ElectricGrid
from cosim.records import (
    Background,
    ElementSeries,
    GridStates,
    Injections,
    NetworkInputs,
    Point,
    Terminal,
    read_only,
)
from cosim.scenario.networks import BackgroundSettings, ElectricNetwork
from tests.support.electric import axis

KINDS = ("nominal", "near", "random", "no load", "reversed", "feed-in", "x 40")
TOLERANCE_MVA = 1e-8
POLISH_MVA = 1e-11
VOLTAGE_GATE_PU = 1e-7
ANGLE_GATE_DEGREE = 1e-5
RELATIVE_GATE = 1e-6
"""Loading over its value or 1 %, power and losses over all that is drawn and fed in."""
COLLAPSED_PU = 0.5
OTHER_SOLUTION_PU = 1e-2
"""Two solutions of one power flow are far apart; differences of accuracy are not."""
SIGNS = {"ext_grid": 1, "gen": 1, "sgen": 1, "load": -1, "storage": -1, "motor": -1}


@dataclass
class Outcome:
    """What a campaign on one network has found.

    Attributes:
        name: of the network.
        buses: how many.
        engine: what computed the steps.
        notes: of the adapter about its engine.
        steps: how many were compared.
        failed: of these, how many neither of the two solves.
        better: how many only the adapter solves, or at higher voltages; plain pandapower confirms
            these solutions from their voltages.
        worst: quantity -> largest difference.
        faults: gates that were missed.
    """

    name: str
    buses: int
    engine: str = ""
    notes: tuple[str, ...] = ()
    steps: int = 0
    failed: int = 0
    better: int = 0
    worst: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def see(self, quantity: str, difference: float, gate: float, where: str) -> None:
        """Keep the largest difference, and every gate that was missed."""
        self.worst[quantity] = max(self.worst.get(quantity, 0.0), difference)
        if not difference <= gate:
            self.faults.append(f"{where}: {quantity} off by {difference:.2e}, gate {gate:.1e}")


@dataclass(frozen=True)
class Steps:
    """Factors of every load and sgen, and terminal powers, row by row of KINDS."""

    load: np.ndarray
    sgen: np.ndarray
    p_kw: np.ndarray
    q_kvar: np.ndarray


def steps_of(net: Any, buses: list[int], seed: int = 1) -> Steps:
    """Draw the steps of a network; terminals move a few percent of what it draws."""
    rng = np.random.default_rng(seed)
    loads, sgens, count = len(net.load), len(net.sgen), len(buses)
    drawn = net.load["p_mw"].abs() * net.load["scaling"] * net.load["in_service"]
    share_kw = 1e3 * max(float(drawn.sum()), 0.02) * 0.02 / max(count, 1)
    rating_kw = net.bus["vn_kv"].loc[buses].map(_modest_kw).to_numpy(dtype=float)
    size_kw = np.minimum(share_kw, rating_kw)
    row = {
        "nominal": lambda: (np.ones(loads), np.ones(sgens), np.zeros(count)),
        "near": lambda: (
            rng.uniform(0.9, 1.08, loads),
            rng.uniform(0.8, 1.1, sgens),
            rng.normal(size=count),
        ),
        "random": lambda: (
            rng.uniform(0.5, 1.1, loads),
            rng.uniform(0.0, 1.1, sgens),
            rng.normal(size=count),
        ),
        "no load": lambda: (np.zeros(loads), np.zeros(sgens), np.zeros(count)),
        "reversed": lambda: (rng.uniform(-0.6, 0.0, loads), np.ones(sgens), np.ones(count)),
        "feed-in": lambda: (np.full(loads, 0.2), np.full(sgens, 1.5), np.full(count, 5.0)),
        "x 40": lambda: (np.full(loads, 40.0), np.zeros(sgens), -np.ones(count)),
    }
    drawn_rows = [row[kind]() for kind in KINDS]
    load, sgen, own = (
        np.array(part).reshape(len(KINDS), -1) for part in zip(*drawn_rows, strict=True)
    )
    return Steps(load, sgen, own * size_kw, 0.3 * own * size_kw)


def adapter(net: Any, steps: Steps, buses: list[int], folder: Path) -> ElectricGrid:
    """Return the adapter on a network whose loads and sgens are background, all else as it is."""
    file = folder / "electric.json"
    pp.to_json(net, str(file))
    series = []
    for table, sign, factor in (("load", -1e3, steps.load), ("sgen", 1e3, steps.sgen)):
        rows = net[table]
        used = rows["in_service"].to_numpy(dtype=bool)
        if used.any():
            scale = (rows["scaling"] * sign).to_numpy(dtype=float)[used]
            p, q = (rows[c].to_numpy(dtype=float)[used] * scale for c in ("p_mw", "q_mvar"))
            ids = read_only(rows.index[used], np.int64)
            kept = factor[:, used]
            series.append(ElementSeries(table, ids, read_only(kept * p), read_only(kept * q)))
    inputs = NetworkInputs(
        name="electric",
        kind="electric",
        file=file,
        time=axis(len(KINDS)),
        terminals=tuple(Terminal(f"t{bus}", (Point(bus, 1.0),)) for bus in buses),
        background=Background(tuple(series)),
        settings=ElectricNetwork(
            kind="electric", file=file.name, background=BackgroundSettings(unlisted="nominal")
        ),
    )
    return ElectricGrid(inputs)


def _modest_kw(vn_kv: float) -> float:
    """Return what one connection of a voltage level may well draw."""
    return 20.0 if vn_kv < 1.0 else 400.0 if vn_kv < 60.0 else 20e3


class PlainRun:
    """pandapower alone on a copy of the network."""

    def __init__(self, net: Any, steps: Steps, buses: list[int]) -> None:
        self.net = copy.deepcopy(net)
        options = dict(self.net.get("user_pf_options") or {})
        kept = ("trafo_model", "trafo3w_losses", "calculate_voltage_angles")
        self.net["user_pf_options"] = {}
        self._options = {k: options[k] for k in kept if k in options}
        self._steps = steps
        self._nominal = {
            t: self.net[t][["p_mw", "q_mvar"]].to_numpy(copy=True) for t in ("load", "sgen")
        }
        pp.create_loads(self.net, buses, p_mw=[0.0] * len(buses), q_mvar=[0.0] * len(buses))

    def solve(self, row: int, start: tuple[Any, Any] | None = None) -> bool:
        """Solve one step from pandapower's own start or from given voltages."""
        steps = self._steps
        own = np.column_stack([-steps.p_kw[row], -steps.q_kvar[row]]) / 1e3
        load = np.vstack([self._nominal["load"] * steps.load[row][:, None], own])
        if len(load):
            self.net.load["p_mw"], self.net.load["q_mvar"] = load.T
        if len(self.net.sgen):
            values = self._nominal["sgen"] * steps.sgen[row][:, None]
            self.net.sgen["p_mw"], self.net.sgen["q_mvar"] = values.T
        more: dict[str, Any] = {}
        if start is not None:
            more = {"init_vm_pu": start[0], "init_va_degree": start[1], "max_iteration": 30}
        try:
            pp.runpp(self.net, tolerance_mva=TOLERANCE_MVA, **self._options, **more)
        except pp.LoadflowNotConverged:
            return False
        self._polish()
        return True

    def _polish(self) -> None:
        """Go on from the solution to what double precision has to give; keep it if that fails.

        With 1e-8 MVA (10 mW) left open, currents of idle low-voltage lines are known to 1e-5 only.
        """
        kept = {k: v.copy() for k, v in self.net.items() if str(k).startswith("res_")}
        try:
            pp.runpp(self.net, tolerance_mva=POLISH_MVA, init="results", **self._options)
        except pp.LoadflowNotConverged:
            self.net.update(kept)


def loss_mw(net: Any) -> float:
    """What elements feed in less what they draw; wards draw only their constant power."""
    total = 0.0
    for table, sign in SIGNS.items():
        if len(net[table]):
            total += sign * float(np.nansum(net[f"res_{table}"]["p_mw"]))
    supplied = net.res_bus["vm_pu"].notna()
    for table in ("ward", "xward"):
        if len(net[table]):
            on = net[table]["in_service"] & supplied.loc[net[table]["bus"]].to_numpy()
            total -= float((net[table]["ps_mw"] * on).sum())
    return total


def throughput_mva(net: Any) -> float:
    """All that is drawn and fed in, at least 1 kVA."""
    total = 1e-3
    for table in ("load", "sgen", "gen", "ext_grid"):
        if len(net[table]):
            found = net[f"res_{table}"]
            total += float(np.nansum(np.hypot(found["p_mw"], found["q_mvar"])))
    return total


def injections_of(grid: ElectricGrid, steps: Steps) -> Injections:
    """Return the terminals' powers of all steps."""
    names = tuple(t.name for t in grid.inputs.terminals)
    rows = read_only(range(len(KINDS)), np.int64)
    return Injections("electric", rows, names, read_only(steps.p_kw), read_only(steps.q_kvar))


def scaled(net: Any, machines: float) -> Any:
    """Return a copy with generators and customers at a part of their power."""
    other = copy.deepcopy(net)
    for table in ("gen", "load", "sgen"):
        if len(other[table]):
            other[table]["p_mw"] *= machines
    return other


def run(name: str, net: Any, folder: Path, engine: Engine = "fast", terminals: int = 3) -> Outcome:
    """Compare one network over KINDS."""
    outcome = Outcome(name, len(net.bus))
    buses = _terminal_buses(net, terminals)
    steps = steps_of(net, buses)
    grid = adapter(net, steps, buses, folder)
    states = grid.verify(injections_of(grid, steps), engine)
    outcome.engine, outcome.notes = states.engine, states.notes
    plain = PlainRun(net, steps, buses)
    failed = {failure.step: failure for failure in states.failures}
    for row, kind in enumerate(KINDS):
        outcome.steps += 1
        where = f"{name} [{row} {kind}]"
        converged = plain.solve(row)
        physical = converged and float(plain.net.res_bus["vm_pu"].min()) >= COLLAPSED_PU
        if row in failed:
            outcome.failed += 1
            if physical:
                outcome.faults.append(f"{where}: only pandapower solves ({failed[row].reason})")
            continue
        if not physical or _lower_solution(plain.net, states, row):
            outcome.better += 1
            if not plain.solve(row, _voltages(states, plain.net, row)):
                outcome.faults.append(f"{where}: pandapower does not confirm the solution")
                continue
        compare(outcome, states, row, plain.net, where)
    return outcome


def _lower_solution(net: Any, states: GridStates, row: int) -> bool:
    """Tell whether pandapower has found a solution of lower voltage, as power flows have several.

    The one with high voltages is the one that a network is operated at.
    """
    column = states.get("bus", "vm_pu")
    found = net.res_bus["vm_pu"].loc[column.ids].to_numpy()
    ours = column.values[row]
    elsewhere = float(np.nanmax(np.abs(found - ours))) > OTHER_SOLUTION_PU
    return elsewhere and float(np.nanmin(ours)) > float(np.nanmin(found)) + OTHER_SOLUTION_PU


def compare(outcome: Outcome, states: GridStates, row: int, net: Any, where: str) -> None:
    """Compare every reported column of one step."""
    size = throughput_mva(net)
    for field_ in states.fields:
        table = net[f"res_{field_.element}"]
        expected = table[field_.quantity].loc[field_.ids].to_numpy(dtype=float)
        found = field_.values[row]
        known = np.isfinite(expected)
        if not (np.isfinite(found) == known).all():
            outcome.faults.append(f"{where}: {field_.element}.{field_.quantity} NaN elsewhere")
        if not known.any():
            continue
        off = np.abs(found - expected)[known]
        name, gate = f"{field_.element}.{field_.quantity}", RELATIVE_GATE
        if field_.quantity == "vm_pu":
            gate = VOLTAGE_GATE_PU
        elif field_.quantity == "va_degree":
            off, gate = np.minimum(off, np.abs(off - 360.0)), ANGLE_GATE_DEGREE
        elif field_.quantity in ("loading_percent", "i_ka"):
            least = 1.0 if field_.quantity == "loading_percent" else 1e-3
            off = off / np.maximum(np.abs(expected[known]), least)
        else:
            off = off / size
        outcome.see(name, float(off.max()), gate, where)
    losses = abs(states.loss_kw[row] / 1e3 - loss_mw(net)) / size
    outcome.see("losses", float(losses), RELATIVE_GATE, where)
    delivered = float(np.nansum(net.res_ext_grid["p_mw"]))
    if len(net.gen):
        slack = net.gen["slack"].to_numpy(dtype=bool)
        delivered += float(np.nansum(net.res_gen["p_mw"].to_numpy(dtype=float)[slack]))
    outcome.see(
        "slack power", abs(states.slack_kw[row] / 1e3 - delivered) / size, RELATIVE_GATE, where
    )
    for table in ("line", "trafo", "trafo3w"):
        if len(net[table]):
            used = net[table].index[net[f"res_{table}"]["loading_percent"].to_numpy() > 0.0]
            if set(used) - set(states.get(table, "loading_percent").ids.tolist()):
                outcome.faults.append(f"{where}: {table} with a current are missing")
    supplied = set(net.res_bus.index[net.res_bus["vm_pu"].notna()])
    if supplied - set(states.get("bus", "vm_pu").ids.tolist()):
        outcome.faults.append(f"{where}: buses with a voltage are missing")


def _terminal_buses(net: Any, count: int) -> list[int]:
    """Return supplied buses spread over the network."""
    probe = copy.deepcopy(net)
    pp.runpp(probe, tolerance_mva=TOLERANCE_MVA)
    alive = probe.res_bus.index[probe.res_bus["vm_pu"].notna()]
    # pandapower averages the shares over the loads of a bus, a terminal would change the average
    follows = probe.load.filter(like="const_").ne(0.0).any(axis=1)
    alive = alive.difference(probe.load["bus"][follows]).to_numpy()
    picked = np.unique(np.linspace(1, len(alive) - 1, count + 1, dtype=int)[1:])
    return [int(alive[k]) for k in picked]


def _voltages(states: GridStates, net: Any, row: int) -> tuple[Any, Any]:
    size, angle = (states.get("bus", q) for q in ("vm_pu", "va_degree"))
    start = [np.full(len(net.bus), fill) for fill in (1.0, 0.0)]
    place = net.bus.index.get_indexer(size.ids)
    start[0][place], start[1][place] = size.values[row], angle.values[row]
    return start[0], start[1]


def converging(networks: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the networks that pandapower solves as they are."""
    for name, make in networks.items():
        net = make()
        try:
            pp.runpp(net, tolerance_mva=TOLERANCE_MVA)
        except pp.LoadflowNotConverged:
            continue
        yield name, net
