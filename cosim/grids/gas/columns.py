"""Result columns of a gas network, from the batch or from pandapipes, and the sanity gate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cosim.grids.gas.batch import BatchResult
from cosim.grids.gas.blend import Blend
from cosim.grids.gas.devices import compressor_kw, control_remarks, pole_pipes, some
from cosim.grids.gas.net import GasArrays
from cosim.records import StateField, StepFailure, read_only
from cosim.records.time import FloatArray, IntArray

PIPE_COLUMNS = (
    "v_from_m_per_s",
    "v_to_m_per_s",
    "v_mean_m_per_s",
    "p_from_bar",
    "p_to_bar",
    "mdot_from_kg_per_s",
)
DERIVED = frozenset({("pipe", "v_max_m_per_s"), ("junction", "hydrogen_fraction")})
"""Columns that pandapipes does not have: the larger of |v_from| and |v_to|, and the blend."""
POLE_TEXT = (
    "pipe {} all but stands still, where the Swamee-Jain formula has a pole (Re near 7): "
    "choose friction_model: colebrook"
)
GAUGE_TOLERANCE_BAR = 1e-9
DRAW_TOLERANCE_KG_PER_S = 1e-12


@dataclass(frozen=True, slots=True)
class GasColumns:
    """Raw results over T steps; the arrays are filled while a verification runs.

    Attributes:
        junction_ids: shape (j,).
        pipe_ids: shape (p,).
        ext_ids: external grids in service, shape (e,).
        p_bar: gauge pressure, shape (T, j).
        pipe: the columns of `PIPE_COLUMNS`, each of shape (T, p).
        ext_kg_per_s: pandapipes' sign (negative delivers into the network), shape (T, e).
        auxiliary_kw: compressor power, shape (T,).
        solved: shape (T,).
        hydrogen: mass fraction at every junction, NaN where gas stands still, shape (T, j).
        remarks: row -> why a converged step is not physical.
        poles: row -> pipe whose pressure drop is an artefact of the friction formula.
    """

    junction_ids: IntArray
    pipe_ids: IntArray
    ext_ids: IntArray
    p_bar: FloatArray
    pipe: dict[str, FloatArray]
    ext_kg_per_s: FloatArray
    auxiliary_kw: FloatArray
    solved: np.ndarray
    hydrogen: FloatArray
    remarks: dict[int, str] = field(default_factory=dict)
    poles: dict[int, int] = field(default_factory=dict)


def empty_columns(net: Any, steps: int) -> GasColumns:
    """Return columns full of NaN for a pandapipes network."""
    grids = net.ext_grid[net.ext_grid["in_service"]]
    pipes = len(net.pipe)
    return GasColumns(
        junction_ids=read_only(net.junction.index, np.int64),
        pipe_ids=read_only(net.pipe.index, np.int64),
        ext_ids=read_only(grids.index, np.int64),
        p_bar=np.full((steps, len(net.junction)), np.nan),
        pipe={name: np.full((steps, pipes), np.nan) for name in PIPE_COLUMNS},
        ext_kg_per_s=np.full((steps, len(grids)), np.nan),
        auxiliary_kw=np.full(steps, np.nan),
        solved=np.zeros(steps, dtype=bool),
        hydrogen=np.full((steps, len(net.junction)), np.nan),
    )


def batch_columns(arrays: GasArrays, result: BatchResult, w: FloatArray) -> GasColumns:
    """Return the columns that pandapipes would show for a batch solution.

    Args:
        arrays: of the network.
        result: of all steps.
        w: mass fraction of hydrogen, shape (j, T).
    """
    junctions = arrays.junction_ids.size
    gauge = result.p_abs_bar[:junctions] - arrays.ambient_bar[:junctions, None]
    power = np.nansum(compressor_kw(arrays, result), axis=0)
    return GasColumns(
        junction_ids=arrays.junction_ids,
        pipe_ids=arrays.pipe_ids,
        ext_ids=arrays.ext_ids,
        p_bar=gauge.T,
        pipe=_pipe_columns(arrays, result),
        ext_kg_per_s=-result.source_kg_per_s.T,
        auxiliary_kw=np.where(result.solved, power, np.nan),
        solved=result.solved.copy(),
        hydrogen=w.T.copy(),
        remarks=control_remarks(arrays, result),
        poles=pole_pipes(arrays, result),
    )


def _pipe_columns(arrays: GasArrays, result: BatchResult) -> dict[str, FloatArray]:
    """Return the columns of every pipe, its sections put together; shape (steps, pipes) each."""
    branch, p_abs = arrays.branches, result.p_abs_bar
    used = arrays.pipe_first >= 0
    first = np.where(used, arrays.pipe_first, 0)
    last = first + np.where(used, arrays.pipe_sections - 1, 0)
    if not branch.from_node.size:
        steps = p_abs.shape[1]
        return {name: np.full((steps, used.size), np.nan) for name in PIPE_COLUMNS}
    mdot = np.where(used[:, None], result.mdot_kg_per_s[first], np.nan)
    p_from, p_to = p_abs[branch.from_node[first]], p_abs[branch.to_node[last]]
    ambient = arrays.ambient_bar

    def speed(factor: FloatArray, pressure: FloatArray) -> FloatArray:
        """Return the speed in m/s at an absolute pressure in bar, shape (pipes, steps)."""
        z = arrays.z0 + arrays.z1 * pressure
        return np.asarray(mdot * factor[:, None] * z / pressure, dtype=np.float64)

    mean = speed(branch.speed_mean[first], _mean_pressure(p_from, p_to))
    cut = np.flatnonzero(used & (arrays.pipe_sections > 1))
    for pipe in cut:
        rows = np.arange(first[pipe], last[pipe] + 1)
        middle = _mean_pressure(p_abs[branch.from_node[rows]], p_abs[branch.to_node[rows]])
        z = (arrays.z0 + arrays.z1 * middle) / middle
        mean[pipe] = mdot[pipe] * np.mean(branch.speed_mean[rows][:, None] * z, axis=0)
    gone = ~used[:, None] | np.isnan(mdot)
    return {
        "v_from_m_per_s": speed(branch.speed_from[first], p_from).T,
        "v_to_m_per_s": speed(branch.speed_to[last], p_to).T,
        "v_mean_m_per_s": mean.T,
        "p_from_bar": np.where(gone, np.nan, p_from - ambient[branch.from_node[first], None]).T,
        "p_to_bar": np.where(gone, np.nan, p_to - ambient[branch.to_node[last], None]).T,
        "mdot_from_kg_per_s": mdot.T,
    }


def _mean_pressure(p_from: FloatArray, p_to: FloatArray) -> FloatArray:
    """Return pandapipes' mean pressure for results: the inlet's where both are all but equal."""
    total = p_from + p_to
    mean = 2.0 / 3.0 * (total - p_from * p_to / total)
    return np.where(np.abs(p_from - p_to) <= 1e-8 + 1e-5 * np.abs(p_to), p_from, mean)


def replace_rows(columns: GasColumns, rows: IntArray, other: GasColumns) -> None:
    """Overwrite some steps with those of another engine."""
    columns.p_bar[rows] = other.p_bar
    for name in PIPE_COLUMNS:
        columns.pipe[name][rows] = other.pipe[name]
    columns.ext_kg_per_s[rows] = other.ext_kg_per_s
    columns.auxiliary_kw[rows] = other.auxiliary_kw
    columns.solved[rows] = other.solved
    columns.hydrogen[rows] = other.hydrogen
    for key, text in other.remarks.items():
        columns.remarks[int(rows[key])] = text


def fields_of(columns: GasColumns, blend: Blend | None) -> tuple[StateField, ...]:
    """Return the columns as records, the derived ones last.

    `junction.hydrogen_fraction` is by volume and only there where hydrogen may be fed in.
    """
    found = [StateField("junction", "p_bar", columns.junction_ids, read_only(columns.p_bar))]
    for name in PIPE_COLUMNS:
        found.append(StateField("pipe", name, columns.pipe_ids, read_only(columns.pipe[name])))
    found.append(
        StateField("ext_grid", "mdot_kg_per_s", columns.ext_ids, read_only(columns.ext_kg_per_s))
    )
    fastest = np.maximum(
        np.abs(columns.pipe["v_from_m_per_s"]), np.abs(columns.pipe["v_to_m_per_s"])
    )
    found.append(StateField("pipe", "v_max_m_per_s", columns.pipe_ids, read_only(fastest)))
    if blend is not None:
        fraction = blend.volume_fraction(columns.hydrogen)
        fraction = read_only(np.where(np.isnan(columns.p_bar), np.nan, fraction))
        found.append(StateField("junction", "hydrogen_fraction", columns.junction_ids, fraction))
    return tuple(found)


def gate(
    columns: GasColumns, steps: IntArray, draw_kg_per_s: FloatArray, surplus_kg_per_s: float
) -> list[StepFailure]:
    """Return the converged steps whose state exists on paper only, naming the element.

    Args:
        columns: results.
        steps: positions on the time axis, shape (T,).
        draw_kg_per_s: mass flow into every junction, shape (j, T).
        surplus_kg_per_s: what an external grid may absorb before it counts.
    """
    failures = []
    for row in np.flatnonzero(columns.solved).tolist():
        reasons = [
            _stranded(columns, draw_kg_per_s, row),
            _below_ambient(columns, row),
            _absorbing(columns, row, surplus_kg_per_s),
            columns.remarks.get(row, ""),
        ]
        text = "; ".join(reason for reason in reasons if reason)
        if text:
            failures.append(StepFailure(int(steps[row]), text, converged=True))
    return failures


def _stranded(columns: GasColumns, draw: FloatArray, row: int) -> str:
    dead = np.isnan(columns.p_bar[row]) & (np.abs(draw[:, row]) > DRAW_TOLERANCE_KG_PER_S)
    if not dead.any():
        return ""
    listed = some(columns.junction_ids[dead])
    return f"no external grid reaches junction {listed}, where gas is drawn or fed in"


def _below_ambient(columns: GasColumns, row: int) -> str:
    pressure = columns.p_bar[row]
    low = np.nan_to_num(pressure, nan=0.0) < -GAUGE_TOLERANCE_BAR
    if not low.any():
        return ""
    worst = int(np.nanargmin(pressure))
    text = (
        f"gauge pressure is negative at {int(low.sum())} junction(s), "
        f"worst {pressure[worst]:.3f} bar at junction {columns.junction_ids[worst]}"
    )
    return f"{text}; {POLE_TEXT.format(columns.poles[row])}" if row in columns.poles else text


def _absorbing(columns: GasColumns, row: int, surplus: float) -> str:
    flow = columns.ext_kg_per_s[row]
    back = np.flatnonzero(flow > surplus)
    return "; ".join(
        f"ext_grid {columns.ext_ids[k]} would have to absorb {flow[k]:.6f} kg/s: "
        "feed-in is above offtake"
        for k in back
    )


def pole_note(columns: GasColumns) -> tuple[str, ...]:
    """Return what to tell where pressures are an artefact of the friction formula."""
    if not columns.poles:
        return ()
    pipe = max(columns.poles.values(), key=list(columns.poles.values()).count)
    text = f"at {len(columns.poles)} step(s) more than 1 mbar of a pressure drop is an artefact"
    return (f"{text}: {POLE_TEXT.format(pipe)}",)
