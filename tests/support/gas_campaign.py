"""Hold the gas adapter against plain pandapipes over steps of very different loading.

Nothing here uses cosim's equations or its reading of a network: set-points are written into copies
of the file's own network, and every result column of the adapter is compared with pandapipes' table
of that name. Plain pandapipes runs with its own friction laws and its equations closed to 1e-10 bar
where it can.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cosim.grids import Engine
from cosim.grids.gas import GasGrid
from cosim.grids.gas.columns import DERIVED
from cosim.records import ElementSeries, GridStates, read_only
from tests.support.gas import KW, at, build, inject, plain

KINDS = ("nominal", "random", "random", "low", "no load", "reversed", "x 1.6")
MODELS = ("nikuradse", "colebrook", "swamee-jain")
GATES = {
    "p_bar": 1e-5,
    "p_from_bar": 1e-5,
    "p_to_bar": 1e-5,
    "mdot_from_kg_per_s": 1e-5,
    "mdot_kg_per_s": 1e-5,
    "v_from_m_per_s": 1e-4,
    "v_to_m_per_s": 1e-4,
    "v_mean_m_per_s": 1e-4,
}
"""Largest difference that passes; flows also pass within 1e-6 of the largest flow."""
RELATIVE = 1e-6
SLOW_REYNOLDS = 30.0
"""Below this the Swamee-Jain formula has a pole (Re = 7) and no monotone drop (Re < 19): several
flow patterns of nearly the same pressure close a loop, and which one a solver finds is chance.
Flows are compared within what such a pipe carries either way at this number."""
TOLERANCES = (1e-10, 1e-9, 1e-7, 1e-5)
"""Of pandapipes, bar and kg/s, the first that it reaches; the last is its default."""
COLEBROOK = 2e-5
"""pandapipes ends its iteration of the Colebrook factor at a step of 1e-4 (`tolerance_colebrook`
does not reach its solver in 0.16.0), about 1e-5 short of the solution; pressures then differ by
this part of the largest drop. The factor itself is tested against a bracketing root finder."""


@dataclass
class Outcome:
    """What a campaign on one network has found.

    Attributes:
        name: of the network.
        model: friction law.
        junctions: how many.
        engine: what computed the steps.
        notes: of the adapter about its engine.
        compared: steps that both solve.
        open: steps that neither solves, or that only exist with negative pressure.
        worst: quantity -> largest difference.
        faults: gates that were missed.
    """

    name: str
    model: str
    junctions: int
    engine: str = ""
    notes: tuple[str, ...] = ()
    compared: int = 0
    open: int = 0
    worst: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def factors(count: int, seed: int = 1) -> np.ndarray:
    """Return the factor on every customer, row by row of KINDS."""
    rng = np.random.default_rng(seed)
    rows = {
        "nominal": lambda: np.ones(count),
        "random": lambda: rng.uniform(0.2, 1.3, count),
        "low": lambda: rng.uniform(0.01, 0.08, count),
        "no load": lambda: np.zeros(count),
        "reversed": lambda: rng.uniform(-0.5, 1.0, count),
        "x 1.6": lambda: np.full(count, 1.6),
    }
    return np.array([rows[kind]() for kind in KINDS]).reshape(len(KINDS), count)


def adapter(net: Any, rows: np.ndarray, model: str, folder: Path) -> tuple[GasGrid, int]:
    """Return the adapter with every sink driven, and the junction of its one terminal."""
    used = net.sink[net.sink["in_service"]]
    nominal = (used["mdot_kg_per_s"] * used["scaling"]).to_numpy(dtype=float)
    values = read_only(-KW * rows * nominal)
    series = ElementSeries("sink", read_only(used.index, np.int64), values, read_only(0.0 * values))
    junction = int(used["junction"].iloc[-1])
    grid = build(net, folder, [at("mill", junction)], steps=len(rows), series=[series], model=model)
    return grid, junction


def run(
    name: str, net: Any, model: str, folder: Path, engine: Engine = "fast", kinds: int = len(KINDS)
) -> Outcome:
    """Compare one network with one friction law over the first few KINDS."""
    outcome = Outcome(name, model, len(net.junction))
    rows = factors(int(net.sink["in_service"].sum()))[:kinds]
    grid, junction = adapter(net, rows, model, folder)
    drawn = (net.sink["mdot_kg_per_s"] * net.sink["scaling"])[net.sink["in_service"]]
    own = 0.05 * float(drawn.sum()) * np.linspace(1.0, -1.0, len(rows))
    states = grid.verify(inject(grid, -KW * own[:, None]), engine)
    outcome.engine, outcome.notes = states.engine, states.notes
    nets = _Plain(net, model, junction)
    failed = {failure.step: failure for failure in states.failures}
    for row in range(len(rows)):
        solved = nets.solve(rows[row], float(own[row]))
        failure = failed.get(row)
        if failure is not None and not failure.converged:
            outcome.open += 1
            if solved and not nets.below_vacuum():
                outcome.faults.append(f"{KINDS[row]}: only pandapipes solves ({failure.reason})")
            continue
        if not solved:
            outcome.faults.append(f"{KINDS[row]}: only the adapter solves")
            continue
        outcome.compared += 1
        compare(outcome, states, row, nets.net)
    return outcome


class _Plain:
    """pandapipes alone on a copy of the network."""

    def __init__(self, net: Any, model: str, junction: int) -> None:
        import pandapipes as pp

        self.net = copy.deepcopy(net)
        self._model = model
        self._used = self.net.sink.index[self.net.sink["in_service"]]
        rows = self.net.sink.loc[self._used]
        self._nominal = rows["mdot_kg_per_s"].to_numpy(dtype=float, copy=True)
        self._own = pp.create_sink(self.net, junction, 0.0)

    def solve(self, factor: np.ndarray, own: float) -> bool:
        """Return whether pandapipes solves a step."""
        from pandapipes.pf.pipeflow_setup import PipeflowNotConverged

        self.net.sink.loc[self._used, "mdot_kg_per_s"] = self._nominal * factor
        self.net.sink.loc[self._own, "mdot_kg_per_s"] = own
        for tolerance in TOLERANCES:
            try:
                plain(self.net, self._model, tol_p=tolerance, tol_m=tolerance)
            except PipeflowNotConverged:
                continue
            return True
        return False

    def below_vacuum(self) -> bool:
        """Return whether the solution on paper has a negative absolute pressure."""
        return bool((self.net.res_junction["p_bar"] < -0.99).any())


def compare(outcome: Outcome, states: GridStates, row: int, net: Any) -> None:
    """Note the largest difference of every column that pandapipes has too, and of power."""
    power_kw = _power_kw(net)
    outcome.worst["power_kw"] = max(
        outcome.worst.get("power_kw", 0.0), abs(float(states.auxiliary_kw[row]) - power_kw)
    )
    if not outcome.worst["power_kw"] <= RELATIVE * (1.0 + power_kw):
        outcome.faults.append(f"{KINDS[row]}: compressors off by {outcome.worst['power_kw']} kW")
    slow_flow, slow_speed = _slow(net) if outcome.model == "swamee-jain" else (0.0, 0.0)
    for column in states.fields:
        if (column.element, column.quantity) in DERIVED:
            continue
        table = net[f"res_{column.element}"]
        expected = table.loc[column.ids, column.quantity].to_numpy(dtype=float)
        found = column.values[row]
        missing = np.isnan(expected) != np.isnan(found)
        if missing.any():
            ids = column.ids[missing][:5].tolist()
            outcome.faults.append(f"{KINDS[row]}: {column.element}.{column.quantity} of {ids}")
        difference = float(np.nanmax(np.abs(expected - found), initial=0.0))
        key = column.quantity
        outcome.worst[key] = max(outcome.worst.get(key, 0.0), difference)
        gate = GATES[key]
        if key.startswith("p_") and outcome.model == "colebrook":
            gate += COLEBROOK * float(np.ptp(net.res_junction["p_bar"].dropna()))
        if not key.startswith("p_"):
            gate = max(gate, slow_speed if key.startswith("v_") else slow_flow)
            gate = max(gate, RELATIVE * float(np.nanmax(np.abs(expected), initial=0.0)))
        if not difference <= gate:
            outcome.faults.append(f"{KINDS[row]}: {key} off by {difference:.2e}, gate {gate:.1e}")


def _power_kw(net: Any) -> float:
    """Return the power of all compressors and pumps, as far as the gas has a molar mass."""
    tables = [t for t in ("compressor", "pump") if t in net and len(net[t])]
    return 1e3 * float(sum(np.nansum(net[f"res_{t}"]["compr_power_mw"]) for t in tables))


def _slow(net: Any) -> tuple[float, float]:
    """Return flow (kg/s) and speed (m/s) by which two solutions of slow pipes may differ."""
    found = net.res_pipe
    slow = (found["reynolds"] < SLOW_REYNOLDS).to_numpy()
    if not slow.any():
        return 0.0, 0.0
    viscosity = float(np.max(net.fluid.get_viscosity(net.junction["tfluid_k"].to_numpy())))
    diameter = net.pipe["inner_diameter_mm"].to_numpy(dtype=float)[slow] / 1e3
    flow = 2.0 * SLOW_REYNOLDS * viscosity * np.pi / 4.0 * diameter.max()
    density = float(np.ravel(net.fluid.get_density(273.15))[0])
    return float(flow), float(2.0 * SLOW_REYNOLDS * viscosity / density / diameter.min())
