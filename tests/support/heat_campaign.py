"""Compare a heat network's adapter with plain pandapipes over steps that could not differ more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cosim.grids.base import Engine
from cosim.grids.heat import HeatGrid
from cosim.grids.heat.fast import solve_fast
from cosim.records import GridStates
from tests.support.heat import at, build, inject, run

KINDS = (
    "full load",
    "random",
    "no load at some",
    "20 %",
    "5 %",
    "2 %",
    "some at 0.1 %",
    "one feeds in a little",
    "one feeds in a third",
    "two feed in a fifth each",
)
TIGHT = {"tol_m": 1e-9, "tol_p": 1e-8, "tol_T": 1e-6, "tol_res": 1e-5}
LADDER: tuple[Mapping[str, float], ...] = ({"iter": 60}, {"iter": 200, "alpha": 0.5})
GATES = {
    "t_k": 1e-4, "t_from_k": 1e-4, "t_to_k": 1e-4, "t_outlet_k": 1e-4,
    "p_bar": 1e-5, "p_from_bar": 1e-5, "p_to_bar": 1e-5,
    "mdot_from_kg_per_s": 1e-5, "v_mean_m_per_s": 1e-5,
}  # fmt: skip
"""Largest differences, K, bar, kg/s, m/s; heat is compared with 1e-5 of what is drawn."""
HEAT_GATE = 1e-5


@dataclass
class Outcome:
    """What a campaign on one network found.

    Attributes:
        name: network.
        junctions: their number.
        loops: of open pipes and other branches.
        engine: of the adapter.
        notes: of the adapter.
        steps: how many.
        failed: steps that the adapter reports as failures.
        taken_over: steps that the adapter gave to pandapipes; not compared.
        open: steps that plain pandapipes does not solve, from whichever start.
        worst: column -> largest difference.
        faults: gates that were missed.
    """

    name: str
    junctions: int
    loops: int
    engine: str
    notes: tuple[str, ...]
    steps: int
    failed: int = 0
    taken_over: int = 0
    open: int = 0
    worst: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def loads(full_kw: np.ndarray, seed: int) -> np.ndarray:
    """Return heat drawn, negative where fed in, one row per kind."""
    rng = np.random.default_rng(seed)
    size = len(full_kw)
    some = rng.random(size) < 0.3
    some[rng.integers(size)] = True
    base = full_kw * rng.uniform(0.5, 1.0, size)
    rows = [
        full_kw,
        base,
        np.where(some, 0.0, base),
        0.2 * base,
        0.05 * base,
        0.02 * base,
        np.where(some, 0.001, 0.6) * base,
    ]
    one, two = rng.choice(size, 2, replace=False)
    for share, feeders in ((0.02, [one]), (0.33, [one]), (0.2, [one, two])):
        row = base.copy()
        row[feeders] = 0.0
        row[feeders] = -share * row.sum()
        rows.append(row)
    return np.stack(rows)


def grid_of(
    net: Any, folder: Path, settings: Mapping[str, Any], seed: int = 0
) -> tuple[HeatGrid, np.ndarray]:
    """Return an adapter whose consumers all are terminals, and what they draw, kW."""
    full = np.abs(net.heat_consumer["qext_w"].to_numpy(dtype=float)) / 1e3
    terminals = [at(f"t{k}", int(id_)) for k, id_ in enumerate(net.heat_consumer.index)]
    grid = build(net, folder, terminals, steps=len(KINDS), settings=dict(settings))
    return grid, loads(full, seed)


def compare(
    name: str,
    net: Any,
    folder: Path,
    settings: Mapping[str, Any] | None = None,
    engine: Engine = "fast",
    rows: Sequence[int] = range(len(KINDS)),
) -> Outcome:
    """Run the adapter and plain pandapipes over all steps, or some of them."""
    grid, drawn = grid_of(net, folder, settings or {})
    states = grid.verify(inject(grid, -drawn), engine)
    loops = 0 if grid.net.mesh.mesh is None else len(grid.net.mesh.mesh.chord)
    outcome = Outcome(
        name,
        len(net.junction),
        loops,
        states.engine,
        states.notes,
        len(rows),
    )
    failed = {failure.step for failure in states.failures}
    pipes = grid.net.fresh()
    own = owned(grid, states) if engine == "fast" else np.ones(len(drawn), dtype=bool)
    for row in rows:
        outcome.failed += row in failed
        outcome.taken_over += int(not own[row])
        if row in failed or not own[row]:
            continue
        if not solve_plainly(grid, pipes, states, row):
            outcome.open += 1
            continue
        _compare_row(grid, pipes, states, row, outcome)
    return outcome


def owned(grid: HeatGrid, states: GridStates) -> np.ndarray:
    """Return the steps that the batch has not given to pandapipes, shape (T,)."""
    if grid.net.kernel == "none":
        return np.ones(len(states.loss_kw), dtype=bool)
    fast = solve_fast(grid.net, grid._consumers.demand(states.injections))
    return fast.solved & ~fast.doubtful


def solve_plainly(grid: HeatGrid, pipes: Any, states: GridStates, row: int) -> bool:
    """Run plain pandapipes with heat and return temperatures; flows only of those who feed in."""
    demand = grid._consumers.demand(states.injections)
    flow = states.get("heat_consumer", "mdot_from_kg_per_s").values[row]
    given = demand.feeds(grid.net.sense)[row] | (grid.net.sense < 0.0) & (demand.q_w[row] != 0.0)
    pipes.heat_consumer["qext_w"] = demand.q_w[row]
    pipes.heat_consumer["treturn_k"] = np.where(given, np.nan, demand.t_out_k[row])
    pipes.heat_consumer["controlled_mdot_kg_per_s"] = np.where(given, flow, np.nan)
    bypasses = grid.net.bypasses
    if len(bypasses.rows):
        place = grid.net.fittings["flow_control"].place
        assert place is not None
        ours = states.get("flow_control", "mdot_from_kg_per_s").values[row]
        ids = pipes.flow_control.index[bypasses.rows]
        pipes.flow_control.loc[ids, "controlled_mdot_kg_per_s"] = ours[bypasses.rows]
    cold = grid.net.net.junction["tfluid_k"].to_numpy()
    found = states.get("junction", "t_k").values[row]
    warm = np.where(np.isfinite(found), found, grid.net.plant.ambient_k)
    for start in (cold, warm):
        for options in LADDER:
            pipes.junction["tfluid_k"] = start
            if run(pipes, use_numba=False, **{**TIGHT, **options}):
                return True
    return False


def _compare_row(
    grid: HeatGrid, pipes: Any, states: GridStates, row: int, outcome: Outcome
) -> None:
    reached = grid.net.mesh.reached
    drawn_w = float(np.abs(grid._consumers.demand(states.injections).q_w[row]).sum())
    for column in states.fields:
        table = pipes[f"res_{column.element}"]
        if column.quantity not in table:
            continue
        plain, ours = table[column.quantity].to_numpy(dtype=float), column.values[row]
        if column.element == "junction":
            plain = np.where(reached, plain, np.nan)
        both = np.isfinite(plain) & np.isfinite(ours)
        cut_off = column.quantity in ("t_from_k", "t_to_k")  # pandapipes shows where it started
        if (np.isfinite(plain) != np.isfinite(ours)).any() and not cut_off:
            outcome.faults.append(f"{KINDS[row]}: {column.element}.{column.quantity} missing")
        off = float(np.abs(plain - ours)[both].max(initial=0.0))
        key = f"{column.element}.{column.quantity}"
        gate = GATES.get(column.quantity, HEAT_GATE * drawn_w)
        if column.quantity not in GATES:
            off, gate = off / max(drawn_w, 1.0), HEAT_GATE
        outcome.worst[key] = max(outcome.worst.get(key, 0.0), off)
        if not off <= gate:
            outcome.faults.append(f"{KINDS[row]}: {key} off by {off:.1e}")
