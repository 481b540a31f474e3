"""The gas network adapter: pressures and velocities from pandapipes' pipe equation.

Sign: terminals and background speak kW (lower heating value) injected, positive into the
network; pandapipes' sinks count withdrawal as positive and its external grids count what they
absorb as positive, so `slack_kw = -sum(ext_grid.mdot_kg_per_s)`.

Result columns are those of pandapipes plus the derived `pipe.v_max_m_per_s`, the larger of
|v_from| and |v_to|: the velocity of the gas at the actual pressure of the end where that pressure
is lower. This is the velocity that the limit is about.

Losses are zero (tight pipes); auxiliary power is that of compressors, isentropic as pandapipes
computes it.

A step that was solved but is not physical (negative gauge pressure, feed-in above offtake,
customers that no external grid reaches, a pressure control that lifts) is listed as a failure
with `converged` true and keeps its values, so that it can still be linearised; a step without
any solution is NaN.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cosim.errors import GridError
from cosim.grids.base import Engine
from cosim.grids.gas.batch import GasBatch
from cosim.grids.gas.columns import (
    POLE_TEXT,
    GasColumns,
    batch_columns,
    fields_of,
    gate,
    pole_note,
    replace_rows,
)
from cosim.grids.gas.composition import Exchange, compose
from cosim.grids.gas.coverage import unsupported
from cosim.grids.gas.export import network_json, setpoints_frame, states_frame
from cosim.grids.gas.limits import gas_limits
from cosim.grids.gas.linearise import auxiliary_gradients, gradients, injection_of
from cosim.grids.gas.model import GasModel, Setpoints
from cosim.grids.gas.net import read_arrays
from cosim.grids.gas.reference import run_reference
from cosim.grids.imports import engine
from cosim.records import (
    GridStates,
    Injections,
    Limit,
    NetworkInputs,
    Sensitivities,
    StepFailure,
    Target,
    read_only,
)
from cosim.records.time import FloatArray, IntArray


class GasGrid:
    """A gas network that can be verified, linearised and written down."""

    def __init__(self, inputs: NetworkInputs) -> None:
        self._inputs = inputs
        self._model = GasModel(inputs)
        self._batch, self._reasons = _batch_of(self._model)
        self._limits = gas_limits(self._model, self._batch)
        self._version = _version()

    @property
    def inputs(self) -> NetworkInputs:
        """The resolved description that the adapter was built from."""
        return self._inputs

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Pressure at all supplied junctions in service, velocity of all pipes, feed-in."""
        return self._limits

    def verify(self, injections: Injections, engine: Engine = "fast") -> GridStates:
        """Evaluate every step of `injections` with the batch or with pandapipes."""
        setpoints = self._model.setpoints(injections)
        exchange = self._model.exchange(setpoints, injections.steps.size)
        draw = exchange.gas + exchange.hydrogen - exchange.draw
        notes: tuple[str, ...] = self._unsupplied_note()
        exhausted = np.full(injections.steps.size, -1, dtype=np.int64)
        if engine == "reference" or self._batch is None:
            columns = run_reference(self._model, setpoints, injections.steps.size)
            name = f"pandapipes {self._version}"
            if engine == "fast":
                found = ", ".join(self._reasons)
                notes = (f"the batch does not cover {found}: pandapipes computed all steps", *notes)
        else:
            columns, exhausted, more = self._run_batch(setpoints, exchange)
            name, notes = "cosim batch", (*more, *pole_note(columns), *notes)
        return self._states(injections, columns, draw, exhausted, name, notes)

    def linearise(self, states: GridStates, targets: tuple[Target, ...]) -> Sensitivities:
        """Return exact first-order sensitivities of every target; losses have none."""
        injections = states.injections
        count, steps = len(self._inputs.terminals), injections.steps.size
        row_of_step = {int(step): row for row, step in enumerate(injections.steps)}
        rows = np.array([row_of_step[t.step] for t in targets], dtype=np.int64)
        zeros = read_only(np.zeros((steps, count)))
        auxiliary = zeros
        if self._model.charged:
            auxiliary = read_only(auxiliary_gradients(self._model, self._batch, injections))
        slopes = gradients(self._model, self._batch, injections, targets, rows)
        return Sensitivities(
            grid=self._inputs.name,
            terminals=injections.terminals,
            injections=injections,
            targets=targets,
            value=read_only([_value(states, t, row) for t, row in zip(targets, rows, strict=True)]),
            d_dp_per_kw=read_only(slopes),
            d_dq_per_kvar=read_only(np.zeros((len(targets), count))),
            d_loss_dp=zeros,
            d_loss_dq=zeros,
            d_auxiliary_dp=auxiliary,
            loss_kw=states.loss_kw,
            auxiliary_kw=states.auxiliary_kw,
        )

    def setpoints_frame(self, injections: Injections) -> pd.DataFrame:
        """Return `mdot_kg_per_s` of every sink and source that is in service."""
        setpoints = self._blended(injections)
        return setpoints_frame(setpoints, self._inputs.time, injections.steps)

    def states_frame(self, states: GridStates) -> pd.DataFrame:
        """Return the columns that pandapipes has too."""
        return states_frame(states, self._inputs.time)

    def network_json(self, injections: Injections) -> str:
        """Return the network with its profiles; time step k is the k-th step given."""
        return network_json(self._model, self._blended(injections))

    def _blended(self, injections: Injections) -> tuple[Setpoints, ...]:
        """Return set-points whose customers draw the blend that reaches them."""
        setpoints = self._model.setpoints(injections)
        if self._model.blend is None:
            return setpoints
        exchange = self._model.exchange(setpoints, injections.steps.size)
        if self._batch is None:
            w = run_reference(self._model, setpoints, injections.steps.size).hydrogen.T
        else:
            w = compose(self._batch, self._model.blend, exchange)
        return self._model.blended(setpoints, w)

    def _run_batch(
        self, setpoints: tuple[Setpoints, ...], exchange: Exchange
    ) -> tuple[GasColumns, IntArray, tuple[str, ...]]:
        """Return columns, the node where pressure runs out, and what pandapipes had to do."""
        assert self._batch is not None
        injection, w = injection_of(self._model, self._batch, exchange)
        result = self._batch.solve(self._batch.on_nodes(injection))
        columns = batch_columns(self._batch.arrays, result, w)
        open_rows = np.flatnonzero(~result.solved & (result.exhausted < 0))
        if not open_rows.size:
            return columns, result.exhausted, ()
        part = tuple(s.rows(open_rows) for s in setpoints)
        replace_rows(columns, open_rows, run_reference(self._model, part, open_rows.size))
        note = f"pandapipes computed {open_rows.size} step(s) that the batch could not balance"
        return columns, result.exhausted, (note,)

    def _states(
        self,
        injections: Injections,
        columns: GasColumns,
        draw: FloatArray,
        exhausted: IntArray,
        engine: str,
        notes: tuple[str, ...],
    ) -> GridStates:
        """Return the states of all steps, those without a physical solution with the reason."""
        model = self._model
        surplus = model.settings.limits.feed_in_tolerance_kw * model.kg_per_s_per_kw
        failures = [
            StepFailure(
                int(injections.steps[row]),
                self._why(columns, int(row), int(exhausted[row])),
                converged=False,
            )
            for row in np.flatnonzero(~columns.solved)
        ]
        failures += gate(columns, injections.steps, draw, surplus)
        slack = -_energy_kg_per_s(model, columns).sum(axis=1) / model.kg_per_s_per_kw
        return GridStates(
            grid=self._inputs.name,
            engine=engine,
            injections=injections,
            fields=fields_of(columns, model.blend),
            loss_kw=read_only(np.where(columns.solved, 0.0, np.nan)),
            slack_kw=read_only(slack),
            auxiliary_kw=read_only(columns.auxiliary_kw),
            failures=tuple(sorted(failures, key=lambda failure: failure.step)),
            notes=notes,
        )

    def _why(self, columns: GasColumns, row: int, node: int) -> str:
        if row in columns.poles:
            return POLE_TEXT.format(columns.poles[row])
        ids = self._model.net.junction.index
        if 0 <= node < len(ids):
            return f"the pressure runs out on the way to junction {ids[node]}: offtake is too high"
        return "pandapipes found no pressures and flows for these withdrawals"

    def _unsupplied_note(self) -> tuple[str, ...]:
        if self._batch is None:
            return ()
        arrays = self._batch.arrays
        junctions = arrays.junction_ids.size
        dead = arrays.active[:junctions] & ~self._batch.supplied[:junctions]
        if not dead.any():
            return ()
        listed = ", ".join(str(int(i)) for i in arrays.junction_ids[dead][:5])
        return (f"{int(dead.sum())} junction(s) have no external grid, such as {listed}",)


def _batch_of(model: GasModel) -> tuple[GasBatch | None, tuple[str, ...]]:
    """Return the batch solver, or why there is none."""
    reasons = unsupported(model.net)
    if reasons:
        return None, reasons
    batch = GasBatch(read_arrays(model.net, model.settings.friction_model))
    return (None, batch.lost) if batch.lost else (batch, ())


def _energy_kg_per_s(model: GasModel, columns: GasColumns) -> FloatArray:
    """Return the flow of external grids in kg/s of gas without hydrogen, shape (T, e)."""
    flow = columns.ext_kg_per_s
    if model.blend is None:
        return flow
    junctions = model.net.ext_grid.loc[columns.ext_ids, "junction"]
    w = columns.hydrogen[:, pd.Index(columns.junction_ids).get_indexer(junctions)]
    return np.where(flow > 0.0, flow / model.blend.mass(np.nan_to_num(w)), flow)


def _value(states: GridStates, target: Target, row: int) -> float:
    column = states.get(target.element, target.quantity)
    where = np.flatnonzero(column.ids == target.id)
    if not where.size:
        raise GridError(f"no {target.element} {target.id}", grid=states.grid)
    return float(column.values[row, where[0]])


def _version() -> str:
    return str(engine("pandapipes").__version__)
